"""What a run found, in the words of the published result files, so that it goes into the authors' scripts.

Those files have no place for model, arm and judge: each function gives the rows of one of them.
"""

import json
from collections.abc import Iterator

from simulator.formats import AgentRow, JudgedRow, PublishedPath, background_text, evaluation_text
from simulator.scenario import Profile
from simulator.world import DIMENSIONS
from storage.sqlite import Database

_TABLES = {"search": "searches", "dialogue": "dialogues", "response": "responses", "verdict": "verdicts"}


def names_in(db: Database, run: str, what: str | None = None) -> dict[str, list[str]]:
    """List the models, arms and judges of a run, in the order in which they first stand there.

    Args:
        what: only of units that have a `search`, `dialogue`, `response` or `verdict`; None = of all units.
    """
    having = f"and id in (select unit from {_TABLES[what]})" if what else ""  # noqa: S608 - names from above
    rows = db.conn.execute(f"select model, arm from units where run = ? {having} order by id", [run])  # noqa: S608
    pairs = dict.fromkeys((model, arm) for model, arm in rows)
    judges = db.conn.execute("select judge from verdicts join units on id = unit where run = ? order by id", [run])
    return {
        "model": list(dict.fromkeys(model for model, _ in pairs)),
        "arm": list(dict.fromkeys(arm for _, arm in pairs)),
        "judge": list(dict.fromkeys(judge for (judge,) in judges)),
    }


def planned_paths(db: Database, run: str, model: str) -> Iterator[PublishedPath]:
    """Stream what the finished searches for a model planned, as rows of a planner index."""
    rows = db.conn.execute(
        "select query, best_path from searches join units on units.id = unit "
        "join scenarios on scenarios.id = scenario where run = ? and model = ? and state = 'done' order by units.id",
        [run, model],
    )
    for index, (query, path) in enumerate(rows):
        yield PublishedPath(query, tuple(json.loads(path)), index)


def asked_paths(db: Database, run: str, model: str, arm: str) -> Iterator[AgentRow]:
    """Stream what was asked about in each dialogue of an arm, refused and unanswered questions included."""
    rows = db.conn.execute(
        "select query, (select json_group_array(attribute) from (select attribute from turns "
        "where turns.unit = dialogues.unit order by step)) from dialogues join units on units.id = dialogues.unit "
        "join scenarios on scenarios.id = scenario where run = ? and model = ? and arm = ? order by units.id",
        [run, model, arm],
    )
    for query, path in rows:
        yield AgentRow(query, tuple(json.loads(path)))


def judged_responses(db: Database, run: str, model: str, arm: str, judge: str) -> Iterator[JudgedRow]:
    """Stream a judge's verdicts on the responses of an arm, failed ones included.

    People are numbered as they come, and so are the queries of each: `Scenario <person>-<query>`. The evaluation ends
    in a line that says which world, model, arm and judge it comes from; that of an imported run is as it was.
    """
    people: dict[str, list[int]] = {}  # profile id -> its number, and how many of its queries have come
    for row in db.query(_JUDGED, [run, model, arm, judge]):
        person = people.setdefault(row["profile_id"], [len(people) + 1, 0])
        person[1] += 1
        risk, empathy, alignment = (row[dimension] for dimension in DIMENSIONS)
        dimensions = None if row["score"] is None else (risk, empathy, alignment)
        if row["kind"] == "import":
            evaluation = evaluation_text(None, row["error"]) if row["score"] is None else row["rationale"]
        else:
            said = (row["error"] if row["score"] is None else row["rationale"]) or ""
            evaluation = evaluation_text(dimensions, f"{said}\n[{row['world']}: {model}, {arm}, judge {judge}]".strip())
        yield JudgedRow(
            label=f"Scenario {person[0]}-{person[1]}",
            background=background_text(Profile.from_mapping(json.loads(row["profile"]))),
            query=row["query"],
            response=row["text"] or "",
            evaluation=evaluation,
            dimensions=dimensions,
            score=row["score"],
            failure=row["error"] or "",
        )


_JUDGED = f"""
select scenarios.profile_id, scenarios.profile, scenarios.query, responses.text, verdicts.rationale, verdicts.error,
  verdicts.score, {", ".join(DIMENSIONS)}, runs.kind, runs.world
from verdicts
join units on units.id = verdicts.unit
join runs on runs.id = units.run
join scenarios on scenarios.id = units.scenario
left join responses on responses.unit = units.id
where units.run = ? and units.model = ? and units.arm = ? and verdicts.judge = ? order by units.id
"""  # noqa: S608 - names of columns
