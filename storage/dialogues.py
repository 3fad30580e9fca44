"""Dialogues as a screen replays them: one with all that belongs to it, and the scenarios of a run that have any."""

import json
from typing import Any, NamedTuple

from planner.subsets import members
from simulator.attributes import NAMES
from storage.branches import branch_of, branch_rows, probe_rows
from storage.errors import NotFoundError
from storage.readers import find_unit_by_id
from storage.sqlite import Database

Row = dict[str, Any]


class Place(NamedTuple):
    """A scenario of a run that has dialogues.

    Fields:
        scenario: its id. unit: its first dialogue.
    """

    scenario: str
    unit: int


def replay(db: Database, unit: int) -> Row:
    """Read a dialogue with its turns, response, verdicts and where it branched off, finished or still going on.

    What is not there yet is None: of a running dialogue, the ending and the reply to its last question.

    Raises:
        NotFoundError: the unit has no dialogue.
    """
    row = find_unit_by_id(db, unit)
    row |= _one(db, "select domain, query, profile from scenarios where id = ?", row["scenario_id"])
    row["profile"] = json.loads(row["profile"])
    said = _one(db, "select * from dialogues where unit = ?", unit)
    row["turns"] = [
        {**turn, "attribute": NAMES[turn["attribute"]]}
        for turn in db.query("select * from turns where unit = ? order by step", [unit])
    ]
    row["branch"], row["branches"] = branch_of(db, unit), branch_rows(db, unit)
    if not said and not row["turns"] and row["branch"] is None:
        raise NotFoundError(f"unit {unit} has no dialogue: `workbench show dialogues` lists those of a run")
    for name in ("crisis", "questions", "ending", "completeness", "threshold", "persona", "library", "leaky", "score"):
        row[name] = said.get(name)
    row["neighbours"] = json.loads(said.get("neighbours") or "[]")
    for neighbour in row["neighbours"]:
        neighbour["path"] = [NAMES[i] for i in neighbour["path"]]
    row["invalid"] = json.loads(said.get("invalid") or "[]")
    answered = _one(db, "select text, style, full, partial from responses where unit = ?", unit)
    full, partial = answered.get("full"), answered.get("partial")
    row |= {"response": answered.get("text"), "style": answered.get("style")}
    row["given"] = None if full is None else [NAMES[i] for i in members(full | partial)]
    row["given_partially"] = None if partial is None else [NAMES[i] for i in members(partial)]
    row["verdicts"] = list(
        db.query(
            "select judge, risk_sensitivity, emotional_empathy, user_alignment, score, score is null as failed, "
            "repeats, rationale, error from verdicts where unit = ? order by rowid",
            [unit],
        )
    )
    row["probes"] = probe_rows(db, unit)
    return row


def beside(db: Database, unit: int) -> list[Row]:
    """List what can be set beside a dialogue: all of its scenario in its run, and the branches that left them.

    Each with `unit`, `run`, `arm`, `model`, `state`, and `parent`, `step`, `change` (a mapping) where it is a branch;
    in the order of their units.

    Raises:
        NotFoundError: there is no such unit.
    """
    while left := _one(db, "select parent from branches where unit = ?", unit):
        unit = left["parent"]
    root = find_unit_by_id(db, unit)
    return [
        {**row, "change": None if row["change"] is None else json.loads(row["change"])}
        for row in db.query(_BESIDE, {"run": root["run"], "scenario": root["scenario_id"]})
    ]


def latest_run(db: Database) -> str | None:
    """Return the newest run that has a dialogue, branches aside, or None."""
    row = db.conn.execute(
        "select id from runs where kind != 'branch' and exists (select 1 from units join dialogues on unit = units.id "
        "where run = runs.id) order by rowid desc limit 1"
    ).fetchone()
    return None if row is None else str(row[0])


def dialogue_runs(db: Database) -> list[Row]:
    """List the runs that have dialogues, branches aside, newest first, as `storage.judgements.judged_runs` does."""
    return list(
        db.query(
            "select runs.id as run, runs.kind, runs.state, runs.world, runs.created_at, "
            "count(distinct units.scenario) as scenarios, count(distinct units.arm) as arms "
            "from runs join units on units.run = runs.id join dialogues on dialogues.unit = units.id "
            "where runs.kind != 'branch' group by runs.id order by runs.rowid desc"
        )
    )


def places(db: Database, run: str) -> list[Place]:
    """List the scenarios of a run that have dialogues, in the run's order."""
    rows = db.conn.execute(
        "select scenario, min(units.id) as first from units join dialogues on unit = units.id where run = ? "
        "group by scenario order by first",
        [run],
    )
    return [Place(*row) for row in rows]


def overview(db: Database, run: str, scenarios: list[str]) -> list[Row]:
    """Describe the dialogues of some scenarios (at most a few hundred) in a run, a row each, as they come.

    Each with `scenario_id`, `domain`, `query`, `unit`, `model`, `arm`, `questions`, `ending`, `crisis`, `score` (mean
    over judges, 1-5, None where none gave a verdict).
    """
    marks = ", ".join("?" * len(scenarios))
    return list(
        db.query(
            "select scenario as scenario_id, domain, query, units.id as unit, model, arm, "  # noqa: S608
            "questions, ending, crisis, (select avg(score) from verdicts where verdicts.unit = units.id) as score "
            "from units join dialogues on dialogues.unit = units.id join scenarios on scenarios.id = scenario "
            f"where run = ? and kind = 'trial' and scenario in ({marks}) order by units.id",
            [run, *scenarios],
        )
    )


_BESIDE = """
with recursive family(unit) as (
  select units.id from units join dialogues on unit = units.id where run = :run and scenario = :scenario
  union select branches.unit from branches join family on parent = family.unit
)
select units.id as unit, run, arm, model, units.state, parent, step, change
from family join units on units.id = family.unit left join branches on branches.unit = units.id order by units.id
"""


def _one(db: Database, query: str, value: object) -> Row:
    """Return the first row as a mapping, or an empty one."""
    return next(iter(db.query(query, [value])), {})
