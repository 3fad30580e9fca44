"""Runs that are told what to do through the database, by another connection, while they work."""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

import anyio
import numpy as np
import pytest

from planner.recommend import best_so_far
from planner.trace import Trace, path_masks
from storage import commands, runs
from storage.database import open_readonly, open_writable, transaction
from storage.readers import find_run, list_runs, search_trace, unit_rows
from storage.runs import Owner
from storage.scenarios import add_scenarios
from storage.sqlite import Database
from tests.workbench.engine.running import options, results, work
from tests.workbench.engine.waiting import until
from workbench.cli.progress import QuietDisplay
from workbench.engine.errors import RunError
from workbench.engine.prepare import prepare
from workbench.engine.run import Outcome, run_experiment
from workbench.engine.steering.command import command_run
from workbench.engine.steering.control import Control
from workbench.engine.steering.owner import actual_state

SEARCHES = options(synthetic=2, seed=1, arms=("vanilla", "planner"), rollouts=40)


class Person(threading.Thread):
    """Somebody who watches a database and gives commands, from a thread and connections of their own."""

    def __init__(self, path: Path, does: "Callable[[Person], None]") -> None:
        super().__init__()
        self._path, self._does, self.failure = path, does, None
        open_writable(path).conn.close()

    failure: BaseException | None

    def run(self) -> None:
        self.db, self.writing = open_readonly(self._path), open_writable(self._path)
        try:
            until(lambda: bool(list_runs(self.db)))
            self.id = list_runs(self.db)[0]["run"]
            self._does(self)
        except BaseException as failure:
            self.failure = failure
            self.tell("cancel")  # so that the run ends
        finally:
            self.db.conn.close()
            self.writing.conn.close()

    def tell(self, verb: str, argument: str = "") -> str | None:
        return command_run(self.writing, self._path, self.id, verb, argument)

    @property
    def row(self) -> dict[str, Any]:
        return find_run(self.db, self.id)

    def searches(self) -> list[Trace]:
        """Return the traces of the searches under way."""
        return [search_trace(self.db, row["unit"]) for row in unit_rows(self.db, self.id, state="running")]

    def rollouts(self) -> list[int]:
        return [trace.rollouts for trace in self.searches()]

    def finished(self) -> int:
        return sum(row["state"] == "done" for row in unit_rows(self.db, self.id))


@contextmanager
def person(path: Path, does: Callable[[Person], None]) -> Iterator[None]:
    """Have somebody do something while the body works; fail as they do."""
    somebody = Person(path, does)
    somebody.start()
    yield
    somebody.join(30)
    if somebody.failure is not None:
        raise somebody.failure


def held(path: Path, does: Callable[[Person], None], chosen: Any = SEARCHES, **how: Any) -> Outcome:
    """Do a run that begins paused, beside somebody who has to let it go."""
    prepared = prepare(path, chosen, searches_only=how.pop("searches_only", False))

    async def main() -> Outcome:
        return await run_experiment(path, prepared, QuietDisplay(), control=Control(paused=True), **how)

    with person(path, does):
        return anyio.run(main)


def test_stepped_shown_and_let_go_it_finds_what_an_undisturbed_run_finds(tmp_path: Path) -> None:
    def does(me: Person) -> None:
        until(lambda: me.rollouts() == [0, 0] and bool(me.row["paused"]))
        assert actual_state({**me.row, "owner_pid": 0}) == "interrupted"
        assert me.tell("step", "3") is None
        until(lambda: me.rollouts() == [3, 3])
        assert me.tell("rate", "10") is None
        assert me.tell("step", "1") is None
        until(lambda: me.rollouts() == [4, 4])
        assert me.tell("rate", "0") is None
        assert me.tell("step", "36") is None  # to their ends; the trials are still held
        until(lambda: me.finished() == 2)
        assert "no search" in str(me.tell("step"))
        assert me.row["paused"]
        assert me.tell("resume") is None

    outcome = held(tmp_path / "held.db", does)
    assert (outcome.state, outcome.failed) == ("done", 0)
    work(tmp_path / "free.db", SEARCHES)
    assert results(tmp_path / "held.db") == results(tmp_path / "free.db")


def test_a_breakpoint_pauses_the_run_and_the_store_says_so(tmp_path: Path) -> None:
    def does(me: Person) -> None:
        until(lambda: me.rollouts() == [0, 0])
        assert me.tell("break", "best") is None
        assert me.tell("resume") is None
        until(lambda: bool(me.row["paused"]))
        until(lambda: max(me.rollouts()) >= 2)
        assert me.tell("break") is None
        assert "no verb" in str(me.tell("dance"))
        assert me.tell("resume") is None

    assert held(tmp_path / "x.db", does).state == "done"
    db = open_readonly(tmp_path / "x.db")
    assert not list_runs(db)[0]["paused"]
    db.conn.close()


