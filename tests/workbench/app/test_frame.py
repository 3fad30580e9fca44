"""The frame, with six plain screens: keys, panes, dialogs, themes, links, and following the store."""

from functools import partial
from pathlib import Path
from typing import ClassVar

import pytest
from textual.app import ComposeResult
from textual.pilot import Pilot
from textual.widgets import Button, Static

from storage.database import open_writable, transaction
from storage.notes import annotations, set_bookmark, set_note
from storage.sqlite import Database
from tests.workbench.app import driving
from tests.workbench.app.driving import screen_text, settled, until
from themes import palettes
from workbench.app.app import WorkbenchApp
from workbench.app.frame import SCREENS, Export, Headline, Pane, Subject, WorkbenchScreen
from workbench.app.state.links import Link
from workbench.app.state.settings import Settings

HOSTILE = "\x1b[31m[bold]red[/bold]\x1b]0;title\x07"


class Plain(WorkbenchScreen):
    """A screen with two panes that shows a note and the last link."""

    PANES: ClassVar[tuple[str, ...]] = ("left", "right")

    def __init__(self, name: str) -> None:
        super().__init__()
        self.NAME = name  # type: ignore[misc]  # one class stands for six here
        self.note, self.link = "", ""

    def compose_body(self) -> ComposeResult:
        with Pane(id="left") as pane:
            pane.border_title = "Left"
            yield Button("one", compact=True)
            yield Static(id="note", markup=False)
        with Pane(id="right") as pane:
            pane.border_title = "Right"
            yield Button("two", id="two", compact=True)

    def headline(self) -> Headline:
        return Headline(f"{self.link}{HOSTILE}", "ab12cd34", "surrogate")

    async def refresh_data(self) -> None:
        self.note = (await self.workbench.read(lambda db: annotations(db, "scenario/x"))).text
        self.query_one("#note", Static).update(self.workbench.sensitive(self.note))

    def subject(self) -> Subject:
        return Subject("scenario", "x", "scenario x")

    def copy_text(self) -> str:
        return self.note

    def exports(self) -> list[Export]:
        return [Export("../../it is", ".txt", lambda: self.note)]

    async def open_link(self, link: Link) -> None:
        self.link = str(link)
        self.refresh_headline()


class Little(WorkbenchApp):
    """The app with six plain screens."""

    MODES: ClassVar = {name: partial(Plain, name) for name in SCREENS}


drive = partial(driving.drive, size=(120, 30), kind=Little)


def front(pilot: Pilot[None]) -> Plain:
    assert isinstance(pilot.app, WorkbenchApp)
    found = pilot.app.screen_in_front
    assert isinstance(found, Plain)
    return found


def test_the_six_screens_are_on_keys_one_to_six_and_q_goes_back(tmp_path: Path) -> None:
    async def steps(pilot: Pilot[None]) -> None:
        for number, name in enumerate(SCREENS, 1):
            await pilot.press(str(number))
            await settled(pilot)
            assert name == front(pilot).NAME
            assert f"{number} {name.title()}" in screen_text(pilot.app)
        for name in reversed(SCREENS[:-1]):
            await pilot.press("q")
            await settled(pilot)
            assert name == front(pilot).NAME
        await pilot.press("q")
        await until(pilot, lambda: "Leave the workbench?" in screen_text(pilot.app))
        await pilot.press("n")
        await settled(pilot)
        assert SCREENS[0] == front(pilot).NAME

    drive(tmp_path / "w.db", steps)


def test_a_click_on_the_title_line_changes_the_screen(tmp_path: Path) -> None:
    async def steps(pilot: Pilot[None]) -> None:
        await pilot.click("#title", offset=(screen_text(pilot.app).splitlines()[0].index("4"), 0))
        await until(pilot, lambda: front(pilot).NAME == "scores")

    drive(tmp_path / "w.db", steps)


