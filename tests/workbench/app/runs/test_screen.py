"""The screen of runs on real databases: finished, failed, live and dead runs, and what its keys do to them."""

import json
import os
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from textual.pilot import Pilot

from simulator.scenario import Scenario
from simulator.world import Draw, InvalidReplyError
from storage.database import open_readonly, open_writable, transaction
from tests.fakeserver import FakeServer
from tests.workbench.app.driving import at, check_snapshot, screen_text, settled, until
from tests.workbench.app.runs.adding import add_copies
from tests.workbench.cli.program import workbench
from tests.workbench.engine.clerk import FEW, INVENTED, LEAK, LOAN, lines, read
from tests.workbench.engine.running import FailingWorld, options, work
from workbench.app.app import WorkbenchApp
from workbench.app.frame import SCREENS
from workbench.app.screens.runs import RunsScreen
from workbench.engine.options import RunOptions
from workbench.engine.plans.presets import read_plan
from workbench.engine.plans.study import work_study
from workbench.engine.run import Outcome
from workbench.engine.steering.launch import Launched, launch
from workbench.engine.steering.owner import this_process

CHANGING = (r"\d\d:\d\d:\d\d", r"\d{4}-\d\d-\d\d", r"\b(?:[0-9a-f]{16}|[0-9a-f]{8})\b")
"""Times, and hashes, which change with the world's version."""

LIVE = ("run", "--synthetic", "1500", "--rollouts", "300", "--arms", "vanilla,planner", "--seed", "5")

drive = at("5")


def screen(pilot: Pilot[None]) -> RunsScreen:
    assert isinstance(pilot.app, WorkbenchApp)
    found = pilot.app.screen_in_front
    assert isinstance(found, RunsScreen)
    return found


def text(pilot: Pilot[None]) -> str:
    return screen_text(pilot.app)


async def front(pilot: Pilot[None], name: str) -> None:
    """Wait until another screen is shown."""
    app = pilot.app
    assert isinstance(app, WorkbenchApp)
    await until(pilot, lambda: app.screen_in_front is not None and name == app.screen_in_front.NAME)


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a database with a finished run, and one in which a judge failed now and then."""
    path = tmp_path_factory.mktemp("mixed") / "w.db"
    work(path, options(synthetic=6, seed=3, arms=("vanilla", "agent", "planner"), rollouts=20))
    judged: list[str] = []

    def judging(scenario: Scenario, judge: str, draw: Draw) -> Exception | None:
        judged.append(scenario.id)
        return InvalidReplyError(f"judge {judge}: no JSON in reply {len(judged)}") if len(judged) % 5 == 0 else None

    assert work(path, options(synthetic=10, seed=4, arms=("vanilla", "agent")), FailingWorld(judging=judging)).failed
    return path


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a database with a build from posts, of which most were left out."""
    folder = tmp_path_factory.mktemp("built")
    (folder / "posts.jsonl").write_text(lines(LOAN.text, FEW.text, LEAK.text, LOAN.text, INVENTED.text) + "not json\n")
    with FakeServer() as server:
        server.rule = read
        how = ("--world", "model", "--model", "m", "--base-url", server.url)
        assert workbench("scenarios", "build", "--from", "posts.jsonl", *how, cwd=folder).returncode == 3
    return folder / "workbench.db"


@pytest.fixture
def live(tmp_path: Path) -> Iterator[tuple[Path, Launched]]:
    """Return a database in which a detached run works; it is ended with the test."""
    path = tmp_path / "w.db"
    open_writable(path).conn.close()
    launched = launch(path, LIVE)
    yield path, launched
    if launched.code is None:
        os.kill(launched.pid, signal.SIGKILL)


@pytest.mark.parametrize("size", [(120, 40), (80, 24)])
def test_runs_as_they_look(mixed: Path, size: tuple[int, int]) -> None:
    async def steps(pilot: Pilot[None]) -> None:
        await until(pilot, lambda: "failed units" in text(pilot))
        await check_snapshot(pilot, f"runs-{size[0]}x{size[1]}", *CHANGING)
        if size[0] < 100:
            await pilot.press("tab")
            await settled(pilot)
            await check_snapshot(pilot, "runs-details-80x24", *CHANGING)

    drive(mixed, steps, size)


