"""Judging stored responses again: what there is to judge, and adding verdicts to what a run found."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from simulator.world import DIMENSIONS, Draw, Response, Verdict
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


def next_label(judge: str, responses: Sequence[Judged]) -> tuple[str, int]:
    """Return under which label a judge's next verdicts stand, and which round that is, from 0.

    The first round in which some response has no verdict yet: so failed judgements are tried again, and what was cut
    off is taken up. Rounds after the first are `judge#2`, `judge#3` …
    """
    number = 0
    while True:
        label = judge if number == 0 else f"{judge}#{number + 1}"
        if any(label not in judged.labels for judged in responses):
            return label, number
        number += 1


def add_verdict(db: Database, unit: int, label: str, verdict: Verdict | None, error: str | None = None) -> None:
    """Write a verdict, or its failure, beside those that the response has; other labels stay as they are."""
    columns = ["unit", "judge", *DIMENSIONS, "score", "repeats", "valid", "rationale", "error"]
    values: list[object]
    if verdict is None:
        values = [unit, label, None, None, None, None, None, 0, None, error]
    else:
        values = [
            unit,
            label,
            *verdict.dimensions,
            verdict.score,
            verdict.repeats,
            verdict.valid,
            verdict.rationale,
            None,
        ]
    marks = ", ".join("?" * len(columns))
    db.conn.execute(f"insert or replace into verdicts ({', '.join(columns)}) values ({marks})", values)  # noqa: S608
    # A judgement of the run that failed then and succeeded now mends its unit; a failed one here never spoils a unit.
    db.conn.execute(
        "update units set state = 'done', error = null where id = ? and state = 'failed' "
        "and not exists (select 1 from verdicts where unit = units.id and score is null)",
        [unit],
    )
