"""Small worlds for planner tests, and an independent search that is slow, plain and written from Algorithm 1."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from planner.drive import plan
from planner.evaluations import Evaluations, parse_evaluations
from planner.keyed import generator
from planner.planner import Planner
from planner.settings import PlannerSettings, make_planner
from planner.trace import Trace


@dataclass(frozen=True)
class Game:
    """A reward for every subset and a ranking for every state; `broken` subsets fail, `flaky` ones every first time."""

    n: int = 10
    seed: int = 0
    noise: float = 0.0
    levels: int = 0
    broken: frozenset[int] = frozenset()
    flaky: frozenset[int] = frozenset()
    asked: list[tuple[int, int]] = field(default_factory=list, compare=False)

    def rank(self, mask: int, available: int) -> list[int]:
        """Rank what is left, another order in each state."""
        order = generator("game", self.seed, "rank", mask).permutation(self.n)
        return [int(a) for a in order if available >> a & 1 and not mask >> a & 1]

    def evaluate(self, mask: int, sample: int) -> float | None:
        """Reward a subset; with `levels` there are few different rewards, so that ties happen."""
        self.asked.append((mask, sample))
        if mask in self.broken or (mask in self.flaky and sample == 0):
            return None
        reward = 1 + 4 * generator("game", self.seed, mask).random()
        reward += self.noise * generator("game", self.seed, mask, sample).normal()
        return 1 + round((reward - 1) / 4 * self.levels) / self.levels * 4 if self.levels else reward


def run(game: Game, settings: PlannerSettings, policy: str = "cache:1", available: int | None = None) -> Trace:
    """Search a game by rankings."""
    return run_planner(game, settings, policy, available)[1]


def run_planner(
    game: Game, settings: PlannerSettings, policy: str = "cache:1", available: int | None = None
) -> tuple[Planner, Trace]:
    """Search a game by rankings; return the planner too."""
    whole = (1 << game.n) - 1 if available is None else available
    evaluations = parse_evaluations(policy)
    planner = make_planner(settings, whole, n=game.n, key=("test", game.seed), replicates=evaluations.replicates)
    trace = plan(planner, game.evaluate, evaluations, rank=lambda mask: game.rank(mask, whole))
    return planner, trace


@dataclass
class Reference:
    """What the slow search knows at its end: N and Q (rule's scale) by set, and the rollouts as it made them."""

    visits: dict[frozenset[int], int] = field(default_factory=dict)
    q: dict[frozenset[int], float] = field(default_factory=dict)
    paths: list[tuple[int, ...]] = field(default_factory=list)
    rewards: list[float | None] = field(default_factory=list)


def reference_search(
    available: Sequence[int],
    prior: Callable[[frozenset[int]], dict[int, float]],
    evaluate: Callable[[frozenset[int]], float | None],
    *,
    rule: str,
    rollouts: int,
    depth: int,
    c: float,
) -> Reference:
    """Run Algorithm 1 with the decisions of raise.md, section 8; `evaluate` gives None where a subset failed."""
    literal = rule == "raise-literal"
    result = Reference()
    total: dict[frozenset[int], float] = {}
    priors: dict[frozenset[int], dict[int, float]] = {}
    failed: set[frozenset[int]] = set()

    def dead(state: frozenset[int]) -> bool:
        if len(state) == depth:
            return state in failed
        return bool(failed) and all(dead(state | {a}) for a in available if a not in state)

    for _ in range(rollouts):
        state: frozenset[int] = frozenset()
        if dead(state):
            break
        path: list[int] = []
        while len(state) < depth:
            actions = [a for a in available if a not in state]
            if state not in priors:
                priors[state] = prior(state)
            around = sum(result.visits.get(state | {b}, 0) for b in actions)
            ranked = []
            for a in actions:
                child = state | {a}
                count = result.visits.get(child, 0)
                if count:
                    value = result.q[child]
                elif literal:
                    value = 0.0
                else:
                    value = result.q.get(state, 0.5)
                score = value + c * priors[state][a] * math.sqrt(around) / (1 + count)
                if not dead(child):
                    ranked.append((-score, -priors[state][a], a))
            action = min(ranked)[2]
            path.append(action)
            state = state | {action}
        reward = evaluate(state)
        result.paths.append(tuple(path))
        result.rewards.append(reward)
        if reward is None:
            failed.add(state)
            continue
        scaled = reward if literal else (reward - 1) / 4
        for size in range(depth + 1):
            prefix = frozenset(path[:size])
            result.visits[prefix] = result.visits.get(prefix, 0) + 1
            total[prefix] = total.get(prefix, 0.0) + scaled
            result.q[prefix] = total[prefix] / result.visits[prefix]
    return result


def sampler(game: Game, evaluations: Evaluations) -> Callable[[frozenset[int]], float | None]:
    """Answer the reference search as the driver does: the policy's mean, a sample, or a second try."""

    def evaluate(state: frozenset[int]) -> float | None:
        mask = sum(1 << a for a in state)
        if (mean := evaluations.mean(mask)) is not None:
            return mean
        for _ in range(2):
            if (reward := game.evaluate(mask, evaluations.take(mask))) is not None:
                evaluations.add(mask, reward)
                return reward
        return None

    return evaluate
