"""What the scores screen reads: a run's verdicts, one scenario's responses, and what people are to rate."""

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from simulator.world import DIMENSIONS, HUMAN
from storage.errors import NotFoundError
from storage.readers import QUESTIONS, Row
from storage.sqlite import Database

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


_TRIALS = f"""
select units.id, units.scenario, units.model, units.arm, {QUESTIONS}, coalesce(dialogues.crisis, 0), responses.score
from units
join runs on runs.id = units.run
left join dialogues on dialogues.unit = units.id
left join responses on responses.unit = units.id
where units.run = ? and units.kind = 'trial'
order by units.id
"""  # noqa: S608

# "cross join" keeps SQLite from going through the verdicts of all other runs too.
_VALUES = f"""
select unit, judge, score, {", ".join(DIMENSIONS)}
from units cross join verdicts on verdicts.unit = units.id where units.run = :run
union all
select unit, :human || rater, score, {", ".join(DIMENSIONS)}
from units cross join human_ratings on human_ratings.unit = units.id where units.run = :run
"""  # noqa: S608


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


def run_scenarios(db: Database, run: str) -> list[tuple[str, str, str, str]]:
    """List the scenarios that a run has trials of, by id: `id, domain, profile_id, query`."""
    return db.conn.execute(
        "select id, domain, profile_id, query from scenarios "
        "where id in (select scenario from units where run = ? and kind = 'trial') order by id",
        [run],
    ).fetchall()


def judged_trials(db: Database, run: str) -> list[tuple[Any, ...]]:
    """List a run's trials in their order: `unit, scenario, model, arm, questions, crisis, true_score`.

    The last three are as in `score_rows`, which says all that is known and takes several times as long.
    """
    return db.conn.execute(_TRIALS, [run]).fetchall()


def judged_values(db: Database, run: str) -> list[tuple[Any, ...]]:
    """List what judges and people gave a run's responses: `unit, judge, score` and the three dimensions.

    Everything after the judge is null where a judgement failed; where a person gave a score alone, the dimensions are.
    """
    return db.conn.execute(_VALUES, {"run": run, "human": HUMAN}).fetchall()


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
