"""What people tell a run while it works: pause, resume, cancel, step, rate, break (experiments.md, same heading)."""

import math
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

import anyio

from planner.recommend import Leader
from planner.rules import MAX_ATTRIBUTES
from planner.trace import Trace, path_masks

VERBS = ("pause", "resume", "cancel", "step", "rate", "break")

_SHOW_SECONDS = 0.1
"""A search that waits at least so long for its next rollout is shown first."""

Publish = Callable[[Trace], Awaitable[None]]
"""Is told the trace so far of a search that takes a while."""


class CommandError(ValueError):
    """A command makes no sense; the message says why in one line."""


class Searching(Protocol):
    """What control needs to know of a planner."""

    @property
    def trace(self) -> Trace:
        """What has happened so far."""
        ...


class Control:
    """How a run is held and let go. It knows no database: a run polls for commands and has them obeyed here.

    Searches wait before a rollout, everything else before a unit. What is under way then goes on to its end.

    Fields:
        paused: nothing begins but what was stepped.
        rate: rollouts per second of each search, 0 = no limit.
        breakpoint: pauses the run when the best subset of a search changes (`best`), or when a path passes through a
            subset (its mask); None = none.
        cancelled: the run is to stop, and can be resumed.
        searching: searches are under way or to come, so that the verbs about rollouts make sense.
        free: nothing of all this is the case, so nobody need ask.
    """

    def __init__(self, *, paused: bool = False, rate: float = 0.0) -> None:
        self.paused, self.rate, self.cancelled, self.searching = paused, rate, False, True
        self.breakpoint: int | str | None = None
        self._early = 0  # rollouts stepped before any search was under way
        self._paces: set[Pace] = set()
        self._change = anyio.Event()
        self._settle()

    def obey(self, verb: str, argument: str = "") -> None:
        """Do what a command says.

        Raises:
            CommandError: there is no such verb, its argument can't be read, or there is nothing that it could mean now.
        """
        if verb not in VERBS:
            raise CommandError(f"there is no verb {verb!r}: there are {', '.join(VERBS)}")
        if verb in ("pause", "resume", "cancel"):
            if argument:
                raise CommandError(f"{verb} takes no argument")
        elif not self.searching:
            raise CommandError(f"{verb}: no search is under way or to come")
        if verb == "pause":
            self.pause()
        elif verb == "resume":
            self._resume()
        elif verb == "step":
            self._step(_count(argument))
        elif verb == "rate":
            self.rate = read_rate(argument)
        elif verb == "break":
            self.breakpoint = _breakpoint(argument)
        else:
            self.cancelled = True
        self._settle()

    def pause(self) -> None:
        """Hold everything that has not begun; steps that were not taken yet are forgotten."""
        self.paused, self._early = True, 0
        for pace in self._paces:
            pace.hold()
        self._settle()

    async def unit(self) -> None:
        """Return when a unit without rollouts may begin."""
        while self.paused:
            await self.changed()

    @contextmanager
    def search(self, publish: Publish | None = None) -> "Iterator[Pace]":
        """Keep a search under control: it asks the pace before each rollout, and `publish` shows it when it waits."""
        pace = Pace(self, publish, self._early)
        self._early = 0
        self._paces.add(pace)
        try:
            yield pace
        finally:
            self._paces.discard(pace)

    async def changed(self) -> None:
        """Wait until a command was obeyed, or a breakpoint paused the run."""
        await self._change.wait()

    def _resume(self) -> None:
        if not self.paused:
            raise CommandError("it is not paused")
        self.pause()
        self.paused = False

    def _step(self, rollouts: int) -> None:
        if not self.paused:
            self.pause()
        for pace in self._paces:
            pace.grant(rollouts)
        if not self._paces:
            self._early += rollouts

    def _settle(self) -> None:
        self.free = not self.paused and not self.rate and self.breakpoint is None
        self._change.set()
        self._change = anyio.Event()


