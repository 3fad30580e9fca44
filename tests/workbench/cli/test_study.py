"""Presets, sweeps and the study on the command line."""

import csv
import io
import json
import re
import signal
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from tests.fakeserver import FakeServer
from tests.workbench.cli.conftest import Cli
from tests.workbench.cli.program import here, start
from workbench.engine.plans.presets import presets

SMALL = ("--synthetic", 7, "--seed", 4, "--rollouts", 12, "--quiet")
SWEEP = """
arms = ["agent", "full"]
[sweep]
threshold = [2, 5]
persona = ["cooperative", "terse"]
"""


def test_presets_are_listed_and_printed(cli: Cli) -> None:
    for command in (("run", "--preset", "list"), ("config", "presets")):
        rows = json.loads(cli(*command, "--format", "json").stdout)
        assert [row["preset"] for row in rows] == [preset.name for preset in presets()]
        assert all(row["about"] for row in rows)
    assert cli("config", "presets", "gains").stdout.startswith("# The response after")
    for command in (("run", "--preset", "x"), ("config", "presets", "x")):
        ended = cli(*command)
        assert (ended.returncode, ended.stdout) == (2, "")
        assert "there is no preset 'x'" in ended.stderr


def test_a_stored_study_goes_on_by_name(cli: Cli) -> None:
    first = cli("run", "--preset", "thresholds", *SMALL)
    assert first.returncode == 0
    again = cli("study", "--again", "thresholds")
    assert (again.returncode, again.stdout) == (0, first.stdout)
    assert "was finished before" in again.stderr
    for wrong, said in (("nix", "there is no study 'nix'"), ("thresholds --limit 3", "leave out the file")):
        ended = cli("study", "--again", *wrong.split())
        assert ended.returncode == 2
        assert said in ended.stderr


def test_a_preset_prints_its_tables_and_again_from_the_store(cli: Cli) -> None:
    command = ("run", "--preset", "sensitivity", *SMALL)
    first = cli(*command)
    assert first.returncode == 0
    assert "Mental Health Status" in first.stdout
    assert "surrogate" in first.stdout
    assert "paper: gain" in first.stdout
    again = cli(*command)
    assert (again.returncode, again.stdout) == (0, first.stdout)
    assert "was finished before" in again.stderr
    assert cli("show", "study").stdout == cli("show", "study", "sensitivity").stdout == first.stdout
    table = cli("show", "table", "sensitivity")
    assert first.stdout.startswith(table.stdout)
    listed = json.loads(cli("show", "studies", "--format", "json").stdout)
    assert [(row["name"], row["world"], row["runs"], row["done"]) for row in listed] == [
        ("sensitivity", "surrogate", 1, 1)
    ]


def test_every_format(cli: Cli) -> None:
    assert cli("run", "--preset", "context", *SMALL).returncode == 0
    rows = json.loads(cli("show", "study", "--format", "json").stdout)
    assert {row["table"] for row in rows} == {"context", "domains"}
    assert {row["source"] for row in rows} == {"surrogate", "published"}
    assert [json.loads(line) for line in cli("show", "study", "--format", "jsonl").stdout.splitlines()] == rows
    read = list(csv.DictReader(io.StringIO(cli("show", "study", "--format", "csv").stdout)))
    assert list(read[0]) == list(rows[0])
    assert len(read) == len(rows)
    markdown = cli("show", "study", "--table", "context", "--format", "md").stdout
    assert markdown.startswith("**Context-free against context-rich")
    one = json.loads(cli("show", "study", "--table", "context", "--format", "json").stdout)
    average = next(row for row in one if row["domain"] == "Avg")
    assert average["gain_low"] < average["gain"] < average["gain_high"]
    assert average["gain_n"] == 7


