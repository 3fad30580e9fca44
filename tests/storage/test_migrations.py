"""A database written before the terminal app, opened by this version."""

import sqlite3
from pathlib import Path

import pytest

from storage import database
from storage.branches import branch_rows
from storage.database import open_readonly, open_writable
from storage.dialogues import replay
from storage.migrations import MIGRATIONS, SCHEMA_VERSION
from storage.notes import Annotations, annotations
from storage.readers import list_runs, score_rows
from storage.runfigures import FigureReader
from storage.sqlite import Database

_ROWS = {
    "scenarios": {
        "id": "a1",
        "query": "what now?",
        "domain": "Health",
        "source": "synthetic",
        "profile_id": "p",
        "profile": '{"Age": "18-24"}',
        "known": 1,
        "collected": 1,
    },
    "runs": {
        "id": "r1",
        "identity": "i",
        "kind": "run",
        "state": "done",
        "world": "surrogate",
        "seed": 0,
        "experiment": "{}",
        "settings": "{}",
        "created_at": "2026-01-01T00:00:00.000+00:00",
    },
    "units": {"id": 7, "run": "r1", "kind": "trial", "scenario": "a1", "model": "m", "arm": "agent", "state": "done"},
    "dialogues": {
        "unit": 7,
        "crisis": 0,
        "questions": 1,
        "ending": "enough",
        "completeness": 4,
        "threshold": 4,
        "persona": "cooperative",
        "neighbours": "[]",
        "leaky": 0,
        "invalid": "[]",
    },
    "turns": {
        "unit": 7,
        "step": 0,
        "completeness": 2,
        "attribute": 0,
        "question": "How old are you?",
        "reason": "",
        "chosen_by": "agent",
        "status": "told",
        "reply": "I am 20.",
        "known": "18-24",
        "truth": "18-24",
    },
    "responses": {"unit": 7, "text": "Rest.", "style": "plain", "full": 1, "partial": 0},
    "verdicts": {"unit": 7, "judge": "a", "score": 4.0, "repeats": 1, "valid": 1, "rationale": ""},
}


def schema(path: Path) -> list[tuple[str, ...]]:
    connection = sqlite3.connect(path)
    found = connection.execute("select type, name, sql from sqlite_master order by type, name").fetchall()
    connection.close()
    return found


@pytest.fixture
def old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A database of the first two steps with a finished run in it."""
    path = tmp_path / "old.db"
    with monkeypatch.context() as then:
        then.setattr(database, "MIGRATIONS", MIGRATIONS[:2])
        then.setattr(database, "SCHEMA_VERSION", 2)
        db = open_writable(path)
    for table, row in _ROWS.items():
        db.table(table).insert(row)
    db.conn.close()
    return path


def test_an_old_database_gets_the_schema_of_a_new_one(old: Path, tmp_path: Path) -> None:
    open_writable(old).conn.close()
    open_writable(tmp_path / "new.db").conn.close()
    assert schema(old) == schema(tmp_path / "new.db")
    db = open_readonly(old)
    assert db.execute("pragma user_version").fetchone() == (SCHEMA_VERSION,)
    assert db.execute("pragma foreign_key_check").fetchall() == []
    db.conn.close()


def test_what_stood_in_an_old_database_is_read_as_before(old: Path) -> None:
    db: Database = open_readonly(old)  # a reader has it migrated, too
    (run,) = list_runs(db)
    (figures,) = FigureReader(lambda owner, heartbeat: False).read(db)
    assert (run["run"], run["paused"], run["log"], figures.status, figures.done) == ("r1", 0, None, "done", 1)
    assert [(row["judge"], row["score"]) for row in score_rows(db, "r1")] == [("a", 4.0)]
    (turn,) = replay(db, 7)["turns"]
    assert (turn["reply"], turn["known"]) == ("I am 20.", "18-24")
    assert annotations(db, "scenario/a1") == Annotations()
    assert branch_rows(db, 7) == []
    db.conn.close()
