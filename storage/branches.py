"""Dialogues that a person took over (branches), and what an answer halfway would have been worth (probes).

A branch is a trial of its own in a run of its own, of kind `branch`: the trial that it leaves never changes, and no
score of a run counts it. What writes expects to be called inside `storage.database.transaction`.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from simulator.agent import Asked
from simulator.dialogue import Neighbour, Question, Reply, Speaker, Turn
from simulator.scenario import Scenario
from simulator.world import DIMENSIONS, Verdict
from storage.errors import NotFoundError
from storage.readers import find_unit_by_id
from storage.records import TrialRecord
from storage.runs import Owner, RunSpec, UnitKey, end_run, insert_run, now, save_trial, save_turn
from storage.scenarios import find_scenario
from storage.sqlite import Database

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class StoredTrial:
    """A trial with a dialogue, as it can be run on from.

    Fields:
        unit, run, kind: whose it is, and of which kind the run (`run`, `branch`, `import`).
        scenario, model, arm: what was tried.
        turns: the questions that have a reply. The other fields of the dialogue are those of `Dialogue`.
        library, leaky: see `TrialRecord`.
        judges: whose verdicts it has, or was meant to have; those of later judgements are left out.
        identity, world, world_version, seed: of the run. experiment, settings: its JSON, read.
    """

    unit: int
    run: str
    kind: str
    scenario: Scenario
    model: str
    arm: str
    turns: tuple[Turn, ...]
    neighbours: tuple[Neighbour, ...]
    invalid: tuple[str, ...]
    crisis: bool
    library: str | None
    leaky: bool
    judges: tuple[str, ...]
    identity: str
    world: str
    world_version: str
    seed: int
    experiment: Mapping[str, Any]
    settings: Mapping[str, Any]


class Branch(NamedTuple):
    """A branch that was started: its run and its unit."""

    run: str
    unit: int


def read_trial(db: Database, unit: int) -> StoredTrial:
    """Read a trial with what is needed to run on from any of its turns.

    Raises:
        NotFoundError: there is no such unit, or it has no dialogue.
    """
    row = find_unit_by_id(db, unit)
    said = next(iter(db.query("select * from dialogues where unit = ?", [unit])), None)
    if said is None:
        raise NotFoundError(f"unit {unit} has no dialogue: `workbench show dialogues` lists those of a run")
    run = next(db.query("select * from runs where id = ?", [row["run"]]))
    experiment = json.loads(run["experiment"] or "{}")
    meant = tuple(experiment.get("judges", ()))
    judged = [judge for (judge,) in db.conn.execute("select judge from verdicts where unit = ? order by rowid", [unit])]
    neighbours = (Neighbour(**{**n, "path": tuple(n["path"])}) for n in json.loads(said["neighbours"] or "[]"))
    return StoredTrial(
        unit=unit,
        run=run["id"],
        kind=run["kind"],
        scenario=find_scenario(db, row["scenario_id"]),
        model=row["model"],
        arm=row["arm"],
        turns=tuple(_turns(db, unit)),
        neighbours=tuple(neighbours),
        invalid=tuple(json.loads(said["invalid"] or "[]")),
        crisis=bool(said["crisis"]),
        library=said["library"],
        leaky=bool(said["leaky"]),
        judges=tuple(judge for judge in judged if judge in meant) or meant,
        identity=run["identity"],
        world=run["world"] or "",
        world_version=run["world_version"] or "",
        seed=run["seed"] or 0,
        experiment=experiment,
        settings=json.loads(run["settings"] or "{}"),
    )


def start_branch(
    db: Database,
    parent: StoredTrial,
    scenario: str,
    step: int,
    change: Mapping[str, Any],
    spec: RunSpec,
    owner: Owner,
    log: str | None = None,
) -> Branch:
    """Write a branch that begins now: its run and unit, where it left its parent, and the turns that it keeps.

    Args:
        scenario: the id of the branch's own scenario, which must be stored.
        step: turns kept, as they are stored.
        change: what is changed there, as JSON can hold it.
        log: where a detached process writes what it says.
    """
    taken = {name for (name,) in db.conn.execute("select id from runs where id glob ? || '-b*'", [parent.run])}
    run = next(name for n in range(1, len(taken) + 2) if (name := f"{parent.run}-b{n}") not in taken)
    insert_run(db, run, spec, owner, [UnitKey("trial", scenario, parent.model, parent.arm)], log)
    ((unit,),) = db.conn.execute("select id from units where run = ?", [run]).fetchall()
    db.conn.execute("update units set state = 'running' where id = ?", [unit])
    db.conn.execute(
        "insert into branches (unit, parent, step, change, created_at) values (?, ?, ?, ?, ?)",
        [unit, parent.unit, step, json.dumps(change, ensure_ascii=False), now()],
    )
    circumstances = "crisis, threshold, persona, neighbours, library, leaky"
    db.conn.execute(
        f"insert into dialogues (unit, questions, {circumstances}) "  # noqa: S608 - names from the line above
        f"select ?, ?, {circumstances} from dialogues where unit = ?",
        [unit, step, parent.unit],
    )
    kept = ", ".join(column.name for column in db.table("turns").columns if column.name != "unit")
    db.conn.execute(
        f"insert into turns (unit, {kept}) select ?, {kept} from turns where unit = ? and step < ?",  # noqa: S608
        [unit, parent.unit, step],
    )
    return Branch(run, unit)


def show_turn(db: Database, unit: int, step: int, asked: Asked | Turn, reply: Reply | None) -> None:
    """Write a turn of a branch under way; a question that waits for its reply has none yet."""
    save_turn(db, unit, step, asked, reply)
    db.conn.execute("update dialogues set questions = ? where unit = ?", [step + 1, unit])


def finish_branch(db: Database, branch: Branch, record: TrialRecord, seconds: float) -> None:
    """Write what came of a branch, and end its run."""
    save_trial(db, branch.unit, record, seconds)
    end_run(db, branch.run, "done")


def stop_branch(
    db: Database, branch: Branch, state: Literal["interrupted", "failed"], error: str, seconds: float
) -> None:
    """End a branch that came to no answer; what was said stays, but for a question that nobody answered."""
    db.conn.execute("delete from turns where unit = ? and status is null", [branch.unit])
    db.conn.execute(
        "update dialogues set questions = (select count(*) from turns where turns.unit = :unit) where unit = :unit",
        {"unit": branch.unit},
    )
    db.conn.execute(
        "update units set state = 'failed', error = ?, seconds = ?, finished_at = ? where id = ?",
        [error, seconds, now(), branch.unit],
    )
    end_run(db, branch.run, state, error)


def branch_rows(db: Database, parent: int | str) -> list[Row]:
    """List the branches of a dialogue (a unit) or of all dialogues of a run, in the order they were made.

    Each with `unit`, `run`, `parent`, `step`, `change` (a mapping), `created_at`, `scenario_id`, `model`, `arm`,
    `state` and `error` (of the unit), `questions`, `ending`, and `score`: the mean over judges, 1-5, or None.
    """
    where = "parent = :parent" if isinstance(parent, int) else "parent in (select id from units where run = :parent)"
    return [_changed(row) for row in db.query(f"{_BRANCHES} where {where} order by units.id", {"parent": parent})]


def branch_of(db: Database, unit: int) -> Row | None:
    """Return where a unit left its parent, as a row of `branch_rows`, or None where it is no branch."""
    rows = [_changed(row) for row in db.query(f"{_BRANCHES} where units.id = ?", [unit])]
    return rows[0] if rows else None


_BRANCHES = """
select branches.unit, units.run as run, parent, step, change, branches.created_at, units.scenario as scenario_id,
  units.model, units.arm, units.state, units.error, questions, ending,
  (select avg(verdicts.score) from verdicts where verdicts.unit = units.id) as score
