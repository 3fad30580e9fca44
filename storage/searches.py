"""Reading searches one by one, those under way included: what the Search screen shows and offers."""

from typing import Any

from planner.trace import Trace, unpack
from storage.errors import NotFoundError
from storage.sqlite import Database

Row = dict[str, Any]

_FIELDS = """
select units.id as unit, units.run as run, units.scenario as scenario_id, units.model as model, units.state as state,
  units.error as error, units.finished_at as finished_at, runs.world as world, runs.kind as kind, runs.seed as seed,
  runs.created_at as created_at, runs.state = 'running' and runs.paused as paused, runs.held as held,
  runs.breakpoints as breakpoints,
  scenarios.domain as domain, scenarios.query as query,
  coalesce(searches.planner, units.arm) as planner, searches.rule as rule, searches.judge as judge,
  searches.depth as depth, searches.rollouts as rollouts, searches.best_q as best_q, searches.best_path as best_path
"""
_TABLES = """
from units join runs on runs.id = units.run join scenarios on scenarios.id = units.scenario
"""


def search_row(db: Database, unit: int) -> Row:
    """Return what is known of a search besides its trace. Until it is finished judge, rule and figures are None.

    Raises:
        NotFoundError: there is no such search.
    """
    of_unit = "left join searches on searches.unit = units.id where units.id = ? and units.kind = 'search'"
    query = f"{_FIELDS}{_TABLES}{of_unit}"
    for row in db.query(query, [unit]):
        return row
    raise NotFoundError(f"there is no search {unit}: `workbench show searches` lists those of a run")


def first_search(db: Database, run: str) -> int | None:
    """Return the first search of a run, None if it has none."""
    row = db.conn.execute("select min(id) from units where run = ? and kind = 'search'", [run]).fetchone()
    return None if row is None else row[0]


def latest_searches(db: Database, limit: int, *, scenario: str | None = None) -> list[Row]:
    """List searches that can be looked at, finished or under way, latest first; of one scenario, or of all.

    Those of one scenario differ in their settings, so `c` stands in their rows too.
    """
    more, where, values = "", "", []
    if scenario is not None:
        more, where, values = ", runs.experiment ->> '$.planner.c' as c", "where units.scenario = ? ", [scenario]
    return list(
        db.query(
            f"{_FIELDS}{more}{_TABLES}join searches on searches.unit = units.id {where}order by units.id desc limit ?",
            [*values, limit],
        )
    )


def trace_if_new(db: Database, unit: int, seen: int | None) -> tuple[Trace, int] | None:
    """Read the trace of a search, with a number that changes when it grows; None if there is none, or none newer.

    Args:
        seen: that number when it was last read; None = never.
    """
    row = db.conn.execute("select trace from searches where unit = ?", [unit]).fetchone()
    if row is None:
        return None
    mark = hash(row[0])
    return None if mark == seen else (unpack(row[0]), mark)
