"""Ratings by people: given blind in the app, or imported from a file.

What writes expects to be called inside `storage.database.transaction`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from simulator.world import DIMENSIONS, HUMAN
from storage.readers import score_rows
from storage.runs import now
from storage.sqlite import Database


@dataclass(frozen=True, slots=True)
class Rating:
    """One person's view of the response of a trial.

    Fields:
        unit: the trial. rater: who, as they called themselves.
        dimensions: `[3]`, 1-5 each, in the order of `DIMENSIONS`; None where only a score was given.
        score: 1-5, the mean of the dimensions where there are some.
        source: `app`, or the name of the file it came from.
    """

    unit: int
    rater: str
    dimensions: tuple[float, float, float] | None
    score: float
    comment: str = ""
    source: str = "app"


def save_rating(db: Database, rating: Rating) -> None:
    """Store a rating; the same rater's earlier one of the same response is replaced.

    Raises:
        ValueError: a value is not within 1-5, or the rater has no name.
    """
    if not rating.rater.strip():
        raise ValueError("a rating needs its rater's name")
    for value in (*(rating.dimensions or ()), rating.score):
        if not 1 <= value <= 5:
            raise ValueError(f"a rating is 1 to 5, not {value:g}")
    db.conn.execute(
        f"insert or replace into human_ratings (unit, rater, {', '.join(DIMENSIONS)}, score, comment, source, at) "  # noqa: S608
        "values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            rating.unit,
            rating.rater.strip(),
            *(rating.dimensions or (None, None, None)),
            rating.score,
            rating.comment,
            rating.source,
            now(),
        ],
    )


def judged_rows(db: Database, run: str) -> Iterator[dict[str, Any]]:
    """Stream what models and people say of a run's responses: the rows of `score_rows`, then people's in their form.

    A person's row has the judge `human:NAME` and lacks what only verdicts have (questions, repeats, true scores ...).
    """
    yield from score_rows(db, run)
    for row in rating_rows(db, run):
        yield {**row, "judge": HUMAN + row["rater"], "failed": False}


def rating_rows(db: Database, run: str, rater: str | None = None) -> list[dict[str, Any]]:
    """List the ratings of a run's responses, a row each, by all raters or one, with scenario and trial."""
    return list(
        db.query(
            "select units.run as run, unit, units.scenario as scenario_id, scenarios.domain as domain, "  # noqa: S608
            "scenarios.profile_id as profile_id, runs.world as world, units.model as model, units.arm as arm, "
            f"rater, {', '.join(DIMENSIONS)}, score, comment, human_ratings.source as source, at "
            "from human_ratings join units on units.id = unit join scenarios on scenarios.id = units.scenario "
            "join runs on runs.id = units.run where units.run = :run "
            "and (:rater is null or rater = :rater) order by unit, rater",
            {"run": run, "rater": rater},
        )
    )


def rating_order(db: Database, run: str) -> dict[str, dict[int, int]]:
    """Return in which order people rated a run's responses in the app: `human:NAME` -> unit -> place, from 0.

    Ratings out of a file came all at once, and have none.
    """
    orders: dict[str, dict[int, int]] = {}
    for rater, unit in db.conn.execute(
        "select rater, unit from human_ratings join units on units.id = unit "
        "where units.run = ? and human_ratings.source = 'app' order by at, unit",
        [run],
    ):
        order = orders.setdefault(HUMAN + rater, {})
        order[unit] = len(order)
    return orders