from branches join units on units.id = branches.unit left join dialogues on dialogues.unit = units.id
"""


def probe_rows(db: Database, unit: int, step: int | None = None) -> list[Row]:
    """List what answering halfway came to, a row per step and judge: of all steps, or of one.

    Each with `unit`, `step`, `judge`, `response`, the three dimensions (1-5), `score` (None where the judgement
    failed), `rationale`, `error` and `at`.
    """
    rows = list(
        db.query(
            "select * from probes where unit = :unit and (:step is null or step = :step) order by step, rowid",
            {"unit": unit, "step": step},
        )
    )
    for row in rows:
        row.update(zip(DIMENSIONS, json.loads(row.pop("dimensions") or "null") or (None,) * 3, strict=True))
    return rows


def save_probe(
    db: Database, unit: int, step: int, response: str, verdicts: Sequence[Verdict], failures: Mapping[str, str]
) -> None:
    """Write what answering before question `step` came to; a judge's earlier view is replaced."""
    rows: list[tuple[object, ...]] = [(v.judge, json.dumps(v.dimensions), v.score, v.rationale, None) for v in verdicts]
    rows += [(judge, None, None, None, error) for judge, error in failures.items()]
    db.conn.executemany(
        "insert or replace into probes (unit, step, response, at, judge, dimensions, score, rationale, error) "
        "values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [(unit, step, response, now(), *row) for row in rows],
    )


def _turns(db: Database, unit: int) -> Iterator[Turn]:
    rows = db.query("select * from turns where unit = ? and status is not null order by step", [unit])
    for row in rows:
        question = Question(row["attribute"], row["question"], row["reason"] or "")
        said_by: Speaker = row["said_by"] or "user"
        reply = Reply(row["attribute"], row["status"], row["reply"], row["known"], row["truth"], said_by)
        yield Turn(row["completeness"], question, reply, row["chosen_by"], row["score"])


def _changed(row: Row) -> Row:
    return {**row, "change": json.loads(row["change"])}
