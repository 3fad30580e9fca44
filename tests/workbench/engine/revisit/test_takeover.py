"""Dialogues taken over: what stays as it was, what a change changes, and what a person may do."""

import json
import shutil
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import pytest

from simulator.attributes import NAMES
from storage.branches import Branch, branch_of, branch_rows, probe_rows
from storage.commands import answer, issue
from storage.database import open_readonly, open_writable, transaction
from storage.readers import dialogue_rows, find_run, find_unit_by_id, list_runs, score_rows
from storage.sqlite import Database
from tests.fakeserver import WRONG_SCHEMA, FakeServer
from tests.workbench.engine.running import options, results, work
from workbench.engine.errors import UsageError
from workbench.engine.revisit.probe import estimate_probe, probe
from workbench.engine.revisit.reopen import reopen
from workbench.engine.revisit.takeover import Branched, Change, take_over, target

FOUND = ("dialogues", "turns", "responses", "verdicts")


def read(path: Path, query: str, *values: object) -> list[dict[str, Any]]:
    db = open_readonly(path)
    try:
        return list(db.query(query, list(values)))
    finally:
        db.conn.close()


def found(path: Path, unit: int) -> dict[str, list[dict[str, Any]]]:
    """Read everything that a trial came to."""
    return {
        table: [
            {name: value for name, value in row.items() if name != "unit"}
            for row in read(path, f"select * from {table} where unit = ? order by rowid", unit)
        ]
        for table in FOUND
    }


def branch(path: Path, unit: int, step: int, *, judges: tuple[str, ...] = (), **change: Any) -> Branched:
    reopened = reopen(path, unit, judges)
    return anyio.run(partial(take_over, path, reopened, step, Change(**change), patience=30))


def dialogue(path: Path, unit: int) -> dict[str, Any]:
    db = open_readonly(path)
    try:
        run = find_unit_by_id(db, unit)["run"]
        return next(row for row in dialogue_rows(db, run) if row["unit"] == unit)
    finally:
        db.conn.close()


@pytest.fixture
def path(prepared: Path, tmp_path: Path) -> Path:
    """Return a copy of the prepared database, to be written to."""
    return Path(shutil.copy(prepared, tmp_path / "workbench.db"))


def trials(path: Path, arm: str = "planner", least: int = 0) -> list[int]:
    """List the trials of an arm that asked so many questions at least."""
    rows = read(path, "select unit from dialogues join units on id = unit where arm = ? and questions >= ?", arm, least)
    return [row["unit"] for row in rows]


@pytest.mark.parametrize("arm", ["agent", "planner"])
def test_without_a_change_a_branch_repeats_its_parent(path: Path, arm: str) -> None:
    before = results(path)
    units = trials(path, arm)
    for unit in units:
        parent = found(path, unit)
        for step in range(len(parent["turns"]) + 1):
            ended = branch(path, unit, step)
            assert ended.state == "done"
            assert found(path, ended.branch.unit) == parent
    run = read(path, "select id from runs where kind = 'run'")[0]["id"]
    assert results(path, run) == before


def test_no_score_of_a_run_counts_a_branch(path: Path) -> None:
    db = open_readonly(path)
    before = list(score_rows(db, find_run(db)["run"]))
    unit = trials(path, least=1)[0]
    ended = branch(path, unit, 1)
    assert list(score_rows(db, find_run(db)["run"])) == before
    row = next(row for row in list_runs(db) if row["run"] == ended.branch.run)
    assert (row["kind"], row["state"], row["units"], row["done"]) == ("branch", "done", 1, 1)
    assert row["run"] == f"{find_run(db)['run']}-b1"
    db.conn.close()


def test_branches_are_listed_and_say_where_they_left(path: Path) -> None:
    unit = trials(path, least=1)[0]
    asked = dialogue(path, unit)["turns"][0]["attribute"]
    other = next(name for name in NAMES if name != asked)
    first, second = branch(path, unit, 0, ask=other), branch(path, unit, 1, judges=("b",))
    db = open_readonly(path)
    rows = branch_rows(db, unit)
    assert [(row["unit"], row["step"], row["change"], row["state"]) for row in rows] == [
        (first.branch.unit, 0, {"ask": other}, "done"),
        (second.branch.unit, 1, {}, "done"),
    ]
    assert branch_rows(db, find_run(db)["run"]) == rows
    assert branch_of(db, second.branch.unit) == rows[1]
    assert branch_of(db, unit) is None
    assert [row["judge"] for row in score_rows(db, second.branch.run)] == ["b"]
    db.conn.close()


