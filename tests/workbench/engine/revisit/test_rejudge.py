"""Judging stored responses again."""

import threading
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import pytest

from simulator.client.types import UnusableEndpointError
from simulator.scenario import Scenario
from simulator.surrogate.world import SurrogateWorld
from simulator.world import Draw, JudgementError, Response, Session, Verdict
from storage.database import open_readonly, open_writable, transaction
from storage.errors import OtherRunError, StorageError
from storage.readers import failure_rows, find_run, find_scored, list_runs, score_rows
from storage.runfigures import FigureReader, RunFigures, failures, run_story
from tests.workbench.engine.running import FailingWorld, options, work
from workbench.cli.progress import QuietDisplay
from workbench.engine.errors import UsageError
from workbench.engine.plans.again import command_again
from workbench.engine.revisit.rejudge import Rejudged, rejudge
from workbench.engine.steering.command import tell_run
from workbench.report.build import build


def scores(path: Path, judge: str) -> list[Any]:
    db = open_readonly(path)
    try:
        return [row["score"] for row in score_rows(db, find_run(db)["run"]) if row["judge"] == judge]
    finally:
        db.conn.close()


def judgings(path: Path) -> list[RunFigures]:
    """Return how the judgings stand, the newest first."""
    db = open_readonly(path)
    try:
        return [run for run in FigureReader(lambda *_: True).read(db) if run.kind == "judge"]
    finally:
        db.conn.close()


def again(path: Path, run: str, *judges: str, world: SurrogateWorld | None = None, **how: Any) -> Rejudged:
    return anyio.run(partial(rejudge, path, run, world or SurrogateWorld(), judges, QuietDisplay(), **how))


@pytest.fixture
def run(tmp_path: Path) -> tuple[Path, str]:
    path = tmp_path / "run.db"
    outcome = work(path, options(synthetic=6, arms=("vanilla", "full"), judges=("a",)))
    return path, outcome.run


def test_a_new_judge_gets_its_own_rows_and_nothing_else_changes(run: tuple[Path, str]) -> None:
    before = scores(run[0], "a")
    result = again(*run, "b")
    assert (result.done, result.failed, result.labels) == (12, 0, ("b",))
    assert len(scores(run[0], "b")) == 12
    assert scores(run[0], "a") == before


def test_the_same_judge_again_judges_on_new_samples(run: tuple[Path, str]) -> None:
    assert again(*run, "a").labels == ("a#2",)
    assert again(*run, "a").labels == ("a#3",)
    first, second, third = (scores(run[0], label) for label in ("a", "a#2", "a#3"))
    assert first != second != third
    assert len(first) == len(second) == len(third) == 12


def test_it_is_the_same_whatever_runs_at_once(run: tuple[Path, str], tmp_path: Path) -> None:
    other = tmp_path / "other.db"
    twin = work(other, options(synthetic=6, arms=("vanilla", "full"), judges=("a",))).run
    again(*run, "b", concurrency=1)
    again(other, twin, "b", concurrency=50)
    assert scores(run[0], "b") == scores(other, "b")


def test_what_failed_is_judged_the_next_time(run: tuple[Path, str]) -> None:
    broken = FailingWorld(judging=lambda scenario, judge, draw: JudgementError("no") if draw.owner == "full" else None)
    result = again(*run, "b", world=broken)
    assert (result.done, result.failed) == (6, 6)
    assert scores(run[0], "b").count(None) == 6
    result = again(*run, "b")
    assert (result.done, result.failed, result.labels) == (6, 0, ("b",))
    assert None not in scores(run[0], "b")


def test_a_judgement_that_failed_in_the_run_is_mended(tmp_path: Path) -> None:
    path = tmp_path / "run.db"
    chosen = options(synthetic=4, arms=("vanilla",), judges=("a", "b"))
    broken = FailingWorld(judging=lambda scenario, judge, draw: JudgementError("no") if judge == "b" else None)
    outcome = work(path, chosen, broken)
    assert outcome.failed == 4
    again(path, outcome.run, "b")
    db = open_readonly(path)
    assert find_run(db)["failed"] == 0
    db.conn.close()


def test_nothing_to_judge_is_said(tmp_path: Path) -> None:
    path = tmp_path / "run.db"
    broken = FailingWorld(responding=lambda scenario, draw: JudgementError("silent"))
    outcome = work(path, options(synthetic=2, arms=("vanilla",)), broken)
    with pytest.raises(UsageError, match="no stored response"):
        again(path, outcome.run, "a")


async def gone() -> None:
    raise UnusableEndpointError("gone")


class Limited(SurrogateWorld):
    """A world that notes whom it was asked to judge, and after so many judgements does something else."""

    def __init__(self, most: int = 99, then: Callable[[], Awaitable[None]] = gone) -> None:
        super().__init__()
        self.asked: list[tuple[str, Draw]] = []
        self.most, self.then = most, then

    def open(self, scenario: Scenario, model: str, seed: int) -> Any:
        return _LimitedSession(self, super().open(scenario, model, seed))


class _LimitedSession:
    def __init__(self, world: Limited, session: Session) -> None:
        self._world, self._session = world, session

    async def judge(self, response: Response, judge: str, draw: Draw) -> Verdict:
        if len(self._world.asked) == self._world.most:
            await self._world.then()
        self._world.asked.append((self._session.scenario.id + judge, draw))
        return await self._session.judge(response, judge, draw)


