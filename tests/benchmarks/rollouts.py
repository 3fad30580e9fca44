"""Rollouts per second of the tree search through ask and tell, trace and evaluation policy included.

The game: a reward table of 1,024 entries (linear, pairwise and idiosyncratic parts) and a prior that knows the linear
part roughly; T = 300, depth 5, rule `raise`, one core. `python -m tests.benchmarks.rollouts` prints the figures.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import mean, median

import numpy as np

from planner.drive import plan
from planner.evaluations import parse_evaluations
from planner.keyed import generator
from planner.settings import PlannerSettings, make_planner
from planner.trace import Trace, pack

N, DEPTH, ROLLOUTS = 10, 5, 300
SEARCHES, REPEATS = 30, 7


@dataclass(frozen=True)
class Game:
    """One scenario: `samples` [64][1024] rewards on 1-5 by sample number and mask, `weights` [10] of the prior."""

    samples: list[list[float]]
    weights: list[float]


def make_game(seed: int, noise_sd: float = 0.0, *, judged: bool = False) -> Game:
    """Make a seeded game; `judged` rewards are means of three integers, as verdicts are."""
    rng = generator("rollouts benchmark", seed)
    linear = rng.exponential(0.2, N)
    pairwise = np.triu(rng.normal(0, 0.12, (N, N)), 1)
    held = (np.arange(1 << N)[:, None] >> np.arange(N)) & 1
    table = 2.0 + held @ linear + np.einsum("mi,ij,mj->m", held, pairwise, held) + rng.normal(0, 0.15, 1 << N)
    weights = np.exp(1.5 * (linear + rng.normal(0, 0.3, N)))
    samples = table + rng.normal(0, noise_sd, (64, 1 << N))
    samples = np.clip(np.round(3 * samples) / 3 if judged else samples, 1, 5)
    return Game(samples.tolist(), weights.tolist())


def search(game: Game, evaluations: str) -> Trace:
    """Run one search."""
    samples, weights = game.samples, game.weights
    planner = make_planner(PlannerSettings(rollouts=ROLLOUTS, depth=DEPTH), (1 << N) - 1, n=N)

    def evaluate(mask: int, sample: int) -> float:
        return samples[sample % 64][mask]

    return plan(planner, evaluate, parse_evaluations(evaluations), prior=lambda mask: weights)


def search_all(games: Sequence[Game], evaluations: str) -> None:
    """Run a search of every game."""
    for game in games:
        search(game, evaluations)


def measure(run: Callable[[], object]) -> list[float]:
    """Return rollouts per second of each repeat."""
    rates = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        run()
        rates.append(SEARCHES * ROLLOUTS / (time.perf_counter() - start))
    return rates


def main() -> None:
    """Print the figures."""
    print(f"tree search by ask and tell, rule raise, T = {ROLLOUTS}, depth {DEPTH}, one core, {SEARCHES} searches")
    for title, policy, noise_sd, judged in (
        ("no noise", "cache:1", 0.0, False),
        ("noise sd 0.3", "fresh", 0.3, False),
        ("judged, noise sd 0.5", "cache:3", 0.5, True),
    ):
        games = [make_game(seed, noise_sd, judged=judged) for seed in range(SEARCHES)]
        traces = [search(game, policy) for game in games]
        rates = measure(partial(search_all, games, policy))
        leaves = [len({frozenset(path) for path in trace.path.tolist()}) for trace in traces]
        size = mean(len(pack(trace)) for trace in traces)
        print(
            f"  {title}, {policy}: best {max(rates):,.0f}, median {median(rates):,.0f} rollouts/s over {REPEATS} runs;"
            f" a search: {mean(leaves):.0f} distinct leaves, {mean(t.evaluations for t in traces):.0f} evaluations,"
            f" {mean(len(t.states) for t in traces):.0f} priors; packed {size:,.0f} bytes"
        )


if __name__ == "__main__":
    main()
