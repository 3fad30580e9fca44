"""Judging stored responses again: what there is to judge, and adding verdicts to what a run found.

A judging is a row of `runs` of the kind `judge`. It has no units: what it does are verdicts of another run's units.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from simulator.world import DIMENSIONS, Draw, Response, Verdict
from storage import runs
from storage.database import transaction
from storage.runs import Owner, RunSpec
from storage.sqlite import Database


class Judged(NamedTuple):
    """A stored response with what belongs to it.

    Fields:
        unit, scenario, model, arm: whose it is.
        response: as it was made.
        labels: the verdicts that it has, failed ones excluded, by label.
    """

    unit: int
    scenario: str
    model: str
    arm: str
    response: Response
    labels: frozenset[str]


def stored_responses(db: Database, run: str) -> Iterator[Judged]:
    """Stream the responses of a run."""
    rows = db.query(
        "select units.id, units.scenario, units.model, units.arm, responses.text, style, full, partial, owner, "
        "purpose, sample, (select group_concat(judge, char(31)) from verdicts where verdicts.unit = units.id "
        "and verdicts.score is not null) as labels "
        "from responses join units on units.id = responses.unit where units.run = ? order by units.id",
        [run],
    )
    for row in rows:
        # What an imported response was given is not known; a world that reads only its text can judge it all the same.
        draw = Draw(row["owner"] or row["arm"], row["purpose"] or "final", row["sample"] or 0)
        response = Response(row["text"], row["style"] or "plain", row["full"] or 0, row["partial"] or 0, draw)
        labels = frozenset((row["labels"] or "").split("\x1f")) - {""}
        yield Judged(row["id"], row["scenario"], row["model"], row["arm"], response, labels)


def next_round(judge: str, responses: Sequence[Judged]) -> int:
    """Return which round a judge's next verdicts are, from 0: the first in which some response has none yet.

    So failed judgements are tried again, and what was cut off is taken up.
    """
    number = 0
    while all(label(judge, number) in judged.labels for judged in responses):
        number += 1
    return number


def label(judge: str, number: int) -> str:
    """Return under which label the verdicts of a round stand: `judge`, and after the first `judge#2`, `judge#3` …"""
    return judge if number == 0 else f"{judge}#{number + 1}"


class Unfinished(NamedTuple):
    """A judging that has not come to its end.

    Fields:
        run: its own id. experiment: what it is about. state, owner, heartbeat: as its process wrote them last.
    """

    run: str
    experiment: dict[str, Any]
    state: str
    owner: Owner
    heartbeat: float


def unfinished_judgings(db: Database, run: str) -> list[Unfinished]:
    """List the judgings of a run's responses that have not come to their end, the newest first."""
    rows = db.conn.execute(
        "select id, experiment, state, owner_host, owner_pid, owner_started, heartbeat from runs "
        "where kind = 'judge' and state <> 'done' and json_extract(experiment, '$.run') = ? order by rowid desc",
        [run],
    )
    return [
        Unfinished(id_, json.loads(experiment), state, Owner(*owner), beat or 0.0)
        for id_, experiment, state, *owner, beat in rows
    ]


def claim_judging(
    db: Database,
    spec: RunSpec,
    left: int,
    owner: Owner,
    *,
    is_alive: Callable[[Owner, float], bool],
    log: str | None = None,
) -> str:
    """Begin a judging, or take up one that was cut off or left something out; return its id.

    Args:
        left: judgements still to be made. is_alive, log: as in `storage.runs.claim`.

    Raises:
        OwnedError: a live process works on it.
    """
    with transaction(db):
        db.conn.execute("update runs set state = 'interrupted' where identity = ? and state = 'done'", [spec.identity])
    run = runs.claim(db, spec, (), owner, is_alive=is_alive, log=log).run
    with transaction(db):
        # Failures that are tried again stay failures of their responses until then, but are to do for this judging.
        db.conn.execute("update verdicts set judging = null where judging = ? and score is null", [run])
        done, _ = judged(db, run)
        db.conn.execute(
            "update runs set experiment = json_set(experiment, '$.items', ?) where id = ?", [done + left, run]
        )
    return run


def judged(db: Database, judging: str) -> tuple[int, int]:
    """Count what a judging has done: verdicts, and judgements that failed."""
    counts = "select count(score), sum(score is null) from verdicts where judging = ?"
    verdicts, failed = db.conn.execute(counts, [judging]).fetchone()
    return verdicts, failed or 0


def add_verdict(
    db: Database, judging: str, unit: int, label: str, verdict: Verdict | None, error: str | None = None
) -> None:
    """Write a judging's verdict, or its failure, beside those that the response has; other labels stay as they are."""
    values: list[object]
    if verdict is None:
        values = [None, None, None, None, None, 0, None, error]
    else:
        values = [*verdict.dimensions, verdict.score, verdict.repeats, verdict.valid, verdict.rationale, None]
    columns = ["unit", "judge", *DIMENSIONS, "score", "repeats", "valid", "rationale", "error", "judging"]
    marks = ", ".join("?" * len(columns))
    db.conn.execute(
        f"insert or replace into verdicts ({', '.join(columns)}) values ({marks})",  # noqa: S608 - names from above
        [unit, label, *values, judging],
    )
    # A judgement of the run that failed then and succeeded now mends its unit; a failed one here never spoils a unit.
    db.conn.execute(
        "update units set state = 'done', error = null where id = ? and state = 'failed' "
        "and not exists (select 1 from verdicts where unit = units.id and score is null)",
        [unit],
    )
