"""A search's decisions in words, the same in the app and on the command line."""

import math
from collections.abc import Sequence
from itertools import pairwise

from planner.inspection import HORIZON, Decision, Inspection, WhyNot
from planner.rules import Rule
from planner.subsets import members
from workbench.engine.revisit.evidence import Evidence

DIMENSION_WORDS: tuple[str, ...] = ("risk", "empathy", "fit")
"""The judge's three dimensions where room is short, in the order of `simulator.world.DIMENSIONS`."""

_ENDINGS = (" Status", " State", " Level", " History")


def short_names(names: Sequence[str]) -> tuple[str, ...]:
    """Leave out what attributes' names can do without, where they stay different: Mental Health, Self-Harm."""
    short = [name.removeprefix("Past ") for name in names]
    for ending in _ENDINGS:
        short = [name.removesuffix(ending) for name in short]
    return tuple(s if s and short.count(s) == 1 else name for s, name in zip(short, names, strict=True))


def set_words(mask: int, names: Sequence[str]) -> str:
    """Name a set of attributes: {Age, Gender}, or nothing known."""
    return f"{{{', '.join(names[a] for a in members(mask))}}}" if mask else "nothing known"


def scale_words(rule: Rule) -> str:
    """Say what the figures of actions are, and on which scale."""
    scale = "1-5" if rule.width == 1 else "0-1"
    return (
        "N rollouts · Q their mean value, 1-5 · prior share before any try · bonus shrinks with N · "
        f"score = Q + bonus on {scale} (rule {rule.name}); the highest is next"
    )


def decision_words(decision: Decision, names: Sequence[str]) -> str:
    """Say why a choice fell as it did."""
    winner = names[decision.winner.attribute]
    took = f"rollout {decision.rollout} took {winner}"
    second = decision.runner_up
    if second is None:
        return f"{took}: nothing else was left"
    other = names[second.attribute]
    if decision.untried:
        if decision.winner.prior > second.prior:
            return f"{took}: nothing had been tried here, so the prior decided ({other} came next)"
        return f"{took}: nothing had been tried here and the priors are equal, so the attributes' order decided"
    if decision.tied:
        tied = ", ".join(names[a] for a in decision.tied if a != decision.winner.attribute)
        broken = "the higher prior" if decision.winner.prior > second.prior else "the attributes' order"
        return f"{took}, level with {tied} at {decision.winner.score:.3f}: {broken} decided"
    terms = ", ".join(f"{term} {_signed(amount)}" for term, amount in decision.terms.items())
    return f"{took} before {other} by {_lead(decision.margin)}, thanks to {decision.decided_by} ({terms})"


def ranking_words(inspection: Inspection, names: Sequence[str]) -> str:
    """Say when the prior of a state was asked and what it was; where none was, that."""
    if inspection.asked is None:
        return "no ranking was asked here yet" if inspection.actions else "nothing is left to choose here"
    order = inspection.ranking
    if inspection.ranked:
        return f"ranking asked at rollout {inspection.asked}: {' > '.join(names[a] for a in order)}"
    priors = [inspection.action(a).prior for a in order]
    signs = [" = " if one == other else " > " for one, other in pairwise(priors)]
    text = "".join(names[a] + sign for a, sign in zip(order, [*signs, ""], strict=True))
    return f"prior asked at rollout {inspection.asked}: {text}"


def why_not_words(answer: WhyNot, inspection: Inspection, names: Sequence[str]) -> str:
    """Say why an action is not the next choice, and when it would be."""
    if answer.leader is answer.action:
        ahead = [a for a in inspection.actions if a is not answer.action and not a.left_out]
        if not ahead:
            return "it is next: nothing else is left"
        return f"it is next, {_lead(answer.action.score - ahead[0].score)} before {names[ahead[0].attribute]}"
    if answer.action.left_out:
        return "it is left out, since evaluations failed"
    assert answer.leader is not None
    behind = f"{_lead(answer.gap)} behind {names[answer.leader.attribute]}"
    if answer.gap == 0:
        behind = f"level with {names[answer.leader.attribute]}, which has the higher prior or stands first"
    if answer.never:
        return f"{behind}; never while Q stays"
    if answer.rollouts is None:
        return f"{behind}; more than {HORIZON:,} more rollouts here while Q stays"
    return f"{behind}; about {answer.rollouts:,} more rollout{'s' * (answer.rollouts != 1)} here while Q stays"


def passage_words(inspection: Inspection) -> str:
    """Say what the last rollout through a state was worth."""
    passage = inspection.passage
    if passage is None:
        return "no rollout came through here"
    if math.isnan(passage.reward):
        return f"reward {passage.rollout}: the evaluation failed"
    return f"reward {passage.rollout}: {passage.reward:.2f}"


def evidence_words(evidence: Evidence) -> str:
    """Say what a reward was made of: the judge's dimensions, and the true score where it is known."""
    if evidence.missing:
        return evidence.missing
    if evidence.dimensions is None:
        return f"{len(evidence.samples)} tries failed: {evidence.samples[-1].error}"
    values = (
        f"{word} {value:.2f}".removesuffix(".00")
        for word, value in zip(DIMENSION_WORDS, evidence.dimensions, strict=True)
    )
    valid = sum(sample.verdict is not None for sample in evidence.samples)
    several = f", mean of {valid} samples" if valid > 1 else ""
    truth = "" if evidence.true_score is None else f" · surrogate, true {evidence.true_score:.2f}"
    return f"{', '.join(values)}{several} (judge {evidence.judge}){truth}"


def _signed(amount: float) -> str:
    return f"{amount:+.3f}".replace("-", "−") if abs(amount) >= 0.0005 else "±0"


def _lead(amount: float) -> str:
    return f"{amount:.3f}" if amount >= 0.0005 else "less than 0.001"
