"""Claiming a run: new, resumed, finished, owned, taken over."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from simulator.attributes import N_ATTRIBUTES
from simulator.scenario import Profile, Scenario
from simulator.world import Draw, Response, Verdict
from storage import commands, runs
from storage.database import open_writable, transaction
from storage.errors import NotFoundError
from storage.readers import find_run, list_runs, score_rows, unit_rows
from storage.records import TrialRecord
from storage.runs import Claim, OwnedError, Owner, RunSpec, UnitKey
from storage.scenarios import add_scenarios, find_scenario
from storage.sqlite import Database

SCENARIO = Scenario("Is it late?", Profile((None,) * N_ATTRIBUTES))
SPEC = RunSpec("ab" * 32, "surrogate", "1", 7, "{}", "{}", "0")
UNITS = [
    UnitKey("search", SCENARIO.id, "m", "search"),
    *(UnitKey("trial", SCENARIO.id, "m", a) for a in ("full", "agent")),
]
ME, OTHER = Owner("here", 10, "100"), Owner("here", 11, "200")
RESPONSE = Response("Yes.", "plain", 0, 0, Draw("full", "final"))


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    db = open_writable(tmp_path / "x.db")
    add_scenarios(db, [SCENARIO])
    yield db
    db.conn.close()


def claim(db: Database, owner: Owner = ME, *, alive: bool = False, spec: RunSpec = SPEC, **how: Any) -> Claim:
    return runs.claim(db, spec, UNITS, owner, is_alive=lambda *_: alive, **how)


def finish(db: Database, claimed: Claim, failed: str | None = None) -> None:
    """Finish every trial of a run, one of them badly, and the run."""
    with transaction(db):
        for key, (unit, _) in claimed.units.items():
            if key.arm == failed:
                runs.fail_unit(db, unit, "no server", 0.1, ["a"])
            elif key.kind == "trial":
                runs.save_trial(db, unit, TrialRecord(RESPONSE, None, (Verdict("a", (1, 2, 3)),)), 0.1)
        runs.end_run(db, claimed.run, "done")


def states(db: Database, run: str) -> list[str]:
    return [row["state"] for row in unit_rows(db, run)]


def test_a_new_run_has_all_its_units_in_order_and_its_provenance(db: Database) -> None:
    claimed = claim(db)
    assert claimed.state == "new"
    assert list(claimed.units) == UNITS
    assert {state for _, state in claimed.units.values()} == {"pending"}
    row = find_run(db, claimed.run)
    assert (row["state"], row["units"], row["done"], row["failed"]) == ("running", 3, 0, 0)
    assert (row["identity"], row["world"], row["world_version"], row["seed"]) == (SPEC.identity, "surrogate", "1", 7)
    assert (row["owner_host"], row["owner_pid"], row["owner_started"]) == ME


def test_a_live_owner_keeps_its_run_and_is_named(db: Database) -> None:
    claimed = claim(db)
    with pytest.raises(OwnedError) as error:
        claim(db, OTHER, alive=True)
    assert "process 10" in str(error.value)
    assert "--new" in str(error.value)
    row = find_run(db, claimed.run)
    assert row["owner_pid"] == ME.pid


def test_the_owner_and_its_heartbeat_are_what_is_asked_about(db: Database) -> None:
    asked = []
    claim(db)
    beat = db.execute("select heartbeat from runs").fetchone()[0]

    def is_alive(owner: Owner, heartbeat: float) -> bool:
        asked.append((owner, heartbeat))
        return False

    runs.claim(db, SPEC, UNITS, OTHER, is_alive=is_alive)
    assert asked == [(ME, beat)]


def test_a_dead_owner_is_taken_over_and_what_was_under_way_is_forgotten(db: Database) -> None:
    first = claim(db)
    (search, _), (full, _), _ = first.units.values()
    with transaction(db):
        runs.save_running(db, search, b"half a trace")
        runs.save_trial(db, full, TrialRecord(RESPONSE, None, (Verdict("a", (1, 2, 3)),)), 0.1)
    second = claim(db, OTHER)
    assert (second.run, second.state) == (first.run, "resumed")
    assert [state for _, state in second.units.values()] == ["pending", "done", "pending"]
    assert db["searches"].count == 0
    assert db["responses"].count == 1
    assert find_run(db, first.run)["owner_pid"] == OTHER.pid


@pytest.mark.parametrize("state", ["interrupted", "failed"])
def test_what_was_cut_off_is_resumed_without_asking_whether_its_owner_lives(db: Database, state: Any) -> None:
    first = claim(db)
    with transaction(db):
        runs.end_run(db, first.run, state, "full disk" if state == "failed" else None)
    assert (find_run(db)["finished_at"] is None) == (state == "interrupted")
    second = claim(db, OTHER, alive=True)
    assert (second.run, second.state) == (first.run, "resumed")
    row = find_run(db)
    assert (row["state"], row["error"], row["finished_at"]) == ("running", None, None)


def test_a_finished_run_is_left_alone(db: Database) -> None:
    first = claim(db)
    finish(db, first, failed="agent")
    before = find_run(db, first.run)
    second = claim(db, OTHER)
    assert (second.run, second.state) == (first.run, "finished")
    assert find_run(db, first.run) == before


def test_only_failed_units_are_done_again_and_only_when_asked(db: Database) -> None:
    first = claim(db)
    with transaction(db):
        runs.save_running(db, first.units[UNITS[0]][0], b"")
        runs.fail_unit(db, first.units[UNITS[0]][0], "too many failed", 0.1)
    finish(db, first, failed="agent")
    again = claim(db, OTHER, retry_failed=True)
    assert again.state == "resumed"
    assert [state for _, state in again.units.values()] == ["pending", "done", "pending"]
    rows = list(unit_rows(db, first.run))
    assert [(row["error"], row["seconds"] is None, row["finished_at"] is None) for row in rows] == [
        (None, True, True),
        (None, False, False),
        (None, True, True),
    ]
    assert [row["arm"] for row in score_rows(db, first.run)] == ["full"]  # the failed verdict is gone until then
    finish(db, again)
    assert claim(db, OTHER, retry_failed=True).state == "finished"


def test_nothing_failed_nothing_to_retry(db: Database) -> None:
    first = claim(db)
    with transaction(db):
        runs.fail_unit(db, first.units[UNITS[0]][0], "x", 0.1)
    finish(db, first)
    with transaction(db):
        db.execute("update units set state = 'done'")
    assert claim(db, OTHER, retry_failed=True).state == "finished"


def test_new_always_starts_another_run_even_beside_a_live_one(db: Database) -> None:
    first = claim(db)
    second, third = claim(db, OTHER, alive=True, new=True), claim(db, OTHER, alive=True, new=True)
    assert len({first.run, second.run, third.run}) == 3
    assert {second.state, third.state} == {"new"}
    assert [row["run"] for row in list_runs(db)] == [third.run, second.run, first.run]  # newest first
    assert claim(db, ME).run == third.run  # the latest of an identity is the one that goes on
    with pytest.raises(NotFoundError, match="several runs begin"):
        find_run(db, second.run[:4])
    assert find_run(db, first.run)["run"] == first.run  # though it is the beginning of the others


def test_other_experiments_have_other_runs(db: Database) -> None:
    assert claim(db).run != claim(db, spec=replace(SPEC, identity="cd" * 32)).run


def test_a_claim_that_fails_half_way_leaves_nothing(db: Database) -> None:
    def units() -> Iterator[UnitKey]:
        yield UNITS[0]
        raise RuntimeError

    with pytest.raises(RuntimeError):
        runs.claim(db, SPEC, units(), ME, is_alive=lambda *_: False)
    assert (db["runs"].count, db["units"].count) == (0, 0)


def test_of_several_that_claim_at_once_one_wins(tmp_path: Path) -> None:
    path = tmp_path / "shared.db"
    db = open_writable(path)
    add_scenarios(db, [SCENARIO])
    db.conn.close()
    outcomes: list[str] = []
    ready = threading.Barrier(4)

    def race(pid: int) -> None:
        mine = open_writable(path)
        ready.wait()
        try:
            outcomes.append(claim(mine, Owner("here", pid, "1"), alive=True).state)
        except OwnedError:
            outcomes.append("owned")
        mine.conn.close()

    threads = [threading.Thread(target=race, args=(pid,)) for pid in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["new", "owned", "owned", "owned"]


def test_ids_by_their_beginning(db: Database) -> None:
    claimed = claim(db)
    assert find_run(db, claimed.run[:3])["run"] == claimed.run
    assert find_scenario(db, SCENARIO.id[:5]) == SCENARIO
    for wanted in ("", "%", "_", "'", "zz", claimed.run + "x"):
        with pytest.raises(NotFoundError):
            find_run(db, wanted)
        with pytest.raises(NotFoundError):
            find_scenario(db, wanted)


def test_the_log_of_whoever_claims_a_run_stands_with_it_finished_or_not(db: Database) -> None:
    first = claim(db, log="one.log")
    assert find_run(db, first.run)["log"] == "one.log"
    with transaction(db):
        runs.end_run(db, first.run, "interrupted")
    finish(db, claim(db))
    assert find_run(db, first.run)["log"] is None  # that process had none
    assert claim(db, OTHER, log="three.log").state == "finished"
    row = find_run(db, first.run)
    assert (row["log"], row["owner_pid"], row["state"]) == ("three.log", ME.pid, "done")


@pytest.mark.parametrize("end", ["ends", "is taken over"])
def test_a_run_that_ends_or_changes_hands_is_not_paused_and_refuses_what_waits(db: Database, end: str) -> None:
    first = claim(db)
    with transaction(db):
        runs.set_control(db, first.run, "by a command", "best,12")
        waiting = commands.issue(db, runs.target(first.run), "step")
        others = commands.issue(db, runs.target("another"), "step")
    assert find_run(db, first.run)["paused"]
    if end == "ends":
        with transaction(db):
            runs.end_run(db, first.run, "done")
    else:
        claim(db, OTHER)
    assert not find_run(db, first.run)["paused"]
    assert next(db.query("select held, breakpoints from runs")) == {"held": None, "breakpoints": None}
    answer = commands.answer(db, waiting)
    assert answer is not None
    assert answer.error
    assert commands.answer(db, others) is None
    assert not commands.pending(db, [runs.target(first.run)])


def test_a_run_says_what_kind_it_is(db: Database) -> None:
    plan = claim(db, spec=replace(SPEC, identity="cd" * 32, kind="plan"))
    assert find_run(db, plan.run)["kind"] == "plan"
    with pytest.raises(NotFoundError, match="no run yet"):
        find_run(db)  # searches on their own are asked for by id
    assert find_run(db, claim(db).run)["kind"] == "run"
