"""Reading what the scenarios screen shows."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from storage.errors import NotFoundError
from storage.notes import annotations
from storage.scenariopages import (
    Key,
    Overview,
    ScenarioFilter,
    ScenarioRow,
    ids_of,
    key_of,
    matching,
    overview,
    page,
    scenario_results,
)
from storage.scenarios import find_scenario
from workbench.app.state.scenarios.scenario import ScenarioDetail
from workbench.app.state.scenarios.scenarios import EVERYTHING, Window, around

if TYPE_CHECKING:
    from storage.sqlite import Database


class Found(NamedTuple):
    """What one reading of the list found.

    Fields:
        key: of what a link names. cleared: the filters hid that, and are to go. missing: why it was not found.
    """

    keys: list[Key]
    key: Key | None
    rows: list[ScenarioRow]
    overview: Overview
    cleared: bool
    missing: str | None


def read_list(
    filtered: ScenarioFilter,
    place: Callable[[Sequence[Key], Key | None], int],
    window: Window,
    wanted: str | None,
    db: "Database",
) -> Found:
    """Find what fits a filter, and read the rows around the cursor.

    Args:
        place: returns where the cursor belongs in some keys, on the given one if it is among them.
        wanted: what a link names, the beginning of an id; it is shown whatever the filter lets pass.
    """
    keys, key, cleared, missing = matching(db, filtered), None, False, None
    if wanted is not None:
        try:
            key = key_of(db, find_scenario(db, wanted).id)
        except NotFoundError as error:
            missing = str(error)
        else:
            if key not in keys:
                keys, cleared = matching(db, EVERYTHING), True
    first = max(0, place(keys, key) - window.height // 2)
    rows = page(db, around(keys, Window(first, window.height)))
    return Found(keys, key, rows, overview(db), cleared, missing)


def read_detail(key: Key, db: "Database") -> ScenarioDetail | None:
    """Read one scenario in full; None where it has gone."""
    found = ids_of(db, [key])
    if not found:
        return None
    ((scenario, _),) = found
    return ScenarioDetail(
        find_scenario(db, scenario),
        tuple(scenario_results(db, scenario)),
        annotations(db, f"scenario/{scenario}"),
    )