class Pace:
    """One search under control: how far it may go while the run is held, and when its next rollout is due."""

    def __init__(self, control: Control, publish: Publish | None, granted: int) -> None:
        self._control, self._publish, self._granted = control, publish, granted
        self._seen = -1  # rollouts when it last was let go
        self._published = -1
        self._until: int | None = None  # rollouts at which it is held; None until it is, and while nothing is paused
        self._went = -math.inf  # when it last was let go, in the clock's seconds
        self._leader = Leader()
        self._watched: tuple[int | str | None, int, int] = (None, 0, -1)  # breakpoint, rollouts, best subset

    def hold(self) -> None:
        """Hold the search where it is, whatever was granted."""
        self._until, self._granted = None, 0

    def grant(self, rollouts: int) -> None:
        """Let the search take so many rollouts while the run is paused."""
        self._granted += rollouts

    async def rollout(self, planner: Searching) -> None:
        """Return when the next rollout may begin; at once in the midst of one.

        A planner that asks for many rollouts at once is let go for all of them together.
        """
        control = self._control
        if control.free:
            return
        trace = planner.trace
        if trace.rollouts == self._seen:
            return
        self._seen = trace.rollouts
        self._look(trace)
        while (wait := self._wait(trace.rollouts)) > 0:
            if wait >= _SHOW_SECONDS and await self._show(trace):
                continue  # meanwhile anything may have changed
            with anyio.move_on_after(wait):
                await control.changed()
        # No wait is exact, so the schedule counts and not the clock; but nothing is made up for after a halt.
        due, now = self._went + self._interval, anyio.current_time()
        self._went = due if now - due < _SHOW_SECONDS else now

    def _wait(self, rollouts: int) -> float:
        """Return for how many seconds the search must wait unless something changes; 0 or less: not at all."""
        if self._control.paused:
            self._until = (rollouts if self._until is None else self._until) + self._granted
            self._granted = 0
            if rollouts >= self._until:
                return math.inf
        return self._went + self._interval - anyio.current_time()

    @property
    def _interval(self) -> float:
        return 1 / self._control.rate if self._control.rate else 0.0

    def _look(self, trace: Trace) -> None:
        """Pause the run if its breakpoint was met since the last look."""
        wanted = self._control.breakpoint
        if wanted is None:
            return
        before, seen, best = self._watched
        if wanted == "best":
            self._leader.feed(trace)
        self._watched = (wanted, trace.rollouts, self._leader.mask)
        if before != wanted:
            return  # it was set just now
        if wanted == "best":
            met = best not in (-1, self._leader.mask)
        else:
            met = bool((path_masks(trace.path[seen:]) == wanted).any())
        if met:
            self._control.pause()

    async def _show(self, trace: Trace) -> bool:
        """Publish what was not published yet; tell whether there was anything."""
        if self._publish is None or self._published == trace.rollouts:
            return False
        self._published = trace.rollouts
        await self._publish(trace)
        return True


def read_rate(argument: str) -> float:
    """Read rollouts per second, 0 = no limit.

    Raises:
        CommandError: it is no number of 0 or more.
    """
    try:
        rate = float(argument)
    except ValueError:
        rate = math.nan
    if not 0 <= rate < math.inf:
        raise CommandError(f"rate {argument!r}: give rollouts per second, 0 for no limit")
    return rate


def _count(argument: str) -> int:
    if argument and not (argument.isdecimal() and argument.isascii() and int(argument[:9]) > 0 and len(argument) < 9):
        raise CommandError(f"step {argument!r}: give a number of rollouts, 1 or more")
    return int(argument or 1)


def _breakpoint(argument: str) -> int | str | None:
    if argument in ("", "best"):
        return argument or None
    if not (argument.isdecimal() and argument.isascii() and 0 < int(argument[:9]) < 1 << MAX_ATTRIBUTES):
        raise CommandError(f"break {argument!r}: give `best`, a subset as a mask, or nothing to clear it")
    return int(argument)
