"""Moving through a search by itself: replay at a chosen speed, and where it stops."""

from dataclasses import dataclass, field

import numpy as np

from planner.trace import path_masks
from workbench.app.state.search import SearchState
from workbench.explain import set_words

SPEEDS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
"""Rollouts per second that can be chosen."""

GROWING_SECONDS = 6.0
"""A search that was over before anybody looked is replayed in about this time, so that its tree is seen to grow."""


@dataclass
class Breakpoints:
    """Where a replay, or a search under way, is to stop.

    Fields:
        best: when another subset becomes the best. masks: when a path passes through one of these subsets.
    """

    best: bool = False
    masks: set[int] = field(default_factory=set)

    def __bool__(self) -> bool:
        return self.best or bool(self.masks)

    def next(self, state: SearchState, after: int, until: int) -> int | None:
        """Return the first position in (after, until] at which to stop, or None."""
        until = min(until, state.trace.rollouts)
        found = [t for t in state.choice_changes[1:] if after < t <= until][:1] if self.best else []
        if self.masks and until > after:
            passes = np.isin(path_masks(state.trace.path[after:until]), list(self.masks)).any(axis=1)
            found += (np.flatnonzero(passes)[:1] + after + 1).tolist()
        return min(found, default=None)

    def why(self, state: SearchState) -> str:
        """Say which breakpoint the position meets; empty if none."""
        if not state.t:
            return ""
        if self.best and state.t in state.choice_changes[1:]:
            return f"the best subset changed at rollout {state.t}"
        passed = set(path_masks(state.trace.path[state.t - 1 : state.t])[0].tolist()) & self.masks
        if not passed:
            return ""
        return f"rollout {state.t} passed through {set_words(max(passed), state.names)}"

    def command(self) -> str:
        """Return the argument of the command `break` that means the same to a run; it knows one breakpoint at once."""
        return "best" if self.best else str(min(self.masks)) if self.masks else ""


@dataclass
class Playback:
    """A replay.

    Fields:
        playing: the position moves by itself.
        speed: rollouts per second, of `SPEEDS` or what `grow` chose.
        breakpoints: where it stops.
        stopped: why it stopped last, in words; empty after the end or a key.
    """

    playing: bool = False
    speed: float = 20.0
    breakpoints: Breakpoints = field(default_factory=Breakpoints)
    stopped: str = ""
    _owed: float = 0.0

    def play(self, state: SearchState) -> None:
        """Go on from the position, from the start if it is the end."""
        if state.at_end and not state.running:
            state.move_to(0)
        self.playing, self.stopped, self._owed = True, "", 0.0

    def grow(self, state: SearchState) -> None:
        """Replay a whole search, in a few seconds."""
        self.speed = max(10.0, state.trace.rollouts / GROWING_SECONDS)
        state.move_to(0)
        self.play(state)

    def pause(self) -> None:
        """Stay at the position."""
        self.playing = False

    def change_speed(self, step: int) -> None:
        """Take the next faster speed, or the next slower."""
        if step > 0:
            self.speed = next((s for s in SPEEDS if s > self.speed), SPEEDS[-1])
        else:
            self.speed = next((s for s in reversed(SPEEDS) if s < self.speed), SPEEDS[0])

    def advance(self, state: SearchState, seconds: float) -> bool:
        """Move on by the time that has passed; tell whether the position changed. It ends where the search does."""
        if not self.playing:
            return False
        self._owed += seconds * self.speed
        steps = int(self._owed)
        if not steps:
            return False
        self._owed -= steps
        before, goal = state.t, state.t + steps
        stop = self.breakpoints.next(state, before, goal) if self.breakpoints else None
        state.move_to(goal if stop is None else stop)
        if stop is not None:
            self.playing, self.stopped = False, self.breakpoints.why(state)
        elif state.at_end and not state.running:
            self.playing = False
        return state.t != before