def test_a_question_can_be_forced_where_the_agent_would_answer(path: Path) -> None:
    unit = trials(path, least=1)[0]
    parent = dialogue(path, unit)
    end = len(parent["turns"])
    free = next(name for name in NAMES if name not in {turn["attribute"] for turn in parent["turns"]})
    ended = branch(path, unit, end, ask=free)
    mine = dialogue(path, ended.branch.unit)
    assert mine["turns"][:end] == parent["turns"]
    assert (mine["turns"][end]["attribute"], mine["turns"][end]["chosen_by"]) == (free, "person")
    assert mine["turns"][end]["completeness"] == parent["completeness"]
    with pytest.raises(UsageError, match="asked about before"):
        branch(path, unit, end, ask=parent["turns"][0]["attribute"])
    with pytest.raises(UsageError, match="no attribute 'Height'"):
        branch(path, unit, end, ask="Height")


def test_a_person_answers_the_stored_question(path: Path) -> None:
    unit = next(unit for unit in trials(path, least=1) if dialogue(path, unit)["turns"][0]["status"] == "answered")
    parent = dialogue(path, unit)
    first = parent["turns"][0]
    same = dialogue(path, branch(path, unit, 0, say=first["truth"]).branch.unit)
    assert (same["turns"][0]["known"], same["turns"][0]["said_by"]) == (first["truth"], "person")
    assert same["turns"][0]["question"] == first["question"]
    assert same["turns"][1:] == parent["turns"][1:]
    assert same["score"] == parent["score"]
    other = dialogue(path, branch(path, unit, 0, say="I would call it something else").branch.unit)
    turn = other["turns"][0]
    assert (turn["status"], turn["known"], turn["truth"]) == (
        "answered",
        "I would call it something else",
        first["truth"],
    )
    assert first["attribute"] not in other["given"]
    with pytest.raises(UsageError, match="nothing was asked after turn"):
        branch(path, unit, len(parent["turns"]), say="Hello?")
    with pytest.raises(UsageError, match="nothing was said"):
        branch(path, unit, 0, say=" ")


def test_a_changed_profile_is_another_scenario(path: Path) -> None:
    unit = trials(path, least=1)[0]
    parent = dialogue(path, unit)
    told = parent["turns"][0]
    ended = branch(path, unit, 0, attribute="age", value="90")
    (mine,) = read(path, "select * from scenarios where id = ?", dialogue(path, ended.branch.unit)["scenario_id"])
    (own,) = read(path, "select * from scenarios where id = ?", parent["scenario_id"])
    assert mine["id"] != own["id"]
    assert mine["query"] == own["query"]
    assert '"Age": "90"' in mine["profile"]
    (left,) = read(path, "select change from branches")
    assert json.loads(left["change"]) == {"attribute": "Age", "value": "90"}
    assert (mine["collected"], mine["source"]) == (0, "counterfactual")
    with pytest.raises(UsageError, match="already"):
        branch(path, unit, 0, attribute=told["attribute"], value=told["truth"])
    if told["known"] is not None:
        with pytest.raises(UsageError, match="told in the turns that are kept"):
            branch(path, unit, 1, attribute=told["attribute"], value="something else")


def test_a_branch_can_be_branched_off(path: Path) -> None:
    unit = trials(path, least=1)[0]
    first = branch(path, unit, 0, say="I would rather talk about the weather")
    again = branch(path, first.branch.unit, 1)
    assert again.branch.run == f"{first.branch.run}-b1"
    assert found(path, again.branch.unit) == found(path, first.branch.unit)


def test_steps_and_units_that_are_not_there(path: Path) -> None:
    unit = trials(path)[0]
    with pytest.raises(UsageError, match="turns to keep"):
        branch(path, unit, 11)
    with pytest.raises(UsageError, match="no judge 'z'"):
        branch(path, unit, 0, judges=("z",))
    assert read(path, "select * from branches") == []


def test_nobody_in_danger_is_questioned(tmp_path: Path) -> None:
    path = tmp_path / "crisis.db"
    work(path, options(synthetic=2, arms=("agent",)))
    db = open_writable(path)
    with transaction(db):
        db.conn.execute("update dialogues set crisis = 1")
    db.conn.close()
    unit = trials(path, "agent")[0]
    for change in ({"interactive": True}, {"ask": "Age"}, {"say": "x", "ask": "Age"}):
        with pytest.raises(UsageError, match="immediate danger"):
            branch(path, unit, 0, **change)
    assert dialogue(path, branch(path, unit, 0).branch.unit)["crisis"]


