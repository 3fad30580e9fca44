"""The tree of a search at any rollout, replayed from its trace.

There are two views of it. The tree of sets is what the search decides on: one node per subset, shared by every order
that reaches it. The tree of orders is what can be drawn: one node per ordered prefix. In both a node's number is the
order of its creation, so the tree at rollout t is a prefix of every later one.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from planner.rules import RULES, Rule, rank_probabilities, weight_probabilities
from planner.subsets import members
from planner.trace import FAILED, PAD, Backup, Recommend, Trace, first_visits, path_masks


@dataclass(frozen=True, eq=False)
class Tree:
    """The tree of sets after t rollouts. K nodes, n attributes.

    With backup `path` every state on a path is a node, with `leaf` only what was evaluated.

    Fields:
        rollouts: t. n, available, depth, c, backup, recommend: as in `Trace`.
        rule: the rule it was grown by; `totals` are on its scale.
        masks: `[K]` int64, the subsets, by first visit.
        first: `[K]` int64, the rollout (from 0) of the first visit, which may have failed.
        visits: `[K]` int64, N, rollouts told successfully.
        totals: `[K]` float64, W, sum of scaled rewards.
        prior: `[K, n]` float64, pi0(.|mask); NaN for what is acquired or unavailable, and in states without a prior.
        left_out: `[K]` bool, never selected again, since evaluations failed.
        path: the last rollout's attributes in acquisition order; empty at t = 0.
    """

    rollouts: int
    n: int
    available: int
    depth: int
    c: float
    backup: Backup
    recommend: Recommend
    rule: Rule
    masks: NDArray[np.int64]
    first: NDArray[np.int64]
    visits: NDArray[np.int64]
    totals: NDArray[np.float64]
    prior: NDArray[np.float64]
    left_out: NDArray[np.bool_]
    path: tuple[int, ...]

    @cached_property
    def values(self) -> NDArray[np.float64]:
        """Q on the rule's scale, `[K]`; NaN where N = 0."""
        with np.errstate(invalid="ignore"):
            return self.totals / self.visits

    @cached_property
    def q(self) -> NDArray[np.float64]:
        """Q on 1-5, as people see it, `[K]`; NaN where N = 0."""
        return self.rule.offset + self.rule.width * self.values

    @cached_property
    def node_of(self) -> dict[int, int]:
        """Mask -> node."""
        return {mask: node for node, mask in enumerate(self.masks.tolist())}


@dataclass(frozen=True, eq=False)
class OrderTree:
    """The tree of orders after t rollouts: M ordered prefixes; node 0 is the empty one, parents precede children.

    Fields:
        parent: `[M]` int64, -1 for node 0.
        attribute: `[M]` int64, what was acquired last; -1 for node 0.
        mask: `[M]` int64, the set that the prefix holds.
        first: `[M]` int64, the rollout (from 0) that created it; 0 for node 0.
        visits: `[M]` int64, successful rollouts through exactly this order.
        nodes: `[t, depth + 1]` int64, where each rollout stood after 0, 1, ... attributes; -1 from its path's end on.
    """

    parent: NDArray[np.int64]
    attribute: NDArray[np.int64]
    mask: NDArray[np.int64]
    first: NDArray[np.int64]
    visits: NDArray[np.int64]
    nodes: NDArray[np.int64]


class ActionScore(NamedTuple):
    """How an action of a state is scored: score = q + bonus, all on the rule's scale.

    Fields:
        attribute: what the action acquires. mask: where it leads.
        visits: N of that subset.
        q: its Q, or the first-play value.
        prior: pi0(attribute | q, U).
        bonus: c * pi0 * sqrt(sum_b N(U + b)) / (1 + N).
        score: what selection compares.
        first_play: `q` is the value that stands for an action never taken.
        left_out: never selected, whatever its score.
    """

    attribute: int
    mask: int
    visits: int
    q: float
    prior: float
    bonus: float
    score: float
    first_play: bool
    left_out: bool


def parents(mask: int) -> list[int]:
    """List the subsets with one member less."""
    return [mask ^ 1 << i for i in members(mask)]


def replay(trace: Trace, t: int | None = None) -> Tree:
    """Return the tree of sets after the first `t` rollouts (default: all).

    Raises:
        ValueError: there are fewer rollouts than `t`.
    """
    t = _rollouts(trace, t)
    rule = RULES[trace.rule]
    states = path_masks(trace.path[:t])
    if trace.backup == "leaf":
        states = states[:, -1:]
    told = trace.flags[:t] & FAILED == 0
    size = 1 << trace.n
    counted = states[told].ravel()
    rewards = np.repeat((trace.reward[:t][told] - rule.offset) / rule.width, states.shape[1])
    masks, first = first_visits(states)
    totals: NDArray[Any] = np.bincount(counted, weights=rewards, minlength=size)[masks]  # adds in the order told
    closed = left_out(states[~told, -1].tolist(), trace.available)
    return Tree(
        rollouts=t,
        n=trace.n,
        available=trace.available,
        depth=trace.depth,
        c=trace.c,
        backup=trace.backup,
        recommend=trace.recommend,
        rule=rule,
        masks=masks,
        first=first,
        visits=np.bincount(counted, minlength=size)[masks],
        totals=totals,
        prior=_priors(trace, masks),
        left_out=np.isin(masks, list(closed)),
        path=tuple(int(a) for a in trace.path[t - 1] if a != PAD) if t else (),
    )


