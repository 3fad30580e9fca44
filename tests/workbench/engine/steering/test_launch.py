"""Runs as processes of their own: launched, found in the database, told what to do, killed and taken up again."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from storage.database import open_readonly, open_writable
from storage.readers import find_run, search_trace, unit_rows
from storage.sqlite import Database
from tests.workbench.cli.program import data
from tests.workbench.engine.running import options, results, work
from tests.workbench.engine.waiting import until
from workbench.engine.steering.command import command_run
from workbench.engine.steering.launch import LOGS_KEPT, Launched, failure, find_launched, launch
from workbench.engine.steering.owner import actual_state

SCENARIO = "13141ec0f2132ae4"
PLAN = ("plan", SCENARIO, "--rollouts", "60")


class Session:
    """A database with the processes launched on it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.writing = open_writable(path)
        self.reading: Database = open_readonly(path)
        self.launched: list[Launched] = []

    def launch(self, *arguments: str) -> Launched:
        self.launched.append(launch(self.path, arguments))
        return self.launched[-1]

    def run(self, launched: Launched) -> str:
        """Return the run of a process as soon as it has one."""
        until(lambda: find_launched(self.reading, launched) is not None or launched.code is not None)
        run = find_launched(self.reading, launched)
        assert run is not None, failure(launched)
        return run

    def tell(self, run: str, verb: str, argument: str = "") -> str | None:
        return command_run(self.writing, self.path, run, verb, argument)

    def row(self, run: str) -> dict[str, Any]:
        return find_run(self.reading, run)

    def state(self, run: str) -> str:
        return actual_state(self.row(run))

    def rollouts(self, run: str) -> list[int]:
        units = list(unit_rows(self.reading, run, state="running"))
        return [search_trace(self.reading, unit["unit"]).rollouts for unit in units]

    def ended(self, launched: Launched) -> int:
        until(lambda: launched.code is not None)
        assert launched.code is not None
        return launched.code


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    monkeypatch.chdir(tmp_path)
    session = Session(tmp_path / "odd name?#.db")
    yield session
    for launched in session.launched:
        if launched.code is None:
            os.kill(launched.pid, signal.SIGKILL)
            session.ended(launched)
    session.writing.conn.close()
    session.reading.conn.close()


def test_paused_stepped_resumed_it_ends_as_if_nothing_had_been(session: Session) -> None:
    launched = session.launch(*PLAN, "--paused")
    assert os.getsid(launched.pid) == launched.pid != os.getsid(0)  # no terminal's end reaches it
    run = session.run(launched)
    until(lambda: session.state(run) == "paused" and session.rollouts(run) == [0])
    shown = data("show", "runs", "--db", session.path, cwd=session.path.parent)
    assert [(row["state"], row["kind"]) for row in shown] == [("paused", "plan")]
    assert session.tell(run, "step", "7") is None
    until(lambda: session.rollouts(run) == [7])
    assert session.tell(run, "resume") is None
    assert session.ended(launched) == 0
    row = session.row(run)
    assert (row["state"], row["kind"], row["log"]) == ("done", "plan", str(launched.log))
    said = launched.log.read_text()
    assert "resumed by a command" in said
    assert "Search of" in said
    assert failure(launched) is None
    direct = work(session.path.with_name("other.db"), options(scenarios=(SCENARIO,), arms=("planner",), rollouts=60))
    found = results(session.path, run)["searches"]
    assert found == results(session.path.with_name("other.db"), direct.run)["searches"]

    again = session.launch(*PLAN)  # finished: it is found all the same
    assert session.run(again) == run
    assert session.ended(again) == 0


def test_cancelled_it_can_be_taken_up(session: Session) -> None:
    launched = session.launch(*PLAN, "--rate", "5")
    run = session.run(launched)
    until(lambda: session.rollouts(run) not in ([], [0]))
    assert session.tell(run, "cancel") is None
    assert session.ended(launched) == 130
    assert session.state(run) == "interrupted"
    assert "interrupted" in str(failure(launched))
    taken_up = session.launch(*PLAN)
    assert session.run(taken_up) == run
    assert session.ended(taken_up) == 0


def test_killed_while_it_is_paused_it_is_interrupted_and_can_be_taken_up(session: Session) -> None:
    launched = session.launch(*PLAN, "--paused")
    run = session.run(launched)
    until(lambda: session.state(run) == "paused" and session.rollouts(run) == [0])
    os.kill(launched.pid, signal.SIGKILL)
    assert session.ended(launched) == -signal.SIGKILL
    assert session.state(run) == "interrupted"
    assert "has died" in str(session.tell(run, "resume"))
    taken_up = session.launch(*PLAN)
    assert session.ended(taken_up) == 0
    assert session.run(taken_up) == run
    assert (session.state(run), session.row(run)["done"]) == ("done", 1)


def test_what_can_not_start_says_why_in_its_log(session: Session) -> None:
    launched = session.launch("plan", "nobody")
    assert session.ended(launched) == 2
    assert find_launched(session.reading, launched) is None
    assert "no scenario 'nobody'" in str(failure(launched))


def test_only_the_newest_logs_are_kept_and_other_files_are_left_alone(session: Session) -> None:
    folder = session.path.with_name(f"{session.path.name}-workers")
    folder.mkdir()
    for number in range(LOGS_KEPT + 5):
        (folder / f"launched-20010101T0000{number:02}.000000-1.log").touch()
    (folder / "supervisor.log").touch()
    launched = session.launch("plan", "nobody")
    kept = sorted(path.name for path in folder.glob("launched-*.log"))
    assert len(kept) == LOGS_KEPT
    assert kept[0] == "launched-20010101T000006.000000-1.log"
    assert kept[-1] == launched.log.name
    assert (folder / "supervisor.log").exists()
    session.ended(launched)