class Person:
    """Takes a branch over, and does one thing whenever a question waits."""

    def __init__(self, path: Path, *does: tuple[str, str]) -> None:
        self.path, self.does, self.answers = path, list(does), list[str | None]()
        self.seen: list[dict[str, Any]] = []

    async def answer(self, started: anyio.Event, branch: list[Branch]) -> None:
        await started.wait()
        db = open_writable(self.path)
        try:
            for verb, argument in self.does:
                while not (waiting := self._waiting(db, branch[0].unit)):
                    await anyio.sleep(0.01)
                self.seen.append(waiting)
                with transaction(db):
                    command = issue(db, target(branch[0].unit), verb, argument)
                while (answered := answer(db, command)) is None:
                    await anyio.sleep(0.01)
                self.answers.append(answered.error)
        finally:
            db.conn.close()

    def _waiting(self, db: Database, unit: int) -> dict[str, Any] | None:
        rows = list(db.query("select * from turns where unit = ? and status is null", [unit]))
        return rows[0] if rows else None


def interact(path: Path, unit: int, step: int, *does: tuple[str, str]) -> tuple[Branched, Person]:
    person = Person(path, *does)

    async def both() -> Branched:
        started, branches, ended = anyio.Event(), list[Branch](), list[Branched]()

        def start(branch: Branch) -> None:
            branches.append(branch)
            started.set()

        with anyio.fail_after(60):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(person.answer, started, branches)
                reopened = reopen(path, unit)
                ended.append(
                    await take_over(path, reopened, step, Change(interactive=True), patience=30, started=start)
                )
        return ended[0]

    return anyio.run(both), person


def test_a_person_answers_question_by_question(path: Path) -> None:
    unit = trials(path, least=2)[0]
    first = dialogue(path, unit)["turns"][0]
    free = next(name for name in NAMES if name != first["attribute"])
    ended, person = interact(
        path,
        unit,
        0,
        ("shout", ""),
        ("say", " "),
        ("ask", "Height"),
        ("ask", free),
        ("refuse", ""),
        ("simulate", ""),
        ("finish", ""),
    )
    assert ended.state == "done"
    assert [bool(error) for error in person.answers] == [True, True, True, False, False, False, False]
    assert "there is no verb 'shout'" in str(person.answers[0])
    assert person.seen[0]["question"] == first["question"]
    mine = dialogue(path, ended.branch.unit)
    turn = mine["turns"][0]
    assert (turn["attribute"], turn["status"], turn["said_by"]) == (free, "refused", "person")
    assert mine["turns"][1]["said_by"] == "user"
    assert (mine["ending"], mine["questions"], len(mine["turns"])) == ("person", 2, 2)
    assert mine["response"]


def test_a_person_cancels_and_what_was_said_stays(path: Path) -> None:
    unit = trials(path, least=2)[0]
    ended, _ = interact(path, unit, 0, ("say", "It is complicated"), ("cancel", ""))
    assert ended.state == "cancelled"
    mine = dialogue(path, ended.branch.unit)
    assert [turn["reply"] for turn in mine["turns"]] == ["It is complicated"]
    assert (mine["state"], mine["response"], mine["ending"]) == ("failed", None, None)
    (run,) = read(path, "select state, error from runs where id = ?", ended.branch.run)
    assert run == {"state": "interrupted", "error": "cancelled"}
    assert branch(path, ended.branch.unit, 1).state == "done"  # and can be gone on from


def test_nobody_waits_forever(path: Path) -> None:
    unit = trials(path, least=1)[0]
    ended = anyio.run(partial(take_over, path, reopen(path, unit), 0, Change(interactive=True), patience=0.05))
    assert ended.state == "cancelled"
    assert "nobody answered" in str(ended.error)


def probed(path: Path, unit: int, step: int, *judges: str) -> list[dict[str, Any]]:
    assert anyio.run(probe, path, reopen(path, unit, judges), step)
    db = open_readonly(path)
    try:
        return probe_rows(db, unit, step)
    finally:
        db.conn.close()


def test_a_probe_at_the_end_is_what_the_trial_came_to(path: Path) -> None:
    unit = trials(path, least=1)[0]
    parent = found(path, unit)
    rows = probed(path, unit, len(parent["turns"]))
    assert [(row["judge"], row["score"]) for row in rows] == [(v["judge"], v["score"]) for v in parent["verdicts"]]
    assert {row["response"] for row in rows} == {parent["responses"][0]["text"]}
    assert found(path, unit) == parent