def test_text_from_data_is_neither_markup_nor_escape(tmp_path: Path) -> None:
    async def steps(pilot: Pilot[None]) -> None:
        assert "[bold]red[/bold] · run ab12cd34 · ◇ surrogate" in screen_text(pilot.app).splitlines()[0]

    drive(tmp_path / "w.db", steps)


def test_a_panes_title_is_no_markup(tmp_path: Path) -> None:
    async def steps(pilot: Pilot[None]) -> None:
        pane = front(pilot).query_one("#left", Pane)
        pane.border_title, pane.border_subtitle = "Age = [/b] [red]", "[/]"
        await settled(pilot)
        assert "Age = [/b] [red]" in screen_text(pilot.app)

    drive(tmp_path / "w.db", steps)


@pytest.mark.parametrize(("width", "panes"), [(120, 2), (80, 1), (50, 1)])
def test_narrow_terminals_show_one_pane_and_tab_moves(tmp_path: Path, width: int, panes: int) -> None:
    async def steps(pilot: Pilot[None]) -> None:
        def titles() -> list[str]:
            return [title for title in ("Left", "Right") if f"╭─ {title}" in screen_text(pilot.app)]

        assert len(titles()) == panes
        assert ("60 columns" in screen_text(pilot.app)) == (width < 60)
        await pilot.press("tab")
        await settled(pilot)
        assert titles() == (["Right"] if panes == 1 else ["Left", "Right"])
        assert pilot.app.focused is not None
        assert pilot.app.focused.id == "two"
        await pilot.press("shift+tab")
        await settled(pilot)
        assert "Left" in titles()

    drive(tmp_path / "w.db", steps, size=(width, 24))


def test_what_another_process_writes_is_shown(tmp_path: Path) -> None:
    path = tmp_path / "w.db"

    async def steps(pilot: Pilot[None]) -> None:
        def write(db: Database) -> None:
            with transaction(db):
                set_note(db, "scenario/x", "written elsewhere")

        db = open_writable(path)
        write(db)
        db.conn.close()
        await until(pilot, lambda: "written elsewhere" in screen_text(pilot.app))

    drive(path, steps)


def test_a_note_is_edited_and_blurred(tmp_path: Path) -> None:
    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("m")
        await until(pilot, lambda: "Note on scenario x" in screen_text(pilot.app))
        await settled(pilot)
        await pilot.press(*"hello", "tab", *"a,b", "ctrl+s")
        await until(pilot, lambda: front(pilot).note == "hello")
        await settled(pilot)
        assert "hello" in screen_text(pilot.app)
        await pilot.press("B")
        await until(pilot, lambda: "▒▒▒▒▒" in screen_text(pilot.app))
        assert "hello" not in screen_text(pilot.app)
        assert "hello" not in pilot.app.export_screenshot()
        assert isinstance(pilot.app, WorkbenchApp)
        found = await pilot.app.read(lambda db: annotations(db, "scenario/x"))
        assert (found.text, found.tags) == ("hello", ("a", "b"))
        await pilot.press("asterisk")
        await until(pilot, lambda: "bookmarked: scenario x" in screen_text(pilot.app))
        assert (await pilot.app.read(lambda db: annotations(db, "scenario/x"))).bookmarked

    drive(tmp_path / "w.db", steps)


def test_help_lists_keys_as_the_user_mapped_them(tmp_path: Path) -> None:
    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("question_mark")
        await until(pilot, lambda: "Everywhere" in screen_text(pilot.app))
        assert "f9  Blur texts" in screen_text(pilot.app)
        await pilot.press("escape")
        await pilot.press("f9")
        await settled(pilot)
        assert isinstance(pilot.app, WorkbenchApp)
        assert pilot.app.blurred

    drive(tmp_path / "w.db", steps, size=(100, 60), settings=Settings(toured=True, keys={"app.blur": "f9"}))


