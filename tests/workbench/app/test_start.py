"""What the app does not wait for before it is to be seen, and what stops it before it takes the screen."""

import gc
import io
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from storage.database import ensure_database, open_writable
from storage.errors import WrongDatabaseError
from storage.migrations import SCHEMA_VERSION
from workbench.cli.app import open_app
from workbench.engine.errors import UsageError

_FIRST_FRAME = """
import anyio, sys
from pathlib import Path
from storage.database import ensure_database
from workbench.app.app import WorkbenchApp
from workbench.app.state.settings import Settings

path = Path(sys.argv[1])
ensure_database(path)

class Watched(WorkbenchApp):
    async def on_event(self, event):
        await super().on_event(event)
        front = self.screen_in_front
        if front is not None and front.is_mounted and not self._drawn.is_set():
            loaded.update(sys.modules)

async def main():
    async with Watched(path, Settings(toured=True)).run_test() as pilot:
        with anyio.fail_after(30):
            while "workbench.app.screens.runform" not in sys.modules:  # no key has asked for it
                await pilot.pause(0.01)

loaded = set()
anyio.run(main)
assert "workbench.app.screens.scenarios" in loaded
print(*sorted(loaded & {"aiohttp", "jinja2", "numpy", "openai", "pandas", "pydantic", "sqlite_utils"}))
"""


def test_the_first_frame_waits_for_no_heavy_library_and_no_first_key_does(tmp_path: Path) -> None:
    path = tmp_path / "workbench.db"
    open_writable(path).conn.close()
    command = [sys.executable, "-c", _FIRST_FRAME, str(path)]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.split() == []


def test_a_database_is_made_or_brought_up_to_date_before_the_app_opens(tmp_path: Path) -> None:
    path = tmp_path / "workbench.db"
    for _ in range(2):  # it is made, then found
        ensure_database(path)
        with sqlite3.connect(path) as db:
            assert db.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION,)
        db.close()


@pytest.mark.parametrize("content", [b"something else\n" * 100, None])
def test_what_is_no_database_of_ours_is_refused_before_the_app_opens(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "other.db"
    if content is None:
        with sqlite3.connect(path) as db:
            db.execute("create table mine (x)")
        db.close()
    else:
        path.write_bytes(content)
    with pytest.raises(WrongDatabaseError, match=r"other\.db"):
        ensure_database(path)
    with pytest.raises(WrongDatabaseError, match="folder"):
        ensure_database(tmp_path)


def test_garbage_is_collected_again_once_the_app_has_started() -> None:
    code = (
        "import gc; from workbench.app import pauses; pauses.starting(); assert not gc.isenabled(); "
        "pauses.started(); assert gc.isenabled(); print(gc.get_freeze_count() > 1000)"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "True"
    assert gc.isenabled()


def test_a_terminal_without_unicode_is_refused_in_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("stdin", "stdout", "stderr"):
        stream = io.TextIOWrapper(io.BytesIO(), "latin-1")
        stream.isatty = lambda: True  # type: ignore[method-assign]  # a terminal, as far as anybody asks
        monkeypatch.setattr(sys, name, stream)
    with pytest.raises(UsageError, match=r"set to latin-1: LC_ALL=C\.UTF-8"):
        open_app(tmp_path / "w.db")
    assert not (tmp_path / "w.db").exists()
