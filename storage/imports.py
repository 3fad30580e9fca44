"""What others produced: path libraries and results out of published files, kept beside our own.

Nothing is invented: what a file does not say is null. An imported trial has the arm and the judge `imported` and the
model `unknown`; where only the path of a dialogue is known, its turns have an attribute and nothing else, and the
dialogue has no ending. A judged trial has no word on what the response was given or how much was asked.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from simulator.formats import AgentRow, Format, JudgedRow
from simulator.scenario import Scenario, query_key
from simulator.world import DIMENSIONS
from storage.database import transaction
from storage.runs import now
from storage.scenarios import scenarios_by_id
from storage.sqlite import Database

IMPORTED = "imported"
"""The arm, the judge and the world of what was imported: the files name none of them."""

UNKNOWN_MODEL = "unknown"

_SURROGATE = "[surrogate]"
"""How every response of the surrogate begins: it stays a surrogate's, through whichever file it came."""

ResultRow = AgentRow | JudgedRow

Kept = Literal["new", "stored", "other"]
"""new: written now; stored: the very same was there; other: the scenario has another result from this file."""


class QueryIndex:
    """Stored scenarios by the text of their query, case and white space folded: a picture of this moment."""

    def __init__(self, db: Database) -> None:
        self._db = db
        db.conn.create_function("query_key", 1, query_key, deterministic=True)
        db.conn.execute("drop table if exists temp.query_keys")
        db.conn.execute("create temp table query_keys as select query_key(query) as key, id from scenarios")
        db.conn.execute("create index temp.query_keys_key on query_keys (key)")

    def find(self, query: str) -> list[Scenario]:
        """Return every scenario with this query, whoever asks it."""
        rows = self._db.conn.execute("select id from query_keys where key = ? order by id", [query_key(query)])
        return list(scenarios_by_id(self._db, [row[0] for row in rows]).values())


class Entry(NamedTuple):
    """A planned path of a published index.

    Fields:
        query, path: as the file has them, attribute indices in the order to ask.
        scenario: whose query it is, where that is certain: its profile's other scenarios must not retrieve the path.
    """

    query: str
    path: tuple[int, ...]
    scenario: Scenario | None = None


def library_id(entries: Iterable[Entry]) -> str:
    """Return the id of a library: hash of its queries and paths in their order, 16 hexadecimal digits."""
    whole = hashlib.sha256()
    for entry in entries:
        whole.update(json.dumps([entry.query, entry.path], ensure_ascii=False).encode() + b"\n")
    return whole.hexdigest()[:16]


def add_library(db: Database, id_: str, name: str, entries: Iterable[Entry]) -> bool:
    """Store a published library whole; tell whether it is new.

    Of a library that is there already, only entries whose scenario was uncertain are completed.

    Raises:
        sqlite3.Error: the database could not be written; then nothing of it was.
    """
    with transaction(db):
        new = db.conn.execute("insert or ignore into libraries values (?, ?, 1, ?)", [id_, name, now()]).rowcount > 0
        db.conn.executemany(
            "insert into library_entries (library, position, query, path, scenario, profile_id) "
            "values (?, ?, ?, ?, ?, ?) on conflict do update set scenario = excluded.scenario, "
            "profile_id = excluded.profile_id where scenario is null and excluded.scenario is not null",
            (
                (id_, position, entry.query, json.dumps(entry.path), whose and whose.id, whose and whose.profile.id)
                for position, entry in enumerate(entries)
                for whose in (entry.scenario,)
            ),
        )
    return new


@dataclass(frozen=True, slots=True)
class ImportSpec:
    """A file of results that becomes a read-only run.

    Fields:
        identity: SHA-256 of the file: the same file is the same run.
        file: its name; format: what it holds.
    """

    identity: str
    file: str
    format: Format
    code_version: str

    @property
    def run(self) -> str:
        """The id of the run."""
        return f"import-{self.identity[:12]}"


