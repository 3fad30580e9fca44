"""Opening, migrating and sharing the database file."""

import os
import sqlite3
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from storage import database
from storage.database import APPLICATION_ID, explained, open_readonly, open_writable, transaction
from storage.errors import StorageError, WrongDatabaseError
from storage.migrations import MIGRATIONS, SCHEMA_VERSION
from storage.sqlite import Database


def pragma(path: Path, name: str) -> object:
    connection = sqlite3.connect(path)
    value: object = connection.execute(f"PRAGMA {name}").fetchone()[0]
    connection.close()
    return value


def foreign(path: Path, *, version: int = 0) -> Path:
    """Make a database of some other program."""
    connection = sqlite3.connect(path)
    connection.execute("create table bookmarks (url)")
    connection.execute(f"PRAGMA user_version = {version}")
    connection.commit()
    connection.close()
    return path


def one_line(error: BaseException, *words: str) -> None:
    text = str(error)
    assert "\n" not in text
    for word in words:
        assert word in text


def test_a_fresh_database_has_this_versions_schema_and_settings(tmp_path: Path) -> None:
    path = tmp_path / "new.db"
    db = open_writable(path)
    assert db.execute("PRAGMA synchronous").fetchone() == (1,)  # NORMAL
    assert db.execute("PRAGMA foreign_keys").fetchone() == (1,)
    assert db.execute("PRAGMA busy_timeout").fetchone()[0] >= 5000
    db.conn.close()
    assert pragma(path, "user_version") == SCHEMA_VERSION
    assert pragma(path, "journal_mode") == "wal"
    assert pragma(path, "application_id") == APPLICATION_ID


def test_an_empty_file_is_brought_to_this_version(tmp_path: Path) -> None:
    path = tmp_path / "empty.db"
    path.touch()
    db = open_readonly(path)
    assert "runs" in db.table_names()
    db.conn.close()


@pytest.mark.parametrize(
    "name", ["with space.db", "per%cent.db", "what?.db", "hash#1.db", "ünïcode ☂.db", "quote'\".db"]
)
def test_any_name_of_a_file_will_do(tmp_path: Path, name: str) -> None:
    open_writable(tmp_path / name).conn.close()
    assert (tmp_path / name).stat().st_size > 0
    open_readonly(tmp_path / name).conn.close()
    assert {p.name.removesuffix("-wal").removesuffix("-shm") for p in tmp_path.iterdir()} == {name}


def test_an_older_version_is_migrated_step_by_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "old.db"
    open_writable(path).conn.close()
    steps = (*MIGRATIONS, lambda db: db.execute("alter table runs add column later text"))
    monkeypatch.setattr(database, "MIGRATIONS", steps)
    monkeypatch.setattr(database, "SCHEMA_VERSION", len(steps))
    db = open_readonly(path)
    assert "later" in {column.name for column in db["runs"].columns}
    db.conn.close()
    assert pragma(path, "user_version") == SCHEMA_VERSION + 1


