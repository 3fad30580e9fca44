"""Every key and flow of the scenarios screen, on databases that real runs wrote."""

import json
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, Select

from simulator.build import build
from simulator.bundled import bundled
from simulator.scenario import Profile, Scenario
from storage.database import open_readonly, open_writable
from storage.scenariopages import ScenarioFilter, matching
from storage.scenarios import add_scenarios
from tests.workbench.app import driving
from tests.workbench.app.driving import check_snapshot, screen_text, settled, until
from workbench.app.app import WorkbenchApp
from workbench.app.screens.scenarios import ScenariosScreen
from workbench.app.widgets.scenarios.scenariolist import ScenarioTable
from workbench.engine.steering.launch import Launched

Flow = Callable[[Pilot[None], ScenariosScreen], Awaitable[None]]


def drive(path: Path, flow: Flow, size: tuple[int, int] = (120, 40), link: str | None = None) -> None:
    """Run a flow on the scenarios screen."""

    async def begin(pilot: Pilot[None]) -> None:
        screen = pilot.app.screen
        assert isinstance(screen, ScenariosScreen)
        await still(pilot)
        await flow(pilot, screen)
        await still(pilot)  # a screen that was gone to is left in peace

    driving.drive(path, begin, size, link)


async def press(pilot: Pilot[None], *keys: str) -> None:
    await pilot.press(*keys)
    await still(pilot)


async def still(pilot: Pilot[None]) -> None:
    """Wait until what the keys had read is shown."""
    await settled(pilot)
    await until(pilot, lambda: not any(w.is_running for w in pilot.app.workers if w.group in ("window", "detail")))
    await pilot.pause()


def said(app: object) -> list[str]:
    assert isinstance(app, WorkbenchApp)
    return [notification.message for notification in app._notifications]