def test_any_of_several_breakpoints_pauses_the_run_and_the_store_says_which(tmp_path: Path) -> None:
    chosen = options(synthetic=1, seed=1, arms=("planner",), rollouts=40)
    work(tmp_path / "free.db", chosen)
    db = open_readonly(tmp_path / "free.db")
    (search,) = (row for row in unit_rows(db, find_run(db)["run"]) if row["kind"] == "search")
    trace = search_trace(db, search["unit"])
    db.conn.close()
    changes = set(best_so_far(trace).changes[1:])
    masks = path_masks(trace.path)
    mask = int(masks[-2, 1])  # what the last rollout but one asked first
    passes = set((np.flatnonzero((masks == mask).any(axis=1)) + 1).tolist())
    expected = [t for t in sorted(changes | passes) if t < trace.rollouts]
    assert changes - passes
    assert passes - changes
    halts: list[tuple[int, str]] = []

    def at(me: Person, t: int) -> bool:
        return me.rollouts() == [t]

    def does(me: Person) -> None:
        until(lambda: me.rollouts() == [0])
        assert me.tell("break", f"best,{mask}") is None
        for t in expected:
            assert me.tell("resume") is None
            until(lambda: bool(me.row["paused"]))
            until(partial(at, me, t))
            halts.append((t, me.row["held"]))
        assert me.tell("break", "none") is None
        assert me.tell("resume") is None

    assert held(tmp_path / "x.db", does, chosen).state == "done"
    for t, why in halts:
        assert ("the best subset changed" in why) == (t in changes)
        assert ("a path passed through {" in why) == (t in passes)
        assert f"at rollout {t} (search of {search['scenario_id'][:12]})" in why
    assert results(tmp_path / "x.db") == results(tmp_path / "free.db")


def test_cancelled_it_is_interrupted_and_can_be_taken_up(tmp_path: Path) -> None:
    path = tmp_path / "x.db"

    def does(me: Person) -> None:
        until(lambda: me.rollouts() == [0, 0])
        assert me.tell("cancel") is None
        until(lambda: me.row["state"] == "interrupted")
        assert not me.row["paused"]
        assert "not running: it is interrupted" in str(me.tell("pause"))

    assert held(path, does).state == "interrupted"
    assert work(path, SEARCHES).state == "done"
    work(tmp_path / "free.db", SEARCHES)
    assert results(path) == results(tmp_path / "free.db")


def test_a_run_that_is_paused_keeps_its_heartbeat(tmp_path: Path) -> None:
    def does(me: Person) -> None:
        until(lambda: me.rollouts() == [0, 0])
        beat = me.row["heartbeat"]
        until(lambda: me.row["heartbeat"] > beat)
        assert me.tell("resume") is None

    assert held(tmp_path / "x.db", does).state == "done"


def test_commands_for_a_dead_owner_are_refused_and_never_reach_the_next_one(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    prepared = prepare(path, SEARCHES)
    db = open_writable(path)
    add_scenarios(db, prepared.experiment.scenarios)
    dead = Owner("here", 10, "100")
    claimed = runs.claim(db, prepared.spec, prepared.experiment.units(), dead, is_alive=lambda *_: False)
    with transaction(db):
        number = commands.issue(db, runs.target(claimed.run), "cancel")
        runs.set_control(db, claimed.run, "by a command", None)
    db.execute("update runs set owner_host = ?", [Person.__module__])  # another machine, silent for long
    db.execute("update runs set heartbeat = 0")
    db.conn.commit()
    assert "has died" in str(command_run(db, path, claimed.run, "pause"))
    assert work(path, SEARCHES).state == "done"
    answer = commands.answer(db, number)
    assert answer is not None
    assert "has died" in str(answer.error)
    db.conn.close()


def test_searches_alone_are_a_run_of_their_own_kind_that_is_found_again(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    prepared = prepare(path, SEARCHES, searches_only=True)
    assert [unit.kind for unit in prepared.experiment.units()] == ["search", "search"]

    def once() -> Outcome:
        return anyio.run(partial(run_experiment, path, prepared, QuietDisplay()))

    first, second = once(), once()
    assert (first.state, second.state, second.run) == ("done", "finished", first.run)
    work(path, SEARCHES)  # the searches of a whole run are the same
    db = open_readonly(path)
    assert [(row["kind"], row["arms"]) for row in list_runs(db)] == [("run", "planner,vanilla"), ("plan", None)]
    other = find_run(db)["run"]
    db.conn.close()
    assert results(path, first.run)["searches"] == results(path, other)["searches"]
    assert work(path, options(synthetic=2, seed=1, arms=("planner",), index=first.run)).state == "done"


def test_workers_that_do_not_come_up_leave_a_failed_run_with_the_reason(tmp_path: Path) -> None:
    path = tmp_path / "x.db"

    @asynccontextmanager
    async def none() -> Any:
        raise RunError("no worker for m came up: out of memory")
        yield  # type: ignore[unreachable]  # so that it is a generator

    workers: AbstractAsyncContextManager[NoReturn] = none()
    prepared = replace(prepare(path, SEARCHES), workers=workers)
    with pytest.raises(RunError, match="out of memory"):
        anyio.run(partial(run_experiment, path, prepared, QuietDisplay()))
    db: Database = open_readonly(path)
    row = find_run(db)
    assert (row["state"], row["error"]) == ("failed", "no worker for m came up: out of memory")
    assert row["finished_at"] is not None
    db.conn.close()
    assert work(path, SEARCHES).state == "done"
