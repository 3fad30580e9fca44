"""Measures the surrogate's verdicts beside the published figures (raise.md, section 5) and fits what is calibrated.

python -m simulator.surrogate.calibration            print the measured values over 1,000 built scenarios
python -m simulator.surrogate.calibration --fit      print the fitted parameters that would meet them
"""

import asyncio
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from planner.keyed import generator
from planner.subsets import mask_of, members, subsets
from simulator.attributes import KEYS, N_ATTRIBUTES, NAMES, SENSITIVITY_ORDER
from simulator.build import build
from simulator.scenario import Scenario
from simulator.surrogate.latent import Latent
from simulator.surrogate.parameters import Array, Parameters, parameters
from simulator.surrogate.world import SurrogateSession, SurrogateWorld
from simulator.world import Draw

PUBLISHED_SENSITIVITY = (3.43, 3.33, 3.43, 3.50, 3.50, 3.67, 3.53, 3.97, 3.83, 3.90)
"""The score with one attribute given, canonical order, over a baseline of 3.12."""

TARGET_SENSITIVITY = tuple((score - 3.12) / (4.32 - 3.15) for score in PUBLISHED_SENSITIVITY)
"""Gain over nothing divided by (full - nothing) of LLaMA-3.1-8B (experiments.md)."""

PUBLISHED_PATH = (3.33, 4.10, 4.23, 4.30)
"""The score after 0, 1, 2, 3 attributes of a planned path."""

FIRST_SHARE = (PUBLISHED_PATH[1] - PUBLISHED_PATH[0]) / (PUBLISHED_PATH[3] - PUBLISHED_PATH[0])

_FULL = (1 << N_ATTRIBUTES) - 1
_THREE = np.array(subsets(_FULL, 3))

_SAMPLES = 3
"""Verdicts per scenario and quantity, so that what a test sees is the calibration and not the judge's noise."""


@dataclass(frozen=True, slots=True)
class Measured:
    """Means of the default judge's verdicts over a set of scenarios, 1-5 except for the ratios.

    Fields:
        levels: model -> (vanilla, full).
        sensitivity: `[10]` gain of one attribute over nothing, in units of the published full - nothing.
        path: `[4]` after 0, 1, 2, 3 attributes of the best path.
        oracle, static, random: three attributes each, chosen by the true latent, by the paper's order, or by chance.
    """

    levels: dict[str, tuple[float, float]]
    sensitivity: tuple[float, ...]
    path: tuple[float, ...]
    oracle: float
    static: float
    random: float

    @property
    def first_share(self) -> float:
        """The first attribute's share of the path's gain."""
        return (self.path[1] - self.path[0]) / (self.path[3] - self.path[0])


def measure(scenarios: Sequence[Scenario], seed: int = 0) -> Measured:
    """Judge every scenario a few times per quantity; everything but the levels is of the default model."""
    world = SurrogateWorld()
    return asyncio.run(_measure(world, world.models[0], scenarios, seed))


async def _measure(world: SurrogateWorld, default: str, scenarios: Sequence[Scenario], seed: int) -> Measured:
    async def score(session: SurrogateSession, mask: int, owner: str) -> float:
        draws = [Draw(owner, "final", sample) for sample in range(_SAMPLES)]
        return sum([(await session.evaluate(mask, world.judges[0], draw)).score for draw in draws]) / _SAMPLES

    levels: dict[str, tuple[float, float]] = {}
    for model in world.models:
        sessions = [world.open(scenario, model, seed) for scenario in scenarios]
        pairs = [(await score(s, 0, "vanilla"), await score(s, _FULL, "full")) for s in sessions]
        vanilla, full = np.mean(pairs, axis=0).tolist()
        levels[model] = vanilla, full
    rows = []
    for scenario in scenarios:
        session = world.open(scenario, default, seed)
        path = best_path(session)
        chance = generator(seed, scenario.id, "calibration").choice(N_ATTRIBUTES, 3, replace=False).tolist()
        wanted = [("single", 1 << a) for a in range(N_ATTRIBUTES)]
        wanted += [("path", mask_of(path[:size])) for size in range(4)]
        wanted += [("oracle", mask_of(path)), ("static", mask_of(SENSITIVITY_ORDER[:3])), ("random", mask_of(chance))]
        rows.append([await score(session, mask, owner) for owner, mask in wanted])
    means = np.mean(rows, axis=0).tolist()
    gains = tuple((single - levels[default][0]) / (4.32 - 3.15) for single in means[:N_ATTRIBUTES])
    return Measured(levels, gains, tuple(means[N_ATTRIBUTES:-3]), *means[-3:])