def test_a_second_ctrl_c_leaves(tmp_path: Path) -> None:
    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("ctrl+c")
        await until(pilot, lambda: "Leave the workbench?" in screen_text(pilot.app))
        await pilot.press("ctrl+c")
        await until(pilot, lambda: pilot.app._exit)

    drive(tmp_path / "w.db", steps)


@pytest.mark.parametrize("size", [(120, 40), (80, 24), (60, 20)])
def test_the_tour_says_how_to_begin_and_fits_from_80x24_on(tmp_path: Path, size: tuple[int, int]) -> None:
    async def steps(pilot: Pilot[None]) -> None:
        await until(pilot, lambda: "enter begins" in screen_text(pilot.app))
        assert ("q goes back" in screen_text(pilot.app)) == (size[0] >= 80)
        if size == (80, 24):
            await driving.check_snapshot(pilot, "tour-80x24")
        await pilot.press("enter")

    drive(tmp_path / "w.db", steps, size=size, settings=Settings(memory=tmp_path / "app.json"))


@pytest.mark.parametrize("size", [(120, 40), (80, 24)])
def test_help_looks_as_it_did(prepared: Path, size: tuple[int, int]) -> None:
    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("question_mark")
        await until(pilot, lambda: "This screen" in screen_text(pilot.app))
        await driving.check_snapshot(pilot, f"help-{size[0]}x{size[1]}", r"(?<=run )[0-9a-f]{8}")

    driving.drive(prepared, steps, size=size, link="dialogue/30")


@pytest.mark.parametrize("width", [120, 80, 60, 50, 30])
def test_the_footer_keeps_the_keys_that_lead_to_the_others(prepared: Path, width: int) -> None:
    async def steps(pilot: Pilot[None]) -> None:
        footer = screen_text(pilot.app).splitlines()[-1]
        assert footer.endswith("? Help ^p Palette")
        assert ("t Take over" in footer) == (width >= 80)

    driving.drive(prepared, steps, size=(width, 24), link="dialogue/30")


@pytest.mark.parametrize(
    ("width", "right"), [(120, "run ab12cd34 · ◇ surrogate"), (60, "◇ surrogate"), (44, "◇ surrogate")]
)
def test_the_title_line_keeps_the_world(tmp_path: Path, width: int, right: str) -> None:
    async def steps(pilot: Pilot[None]) -> None:
        assert screen_text(pilot.app).splitlines()[0].endswith(right)

    drive(tmp_path / "w.db", steps, size=(width, 24))


def test_a_database_that_is_moved_away_is_said_and_nothing_is_written(tmp_path: Path) -> None:
    path = tmp_path / "w.db"

    async def steps(pilot: Pilot[None]) -> None:
        path.rename(tmp_path / "moved.db")
        await until(pilot, lambda: "moved or deleted: put it back" in " ".join(screen_text(pilot.app).split()))
        await pilot.press("asterisk")
        await settled(pilot)
        assert not path.exists()

    drive(path, steps)


def test_a_database_that_was_replaced_is_said(tmp_path: Path) -> None:
    path = tmp_path / "w.db"

    async def steps(pilot: Pilot[None]) -> None:
        open_writable(tmp_path / "other.db").conn.close()
        (tmp_path / "other.db").replace(path)
        await until(pilot, lambda: "replaced by another file" in screen_text(pilot.app))

    drive(path, steps)


def test_the_first_start_shows_the_notice_once_and_remembers(tmp_path: Path) -> None:
    memory = tmp_path / "state" / "app.json"

    async def steps(pilot: Pilot[None]) -> None:
        await until(pilot, lambda: "A word before you begin" in screen_text(pilot.app))
        await pilot.press("enter")
        await until(pilot, memory.exists)
        await pilot.press("T")
        assert isinstance(pilot.app, WorkbenchApp)
        assert pilot.app.settings.toured
        assert pilot.app.settings.theme == pilot.app.theme != "dark"

    drive(tmp_path / "w.db", steps, settings=Settings(memory=memory))


