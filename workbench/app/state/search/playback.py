"""Moving through a search by itself: replay at a chosen speed, and where it stops."""

from dataclasses import dataclass, field

import numpy as np

from workbench.app.state.search.search import SearchState
from workbench.engine.steering.breakpoints import Breakpoints
from workbench.explain import short_names

SPEEDS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
"""Rollouts per second that can be chosen."""

GROWING_SECONDS = 6.0
"""A search that was over before anybody looked is replayed in about this time, so that its tree is seen to grow."""


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
        stop = next_stop(self.breakpoints, state, before, goal) if self.breakpoints else None
        state.move_to(goal if stop is None else stop)
        if stop is not None:
            self.playing, self.stopped = False, _why(self.breakpoints, state)
        elif state.at_end and not state.running:
            self.playing = False
        return state.t != before


def next_stop(breakpoints: Breakpoints, state: SearchState, after: int, until: int) -> int | None:
    """Return the first position in (after, until] at which a breakpoint is met, or None."""
    until = min(until, state.trace.rollouts)
    found = [t for t in state.choice_changes[1:] if after < t <= until][:1] if breakpoints.best else []
    if breakpoints.masks and until > after:
        found += (np.flatnonzero(breakpoints.passed(state.trace.path[after:until]))[:1] + after + 1).tolist()
    return min(found, default=None)


def _why(breakpoints: Breakpoints, state: SearchState) -> str:
    changed = state.t in state.choice_changes[1:]
    return breakpoints.why(state.t, state.trace.path[state.t - 1], short_names(state.names), changed=changed)