def best_path(session: SurrogateSession) -> tuple[int, ...]:
    """Return the best three attributes by the true latent, each step taking the one that is worth most then.

    This is what a planner finds that is given enough evaluations; raise.md, section 8, orders a path in this way.
    """
    scores = session.true_scores()
    best = int(_THREE[np.argmax(scores[_THREE])])
    path: list[int] = []
    while len(path) < 3:
        known = mask_of(path)
        path.append(max(members(best & ~known), key=lambda a: scores[known | 1 << a]))
    return tuple(path)


def fit(scenarios: Sequence[Scenario], start: Parameters) -> Parameters:
    """Return the parameters whose expected verdicts meet the published sensitivities and full levels."""
    p, default = start, next(iter(start.models))
    masks = [0, _FULL, *(1 << a for a in range(N_ATTRIBUTES))]
    for _ in range(12):
        models = dict(p.models)
        for name, levels in p.models.items():
            latents = [Latent(scenario, name, p) for scenario in scenarios]
            nothing, full, *single = _expected(np.array([latent.table()[masks] for latent in latents]), p)
            models[name] = replace(levels, reach=levels.reach * (levels.full - nothing) / (full - nothing))
            if name == default:
                gain = np.mean([(1.0 - np.exp(-t.relevance.sum(0))).mean() + t.pairs.sum() for t in latents])
                found = (np.array(single) - nothing) / (levels.full - levels.average)
                base = p.base * np.log1p(-np.array(TARGET_SENSITIVITY)) / np.log1p(-np.minimum(found, 0.97))
        p = replace(p, models=models, full_gain=float(gain), base=base)
    return p


def _expected(latents: Array, p: Parameters) -> list[float]:
    """Return the mean verdict of the default judge per mask, from latents `[scenarios, masks, 3]`."""
    judge = next(iter(p.judges.values()))
    parts = zip(judge.case_sd, judge.noise, strict=True)
    sd = np.sqrt([p.noise_shared**2 + p.noise_own**2 + case**2 + noise**2 for case, noise in parts])
    verdict = np.ones_like(latents)
    for threshold in (1.5, 2.5, 3.5, 4.5):
        verdict += _normal_cdf((latents + np.array(judge.leniency) - threshold) / sd)
    means: list[float] = verdict.mean(axis=(0, 2)).tolist()
    return means


def _normal_cdf(z: Array) -> Array:
    """Return the standard normal probability of lying below z."""
    erf: Array = np.vectorize(math.erf)(z / math.sqrt(2.0))
    return (1.0 + erf) / 2.0


def main() -> None:
    """Print what is measured, or with `--fit` what `parameters.toml` would have to say."""
    scenarios = list(build(1000, 0))
    if "--fit" in sys.argv[1:]:
        fitted = fit(scenarios, parameters())
        print(f"[gain]\nfull = {fitted.full_gain:.3f}\n\n[relevance.base]")
        print("\n".join(f"{key} = {value:.3f}" for key, value in zip(KEYS, fitted.base, strict=True)))
        print("\n".join(f'\n[models."{name}"]\nreach = {levels.reach:.3f}' for name, levels in fitted.models.items()))
        return
    found = measure(scenarios)
    for model, (vanilla, full) in found.levels.items():
        published = parameters().models[model.partition("/")[2]]
        print(f"{model:24} vanilla {vanilla:.3f} ({published.average:.2f})  full {full:.3f} ({published.full:.2f})")
    for name, gain, target in zip(NAMES, found.sensitivity, TARGET_SENSITIVITY, strict=True):
        print(f"{name:24} {gain:.3f} ({target:.3f})")
    print("path", *(f"{score:.3f}" for score in found.path), f"first share {found.first_share:.3f} ({FIRST_SHARE:.3f})")
    print(f"oracle {found.oracle:.3f} > static {found.static:.3f} > random {found.random:.3f}")


if __name__ == "__main__":
    main()
