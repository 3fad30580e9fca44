"""What is open on the Search screen: a search, maybe a second one beside it, and the replay."""

from datetime import UTC, datetime
from typing import Any

from planner.trace import Trace
from workbench.app.state.search.difference import Difference, DiffMark, Side, difference
from workbench.app.state.search.playback import Playback
from workbench.app.state.search.search import SearchState

Found = tuple[Trace, int] | None
"""A trace that is newer than what was seen, with the number that says so; see `storage.searches.trace_if_new`."""

FRESH_SECONDS = 20.0
"""A search that ended so shortly before it is opened is replayed from its start: nobody has seen its tree grow."""


class SearchDesk:
    """Opens searches from what the store says about them, again and again while they run.

    Fields:
        unit: of the search that is to be shown; None = the list of searches is.
        row: what the store last said about it. state: the search, once a rollout of it is known.
        second: the search beside it.
        seen, second_seen: what was read last, for `trace_if_new`.
        playback: the replay, of both; while the search runs it stops where the run does.
    """

    def __init__(self) -> None:
        self.playback = Playback()
        self.unit: int | None = None
        self.close()

    def close(self) -> None:
        """Show the list of searches again."""
        self.playback.pause()
        self.playback.stopped = ""
        self.unit = None
        self.row: dict[str, Any] | None = None
        self.state: SearchState | None = None
        self.second: SearchState | None = None
        self.seen: int | None = None
        self.second_seen: int | None = None
        self._t: int | None = None
        self._grow = False
        self._compared: tuple[tuple[Trace, Trace, int, int], Difference] | None = None

    def open(self, unit: int, *, t: int | None = None, grow: bool = False) -> None:
        """Have another search shown, at a rollout or at its end.

        Args:
            grow: replay it from the start if it is over before anybody has seen it.
        """
        self.close()
        self.unit, self._t, self._grow = unit, t, grow

    def take(self, row: dict[str, Any], found: Found, now: float) -> bool:
        """Take what the store says about the search now; tell whether it can be shown only since then.

        Args:
            row: as `storage.searches.search_row` returns it. found: its trace, if newer than `seen`.
            now: seconds since the epoch.
        """
        over = row["state"] in ("done", "failed")
        # What was waited for, or is just over, nobody has seen.
        self._grow |= row["finished_at"] is not None and now - _seconds(row["finished_at"]) < FRESH_SECONDS
        self._grow |= not over and found is None and self.state is None
        self.row = row
        if self.state is not None:
            self.state.update(row)
            if found is not None:
                self.seen = found[1]
                self.state.load(found[0], running=row["state"] == "running")
            self._follow_breakpoints(self.state)
            return False
        if found is None:
            return False
        self.state, self.seen = SearchState(found[0], row=row), found[1]
        self._follow_breakpoints(self.state)
        if self._t is not None:
            self.state.move_to(self._t)
        elif self._grow and over:
            self.playback.grow(self.state)
        return True

    def _follow_breakpoints(self, state: SearchState) -> None:
        if state.running:  # what it has at its end stays, for the replay
            self.playback.breakpoints = state.breakpoints

    def take_second(self, row: dict[str, Any], found: Found) -> None:
        """Put a search beside the open one, or take what is new of the one that stands there."""
        if self.second is None or self.second.unit != row["unit"]:
            if found is None:
                return
            self.second = SearchState(found[0], row=row)
        else:
            self.second.update(row)
            if found is not None:
                self.second.load(found[0], running=row["state"] == "running")
        if found is not None:
            self.second_seen = found[1]

    @property
    def difference(self) -> Difference | None:
        """How the second search differs from the first at this position; None where there is none to compare."""
        left, right = self.state, self.second
        if left is None or right is None or left.trace.n != right.trace.n:
            return None
        seen = (left.trace, right.trace, left.t, right.t)
        if self._compared is None or self._compared[0] != seen:
            self._compared = seen, difference(left.trace, right.trace, (left.t, right.t))
        return self._compared[1]

    def explained(self, side: Side) -> tuple[SearchState | None, SearchState | None, Side]:
        """Return the search of one side, the other one, and the side; the other side's where only that has the set."""
        left, right = self.state, self.second
        if left is None or right is None or left.trace.n != right.trace.n:
            return left, None, "left"
        both = (left, right) if side == "left" else (right, left)
        if both[0].cursor_mask & ~both[0].trace.available:
            return both[1], None, "right" if side == "left" else "left"
        return *both, side

    def marks(self, side: Side) -> dict[int, DiffMark]:
        """Return what is to be marked in the tree of one side."""
        found = self.difference
        return {} if found is None else found.marks(side)

    def match(self) -> None:
        """Move the second search to the rollout of the first, and its cursor with it."""
        if self.state is not None and self.second is not None:
            self.second.move_to(self.state.t)
            self.second.cursor = self.state.cursor


def _seconds(iso: str) -> float:
    return datetime.fromisoformat(iso).replace(tzinfo=UTC).timestamp()
