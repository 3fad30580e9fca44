"""Responses to read for what they say of the person: their text, what they were given, what was said and planned."""

import json
from typing import NamedTuple

from storage.sqlite import Database


class MentionRow(NamedTuple):
    """A response.

    Fields:
        given: mask of the attributes it was made from, None where an imported file does not say.
        told: the replies of its dialogue.
    """

    unit: int
    scenario_id: str
    domain: str
    model: str
    arm: str
    text: str
    given: int | None
    told: str


def responses_to_read(db: Database, run: str) -> list[MentionRow]:
    """List the responses of a run that have a text, in the order of units."""
    found = db.conn.execute(
        "select units.id, scenario, scenarios.domain, model, arm, text, full | partial, "
        "coalesce((select group_concat(reply, char(10)) from turns where turns.unit = units.id), '') "
        "from responses join units on units.id = responses.unit join scenarios on scenarios.id = scenario "
        "where run = ? and text is not null order by units.id",
        [run],
    )
    return [MentionRow(*row) for row in found]


def planned_masks(db: Database, run: str) -> dict[tuple[str, str], int]:
    """Return the attributes on the path that each finished search of a run planned: (scenario, model) -> mask."""
    found = db.conn.execute(
        "select scenario, model, best_path from searches join units on units.id = unit "
        "where run = ? and state = 'done' order by units.id desc",
        [run],
    )
    return {(scenario, model): sum(1 << i for i in json.loads(path)) for scenario, model, path in found}
