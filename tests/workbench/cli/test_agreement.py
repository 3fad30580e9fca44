"""`workbench agreement`, `labels` and `show mentions` on a finished surrogate run."""

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from simulator.attributes import NAMES
from simulator.world import DIMENSIONS
from storage.database import open_readonly
from storage.ratings import judged_rows
from storage.readers import find_run
from tests.workbench.cli.conftest import Cli
from workbench.statistics.agreement import spearman
from workbench.statistics.judging import Ratings


@pytest.fixture
def run(prepared: Path, tmp_path: Path, cli: Cli) -> str:
    """Put a copy of the database where the commands look for it, and return its run."""
    shutil.copy(prepared, tmp_path / "workbench.db")
    database = open_readonly(prepared)
    found: str = find_run(database)["run"]
    database.conn.close()
    return found


def records(cli: Cli, *arguments: object) -> list[dict[str, Any]]:
    ended = cli(*arguments, "--format", "json")
    assert ended.returncode == 0, ended.stderr
    found = json.loads(ended.stdout)
    assert isinstance(found, list)
    return found


def filled(sheet: Path, rater: str, value: int = 4, rows: int | None = None) -> None:
    """Rate the rows of a sheet as a person would, in another program."""
    with sheet.open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    for i, line in enumerate(lines[:rows]):
        line |= {**{name: str(1 + (value + i) % 5) for name in DIMENSIONS}, "rater": rater, "comment": "=HYPERLINK(1)"}
    with sheet.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, lines[0])
        writer.writeheader()
        writer.writerows(lines)


def test_every_figure_is_printed_with_its_interval_and_the_papers_beside_it(run: str, prepared: Path, cli: Cli) -> None:
    found = records(cli, "agreement", run)
    ours = [one for one in found if one["source"] == "this run"]
    assert {one["world"] for one in ours} == {"surrogate"}
    names = {(one["figure"], one["measure"]) for one in ours if not one["beside"]}
    figures = {"pearson", "spearman", "kappa_quadratic", "pearson_within_arms", "krippendorff_alpha"}
    wanted = {(figure, measure) for figure in figures for measure in ("score", *DIMENSIONS)}
    assert names == wanted | {("effective_judges", "score")}
    assert len([one for one in ours if one["beside"]]) == 2 * 3 * 2  # judges, pairs, over and within arms
    assert all(one["low"] <= one["value"] <= one["high"] for one in ours)
    database = open_readonly(prepared)
    ratings = Ratings.of_rows(judged_rows(database, run))
    database.conn.close()
    scores, profiles = ratings.of("user_alignment"), [item.profile_id for item in ratings.items]
    estimate = spearman(scores[:, 0], scores[:, 1], profiles)
    (one,) = [one for one in ours if (one["figure"], one["measure"]) == ("spearman", "user_alignment")]
    assert estimate is not None
    assert (one["value"], one["low"], one["n"]) == (estimate.value, estimate.low, 112)
    paper = {one["figure"]: one["value"] for one in found if one["source"] == "published" and one["value"]}
    assert paper == {"pearson": 0.92, "kappa_quadratic": 0.688}


def test_the_tables_say_surrogate_what_was_pooled_and_what_is_published(run: str, cli: Cli) -> None:
    ended = cli("agreement", run)
    assert ended.returncode == 0
    assert ended.stdout.count("world: surrogate") == 3
    assert "flatters agreement" in ended.stdout
    assert "paper: GPT-4o and three people" in ended.stdout
    by_arm = cli("agreement", run, "--by", "arm").stdout
    assert "flatters" not in by_arm
    assert by_arm.index("vanilla") < by_arm.index("planner") < by_arm.index("full  ")


def test_the_queue_names_what_to_open(run: str, cli: Cli) -> None:
    found = records(cli, "agreement", run, "--queue", "3")
    assert len(found) == 3
    assert set(found[0]["scores"]) == {"a", "b"}
    ended = cli("show", "unit", found[0]["unit"])
    assert ended.returncode == 0
    assert "[surrogate]" in ended.stdout
    assert f"{found[0]['scores']['a']:.2f}" in ended.stdout


def test_bias_says_that_there_is_no_place_rather_than_invent_one(run: str, cli: Cli) -> None:
    found = {(one["judge"], one["with"]): one for one in records(cli, "agreement", run, "--bias")}
    assert found["a", "length"]["correlation_low"] <= found["a", "length"]["correlation"]
    assert found["a", "position"]["correlation"] is None
    assert "no place" in found["a", "position"]["note"]