def test_a_migration_that_fails_leaves_nothing_half(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(db: Database) -> None:
        MIGRATIONS[0](db)
        raise sqlite3.OperationalError("power cut")

    path = tmp_path / "half.db"
    with monkeypatch.context() as patch:
        patch.setattr(database, "MIGRATIONS", (broken,))
        with pytest.raises(StorageError, match="power cut"):
            open_writable(path)
    connection = sqlite3.connect(path)
    assert connection.execute("select name from sqlite_master").fetchall() == []
    connection.close()
    open_writable(path).conn.close()
    assert pragma(path, "user_version") == SCHEMA_VERSION


@pytest.mark.parametrize("opened", [open_writable, open_readonly])
def test_a_newer_version_is_refused(tmp_path: Path, opened: object) -> None:
    path = tmp_path / "newer.db"
    db = open_writable(path)
    db.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    db.conn.close()
    with pytest.raises(WrongDatabaseError) as error:
        opened(path)  # type: ignore[operator]
    one_line(error.value, str(path), "newer", "upgrade", "--db")
    assert pragma(path, "user_version") == SCHEMA_VERSION + 1


@pytest.mark.parametrize("version", [0, 1, 99])
@pytest.mark.parametrize("opened", [open_writable, open_readonly])
def test_another_programs_database_is_refused_and_left_as_it_is(tmp_path: Path, opened: object, version: int) -> None:
    path = foreign(tmp_path / "foreign.db", version=version)
    before = path.read_bytes()
    with pytest.raises(WrongDatabaseError) as error:
        opened(path)  # type: ignore[operator]
    one_line(error.value, str(path), "--db")
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("opened", [open_writable, open_readonly])
def test_a_file_that_is_no_database_is_refused(tmp_path: Path, opened: object) -> None:
    path = tmp_path / "text.db"
    path.write_text("these are notes, not a database " * 100)
    with pytest.raises(WrongDatabaseError) as error:
        opened(path)  # type: ignore[operator]
    one_line(error.value, str(path), "--db")
    assert path.read_text().startswith("these are notes")


def test_no_file_no_reading(tmp_path: Path) -> None:
    with pytest.raises(WrongDatabaseError) as error:
        open_readonly(tmp_path / "none.db")
    one_line(error.value, "none.db", "workbench run", "--db")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("opened", [open_writable, open_readonly])
def test_a_folder_is_no_database(tmp_path: Path, opened: object) -> None:
    with pytest.raises(WrongDatabaseError, match="is a folder"):
        opened(tmp_path)  # type: ignore[operator]


def test_a_folder_that_is_not_there_or_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path / "none" / "x.db", tmp_path / "file" / "x.db"):
        with pytest.raises(StorageError) as error:
            open_writable(path)
        one_line(error.value, str(path), "--db")


def test_a_folder_without_write_permission(tmp_path: Path) -> None:
    folder = tmp_path / "locked"
    folder.mkdir()
    open_writable(folder / "there.db").conn.close()
    (folder / "there.db").chmod(0o444)
    folder.chmod(0o555)
    try:
        if os.access(folder, os.W_OK):
            pytest.skip("this user may write everywhere")
        for name in ("new.db", "there.db"):
            with pytest.raises(StorageError) as error:
                open_writable(folder / name)
            one_line(error.value, name, "can be written", "--db")
    finally:
        folder.chmod(0o755)


def test_a_database_that_sqlite_calls_readonly(tmp_path: Path) -> None:
    with pytest.raises(StorageError) as error, explained(tmp_path / "x.db"):
        raise sqlite3.OperationalError("attempt to write a readonly database")
    one_line(error.value, "x.db", "can be written", "--db")


def test_a_transaction_writes_all_or_nothing(tmp_path: Path) -> None:
    db = open_writable(tmp_path / "x.db")

    def interrupted() -> None:
        with transaction(db):
            db.execute("insert into libraries (id, name) values ('x', 'half')")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert db["libraries"].count == 0
    with transaction(db):
        db.execute("insert into libraries (id, name) values ('x', 'whole')")
    assert db["libraries"].count == 1
    db.conn.close()


def test_a_full_disk_ends_a_transaction_and_the_next_one_works(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    db = open_writable(path)
    pages = db.execute("PRAGMA page_count").fetchone()[0]
    db.execute(f"PRAGMA max_page_count = {pages + 2}")
    with pytest.raises(StorageError) as error, explained(path), transaction(db):
        db.execute("insert into libraries (id, name) values ('big', ?)", ["x" * 100_000])
    one_line(error.value, "full", "make room", "same command")
    db.execute("PRAGMA max_page_count = 1000000")
    with transaction(db):
        db.execute("insert into libraries (id, name) values ('small', 'x')")
    assert [row["id"] for row in db["libraries"].rows] == ["small"]
    db.conn.close()


def test_a_database_that_stays_locked_is_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "BUSY_TIMEOUT_MS", 50)
    path = tmp_path / "x.db"
    holder, other = open_writable(path), open_writable(path)
    with transaction(holder):
        with pytest.raises(StorageError) as error, explained(path), transaction(other):
            pytest.fail("the lock was given twice")
        one_line(error.value, str(path), "another process", "try again")
        reader = open_readonly(path)  # reading goes on all the while
        assert reader["runs"].count == 0
        reader.conn.close()
    with transaction(other):
        pass
    holder.conn.close()
    other.conn.close()


