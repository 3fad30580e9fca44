"""One state of a search under the glass: how its actions stand, why its last choice fell as it did, and why not else.

All of it is replayed from the trace, so it is the same for a search that runs, one that is stored, and any rollout.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple

import numpy as np

from planner.rules import Rule
from planner.subsets import members
from planner.trace import CACHED, FAILED, PAD, Trace, path_masks
from planner.tree import ActionScore, Tree, replay, scores

HORIZON = 10_000
"""Rollouts that `why_not` looks ahead: more than anybody waits for, and counted out in some hundredths of a second."""

Term = Literal["value", "prior", "exploration"]
"""The parts of a lead: Q, the prior, and how little an action was tried."""


class Decision(NamedTuple):
    """A choice between actions, with the scores as they stood when it was made.

    Fields:
        rollout: in which it was made, counted from 1.
        winner: what was taken.
        runner_up: the best of the others that could be taken, by score, prior and canonical order; None without others.
        margin: winner's score - runner-up's, on the rule's scale; 0 = a tie, which the prior or the order broke.
        terms: what each part adds to the margin; they sum to it. The bonus is shared between prior and exploration
            evenly: each is what changing it alone would change, averaged over the order in which the two are changed.
        tied: attributes with the winner's score, canonical order; empty without a tie.
        untried: no action had been taken before, so that all scores were equal and the prior alone spoke.
    """

    rollout: int
    winner: ActionScore
    runner_up: ActionScore | None
    margin: float
    terms: dict[Term, float]
    tied: tuple[int, ...]
    untried: bool

    @property
    def decided_by(self) -> Term | None:
        """The part that adds most to the margin; None in a tie and without a choice."""
        if self.margin <= 0:
            return None
        return max(self.terms, key=self.terms.__getitem__)


class Passage(NamedTuple):
    """A rollout that came through a state.

    Fields:
        rollout: counted from 1. mask: the subset that it evaluated, in the end.
        reward: 1-5, NaN where the evaluation failed. cached: it is the mean of samples taken before.
        attribute: what was acquired at the state; None where the state is what was evaluated.
    """

    rollout: int
    mask: int
    reward: float
    cached: bool
    attribute: int | None


@dataclass(frozen=True)
class Inspection:
    """A state after t rollouts.

    Fields:
        t: rollouts. last: T, how many the trace has.
        mask: the state.
        visits: N. q: Q on 1-5, NaN where N = 0.
        rule: whose scale scores, bonuses and the actions' q are on.
        c: weight of the bonus.
        actions: best first, as the next choice sees them, those left out last. Where no prior is known yet, prior,
            bonus and score are NaN, and q where the action was never taken.
        scored: the prior is known, so the actions have scores.
        asked: the rollout (from 1) in which the prior was asked, None before.
        ranked: the prior came as a ranking; else as weights.
        taken: what the last rollout acquired here; None where it did not pass, or ended here.
        decision: the last choice that was made here; None before the first.
        passage: the last rollout through here.
    """

    t: int
    last: int
    mask: int
    visits: int
    q: float
    rule: Rule
    c: float
    actions: tuple[ActionScore, ...]
    scored: bool
    asked: int | None
    ranked: bool
    taken: int | None
    decision: Decision | None
    passage: Passage | None

    @property
    def next(self) -> ActionScore | None:
        """What the next rollout would take here."""
        return next((action for action in self.actions if self.scored and not action.left_out), None)

    @cached_property
    def ranking(self) -> tuple[int, ...]:
        """The attributes by the prior, best first; empty where it is not known."""
        if not self.scored:
            return ()
        return tuple(a.attribute for a in sorted(self.actions, key=lambda a: (-a.prior, a.attribute)))

    def action(self, attribute: int) -> ActionScore:
        """Return the action that acquires an attribute.

        Raises:
            KeyError: there is none here: the attribute is acquired already, or not available.
        """
        for action in self.actions:
            if action.attribute == attribute:
                return action
        raise KeyError(attribute)


class WhyNot(NamedTuple):
    """Why an action is not the next choice.

    Fields:
        action: the action.
        leader: what is chosen instead; None where nothing can be.
        gap: leader's score - its own, >= 0 on the rule's scale.
        rollouts: after how many more rollouts through this state it is taken, all Q staying as they are (an action
            never taken keeps its first-play value): 1 = it is next. None: not within `HORIZON`, or never.
        never: it can't be: left out, or no bonus (c or prior 0) lifts it over a Q that stays ahead.
    """

    action: ActionScore
    leader: ActionScore | None
    gap: float
    rollouts: int | None
    never: bool


def inspect(trace: Trace, mask: int, t: int | None = None, tree: Tree | None = None) -> Inspection:
    """Look at a state after the first `t` rollouts (default: all).

    Args:
        mask: any subset, visited or not.
        tree: `replay(trace, t)` where the caller has it.

    Raises:
        ValueError: there are fewer rollouts than `t`, or `mask` holds what is not available.
    """
    if mask & ~trace.available:
        raise ValueError(f"the set {mask} holds attributes that are not available")
    tree = tree or replay(trace, t)
    node = tree.node_of.get(mask)
    visits = int(tree.visits[node]) if node is not None else 0
    try:
        actions, scored = _actions(tree, mask), True
    except KeyError:
        actions, scored = _counts(tree, mask, trace.depth), False
    passage = _last_passage(trace, mask, tree.rollouts)
    asked = trace.first[trace.states == mask].tolist() if scored else []
    return Inspection(
        t=tree.rollouts,
        last=trace.rollouts,
        mask=mask,
        visits=visits,
        q=float(tree.q[node]) if node is not None and visits else math.nan,
        rule=tree.rule,
        c=tree.c,
        actions=actions,
        scored=scored,
        asked=asked[0] + 1 if asked else None,
        ranked=trace.prior.dtype == np.uint8,
        taken=passage.attribute if passage is not None and passage.rollout == tree.rollouts else None,
        decision=_decision(trace, tree, mask, passage),
        passage=passage,
    )


def why_not(inspection: Inspection, attribute: int, horizon: int = HORIZON) -> WhyNot:
    """Say how far an action lies behind, and when it would be taken if all Q stayed as they are.

    The rollouts to come are counted out one by one, as the rule would choose: whoever leads gets a visit, which lowers
    its own bonus and raises everybody's. No closed form is exact, since visits to one rival are lost on another.

    Raises:
        KeyError: there is no such action here, or the actions have no scores.
    """
    action, leader = inspection.action(attribute), inspection.next
    if not inspection.scored:
        raise KeyError(attribute)
    if leader is None or action.left_out:
        return WhyNot(action, leader, max(0.0, leader.score - action.score) if leader else 0.0, None, True)
    gap = leader.score - action.score
    if leader is action:
        return WhyNot(action, leader, gap, 1, False)
    highest = max(a.q for a in inspection.actions if not a.left_out)
    weight = inspection.c * action.prior
    if weight == 0:
        # Its score stands still while its rivals' bonuses fade towards their Q: only a lower or equal one gives way.
        return _wait(inspection, action, leader, horizon, never=not inspection.c or action.q < highest)
    # Whatever its rivals do, their scores stay above their Q; before its own bonus gets there nothing can happen.
    total = sum(a.visits for a in inspection.actions)
    soonest = (max(0.0, highest - action.q) * (1 + action.visits) / weight) ** 2 - total
    if soonest > horizon:
        return WhyNot(action, leader, gap, None, False)
    return _wait(inspection, action, leader, horizon)


def _wait(
    inspection: Inspection, action: ActionScore, leader: ActionScore, horizon: int, never: bool = False
) -> WhyNot:
    rollouts = None if never else _rollouts_until(inspection, action, horizon)
    return WhyNot(action, leader, leader.score - action.score, rollouts, never)


def _rollouts_until(inspection: Inspection, wanted: ActionScore, horizon: int) -> int | None:
    # In the order that breaks ties, since `index` finds the first of equals.
    open_ = sorted((a for a in inspection.actions if not a.left_out), key=lambda a: (-a.prior, a.attribute))
    values = [a.q for a in open_]
    weights = [inspection.c * a.prior for a in open_]
    counts = [1 + a.visits for a in open_]
    total, place = sum(a.visits for a in inspection.actions), open_.index(wanted)
    for rollout in range(1, horizon + 1):
        root = math.sqrt(total)
        now = [q + weight * root / count for q, weight, count in zip(values, weights, counts, strict=True)]
        chosen = now.index(max(now))
        if chosen == place:
            return rollout
        counts[chosen] += 1
        total += 1
    return None


def _actions(tree: Tree, mask: int) -> tuple[ActionScore, ...]:
    return _best_first(scores(tree, mask))


def _best_first(actions: Iterable[ActionScore]) -> tuple[ActionScore, ...]:
    return tuple(sorted(actions, key=lambda a: (a.left_out, -a.score, -a.prior, a.attribute)))


def _counts(tree: Tree, mask: int, depth: int) -> tuple[ActionScore, ...]:
    """Return what is known of actions without a prior: N and Q of where they lead, most visited first."""
    if mask.bit_count() >= depth:
        return ()
    found = []
    for attribute in members(tree.available & ~mask):
        child = mask | 1 << attribute
        node = tree.node_of.get(child)
        visits = int(tree.visits[node]) if node is not None else 0
        q = float(tree.values[node]) if node is not None and visits else math.nan
        closed = node is not None and bool(tree.left_out[node])
        found.append(ActionScore(attribute, child, visits, q, math.nan, math.nan, math.nan, not visits, closed))
    return tuple(sorted(found, key=lambda a: (-a.visits, a.attribute)))


def _last_passage(trace: Trace, mask: int, t: int) -> Passage | None:
    states = path_masks(trace.path[:t])
    seen = states[:, -1:] if trace.backup == "leaf" else states
    rows = np.flatnonzero((seen == mask).any(axis=1))
    if not len(rows):
        return None
    row = int(rows[-1])
    leaf = int(states[row, -1])
    attribute = None if mask == leaf else int(trace.path[row, mask.bit_count()])
    flags = int(trace.flags[row])
    reward = math.nan if flags & FAILED else float(trace.reward[row])
    return Passage(row + 1, leaf, reward, bool(flags & CACHED), None if attribute == PAD else attribute)


def _decision(trace: Trace, tree: Tree, mask: int, passage: Passage | None) -> Decision | None:
    if passage is None or passage.attribute is None:
        return None
    prior = tree.prior[tree.node_of[mask]]
    if np.isnan(prior[passage.attribute]):
        return None
    before = replay(trace, passage.rollout - 1)
    scored = scores(before, mask, prior)
    actions = [a for a in _best_first(scored) if not a.left_out]
    winner = next(a for a in actions if a.attribute == passage.attribute)
    others = [a for a in actions if a is not winner]
    untried = not any(a.visits for a in scored)
    if not others:
        return Decision(passage.rollout, winner, None, 0.0, {}, (), untried)
    second = others[0]
    tied = tuple(sorted(a.attribute for a in actions if a.score == winner.score))
    terms = _terms(before, mask, winner, second)
    return Decision(
        passage.rollout, winner, second, winner.score - second.score, terms, tied if len(tied) > 1 else (), untried
    )


def _terms(tree: Tree, mask: int, winner: ActionScore, second: ActionScore) -> dict[Term, float]:
    actions = (tree.node_of.get(mask | 1 << a) for a in members(tree.available & ~mask))
    scale = tree.c * math.sqrt(sum(int(tree.visits[i]) for i in actions if i is not None))
    rarity, other = 1 / (1 + winner.visits), 1 / (1 + second.visits)
    return {
        "value": winner.q - second.q,
        "prior": scale * (winner.prior - second.prior) * (rarity + other) / 2,
        "exploration": scale * (rarity - other) * (winner.prior + second.prior) / 2,
    }
