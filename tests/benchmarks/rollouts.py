"""Rollouts per second of the tree search through ask and tell, trace and evaluation policy included.

The game is planning.md's: a reward table of 1,024 entries (linear, pairwise and idiosyncratic parts), an imperfect
prior, T = 300, depth 5, rule `raise`, one core. `python -m tests.benchmarks.rollouts` prints the figures.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

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
    """One scenario: `rewards` [1024] on 1-5, `weights` [10] of an imperfect prior, `noise` [64, 1024] of samples."""

    rewards: list[float]
    weights: list[float]
    noise: list[list[float]]


def make_game(seed: int, noise_sd: float = 0.0) -> Game:
    """Make a seeded reward table with linear, pairwise and idiosyncratic parts, and a prior that knows it roughly."""
    rng = generator("rollouts benchmark", seed)
    linear = rng.exponential(0.35, N)
    pairwise = np.triu(rng.normal(0, 0.12, (N, N)), 1)
    held = (np.arange(1 << N)[:, None] >> np.arange(N)) & 1
    rewards = 2.0 + held @ linear + np.einsum("mi,ij,mj->m", held, pairwise, held) + rng.normal(0, 0.1, 1 << N)
    prior = np.exp(1.5 * (linear + rng.normal(0, 0.3, N)))
    noise = rng.normal(0, noise_sd, (64, 1 << N))
    return Game(np.clip(rewards, 1, 5).tolist(), prior.tolist(), noise.tolist())


def search(game: Game, evaluations: str) -> Trace:
    """Run one search."""
    rewards, weights, noise = game.rewards, game.weights, game.noise
    planner = make_planner(PlannerSettings(rollouts=ROLLOUTS, depth=DEPTH), (1 << N) - 1, n=N)

    def evaluate(mask: int, sample: int) -> float:
        return rewards[mask] + noise[sample % 64][mask]

    return plan(planner, evaluate, parse_evaluations(evaluations), prior=lambda mask: weights)


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
    for title, evaluations, noise_sd in (("no noise", "cache:1", 0.0), ("noise sd 0.3", "fresh", 0.3)):
        games = [make_game(seed, noise_sd) for seed in range(SEARCHES)]
        traces = [search(game, evaluations) for game in games]
        leaves = median(len(np.unique(np.sort(trace.path, axis=1), axis=0)) for trace in traces)
        rates = measure(lambda games=games, policy=evaluations: [search(game, policy) for game in games])  # type: ignore[misc]
        print(
            f"  {title}, {evaluations}: best {max(rates):,.0f}, median {median(rates):,.0f} rollouts/s"
            f" over {REPEATS} runs; medians of a search: {leaves:.0f} distinct leaves,"
            f" {median(trace.evaluations for trace in traces):.0f} evaluations,"
            f" {median(len(trace.states) for trace in traces):.0f} priors,"
            f" {median(len(pack(trace)) for trace in traces):,.0f} bytes packed"
        )


if __name__ == "__main__":
    main()