def test_every_theme_can_be_taken_live(tmp_path: Path) -> None:
    async def steps(pilot: Pilot[None]) -> None:
        seen = set()
        for _ in palettes():
            await pilot.press("T")
            await settled(pilot)
            seen.add(pilot.app.theme)
        assert seen == set(palettes())

    drive(tmp_path / "w.db", steps)


def test_what_is_seen_is_written_beside_what_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "it-is.txt").write_text("mine")

    async def steps(pilot: Pilot[None]) -> None:
        for name in ("it-is-2.txt", "workbench-scenarios-screen.svg"):
            await pilot.press("e")
            await until(pilot, lambda: "Write what is seen to" in screen_text(pilot.app))
            await pilot.press(*(["down"] if name.endswith("svg") else []), "enter")
            await until(pilot, (tmp_path / name).exists)
            await settled(pilot)

    drive(tmp_path / "w.db", steps)
    assert (tmp_path / "it-is.txt").read_text() == "mine"
    assert "<svg" in (tmp_path / "workbench-scenarios-screen.svg").read_text()


def test_jump_goes_to_a_pane(tmp_path: Path) -> None:
    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("ctrl+o")
        await until(pilot, lambda: "s  Right" in screen_text(pilot.app))
        await pilot.press("s")
        await settled(pilot)
        assert pilot.app.focused is not None
        assert pilot.app.focused.id == "two"

    drive(tmp_path / "w.db", steps)


def test_links_open_their_screen(tmp_path: Path) -> None:
    async def steps(pilot: Pilot[None]) -> None:
        assert (front(pilot).NAME, front(pilot).link) == ("dialogues", "dialogue/12?step=2")
        await pilot.press("ctrl+p", *"run/ab12")
        await until(pilot, lambda: "open run/ab12" in screen_text(pilot.app))
        await pilot.press("down", "enter")
        await until(pilot, lambda: front(pilot).NAME == "runs" and front(pilot).link == "run/ab12")

    drive(tmp_path / "w.db", steps, link="dialogue/12?step=2")


def test_the_palette_finds_notes_and_bookmarks_by_their_words(tmp_path: Path) -> None:
    db = open_writable(tmp_path / "w.db")
    with transaction(db):
        set_note(db, "search/7", "ask Kim [b]")
        set_bookmark(db, "run/ab12", True)
    db.conn.close()

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("ctrl+p", *"bookmark")
        await until(pilot, lambda: "★ bookmark run/ab12" in screen_text(pilot.app))
        await pilot.press("escape", "escape", "ctrl+p", *"kim")
        await until(pilot, lambda: "✎ ask Kim [b]" in screen_text(pilot.app))
        await pilot.press("down", "enter")
        await until(pilot, lambda: front(pilot).link == "search/7")

    drive(tmp_path / "w.db", steps)


def test_copy_says_what_was_copied(tmp_path: Path) -> None:
    path = tmp_path / "w.db"
    db = open_writable(path)
    with transaction(db):
        set_note(db, "scenario/x", f"copy me {HOSTILE}")
    db.conn.close()

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("y")
        await until(pilot, lambda: "copied: copy me [bold]red" in screen_text(pilot.app))

    drive(path, steps)


def test_a_database_that_goes_away_is_said_and_the_app_stays(tmp_path: Path) -> None:
    path = tmp_path / "w.db"

    async def steps(pilot: Pilot[None]) -> None:
        def read(query: object) -> object:
            from storage.errors import StorageError

            raise StorageError("database gone: name another")

        app = pilot.app
        assert isinstance(app, WorkbenchApp)
        app._store.read = read  # type: ignore[assignment,method-assign]
        for _ in range(3):  # it fails each time, and is said once
            front(pilot).request_refresh()
            await settled(pilot)
        await until(pilot, lambda: "database gone" in screen_text(app))
        assert screen_text(app).count("database gone") == 1

    drive(path, steps)
