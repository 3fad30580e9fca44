"""Figures of runs: right, whatever changes between two readings, and cheap where nothing does."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from simulator.build import build
from simulator.build.making import Draft, Made, Rejection
from storage.construction import LeftOut, build_story, claim_build, save_item
from storage.database import open_readonly, open_writable, transaction
from storage.errors import NotFoundError
from storage.runfigures import FigureReader, RoleModel, failures, run_story
from storage.runs import Owner, RunSpec, UnitKey, claim, end_run, fail_unit, set_control
from storage.scenarios import add_scenarios
from storage.sqlite import Database
from storage.studies import Membership, StoredPart, begin_study, finish_study, set_part_run

ME = Owner("here", 1, "now")
ARMS = ("vanilla", "agent", "full")


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    found = open_writable(tmp_path / "w.db")
    yield found
    found.conn.close()


def start(
    db: Database, identity: str = "a" * 64, *, kind: str = "run", alive: bool = True, retry_failed: bool = False
) -> str:
    """Start a run of four scenarios and three arms."""
    scenarios = list(build(4, 1))
    add_scenarios(db, scenarios, collected=False)
    spec = RunSpec(identity, "surrogate", "1", 7, json.dumps({"judges": ["a"]}), "{}", "0.1", kind)  # type: ignore[arg-type]
    units = [UnitKey("trial", s.id, "m", arm) for s in scenarios for arm in ARMS]
    return claim(db, spec, units, ME, is_alive=lambda *_: alive, retry_failed=retry_failed).run


def call(db: Database, run: str | None, role: str, *, hit: int = 0, cost: float | None = None) -> None:
    db.conn.execute(
        "insert into calls (run, role, model, hit, prompt_tokens, completion_tokens, latency, cost) "
        "values (?, ?, 'm', ?, 100, 10, 0.5, ?)",
        [run, role, hit, cost],
    )
    db.conn.commit()


def test_counts_follow_a_run(db: Database) -> None:
    run = start(db)
    reader = FigureReader(lambda *_: True)
    (found,) = reader.read(db)
    assert (found.run, found.status, found.units, found.pending) == (run, "running", 12, 12)
    with transaction(db):
        db.conn.execute("update units set state = 'done' where id <= 5")
        fail_unit(db, 6, "judge a: no verdict", 1.0)
    (found,) = reader.read(db)
    assert (found.done, found.failed, found.finished, found.pending) == (5, 1, 6, 6)
    with transaction(db):
        set_control(db, run, "by a command", None)
    assert reader.read(db)[0].status == "paused"


def test_a_build_counts_its_items(db: Database) -> None:
    about = json.dumps({"items": 9, "file": "posts.jsonl"})
    spec = RunSpec("b" * 64, "model", "1", 7, about, "{}", "0.1", "build")
    run = claim_build(db, spec, ME, is_alive=lambda *_: True).run
    drafts = tuple(Draft(scenario, "", 0) for scenario in build(2, 1))
    no = tuple(Rejection("leak", f"the query tells attribute {n}") for n in (1, 2))
    with transaction(db):
        save_item(db, run, 1, "x", Made(drafts))
        save_item(db, run, 2, "y", Made(rejections=no[:1]))
        save_item(db, run, 3, "y", Made(rejections=no[1:]))
        save_item(db, run, 4, "z", Made(rejections=(Rejection("model", "no", effect="failed"),)), failed=True)
    (found,) = FigureReader(lambda *_: True).read(db)
    assert (found.kind, found.status, found.units, found.pending) == ("build", "running", 9, 5)
    assert (found.done, found.rejected, found.failed, found.finished) == (1, 2, 1, 4)
    told = build_story(db, run)
    assert told.counts.kept == 2
    assert told.first == drafts[0].scenario.id
    assert told.left_out == (
        LeftOut("leak", "rejected", "the query tells attribute 1", 2),
        LeftOut("model", "failed", "no", 1),
    )


def test_a_run_knows_the_newest_study_that_it_stands_in(db: Database) -> None:
    run = start(db)
    for study in ("old", "new"):
        parts = [StoredPart("gains", {"k": k}, (), "{}") for k in (1, 2)]
        with transaction(db):
            begin_study(db, study, study, "surrogate", parts)
            set_part_run(db, study, 1, run)
    assert FigureReader(lambda *_: True).read(db)[0].study == Membership("new", "new", False, "gains (k 2)", 2, 2)
    with transaction(db):
        finish_study(db, "new")
    found = FigureReader(lambda *_: True).read(db)[0].study
    assert found is not None
    assert found.finished


def test_a_story_names_the_judges_that_came_later(db: Database) -> None:
    run = start(db)
    assert run_story(db, run).judges == ()
    for judge in ("b", "a"):
        db.conn.execute("insert into verdicts (unit, judge) values (1, ?)", [judge])
    assert run_story(db, run).judges == ("b", "a")


def test_a_run_whose_process_died_is_interrupted(db: Database) -> None:
    start(db)
    assert FigureReader(lambda *_: False).read(db)[0].status == "interrupted"


def test_a_finished_run_is_counted_once_until_it_is_taken_up(db: Database) -> None:
    run = start(db)
    with transaction(db):
        fail_unit(db, 1, "no", 1.0)
        db.conn.execute("update units set state = 'done' where id > 1")
        end_run(db, run, "done")
    reader = FigureReader(lambda *_: True)
    assert reader.read(db)[0].status == "failed-units"
    asked: list[str] = []
    db.conn.set_trace_callback(asked.append)
    reader.read(db)
    db.conn.set_trace_callback(None)
    assert not [sql for sql in asked if "from units" in sql]
    start(db, alive=False, retry_failed=True)
    (found,) = reader.read(db)
    assert (found.status, found.pending, found.failed) == ("running", 1, 0)
    with transaction(db):
        db.conn.execute("update units set state = 'done'")
        end_run(db, run, "done")
    assert reader.read(db)[0].status == "done"


def test_runs_stand_newest_first(db: Database) -> None:
    first, second = start(db), start(db, "b" * 64)
    assert [found.run for found in FigureReader(lambda *_: True).read(db)] == [second, first]


def test_the_ledger_is_added_up_where_the_last_reading_stopped(db: Database, tmp_path: Path) -> None:
    run = start(db)
    call(db, run, "judge", cost=0.25)
    call(db, run, "judge", hit=1, cost=0.0)
    call(db, None, "judge")
    viewer = open_readonly(tmp_path / "w.db")
    reader = FigureReader(lambda *_: True)
    before = reader.read(viewer)[0]
    judge = before.calls[RoleModel("judge", "m")]
    assert (judge.calls, judge.hits, judge.tokens, judge.mean_latency, judge.cost) == (2, 1, 110, 0.5, 0.25)
    call(db, run, "agent")
    call(db, run, "judge")
    after = reader.read(viewer)[0]
    assert (after.ledger.calls, after.ledger.tokens, after.ledger.cost) == (4, 330, 0.25)
    assert after.calls[RoleModel("agent", "m")].cost is None
    assert before.ledger.calls == 2  # what was handed out stays as it was
    viewer.conn.close()


def test_failures_of_one_kind_stand_together(db: Database) -> None:
    run = start(db)
    with transaction(db):
        fail_unit(db, 2, "judge a: no JSON: 'maybe 3'", 1.0)
        fail_unit(db, 3, "judge a: no JSON: 'surely 4'", 1.0)
        fail_unit(db, 4, "the server is gone", 1.0)
    first, second = failures(db, run)
    assert (first.units, first.unit, first.reason, first.arm) == (2, 2, "judge a: no JSON: 'maybe 3'", "agent")
    assert (second.units, second.unit, second.dialogue) == (1, 4, False)


def test_the_story_of_a_run(db: Database) -> None:
    run = start(db)
    story = run_story(db, run)
    assert (story.arms, story.models, story.first, story.seed) == (ARMS, ("m",), {"trial": 1}, 7)
    assert story.experiment == {"judges": ["a"]}
    with pytest.raises(NotFoundError, match="there is no run 'x'"):
        run_story(db, "x")
