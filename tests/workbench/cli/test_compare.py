"""`workbench compare`: two small surrogate runs side by side."""

import csv
import io
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from storage.database import open_writable
from storage.readers import score_rows
from tests.workbench.cli.conftest import Cli
from tests.workbench.engine.running import options, work
from workbench.statistics.paired import paired


class Runs:
    """Two runs that share scenarios, arms and a judge, but not all of them."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.one = work(path, options(arms=("vanilla", "agent"), judges=("a", "b"), limit=14)).run
        self.other = work(path, options(arms=("vanilla", "agent"), judges=("a", "b"), limit=14, threshold=1)).run
        self.few = work(path, options(arms=("vanilla",), judges=("a",), limit=14, seed=1)).run


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    return Runs(tmp_path_factory.mktemp("compare") / "made.db")


@pytest.fixture
def runs(made: Runs, tmp_path: Path, cli: Cli) -> Runs:
    """Put a copy of the database where the commands look for it."""
    shutil.copy(made.path, tmp_path / "workbench.db")
    return made


def lines(cli: Cli, *arguments: object) -> list[dict[str, Any]]:
    ended = cli("compare", *arguments, "--format", "json")
    assert ended.returncode == 0, ended.stderr
    found = json.loads(ended.stdout)
    assert isinstance(found, list)
    return found


def stored(path: Path, run: str, arm: str, judge: str) -> dict[str, tuple[float, str]]:
    db = open_writable(path)
    try:
        return {
            row["scenario_id"]: (row["score"], row["profile_id"])
            for row in score_rows(db, run)
            if (row["arm"], row["judge"]) == (arm, judge)
        }
    finally:
        db.conn.close()


def test_a_line_per_arm_and_judge_with_the_paired_analysis(cli: Cli, runs: Runs) -> None:
    found = lines(cli, runs.one, runs.other)
    assert [(row["first_arm"], row["second_arm"], row["judge"]) for row in found] == [
        (arm, arm, judge) for arm in ("vanilla", "agent") for judge in "ab"
    ]
    first, second = (stored(runs.path, run, "agent", "b") for run in (runs.one, runs.other))
    shared = sorted(first.keys() & second.keys())
    expected = paired([first[s][0] for s in shared], [second[s][0] for s in shared], [first[s][1] for s in shared])
    assert expected is not None
    row = found[3]
    assert (row["n"], row["analysis"], row["first_world"]) == (14, "paired", "surrogate")
    assert row["difference"] == pytest.approx(expected.difference.mean)
    assert (row["difference_low"], row["p"]) == (expected.difference.low, expected.test.p)
    assert row["p_holm"] >= row["p"]
    assert row["dz"] == pytest.approx(expected.dz)


def test_settings_that_may_be_what_is_compared_are_told_and_never_refused(cli: Cli, runs: Runs) -> None:
    ended = cli("compare", runs.one, runs.other, "--strict", "--format", "jsonl")
    assert ended.returncode == 0
    assert ended.stderr == "also different: agent.threshold 4 → 1\n"


def test_another_panel_is_a_warning_and_refused_when_strict(cli: Cli, runs: Runs) -> None:
    ended = cli("compare", runs.one, runs.few)
    assert ended.returncode == 0
    assert "warning: scores may not mean the same in both runs: judges a, b → a" in ended.stderr
    strict = cli("compare", runs.one, runs.few, "--strict")
    assert (strict.returncode, strict.stdout) == (2, "")
    assert "judges a, b → a" in strict.stderr


@pytest.mark.parametrize(("column", "word"), [("world_version", "world_version"), ("experiment", "prompts.respond")])
def test_another_world_version_or_prompt_is_refused_when_strict(
    cli: Cli, runs: Runs, tmp_path: Path, column: str, word: str
) -> None:
    db = open_writable(tmp_path / "workbench.db")
    value = "another"
    if column == "experiment":
        experiment = json.loads(next(iter(db.query("select experiment from runs where id = ?", [runs.other])))[column])
        value = json.dumps(experiment | {"prompts": {"respond": "2"}})
    db.execute(f"update runs set {column} = ? where id = ?", [value, runs.other])
    db.conn.commit()
    db.conn.close()
    assert f"warning: scores may not mean the same in both runs: {word} " in cli("compare", runs.one, runs.other).stderr
    assert cli("compare", runs.one, runs.other, "--strict").returncode == 2


def test_two_arms_of_one_run(cli: Cli, runs: Runs) -> None:
    found = lines(cli, runs.one, "--arms", "vanilla,agent")
    assert [(row["first_arm"], row["second_arm"], row["judge"]) for row in found] == [
        ("vanilla", "agent", judge) for judge in "ab"
    ]
    first, second = (stored(runs.path, runs.one, arm, "a") for arm in ("vanilla", "agent"))
    assert found[0]["first"] == pytest.approx(sum(score for score, _ in first.values()) / 14)
    assert found[0]["second"] == pytest.approx(sum(score for score, _ in second.values()) / 14)
    assert found[0]["second"] > found[0]["first"]


def test_the_table_says_what_was_used_and_that_it_is_a_surrogate(cli: Cli, runs: Runs) -> None:
    ended = cli("compare", runs.one, "--arms", "vanilla,agent", "--top", 3)
    assert "world: surrogate" in ended.stdout
    assert "surrogate a" in ended.stdout
    assert ended.stdout.count("paired") >= 3
    assert "Changed most" in ended.stdout
    assert len(ended.stdout.split("Changed most")[1].strip().splitlines()) == 4 + 3
    unpaired = cli("compare", runs.one, "--arms", "vanilla,agent", "--unpaired")
    assert unpaired.stdout.count("unpaired") >= 3
    assert "Changed most" not in unpaired.stdout


def test_the_scenarios_that_changed_most(cli: Cli, runs: Runs) -> None:
    found = lines(cli, runs.one, "--arms", "vanilla,agent", "--items", "--top", 4)
    assert len(found) == 4
    changes = [abs(row["change"]) for row in found]
    assert changes == sorted(changes, reverse=True)
    scenario = found[0]["scenario_id"]
    means = [
        sum(stored(runs.path, runs.one, arm, judge)[scenario][0] for judge in "ab") / 2 for arm in ("vanilla", "agent")
    ]
    assert found[0]["change"] == pytest.approx(means[1] - means[0])
    assert found[0]["query"]
    assert lines(cli, runs.one, "--arms", "vanilla,agent", "--items", "--top", 0) == []


@pytest.mark.parametrize("form", ["table", "md", "json", "jsonl", "csv"])
@pytest.mark.parametrize("more", [(), ("--items",)])
def test_every_format(cli: Cli, runs: Runs, form: str, more: tuple[str, ...]) -> None:
    ended = cli("compare", runs.one, runs.other, "--format", form, *more)
    assert ended.returncode == 0
    assert "surrogate" in ended.stdout
    if form == "csv":
        assert all(None not in row.values() for row in csv.DictReader(io.StringIO(ended.stdout)))


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("ONE",), "one and the same run"),
        (("ONE", "ONE"), "one and the same run"),
        (("ONE", "--arms", "agent,agent"), "one and the same run"),
        (("ONE", "--arms", "agent"), "name two"),
        (("ONE", "--arms", "vanilla,planner"), "no arm 'planner': it has agent, vanilla"),
        (("ONE", "--models", "LLaMA-3.1-8B,GPT-9"), "no model 'GPT-9'"),
        (("ONE", "nowhere"), "no run 'nowhere'"),
        (("ONE", "OTHER", "--items", "--unpaired"), "shared scenarios"),
    ],
)
def test_wrong_use_is_one_line(cli: Cli, runs: Runs, arguments: tuple[str, ...], complaint: str) -> None:
    names = {"ONE": runs.one, "OTHER": runs.other}
    ended = cli("compare", *(names.get(word, word) for word in arguments))
    assert (ended.returncode, ended.stdout) == (2, "")
    (line,) = ended.stderr.splitlines()
    assert complaint in line


def test_runs_without_a_shared_scenario_are_compared_unpaired_only(cli: Cli, runs: Runs, tmp_path: Path) -> None:
    db = open_writable(tmp_path / "workbench.db")
    kept = [row["scenario"] for row in db.query("select distinct scenario from units order by scenario")]
    half = set(kept[::2])
    for run, keeps in ((runs.one, True), (runs.other, False)):
        for row in list(db.query("select id, scenario from units where run = ?", [run])):
            if (row["scenario"] in half) != keeps:
                db.execute("delete from verdicts where unit = ?", [row["id"]])
    db.conn.commit()
    db.conn.close()
    ended = cli("compare", runs.one, runs.other)
    assert ended.returncode == 2
    assert "--unpaired" in ended.stderr
    found = lines(cli, runs.one, runs.other, "--unpaired")
    assert {row["analysis"] for row in found} == {"unpaired"}
    assert all(row["n"] is None and row["n_first"] > 0 for row in found)


def test_failed_judgements_are_counted(cli: Cli, runs: Runs, tmp_path: Path) -> None:
    db = open_writable(tmp_path / "workbench.db")
    unit = next(iter(db.query("select id from units where run = ? and arm = 'agent'", [runs.one])))["id"]
    db.execute("update verdicts set score = null where unit = ? and judge = 'a'", [unit])
    db.conn.commit()
    db.conn.close()
    found = lines(cli, runs.one, runs.other)
    assert [(row["n"], row["failed"]) for row in found] == [(14, 0), (14, 0), (13, 1), (14, 0)]
    assert "failed judgements, in no mean: 1;" in cli("compare", runs.one, runs.other).stderr
