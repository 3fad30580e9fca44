"""The curves: what they follow, and the dots they are drawn with."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.recommend import acquisition_order, best_so_far
from planner.settings import PLANNERS, PlannerSettings
from planner.trace import Trace
from planner.tree import replay
from tests.planner.games import Game, run
from workbench.app.state.search.curves import bounds, column_of, curves, raster, rollout_at

GAME = Game(n=6, seed=5, noise=0.8, broken=frozenset({0b111}))


@pytest.fixture(scope="module", params=["raise", "raise-literal"])
def trace(request: pytest.FixtureRequest) -> Trace:
    return run(GAME, PlannerSettings(rollouts=80, depth=3, rule=request.param), "fresh")


def test_the_chosen_action_is_what_would_be_asked_first_after_every_rollout(trace: Trace) -> None:
    found, course = curves(trace), best_so_far(trace)
    assert np.array_equal(found.best, course.q, equal_nan=True)
    for t in range(1, trace.rollouts + 1):
        tree = replay(trace, t)
        if course.mask[t - 1] == -1:
            assert (found.first[t - 1], math.isnan(found.chosen[t - 1])) == (-1, True)
            continue
        order = acquisition_order(tree, int(course.mask[t - 1]))
        values = [tree.q[tree.node_of[1 << a]] for a in order if 1 << a in tree.node_of]
        if values:
            assert found.chosen[t - 1] == pytest.approx(max(v for v in values if not math.isnan(v)))
            assert found.chosen[t - 1] == pytest.approx(tree.q[tree.node_of[1 << int(found.first[t - 1])]])


def test_changes_and_failures_stand_at_their_rollouts(trace: Trace) -> None:
    found, course = curves(trace), best_so_far(trace)
    masks = [-1, *course.mask.tolist()]
    assert found.changes == tuple(t for t in range(1, len(masks)) if masks[t] != masks[t - 1])
    assert found.failed == tuple((np.flatnonzero(trace.flags & 2) + 1).tolist())
    assert found.said(0) == "nothing chosen yet"
    assert found.said(found.changes[0]) == f"chosen since rollout {found.changes[0]}"
    if len(found.changes) > 1:
        assert found.said(80) == f"choice last changed at rollout {found.changes[-1]}"
        assert found.said(80, short=True) == f"kept since {found.changes[-1]}"


@pytest.mark.parametrize("planner", PLANNERS)
def test_every_planner_has_curves(planner: str) -> None:
    trace = run(Game(n=5, seed=1), PlannerSettings(planner=planner, depth=2, rollouts=10))
    for t in (0, 1, trace.rollouts):
        found = curves(trace.until(t))
        assert found.rollouts == t == len(found.chosen)
        low, high = bounds([found])
        assert 1 <= low < high <= 5


def lit(cells: np.ndarray) -> int:
    return sum(int(bits).bit_count() for bits in cells.ravel())


def test_dots_of_a_level_line_and_of_a_step() -> None:
    assert raster([3.0] * 8, (1, 5), 4, 1).tolist() == [[0x24] * 4]
    assert raster([5.0] * 4, (1, 5), 2, 1).tolist() == [[0x09] * 2]
    assert raster([5.0] * 4, (1, 5), 2, 1, dotted=True).tolist() == [[0x01] * 2]
    assert raster([1.0, 5.0], (1, 5), 1, 1).tolist() == [[0x40 | 0x08 | 0x10 | 0x20 | 0x80]]
    assert raster([math.nan, math.nan], (1, 5), 2, 2).tolist() == [[0, 0], [0, 0]]
    assert raster([], (1, 5), 2, 1).tolist() == [[0, 0]]
    assert raster([3.0] * 4, (1, 5), 4, 1, rollouts=8).tolist() == [[0x24, 0x24, 0, 0]]
    assert raster([3.0] * 50 + [5.0] + [3.0] * 49, (1, 5), 1, 1).tolist() == [
        [0x04 | 0x08 | 0x10 | 0x20]
    ]  # no peak is lost


@given(
    st.lists(st.floats(0, 6) | st.just(math.nan), max_size=400), st.integers(0, 40), st.integers(0, 9), st.booleans()
)
def test_a_curve_fits_whatever_its_values(values: list[float], width: int, height: int, dotted: bool) -> None:
    cells = raster(values, (1, 5), width, height, dotted=dotted)
    assert cells.shape == (height, width)
    if values and width and height and not dotted and not any(map(math.isnan, values)):
        assert all(lit(cells[:, x]) >= 2 for x in range(width))


@given(st.integers(1, 2000), st.integers(1, 200))
def test_the_mouse_finds_the_rollouts(rollouts: int, width: int) -> None:
    assert rollout_at(width - 1, rollouts, width) == rollout_at(width + 5, rollouts, width) == rollouts
    assert rollout_at(-1, rollouts, width) == 0
    places = [rollout_at(x, rollouts, width) for x in range(width)]
    assert places == sorted(places)
    if rollouts >= width:
        assert column_of(rollouts, rollouts, width) == width - 1
        assert all(abs(column_of(t, rollouts, width) - x) <= 1 for x, t in enumerate(places))