def test_a_file_with_a_sweep_is_a_study_named_like_it(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(SWEEP)
    assert "valid experiment of 4 runs" in cli("config", "validate", "mine.toml").stderr
    ended = cli("run", "mine.toml", "--limit", 3, "--seed", 1)
    assert ended.returncode == 0
    assert "1 of 4: mine (threshold 2, persona cooperative)" in ended.stderr
    rows = json.loads(cli("show", "study", "mine", "--format", "json").stdout)
    assert {(row["threshold"], row["persona"]) for row in rows if row["arm"] == "agent"} == {
        (2, "cooperative"),
        (2, "terse"),
        (5, "cooperative"),
        (5, "terse"),
    }
    assert len(json.loads(cli("show", "runs", "--format", "json").stdout)) == 4
    assert len(json.loads(cli("run", "mine.toml", "--limit", 3, "--threshold", 5, "--format", "json").stdout)) == 4


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("show", "study"), "no database|there is no study"),
        (("run", "--arms", "only:Shoe Size"), "there is no attribute 'Shoe Size'"),
        (("run", "--arms", "path:0..99"), "numbers of path go from 0 to 10"),
        (("run", "--abstention", "never"), "--abstention"),
        (("show", "table", "x"), "no database|there is no table"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(cli: Cli, arguments: tuple[str, ...], words: str) -> None:
    ended = cli(*arguments)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert re.search(words, ended.stderr)
    assert len(ended.stderr.splitlines()) == 1


def test_a_table_that_a_study_lacks(cli: Cli) -> None:
    assert cli("run", "--preset", "context", *SMALL).returncode == 0
    for arguments in (("show", "study", "--table", "gains"), ("show", "table", "gains"), ("show", "study", "nonsense")):
        ended = cli(*arguments)
        assert (ended.returncode, ended.stdout) == (2, "")


def test_a_sweep_on_language_models_shares_what_was_answered(tmp_path: Path) -> None:
    with FakeServer() as server:
        on = ("--world", "model", "--base-url", server.url, "--model", "m", "--limit", 2, "--quiet")
        ended = here("run", "--preset", "abstention", *on, "--arms", "agent", "--format", "json", cwd=tmp_path)
        assert ended.returncode == 0, ended.stderr
    rows = json.loads(ended.stdout)
    assert [(row["abstention"], row["source"]) for row in rows] == [
        (way, "model") for way in ("basic", "binary", "scale")
    ]
    with closing(sqlite3.connect(tmp_path / "workbench.db")) as db:
        prompts = [
            set(json.loads(row)["prompts"]) for (row,) in db.execute("select experiment from runs order by rowid")
        ]
    assert ["answer_or_ask" in names for names in prompts] == [True, False, False]
    assert ["sufficient" in names for names in prompts] == [False, True, False]


def done_units(folder: Path) -> int:
    try:
        with closing(sqlite3.connect(f"file:{folder / 'workbench.db'}?mode=ro", uri=True)) as db:
            return int(db.execute("select count(*) from units where state = 'done'").fetchone()[0])
    except sqlite3.OperationalError:
        return 0


@pytest.mark.slow
def test_a_killed_study_goes_on_where_it_was(tmp_path: Path) -> None:
    """Killed as by the power switch, again and again, it ends with the tables of one that was left alone."""
    command = ("study", "--synthetic", "7", "--rollouts", "30", "--format", "json")
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    for folder in (whole, cut):
        folder.mkdir()
    left_alone = here(*command, cwd=whole)
    assert left_alone.returncode == 0, left_alone.stderr
    total, aims = done_units(whole), (0.05, 0.3, 0.6, 0.9)
    for share in aims:
        process = start(*command, cwd=cut)
        while process.poll() is None and done_units(cut) < share * total:
            try:
                process.wait(0.01)
            except subprocess.TimeoutExpired:
                continue
        process.send_signal(signal.SIGKILL)
        process.communicate()
    ended = here(*command, cwd=cut)
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout) == json.loads(left_alone.stdout)
    assert done_units(cut) == total