def test_a_reader_cannot_write(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    open_writable(path).conn.close()
    db = open_readonly(path)
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        db.execute("delete from runs")
    db.conn.close()


_WRITE_MANY = textwrap.dedent("""
    import sys
    from pathlib import Path
    from simulator.build import build
    from storage.database import open_writable, transaction
    from storage.scenarios import add_scenarios
    db = open_writable(Path(sys.argv[1]))
    for scenario in build(60, int(sys.argv[2])):
        add_scenarios(db, [scenario])
    db.conn.close()
""")


def test_processes_that_open_and_write_at_once_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "shared.db"
    seeds = range(3)
    processes = [subprocess.Popen([sys.executable, "-c", _WRITE_MANY, str(path), str(seed)]) for seed in seeds]
    assert [process.wait(120) for process in processes] == [0] * len(processes)
    db = open_readonly(path)
    assert db["scenarios"].count == 60 * len(processes)
    db.conn.close()


_DIE_INSIDE = textwrap.dedent("""
    import os, signal, sys
    from pathlib import Path
    from simulator.build import build
    from storage.database import open_writable, transaction
    from storage.scenarios import add_scenarios
    db = open_writable(Path(sys.argv[1]))
    add_scenarios(db, build(5, 1))
    with transaction(db):
        db.execute("delete from scenarios")
        db.execute("PRAGMA cache_spill = 1")
        db.execute("insert into libraries (id, name) values ('x', ?)", ["x" * 20_000_000])
        os.kill(os.getpid(), signal.SIGKILL)
""")


def test_a_process_killed_inside_a_transaction_leaves_what_was_before(tmp_path: Path) -> None:
    path = tmp_path / "killed.db"
    assert subprocess.run([sys.executable, "-c", _DIE_INSIDE, str(path)], check=False).returncode == -9
    db = open_writable(path)
    assert (db["scenarios"].count, db["libraries"].count) == (5, 0)
    assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    db.conn.close()


_NO_ROOM = textwrap.dedent("""
    import resource, signal, sys
    from pathlib import Path
    from simulator.build import build
    from storage.database import explained, open_writable
    from storage.errors import StorageError
    from storage.scenarios import add_scenarios
    path = Path(sys.argv[1])
    db = open_writable(path)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, 2_000_000))  # the disk is full after this many bytes
    try:
        with explained(path):
            add_scenarios(db, build(100_000, 1))
    except StorageError as error:
        print(error)
        sys.exit(1)
""")


def test_a_file_that_can_grow_no_further_keeps_what_it_has(tmp_path: Path) -> None:
    path = tmp_path / "full.db"
    ended = subprocess.run(
        [sys.executable, "-c", _NO_ROOM, str(path)], capture_output=True, text=True, check=False, timeout=120
    )
    assert (ended.returncode, ended.stderr) == (1, "")
    assert str(path) in ended.stdout
    assert len(ended.stdout.splitlines()) == 1
    db = open_writable(path)
    kept = db["scenarios"].count
    assert kept
    assert kept % 500 == 0  # whole batches
    assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    db.conn.close()


def test_the_store_takes_in_no_pandas_though_it_is_installed() -> None:
    pytest.importorskip("pandas")
    script = (
        "import sys\nimport storage.readers, storage.sqlite\nassert 'pandas' not in sys.modules\n"
        "import pandas\nprint(pandas.DataFrame({'a': [1]}).shape)"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ended.stdout == "(1, 1)\n"
