"""Judges beside each other: figures computed by hand, and those of the statistics on the same numbers."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from simulator.world import DIMENSIONS
from workbench.statistics.agreement import krippendorff
from workbench.statistics.bias import within_correlation
from workbench.statistics.judging import ALPHA, EFFECTIVE, KAPPA, PEARSON, SPEARMAN, WITHIN, Figure, Later, Ratings


def row(unit: int, judge: str, score: float | None, arm: str = "full", **more: Any) -> dict[str, Any]:
    dimensions = dict.fromkeys(DIMENSIONS, score)
    known = {"unit": unit, "scenario_id": f"s{unit}", "profile_id": f"p{unit}", "domain": "Life", "model": "m"}
    return {**known, "arm": arm, "judge": judge, "score": score, **dimensions, **more}


def rows(scores: dict[str, list[float | None]], arms: str = "") -> Iterator[dict[str, Any]]:
    """Yield a row per judge and unit; arms: a letter per unit."""
    for judge, given in scores.items():
        for unit, score in enumerate(given):
            yield row(unit, judge, score, arm=arms[unit] if arms else "full")


def found(figures: Iterator[Later]) -> list[Figure]:
    return [figure() for figure in figures]


def value(figures: list[Figure], name: str, judges: tuple[str, ...]) -> float | None:
    (one,) = [figure for figure in figures if figure.figure == name and figure.judges == judges]
    return None if one.estimate is None else one.estimate.value


def test_figures_of_two_judges_are_those_computed_by_hand() -> None:
    # x = 1 2 3 4, y = 1 2 4 3: cov = 1, var = 1.25 each (population), so r = 0.8; ranks are the values; and
    # kappa = 2 * 1 / (1.25 + 1.25 + 0) = 0.8
    ratings = Ratings.of_rows(rows({"a": [1, 2, 3, 4], "b": [1, 2, 4, 3]}))
    figures = found(ratings.agreement())
    assert [figure.figure for figure in figures] == [PEARSON, SPEARMAN, KAPPA, ALPHA]
    for name in (PEARSON, SPEARMAN, KAPPA):
        assert value(figures, name, ("a", "b")) == pytest.approx(0.8)
    # interval alpha: D_o = mean of (v - v')^2 = (0 + 0 + 1 + 1) / 4 = 0.5; the 8 values 1 1 2 2 3 3 4 4 have the
    # variance 10 / 7 (n - 1), so D_e = 2 * 10 / 7 and alpha = 1 - 0.5 / (20 / 7) = 0.825
    assert value(figures, ALPHA, ("a", "b")) == pytest.approx(0.825)


def test_people_come_last_and_every_pair_and_everybody_have_figures() -> None:
    ratings = Ratings.of_rows(rows({"human:Ana": [1, 2, 5, 4], "b": [1, 2, 4, 3], "a": [2, 2, 4, 3]}))
    assert ratings.judges == ("a", "b", "human:Ana")
    assert (ratings.models, ratings.people) == (("a", "b"), ("human:Ana",))
    pairs = [figure.judges for figure in found(ratings.agreement()) if figure.figure == PEARSON]
    assert pairs == [("a", "b"), ("a", "human:Ana"), ("b", "human:Ana")]
    (alpha,) = [figure for figure in found(ratings.agreement()) if figure.figure == ALPHA]
    assert alpha.judges == ratings.judges
    assert alpha.estimate == krippendorff(ratings.of(), [f"p{i}" for i in range(4)])


def test_agreement_that_comes_from_arms_alone_vanishes_within_them() -> None:
    # In each arm the two judges vary against each other; the arms lie 3 apart, so pooled they seem to agree.
    ratings = Ratings.of_rows(rows({"a": [1, 2, 4, 5], "b": [2, 1, 5, 4]}, arms="vvff"))
    figures = found(ratings.agreement())
    # deviations from the mean 3: -2 -1 1 2 and -1 -2 2 1, so r = 8 / 10
    assert value(figures, PEARSON, ("a", "b")) == pytest.approx(0.8)
    assert value(figures, WITHIN, ("a", "b")) == pytest.approx(-1)
    alone = found(ratings.only(arm="f").agreement())
    assert WITHIN not in {figure.figure for figure in alone}
    assert value(alone, PEARSON, ("a", "b")) == pytest.approx(-1)


def test_within_groups_is_the_correlation_of_what_is_left_without_their_means() -> None:
    x, y, groups = np.array([1.0, 2, 4, 5, 4, 6]), np.array([1.0, 3, 2, 2, 5, 4]), list("aabbcc")
    means = np.array([[v[np.array(groups) == g].mean() for g in groups] for v in (x, y)])
    wanted = np.corrcoef(x - means[0], y - means[1])[0, 1]
    estimate = within_correlation(x, y, groups, list("pqrstu"))
    assert estimate is not None
    assert estimate.value == pytest.approx(wanted)
    assert within_correlation([np.nan, 1.0], [1.0, np.nan], ["a", "a"], ["p", "q"]) is None


def test_errors_are_measured_from_the_mean_of_people_and_from_the_surrogates_truth() -> None:
    given = [*rows({"a": [1, 3, 3, 5], "b": [2, 2, 4, 4], "human:X": [2, 3, 3, None], "human:Y": [1, 3, 4, None]})]
    ratings = Ratings.of_rows({**one, "true_score": 3.0 - one["unit"] / 4} for one in given)
    references = dict(ratings.references())
    people = references["people"].tolist()
    assert people[:3] == [1.5, 3.0, 3.5]
    assert math.isnan(people[3])
    assert references["the surrogate's true score"].tolist() == [3.0, 2.75, 2.5, 2.25]
    worth = found(ratings.worth())
    assert [(one.figure, one.judges) for one in worth] == [(EFFECTIVE, ("a", "b"))] * 2


def test_a_failed_judgement_and_a_score_without_dimensions_are_no_numbers() -> None:
    given = [*rows({"a": [1, None, 3]}), {**row(0, "human:X", 2.0), **dict.fromkeys(DIMENSIONS)}]
    ratings = Ratings.of_rows(given)
    assert np.isnan(ratings.of()[1, 0])
    assert ratings.of()[0, 1] == 2.0
    assert np.isnan(ratings.of("risk_sensitivity")[0, 1])


def test_the_queue_names_the_response_and_begins_with_the_widest_spread() -> None:
    ratings = Ratings.of_rows(rows({"a": [1, 2, 3], "b": [2, 5, 3]}))
    assert [(item.unit, entry.spread) for item, entry in ratings.queue()] == [(1, 3.0), (0, 1.0)]
    assert len(ratings.queue(1)) == 1


def test_dimensions_of_a_judge_are_correlated_over_and_within_arms() -> None:
    given = list(rows({"a": [1, 2, 4, 5]}, arms="vvff"))
    for one, empathy in zip(given, [2, 1, 5, 4], strict=True):
        one["emotional_empathy"] = empathy
    figures = [one for one in found(Ratings.of_rows(given).between_dimensions()) if one.beside == "emotional_empathy"]
    assert [(one.figure, one.measure) for one in figures] == [(PEARSON, DIMENSIONS[0]), (WITHIN, DIMENSIONS[0])]
    assert [one.estimate and round(one.estimate.value, 9) for one in figures] == [0.8, -1.0]


def test_only_some_judges_can_be_asked_for_and_unknown_ones_are_named() -> None:
    ratings = Ratings.of_rows(rows({"a": [1, 2], "b": [2, 5], "c": [1, 1]}))
    assert ratings.only(judges=("c", "a")).judges == ("a", "c")
    with pytest.raises(ValueError, match=r"no judge 'd': there are a, b, c"):
        ratings.only(judges=("a", "d"))


def test_length_and_order_count_where_they_are_known() -> None:
    # within the one arm score rises by 1 with each doubling
    ratings = Ratings.of_rows(rows({"a": [1, 2, 3, 4]}))
    bias = ratings.length_bias("a", {0: 100, 1: 200, 2: 400})
    assert bias is not None
    assert [bias.correlation.value, bias.slope.value] == pytest.approx([1, 1])
    assert bias.correlation.n == 3
    drift = ratings.position_bias("a", {3: 0, 2: 1, 1: 2, 0: 3})
    assert drift is not None
    assert [drift.correlation.value, drift.slope.value] == pytest.approx([-1, -3])
