"""What the scores screen reads besides `score_rows`: one scenario's responses, and what people are to rate."""

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlite_utils import Database

from simulator.world import DIMENSIONS
from storage.errors import NotFoundError
from storage.readers import Row

_SIDES = """
select units.id as unit, units.run as run, runs.world as world, units.model as model, units.arm as arm,
  scenarios.domain as domain, responses.text as text, dialogues.unit is not null as dialogue,
  coalesce(dialogues.questions, 0) as questions, coalesce(dialogues.crisis, 0) as crisis
from responses
join units on units.id = responses.unit
join runs on runs.id = units.run
join scenarios on scenarios.id = units.scenario
left join dialogues on dialogues.unit = units.id
where units.scenario = :scenario and units.run in ({runs})
order by units.id
"""


class Blind(NamedTuple):
    """A response as a person rates it: nothing in it says which arm or model it came from."""

    scenario_id: str
    query: str
    profile: dict[str, str | None]
    text: str


class Ratable(NamedTuple):
    """A response that can be rated, and where it comes from."""

    unit: int
    scenario_id: str
    domain: str
    model: str
    arm: str


def score_stamp(db: Database, run: str) -> tuple[Any, ...]:
    """Return what changes whenever a verdict or a rating of a run does, without reading them."""
    verdicts = db.conn.execute(
        "select count(*), max(verdicts.rowid) from verdicts join units on units.id = unit where units.run = ?", [run]
    ).fetchone()
    ratings = db.conn.execute(
        "select count(*), max(at) from human_ratings join units on units.id = unit where units.run = ?", [run]
    ).fetchone()
    return (*verdicts, *ratings)


def judged_runs(db: Database) -> list[Row]:
    """List the runs that have verdicts, newest first: `run, kind, state, world, created_at, arms, scenarios`."""
    return list(
        db.query(
            "select runs.id as run, runs.kind, runs.state, runs.world, runs.created_at, "
            "count(distinct units.scenario) as scenarios, count(distinct units.arm) as arms "
            "from runs join units on units.run = runs.id "
            "where units.kind = 'trial' and exists (select 1 from verdicts where unit = units.id) "
            "group by runs.id order by runs.rowid desc"
        )
    )


def scenario_queries(db: Database, run: str) -> dict[str, str]:
    """Return the query of every scenario that a run has trials of."""
    found = db.conn.execute(
        "select id, query from scenarios where id in (select scenario from units where run = ? and kind = 'trial')",
        [run],
    )
    return dict(found.fetchall())


def scenario_responses(db: Database, runs: Sequence[str], scenario: str) -> list[Row]:
    """Return what was answered to one scenario in some runs, each with its `verdicts`, people's ratings last.

    A verdict has `judge, score` (null where it failed), the three dimensions, `repeats, valid, rationale, error`.
    """
    marks = ", ".join(f":run{i}" for i in range(len(runs)))
    values = {"scenario": scenario, **{f"run{i}": run for i, run in enumerate(runs)}}
    rows: list[Row] = list(db.query(_SIDES.format(runs=marks), values))
    for row in rows:
        row["crisis"], row["dialogue"] = bool(row["crisis"]), bool(row["dialogue"])
        row["verdicts"] = [
            *db.query(
                f"select judge, {', '.join(DIMENSIONS)}, score, repeats, valid, rationale, error from verdicts "  # noqa: S608
                "where unit = ? order by rowid",
                [row["unit"]],
            ),
            *db.query(
                f"select 'human:' || rater as judge, {', '.join(DIMENSIONS)}, score, null as repeats, "  # noqa: S608
                "null as valid, comment as rationale, null as error from human_ratings where unit = ? order by rater",
                [row["unit"]],
            ),
        ]
    return rows


def response_lengths(db: Database, run: str) -> dict[int, int]:
    """Return the length of each response of a run, in characters, by unit."""
    found = db.conn.execute(
        "select unit, length(text) from responses join units on units.id = unit "
        "where units.run = ? and text is not null",
        [run],
    )
    return dict(found.fetchall())


def ratable_units(db: Database, run: str) -> list[Ratable]:
    """List the trials of a run that have a response, in the run's order."""
    found = db.conn.execute(
        "select units.id, scenario, scenarios.domain, model, arm from units join scenarios on scenarios.id = scenario "
        "where run = ? and kind = 'trial' and exists (select 1 from responses where unit = units.id) order by units.id",
        [run],
    )
    return [Ratable(*row) for row in found]


def raters(db: Database) -> list[str]:
    """Return who has rated in the app, the latest first."""
    return [
        row[0]
        for row in db.conn.execute(
            "select rater from human_ratings where source = 'app' group by rater order by max(at) desc, rater"
        )
    ]


def blind_response(db: Database, unit: int) -> Blind:
    """Read what a rater may see of a trial.

    Raises:
        NotFoundError: the unit has no response.
    """
    row = db.conn.execute(
        "select scenarios.id, scenarios.query, scenarios.profile, responses.text from responses "
        "join units on units.id = unit join scenarios on scenarios.id = units.scenario where unit = ?",
        [unit],
    ).fetchone()
    if row is None:
        raise NotFoundError(f"unit {unit} has no response to rate")
    return Blind(row[0], row[1], json.loads(row[2]), row[3] or "")
