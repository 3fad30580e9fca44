"""What people tell a run while it works: pause, resume, cancel, step, rate, break (experiments.md, same heading)."""

import math
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

import anyio

from planner.recommend import Leader
from planner.trace import Trace
from simulator.attributes import NAMES
from workbench.engine.steering.breakpoints import Breakpoints
from workbench.explain import short_names

VERBS = ("pause", "resume", "cancel", "step", "rate", "break")

BEGUN_HELD, TOLD = "from its start", "by a command"
"""Why a run is paused, where no breakpoint did it: words after `paused`."""

_NAMES = short_names(NAMES)

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
        held: why it is paused, in words after `paused`; empty while it is not.
        rate: rollouts per second of each search, 0 = no limit.
        breakpoints: each of them pauses the run when a search meets it.
        cancelled: the run is to stop, and can be resumed.
        searching: searches are under way or to come, so that the verbs about rollouts make sense.
        free: nothing of all this is the case, so nobody need ask.
    """

    def __init__(self, *, paused: bool = False, rate: float = 0.0) -> None:
        self.paused, self.rate, self.cancelled, self.searching = paused, rate, False, True
        self.held = BEGUN_HELD if paused else ""
        self.breakpoints = Breakpoints()
        self._early = 0  # rollouts stepped before any search was under way
        self._paces: set[Pace] = set()
        self._change = anyio.Event()
        self._settle()

    @property
    def state(self) -> tuple[str | None, str | None]:
        """Why it is paused, in words after `paused`, and its breakpoints as `break` takes them; None: not, none."""
        return self.held if self.paused else None, str(self.breakpoints) if self.breakpoints else None

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
            self.pause(TOLD)
        elif verb == "resume":
            self._resume()
        elif verb == "step":
            self._step(_count(argument))
        elif verb == "rate":
            self.rate = read_rate(argument)
        elif verb == "break":
            self._break(_breakpoints(argument))
        else:
            self.cancelled = True
        self._settle()

    def pause(self, why: str) -> None:
        """Hold everything that has not begun; steps that were not taken yet are forgotten."""
        self.paused, self.held, self._early = True, why, 0
        for pace in self._paces:
            pace.hold()
        self._settle()

    def halt(self, why: str) -> None:
        """Pause because a breakpoint was met; where several searches meet one at once, the first is named."""
        self.pause(f"as {why}" if self.held in ("", BEGUN_HELD, TOLD) else self.held)

    async def unit(self) -> None:
        """Return when a unit without rollouts may begin."""
        while self.paused:
            await self.changed()

    @contextmanager
    def search(self, planner: Searching, publish: Publish | None = None, name: str = "") -> "Iterator[Pace]":
        """Keep a search under control: it asks the pace before each rollout.

        Args:
            publish: shows it when it waits. name: says which one it is among those of the run.
        """
        pace = Pace(self, planner, publish, name, self._early)
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
        self.pause("")
        self.paused = False

    def _step(self, rollouts: int) -> None:
        if self.paused:
            self.held = TOLD
        else:
            self.pause(TOLD)
        for pace in self._paces:
            pace.grant(rollouts)
        if not self._paces:
            self._early += rollouts

    def _break(self, breakpoints: Breakpoints) -> None:
        self.breakpoints = breakpoints
        for pace in self._paces:
            pace.watch()

    def _settle(self) -> None:
        self.free = not self.paused and not self.rate and not self.breakpoints
        self._change.set()
        self._change = anyio.Event()


class Pace:
    """One search under control: how far it may go while the run is held, and when its next rollout is due."""

    def __init__(self, control: Control, planner: Searching, publish: Publish | None, name: str, granted: int) -> None:
        self._control, self._planner, self._publish, self._granted = control, planner, publish, granted
        self._name = name
        self._seen = -1  # rollouts when it last was let go
        self._published = -1
        self._until: int | None = None  # rollouts at which it is held; None until it is, and while nothing is paused
        self._went = -math.inf  # when it last was let go, in the clock's seconds
        self._leader = Leader()

    def hold(self) -> None:
        """Hold the search where it is, whatever was granted."""
        self._until, self._granted = None, 0

    def grant(self, rollouts: int) -> None:
        """Let the search take so many rollouts while the run is paused."""
        self._granted += rollouts

    def watch(self) -> None:
        """Look out for breakpoints from here on."""
        self._leader.feed(self._planner.trace)

    async def rollout(self) -> None:
        """Return when the next rollout may begin; at once in the midst of one.

        A planner that asks for many rollouts at once is let go for all of them together.
        """
        control = self._control
        if control.free:
            return
        trace = self._planner.trace
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
        """Pause the run if a breakpoint was met since the last look."""
        if not (wanted := self._control.breakpoints):
            return
        best = self._leader.mask
        for row, _ in enumerate(self._leader.each(trace), self._leader.rollouts):
            before, best = best, self._leader.mask
            if why := wanted.why(row + 1, trace.path[row], _NAMES, changed=before not in (-1, best)):
                self._control.halt(f"{why} ({self._name})" if self._name else why)

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


def _breakpoints(argument: str) -> Breakpoints:
    try:
        return Breakpoints.read(argument)
    except ValueError:
        allowed = "`best` and subsets as masks, with commas between them, or `none`"
        raise CommandError(f"break {argument[:40]!r}: give {allowed}") from None
