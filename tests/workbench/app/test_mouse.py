"""The mouse in every list: a click puts the cursor there, a second one opens it, the wheel scrolls."""

import asyncio
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest
from textual.events import MouseScrollDown, MouseScrollUp
from textual.pilot import Pilot
from textual.widget import Widget
from textual.widgets import Button, Checkbox, Input, Select

from tests.workbench.app.driving import drive, driving, screen_text, settled, until
from tests.workbench.app.runs.adding import add_copies
from tests.workbench.app.workers.adding import add
from workbench.app.app import WorkbenchApp
from workbench.app.frame import SCREENS, TitleLine
from workbench.app.screens.filters import FilterDialog
from workbench.app.screens.runform import RunForm
from workbench.app.screens.runs import RunsScreen
from workbench.app.screens.workers import WorkersScreen
from workbench.app.widgets.linelist import LineList
from workbench.app.widgets.loglines import LogLines
from workbench.app.widgets.scores.matrix import ScoreMatrix


async def wheel(pilot: Pilot[None], widget: Widget, *, up: bool = False) -> None:
    """Turn the wheel once above a widget."""
    await pilot._post_mouse_events([MouseScrollUp if up else MouseScrollDown], widget, offset=(10, 1))


async def click_on(pilot: Pilot[None], text: str) -> None:
    """Wait until a text is on the screen, and click on its first letter."""
    await until(pilot, lambda: text in screen_text(pilot.app))
    lines = screen_text(pilot.app).splitlines()
    y = next(y for y, line in enumerate(lines) if text in line)
    await pilot.click(offset=(lines[y].index(text), y))


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
            await wheel(pilot, lines)
            await until(pilot, lambda: lines.scroll_offset.y > 0)
            await pilot.double_click(lines, offset=(10, 3))
            await until(pilot, lambda: front(pilot) == opened)

    asyncio.run(run())


def test_what_scenarios_say_their_keys_do_is_done_on_a_click(prepared: Path) -> None:
    async def steps(pilot: Pilot[None]) -> None:
        await click_on(pilot, "select space")
        await until(pilot, lambda: "1 selected" in screen_text(pilot.app))
        await click_on(pilot, "preview tab")
        await until(pilot, lambda: "Profile" in screen_text(pilot.app))
        await click_on(pilot, "list tab")
        await click_on(pilot, "f filters")
        await until(pilot, lambda: isinstance(pilot.app.screen, FilterDialog))
        await pilot.press("escape", "slash", *"zzzz")
        await click_on(pilot, "shows all again")
        await until(pilot, lambda: "Scenarios · 14 · 1 selected" in screen_text(pilot.app))

    drive(prepared, steps, (80, 24))


def test_the_first_scenarios_are_added_by_a_click(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Sequence[str]] = []

    async def launch(_: WorkbenchApp, arguments: Sequence[str]) -> None:
        asked.append(arguments)
        raise OSError("not now")

    monkeypatch.setattr(WorkbenchApp, "launch", launch)

    async def steps(pilot: Pilot[None]) -> None:
        await click_on(pilot, "add the 70")
        await until(pilot, lambda: asked == [["scenarios", "import", "--bundled"]])

    drive(tmp_path / "w.db", steps, (80, 24))


@pytest.fixture
def copy(prepared: Path, tmp_path: Path) -> Path:
    path = tmp_path / "w.db"
    shutil.copy(prepared, path)
    return path


def test_runs_are_clicked_opened_and_scrolled(copy: Path) -> None:
    add_copies(copy, 40)

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("5")
        await settled(pilot)
        screen = pilot.app.screen
        assert isinstance(screen, RunsScreen)
        lines = screen.query_one("#runs-lines", LineList)
        await until(pilot, lambda: len(lines.lines) == 41)
        await pilot.click(lines, offset=(10, 4))  # below the heading
        await until(pilot, lambda: screen.state.cursor == lines.cursor == 3)
        await wheel(pilot, lines)
        await until(pilot, lambda: lines.scroll_offset.y > 0)
        down = int(lines.scroll_offset.y)
        assert lines.cursor == 3
        await pilot.click(lines, offset=(10, 0))  # the heading stands still, and is no run
        await settled(pilot)
        assert lines.cursor == 3
        await pilot.click(lines, offset=(10, 2))
        await until(pilot, lambda: screen.state.cursor == lines.cursor == down + 1)
        await wheel(pilot, lines, up=True)
        await until(pilot, lambda: lines.scroll_offset.y < down)
        about = screen.query_one("#runs-about", LineList)
        await pilot.click(about, offset=(10, 5))
        assert about.has_focus
        await pilot.double_click(lines, offset=(10, 3))
        await until(pilot, lambda: front(pilot) == "scores")

    drive(copy, steps, (120, 30))


