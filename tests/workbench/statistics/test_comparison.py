"""The table of two sides: paired or not, corrected, with what changed most."""

import math
import random
from typing import Any

import pytest

from tests.workbench.statistics.test_paired import SLEEP
from workbench.statistics.comparison import ALPHA, ComparisonTable, compare_pairs, compare_samples
from workbench.statistics.multiple import holm
from workbench.statistics.paired import paired
from workbench.statistics.power import scenarios_needed


def pair(scenario: int, first: float | None, second: float | None, **changes: Any) -> dict[str, Any]:
    standard = {
        "first_model": "m",
        "second_model": "m",
        "first_arm": "vanilla",
        "second_arm": "agent",
        "judge": "a",
        "scenario_id": f"s{scenario:03}",
        "profile_id": f"p{scenario}",
        "domain": "Health",
        "first": first,
        "second": second,
    }
    return standard | changes


def scores(values: list[float], arm: str) -> list[dict[str, Any]]:
    return [{"model": "m", "arm": arm, "judge": "a", "profile_id": f"p{i}", "score": v} for i, v in enumerate(values)]


def sleep() -> list[dict[str, Any]]:
    return [pair(i, one, other) for i, (one, other) in enumerate(zip(*SLEEP, strict=True))]


def test_the_same_data_paired_and_unpaired_disagree_and_each_table_says_which_it_is() -> None:
    together = compare_pairs(sleep())
    apart = compare_samples(scores(SLEEP[0], "vanilla"), scores(SLEEP[1], "agent"), same=("model", "judge"))
    (one,), (other,) = together.rows, apart.rows
    assert one.told_apart
    assert not other.told_apart
    assert [record["analysis"] for table in (together, apart) for record in table.records()] == ["paired", "unpaired"]
    assert math.isclose(one.difference()[0], other.difference()[0])


def test_holm_counts_every_line_and_the_sample_size_heeds_it() -> None:
    rows = [*sleep(), *(pair(i, 3.0, 3.0 + (i % 3 - 1) / 3 + 0.1, judge="b") for i in range(9))]
    rows.sort(key=lambda row: (row["scenario_id"], row["judge"]))
    table = compare_pairs(rows)
    a, b = table.rows
    assert [a.p_holm, b.p_holm] == holm([a.p, b.p])
    expected = paired([3.0] * 9, [3.0 + (i % 3 - 1) / 3 + 0.1 for i in range(9)], [f"p{i}" for i in range(9)])
    assert expected is not None
    assert expected.sd is not None
    assert b.needed == scenarios_needed(
        expected.difference.mean, expected.sd, alpha=ALPHA / 2, design_effect=expected.design_effect or 1
    )
    assert b.more == (b.needed or 0) - 9
    assert a.more == 0


def test_failed_judgements_are_left_out_and_counted() -> None:
    table = compare_pairs([pair(0, None, 4.0), pair(1, 3.0, 4.0), pair(2, 3.0, None), pair(3, 2.0, 4.0)])
    (row,) = table.rows
    assert (row.failed, row.result.first.n) == (2, 2)
    assert [item.scenario_id for item in table.changed] == ["s003", "s001"]
    assert compare_pairs([pair(0, None, None)]).rows == ()


def test_what_changed_most_is_the_mean_of_its_judges() -> None:
    rows = [
        pair(0, 1.0, 5.0, judge="a"),
        pair(0, 3.0, 3.0, judge="b"),
        pair(1, 4.0, 1.0, judge="a"),
        pair(1, 4.0, None, judge="b"),
        pair(2, 3.0, 3.0),
    ]
    changed = compare_pairs(rows, most=5).changed
    assert [(item.scenario_id, item.change, item.judges) for item in changed] == [("s001", -3, 1), ("s000", 2, 2)]
    assert len(compare_pairs(rows, most=1).changed) == 1
    none = compare_pairs(rows, most=0)
    assert none.changed == ()
    assert none.rows == compare_pairs(rows).rows


def test_thresholds_are_counted() -> None:
    table = compare_pairs([pair(i, 3.0, 4.0) for i in range(7)] + [pair(8, 4.0, 4.0)], threshold=4.0)
    (record,) = table.records()
    assert (record["reached_first"], record["reached_second"]) == (1, 8)
    assert record["mcnemar_exact"] == pytest.approx(2 / 2**7)


def test_arms_are_listed_from_knowing_nothing_to_knowing_everything() -> None:
    arms = ["full", "agent", "vanilla", "mine"]
    table = compare_pairs(pair(i, 3.0, 3.5, first_arm=arm, second_arm=arm) for arm in arms for i in range(2))
    assert [row.compared.first_arm for row in table.rows] == ["vanilla", "agent", "full", "mine"]


def test_the_order_of_scenarios_changes_nothing() -> None:
    def of(rows: list[dict[str, Any]]) -> ComparisonTable:
        return compare_pairs(rows, most=4)

    rows = [pair(i, 3.0 + i % 3 / 3, 3.0 + i % 4 / 3) for i in range(30)]
    expected = of(rows)
    random.Random(1).shuffle(rows)
    assert of(rows) == expected


def test_equal_scores_are_never_told_apart() -> None:
    (row,) = compare_pairs([pair(i, 3.0, 3.0) for i in range(5)]).rows
    assert (row.p, row.told_apart, row.needed, row.more) == (1, False, None, None)


def test_only_like_samples_are_compared() -> None:
    table = compare_samples(scores([1.0, 2.0], "agent"), scores([1.0, 2.0], "agent") + scores([3.0, 4.0], "full"))
    assert [(row.compared.first_arm, row.compared.second_arm) for row in table.rows] == [("agent", "agent")]
    failed = [{"model": "m", "arm": "agent", "judge": "a", "profile_id": "p", "score": None}]
    assert compare_samples(failed, scores([1.0], "agent")).rows == ()
