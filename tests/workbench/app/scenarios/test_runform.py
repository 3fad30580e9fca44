"""The run form: what is filled in, what it says, and the run that it starts."""

import shutil
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Button, Checkbox, Input, Select

from storage.database import open_readonly
from storage.studies import list_studies
from tests.themes.test_palette import contrast
from tests.workbench.app import driving
from tests.workbench.app.driving import check_snapshot, screen_text, settled, until
from themes import palettes
from workbench.app.screens.runform import RunForm
from workbench.app.widgets.loglines import LogLines
from workbench.engine.options import read_options


@pytest.fixture
def copy(prepared: Path, tmp_path: Path) -> Path:
    path = tmp_path / "workbench.db"
    shutil.copy(prepared, path)
    return path


def fill(
    path: Path, flow: Callable[[Pilot[None], RunForm], Awaitable[None]], size: tuple[int, int] = (120, 40)
) -> None:
    """Open the form for the first two scenarios, and run a flow in it."""

    async def begin(pilot: Pilot[None]) -> None:
        await pilot.press("space", "space", "r")
        await until(pilot, lambda: isinstance(pilot.app.screen, RunForm))
        form = pilot.app.screen
        assert isinstance(form, RunForm)
        await until(pilot, lambda: form.state.past.units)
        await settled(pilot)
        await flow(pilot, form)
        await settled(pilot)  # a screen that was gone to is left in peace

    driving.drive(path, begin, size)


@pytest.mark.parametrize("size", [(120, 40), (80, 24)])
def test_the_form_looks_as_it_did(prepared: Path, size: tuple[int, int]) -> None:
    async def flow(pilot: Pilot[None], form: RunForm) -> None:
        await check_snapshot(pilot, f"runform-{size[0]}x{size[1]}", r"time .*\]")

    fill(prepared, flow, size)


def test_the_estimate_changes_as_the_form_does(prepared: Path) -> None:
    async def flow(pilot: Pilot[None], form: RunForm) -> None:
        assert "2 searches, 8 trials" in screen_text(pilot.app)
        form.query_one("#arm-planner", Checkbox).value = False
        await until(pilot, lambda: "0 searches, 6 trials" in screen_text(pilot.app))
        form.query_one("#field-models", Input).value = "all"
        await until(pilot, lambda: "0 searches, 36 trials" in screen_text(pilot.app))

    fill(prepared, flow)


def test_what_is_wrong_is_said_and_nothing_starts(prepared: Path) -> None:
    async def flow(pilot: Pilot[None], form: RunForm) -> None:
        form.query_one("#field-rollouts", Input).value = "-3"
        await until(pilot, lambda: "greater than or equal to 1" in screen_text(pilot.app))
        assert form.query_one("#start", Button).disabled
        await pilot.press("ctrl+s")
        await settled(pilot)
        assert pilot.app.screen is form
        form.query_one("#field-rollouts", Input).value = "3"
        await until(pilot, lambda: not form.query_one("#start", Button).disabled)
        form.query_one("#field-world", Select).value = "model"
        await until(pilot, lambda: "name the answering model" in screen_text(pilot.app))

    fill(prepared, flow)


def test_escape_starts_nothing(prepared: Path) -> None:
    async def flow(pilot: Pilot[None], form: RunForm) -> None:
        await pilot.press("escape")
        await settled(pilot)
        assert pilot.app.screen is not form
        assert pilot.app.current_mode == "scenarios"

    fill(prepared, flow)