def left_out(failed: Iterable[int], available: int) -> set[int]:
    """Return what selection avoids: the subsets whose evaluation failed, and states that have no other action."""
    closed: set[int] = set()
    for mask in failed:
        closing = [mask]
        while closing:
            mask = closing.pop()
            closed.add(mask)
            closing += [
                p
                for p in parents(mask)
                if p not in closed and all(p | 1 << a in closed for a in members(available & ~p))
            ]
    return closed


def replay_orders(trace: Trace, t: int | None = None) -> OrderTree:
    """Return the tree of orders after the first `t` rollouts (default: all).

    Raises:
        ValueError: there are fewer rollouts than `t`.
    """
    t = _rollouts(trace, t)
    path, told = trace.path[:t], trace.flags[:t] & FAILED == 0
    nodes = np.zeros((t, trace.depth + 1), np.int64)  # counted level by level first, then numbered by creation
    first, level, parent = [np.zeros(1, np.int64)], [np.zeros(1, np.int64)], [np.full(1, -1)]
    count = 1
    for depth in range(trace.depth):
        on = np.flatnonzero(path[:, depth] != PAD)
        above = nodes[on, depth]
        _, seen, place = np.unique(above << 8 | path[on, depth], return_index=True, return_inverse=True)
        nodes[:, depth + 1] = -1
        nodes[on, depth + 1] = count + place
        first.append(on[seen])
        level.append(np.full(len(seen), depth + 1))
        parent.append(above[seen])
        count += len(seen)
    created, at, hangs_on = np.concatenate(first), np.concatenate(level), np.concatenate(parent)
    order = np.lexsort((at, created))
    number = np.append(np.argsort(order), -1)  # so that -1 stays -1
    nodes, created, at = number[nodes], created[order], at[order]
    through = nodes[told]
    return OrderTree(
        parent=number[hangs_on[order]],
        attribute=np.append(-1, path[created[1:], at[1:] - 1].astype(np.int64)),
        mask=np.append(0, path_masks(path)[created[1:], at[1:]]),
        first=created,
        visits=np.bincount(through[through >= 0], minlength=count),
        nodes=nodes,
    )


def scores(tree: Tree, mask: int, prior: NDArray[np.float64] | None = None) -> list[ActionScore]:
    """Score every action of a state as the search would now, in canonical order.

    Args:
        prior: `[n]`, pi0(.|mask) where the tree does not hold it yet: the ranking is asked after the rollout began.

    Raises:
        KeyError: the prior of this state is not known.
    """
    node = tree.node_of.get(mask)
    actions = members(tree.available & ~mask)
    if prior is None and node is not None:
        prior = tree.prior[node]
    if prior is None or not actions or np.isnan(prior[actions[0]]):
        raise KeyError(mask)
    nodes = [tree.node_of.get(mask | 1 << a) for a in actions]
    visits = [0 if i is None else int(tree.visits[i]) for i in nodes]
    root = math.sqrt(sum(visits))
    fresh = tree.rule.first_play
    if fresh is None:
        fresh = float(tree.values[node]) if node is not None and tree.visits[node] else tree.rule.start
    closed = left_out(tree.masks[tree.left_out].tolist(), tree.available)
    result = []
    for a, i, count in zip(actions, nodes, visits, strict=True):
        share = float(prior[a])
        value = fresh if i is None or not count else float(tree.values[i])
        bonus = tree.c * share * root / (1 + count)
        child = mask | 1 << a
        result.append(ActionScore(a, child, count, value, share, bonus, value + bonus, not count, child in closed))
    return result


def _rollouts(trace: Trace, t: int | None) -> int:
    t = trace.rollouts if t is None else t
    if not 0 <= t <= trace.rollouts:
        raise ValueError(f"the trace has {trace.rollouts} rollouts, not {t}")
    return t


def _priors(trace: Trace, masks: NDArray[np.int64]) -> NDArray[np.float64]:
    row_of = dict(zip(trace.states.tolist(), trace.prior.tolist(), strict=True))
    ranked = trace.prior.dtype == np.uint8
    unknown = [math.nan] * trace.n
    rows = []
    for mask in masks.tolist():
        row = unknown
        if (told := row_of.get(mask)) is not None:
            row = unknown.copy()
            left = members(trace.available & ~mask)
            by_rank = rank_probabilities(len(left), trace.decay) if ranked else ()
            values = [by_rank[told[a]] for a in left] if ranked else weight_probabilities(told, left)
            for a, value in zip(left, values, strict=True):
                row[a] = value
        rows.append(row)
    return np.array(rows, np.float64).reshape(-1, trace.n)
