"""The surrogate's verdicts stand beside the paper's figures, over 1,000 built scenarios (experiments.md)."""

from dataclasses import replace

import numpy as np
import pytest

from simulator.build import build
from simulator.scenario import Scenario
from simulator.surrogate import SurrogateWorld
from simulator.surrogate.calibration import FIRST_SHARE, TARGET_SENSITIVITY, Measured, best_path, fit, measure
from simulator.surrogate.parameters import parameters, severity

WORLD = SurrogateWorld()


def scenarios(seed: int) -> list[Scenario]:
    return list(build(1000, seed))


@pytest.fixture(scope="module", params=[0, 1], ids=["fitted-to", "never-seen"])
def measured(request: pytest.FixtureRequest) -> Measured:
    return measure(scenarios(request.param), seed=request.param)


@pytest.mark.parametrize("model", WORLD.models)
def test_levels(measured: Measured, model: str) -> None:
    published = parameters().models[model.partition("/")[2]]
    vanilla, full = measured.levels[model]
    assert vanilla == pytest.approx(published.average, abs=0.05)
    assert full == pytest.approx(published.full, abs=0.05)


def test_sensitivities(measured: Measured) -> None:
    assert np.allclose(measured.sensitivity, TARGET_SENSITIVITY, rtol=0, atol=0.05)
    assert np.corrcoef(ranks(measured.sensitivity), ranks(TARGET_SENSITIVITY))[0, 1] >= 0.9


def test_the_first_question_brings_most(measured: Measured) -> None:
    assert pytest.approx(0.794, abs=0.001) == FIRST_SHARE
    assert measured.first_share == pytest.approx(0.79, abs=0.06)
    assert list(measured.path) == sorted(measured.path)


def test_choosing_well_beats_choosing_alike_beats_chance(measured: Measured) -> None:
    assert measured.oracle > measured.static > measured.random


def test_an_unseen_value_counts_like_the_mean_one() -> None:
    values = [scenario.profile for scenario in scenarios(0)]
    for a in range(10):
        mean = np.mean([severity(a, value) for profile in values if (value := profile[a]) is not None])
        assert mean == pytest.approx(1, abs=0.1), a


def test_the_path_is_the_best_three_in_greedy_order() -> None:
    session = WORLD.open(scenarios(0)[0], WORLD.models[0], 0)
    scores = session.true_scores()
    path = best_path(session)
    best = sum(1 << a for a in path)
    assert scores[best] == max(scores[mask] for mask in range(1024) if mask.bit_count() == 3)
    assert scores[1 << path[0]] == max(scores[1 << a] for a in path)


def test_the_fit_finds_its_way_back() -> None:
    """From relevances that are off, the fit returns to about what it returns to from the ones in the file."""
    some = scenarios(0)[:60]
    p = parameters()
    near, far = fit(some, p), fit(some, replace(p, base=p.base * 0.7))
    assert np.allclose(near.base, far.base, rtol=0.01)
    assert near.full_gain == pytest.approx(far.full_gain, rel=0.01)


def ranks(values: tuple[float, ...]) -> list[float]:
    """Average ranks, so that ties count alike."""
    return [float(np.mean([np.mean(np.array(values) < v), np.mean(np.array(values) <= v)])) for v in values]
