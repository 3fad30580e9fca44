"""One search that is looked at, live or stored, at a position between its first rollout and its last."""

from collections.abc import Callable
from functools import cached_property
from typing import Any

from planner.planner import Best
from planner.recommend import Course, best, best_so_far
from planner.subsets import mask_of
from planner.trace import Trace
from planner.tree import OrderTree, Tree, replay, replay_orders
from simulator.attributes import NAMES
from workbench.engine.steering.breakpoints import Breakpoints

_OF_POSITION = ("tree", "orders", "best")
_OF_TRACE = ("whole", "whole_tree", "whole_best", "course", "choice_changes")


class SearchState:
    """A search at position t: what `t` rollouts had found. What is derived is worked out once, when it is asked for.

    Fields:
        unit: its number in the store. run, scenario, domain, query, world, model, seed, judge, planner: where it came
            from, as stored (pass them through `plain` to show them); `judge` is empty while the search runs.
        trace: all of it that is known so far.
        t: the position, from 0 to `trace.rollouts`.
        following: the position moves to the end whenever more of the search is known.
        running: an engine works on it. paused: it is held; `held` says why, in words after `paused`.
        breakpoints: where its run is to stop, whoever said so.
        failed: why the search failed, if it did.
        cursor: attributes in the order asked: the node of the tree of orders under the cursor.
        names: `[n]`, what the attributes are called.
    """

    def __init__(self, trace: Trace, *, row: dict[str, Any], names: tuple[str, ...] = NAMES) -> None:
        """Look at the end of a search.

        Args:
            row: as `storage.searches.search_row` returns it.
        """
        self.unit: int = row["unit"]
        self.run: str = row["run"]
        self.scenario: str = row["scenario_id"]
        self.domain: str = row["domain"]
        self.query: str = row["query"]
        self.world: str = row["world"] or ""
        self.model: str = row["model"]
        self.seed: int = row["seed"] or 0
        self.names = names
        self.trace = trace
        self.t = trace.rollouts
        self.cursor: tuple[int, ...] = ()
        self.following = True
        self.update(row)

    def update(self, row: dict[str, Any]) -> None:
        """Take what may change while the search runs from a newer row."""
        self.planner: str = row["planner"]
        self.judge: str = row["judge"] or ""
        self.running: bool = row["state"] == "running"
        self.paused: bool = self.running and bool(row["paused"])
        self.held: str = (row["held"] or "") if self.paused else ""
        self.breakpoints = Breakpoints.read((row["breakpoints"] or "") if self.running else "")
        self.failed: str = row["error"] or ""

    def load(self, trace: Trace, *, running: bool) -> None:
        """Take a newer trace of the same search; follow it to its end if following."""
        self.trace, self.running = trace, running
        self.paused = self.paused and running
        self._forget(_OF_TRACE)
        self._place(trace.rollouts if self.following else min(self.t, trace.rollouts))

    def move_to(self, t: int) -> None:
        """Move to rollout `t`, or as near to it as there are rollouts. Following goes on only at the end."""
        t = max(0, min(t, self.trace.rollouts))
        self.following = self.following and t == self.trace.rollouts
        if t != self.t:
            self._place(t)

    def follow(self, on: bool) -> None:
        """Follow the search, which moves to its end, or stay."""
        self.following = on
        if on:
            self._place(self.trace.rollouts)

    def halt(self, key: Callable[[str], str]) -> str:
        """Say what holds the search and how it goes on; empty while nothing does. `key`: of a binding, by its id."""
        ways = f"{key('search.play')} lets it go on, {key('search.step')} takes one rollout"
        return f"{f'paused {self.held}'.rstrip()}: {ways}" if self.paused else ""

    @property
    def at_end(self) -> bool:
        """Everything known of the search is shown."""
        return self.t == self.trace.rollouts

    @property
    def cursor_mask(self) -> int:
        """The set that the order under the cursor holds."""
        return mask_of(self.cursor)

    @cached_property
    def tree(self) -> Tree:
        """The tree of sets at the position."""
        return replay(self.trace, self.t)

    @cached_property
    def orders(self) -> OrderTree:
        """The tree of orders at the position."""
        return replay_orders(self.trace, self.t)

    @cached_property
    def best(self) -> Best | None:
        """What the search would have returned at the position; None while no subset of that size was evaluated."""
        return _best(self.trace, self.t)

    @cached_property
    def whole(self) -> OrderTree:
        """The tree of orders at the end; that at the position is its beginning."""
        return replay_orders(self.trace)

    @cached_property
    def whole_tree(self) -> Tree:
        """The tree of sets at the end."""
        return replay(self.trace)

    @cached_property
    def whole_best(self) -> Best | None:
        """What the search would return at the end; None if no subset of that size was evaluated."""
        return _best(self.trace, self.trace.rollouts)

    @cached_property
    def course(self) -> Course:
        """What the search would have returned after every rollout."""
        return best_so_far(self.trace)

    @cached_property
    def choice_changes(self) -> list[int]:
        """The positions (from 1) whose last rollout made another subset the best, the first choice included."""
        return self.course.changes

    def label(self, order: tuple[int, ...]) -> str:
        """Name an order: its attributes in the order asked."""
        return " > ".join(self.names[a] for a in order) or "nothing known"

    def _place(self, t: int) -> None:
        self.t = t
        self._forget(_OF_POSITION)

    def _forget(self, names: tuple[str, ...]) -> None:
        for name in names:
            self.__dict__.pop(name, None)


def _best(trace: Trace, t: int) -> Best | None:
    try:
        return best(trace, t)
    except ValueError:
        return None