@pytest.fixture
def copy(prepared: Path, tmp_path: Path) -> Path:
    path = tmp_path / "workbench.db"
    shutil.copy(prepared, path)
    return path


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a database with 14,000 scenarios, to be read only."""
    path = tmp_path_factory.mktemp("many") / "workbench.db"
    db = open_writable(path)
    add_scenarios(db, build(14_000, 0))
    db.conn.close()
    return path


@pytest.mark.parametrize("size", [(120, 40), (80, 24)])
def test_the_screen_looks_as_it_did(prepared: Path, size: tuple[int, int]) -> None:
    async def flow(pilot: Pilot[None], screen: ScenariosScreen) -> None:
        await press(pilot, "down", "space", "down")
        await check_snapshot(pilot, f"scenarios-{size[0]}x{size[1]}")

    drive(prepared, flow, size)


@pytest.mark.parametrize("size", [(120, 40), (80, 24)])
def test_an_empty_database_says_what_to_do(tmp_path: Path, size: tuple[int, int]) -> None:
    async def flow(pilot: Pilot[None], screen: ScenariosScreen) -> None:
        await check_snapshot(pilot, f"scenarios-empty-{size[0]}x{size[1]}")
        await press(pilot, "p", "r", "d", "s", "a", "space", "enter", "end")  # nothing to act upon
        assert pilot.app.screen is screen

    drive(tmp_path / "new.db", flow, size)


def test_the_cursor_moves_and_the_preview_follows(prepared: Path) -> None:
    async def flow(pilot: Pilot[None], screen: ScenariosScreen) -> None:
        for keys, expected in (
            (("down", "down"), 2),
            (("up",), 1),
            (("end",), 13),
            (("home",), 0),
            (("pagedown",), 13),
            (("pageup",), 0),
        ):
            await press(pilot, *keys)
            assert screen.state.cursor == expected
            row = screen.state.current
            assert row is not None
            assert f"scenario {row.id[:8]}" in screen_text(pilot.app)

    drive(prepared, flow)


def test_space_chooses_and_moves_on_and_a_chooses_all_or_none(prepared: Path) -> None:
    async def flow(pilot: Pilot[None], screen: ScenariosScreen) -> None:
        await press(pilot, "space", "space")
        assert (len(screen.state.chosen), screen.state.cursor) == (2, 2)
        assert "14 · 2 selected" in screen_text(pilot.app)
        assert screen_text(pilot.app).count("✓") == 2
        await press(pilot, "a")
        assert len(screen.state.chosen) == 14
        await press(pilot, "a")
        assert screen.state.chosen == set()

    drive(prepared, flow)


def test_the_search_narrows_the_list_as_one_types(many: Path) -> None:
    async def flow(pilot: Pilot[None], screen: ScenariosScreen) -> None:
        await press(pilot, "slash", *"notice")
        await until(pilot, lambda: screen.state.filter.search == "notice" and len(screen.state.keys) < 14_000)
        await settled(pilot)
        db = open_readonly(many)
        assert screen.state.keys == matching(db, ScenarioFilter(search="notice"))
        db.conn.close()
        assert f"14,000 · {len(screen.state.keys)} shown" in screen_text(pilot.app)
        assert isinstance(pilot.app.focused, Input)
        await press(pilot, "enter")
        assert isinstance(pilot.app.focused, ScenarioTable)
        await press(pilot, "q")  # what is open is closed first: the search
        assert len(screen.state.keys) == 14_000
        assert screen.query_one("#scenario-search", Input).value == ""

    drive(many, flow)


def test_a_search_without_result_says_so(prepared: Path) -> None:
    async def flow(pilot: Pilot[None], screen: ScenariosScreen) -> None:
        await press(pilot, "slash", *"zzz")
        await until(pilot, lambda: not screen.state.keys)
        await settled(pilot)
        assert "No scenario fits" in screen_text(pilot.app)
        await press(pilot, "escape", "space", "p")
        assert screen.state.chosen == set()

    drive(prepared, flow)


def test_filters_are_set_in_a_dialog_and_q_clears_them(copy: Path) -> None:
    async def flow(pilot: Pilot[None], screen: ScenariosScreen) -> None:
        await press(pilot, "f")
        await until(pilot, lambda: len(pilot.app.screen_stack) > 1)
        pilot.app.screen.query_one("#filter-source", Select).value = "bundled"
        pilot.app.screen.query_one("#filter-results", Select).value = "without results"
        await press(pilot, "ctrl+s")
        await until(pilot, lambda: len(screen.state.keys) == 70)
        assert "source bundled" in screen_text(pilot.app)
        await press(pilot, "q")
        await until(pilot, lambda: len(screen.state.keys) == 84)

    db = open_writable(copy)
    add_scenarios(db, bundled())
    db.conn.close()
    drive(copy, flow)


def test_a_bookmark_and_a_note_show_in_list_and_filter(copy: Path) -> None:
    async def flow(pilot: Pilot[None], screen: ScenariosScreen) -> None:
        await press(pilot, "down", "asterisk")
        await until(pilot, lambda: "★" in screen_text(pilot.app))
        await until(pilot, lambda: "bookmarked" in screen_text(pilot.app))
        screen._set_filter(ScenarioFilter(marks="bookmarked"))
        await until(pilot, lambda: len(screen.state.keys) == 1)

    drive(copy, flow)


def test_fourteen_thousand_scroll_to_the_end_without_being_read(many: Path) -> None:
    async def flow(pilot: Pilot[None], screen: ScenariosScreen) -> None:
        await press(pilot, "end")
        await until(pilot, lambda: screen.state.current is not None)
        await settled(pilot)
        assert screen.state.cursor == 13_999
        assert len(screen.state._rows) < 1_000
        row = screen.state.current
        assert row is not None
        assert row.query[:25] in screen_text(pilot.app)

    drive(many, flow)


def test_a_click_moves_the_cursor_and_a_double_click_opens(prepared: Path) -> None:
    async def flow(pilot: Pilot[None], screen: ScenariosScreen) -> None:
        await pilot.click(ScenarioTable, offset=(20, 4))  # the heading is line 0
        await settled(pilot)
        assert screen.state.cursor == 3
        await until(pilot, lambda: screen._detail is not None)
        await pilot.click(ScenarioTable, offset=(20, 4), times=2)
        await until(pilot, lambda: pilot.app.current_mode == "dialogues")

    drive(prepared, flow)


@pytest.mark.parametrize(("key", "mode"), [("enter", "dialogues"), ("d", "dialogues"), ("s", "search")])
def test_what_was_found_is_a_key_away(prepared: Path, key: str, mode: str) -> None:
    async def flow(pilot: Pilot[None], screen: ScenariosScreen) -> None:
        await press(pilot, key)
        await until(pilot, lambda: pilot.app.current_mode == mode)

    drive(prepared, flow)


def test_where_nothing_was_found_the_keys_say_what_to_do(many: Path) -> None:
    async def flow(pilot: Pilot[None], screen: ScenariosScreen) -> None:
        await press(pilot, "enter", "d", "s")
        assert pilot.app.current_mode == "scenarios"
        assert len(said(pilot.app)) == 3

    drive(many, flow)


def test_a_link_puts_the_cursor_on_its_scenario(many: Path) -> None:
    db = open_readonly(many)
    (wanted,) = db.execute("select id from scenarios where rowid = 9000").fetchone()
    db.conn.close()

    async def flow(pilot: Pilot[None], screen: ScenariosScreen) -> None:
        await until(pilot, lambda: screen._detail is not None and screen._detail.scenario.id == wanted)
        assert screen.state.cursor == 8_999
        assert screen.subject() is not None
        assert (screen.copy_text() or "").startswith(f"{wanted} ")

    drive(many, flow, link=f"scenario/{wanted}")


def test_a_link_to_nothing_is_said(prepared: Path) -> None:
    async def flow(pilot: Pilot[None], screen: ScenariosScreen) -> None:
        await until(pilot, lambda: any("no scenario 'nobody'" in text for text in said(pilot.app)))

    drive(prepared, flow, link="scenario/nobody")


def test_hostile_texts_are_shown_as_they_are_and_do_nothing(tmp_path: Path) -> None:
    evil = "\x1b]0;owned\x07\x1b[2J[red]not[/red] [@click=app.quit]markup[/] \u202etxt"
    db = open_writable(tmp_path / "evil.db")
    profile = Profile((*["[b]x[/b]\x1b[31m"] * 9, "\x9b31mred [link=x]y"))
    add_scenarios(db, [Scenario(evil, profile, domain="[b]", issue="\x1b[31m[i]", source="[/]")])
    db.conn.close()

    async def flow(pilot: Pilot[None], screen: ScenariosScreen) -> None:
        await until(pilot, lambda: "[red]not[/red]" in screen_text(pilot.app))
        await until(pilot, lambda: "[b]x[/b]" in screen_text(pilot.app))
        text = screen_text(pilot.app)
        assert not {"\x1b", "\x07", "\x9b", "\u202e"} & set(text)
        await press(pilot, "f")
        await press(pilot, "escape", "y")

    drive(tmp_path / "evil.db", flow)


def test_blurred_texts_can_not_be_read_on_the_screen(prepared: Path) -> None:
    async def flow(pilot: Pilot[None], screen: ScenariosScreen) -> None:
        row = screen.state.current
        assert row is not None
        assert row.query[:20] in screen_text(pilot.app)
        await press(pilot, "B")
        await until(pilot, lambda: row.query[:20] not in screen_text(pilot.app))
        assert "Emotional State" in screen_text(pilot.app)

    drive(prepared, flow)


def test_the_chosen_scenarios_are_exported_in_a_form_that_can_be_imported(prepared: Path) -> None:
    async def flow(pilot: Pilot[None], screen: ScenariosScreen) -> None:
        (export,) = screen.exports()
        assert len((await export.text()).splitlines()) == 14
        await press(pilot, "space")
        (export,) = screen.exports()
        assert export.name == "1-scenarios-selected"
        (line,) = (await export.text()).splitlines()
        first = screen.state.row(0)
        assert first is not None
        assert Scenario.from_dict(json.loads(line)).id == first.id

    drive(prepared, flow)


def test_the_bundled_scenarios_are_added_by_a_key(tmp_path: Path) -> None:
    async def flow(pilot: Pilot[None], screen: ScenariosScreen) -> None:
        await pilot.press("b")
        await until(pilot, lambda: screen.state.overview.total == 70)
        await settled(pilot)
        assert isinstance(pilot.app.focused, ScenarioTable)
        await press(pilot, "down")
        assert screen.state.cursor == 1

    drive(tmp_path / "new.db", flow)


def test_synthetic_scenarios_are_built_in_the_number_chosen(tmp_path: Path) -> None:
    async def flow(pilot: Pilot[None], screen: ScenariosScreen) -> None:
        await pilot.press("n")
        await until(pilot, lambda: len(pilot.app.screen_stack) > 1)
        await pilot.press("down", "enter")
        await until(pilot, lambda: screen.state.overview.total == 700)

    drive(tmp_path / "new.db", flow)


def test_planning_ends_on_the_search_screen(copy: Path) -> None:
    async def flow(pilot: Pilot[None], screen: ScenariosScreen) -> None:
        await pilot.press("space", "space", "p")
        await until(pilot, lambda: pilot.app.current_mode == "search")

    drive(copy, flow)
    db = open_readonly(copy)
    (units,) = db.execute("select count(*) from units join runs on runs.id = run where runs.kind = 'plan'").fetchone()
    db.conn.close()
    assert units == 2


def test_a_process_that_fails_says_why(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = WorkbenchApp.launch

    async def wrong(app: WorkbenchApp, arguments: object) -> Launched:
        return await real(app, ["plan", "no-such-scenario"])

    monkeypatch.setattr(WorkbenchApp, "launch", wrong)

    async def flow(pilot: Pilot[None], screen: ScenariosScreen) -> None:
        await pilot.press("p")
        await until(pilot, lambda: any("no-such-scenario" in text for text in said(pilot.app)))
        assert pilot.app.current_mode == "scenarios"

    drive(copy, flow)


def test_a_damaged_database_is_said_and_no_list_claims_to_be_empty(copy: Path) -> None:
    async def flow(pilot: Pilot[None], screen: ScenariosScreen) -> None:
        sound = copy.read_bytes()
        copy.write_bytes(sound[:4096] + b"?" * (len(sound) - 4096))
        await press(pilot, "end", "home", "5")
        await until(pilot, lambda: "the file is damaged" in " ".join(screen_text(pilot.app).split()))
        assert "No run yet" not in screen_text(pilot.app)
        copy.write_bytes(sound)
        await press(pilot, "1", "5")
        await until(pilot, lambda: "✔ done" in screen_text(pilot.app))

    drive(copy, flow)
