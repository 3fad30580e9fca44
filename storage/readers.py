"""Reading results back. Everything returns plain dictionaries, a row each, as `workbench show` prints them."""

import json
from collections.abc import Iterator
from typing import Any

from planner.subsets import members
from planner.trace import Trace, unpack
from simulator.attributes import NAMES
from storage.errors import NotFoundError, OtherRunError
from storage.sqlite import Database

Row = dict[str, Any]

QUESTIONS = "coalesce(dialogues.questions, case when responses.unit is not null and runs.kind = 'run' then 0 end)"
"""How many questions were asked in a trial: none in arms that hold no dialogue; null where nobody counted."""

_SCORES = f"""
select units.run as run, units.id as unit, units.scenario as scenario_id, scenarios.domain as domain,
  scenarios.profile_id as profile_id, runs.world as world, units.model as model, units.arm as arm,
  verdicts.judge as judge, verdicts.risk_sensitivity, verdicts.emotional_empathy, verdicts.user_alignment,
  verdicts.score,
  {QUESTIONS} as questions,
  verdicts.score is null as failed, verdicts.error as error, units.finished_at as finished_at,
  responses.full as full, responses.partial as partial, responses.score as true_score,
  verdicts.repeats as repeats, verdicts.valid as valid, coalesce(dialogues.crisis, 0) as crisis,
  dialogues.neighbours as neighbours, dialogues.ending as ending, dialogues.persona as persona,
  coalesce(dialogues.leaky, 0) as leaky, dialogues.library as library,
  runs.world_version as world_version, runs.seed as seed, runs.code_version as code_version
from verdicts
join units on units.id = verdicts.unit
join runs on runs.id = units.run
join scenarios on scenarios.id = units.scenario
left join dialogues on dialogues.unit = units.id
left join responses on responses.unit = units.id
where units.run = :run and (:scenario is null or units.scenario = :scenario)
order by units.id, verdicts.rowid
"""  # noqa: S608

_RUNS = """
select runs.id as run, runs.state, runs.kind, runs.world, runs.world_version, runs.seed, runs.code_version,
  count(units.id) + iif(runs.kind in ('build', 'judge'),
    max(coalesce(items.decided, 0), coalesce(json_extract(runs.experiment, '$.items'), 0)), 0) as units,
  coalesce(sum(units.state = 'done'), 0) + coalesce(items.decided - items.failed, 0) as done,
  coalesce(sum(units.state = 'failed'), 0) + coalesce(items.failed, 0) as failed,
  coalesce(sum(units.kind = 'search'), 0) as searches,
  iif(runs.kind = 'judge', null, count(distinct units.scenario) + coalesce(items.kept, 0)) as scenarios,
  (select group_concat(arm) from (select distinct arm from units as u where u.run = runs.id and u.kind = 'trial'))
    as arms,
  (select group_concat(model) from (select distinct model from units as u where u.run = runs.id)) as models,
  runs.created_at, runs.finished_at, runs.error, runs.identity, runs.experiment, runs.settings, runs.library,
  runs.owner_host, runs.owner_pid, runs.owner_started, runs.heartbeat, runs.paused, runs.held, runs.log
from runs left join units on units.run = runs.id
left join (select run, count(*) as decided, sum(state = 'failed') as failed, sum(kept) as kept
  from build_items group by run
  union all select judging, count(*), sum(score is null), null from verdicts where judging is not null group by judging
) as items on items.run = runs.id
"""


def list_runs(db: Database) -> list[Row]:
    """List all runs, newest first, with the counts of their units.

    Of a build these are its items and scenarios, of stored responses judged again the judgements.
    """
    return list(db.query(_RUNS + " group by runs.id order by runs.rowid desc"))


def find_run(db: Database, id_or_prefix: str | None = None) -> Row:
    """Return one run: by id, by an id's only beginning, or the latest one.

    Raises:
        NotFoundError: there is none, or several.
    """
    if id_or_prefix is None:
        # Without a name, the latest run that was run here; imported ones are asked for by id.
        rows = list(db.query(_RUNS + " where runs.kind = 'run' group by runs.id order by runs.rowid desc limit 1"))
        if not rows:
            raise NotFoundError("there is no run yet: `workbench run` makes one")
        return rows[0]
    rows = list(
        db.query(
            _RUNS
            + " where runs.id >= ? and runs.id < ? group by runs.id order by runs.kind = 'branch', runs.id limit 2",
            [id_or_prefix, id_or_prefix + "\U0010ffff"],
        )
    )
    if not rows or not id_or_prefix:
        raise NotFoundError(f"there is no run {id_or_prefix!r}: `workbench show runs` lists them")
    # A run's branches begin with its id: they don't make its own beginning ambiguous.
    alike = len(rows) > 1 and (rows[0]["kind"] == "branch") == (rows[1]["kind"] == "branch")
    if alike and rows[0]["run"] != id_or_prefix:
        raise NotFoundError(f"several runs begin with {id_or_prefix!r}: give more of the id")
    return rows[0]


