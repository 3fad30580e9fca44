"""Workers, their supervisors and their figures in the database.

What writes expects to be called inside `storage.database.transaction`. No key of a worker is ever written.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from storage.runs import OwnedError, Owner, now
from storage.sqlite import Database

IsAlive = Callable[[Owner, float], bool]
"""Tells from an owner and its last heartbeat (seconds since the epoch) whether it still works."""

METRICS_KEPT_SECONDS = 3600.0
"""Figures older than this are dropped; the views draw minutes."""

_LIVE = ("starting", "ready", "draining", "restarting")


def claim_supervisor(db: Database, supervisor: str, kind: str, owner: Owner, is_alive: IsAlive) -> list[dict[str, Any]]:
    """Register a supervisor and return the workers of dead ones, whose processes may still run.

    Raises:
        OwnedError: a live process supervises this database's detached workers already.
    """
    rows = _supervisors(db)
    living = {row["id"] for row in rows if row["state"] == "running" and is_alive(_owner(row), row["heartbeat"])}
    if kind == "detached":
        for row in rows:
            if row["id"] in living and row["kind"] == "detached":
                raise OwnedError(
                    f"process {row['owner_pid']} on {row['owner_host']} supervises this database's workers already: "
                    "`workbench workers status` shows them, `workbench workers stop` stops them"
                )
    _insert(
        db,
        "supervisors",
        {
            "id": supervisor,
            "kind": kind,
            "state": "running",
            **_owner_columns(owner),
            "heartbeat": time.time(),
            "created_at": now(),
        },
    )
    return abandoned(db, is_alive, except_for=supervisor)


def abandoned(db: Database, is_alive: IsAlive, except_for: str = "") -> list[dict[str, Any]]:
    """Return the workers whose supervisor ended or died, with `owner_host`; their rows may go once none runs."""
    gone = {
        row["id"]: row["owner_host"]
        for row in _supervisors(db)
        if row["id"] != except_for and not (row["state"] == "running" and is_alive(_owner(row), row["heartbeat"]))
    }
    return [
        row | {"owner_host": gone[row["supervisor"]]}
        for row in db.query("select * from workers order by rowid")
        if row["supervisor"] in gone
    ]


def forget_workers(db: Database, workers: Iterable[str]) -> None:
    """Drop workers that nobody supervises, with their figures; and supervisors that have none left."""
    for worker in workers:
        db.conn.execute("delete from worker_metrics where worker = ?", [worker])
        db.conn.execute("delete from workers where id = ?", [worker])
    db.conn.execute(
        "delete from supervisors where state = 'ended' "
        "and not exists (select 1 from workers where supervisor = supervisors.id)"
    )


def beat_supervisor(db: Database, supervisor: str) -> None:
    """Say that a supervisor is alive."""
    db.conn.execute("update supervisors set heartbeat = ? where id = ?", [time.time(), supervisor])


def end_supervisor(db: Database, supervisor: str) -> None:
    """Say that a supervisor has stopped its workers and is through."""
    db.conn.execute("update supervisors set state = 'ended' where id = ?", [supervisor])


def live_supervisor(db: Database, is_alive: IsAlive) -> Owner | None:
    """Return the owner of the detached workers, if there is one alive."""
    for row in _supervisors(db):
        owner = _owner(row)
        if row["kind"] == "detached" and row["state"] == "running" and is_alive(owner, row["heartbeat"]):
            return owner
    return None


def free_names(db: Database, base: str, count: int) -> list[str]:
    """Return names for new workers, `base-1` and on, that no worker of this database has."""
    taken = {row[0] for row in db.conn.execute("select name from workers")}
    names: list[str] = []
    number = 1
    while len(names) < count:
        if f"{base}-{number}" not in taken:
            names.append(f"{base}-{number}")
        number += 1
    return names


def add_worker(db: Database, row: Mapping[str, Any]) -> None:
    """Register a worker, before anything of it runs; `row` has the columns of the table."""
    _insert(db, "workers", row)


def save_worker(db: Database, worker: str, changes: Mapping[str, Any]) -> None:
    """Write what changed of a worker."""
    names = ", ".join(f"{name} = ?" for name in changes)
    db.conn.execute(f"update workers set {names} where id = ?", [*changes.values(), worker])  # noqa: S608 - our columns


def add_metrics(db: Database, row: Mapping[str, Any]) -> None:
    """Write a worker's figures of one moment, and drop those that are too old; `row` has the columns of the table."""
    _insert(db, "worker_metrics", row)
    db.conn.execute(
        "delete from worker_metrics where worker = ? and at < ?", [row["worker"], row["at"] - METRICS_KEPT_SECONDS]
    )


def list_workers(db: Database, is_alive: IsAlive) -> list[dict[str, Any]]:
    """Return every worker with its latest figures, in the order they were added.

    A worker whose supervisor died is `dead`, whatever its row says: nobody watches what may be left of it.
    """
    rows = list(
        db.query(
            "select workers.*, at, running, waiting, cache, tokens_per_s, prompt_tokens_per_s, prefix_hits, "
            "gpu_memory_used, gpu_memory_total, gpu_use, kind, supervisors.state as supervised, owner_host, "
            "owner_pid, owner_started, heartbeat from workers join supervisors on supervisors.id = supervisor "
            "left join worker_metrics on worker = workers.id "
            "and at = (select max(at) from worker_metrics where worker = workers.id) order by workers.rowid"
        )
    )
    for row in rows:
        owner, heartbeat = _owner(row), row.pop("heartbeat")
        for name in _owner_columns(owner):
            del row[name]
        if row.pop("supervised") == "running" and not is_alive(owner, heartbeat) and row["state"] in _LIVE:
            row["state"] = "dead"
            row["reason"] = "its supervisor is gone: `workbench workers stop` ends what is left of it"
        if row["state"] not in ("ready", "draining"):  # the last figures were another state's
            row |= dict.fromkeys(("running", "waiting", "cache", "tokens_per_s", "prompt_tokens_per_s"))
    return rows


def recent_metrics(db: Database, worker: str, seconds: float) -> list[dict[str, Any]]:
    """Return a worker's figures of the last so many seconds, oldest first."""
    wanted = [worker, time.time() - seconds]
    return list(db.query("select * from worker_metrics where worker = ? and at >= ? order by at", wanted))


def _supervisors(db: Database) -> list[dict[str, Any]]:
    return list(db.query("select * from supervisors order by rowid"))


def _owner(row: Mapping[str, Any]) -> Owner:
    return Owner(row["owner_host"], row["owner_pid"], row["owner_started"])


def _owner_columns(owner: Owner) -> dict[str, Any]:
    return {"owner_host": owner.host, "owner_pid": owner.pid, "owner_started": owner.started}


def _insert(db: Database, table: str, row: Mapping[str, Any]) -> None:
    names, marks = ", ".join(row), ", ".join("?" * len(row))
    db.conn.execute(f"insert or replace into {table} ({names}) values ({marks})", list(row.values()))  # noqa: S608
