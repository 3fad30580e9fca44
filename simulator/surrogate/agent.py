"""How the surrogate's planner role ranks, and how its agent decides (experiments.md, "The surrogate's agent").

Everything here reads the belief, never the latent table, and nothing in it is fitted to arm scores or question counts.
"""

from collections.abc import Sequence
from math import floor

from planner.subsets import members
from simulator.attributes import N_ATTRIBUTES
from simulator.dialogue import Knowledge, Neighbour
from simulator.surrogate.latent import Belief

_EVERYTHING = Knowledge(full=(1 << N_ATTRIBUTES) - 1)


def rank(belief: Belief, mask: int, available: int) -> list[int]:
    """Order the attributes of `available` outside `mask` by estimated marginal gain; ties in canonical order."""
    gains = belief.marginal(Knowledge(full=mask))
    return sorted(members(available & ~mask), key=lambda a: -gains[a])


BINARY = (3.5, 1.5)
BASIC = (2.5, 2.0)
"""Assumed of the decisions that are no rating, and fitted to no score and no count of questions: where the same
estimate (0-5, before it is rounded) counts as enough, and how many times a rating's error it is seen through. A yes or
no asks what the scale calls 4 ("what matters most is known", which 3.5 rounds to), with half as much error again: it
has no steps to think along. Who may answer at once stops when more is known than not, and looks least closely."""


def completeness(belief: Belief, knowledge: Knowledge, error: float) -> int:
    """Rate 0-5 what is known: the share of the estimated gain of everything that it brings, plus an error."""
    return min(5, max(0, floor(_estimate(belief, knowledge) + error + 0.5)))


def sufficient(belief: Belief, knowledge: Knowledge, error: float, assumed: tuple[float, float]) -> bool:
    """Tell whether what is known seems enough: the estimate behind `completeness` against `BINARY` or `BASIC`.

    Args:
        error: as for a rating.
    """
    cut, times = assumed
    return _estimate(belief, knowledge) + times * error >= cut


def _estimate(belief: Belief, knowledge: Knowledge) -> float:
    """Return what completeness is before its error, 0-5."""
    return 5.0 * (belief.of(knowledge) / belief.of(_EVERYTHING))


def choose(belief: Belief, knowledge: Knowledge, asked: int, neighbours: Sequence[Neighbour], w: float) -> int:
    """Return the attribute outside `asked` with the highest prior + w x share; ties by gain, then canonical order.

    The prior is the estimated marginal gains, made to add up to 1 over what was not asked. All ten attributes are
    candidates: the agent does not know which ones have no value.

    Raises:
        ValueError: everything was asked.
    """
    candidates = members((1 << N_ATTRIBUTES) - 1 & ~asked)
    if not candidates:
        raise ValueError("all ten attributes were asked")
    gains = belief.marginal(knowledge)
    hoped = {a: max(gains[a], 0.0) for a in candidates}
    total = sum(hoped.values()) or 1.0
    held = shares(neighbours)
    return max(candidates, key=lambda a: (hoped[a] / total + w * held[a], gains[a]))


def shares(neighbours: Sequence[Neighbour]) -> list[float]:
    """Return per attribute the weighted share of neighbours whose path holds it, `[10]`, 0-1.

    A neighbour weighs similarity (1 - distance, at least 0) times its score's place on 1-5; one without a score counts
    like the mean of those that have one, or one half where none has.
    """
    places = [None if n.score is None else (n.score - 1.0) / 4.0 for n in neighbours]
    scored = [place for place in places if place is not None]
    neutral = sum(scored) / len(scored) if scored else 0.5
    weights = [
        max(0.0, 1.0 - n.distance) * (neutral if place is None else place)
        for n, place in zip(neighbours, places, strict=True)
    ]
    total = sum(weights)
    if total <= 0.0:
        return [0.0] * N_ATTRIBUTES
    return [
        sum(weight for n, weight in zip(neighbours, weights, strict=True) if a in n.path) / total
        for a in range(N_ATTRIBUTES)
    ]
