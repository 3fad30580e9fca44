"""What units of earlier runs took: seconds, calls and tokens, for estimates."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from storage.sqlite import Database

RUNS, SEARCHES, TRIALS = 8, 200, 1000
"""The newest runs that are looked at, and the newest units of each: enough for a mean, few enough for a form."""

_AT_ONCE = 500
"""Units looked up in one statement; SQLite limits the number of its parameters."""


class UnitCost(NamedTuple):
    """What one finished unit took.

    Fields:
        run, world, kind, arm, model: whose it is.
        rollouts, judgements: of its run: rollouts a search, and judgements (judges x repeats) a response.
        seconds: that it took. finished: when, in seconds since the epoch.
        roles: role -> calls, prompt tokens, cached ones of them, completion tokens; what the response cache answered
            counts as if a server had.
    """

    run: str
    world: str
    kind: str
    arm: str
    model: str
    rollouts: int
    judgements: int
    seconds: float
    finished: float
    roles: Mapping[str, tuple[int, int, int, int]]


def unit_costs(db: Database) -> Iterator[UnitCost]:
    """Stream what the newest finished units of the newest runs took, the newest run first."""
    runs = db.conn.execute(
        "select id, world, coalesce(json_extract(experiment, '$.planner.rollouts'), 0), "
        "max(1, coalesce(json_array_length(experiment, '$.judges'), 1)) "
        "* coalesce(json_extract(experiment, '$.repeats'), 1) "
        "from runs where kind in ('run', 'plan') and world is not null order by rowid desc limit ?",
        [RUNS],
    ).fetchall()
    for run, world, rollouts, judgements in runs:
        for kind, most in (("search", SEARCHES), ("trial", TRIALS)):
            units = db.conn.execute(
                "select id, arm, model, seconds, (julianday(finished_at) - 2440587.5) * 86400.0 from units "
                "where run = ? and kind = ? and state = 'done' and seconds is not null order by id desc limit ?",
                [run, kind, most],
            ).fetchall()
            roles = _roles(db, run, [unit for unit, *_ in units])
            for unit, arm, model, seconds, finished in units:
                yield UnitCost(
                    run, world, kind, arm, model, rollouts, judgements, seconds, finished, roles.get(unit, {})
                )


def _roles(db: Database, run: str, units: list[int]) -> dict[int, dict[str, tuple[int, int, int, int]]]:
    found: dict[int, dict[str, tuple[int, int, int, int]]] = {}
    for start in range(0, len(units), _AT_ONCE):
        part = units[start : start + _AT_ONCE]
        for unit, role, *sums in db.conn.execute(
            # The + keeps SQLite from the index on runs, by which it would read every call of a run for some units.
            "select unit, role, count(*), sum(prompt_tokens), sum(cached_tokens), sum(completion_tokens) from calls "  # noqa: S608 - only markers
            f"where unit in ({', '.join('?' * len(part))}) and +run = ? group by unit, role",
            [*part, run],
        ):
            found.setdefault(unit, {})[role] = (sums[0], sums[1] or 0, sums[2] or 0, sums[3] or 0)
    return found
