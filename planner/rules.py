"""Selection rules as data, and how an answer of the prior becomes probabilities (raise.md, sections 6 and 8).

Every rule scores an action a of a state U, in float64 and from left to right, as

    Score(a) = Q(U + a) + c * pi0(a | q, U) * sqrt(sum_b N(U + b)) / (1 + N(U + a)),    b over A minus U,

and breaks ties by higher prior, then by canonical order. Rules differ in the scale of Q and in what stands for the Q
of an action that was never taken.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

MAX_ATTRIBUTES = 16
"""Tables are indexed by mask, so their size is 2^n; PENGUIN needs ten."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One selection rule.

    Fields:
        name: what settings, traces and flags call it.
        offset, width: rewards (1-5) are seen as (reward - offset) / width.
        first_play: Q of an unvisited action on the rule's scale; None = Q(U) of the state that it leaves.
        start: Q(U) while N(U) = 0, on the rule's scale.
    """

    name: str
    offset: float
    width: float
    first_play: float | None
    start: float

    def scaled(self, reward: float) -> float:
        """Bring a reward (1-5) to the rule's scale."""
        return (reward - self.offset) / self.width

    def shown(self, value: float) -> float:
        """Bring a value on the rule's scale back to 1-5, as people see it."""
        return self.offset + self.width * value


RULES: dict[str, Rule] = {
    rule.name: rule
    for rule in (
        Rule("raise", offset=1.0, width=4.0, first_play=None, start=0.5),
        Rule("raise-literal", offset=0.0, width=1.0, first_play=0.0, start=0.0),
    )
}
"""`raise` repairs Algorithm 1 (section 8); `raise-literal` is the algorithm as printed, kept for study."""


@lru_cache(maxsize=1024)
def rank_probabilities(count: int, decay: float) -> tuple[float, ...]:
    """Return pi0 by rank, best first: `[count]`, proportional to exp(-decay * rank), sum 1 (section 8)."""
    weights = [math.exp(-decay * rank) for rank in range(count)]
    total = math.fsum(weights)  # correctly rounded, so equal in every version of Python; `sum` is not
    return tuple(weight / total for weight in weights)


def weight_probabilities(weights: Sequence[float], left: Sequence[int]) -> list[float]:
    """Renormalise a prior over the attributes that are left; all zero = uniform.

    Args:
        weights: `[n]`, finite and >= 0; what stands at acquired attributes does not matter.
        left: the attributes that can still be acquired.

    Returns:
        `[len(left)]`, pi0 of each attribute of `left`, sum 1.
    """
    kept = [weights[i] for i in left]
    total = math.fsum(kept)
    return [weight / total for weight in kept] if total else [1.0 / len(left)] * len(left)
