"""What a user can set about a planner, and the planner that comes of it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from planner.baselines import GreedyPlanner, ListPlanner, exhaustive_paths, random_paths, static_paths
from planner.keyed import Key
from planner.planner import Planner
from planner.rules import MAX_ATTRIBUTES, RULES
from planner.search import SearchPlanner
from planner.trace import MAX_ROLLOUTS, Recommend

PLANNERS: tuple[str, ...] = ("search", "static", "random", "greedy", "exhaustive")


@dataclass(frozen=True, slots=True)
class PlannerSettings:
    """Everything that identifies a planner (experiments.md, "Units and identity").

    Fields:
        planner: one of `PLANNERS`.
        rule: a selection rule of `RULES`; the baselines take only its scale.
        rollouts: T, at which a search ends. depth: k, the size of the subset wanted (at most what is available).
        c: weight of the bonus. decay: pi0 falls by exp(-decay) a rank.
        recommend: return the highest Q (`q`) or the most visited subset (`visits`).
        batch: leaves asked at once; the tree rules ask one at a time, so it only tells experiments apart.
    """

    planner: str = "search"
    rule: str = "raise"
    rollouts: int = 300
    depth: int = 5
    c: float = 0.5
    decay: float = 0.3
    recommend: Recommend = "q"
    batch: int = 1

    def check(self) -> None:
        """Check what types cannot.

        Raises:
            ValueError: a setting has no meaning; the message names it and what it may be.
        """
        for name, value, known in (
            ("planner", self.planner, PLANNERS),
            ("rule", self.rule, tuple(RULES)),
            ("recommend", self.recommend, ("q", "visits")),
        ):
            if value not in known:
                raise ValueError(f"unknown {name} {value!r}; there are {', '.join(known)}")
        for name, whole, most in (
            ("rollouts", self.rollouts, MAX_ROLLOUTS),
            ("depth", self.depth, MAX_ATTRIBUTES),
            ("batch", self.batch, MAX_ROLLOUTS),
        ):
            if not 1 <= whole <= most:
                raise ValueError(f"{name} is {whole}; it must be from 1 to {most}")
        for name, number in (("c", self.c), ("decay", self.decay)):
            if not (math.isfinite(number) and number >= 0):
                raise ValueError(f"{name} is {number}; it must be a number >= 0")


def make_planner(
    settings: PlannerSettings,
    available: int,
    *,
    n: int = 10,
    key: tuple[Key, ...] = (),
    static_order: Sequence[int] = (),
    replicates: int = 1,
) -> Planner:
    """Make the planner of one search.

    Args:
        settings: what to make.
        available: mask of the attributes that are present (experiments.md, "Attributes that are missing").
        n: number of attributes of the world, 1-16.
        key: what the random planner's draw depends on.
        static_order: what the static planner takes first; the others follow in canonical order.
        replicates: how often the baselines ask for each subset (`Evaluations.replicates`).

    Raises:
        ValueError: a setting has no meaning, or nothing is available.
    """
    settings.check()
    if not 1 <= n <= MAX_ATTRIBUTES:
        raise ValueError(f"planners take 1 to {MAX_ATTRIBUTES} attributes, not {n}")
    if not 0 <= available < 1 << n:
        raise ValueError(f"the mask of available attributes is {available}; it must be below 2^{n}")
    if not available:
        raise ValueError("no attribute is available, so there is nothing to plan")
    if replicates < 1:
        raise ValueError(f"replicates is {replicates}; it must be at least 1")
    rule, depth = RULES[settings.rule], min(settings.depth, available.bit_count())
    match settings.planner:
        case "search":
            return SearchPlanner(
                available,
                n=n,
                rule=rule,
                rollouts=settings.rollouts,
                depth=depth,
                c=settings.c,
                decay=settings.decay,
                recommend=settings.recommend,
            )
        case "greedy":
            return GreedyPlanner(
                available, n=n, depth=depth, rule=rule, replicates=replicates, recommend=settings.recommend
            )
        case "static":
            paths = static_paths(available, depth, static_order)
        case "random":
            paths = random_paths(available, depth, key)
        case _:
            paths = exhaustive_paths(available, depth)
    return ListPlanner(
        settings.planner,
        available,
        paths,
        n=n,
        depth=depth,
        rule=rule,
        replicates=replicates,
        recommend=settings.recommend,
    )
