"""The table arms x domains."""

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.domains import DOMAINS
from workbench.statistics.bootstrap import interval
from workbench.statistics.scores import AVERAGE, COLUMNS, ScoreTable, score_table


def row(**changes: Any) -> dict[str, Any]:
    standard = {
        "world": "surrogate",
        "model": "surrogate/LLaMA-3.1-8B",
        "arm": "vanilla",
        "judge": "a",
        "domain": "Health",
        "profile_id": "p1",
        "score": 3.0,
        "failed": False,
        "questions": 0,
        "crisis": False,
    }
    return standard | changes


def mean(table: ScoreTable, column: str = AVERAGE, index: int = 0) -> float | None:
    score = table.rows[index].cells[column].score
    return None if score is None else score.mean


def test_one_row_per_arm_and_judge_from_knowing_nothing_to_knowing_everything() -> None:
    arms = ["full", "planner", "my own", "vanilla", "control", "agent"]
    table = score_table(row(arm=arm, judge=judge) for judge in "ba" for arm in arms)
    wanted = ["vanilla", "control", "agent", "planner", "full", "my own"]
    assert [(r.arm, r.judge) for r in table.rows] == [(arm, judge) for arm in wanted for judge in "ab"]


def test_every_domain_has_a_cell_and_the_average_weighs_scenarios_alike() -> None:
    rows = [row(score=1.0), row(score=1.0, profile_id="p2"), row(domain="Career", score=4.0, profile_id="p3")]
    table = score_table(rows)
    assert tuple(table.rows[0].cells) == COLUMNS
    assert mean(table, "Health") == 1
    assert mean(table, "Career") == 4
    assert mean(table, "Life") is None
    assert mean(table) == 2
    assert table.rows[0].cells[AVERAGE].score == interval([1.0, 1.0, 4.0], ["p1", "p2", "p3"])


def test_an_unknown_domain_counts_in_the_average_only() -> None:
    table = score_table([row(), row(domain="unknown", score=5.0), row(domain=AVERAGE, score=4.0)])
    assert mean(table) == 4
    assert mean(table, "Health") == 3
    assert tuple(table.rows[0].cells) == COLUMNS


def test_failures_are_counted_and_enter_no_mean() -> None:
    table = score_table([row(), row(failed=True, score=1.0, questions=2), row(score=None), row(failed=1, score=None)])
    cell = table.rows[0].cells["Health"]
    assert mean(table, "Health") == 3
    assert cell.failed == 3
    assert table.rows[0].cells["Career"].failed == 0
    assert table.rows[0].questions is not None
    assert table.rows[0].questions.mean == 0.5


def test_scores_without_the_crises_stand_beside_all() -> None:
    table = score_table([row(score=2.0), row(score=5.0, crisis=1, profile_id="p2")])
    only = table.rows[0]
    assert only.crisis == 1
    assert mean(table) == 3.5
    calm = only.without_crisis[AVERAGE].score
    assert calm is not None
    assert calm.mean == 2
    assert score_table([row()]).rows[0].without_crisis == score_table([row()]).rows[0].cells


def test_queries_of_one_person_are_one_cluster() -> None:
    table = score_table([row(score=2.0), row(score=4.0)])
    score = table.rows[0].cells[AVERAGE].score
    assert score is not None
    assert (score.n, score.clusters, score.low) == (2, 1, None)


def test_questions_may_be_unknown() -> None:
    assert score_table([row(questions=None)]).rows[0].questions is None


def test_no_rows_make_an_empty_table() -> None:
    assert score_table([]).rows == ()


def test_a_row_without_a_profile_is_an_error() -> None:
    broken = row()
    del broken["profile_id"]
    with pytest.raises(KeyError, match="profile_id"):
        score_table([broken])


def test_records_are_flat_and_count_questions_once() -> None:
    records = list(score_table([row(questions=3), row(profile_id="p2", score=4.0, questions=1)]).records())
    assert [record["domain"] for record in records] == list(COLUMNS)
    assert len({tuple(record) for record in records}) == 1
    health, average = records[DOMAINS.index("Health")], records[-1]
    assert (health["score"], health["n"], health["profiles"], health["questions"]) == (3.5, 2, 2, None)
    assert (average["score"], average["questions"], average["crisis"]) == (3.5, 2, 0)
    assert records[0]["score"] is None


ROWS = st.lists(
    st.builds(
        row,
        arm=st.sampled_from(["vanilla", "planner"]),
        judge=st.sampled_from("ab"),
        domain=st.sampled_from((*DOMAINS, "unknown")),
        profile_id=st.sampled_from(["p1", "p2", "p3"]),
        score=st.none() | st.integers(3, 15).map(lambda n: n / 3),
        failed=st.booleans(),
        questions=st.none() | st.integers(0, 10),
        crisis=st.booleans(),
    ),
    max_size=30,
)


@given(ROWS, st.randoms())
def test_the_order_of_rows_changes_nothing_and_every_row_is_counted(
    rows: list[dict[str, Any]], shuffler: random.Random
) -> None:
    table = score_table(rows)
    shuffler.shuffle(rows)
    assert score_table(rows) == table
    cells = [r.cells[AVERAGE] for r in table.rows]
    assert sum((cell.score.n if cell.score else 0) + cell.failed for cell in cells) == len(rows)
    assert sum(r.crisis for r in table.rows) == sum(r["crisis"] for r in rows)
