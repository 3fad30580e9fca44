"""`workbench branch` and what `show dialogue` says of it, in this process and in others."""

import json
import shutil
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from storage.commands import issue
from storage.database import open_readonly, open_writable, transaction
from tests.workbench.cli.conftest import Cli
from tests.workbench.cli.program import complaint, start


@pytest.fixture
def path(prepared: Path, tmp_path: Path) -> Path:
    """Return a copy of the prepared database, to be written to; commands find it by themselves."""
    return Path(shutil.copy(prepared, tmp_path / "workbench.db"))


def read(path: Path, query: str, *values: object) -> list[dict[str, Any]]:
    db = open_readonly(path)
    try:
        return list(db.query(query, list(values)))
    finally:
        db.conn.close()


def trial(path: Path) -> int:
    """Return a trial that asked at least twice, and got an answer the first time."""
    rows = read(
        path,
        "select unit from turns join dialogues using (unit) where step = 0 and status = 'answered' and questions > 1 "
        "order by unit",
    )
    return int(rows[0]["unit"])


def until(path: Path, query: str, *values: object) -> dict[str, Any]:
    """Wait until a query finds a row."""
    end = time.monotonic() + 60
    while not (rows := read(path, query, *values)):
        assert time.monotonic() < end, query
        time.sleep(0.02)
    return rows[0]


def tell(path: Path, whom: str, verb: str, argument: str = "") -> dict[str, Any]:
    """Leave a command and wait until it was taken."""
    db = open_writable(path)
    with transaction(db):
        command = issue(db, whom, verb, argument)
    db.conn.close()
    return until(path, "select * from commands where id = ? and acknowledged is not null", command)


def test_a_branch_is_shown_and_its_parent_names_it(cli: Cli, path: Path) -> None:
    unit = trial(path)
    ended = cli("branch", unit, "--at", 0, "--say", "I'd \x1b[31mrather not")
    assert ended.returncode == 0
    (row,) = read(path, "select * from branches")
    assert f"-b1: unit {row['unit']}, from turn 0 of unit {unit}" in ended.stderr
    assert f"branch of unit {unit} after 0 turns: a person said: I'd rather not" in ended.stdout
    assert "Person I'd rather not" in ended.stdout
    assert "departs from the profile" in ended.stdout
    assert "surrogate" in ended.stdout
    assert "\x1b" not in ended.stdout
    assert cli("show", "dialogue", "--unit", row["unit"]).stdout == ended.stdout
    assert f"branch unit {row['unit']} after 0 turns: a person said" in cli("show", "dialogue", "--unit", unit).stdout
    shown = json.loads(cli("show", "dialogue", "--unit", unit, "--format", "json").stdout)
    assert [branch["unit"] for branch in shown["branches"]] == [row["unit"]]
    assert shown["branch"] is None


def test_a_runs_beginning_still_names_it(cli: Cli, path: Path) -> None:
    (run,) = read(path, "select id from runs")
    assert cli("branch", trial(path), "--at", 0).returncode == 0
    assert f"Run {run['id']} " in cli("show", "units", "--run", run["id"][:5]).stdout
    assert f"Run {run['id']}-b1 " in cli("show", "units", "--run", f"{run['id']}-b").stdout
    assert cli("branch", trial(path), "--at", 0).returncode == 0
    assert "several runs" in complaint(cli("show", "units", "--run", f"{run['id']}-b"))


def test_a_probe_is_shown(cli: Cli, path: Path) -> None:
    unit = trial(path)
    ended = cli("branch", unit, "--at", 0, "--probe", "--judges", "a,b")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert f"Unit {unit} after 0 of" in ended.stdout
    assert "[surrogate]" in ended.stdout
    rows = json.loads(cli("branch", unit, "--at", 0, "--probe", "--judges", "b", "--format", "json").stdout)
    assert [(row["judge"], row["world"]) for row in rows] == [("b", "surrogate")]
    assert "answered before this question: judge b (surrogate): " in cli("show", "dialogue", "--unit", unit).stdout