def test_cut_off_it_goes_on_as_the_same_run_and_nothing_is_judged_twice(run: tuple[Path, str]) -> None:
    path, judged = run
    first = Limited(7)
    with pytest.raises(UnusableEndpointError, match="gone"):
        again(path, judged, "a", world=first, concurrency=1)  # judge a's second round
    (stands,) = judgings(path)
    assert (stands.status, stands.done, stands.pending, stands.error) == ("failed", 7, 5, "gone")
    db = open_readonly(path)
    line = command_again(path, run_story(db, stands.run))
    assert line[:-1] == f"judge {judged} --judges a --repeats 1 --world surrogate --experiment".split()
    db.conn.close()
    rest = Limited()
    result = again(path, judged, "a", world=rest)
    assert (result.run, result.done, result.left, result.labels) == (stands.run, 5, 0, ("a#2",))
    assert sorted(first.asked + rest.asked) == sorted(set(first.asked + rest.asked))
    (stands,) = judgings(path)
    assert (stands.status, stands.done, stands.units) == ("done", 12, 12)


def test_it_goes_on_where_one_of_its_judges_was_through(run: tuple[Path, str]) -> None:
    with pytest.raises(UnusableEndpointError):
        again(*run, "b", "c", world=Limited(23), concurrency=1)  # b has judged all, c all but one
    result = again(*run, "b", "c")
    assert (result.done, result.labels) == (1, ("b", "c"))


def test_what_failed_is_seen_and_counted_until_it_is_mended(run: tuple[Path, str]) -> None:
    broken = FailingWorld(judging=lambda scenario, judge, draw: JudgementError("no") if draw.owner == "full" else None)
    first = again(*run, "b", world=broken)
    (stands,) = judgings(run[0])
    assert (stands.status, stands.done, stands.failed) == ("failed-units", 6, 6)
    db = open_readonly(run[0])
    (failure,) = failures(db, first.run)
    assert (failure.reason[-4:], failure.units, failure.arm) == (": no", 6, "full")
    listed = list(failure_rows(db, first.run))
    assert (len(listed), listed[0]["unit"], listed[0]["error"]) == (6, failure.unit, failure.reason)
    (row,) = [row for row in list_runs(db) if row["kind"] == "judge"]
    assert (row["units"], row["failed"], row["scenarios"]) == (12, 6, None)
    db.conn.close()
    assert again(*run, "b").run == first.run
    (stands,) = judgings(run[0])
    assert (stands.status, stands.done, stands.units) == ("done", 12, 12)


def test_it_obeys_commands(run: tuple[Path, str]) -> None:
    path, _ = run
    said: list[str | None] = []

    async def told() -> None:
        teller.start()
        await anyio.sleep_forever()

    def tell() -> None:
        (judging,) = judgings(path)
        said.extend(tell_run(path, judging.run, verb) for verb in ("pause", "resume", "step", "cancel"))

    teller = threading.Thread(target=tell)
    result = again(*run, "b", "c", world=Limited(5, told), concurrency=1)
    teller.join()
    assert said == [None, None, "step: no search is under way or to come", None]
    assert (result.state, result.done, result.left) == ("interrupted", 5, 19)
    assert judgings(path)[0].status == "interrupted"
    db = open_readonly(path)
    (row,) = [row for row in list_runs(db) if row["kind"] == "judge"]
    assert (row["units"], row["done"]) == (24, 5)
    db.conn.close()
    assert again(*run, "b", "c").done == 19


def test_two_processes_never_judge_the_same(run: tuple[Path, str]) -> None:
    with pytest.raises(UnusableEndpointError):
        again(*run, "b", world=Limited(3), concurrency=1)
    db = open_writable(run[0])
    with transaction(db):  # as if a process elsewhere were at it
        db.conn.execute(
            "update runs set state = 'running', owner_host = 'elsewhere', heartbeat = ? where kind = 'judge'",
            [time.time()],
        )
    db.conn.close()
    with pytest.raises(StorageError, match=r"worked on by process \d+ on elsewhere: wait for it or stop it"):
        again(*run, "b")
    with pytest.raises(StorageError, match="is judging these responses as b"):
        again(*run, "c", "b")


def test_what_was_cut_off_waits_for_another_that_judges_the_same(run: tuple[Path, str]) -> None:
    for judges in (("b",), ("c", "b")):
        with pytest.raises(UnusableEndpointError):
            again(*run, *judges, world=Limited(3), concurrency=1)
    db = open_writable(run[0])
    with transaction(db):  # as if a process elsewhere were at the second
        db.conn.execute(
            "update runs set state = 'running', owner_host = 'elsewhere', heartbeat = ? where kind = 'judge' "
            "and json_array_length(experiment, '$.judges') = 2",
            [time.time()],
        )
    db.conn.close()
    with pytest.raises(StorageError, match="is judging these responses as b"):
        again(*run, "b")


def test_whoever_asks_for_the_scores_of_a_judging_is_told_whose_they_are(run: tuple[Path, str]) -> None:
    judging = again(*run, "b").run
    db = open_readonly(run[0])
    for asked in (partial(find_scored, db, judging), partial(build, db, [judging])):
        with pytest.raises(OtherRunError, match=f"{judging} judges the responses of run {run[1]}: .* stand there$"):
            asked()
    db.conn.close()