def test_workers_are_clicked_opened_and_scrolled(copy: Path, tmp_path: Path) -> None:
    for number in range(8):
        add(copy, tmp_path, f"llama-{number}", "ready", port=8000 + number)

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("6")
        await settled(pilot)
        screen = pilot.app.screen
        assert isinstance(screen, WorkersScreen)
        cards = screen.query_one("#workers-cards", LineList)
        await until(pilot, lambda: len(cards.lines) == 8 * 4)
        await pilot.click(cards, offset=(10, 6))  # within the second card
        await until(pilot, lambda: "Log of llama-1" in screen_text(pilot.app))
        await wheel(pilot, cards)
        await until(pilot, lambda: cards.scroll_offset.y > 0)
        await pilot.click(cards, offset=(10, 0))
        await settled(pilot)
        assert cards.cursor == int(cards.scroll_offset.y) // 4
        await pilot.double_click(cards, offset=(10, 6))
        await until(pilot, lambda: screen.has_class("-log"))
        await wheel(pilot, screen.query_one("#workers-tail", LogLines))

    drive(copy, steps, (120, 30))


def test_scores_are_clicked_opened_and_scrolled(prepared: Path) -> None:
    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("4")
        await until(pilot, lambda: "vanilla" in screen_text(pilot.app))
        table = pilot.app.screen.query_one(ScoreMatrix)
        await until(pilot, lambda: table.row is not None)
        before = table.row
        await pilot.click(table, offset=(40, 2))
        await until(pilot, lambda: table.row != before)
        await wheel(pilot, table)
        await until(pilot, lambda: table.scroll_offset.y > 0)
        await pilot.press("d")
        lines = pilot.app.screen.query_one("#scores-differences", LineList)
        await until(pilot, lambda: len(lines.lines) == 14)
        await pilot.click(lines, offset=(10, 4))
        await settled(pilot)
        chosen = lines.cursor
        assert chosen > 0
        await wheel(pilot, lines)
        await until(pilot, lambda: lines.scroll_offset.y > 0)
        assert lines.cursor == chosen
        await pilot.double_click(lines, offset=(10, 4))
        await until(pilot, lambda: "‹" in screen_text(pilot.app))

    drive(prepared, steps, (120, 15))


def test_the_tabs_of_the_title_line_are_clicked(prepared: Path) -> None:
    async def steps(pilot: Pilot[None]) -> None:
        for size in ((120, 40), (80, 24)):
            await pilot.resize_terminal(*size)
            for name in ("runs", "workers", "scores", "scenarios"):
                await settled(pilot)
                title = pilot.app.screen.query_one(TitleLine)
                at = screen_text(pilot.app).splitlines()[0].index(f" {SCREENS.index(name) + 1} ") + 1
                await pilot.click(title, offset=(at, 0))
                await until(pilot, lambda name=name: front(pilot) == name)  # type: ignore[misc]

    drive(prepared, steps)


@pytest.mark.parametrize("size", [(120, 40), (80, 24)])
def test_the_run_form_is_filled_in_with_the_mouse(prepared: Path, size: tuple[int, int]) -> None:
    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("space", "r")
        await until(pilot, lambda: isinstance(pilot.app.screen, RunForm))
        form = pilot.app.screen
        await settled(pilot)
        await pilot.click("#arm-planner")
        await until(pilot, lambda: not form.query_one("#arm-planner", Checkbox).value)
        await until(pilot, lambda: "0 searches, 3 trials" in screen_text(pilot.app))
        preset = form.query_one("#field-preset", Select)
        await pilot.click(preset)
        await until(pilot, lambda: preset.expanded)
        await pilot.click(preset, offset=(5, 3))  # the third choice below it
        await until(pilot, lambda: preset.value == "budget")
        await until(pilot, lambda: "5 runs of 1 scenario" in screen_text(pilot.app))
        fields = form.query_one("#runform-fields")
        if fields.max_scroll_y:
            await wheel(pilot, fields)
            await until(pilot, lambda: fields.scroll_offset.y > 0)
        await pilot.click("#field-seed")
        assert form.query_one("#field-seed", Input).has_focus
        start, close = form.query_one("#start", Button), form.query_one("#close", Button)
        assert not start.disabled
        for button in (start, close):
            assert form.region.contains_region(button.region)
        await pilot.click(close)
        await until(pilot, lambda: pilot.app.screen is not form)

    drive(prepared, steps, size)
