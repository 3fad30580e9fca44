"""Two searches beside each other: what one has and the other has not, and where they go apart."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple

import numpy as np

from planner.planner import Best
from planner.recommend import best, best_so_far, preference
from planner.trace import PAD, Trace
from planner.tree import Tree, replay
from workbench.explain import set_words

Side = Literal["left", "right"]
DiffMark = Literal["lost", "gained", "reranked"]
"""`lost`: only the left search has the set; `gained`: only the right one; `reranked`: both, in other places."""


class Shared(NamedTuple):
    """A set that both searches visited; left first, differences are right - left.

    Fields:
        visits: N. q: Q on 1-5, NaN where N = 0.
        rank: its place by Q among the sets of its size that both evaluated, from 1; None where one of them has N = 0.
    """

    mask: int
    visits: tuple[int, int]
    q: tuple[float, float]
    rank: tuple[int, int] | None

    @property
    def moved(self) -> int:
        """The places it rose from left to right; negative where it fell."""
        return self.rank[0] - self.rank[1] if self.rank is not None else 0


@dataclass(frozen=True)
class Difference:
    """What changes from the left search to the right one, each at its position.

    Fields:
        rollouts: the positions.
        lost, gained: sets that only the left, only the right search visited, ascending.
        shared: the sets that both visited, ascending.
        parted: the first rollout (from 1) that took other ways, the order of attributes included, or that only one of
            them has; None where there is no difference.
        best: what each would return; None while it evaluated no subset of that size.
        best_parted: the first rollout (from 1) after which they would return other subsets; None: never so far.
    """

    rollouts: tuple[int, int]
    lost: tuple[int, ...]
    gained: tuple[int, ...]
    shared: tuple[Shared, ...]
    parted: int | None
    best: tuple[Best | None, Best | None]
    best_parted: int | None

    @property
    def reranked(self) -> tuple[Shared, ...]:
        """The shared sets that stand in another place, those that moved furthest first."""
        moved = [one for one in self.shared if one.moved]
        return tuple(sorted(moved, key=lambda one: (-abs(one.moved), one.mask)))

    @cached_property
    def by_mask(self) -> dict[int, Shared]:
        """The shared sets by mask."""
        return {one.mask: one for one in self.shared}

    def marks(self, side: Side) -> dict[int, DiffMark]:
        """Return what is to be marked in the tree of one side."""
        found: dict[int, DiffMark] = {one.mask: "reranked" for one in self.reranked}
        if side == "left":
            return found | dict.fromkeys(self.lost, "lost")
        return found | dict.fromkeys(self.gained, "gained")

    def lines(self, names: Sequence[str]) -> list[str]:
        """Say in a few lines what differs."""
        lines = [self._parting(), self._bests(names)]
        lines.append(
            f"{len(self.shared)} sets in both, {len(self.lost)} only left, {len(self.gained)} only right, "
            f"{len(self.reranked)} in another place"
        )
        lines += [
            f"{set_words(one.mask, names)}: place {one.rank[0]} → {one.rank[1]}, "
            f"Q {_value(one.q[0])} → {_value(one.q[1])}, N {one.visits[0]} → {one.visits[1]}"
            for one in self.reranked[:3]
            if one.rank is not None
        ]
        return lines

    def _parting(self) -> str:
        if self.parted is None:
            return "the same rollouts"
        if self.parted > min(self.rollouts):
            longer = "left" if self.rollouts[0] > self.rollouts[1] else "right"
            return f"the same up to rollout {min(self.rollouts)}; only the {longer} one goes on"
        return f"they part at rollout {self.parted}"

    def _bests(self, names: Sequence[str]) -> str:
        left, right = self.best
        if left is None or right is None:
            return "one of them has no best subset yet" if left is not right else "neither has a best subset yet"
        if left.mask == right.mask:
            before = f", though not always since rollout {self.best_parted}" if self.best_parted is not None else ""
            return f"the same best subset{before}: {set_words(left.mask, names)} {left.q:.2f} | {right.q:.2f}"
        return (
            f"other best subsets: {set_words(left.mask, names)} {left.q:.2f} | "
            f"{set_words(right.mask, names)} {right.q:.2f}, first after rollout {self.best_parted}"
        )


def difference(left: Trace, right: Trace, at: tuple[int, int] | None = None) -> Difference:
    """Compare two searches; scenarios, rules and depths may differ, the attributes are the same.

    Args:
        at: after how many rollouts of each; default: all.

    Raises:
        ValueError: the traces have another number of attributes, or fewer rollouts than `at`.
    """
    if left.n != right.n:
        raise ValueError(f"searches of {left.n} and of {right.n} attributes have no sets in common")
    until = (left.rollouts, right.rollouts) if at is None else at
    left, right = left.until(until[0]), right.until(until[1])
    trees = replay(left), replay(right)
    masks = [set(tree.masks.tolist()) for tree in trees]
    return Difference(
        rollouts=until,
        lost=tuple(sorted(masks[0] - masks[1])),
        gained=tuple(sorted(masks[1] - masks[0])),
        shared=_shared(trees, sorted(masks[0] & masks[1])),
        parted=_parted(left, right),
        best=(_best(left), _best(right)),
        best_parted=_best_parted(left, right),
    )


def _shared(trees: tuple[Tree, Tree], masks: list[int]) -> tuple[Shared, ...]:
    ranks = [_ranks(tree, other, masks) for tree, other in (trees, trees[::-1])]
    found = []
    for mask in masks:
        nodes = [tree.node_of[mask] for tree in trees]
        left, right = (tree.visits[node] for tree, node in zip(trees, nodes, strict=True))
        q = tuple(float(tree.q[node]) for tree, node in zip(trees, nodes, strict=True))
        places = (ranks[0][mask], ranks[1][mask]) if mask in ranks[0] else None
        found.append(Shared(mask, (int(left), int(right)), (q[0], q[1]), places))
    return tuple(found)


def _ranks(tree: Tree, other: Tree, masks: list[int]) -> dict[int, int]:
    """Return the place of each shared set among those of its size, by what decides which subset is returned."""
    layers: dict[int, list[tuple[tuple[float, float, int], int]]] = {}
    for mask in masks:
        node = tree.node_of[mask]
        if tree.visits[node] and other.visits[other.node_of[mask]]:
            key = preference("q", float(tree.q[node]), int(tree.visits[node]), mask)
            layers.setdefault(mask.bit_count(), []).append((key, mask))
    return {mask: rank for layer in layers.values() for rank, (_, mask) in enumerate(sorted(layer, reverse=True), 1)}


def _parted(left: Trace, right: Trace) -> int | None:
    both, width = min(left.rollouts, right.rollouts), max(left.depth, right.depth)
    paths = [
        np.pad(trace.path[:both], ((0, 0), (0, width - trace.depth)), constant_values=PAD) for trace in (left, right)
    ]
    rows = np.flatnonzero((paths[0] != paths[1]).any(axis=1))
    if len(rows):
        return int(rows[0]) + 1
    return both + 1 if left.rollouts != right.rollouts else None


def _best(trace: Trace) -> Best | None:
    try:
        return best(trace)
    except ValueError:
        return None


def _best_parted(left: Trace, right: Trace) -> int | None:
    """Compare what would be returned after every rollout; a search that has ended stands by its last word."""
    courses = [np.append(-1, best_so_far(trace).mask) for trace in (left, right)]
    longest = max(map(len, courses))
    padded = [np.pad(course, (0, longest - len(course)), mode="edge") for course in courses]
    return next(iter(np.flatnonzero(padded[0] != padded[1]).tolist()), None)


def _value(q: float) -> str:
    return "–" if math.isnan(q) else f"{q:.2f}"
