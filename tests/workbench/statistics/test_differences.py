"""Differences between arms and models: paired, tested, corrected over their own table, the paper's beside them."""

import pytest

from workbench.statistics.bootstrap import Interval
from workbench.statistics.differences import arm_differences, model_differences
from workbench.statistics.multiple import holm
from workbench.statistics.studytable import RunScores

_SCORES = {"vanilla": 3.0, "agent": 3.5, "planner": 3.5, "full": 4.5}


def _run(
    models: tuple[str, ...] = ("surrogate/GPT-4o", "surrogate/QwQ-32B"), judges: tuple[str, ...] = ("a",)
) -> RunScores:
    rows = [
        {
            "model": model,
            "arm": arm,
            "judge": judge,
            "scenario_id": f"s{i}",
            "profile_id": f"p{i}",
            "domain": "Life",
            "questions": 0,
            "naive": None,
            "score": None if (i, arm) == (0, "full") else score + 0.1 * (i % 3) + m * 0.25 * (arm == "planner"),
        }
        for m, model in enumerate(models)
        for judge in judges
        for arm, score in _SCORES.items()
        for i in range(12)
    ]
    return RunScores("r", "surrogate", {}, {}, rows)


def test_arms_are_paired_within_each_model_and_judge() -> None:
    table = arm_differences([_run(judges=("a", "b"))])
    assert len(table.rows) == 4 * 2 * 2  # there is no control arm
    row = next(r for r in table.rows if (r["model"], r["first"], r["second"]) == ("GPT-4o", "vanilla", "full"))
    assert isinstance(row["difference"], Interval)
    assert row["difference"].mean == pytest.approx(1.5)
    assert (row["n"], row["profiles"]) == (11, 11)  # a failed judgement leaves its scenario out
    assert row["paper_difference"] == pytest.approx(4.05 - 2.94)
    same = next(r for r in table.rows if (r["model"], r["first"], r["second"]) == ("GPT-4o", "agent", "planner"))
    assert same["p"] == 1
    assert same["p_holm"] == 1


def test_p_is_corrected_over_the_whole_table() -> None:
    table = arm_differences([_run()])
    assert [row["p_holm"] for row in table.rows] == pytest.approx(holm([row["p"] for row in table.rows]))  # type: ignore[misc]


def test_models_are_compared_two_by_two_under_the_same_arm_and_judge() -> None:
    table = model_differences([_run(("A", "B", "C"), ("a", "b"))])
    assert len(table.rows) == 3 * 2 * 2
    assert {(row["first"], row["second"]) for row in table.rows} == {("A", "B"), ("A", "C"), ("B", "C")}
    assert [row["arm"] for row in table.rows] == ["planner"] * 6 + ["full"] * 6
    row = next(r for r in table.rows if (r["first"], r["second"], r["arm"]) == ("A", "C", "planner"))
    assert isinstance(row["difference"], Interval)
    assert row["difference"].mean == pytest.approx(0.5)


def test_a_single_model_has_no_other_to_be_compared_with() -> None:
    assert model_differences([_run(("A",))]).rows == ()