def test_one_judge_has_nobody_to_agree_with(run: str, cli: Cli) -> None:
    ended = cli("agreement", run, "--judges", "b")
    assert ended.returncode == 0
    assert "b is alone" in ended.stderr
    assert "risk × empathy" in ended.stdout
    wrong = cli("agreement", run, "--judges", "a,z")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert "no judge 'z': there are a, b" in wrong.stderr
    assert cli("agreement", run, "--bias", "--queue", "2").returncode == 2


def test_a_sheet_goes_out_blind_and_comes_back_as_a_judge(run: str, tmp_path: Path, cli: Cli) -> None:
    sheet = tmp_path / "sheet.csv"
    assert cli("labels", "export", run, "--sample", 40, "-o", sheet).returncode == 0
    text = sheet.read_text("utf-8")
    assert "LLaMA" not in text
    assert "oracle" not in text
    again = cli("labels", "export", run, "-o", sheet)
    assert again.returncode == 2
    assert "exists" in again.stderr
    filled(sheet, "Ana", rows=30)
    ended = cli("labels", "import", sheet, "--run", run)
    assert ended.returncode == 0, ended.stderr
    assert "30 new ratings and 0 replaced by Ana of 30 responses" in ended.stderr
    assert "10 rows without a rating, 0 left out" in ended.stderr
    (listed,) = [one for one in records(cli, "labels", "list", "--run", run) if one["comment"]][:1]
    assert listed["comment"] == "=HYPERLINK(1)"
    assert "'=HYPERLINK(1)" in cli("labels", "list", "--run", run, "--format", "csv").stdout
    pairs = {tuple(one["judges"]) for one in records(cli, "agreement", run) if one["figure"] == "pearson"}
    assert {("a", "human:Ana"), ("b", "human:Ana")} <= pairs
    notes = [one["note"] for one in records(cli, "agreement", run, "--bias") if one["judge"] == "human:Ana"]
    assert "imported ratings have no order" in notes


def test_bad_rows_are_left_out_with_exit_3_and_a_wrong_file_changes_nothing(run: str, tmp_path: Path, cli: Cli) -> None:
    bad = tmp_path / "bad.csv"
    unit = records(cli, "agreement", run, "--queue", "1")[0]["unit"]
    bad.write_text(f"unit,rater,score\n{unit},Ana,9\n{unit},Ana,2\n")
    ended = cli("labels", "import", bad, "--run", run)
    assert ended.returncode == 3
    assert f"{bad}, line 2: score is '9', not a number from 1 to 5" in ended.stderr
    assert [one["score"] for one in records(cli, "labels", "list", "--run", run)] == [2.0]
    other = tmp_path / "other.csv"
    other.write_text("a,b\n1,2\n")
    refused = cli("labels", "import", other, "--run", run)
    assert refused.returncode == 2
    assert len(refused.stderr.splitlines()) == 1
    assert cli("labels", "import", tmp_path / "none.csv", "--run", run).returncode == 2


def test_mentions_count_what_responses_use_invent_and_mention_beside_the_point(run: str, cli: Cli) -> None:
    found = records(cli, "show", "mentions", "--run", run)
    assert len(found) == 14 * 8
    for one in found:
        assert one["used"] == one["given"]
        assert one["invented"] == []
        assert set(one["unneeded"]) == set(one["used"]) - set(one["needed"])
        assert set(one["words"]) <= set(NAMES)
        assert one["needed_by"] == "surrogate"
    assert any(one["unneeded"] for one in found if one["arm"] == "full")
    ended = cli("show", "mentions", "--run", run, "--examples", "2")
    assert ended.returncode == 0
    assert "world: surrogate" in ended.stdout
    assert "lower bounds" in ended.stdout


def test_a_dimension_can_stand_in_the_scores_place(run: str, cli: Cli) -> None:
    table = cli("show", "scores", "--run", run, "--dimension", "user_alignment").stdout
    assert "user alignment alone" in table
    assert "paper  " not in table
    rows = records(cli, "show", "scores", "--run", run)
    mine = [one["user_alignment"] for one in rows if (one["arm"], one["judge"]) == ("full", "a")]
    (line,) = [line for line in table.splitlines() if line.startswith("full") and " surrogate a " in line]
    assert f"{sum(mine) / len(mine):.2f}±" in line
