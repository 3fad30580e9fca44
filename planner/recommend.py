"""Which subset a search returns, and in which order its attributes are asked (raise.md, section 8)."""

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from planner.planner import Best
from planner.rules import RULES
from planner.subsets import members
from planner.trace import FAILED, PAD, Recommend, Trace, path_masks
from planner.tree import Tree, replay


class Course(NamedTuple):
    """What a search would have returned after each of its T rollouts, for curves of regret.

    Fields:
        mask: `[T]` int64, -1 while nothing was evaluated.
        q: `[T]` float64, mean reward of that subset so far, 1-5; NaN while nothing was evaluated.
        evaluations: `[T]` int64, new samples so far that gave a reward (cached means and failures are none).
    """

    mask: NDArray[np.int64]
    q: NDArray[np.float64]
    evaluations: NDArray[np.int64]

    @property
    def changes(self) -> list[int]:
        """The rollouts (from 1) that made another subset the best, the first choice included."""
        return (np.flatnonzero(np.diff(self.mask, prepend=-1)) + 1).tolist()


def best(trace: Trace, t: int | None = None) -> Best:
    """Return the best subset of the wanted size after the first `t` rollouts (default: all).

    Raises:
        ValueError: no subset of that size was evaluated, or there are fewer rollouts than `t`.
    """
    tree = replay(trace, t)
    nodes = zip(tree.masks.tolist(), tree.visits.tolist(), tree.values.tolist(), strict=True)
    candidates = [
        (preference(trace.recommend, value, visits, mask), node)
        for node, (mask, visits, value) in enumerate(nodes)
        if visits and mask.bit_count() == trace.depth
    ]
    if not candidates:
        raise ValueError(f"no subset of size {trace.depth} was evaluated")
    node = max(candidates)[1]
    mask = int(tree.masks[node])
    path = acquisition_order(tree, mask) if trace.backup == "path" else _asked_order(trace, mask)
    return Best(mask, path, float(tree.q[node]), int(tree.visits[node]))


def preference(recommend: Recommend, value: float, visits: int, mask: int) -> tuple[float, float, int]:
    """Return what the returned subset is the maximum of: Q, ties to more visits (or the reverse), then smaller mask."""
    return (value, visits, -mask) if recommend == "q" else (visits, value, -mask)


def acquisition_order(tree: Tree, mask: int) -> tuple[int, ...]:
    """Order a subset: repeatedly the attribute whose resulting visited prefix has the highest Q.

    Unvisited prefixes come last; ties go by the prior of the state (where it has one), then by canonical order.
    """
    order: list[int] = []
    prefix = 0

    def key(attribute: int) -> tuple[float, float, int]:
        node, state = tree.node_of.get(prefix | 1 << attribute), tree.node_of.get(prefix)
        value = float(tree.values[node]) if node is not None and tree.visits[node] else -math.inf
        prior = float(tree.prior[state, attribute]) if state is not None else math.nan
        return value, 0.0 if math.isnan(prior) else prior, -attribute

    while prefix != mask:
        attribute = max(members(mask & ~prefix), key=key)
        order.append(attribute)
        prefix |= 1 << attribute
    return tuple(order)


class Leader:
    """Keeps up with the best subset of a search: it is fed one rollout at a time, and never looks back.

    Fields:
        mask: the best subset so far; -1 while nothing was evaluated.
        rollouts: how many were fed.
    """

    def __init__(self) -> None:
        self.mask, self.rollouts = -1, 0
        self._table: dict[int, tuple[float, float, int]] = {}  # subset -> its preference
        self._totals: dict[int, tuple[int, float]] = {}  # subset -> visits, sum of rewards on the rule's scale

    def feed(self, trace: Trace) -> None:
        """Take the rollouts of a search that were not fed yet: later traces of one search continue earlier ones."""
        for _ in self.each(trace):
            pass

    def each(self, trace: Trace) -> Iterator[float]:
        """Take the rollouts that were not fed yet, and yield after each the best subset's Q (1-5; NaN = none yet)."""
        rule, first = RULES[trace.rule], self.rollouts
        leaves = path_masks(trace.path[first:])[:, -1].tolist()
        told = (trace.flags[first:] & FAILED == 0).tolist()
        for leaf, reward, counts in zip(leaves, trace.reward[first:].tolist(), told, strict=True):
            self.rollouts += 1
            if counts and leaf.bit_count() == trace.depth:
                self._take(leaf, rule.scaled(reward), trace.recommend)
            if self.mask == -1:
                yield math.nan
            else:
                visits, total = self._totals[self.mask]
                yield rule.shown(total / visits)

    def _take(self, leaf: int, reward: float, recommend: Recommend) -> None:
        visits, total = self._totals.get(leaf, (0, 0.0))
        self._totals[leaf] = visits, total = visits + 1, total + reward
        before = self._table.get(leaf)
        self._table[leaf] = now = preference(recommend, total / visits, visits, leaf)
        if self.mask == -1 or now > self._table[self.mask]:
            self.mask = leaf
        elif leaf == self.mask and before is not None and now < before:  # it fell: anyone may lead now
            self.mask = max(self._table, key=self._table.__getitem__)


def best_so_far(trace: Trace) -> Course:
    """Return the best subset after every rollout; one pass, since a rollout moves one leaf."""
    leader, masks, q = Leader(), [], []
    for value in leader.each(trace):
        masks.append(leader.mask)
        q.append(value)
    return Course(np.array(masks, np.int64), np.array(q, np.float64), np.cumsum(trace.flags == 0, dtype=np.int64))


def _asked_order(trace: Trace, mask: int) -> tuple[int, ...]:
    """Return the order in which a subset was asked for."""
    row = int(np.argmax(path_masks(trace.path)[:, -1] == mask))
    return tuple(int(a) for a in trace.path[row] if a != PAD)
