"""Runs that are cut off: signals, kill -9, and that the same command ends where an uninterrupted run does."""

import signal
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from planner.keyed import generator
from tests.workbench.cli.program import complaint, data, here, start
from tests.workbench.engine.running import options, results, work

RUN = ("run", "--synthetic", "60", "--seed", "5", "--arms", "vanilla,agent,planner", "--rollouts", "150", "--quiet")
SAME = options(synthetic=60, seed=5, arms=("vanilla", "agent", "planner"), rollouts=150)
LONG = ("run", "--synthetic", "1500", "--arms", "planner", "--rollouts", "300", "--quiet")
DATABASE = "workbench.db"


def finished_units(folder: Path) -> int:
    """Count the finished units; 0 while there is no database yet."""
    try:
        with closing(sqlite3.connect(f"file:{folder / DATABASE}?mode=ro", uri=True)) as db:
            return int(db.execute("select count(*) from units where state in ('done', 'failed')").fetchone()[0])
    except sqlite3.OperationalError:
        return 0


def wait_for(process: "subprocess.Popen[str]", folder: Path, units: int) -> bool:
    """Wait until so many units are finished; tell whether the process still works."""
    while finished_units(folder) < units:
        try:
            process.wait(0.005)
        except subprocess.TimeoutExpired:
            continue
        return False
    return process.poll() is None


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("uninterrupted") / DATABASE
    work(path, SAME)
    return path


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_killed_at_any_moment_and_resumed_it_ends_like_an_uninterrupted_run(
    tmp_path: Path, uninterrupted: Path, seed: int
) -> None:
    """Half of the time it is killed as by the power switch, otherwise told to stop."""
    rng = generator(seed, "kill")
    last = 0
    for _ in range(20):
        process = start(*RUN, cwd=tmp_path)
        running = wait_for(process, tmp_path, last + int(rng.integers(1, 80)))
        sent = signal.SIGKILL if rng.random() < 0.5 else signal.SIGTERM
        if running:
            process.send_signal(sent)
        out, err = process.communicate()
        assert "Traceback" not in err
        now = finished_units(tmp_path)
        assert now >= last  # nothing finished is ever lost
        last = now
        if process.returncode == 0:
            assert "vanilla" in out
            break
        assert process.returncode in (-signal.SIGKILL, 130)
    else:
        assert here(*RUN, cwd=tmp_path).returncode == 0
    assert results(tmp_path / DATABASE) == results(uninterrupted)


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_cleanly(tmp_path: Path, sent: signal.Signals) -> None:
    process = start(*LONG, cwd=tmp_path)
    assert wait_for(process, tmp_path, 3)
    process.send_signal(sent)
    out, err = process.communicate()
    assert process.returncode == 130
    assert out == ""
    (line,) = err.splitlines()
    assert "the same command resumes it" in line
    (row,) = data("show", "runs", cwd=tmp_path)
    assert row["state"] == "interrupted"
    assert row["run"] in line
    assert 3 <= row["done"] < row["units"]
    assert data("show", "scores", cwd=tmp_path) == []


def said_when_held(process: "subprocess.Popen[str]") -> str:
    """Wait until a process says that it is held, and return the command that it says lets it go on."""
    assert process.stderr is not None
    line = next(line for line in process.stderr if line.startswith("paused from its start"))
    return line.split("`")[1]


@pytest.mark.parametrize("end", ["signal", "cancel", "resume"])
def test_a_search_that_was_begun_held_says_how_to_go_on_and_ends_at_once_when_told(tmp_path: Path, end: str) -> None:
    assert here("scenarios", "build", "--synthetic", "1", "--seed", "2", "--quiet", cwd=tmp_path).returncode == 0
    (scenario,) = data("scenarios", "list", cwd=tmp_path)
    search = ("plan", scenario["id"], "--rollouts", "40")
    process = start(*search, "--paused", cwd=tmp_path)
    program, *resume = said_when_held(process).split()
    assert program == "workbench"
    (run,) = (row for row in data("show", "runs", cwd=tmp_path) if row["kind"] == "plan")
    assert (run["state"], run["held"]) == ("paused", "from its start")
    if end == "signal":
        process.send_signal(signal.SIGTERM)
    else:
        command = resume if end == "resume" else ["control", run["run"], "cancel"]
        assert here(*command, cwd=tmp_path).returncode == 0
    _, err = process.communicate(timeout=30)
    if end == "resume":
        assert process.returncode == 0
        return
    assert process.returncode == 130
    assert "the same command resumes it" in err.splitlines()[-1]
    ended = here(*search, cwd=tmp_path)
    assert (ended.returncode, ended.stderr) == (0, f"taking up run {run['run']}\n")


def test_a_run_ends_when_its_database_is_deleted(tmp_path: Path) -> None:
    assert here("scenarios", "build", "--synthetic", "1", "--seed", "2", "--quiet", cwd=tmp_path).returncode == 0
    (scenario,) = data("scenarios", "list", cwd=tmp_path)
    process = start("plan", scenario["id"], "--paused", cwd=tmp_path)
    said_when_held(process)
    (tmp_path / "workbench.db").unlink()
    _, err = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "workbench.db was moved or deleted: put it back" in err.splitlines()[-1]


def test_of_two_at_once_the_second_is_told_who_works_and_takes_over_when_that_one_is_dead(tmp_path: Path) -> None:
    first = start(*LONG, cwd=tmp_path)
    assert wait_for(first, tmp_path, 1)
    line = complaint(here(*LONG, cwd=tmp_path))
    assert f"process {first.pid} " in line
    assert "--new" in line
    assert data("show", "runs", cwd=tmp_path)[0]["state"] == "running"
    first.kill()
    first.communicate()
    (row,) = data("show", "runs", cwd=tmp_path)
    assert row["state"] == "interrupted"  # though nobody could write so
    second = start(*LONG, cwd=tmp_path)
    assert wait_for(second, tmp_path, row["done"] + 1)
    second.send_signal(signal.SIGINT)
    second.communicate()
    assert second.returncode == 130
    assert [r["run"] for r in data("show", "runs", cwd=tmp_path)] == [row["run"]]


def test_two_experiments_write_one_database_at_once(tmp_path: Path) -> None:
    commands = [
        ("run", "--synthetic", "30", "--seed", str(seed), "--arms", "vanilla,full", "--judges", "a,b")
        for seed in (1, 2)
    ]
    processes = [start(*command, cwd=tmp_path) for command in commands]
    for process in processes:
        process.communicate()
    assert [process.returncode for process in processes] == [0, 0]
    rows = data("show", "runs", cwd=tmp_path)
    assert [(row["state"], row["done"]) for row in rows] == [("done", 60), ("done", 60)]
    for row, seed in zip(sorted(rows, key=lambda row: row["seed"]), (1, 2), strict=True):
        alone = tmp_path / f"alone{seed}.db"
        work(alone, options(synthetic=30, seed=seed, arms=("vanilla", "full"), judges=("a", "b")))
        assert results(tmp_path / DATABASE, row["run"]) == results(alone)


def test_the_same_command_again_prints_the_same_table_and_runs_nothing(tmp_path: Path) -> None:
    command = ("run", "--synthetic", "7", "--arms", "vanilla,full")
    first, again = here(*command, cwd=tmp_path), here(*command, cwd=tmp_path)
    assert (first.returncode, again.returncode) == (0, 0)
    assert first.stdout == again.stdout
    assert "finished before" in again.stderr
    new = here(*command, "--new", cwd=tmp_path)
    assert new.returncode == 0
    assert len(data("show", "runs", cwd=tmp_path)) == 2
