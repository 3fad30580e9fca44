"""Regret: what a search is read for, and how readings are summed up."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.recommend import best_so_far
from planner.settings import PlannerSettings
from planner.subsets import subsets
from tests.planner.games import Game, run
from workbench.statistics.bootstrap import Interval
from workbench.statistics.regret import Reading, median, optimum, read, summary


@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 4)), min_size=1).filter(lambda rows: any(w for _, w in rows))
)
def test_a_weighted_median_is_that_of_items_written_out(rows: list[tuple[int, int]]) -> None:
    values, weights = np.array(rows, np.float64).T
    found = median(values[:, np.newaxis], np.stack((weights, np.ones_like(weights))))
    assert found.tolist() == [np.median(np.repeat(values, weights.astype(int))), np.median(values)]


def test_a_reading_says_what_was_recommended_by_then_and_what_it_took() -> None:
    game = Game(n=6, seed=3)
    true = np.array([game.evaluate(mask, 0) for mask in range(64)], np.float64)
    trace = run(game, PlannerSettings(rollouts=40, depth=3))
    course = best_so_far(trace)
    assert optimum(true, trace) == true[subsets(63, 3)].max()
    for t in (1, 7, 40):
        asked = {tuple(sorted(path)) for path in trace.path[:t].tolist()}
        reading = read(trace, course, true, t, "p")
        assert reading.regret == optimum(true, trace) - true[course.mask[t - 1]] >= 0
        assert (reading.rollouts, reading.subsets, reading.evaluations) == (t, len(asked), len(asked))  # cache:1
        assert reading.rankings == len(trace.until(t).prior)
    assert read(trace, course, true, 1000, "p") == read(trace, course, true, 40, "p")


def test_before_a_subset_of_the_size_wanted_there_is_nothing_to_read() -> None:
    game = Game(n=4)
    trace = run(game, PlannerSettings(planner="greedy", depth=2))
    with pytest.raises(ValueError, match="after 4 rollouts"):
        read(trace, best_so_far(trace), np.ones(16), 4, "p")


def test_a_summary_has_mean_median_and_share_with_intervals_over_clusters() -> None:
    regrets = [0.0, 0.004, 0.3, 0.5, 0.1]
    readings = [Reading("ab"[i % 2], regret, 10, 5 + i, 4, 3) for i, regret in enumerate(regrets)]
    found = summary(readings)
    for key, value in (("regret", np.mean(regrets)), ("median", 0.1), ("found", 0.4)):
        mean = found[key]
        assert isinstance(mean, Interval)
        assert mean.mean == pytest.approx(value)
        assert (mean.n, mean.clusters) == (5, 2)
        assert mean.low is not None
        assert mean.high is not None
        assert mean.low <= mean.mean <= mean.high
    assert [found[key] for key in ("rollouts", "evaluations", "subsets", "rankings")] == [10, 7, 4, 3]
    alone = summary(readings[:1])["median"]
    assert alone == Interval(0.0, None, None, 1, 1)
