"""The mouse in every list: a click puts the cursor there, a second one opens it, the wheel scrolls."""

import asyncio
from pathlib import Path

import pytest
from textual.events import MouseScrollDown
from textual.pilot import Pilot

from tests.workbench.app.driving import driving, settled, until
from workbench.app.app import WorkbenchApp
from workbench.app.widgets.linelist import LineList


def front(pilot: Pilot[None]) -> str:
    assert isinstance(pilot.app, WorkbenchApp)
    return pilot.app.current_mode


@pytest.mark.parametrize(
    ("key", "name", "opened"),
    [("1", "scenario-table", "dialogues"), ("2", "search-list", "search"), ("3", "dialogue-list", "dialogues")],
)
def test_a_list_is_clicked_opened_and_scrolled(prepared: Path, key: str, name: str, opened: str) -> None:
    async def run() -> None:
        async with driving(prepared, size=(80, 15)) as pilot:
            await pilot.press(key)
            await settled(pilot)
            lines = pilot.app.screen.query_one(f"#{name}", LineList)
            await until(pilot, lambda: lines.size.height and len(lines.lines) == 14)
            await pilot.click(lines, offset=(10, 3))
            assert lines.cursor == 2
            await pilot._post_mouse_events([MouseScrollDown], lines, offset=(10, 3))
            await until(pilot, lambda: lines.scroll_offset.y > 0)
            await pilot.double_click(lines, offset=(10, 3))
            await until(pilot, lambda: front(pilot) == opened)

    asyncio.run(run())