def find_scored(db: Database, id_or_prefix: str | None = None) -> Row:
    """Return one run as `find_run` does, for what its responses are asked for.

    Raises:
        NotFoundError: there is none, or several.
        OtherRunError: it judges the responses of another run, and has none of its own.
    """
    run = find_run(db, id_or_prefix)
    if run["kind"] == "judge":
        judged = json.loads(run["experiment"])["run"]
        raise OtherRunError(
            f"run {run['run']} judges the responses of run {judged}: ask for that one, its verdicts stand there"
        )
    return run


def score_rows(db: Database, run: str, scenario: str | None = None) -> Iterator[Row]:
    """Stream the verdicts of a run (or of one scenario in it), a row per unit and judge, failed ones included."""
    for row in db.query(_SCORES, {"run": run, "scenario": scenario}):
        full, partial = row.pop("full"), row.pop("partial")
        row["given"] = None if full is None else (full | partial).bit_count()
        row["neighbours"] = None if row["neighbours"] is None else len(json.loads(row["neighbours"]))
        for flag in ("failed", "crisis", "leaky"):
            row[flag] = bool(row[flag])
        yield row


def unit_rows(db: Database, run: str, *, state: str | None = None) -> Iterator[Row]:
    """Stream the units of a run, all or those in one state."""
    where, values = ("and state = ?", [run, state]) if state else ("", [run])
    yield from db.query(
        "select id as unit, run, kind, scenario as scenario_id, model, arm, state, error, seconds, finished_at "  # noqa: S608
        f"from units where run = ? {where} order by id",
        values,
    )


def failure_rows(db: Database, run: str) -> Iterator[Row]:
    """Stream what failed in a run, with its reason: units of its own, or judgements of another run's responses."""
    yield from unit_rows(db, run, state="failed")
    yield from db.query(
        "select units.id as unit, verdicts.judging as run, kind, scenario as scenario_id, model, arm, "
        "'failed' as state, verdicts.error as error, null as seconds, null as finished_at "
        "from verdicts join units on units.id = verdicts.unit "
        "where verdicts.judging = ? and verdicts.score is null order by units.id",
        [run],
    )


def search_rows(db: Database, run: str) -> Iterator[Row]:
    """Stream the finished searches of a run, without their traces."""
    for row in db.query(
        "select units.run as run, units.id as unit, units.scenario as scenario_id, scenarios.domain, scenarios.query, "
        "scenarios.profile_id, units.model, runs.world, searches.planner, searches.rule, searches.judge, "
        "searches.depth, searches.rollouts, searches.failed_rollouts, searches.evaluations, searches.rankings, "
        "searches.best_mask, searches.best_path, searches.best_q, searches.best_visits, "
        "length(searches.trace) as trace_bytes, units.seconds, units.finished_at "
        "from searches join units on units.id = searches.unit join runs on runs.id = units.run "
        "join scenarios on scenarios.id = units.scenario "
        "where units.run = ? and units.state = 'done' order by units.id",
        [run],
    ):
        row["best_path"] = [NAMES[i] for i in json.loads(row["best_path"])]
        yield row


def search_trace(db: Database, unit: int) -> Trace:
    """Read the trace of a search, finished or under way.

    Raises:
        NotFoundError: the unit has no search.
    """
    row = db.conn.execute("select trace from searches where unit = ?", [unit]).fetchone()
    if row is None:
        raise NotFoundError(f"unit {unit} has no search: `workbench show searches` lists those of a run")
    return unpack(row[0])


