"""The tables of a study on data made by hand, where every figure can be worked out."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from workbench.statistics.bootstrap import Interval
from workbench.statistics.gains import gains_table
from workbench.statistics.models import context_table, domains_table, headline_table, models_table
from workbench.statistics.sensitivity import sensitivity_domains_table, sensitivity_table
from workbench.statistics.study import TABLES
from workbench.statistics.studytable import RunScores, StudyTable, beats
from workbench.statistics.subsetchoice import subsets_table
from workbench.statistics.sweeps import abstention_table, sweep_table

MODEL = "surrogate/LLaMA-3.1-8B"
DOMAINS = ("Health", "Life", "Health", "Life")


def rows(
    scores: Mapping[str, Sequence[float | None]], model: str = MODEL, questions: int = 0, naive: float | None = None
) -> list[dict[str, Any]]:
    """Make rows of a run: arm -> the scores of scenarios s0, s1 ... (two a profile, domains in turn)."""
    return [
        {"model": model, "arm": arm, "judge": "a", "scenario_id": f"s{i}", "profile_id": f"p{i // 2}"}
        | {"domain": DOMAINS[i % 4], "score": score, "questions": questions if arm in ("agent", "planner") else 0}
        | {"naive": naive if arm == "oracle-judged" else None}
        for arm, values in scores.items()
        for i, score in enumerate(values)
    ]


def run(found: list[dict[str, Any]], setting: Mapping[str, Any] | None = None, k: int = 3) -> RunScores:
    return RunScores("r1", "surrogate", setting or {}, {"k": k}, found)


def mean(value: object) -> float:
    assert isinstance(value, Interval)
    return value.mean


def ours(table: StudyTable) -> list[Mapping[str, Any]]:
    return [row for row in table.rows if row.get("source", "surrogate") == "surrogate"]


def test_sensitivity_pairs_on_the_scenarios_that_have_the_attribute() -> None:
    scores: dict[str, list[float | None]] = {
        "vanilla": [2, 3, 4, 5],
        "control": [2, 3, 4, 4],
        "only:Age": [3, 4, 5, 5],
        "only:Gender": [3, None, 5],
    }
    first, second = sensitivity_table([run(rows(scores))]).rows
    assert (first["attribute"], first["n"], second["attribute"], second["n"]) == ("Gender", 2, "Age", 4)
    assert (mean(first["none"]), mean(first["given"]), mean(first["gain"])) == (3, 4, 1)
    assert mean(second["gain"]) == pytest.approx(0.75)
    assert mean(second["beyond_instruction"]) == 1
    assert (second["paper_given"], second["paper_gain"]) == (3.43, 0.31)
    by_domain = {row["attribute"]: row for row in sensitivity_domains_table([run(rows(scores))]).rows}
    assert (mean(by_domain["Age"]["Health"]), mean(by_domain["Age"]["Life"])) == (1, 0.5)
    assert by_domain["Gender"]["Life"] is None


def test_gains_along_a_path_and_the_share_of_the_first_question() -> None:
    scores = {
        "path:0": [2, 3],
        "path:1": [4, 4],
        "path:2": [4, 4],
        "path:3": [4, 5],
        "path:4": [5, 5],
        "vanilla": [1, 1],
    }
    table = gains_table([run(rows(scores))])
    assert [row["known"] for row in table.rows] == [0, 1, 2, 3, 4]
    assert [mean(row["gain"]) for row in table.rows[1:]] == [1.5, 0, 0.5, 0.5]
    assert [mean(row["share"]) for row in table.rows[1:]] == [0.75, 0.75, 1, 1.25]
    assert [row["paper_score"] for row in table.rows] == [3.33, 4.10, 4.23, 4.30, None]
    assert table.rows[1]["paper_share"] == 0.79
    assert any("75%" in note for note in table.notes)


def test_a_path_that_ends_earlier_is_its_own_whole() -> None:
    table = gains_table([run(rows({"path:0": [1, 2], "path:1": [2, 3], "path:2": [3, 4]}))])
    assert [mean(row["share"]) for row in table.rows[1:]] == [0.5, 1]


def test_random_draws_count_as_their_mean_and_the_judged_oracle_shows_its_curse() -> None:
    scores = {"random:1": [2, 4], "random:2": [4, 4], "static": [4, 4], "path": [3, 4], "oracle-judged": [3, 4]}
    found = rows(scores, naive=5.0)
    table = {row["arm"]: row for row in subsets_table([run(found)]).rows}
    assert "random:1" not in table
    chance = table["random"]
    assert mean(chance["score"]) == 3.5
    assert mean(chance["draw_sd"]) == pytest.approx(2**0.5 / 2)
    assert (mean(chance["low_draw"]), mean(chance["high_draw"]), chance["draws"]) == (3, 4, 2)
    assert mean(table["static"]["over_random"]) == 0.5
    assert mean(table["path"]["over_static"]) == -0.5
    oracle = table["oracle-judged"]
    assert (mean(oracle["naive"]), mean(oracle["score"]), mean(oracle["curse"])) == (5, 3.5, 1.5)
    assert table["static"]["naive"] is None


def test_subsets_of_different_k_stay_apart() -> None:
    runs = [run(rows({"static": [2, 2]}), {"k": 1}, k=1), run(rows({"static": [4, 4]}), {"k": 5}, k=5)]
    assert [(row["k"], mean(row["score"])) for row in subsets_table(runs).rows] == [(1, 2), (5, 4)]


def test_models_stand_above_the_paper_with_their_mean_last() -> None:
    arms = {"vanilla": [2.0, 3.0], "agent": [3.0, 4.0], "planner": [3.5, 4.0], "full": [4.0, 5.0]}
    found = rows(arms, questions=2) + rows({a: [v + 0.5 for v in s] for a, s in arms.items()}, "surrogate/GPT-4o", 4)
    table = models_table([run(found)])
    assert [(row["model"], row["source"]) for row in table.rows] == [
        ("GPT-4o", "surrogate"),
        ("GPT-4o", "published"),
        ("LLaMA-3.1-8B", "surrogate"),
        ("LLaMA-3.1-8B", "published"),
        ("mean", "surrogate"),
        ("mean", "published"),
    ]
    last = table.rows[-2]
    assert (mean(last["vanilla"]), mean(last["planner_over_agent"]), mean(last["questions"])) == (2.75, 0.25, 3)
    assert table.rows[-1]["planner_over_agent"] == pytest.approx(0.21)
    assert all("does not beat" in note for note in table.notes)  # two scenarios of one profile tell nothing


def test_the_headline_is_a_ratio_beside_the_published_one() -> None:
    found = rows({"vanilla": [2, 3, 2, 3], "planner": [3, 4, 3, 4], "full": [4, 4, 4, 4]}, questions=3)
    table = headline_table([run(found)])
    by_name = {row["what"]: row for row in ours(table)}
    assert mean(by_name["full context"]["percent"]) == pytest.approx(60)
    assert mean(by_name["+Planner (RAISE)"]["percent"]) == pytest.approx(40)
    assert mean(by_name["+Planner (RAISE)"]["questions"]) == 3
    assert [row["percent"] for row in table.rows if row["source"] == "published"] == [43.2, 31.6]


def test_context_tells_the_instruction_from_the_attributes() -> None:
    table = context_table([run(rows({"vanilla": [2, 3], "control": [2.5, 3.5], "full": [4, 5]}))])
    average = next(row for row in table.rows if row["domain"] == "Avg")
    assert [mean(average[key]) for key in ("gain", "control_gain", "context_gain")] == [2, 0.5, 1.5]
    assert (average["paper_vanilla"], average["paper_full"]) == (3.15, 4.32)
    assert next(row for row in table.rows if row["domain"] == "Career")["gain"] is None


def test_domains_count_failures_and_show_only_published_arms_that_ran() -> None:
    table = domains_table([run(rows({"vanilla": [2, None, 4, 3], "only:Age": [1, 1]}))])
    assert [(row["arm"], row["source"]) for row in table.rows] == [("vanilla", "surrogate"), ("vanilla", "published")]
    assert (mean(table.rows[0]["Health"]), table.rows[0]["failed"]) == (3, 1)


def test_settings_are_paired_with_the_first() -> None:
    runs = [
        run(rows({"agent": [3, 3, 4, 4]}, questions=1), {"threshold": 3, "seed": 0}),
        run(rows({"agent": [4, 3, 5, None]}, questions=2), {"threshold": 4, "seed": 0}),
    ]
    first, second = sweep_table(runs).rows
    assert (first["threshold"], first["difference"], second["threshold"], second["failed"]) == (3, None, 4, 1)
    assert mean(second["difference"]) == pytest.approx(2 / 3)
    assert (mean(first["questions"]), mean(second["questions"])) == (1, 2)


def test_abstention_stands_beside_the_published_counts() -> None:
    runs = [run(rows({"agent": [3], "planner": [3]}, questions=1), {"abstention": way}) for way in ("basic", "scale")]
    table = abstention_table(runs)
    found = {(row["arm"], row["abstention"]): row["paper_questions"] for row in table.rows}
    assert found == {
        ("agent", "basic"): None,
        ("agent", "scale"): None,
        ("planner", "basic"): 0.9,
        ("planner", "scale"): 2.7,
    }


@pytest.mark.parametrize("name", TABLES)
def test_every_table_of_nothing_is_made_and_flat(name: str) -> None:
    table = TABLES[name]([run([])])
    assert table.name == name
    assert not ours(table)
    list(table.records())


def test_records_are_flat_with_the_same_keys_for_ours_and_the_published() -> None:
    found = rows({"vanilla": [2, 3, 4, 3], "planner": [3, 4, 4, 5], "agent": [3, 4, 4, 4]})
    records = list(models_table([run(found)]).records())
    assert len({tuple(record) for record in records}) == 1
    mine, paper = records
    assert (mine["vanilla"], mine["vanilla_n"], mine["vanilla_profiles"]) == (3, 4, 2)
    assert mine["vanilla_low"] is not None
    assert (paper["vanilla"], paper["vanilla_low"], paper["source"]) == (3.15, None, "published")


def test_what_an_interval_tells() -> None:
    assert beats("x", "y", Interval(0.3, 0.1, 0.5, 9, 9)) == "x beats y: +0.30 [+0.10, +0.50]"
    assert beats("x", "y", Interval(0.3, -0.1, 0.5, 9, 9)).startswith("x does not beat y")
    assert beats("x", "y", Interval(-0.3, -0.5, -0.1, 9, 9)).startswith("y beats x")
    assert beats("x", "y", Interval(0.3, None, None, 1, 1)) == "x does not beat y: +0.30"
    assert "no scenario" in beats("x", "y", None)
