"""`workbench workers` as people and scripts use it: what it prints, its exit codes, and that nothing is left."""

import json
import os
import shlex
import signal
import sqlite3
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.workbench.cli.program import complaint, here, workbench
from tests.workbench.workers.running import COMMAND
from workbench.workers.identity import ours, send


class Workbench:
    """Calls the program on one database."""

    def __init__(self, database: Path) -> None:
        self.database = database
        self.env = {"WORKBENCH_DB": str(database), "VLLM_COMMAND": shlex.join(COMMAND)}

    def __call__(self, *arguments: str, code: int = 0, **env: str) -> subprocess.CompletedProcess[str]:
        run = workbench if arguments[0] == "start" else here  # a supervisor must not be a child of the test's process
        done = run("workers", *arguments, cwd=self.database.parent, env=self.env | env)
        assert done.returncode == code, (done.args, done.returncode, done.stdout, done.stderr)
        return done

    def status(self) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = json.loads(self("status", "--format", "json").stdout)
        return rows


@pytest.fixture
def workers(database: Path) -> Any:
    """Return the program; whatever a failed test left running is ended."""
    program = Workbench(database)
    yield program
    program("stop")


@pytest.mark.slow
def test_start_status_logs_drain_stop(workers: Workbench, model: Path) -> None:
    started = workers("start", "--model", str(model), "--name", "tiny", "--gpus", "none", "--replicas", "2")
    assert started.stdout == ""
    assert "worker tiny-1: starting" in started.stderr
    assert "worker tiny-2: ready" in started.stderr
    one, two = workers.status()
    assert (one["name"], one["state"], one["model"], one["kind"]) == ("tiny-1", "ready", "tiny", "detached")
    assert one["port"] != two["port"]
    assert "● ready" in workers("status").stdout
    assert "vLLM stub" in workers("logs", "tiny-1").stdout
    assert workers("logs", "tiny-1", "-n", "1").stdout.count("\n") == 1
    assert "worker tiny-1: stopped" in workers("drain", "tiny-1").stderr
    assert [row["state"] for row in workers.status()] == ["stopped", "ready"]
    workers("start", "tiny-1")
    markers = _markers(workers.database)
    assert [len(ours(marker)) for marker in markers] == [3, 3]
    assert "worker tiny-2: stopped" in workers("stop").stderr
    assert [ours(marker) for marker in markers] == [[], []]


def test_when_none_comes_up_the_exit_code_is_1(workers: Workbench, model: Path) -> None:
    wrong = workers("start", "--model", str(model), "--gpus", "none", "--vllm-args=--no-such-flag", code=1)
    assert "worker tiny-1: dead: ended with exit code 2 before it was ready: vllm: error: unrec" in wrong.stderr
    assert "workbench workers logs tiny-1" in wrong.stderr
    assert workers.status()[0]["state"] == "dead"


def test_stop_ends_what_a_killed_supervisor_left(workers: Workbench, model: Path) -> None:
    workers("start", "--model", str(model), "--gpus", "none")
    (marker,) = _markers(workers.database)
    (left,) = [found for found in ours(marker) if found.pid == workers.status()[0]["pid"]]
    supervisor = _supervisor(workers.database)
    os.kill(supervisor, signal.SIGKILL)
    (row,) = workers.status()
    assert (row["state"], "supervisor is gone" in row["reason"]) == ("dead", True)
    assert "left over" in workers("stop").stderr
    assert not send(left, signal.SIGCONT)
    assert workers.status() == []


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("start",), "name a model with --model"),
        (("start", "--model", "/nonexistent/model"), "no model at /nonexistent/model"),
        (("start", "--model", "GPT-4o"), "no worker can serve it"),
        (("start", "--model", "org/m", "--gpus", "x"), "--gpus x: give indices"),
        (("start", "--model", "org/m", "--vllm", "no-such-vllm"), "--vllm: there is no command no-such-vllm"),
        (("start", "--model", "org/m", "--vllm-args", "'"), "--vllm-args: No closing quotation"),
        (("start", "tiny-1"), "no worker tiny-1"),
        (("start", "--replicas", "0"), "--replicas"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(database: Path, arguments: tuple[str, ...], line: str) -> None:
    env = {"VLLM_COMMAND": shlex.join(COMMAND), "WORKBENCH_DB": str(database)}
    assert line in complaint(here("workers", *arguments, cwd=database.parent, env=env))


def test_without_vllm_a_line_says_what_is_missing(database: Path, model: Path) -> None:
    start, env = ("workers", "start", "--model", model, "--gpus", "none"), {"PATH": "", "WORKBENCH_DB": str(database)}
    assert "no vllm command: install vLLM" in complaint(here(*start, cwd=database.parent, env=env))


@pytest.mark.parametrize("verb", ["status", "stop", "drain", "logs"])
def test_without_a_database_nothing_is_made(verb: str, tmp_path: Path) -> None:
    ended = here("workers", verb, cwd=tmp_path, env={"WORKBENCH_DB": "none.db"})
    assert "there is no database" in complaint(ended)
    assert not (tmp_path / "none.db").exists()


def test_without_a_gpu_a_line_says_what_is_missing(workers: Workbench, model: Path) -> None:
    said = workers("start", "--model", str(model), code=2, CUDA_VISIBLE_DEVICES="").stderr
    assert "no NVIDIA GPU for worker tiny" in said
    assert said.count("\n") == 1


def _markers(database: Path) -> list[str]:
    with sqlite3.connect(database) as db:
        return [row[0] for row in db.execute("select id from workers")]


def _supervisor(database: Path) -> int:
    with sqlite3.connect(database) as db:
        (pid,) = db.execute("select owner_pid from supervisors where state = 'running'").fetchone()
    return int(pid)
