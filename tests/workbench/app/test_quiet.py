"""What following a database leaves alone: the engine's log, titles that stay, the layout of the screen."""

import asyncio
import shutil
from pathlib import Path

import pytest
from textual.content import Content

from storage.database import open_writable, transaction
from storage.notes import set_note
from tests.workbench.app.driving import driving, settled, until
from workbench.app.app import WorkbenchApp
from workbench.app.frame import SCREENS, Pane
from workbench.app.screens.scenarios import ScenariosScreen


@pytest.fixture
def database(prepared: Path, tmp_path: Path) -> Path:
    """A copy to write to."""
    return Path(shutil.copy(prepared, tmp_path / "workbench.db"))


def test_no_screen_keeps_a_writer_from_emptying_its_log(database: Path) -> None:
    async def follow() -> None:
        async with driving(database) as pilot:
            writer = open_writable(database)
            for number, name in enumerate(SCREENS, 1):
                await pilot.press(str(number))
                await until(pilot, lambda wanted=name: pilot.app.current_mode == wanted)  # type: ignore[misc]
                await settled(pilot)
                with transaction(writer):
                    set_note(writer, f"scenario/{name}", "x" * 10_000)
                # A reader that has not come to its end would keep what it sees in the log, which then only grows.
                await until(
                    pilot,
                    lambda: writer.conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone() == (0, 0, 0),
                )
            writer.conn.close()

    asyncio.run(follow())


def test_what_stays_the_same_is_not_drawn_again(database: Path) -> None:
    async def follow() -> None:
        async with driving(database) as pilot:
            screen = pilot.app.screen
            assert isinstance(pilot.app, WorkbenchApp)
            assert isinstance(screen, ScenariosScreen)
            layouts = list[object]()
            screen.screen_layout_refresh_signal.subscribe(screen, layouts.append)
            for key in ("down", "down", "up"):
                await pilot.press(key)
                await settled(pilot)
            screen.request_refresh()
            await settled(pilot)
            assert layouts == []

            pane = screen.query_one("#scenario-list", Pane)
            drawn = list[object]()
            pane.refresh = lambda *regions, **_: drawn.append(regions)  # type: ignore[method-assign, assignment]
            pane.border_title = Content("another")
            pane.border_title = Content("another")
            assert (pane.border_title, len(drawn)) == ("another", 1)

    asyncio.run(follow())
