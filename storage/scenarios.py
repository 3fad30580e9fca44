"""Scenarios in the database: adding, finding, listing."""

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from simulator.domains import UNKNOWN_DOMAIN
from simulator.scenario import Profile, Scenario
from storage.database import transaction
from storage.errors import NotFoundError

if TYPE_CHECKING:
    from storage.sqlite import Database

_BATCH = 500


class Added(NamedTuple):
    """How many scenarios were new, and how many were there already (same profile and query)."""

    new: int
    duplicates: int


def add_scenarios(db: "Database", scenarios: Iterable[Scenario], *, collected: bool = True) -> Added:
    """Store scenarios in batches; one that is there already stays as it is and counts as a duplicate.

    Args:
        collected: they were imported or built to be used from now on. A run that brings its own along says False, so
            that they don't become what the next run is about; one of those that is then collected counts as new.

    Only a domain that was unknown is filled in, so that an import can be repeated with a domain map.

    Raises:
        sqlite3.Error: the database could not be written; batches before stay.
    """
    new = total = 0
    rest = iter(scenarios)
    while batch := list(islice(rest, _BATCH)):
        with transaction(db):
            new += insert_scenarios(db, batch, collected=collected)
        total += len(batch)
    return Added(new, total - new)


def insert_scenarios(db: "Database", scenarios: Sequence[Scenario], *, collected: bool = True) -> int:
    """Do for one batch, inside a transaction, what `add_scenarios` does; return how many were new."""
    before = db.conn.total_changes
    db.conn.executemany(
        "insert into scenarios values (?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict do update set collected = 1 "
        "where excluded.collected and not collected",
        ((*_row(scenario), int(collected)) for scenario in scenarios),
    )
    new = db.conn.total_changes - before
    db.conn.executemany(
        "update scenarios set domain = ? where id = ? and domain = ?",
        ((s.domain, s.id, UNKNOWN_DOMAIN) for s in scenarios if s.domain != UNKNOWN_DOMAIN),
    )
    return new


def list_scenarios(
    db: "Database",
    *,
    domains: Sequence[str] = (),
    source: str | None = None,
    search: str | None = None,
    collected: bool = False,
    limit: int = 0,
) -> Iterator[Scenario]:
    """Stream scenarios in the order they were added; empty filters let everything pass, limit 0 means all.

    Args:
        collected: leave out those that only runs brought along.
    """
    where, values = ["collected" if collected else "1"], list[Any]()
    if domains:
        where.append(f"domain in ({', '.join('?' * len(domains))})")
        values += domains
    if source is not None:
        where.append("source = ?")
        values.append(source)
    if search:
        where.append("instr(lower(query || ' ' || issue), lower(?)) > 0")
        values.append(search)
    sql = f"select * from scenarios where {' and '.join(where)} order by rowid limit ?"  # noqa: S608 - only markers
    for row in db.query(sql, [*values, limit or -1]):
        yield _scenario(row)


def count_scenarios(db: "Database", *, collected: bool = False) -> int:
    """Count the scenarios in the database, all or the collected ones."""
    where = "where collected" if collected else ""
    return int(db.conn.execute(f"select count(*) from scenarios {where}").fetchone()[0])  # noqa: S608


def find_scenario(db: "Database", id_or_prefix: str) -> Scenario:
    """Return the scenario with this id, or the only one whose id begins so.

    Raises:
        NotFoundError: there is none, or several.
    """
    rows = list(
        db.query(
            "select * from scenarios where id >= ? and id < ? limit 2",
            [id_or_prefix, id_or_prefix + "\U0010ffff"],
        )
    )
    if not rows or not id_or_prefix:
        raise NotFoundError(f"there is no scenario {id_or_prefix!r}: `workbench scenarios list` shows what there is")
    if len(rows) > 1 and rows[0]["id"] != id_or_prefix:
        raise NotFoundError(f"several scenarios begin with {id_or_prefix!r}: give more of the id")
    return _scenario(rows[0])


def scenarios_by_id(db: "Database", ids: Sequence[str]) -> dict[str, Scenario]:
    """Read many scenarios at once; ids that are not there are left out."""
    found: dict[str, Scenario] = {}
    for start in range(0, len(ids), _BATCH):
        part = ids[start : start + _BATCH]
        sql = f"select * from scenarios where id in ({', '.join('?' * len(part))})"  # noqa: S608 - only markers
        found.update((row["id"], _scenario(row)) for row in db.query(sql, list(part)))
    return found


def _row(scenario: Scenario) -> tuple[object, ...]:
    return (
        scenario.id,
        scenario.query,
        scenario.domain,
        scenario.issue,
        scenario.source,
        scenario.profile.id,
        json.dumps(scenario.profile.to_mapping(), ensure_ascii=False),
        scenario.profile.known,
    )


def _scenario(row: dict[str, Any]) -> Scenario:
    return Scenario(
        query=row["query"],
        profile=Profile.from_mapping(json.loads(row["profile"])),
        domain=row["domain"],
        issue=row["issue"],
        source=row["source"],
    )