def test_a_settings_file_fills_the_fields(prepared: Path, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('arms = ["vanilla", "full"]\njudges = ["b"]\nseed = 12\n')

    async def flow(pilot: Pilot[None], form: RunForm) -> None:
        form.query_one("#field-file", Input).value = str(path)
        await until(pilot, lambda: form.query_one("#field-seed", Input).value == "12")
        await until(pilot, lambda: "0 searches, 4 trials" in screen_text(pilot.app))
        assert not form.query_one("#arm-planner", Checkbox).value

    fill(prepared, flow)


def test_a_run_starts_from_the_form_and_its_screen_opens(copy: Path) -> None:
    async def flow(pilot: Pilot[None], form: RunForm) -> None:
        form.query_one("#arm-planner", Checkbox).value = False
        form.query_one("#arm-agent", Checkbox).value = False
        form.query_one("#field-judges", Input).value = "b"
        await until(pilot, lambda: "0 searches, 4 trials" in screen_text(pilot.app))
        await pilot.press("ctrl+s")
        await until(pilot, lambda: pilot.app.current_mode == "runs")
        await until(pilot, lambda: _done(copy))
        await until(pilot, lambda: "trials: 4 of 4" in screen_text(pilot.app))  # from its log

    fill(copy, flow)
    (written,) = copy.with_name(f"{copy.name}-workers").glob("*.toml")
    chosen = read_options(written, {})
    assert (chosen.arms, chosen.judges, len(chosen.scenarios)) == (("vanilla", "full"), ("b",), 2)


@pytest.mark.parametrize("size", [(120, 40), (80, 24)])
def test_a_preset_as_it_looks(prepared: Path, size: tuple[int, int]) -> None:
    async def flow(pilot: Pilot[None], form: RunForm) -> None:
        form.query_one("#field-preset", Select).value = "subset-sizes"
        await until(pilot, lambda: "in 5 runs: 2 searches, 100 trials" in screen_text(pilot.app))
        assert form.query_one("#field-more", Input).value == "random:1..5, path, oracle-judged"
        await check_snapshot(pilot, f"runform-preset-{size[0]}x{size[1]}", r"time .*\]")
        form.query_one("#field-more", Input).value = "only:Shoe"
        await until(pilot, lambda: "there is no attribute 'Shoe'" in screen_text(pilot.app))
        assert form.query_one("#start", Button).disabled
        assert "5 runs of 2 scenarios" in screen_text(pilot.app)

    fill(prepared, flow, size)


def test_a_choice_that_a_preset_sweeps_says_so_and_can_be_fixed(prepared: Path) -> None:
    async def flow(pilot: Pilot[None], form: RunForm) -> None:
        form.query_one("#field-preset", Select).value = "personas"
        await until(pilot, lambda: "5 runs of 2 scenarios" in screen_text(pilot.app))
        assert "each run's own: cooperative, terse, partial, evasive, refusing" in screen_text(pilot.app)
        form.query_one("#field-persona", Select).value = "terse"
        await until(pilot, lambda: "1 run of 2 scenarios" in screen_text(pilot.app))
        form.query_one("#field-preset", Select).value = ""
        await until(pilot, lambda: "each run's own" not in screen_text(pilot.app))
        assert form.query_one("#field-persona", Select).value == "terse"

    fill(prepared, flow)


def test_a_study_starts_from_the_form_and_is_found_when_it_is_finished(copy: Path) -> None:
    async def flow(pilot: Pilot[None], form: RunForm) -> None:
        form.query_one("#field-preset", Select).value = "thresholds"
        await until(pilot, lambda: "4 runs of 2 scenarios" in screen_text(pilot.app))
        await pilot.press("ctrl+s")
        await until(pilot, lambda: pilot.app.current_mode == "runs")
        await until(pilot, lambda: _studies(copy) == [("thresholds", 4, 4)])
        await pilot.press("1", "r")
        await until(pilot, lambda: isinstance(pilot.app.screen, RunForm))
        again = pilot.app.screen
        again.query_one("#field-preset", Select).value = "thresholds"
        await until(pilot, lambda: "4 runs of 2 scenarios" in screen_text(pilot.app))
        await pilot.press("ctrl+s")
        await until(pilot, lambda: pilot.app.current_mode == "runs")
        await until(pilot, lambda: "(thresholds) was finished" in _head_of_the_log(pilot))
        assert _studies(copy) == [("thresholds", 4, 4)]

    fill(copy, flow)


def _head_of_the_log(pilot: Pilot[None]) -> str:
    """Scroll up to how the log begins, which its end, the tables, leaves no room for, and read the screen."""
    pilot.app.screen.query_one(LogLines).scroll_home(animate=False)
    return screen_text(pilot.app)


def _studies(path: Path) -> list[tuple[str, int, int]]:
    db = open_readonly(path)
    try:
        return [(row["name"], row["runs"], row["done"]) for row in list_studies(db) if row["finished_at"]]
    finally:
        db.conn.close()


def _done(path: Path) -> bool:
    db = open_readonly(path)
    try:
        states = db.execute("select state from runs order by rowid desc").fetchall()
    finally:
        db.conn.close()
    return states[0] == ("done",) and len(states) == 2


def test_every_text_is_legible_in_every_theme(prepared: Path) -> None:
    async def flow(pilot: Pilot[None], _: RunForm) -> None:
        for palette in palettes().values():
            if palette.ansi:
                continue
            pilot.app.theme = palette.name
            await settled(pilot)
            faint = [text for text, found in texts(pilot) if found < (7 if palette.name == "high-contrast" else 4.5)]
            assert not faint, palette.name

    fill(prepared, flow)


def texts(pilot: Pilot[None]) -> Iterator[tuple[str, float]]:
    """Yield the texts of the dialog in front, and how much each stands out against its ground."""
    form = pilot.app.screen.query_one("#runform").region
    for strip in pilot.app.screen._compositor.render_strips(pilot.app.size)[form.y : form.bottom]:
        for segment in strip.crop(form.x, form.right):
            style = segment.style
            if style and style.color and style.bgcolor and any(map(str.isalnum, segment.text)):
                colours = style.color.get_truecolor().hex, style.bgcolor.get_truecolor().hex
                yield segment.text, contrast(*colours)