def dialogue_rows(db: Database, run: str, scenario: str | None = None) -> Iterator[Row]:
    """Stream the dialogues of a run, or of one scenario in it, with their turns and what was answered at the end."""
    for row in db.query(
        "select units.run as run, units.id as unit, units.scenario as scenario_id, scenarios.domain, scenarios.query, "
        "units.model, units.arm, units.state, runs.world, crisis, questions, ending, completeness, threshold, persona, "
        "neighbours, dialogues.library, leaky, invalid, dialogues.score, responses.full, responses.partial, "
        "responses.text as response "
        "from dialogues join units on units.id = dialogues.unit join runs on runs.id = units.run "
        "join scenarios on scenarios.id = units.scenario left join responses on responses.unit = units.id "
        "where units.run = :run and (:scenario is null or units.scenario = :scenario) order by units.id",
        {"run": run, "scenario": scenario},
    ):
        yield _dialogue(db, row)


def response_rows(db: Database, run: str) -> Iterator[Row]:
    """Stream the responses of a run, with the names of the attributes that each was given."""
    for row in db.query(
        "select units.run as run, units.id as unit, units.scenario as scenario_id, scenarios.domain, scenarios.query, "
        "units.model, units.arm, runs.world, responses.style, responses.full, responses.partial, "
        "responses.score as true_score, responses.text, units.finished_at "
        "from responses join units on units.id = responses.unit join runs on runs.id = units.run "
        "join scenarios on scenarios.id = units.scenario where units.run = ? order by units.id",
        [run],
    ):
        yield _with_given(row)


def find_unit(
    db: Database, run: str, scenario: str, *, kind: str, arm: str | None = None, model: str | None = None
) -> Row:
    """Return the unit of a run for one scenario, the first in the run's order where arm or model is left open.

    Raises:
        NotFoundError: the run has no such unit.
    """
    rows = [
        row
        for row in db.query(
            "select * from units where run = ? and scenario = ? and kind = ? order by id",
            [run, scenario, kind],
        )
        if arm in (None, row["arm"]) and model in (None, row["model"])
    ]
    if not rows:
        wanted = " ".join(word for word in (kind, arm, model) if word)
        raise NotFoundError(f"run {run} has no {wanted} of scenario {scenario}; `workbench show runs` lists other runs")
    return rows[0]


def find_unit_by_id(db: Database, unit: int) -> Row:
    """Return a unit by its number.

    Raises:
        NotFoundError: there is none.
    """
    rows = list(
        db.query(
            "select units.id as unit, run, units.kind, scenario as scenario_id, model, arm, units.state, units.error, "
            "seconds, units.finished_at, runs.world from units join runs on runs.id = run where units.id = ?",
            [unit],
        )
    )
    if not rows:
        raise NotFoundError(f"there is no unit {unit}: `workbench show units` lists those of a run")
    return rows[0]


def library_rows(db: Database, library: str) -> list[Row]:
    """Read an imported path library, in its own order.

    Raises:
        NotFoundError: there is none of that id (or beginning of an id).
    """
    found = list(
        db.query("select * from libraries where id >= ? and id < ? limit 2", [library, library + "\U0010ffff"])
    )
    if len(found) != 1 or not library:
        raise NotFoundError(f"there is no path library {library!r}: `workbench show libraries` lists them")
    rows = list(db.query("select * from library_entries where library = ? order by position", [found[0]["id"]]))
    for row in rows:
        row["path"] = tuple(json.loads(row["path"]))
        row["published"] = bool(found[0]["published"])
    return rows


def list_libraries(db: Database) -> list[Row]:
    """List the imported path libraries with their numbers of entries."""
    return list(
        db.query(
            "select libraries.id as library, name, published, created_at, count(position) as entries "
            "from libraries left join library_entries on library = libraries.id group by libraries.id "
            "order by libraries.rowid"
        )
    )


def _dialogue(db: Database, row: Row) -> Row:
    row["neighbours"] = json.loads(row["neighbours"] or "[]")
    row["invalid"] = json.loads(row["invalid"] or "[]")
    row["crisis"], row["leaky"] = bool(row["crisis"]), bool(row["leaky"])
    row["turns"] = [
        {**turn, "attribute": NAMES[turn["attribute"]]}
        for turn in db.query(
            "select step, completeness, attribute, question, reason, chosen_by, status, reply, known, truth, score, "
            "said_by from turns where unit = ? order by step",
            [row["unit"]],
        )
    ]
    for neighbour in row["neighbours"]:
        neighbour["path"] = [NAMES[i] for i in neighbour["path"]]
    return _with_given(row)


def _with_given(row: Row) -> Row:
    full, partial = row.pop("full"), row.pop("partial")
    # null where an imported file does not say what the response was given
    row["given"] = None if full is None else [NAMES[i] for i in members(full | partial)]
    row["given_partially"] = None if partial is None else [NAMES[i] for i in members(partial)]
    return row