WRONG = [
    ("--at 11", "turns to keep"),
    ("--at -1", "--at"),
    ("", "--at"),
    ("--at 0 --probe --ask Age", "--probe changes nothing"),
    ("--at 0 --attribute Age", "NAME=VALUE"),
    ("--at 0 --attribute Height=2", "no attribute 'Height'"),
    ("--at 0 --judges z", "no judge 'z'"),
    ("--at 11 --probe", "turns"),
]


@pytest.mark.parametrize(("arguments", "says"), WRONG, ids=[words or "nothing" for words, _ in WRONG])
def test_wrong_usage_is_one_line(cli: Cli, path: Path, arguments: str, says: str) -> None:
    assert says in complaint(cli("branch", trial(path), *arguments.split()))
    assert read(path, "select * from branches") == []


def test_units_without_a_dialogue(cli: Cli, path: Path) -> None:
    assert "no unit 9999" in complaint(cli("branch", 9999, "--at", 0))
    (other,) = read(path, "select id from units where arm = 'vanilla' limit 1")
    assert "has no dialogue" in complaint(cli("branch", other["id"], "--at", 0))
    assert "has no dialogue" in complaint(cli("show", "dialogue", "--unit", other["id"]))
    assert "--unit" in complaint(cli("show", "dialogue"))


def test_a_person_in_another_process_takes_it_over(path: Path) -> None:
    process = start("branch", trial(path), "--at", 0, "--interactive", cwd=path.parent)
    try:
        unit = until(path, "select unit from branches")["unit"]
        waiting = until(path, "select * from turns where unit = ? and status is null", unit)
        assert waiting["question"]
        (running,) = read(path, "select state, kind from units where id = ?", unit)
        assert (running["state"], running["kind"]) == ("running", "trial")
        assert tell(path, f"branch:{unit}", "say", "Ask me later")["error"] is None
        until(path, "select * from turns where unit = ? and reply = 'Ask me later'", unit)
        until(path, "select * from turns where unit = ? and status is null", unit)
        assert "no verb" in tell(path, f"branch:{unit}", "sing")["error"]
        assert tell(path, f"branch:{unit}", "finish")["error"] is None
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 0, err
    assert "Person Ask me later" in out
    assert f"it waits for commands to branch:{unit}" in err
    (ended,) = read(path, "select units.state, ending from units join dialogues on unit = units.id where id = ?", unit)
    assert ended == {"state": "done", "ending": "person"}


@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGTERM])
def test_killed_it_is_interrupted_and_harms_nothing(cli: Cli, path: Path, sent: signal.Signals) -> None:
    parent = trial(path)
    before = read(path, "select * from turns where unit = ?", parent)
    process = start("branch", parent, "--at", 0, "--interactive", cwd=path.parent)
    try:
        unit = until(path, "select unit from branches")["unit"]
        until(path, "select * from turns where unit = ? and status is null", unit)
        tell(path, f"branch:{unit}", "say", "Somewhere in between")
        until(path, "select * from turns where unit = ? and reply is not null", unit)
        process.send_signal(sent)
        process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == (130 if sent == signal.SIGTERM else -signal.SIGKILL)
    runs = json.loads(cli("show", "runs", "--format", "json").stdout)
    assert [(run["kind"], run["state"]) for run in runs] == [("branch", "interrupted"), ("run", "done")]
    assert read(path, "select * from turns where unit = ?", parent) == before
    assert "Somewhere in between" in cli("show", "dialogue", "--unit", unit).stdout
    ended = cli("branch", unit, "--at", 1)  # what was said can be gone on from
    assert (ended.returncode, "Somewhere in between" in ended.stdout) == (0, True)


def test_it_can_be_cancelled_as_a_run(path: Path) -> None:
    process = start("branch", trial(path), "--at", 0, "--interactive", cwd=path.parent)
    try:
        found = until(path, "select unit, run from branches join units on id = unit")
        until(path, "select * from turns where unit = ? and status is null", found["unit"])
        assert "only be cancelled" in tell(path, f"run:{found['run']}", "pause")["error"]
        assert tell(path, f"run:{found['run']}", "cancel")["error"] is None
        _, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130, err
    (run,) = read(path, "select state from runs where id = ?", found["run"])
    assert run["state"] == "interrupted"
