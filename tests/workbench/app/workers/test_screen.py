"""The screen of workers with a real supervisor and stub servers: started, watched, drained and stopped by keys."""

import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, Select

from storage.database import open_readonly
from tests.workbench.app.driving import at, check_snapshot, screen_text, settled, until
from tests.workbench.app.workers.adding import add
from tests.workbench.workers.running import COMMAND
from workbench.app.app import WorkbenchApp
from workbench.app.screens.workerform import WorkerForm
from workbench.app.screens.workers import WorkersScreen


@pytest.fixture
def path(database: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return a database for workers, which are stubs; what a test leaves is stopped."""
    monkeypatch.setenv("VLLM_COMMAND", shlex.join(COMMAND))
    yield database
    workers(database, "stop")


def workers(database: Path, *arguments: str) -> None:
    line = [sys.executable, "-m", "workbench", "workers", *arguments, "--db", str(database)]
    subprocess.run(line, check=True, capture_output=True)


SINCE = r"\d\d:\d\d:\d\d( \(\d+ s\))?"

drive = at("6")


def screen(pilot: Pilot[None]) -> WorkersScreen:
    assert isinstance(pilot.app, WorkbenchApp)
    found = pilot.app.screen_in_front
    assert isinstance(found, WorkersScreen)
    return found


def text(pilot: Pilot[None]) -> str:
    return screen_text(pilot.app)


def form(pilot: Pilot[None]) -> WorkerForm:
    found = pilot.app.screen
    assert isinstance(found, WorkerForm)
    return found


@pytest.mark.parametrize("size", [(120, 40), (80, 24)])
def test_without_workers_the_screen_says_what_is_missing(
    database: Path, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")

    async def steps(pilot: Pilot[None]) -> None:
        await until(pilot, lambda: "no nvidia-smi on the PATH" in text(pilot))
        await check_snapshot(pilot, f"workers-empty-{size[0]}x{size[1]}", r"extra vllm.*", r"pip install.*only")
        for key in ("d", "x", "a", "y"):
            await pilot.press(key)
        await until(pilot, lambda: "there is no worker: s starts some" in text(pilot))
        await pilot.press("X")
        await until(pilot, lambda: "there is no worker to stop" in text(pilot))

    drive(database, steps, size)


@pytest.mark.parametrize("size", [(120, 40), (80, 24)])
def test_the_form_as_it_looks(database: Path, size: tuple[int, int], tmp_path: Path) -> None:
    add(database, tmp_path, "llama-1", "starting", port=None)

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("s")
        await until(pilot, lambda: isinstance(pilot.app.screen, WorkerForm))
        form(pilot).query_one("#name", Input).focus()
        await settled(pilot)
        await check_snapshot(pilot, f"workers-form-{size[0]}x{size[1]}", SINCE)
        form(pilot).query_one("#replicas", Input).value = "many"
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "many: give a number of 1 or more" in text(pilot))
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(pilot.app.screen, WorkerForm))

    drive(database, steps, size)


def test_workers_are_started_watched_drained_and_stopped(path: Path, model: Path) -> None:
    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("s")
        await until(pilot, lambda: isinstance(pilot.app.screen, WorkerForm))
        form(pilot).query_one("#preset", Select).value = "other"
        await settled(pilot)
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "name a model" in text(pilot))
        for field, value in (("model", str(model)), ("name", "tiny"), ("replicas", "2"), ("gpus", "none")):
            form(pilot).query_one(f"#{field}", Input).value = value
        await pilot.press("ctrl+s")
        await until(pilot, lambda: text(pilot).count("● ready") == 2)
        await until(pilot, lambda: text(pilot).count("0 running") == 2)
        await until(pilot, lambda: "vLLM stub" in text(pilot))  # the first one's log
        address = screen(pilot).copy_text() or ""
        assert address.startswith("http://127.0.0.1:")
        assert address in text(pilot)
        await pilot.press("down", "d")
        await until(pilot, lambda: "□ stopped" in text(pilot))
        assert "Log of tiny-2" in text(pilot)
        await pilot.press("d")
        await until(pilot, lambda: "worker tiny-2 is stopped" in text(pilot))
        await pilot.press("a")
        await until(pilot, lambda: text(pilot).count("● ready") == 2)
        await pilot.press("x")
        await until(pilot, lambda: "□ stopped" in text(pilot))
        await pilot.press("X")
        await until(pilot, lambda: "Stop 1 worker?" in text(pilot))
        await pilot.press("y")
        await until(pilot, lambda: text(pilot).count("□ stopped") == 2)

    drive(path, steps)


def test_why_a_start_failed_is_said(path: Path, model: Path) -> None:
    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("s")
        await until(pilot, lambda: isinstance(pilot.app.screen, WorkerForm))
        form(pilot).query_one("#preset", Select).value = "other"
        form(pilot).query_one("#model", Input).value = "/nonexistent/model"
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "no model at /nonexistent/model" in text(pilot))

    drive(path, steps)


@pytest.mark.parametrize("size", [(120, 40), (80, 24)])
def test_workers_as_they_look(database: Path, tmp_path: Path, size: tuple[int, int]) -> None:
    add(database, tmp_path, "llama-1", "ready", restarts=1)
    add(database, tmp_path, "llama-2", "draining", gpus="[1]", port=8001)
    add(database, tmp_path, "qwq-1", "starting", model="QwQ-32B", phase="loading", gpus="[2, 3]", port=8002)
    add(database, tmp_path, "tiny-1", "dead", model="tiny", reason="CUDA out of memory", gpus="[]", port=None)

    async def steps(pilot: Pilot[None]) -> None:
        await until(pilot, lambda: "Application startup complete" in text(pilot) or size[0] < 100)
        await check_snapshot(pilot, f"workers-{size[0]}x{size[1]}", SINCE)
        await pilot.press("down")
        await settled(pilot)
        await pilot.press("l")
        await until(pilot, lambda: "Log of llama-2" in text(pilot).splitlines()[1])
        assert "INFO [b]ready[/b]" in text(pilot)
        assert "no requests are served" not in text(pilot)
        await pilot.press("q")
        await until(pilot, lambda: "● ready" in text(pilot))

    drive(database, steps, size, link="worker/llama-1")


def test_a_dead_supervisor_is_seen_and_what_it_left_is_ended(path: Path, model: Path) -> None:
    workers(path, "start", "--model", str(model), "--name", "tiny", "--gpus", "none")
    db = open_readonly(path)
    (supervisor,) = db.conn.execute("select owner_pid from supervisors where state = 'running'").fetchone()
    db.conn.close()

    async def steps(pilot: Pilot[None]) -> None:
        await until(pilot, lambda: "● ready" in text(pilot))
        os.kill(supervisor, signal.SIGKILL)
        await until(pilot, lambda: "✘ dead" in text(pilot))
        assert "no supervisor runs" in text(pilot)
        assert "its supervisor is gone" in text(pilot)
        await pilot.press("x")
        await until(pilot, lambda: "No worker is here." in text(pilot))

    drive(path, steps)


def test_a_link_to_a_worker_that_is_not_there(database: Path) -> None:
    async def steps(pilot: Pilot[None]) -> None:
        await until(pilot, lambda: "there is no worker 'x'" in text(pilot))

    drive(database, steps, link="worker/x")