@pytest.mark.parametrize("size", [(120, 40), (80, 24)])
def test_without_runs_the_screen_says_how_to_get_one(tmp_path: Path, size: tuple[int, int]) -> None:
    async def steps(pilot: Pilot[None]) -> None:
        await check_snapshot(pilot, f"runs-empty-{size[0]}x{size[1]}")
        for key in ("p", "x", "r", "R", "enter", "y", "down"):
            await pilot.press(key)
        await settled(pilot)
        assert "there is no run yet" in text(pilot)
        await pilot.press("n")
        await front(pilot, "scenarios")

    drive(tmp_path / "w.db", steps, size)


@pytest.mark.parametrize("size", [(120, 40), (80, 24)])
def test_many_runs_as_they_look(
    mixed: Path, tmp_path: Path, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workbench.app.state.runs.runs._LEAST_SECONDS", 1e9)  # no rates
    path = tmp_path / "w.db"
    shutil.copy(mixed, path)
    add_copies(path, 40)
    db = open_writable(path)
    mine = this_process()
    working = "state = 'running', finished_at = null, owner_host = ?, owner_pid = ?, owner_started = ?, heartbeat = ?"
    with transaction(db):
        for run, how in (("00000003", "paused = 1, held = 'by a command'"), ("00000004", "paused = 0")):
            db.execute(f"update runs set {working}, {how} where id = ?", [*mine, time.time(), run])
            db.execute("update units set state = 'pending' where run = ? and id % 3 = 0", [run])
        db.execute("update runs set state = 'running', finished_at = null, owner_pid = 1 where id = '00000025'")
        db.execute("update runs set state = 'failed', error = 'no server answers' where id = '00000024'")
    db.conn.close()

    async def steps(pilot: Pilot[None]) -> None:
        await until(pilot, lambda: "paused by a command" in text(pilot) or size[0] < 100)
        await check_snapshot(pilot, f"runs-many-{size[0]}x{size[1]}", *CHANGING)

    drive(path, steps, size, link="run/00000003")


def test_the_cursor_changes_the_details_and_enter_opens_the_scores(mixed: Path) -> None:
    async def steps(pilot: Pilot[None]) -> None:
        await until(pilot, lambda: "no JSON in reply 5" in text(pilot))
        state = screen(pilot).state
        for run in (1, 0):  # down and up before anything was read
            state.choose(state.runs[run].run)
        screen(pilot).request_refresh()
        await until(pilot, lambda: state.told is not None)
        await settled(pilot)
        await pilot.press("down")
        await until(pilot, lambda: "rollouts" in text(pilot) or "T 20" in text(pilot))
        assert "failures" not in text(pilot)
        chosen = screen(pilot).state.chosen
        assert chosen is not None
        assert f"run {chosen.run} · ◇ surrogate" in text(pilot).splitlines()[0]
        await pilot.press("enter")
        await front(pilot, "scores")

    drive(mixed, steps)


def test_enter_on_a_failure_opens_its_unit(mixed: Path) -> None:
    async def steps(pilot: Pilot[None]) -> None:
        await until(pilot, lambda: "no JSON in reply 5" in text(pilot))
        await pilot.press("tab", "down", "down", "down", "enter")
        await front(pilot, "scores")

    drive(mixed, steps)


def test_a_link_opens_its_run_and_says_where_there_is_none(mixed: Path) -> None:
    first = finished(mixed)

    async def steps(pilot: Pilot[None]) -> None:
        chosen = screen(pilot).state.chosen
        assert chosen is not None
        assert chosen.run == first
        assert (screen(pilot).copy_text() or "").startswith(f"{first}\nworkbench show run {first} --db ")
        (export,) = screen(pilot).exports()
        assert json.loads(await export.text())["run"] == first
        subject = screen(pilot).subject()
        assert subject is not None
        assert subject.target == f"run/{first}"

    drive(mixed, steps, link=f"run/{first}")

    async def missing(pilot: Pilot[None]) -> None:
        await until(pilot, lambda: "there is no run 'nope'" in text(pilot))

    drive(mixed, missing, link="run/nope")


def test_what_makes_no_sense_is_refused_with_a_reason(mixed: Path) -> None:
    first = finished(mixed)

    async def steps(pilot: Pilot[None]) -> None:
        for key, why in (("p", "has ended"), ("x", "has ended"), ("r", "is finished"), ("R", "no failed units")):
            await pilot.press(key)
            await until(pilot, lambda why=why: why in text(pilot))  # type: ignore[misc]

    drive(mixed, steps, link=f"run/{first}")


def test_failed_units_are_done_again(tmp_path: Path) -> None:
    path = tmp_path / "w.db"
    fails = FailingWorld(judging=lambda scenario, *_: InvalidReplyError("no JSON"))
    work(path, options(synthetic=3, seed=4, arms=("vanilla",)), fails)

    async def steps(pilot: Pilot[None]) -> None:
        await until(pilot, lambda: "✖ failed units" in text(pilot))
        await pilot.press("R")
        await until(pilot, lambda: "✔ done" in text(pilot) and "3/3" in text(pilot))
        assert len(screen(pilot).state.runs) == 1
        await until(pilot, lambda: "taking up run" in text(pilot))  # from its log

    drive(path, steps)


def test_a_detached_run_is_held_let_go_cancelled_and_taken_up(
    live: tuple[Path, Launched], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workbench.app.state.runs.runs._LEAST_SECONDS", 0.1)
    path, launched = live

    async def steps(pilot: Pilot[None]) -> None:
        state = screen(pilot).state
        await until(pilot, lambda: state.chosen is not None and state.chosen.status == "running")
        await pilot.press("p")
        await until(pilot, lambda: "‖ paused" in text(pilot))
        await until(pilot, lambda: "paused by a command" in text(pilot))
        await pilot.press("p")
        await until(pilot, lambda: "▶ running" in text(pilot))
        await until(pilot, lambda: "≈ left" in text(pilot))
        await pilot.press("x")
        await until(pilot, lambda: "Cancel run" in text(pilot))
        await pilot.press("n")
        assert launched.code is None
        await pilot.press("x")
        await until(pilot, lambda: "Cancel run" in text(pilot))
        await pilot.press("y")
        await until(pilot, lambda: "◌ interrupted" in text(pilot))
        await until(pilot, lambda: launched.code == 130)
        await pilot.press("r")
        await until(pilot, lambda: "▶ running" in text(pilot))
        assert len(state.runs) == 1
        await pilot.press("x")
        await until(pilot, lambda: "Cancel run" in text(pilot))
        await pilot.press("y")
        await until(pilot, lambda: "◌ interrupted" in text(pilot))

    drive(path, steps)


def test_a_run_whose_process_was_killed_is_interrupted(live: tuple[Path, Launched]) -> None:
    path, launched = live

    async def steps(pilot: Pilot[None]) -> None:
        await until(pilot, lambda: "▶ running" in text(pilot))
        os.kill(launched.pid, signal.SIGKILL)
        await until(pilot, lambda: "◌ interrupted" in text(pilot))
        await pilot.press("p")
        await until(pilot, lambda: "nobody works on run" in text(pilot))

    drive(path, steps)


def test_a_search_that_was_cut_off_is_taken_up(prepared: Path, tmp_path: Path) -> None:
    path = tmp_path / "w.db"
    shutil.copy(prepared, path)
    db = open_readonly(path)
    (scenario,) = db.execute("select id from scenarios limit 1").fetchone()
    db.close()
    launched = launch(path, ["plan", scenario, "--rollouts", "50", "--seed", "8", "--paused"])

    async def steps(pilot: Pilot[None]) -> None:
        state = screen(pilot).state
        await until(pilot, lambda: "‖ paused" in text(pilot))
        await pilot.press("up")
        os.kill(launched.pid, signal.SIGKILL)
        await until(pilot, lambda: "◌ interrupted" in text(pilot))
        await pilot.press("r")
        await until(pilot, lambda: state.chosen is not None and state.chosen.status == "done")
        assert [run.kind for run in state.runs] == ["plan", "run"]

    drive(path, steps)


def test_a_build_is_watched_held_cancelled_and_taken_up(tmp_path: Path) -> None:
    path, posts = tmp_path / "w.db", tmp_path / "posts.jsonl"
    open_writable(path).conn.close()
    posts.write_text(lines(*(f"{LOAN.text} ({number})" for number in range(24))))
    with FakeServer(latency=0.05) as server:
        server.rule = read
        served = ("--world", "model", "--model", "m", "--base-url", server.url, "--concurrency", "2")
        launched = launch(path, ["scenarios", "build", "--from", str(posts), *served])

        async def steps(pilot: Pilot[None]) -> None:
            state = screen(pilot).state
            await until(pilot, lambda: state.chosen is not None and state.chosen.finished > 1)
            assert "/24" in text(pilot)
            await pilot.press("p")
            await until(pilot, lambda: "paused by a command" in text(pilot))
            await pilot.press("p")
            await until(pilot, lambda: "▶ running" in text(pilot))
            await pilot.press("x")
            await until(pilot, lambda: "Cancel run" in text(pilot))
            await pilot.press("y")
            await until(pilot, lambda: launched.code == 130)
            await until(pilot, lambda: "◌ interrupted" in text(pilot))
            await pilot.press("r")
            await until(pilot, lambda: state.chosen is not None and state.chosen.finished == 24)
            await until(pilot, lambda: "✔ done" in text(pilot) and "1 scenario kept" in text(pilot))
            assert "builder" in text(pilot)  # its calls
            assert len(state.runs) == 1
            await pilot.press("enter")
            await front(pilot, "scenarios")

        drive(path, steps)


def test_a_build_from_posts_says_why_posts_were_left_out(built: Path) -> None:
    async def steps(pilot: Pilot[None]) -> None:
        await until(pilot, lambda: "leak, rejected: the query tells Marital Status" in text(pilot))
        await check_snapshot(pilot, "runs-build-120x40", *CHANGING, r"\d\.\d\d s")
        await pilot.press("R")
        await until(pilot, lambda: "has no failed items" in text(pilot))

    drive(built, steps)


def test_a_study_that_was_cut_off_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "w.db"
    plan = read_plan(None, "thresholds", {"synthetic": 4, "rollouts": 10})

    def interrupted(chosen: RunOptions) -> Outcome:
        if chosen.threshold == 3:
            raise KeyboardInterrupt
        return work(path, chosen)

    with pytest.raises(KeyboardInterrupt):
        work_study(path, plan, interrupted)

    async def steps(pilot: Pilot[None]) -> None:
        await until(pilot, lambda: "1 of 4 runs done" in text(pilot))
        await check_snapshot(pilot, "runs-study-120x40", *CHANGING)
        await pilot.press("r")
        await until(pilot, lambda: len(screen(pilot).state.runs) == 4)
        await until(pilot, lambda: "4 of 4 runs done" in text(pilot))
        await pilot.press("r")
        await until(pilot, lambda: "is finished" in text(pilot))

    drive(path, steps)


def test_a_large_log(mixed: Path) -> None:
    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("l")
        await settled(pilot)
        assert "no log: it was started in a terminal" in text(pilot)
        assert "progress" not in text(pilot)
        await pilot.press("q")
        await until(pilot, lambda: "progress" in text(pilot))
        assert SCREENS[4] == screen(pilot).NAME

    drive(mixed, steps)


def test_a_hostile_log_stays_text(mixed: Path, tmp_path: Path) -> None:
    path = tmp_path / "w.db"
    path.write_bytes(mixed.read_bytes())
    log = tmp_path / "log"
    log.write_bytes(b"one\n\x1b[31mred\x1b[0m [b]not bold[/b] \x1b]0;title\x07 \xff\n" * 5000 + b"the last line")
    db = open_writable(path)
    db.conn.execute("update runs set log = ?", [str(log)])
    db.conn.commit()
    db.conn.close()

    async def steps(pilot: Pilot[None]) -> None:
        await until(pilot, lambda: "red [b]not bold[/b]" in text(pilot) and "the last line" in text(pilot))
        assert "\x1b" not in text(pilot)
        log.write_text("afresh\n")
        await until(pilot, lambda: "afresh" in text(pilot))
        log.unlink()
        await until(pilot, lambda: "the log is gone" in text(pilot))

    drive(path, steps)


def finished(path: Path) -> str:
    """Return the first run of a database."""
    db = open_readonly(path)
    (run,) = db.conn.execute("select id from runs order by rowid limit 1").fetchone()
    db.conn.close()
    return str(run)