def test_a_probe_is_made_once(path: Path) -> None:
    unit = trials(path, least=1)[0]
    first = probed(path, unit, 0, "a")
    assert probed(path, unit, 0, "a") == first
    both = probed(path, unit, 0, "a", "c")
    assert (both[0], both[1]["judge"], both[1]["response"]) == (first[0], "c", first[0]["response"])
    with pytest.raises(UsageError, match="turns"):
        probed(path, unit, 11)


@pytest.fixture(scope="module")
def modelled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a database with a run of the agent arm on a language model; its server is gone."""
    path = tmp_path_factory.mktemp("modelled") / "workbench.db"
    with FakeServer() as server:
        chosen = options(
            world="model",
            base_url=server.url,
            models=("m",),
            judges=("m", "j"),
            arms=("agent",),
            synthetic=3,
            repeats=2,
        )
        assert work(path, chosen).failed == 0
    return path


def test_on_a_model_a_branch_repeats_its_parent_from_the_cache(modelled: Path, tmp_path: Path) -> None:
    path = Path(shutil.copy(modelled, tmp_path / "workbench.db"))
    unit = trials(path, "agent", least=1)[0]
    with FakeServer() as server:
        reopened = reopen(path, unit, base_url=server.url)
        ended = anyio.run(partial(take_over, path, reopened, 1, Change(), patience=30))
        assert server.answered == 0
    assert found(path, ended.branch.unit) == found(path, unit)
    calls = read(path, "select run, hit from calls where unit = ?", ended.branch.unit)
    assert calls
    assert {(call["run"], call["hit"]) for call in calls} == {(ended.branch.run, 1)}


def test_a_model_is_told_what_a_person_says(modelled: Path, tmp_path: Path) -> None:
    path = Path(shutil.copy(modelled, tmp_path / "workbench.db"))
    unit = trials(path, "agent", least=1)[0]
    with FakeServer() as server:
        bodies: list[str] = []
        server.rule = lambda body: bodies.append(str(body))
        reopened = reopen(path, unit, base_url=server.url)
        ended = anyio.run(partial(take_over, path, reopened, 0, Change(say="Only on Tuesdays"), patience=30))
    assert ended.state == "done"
    assert any("Only on Tuesdays" in body for body in bodies)
    assert dialogue(path, ended.branch.unit)["turns"][0]["known"] == "Only on Tuesdays"


def test_a_probe_on_a_model_costs_what_was_said_before_and_stands_in_the_ledger(modelled: Path, tmp_path: Path) -> None:
    path = Path(shutil.copy(modelled, tmp_path / "workbench.db"))
    unit = trials(path, "agent", least=1)[0]
    db = open_readonly(path)
    before = len(read(path, "select 1 from calls where unit = ?", unit))
    assert estimate_probe(db, unit, 0).calls == 1 + 2 * 2
    with FakeServer() as server:
        reopened = reopen(path, unit, base_url=server.url)
        anyio.run(probe, path, reopened, 0)
        assert server.answered == 5
        assert estimate_probe(db, unit, 0).calls == 0
        anyio.run(probe, path, reopen(path, unit, base_url=server.url), 0)
        assert server.answered == 5
        assert estimate_probe(db, unit, 0, ("m", "other")).calls == 2
        anyio.run(probe, path, reopen(path, unit, ("m", "other"), base_url=server.url), 0)
        assert server.answered == 7
    assert len(read(path, "select 1 from calls where unit = ? and not hit", unit)) == before + 7
    assert [row["judge"] for row in probe_rows(db, unit)] == ["m", "j", "other"]
    db.conn.close()


def test_a_judgement_that_fails_is_stored_as_failed_and_tried_again(modelled: Path, tmp_path: Path) -> None:
    path = Path(shutil.copy(modelled, tmp_path / "workbench.db"))
    unit = trials(path, "agent", least=1)[0]
    with FakeServer() as server:
        server.rule = lambda body: WRONG_SCHEMA if body["model"] == "j" else None
        anyio.run(probe, path, reopen(path, unit, base_url=server.url), 0)
        ended = anyio.run(
            partial(take_over, path, reopen(path, unit, ("j",), base_url=server.url), 0, Change(say="No"), patience=30)
        )
    assert (ended.state, "judge j" in str(ended.error)) == ("done", True)
    rows = {row["judge"]: row for row in read(path, "select * from probes where unit = ?", unit)}
    assert rows["m"]["score"] is not None
    assert (rows["j"]["score"], bool(rows["j"]["error"])) == (None, True)
    with FakeServer() as server:
        anyio.run(probe, path, reopen(path, unit, base_url=server.url), 0)
    assert all(row["score"] for row in read(path, "select score from probes where unit = ?", unit))
