"""Runs written into a database, to have many of them."""

from pathlib import Path

from storage.database import open_writable, transaction
from storage.sqlite import Database


def add_copies(path: Path, copies: int) -> None:
    """Write so many more finished runs like the first one of a database, its trials and figures among them."""
    db = open_writable(path)
    try:
        with transaction(db):
            for number in range(copies):
                _copy(db, f"{number:08x}")
    finally:
        db.conn.close()


def _copy(db: Database, name: str) -> None:
    run = next(db.query("select * from runs order by rowid limit 1"))
    db.table("runs").insert(run | {"id": name, "identity": name})
    units = list(db.query("select * from units where run = ? order by id limit 40", [run["id"]]))
    db.table("units").insert_all({**unit, "id": None, "run": name} for unit in units)