def save_imported(db: Database, spec: ImportSpec, rows: Sequence[tuple[str, ResultRow]]) -> list[Kept]:
    """Write some rows of a file, each with the id of its scenario, in one transaction.

    The run is made with the first rows and counts as interrupted until `finish_import`. What is there is never changed.

    Raises:
        sqlite3.Error: the database could not be written; then none of these rows were.
    """
    with transaction(db):
        _insert(
            db,
            "runs",
            {
                "id": spec.run,
                "identity": spec.identity,
                "kind": "import",
                "state": "interrupted",
                "world": IMPORTED,
                "experiment": json.dumps({"file": spec.file, "format": spec.format}, ensure_ascii=False),
                "settings": "{}",
                "code_version": spec.code_version,
                "created_at": now(),
            },
            "or ignore",
        )
        return [_save(db, spec.run, scenario, row) for scenario, row in rows]


def finish_import(db: Database, spec: ImportSpec) -> None:
    """Say that everything of the file that can be placed is in the run."""
    with transaction(db):
        surrogate = db.conn.execute(
            "select exists (select 1 from responses join units on id = unit where run = ? and instr(text, ?) = 1)",
            [spec.run, _SURROGATE],
        ).fetchone()[0]
        world = f"{IMPORTED} surrogate" if surrogate else IMPORTED
        db.conn.execute(
            "update runs set state = 'done', world = ?, finished_at = ? where id = ?", [world, now(), spec.run]
        )


def _save(db: Database, run: str, scenario: str, row: ResultRow) -> Kept:
    there = db.conn.execute(
        "select id from units where run = ? and kind = 'trial' and scenario = ? and model = ? and arm = ?",
        [run, scenario, UNKNOWN_MODEL, IMPORTED],
    ).fetchone()
    if there:
        return "stored" if _holds(db, there[0], row) else "other"
    failure = row.failure if isinstance(row, JudgedRow) else ""
    unit = _insert(
        db,
        "units",
        {
            "run": run,
            "kind": "trial",
            "scenario": scenario,
            "model": UNKNOWN_MODEL,
            "arm": IMPORTED,
            "state": "failed" if failure else "done",
            "error": f"judge {IMPORTED}: {failure}" if failure else None,
        },
    )
    (_save_judged if isinstance(row, JudgedRow) else _save_path)(db, unit, row)
    return "new"


def _holds(db: Database, unit: int, row: ResultRow) -> bool:
    if isinstance(row, AgentRow):
        turns = db.conn.execute("select attribute from turns where unit = ? order by step", [unit])
        return tuple(turn[0] for turn in turns) == row.path
    stored: tuple[str, str] = db.conn.execute(
        "select text, rationale from responses join verdicts on verdicts.unit = responses.unit "
        "where responses.unit = ?",
        [unit],
    ).fetchone()
    return stored == (row.response, row.evaluation)


def _save_path(db: Database, unit: int, row: Any) -> None:
    _insert(db, "dialogues", {"unit": unit, "questions": len(row.path)})
    for step, attribute in enumerate(row.path):
        _insert(db, "turns", {"unit": unit, "step": step, "attribute": attribute})


def _save_judged(db: Database, unit: int, row: Any) -> None:
    _insert(db, "responses", {"unit": unit, "text": row.response})
    _insert(
        db,
        "verdicts",
        {
            "unit": unit,
            "judge": IMPORTED,
            **(dict(zip(DIMENSIONS, row.dimensions, strict=True)) if row.dimensions else {}),
            "score": row.score,
            "repeats": 1,
            "valid": int(row.score is not None),
            "rationale": row.evaluation,
            "error": row.failure or None,
        },
    )


def _insert(db: Database, table: str, row: dict[str, Any], otherwise: str = "") -> int:
    names, marks = ", ".join(row), ", ".join("?" * len(row))
    sql = f"insert {otherwise} into {table} ({names}) values ({marks})"  # noqa: S608 - names from this module
    return int(db.conn.execute(sql, list(row.values())).lastrowid or 0)
