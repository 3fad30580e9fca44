"""The planners that a search has to beat, behind the same interface. They ask for no prior.

Only the evaluated subset gets a visit (backup `leaf`); each subset is asked for once per replicate.
"""

import math
from collections.abc import Iterable, Sequence

from planner.keyed import Key, generator
from planner.planner import Best, Evaluate
from planner.recommend import best, preference
from planner.recorder import Recorder
from planner.rules import Rule
from planner.subsets import mask_of, members, subsets
from planner.trace import Recommend, Trace

Path = tuple[int, ...]


def static_paths(available: int, depth: int, order: Sequence[int]) -> list[Path]:
    """Take the first `depth` available attributes of an order, then the others in canonical order."""
    wanted = [a for a in dict.fromkeys((*order, *members(available))) if available >> a & 1]
    return [tuple(wanted[:depth])]


def random_paths(available: int, depth: int, key: tuple[Key, ...]) -> list[Path]:
    """Draw `depth` available attributes; the same key, the same draw."""
    drawn = generator(*key, "random subset").permutation(members(available))[:depth]
    return [tuple(sorted(int(a) for a in drawn))]


def exhaustive_paths(available: int, depth: int) -> list[Path]:
    """List every subset of size `depth`."""
    return [members(mask) for mask in subsets(available, depth)]


class ListPlanner:
    """Asks for given subsets, all at once (static, random, exhaustive)."""

    def __init__(
        self,
        name: str,
        available: int,
        paths: Iterable[Path],
        *,
        n: int,
        depth: int,
        rule: Rule,
        replicates: int,
        recommend: Recommend = "q",
    ) -> None:
        self.available = available
        self.depth = depth
        self._recorder = Recorder(name, available, n=n, depth=depth, rule=rule.name, backup="leaf", recommend=recommend)
        self._replicates = replicates
        self._open = self._requests(paths)

    def ask(self) -> Sequence[Evaluate]:
        """See `Planner.ask`."""
        return tuple(self._open)

    def tell_ranking(self, mask: int, ranking: Sequence[int]) -> None:  # noqa: ARG002
        """Refuse: no prior is ever asked for.

        Raises:
            ValueError: always.
        """
        raise ValueError(f"the prior of {mask} was not asked for")

    def tell_prior(self, mask: int, weights: Sequence[float]) -> None:  # noqa: ARG002
        """Refuse: no prior is ever asked for.

        Raises:
            ValueError: always.
        """
        raise ValueError(f"the prior of {mask} was not asked for")

    def tell(self, request: Evaluate, reward: float | None, cached: bool = False) -> None:
        """See `Planner.tell`."""
        if not self._open or request != self._open[0]:
            raise ValueError(f"{request} was not asked for, or not next")
        if reward is not None and not math.isfinite(reward):
            raise ValueError(f"a reward is a number from 1 to 5, not {reward}")
        self._recorder.rollout(request.path, None if reward is None else float(reward), cached)
        self._open.pop(0)

    def best(self) -> Best:
        """See `Planner.best`."""
        return best(self.trace)

    @property
    def trace(self) -> Trace:
        """See `Planner.trace`."""
        return self._recorder.snapshot()

    def _requests(self, paths: Iterable[Path]) -> list[Evaluate]:
        return [Evaluate(mask_of(path), path) for path in paths for _ in range(self._replicates)]


class GreedyPlanner(ListPlanner):
    """Adds the best attribute at each step; the candidates of a step are asked for together."""

    def __init__(
        self, available: int, *, n: int, depth: int, rule: Rule, replicates: int, recommend: Recommend = "q"
    ) -> None:
        steps = [(a,) for a in members(available)]
        super().__init__(
            "greedy", available, steps, n=n, depth=depth, rule=rule, replicates=replicates, recommend=recommend
        )
        self._rule, self._recommend = rule, recommend
        self._step: dict[Path, list[float]] = {}

    def tell(self, request: Evaluate, reward: float | None, cached: bool = False) -> None:
        """See `Planner.tell`. The last answer of a step opens the next one, unless every candidate of it failed."""
        super().tell(request, reward, cached)
        if reward is not None:
            self._step.setdefault(request.path, []).append(self._rule.scaled(reward))
        if not self._open and self._step and len(request.path) < self.depth:
            path = max(self._step, key=self._worth)
            self._step = {}
            self._open = self._requests((*path, a) for a in members(self.available & ~mask_of(path)))

    def _worth(self, path: Path) -> tuple[float, float, int]:
        values = self._step[path]
        return preference(self._recommend, sum(values) / len(values), len(values), mask_of(path))
