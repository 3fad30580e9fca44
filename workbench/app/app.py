"""The app: six screens on one database, themes, keys, the palette, and what holds on every screen."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, TypeVar

from textual import work
from textual.app import App, SystemCommand
from textual.binding import Binding
from textual.command import CommandPalette
from textual.events import Event, InputEvent
from textual.reactive import reactive
from textual.screen import Screen

from storage.errors import StorageError
from themes import palettes, stylesheets
from workbench.app import ahead, pauses
from workbench.app.frame import SCREENS, Subject, WorkbenchScreen
from workbench.app.hangup import Terminal
from workbench.app.keynames import key_name, screen_class
from workbench.app.look import themes
from workbench.app.state.blur import blur
from workbench.app.state.links import Link
from workbench.app.state.settings import Settings
from workbench.app.store import Store
from workbench.text import plain

if TYPE_CHECKING:
    from storage.sqlite import Database
    from workbench.engine.steering.launch import Launched

T = TypeVar("T")

_POLL_SECONDS = 0.1
"""How often the app looks whether the database has changed: a counter in shared memory, no read of the file."""

_AHEAD_SECONDS = 0.5
"""After this, counted from when there is something to read from, it imports what it has not needed yet."""

_SAY_SECONDS = 10.0
"""What went wrong is said for so long."""

_TOLD = 3
"""Faults of the user's keys that are told at once."""


def _screen(name: str) -> WorkbenchScreen:
    return screen_class(name)()


def _providers() -> type:
    from workbench.app.places import Places

    return Places


class WorkbenchApp(App[None]):
    """The workbench on one database, which must exist.

    Args:
        path: the database.
        settings: how it looks and listens.
        link: what to open first.
    """

    TITLE = "workbench"
    CSS_PATH: ClassVar = [str(path) for path in stylesheets()]
    MODES: ClassVar = {name: partial(_screen, name) for name in SCREENS}
    COMMANDS = App.COMMANDS | {_providers}
    COMMAND_PALETTE_BINDING = "ctrl+p"
    BINDINGS = [
        *(
            Binding(str(number), f"go('{name}')", name.title(), id=f"app.{name}", show=False)
            for number, name in enumerate(SCREENS, 1)
        ),
        Binding("question_mark", "help", "Help", id="app.help", key_display="?"),
        Binding("ctrl+p", "command_palette", "Palette", id="app.palette", key_display="^p", priority=True),
        Binding("e", "export", "Export what is seen", id="app.export", show=False),
        Binding("y", "copy", "Copy", id="app.copy", show=False),
        Binding("m", "note", "Note and tags", id="app.note", show=False),
        Binding("asterisk", "bookmark", "Bookmark", id="app.bookmark", show=False, key_display="*"),
        Binding("B", "blur", "Blur texts", id="app.blur", show=False),
        Binding("T", "next_theme", "Next theme", id="app.theme", show=False),
        Binding("ctrl+o", "jump", "Jump to a pane", id="app.jump", show=False, key_display="^o"),
        Binding("q", "leave", "Back", id="app.back", show=False),
        Binding("ctrl+q", "quit", "Quit", id="app.quit", show=False, key_display="^q", priority=True),
    ]

    blurred: reactive[bool] = reactive(False)

    def __init__(self, path: Path, settings: Settings | None = None, link: Link | None = None) -> None:
        super().__init__()
        self.path = path
        self.settings = settings or Settings()
        self.defects: list[Exception] = []
        self._said: dict[str, float] = {}
        self._link = link
        self._store = Store(path)
        self._terminal = Terminal()
        self._version: int | None = None
        self._touched = 0.0
        self._visited: list[str] = []
        self._drawn, self._readable = asyncio.Event(), asyncio.Event()
        for theme in themes():
            self.register_theme(theme)
        self.theme = self.settings.theme
        self.set_reactive(WorkbenchApp.blurred, self.settings.blurred)
        self.set_keymap(self.settings.keys)

    # The store

    async def read(self, query: "Callable[[Database], T]") -> T:
        """Read from the database, in a thread.

        Raises:
            StorageError: it can't be read.
        """
        await self.readable()
        return await self._store.read(query)

    async def readable(self) -> None:
        """Wait until there is something to read from: the first frame comes before what reading imports."""
        await self._readable.wait()

    async def write(self, change: "Callable[[Database], T]") -> T:
        """Write to the database, in a thread and a transaction: commands, notes and ratings, nothing else.

        Raises:
            StorageError: it can't be written.
        """
        return await self._store.write(change)

    async def launch(self, arguments: Sequence[str]) -> "Launched":
        """Start `workbench ARGUMENTS --db …` as a process of its own, which goes on when the app is closed.

        Raises:
            RunError: it could not be started.
        """
        from workbench.engine.steering.launch import launch

        return await asyncio.to_thread(launch, self.path, list(arguments))

    # What screens use

    def sensitive(self, text: str, *, lines: bool = False) -> str:
        """Return a text that may weigh on whoever reads it: safe to show, and blurred while texts are blurred."""
        shown = plain(text, lines=lines)
        return blur(shown) if self.blurred else shown

    def problem(self, text: str) -> None:
        """Say what went wrong, unless that is being said: what is read again and again may fail each time."""
        now = time.monotonic()
        self._said = {said: until for said, until in self._said.items() if until > now}
        if text not in self._said:
            self._said[text] = now + _SAY_SECONDS
            self.notify(plain(text), severity="error", markup=False, timeout=_SAY_SECONDS)

    def defect(self, error: Exception) -> None:
        """Say that the app itself is at fault; it goes on."""
        self.defects = [*self.defects[-9:], error]  # each holds on to what it came from
        self.log.error(error)
        self.problem(f"internal error: {type(error).__name__}: {error}; please report it")

    def follow_link(self, link: Link) -> None:
        """Go to the screen that shows what a link names, and open it there."""
        self.run_worker(self._follow(link), group="follow", exit_on_error=False)

    @property
    def screen_in_front(self) -> WorkbenchScreen | None:
        """The screen of the six that is shown, maybe beneath a dialog."""
        base = self.screen_stack[0] if self.screen_stack else None
        return base if isinstance(base, WorkbenchScreen) else None

    # Life

    def on_mount(self) -> None:
        """Show the first screen, and start to look for changes."""
        self.run_worker(self._begin(), group="begin", exit_on_error=False)

    async def on_unmount(self) -> None:
        """Let go of the database."""
        await asyncio.to_thread(self._store.close)

    async def _begin(self) -> None:
        await self._go(self._link.screen if self._link else SCREENS[0])
        self.call_after_refresh(self._drawn.set)
        await self._drawn.wait()
        with contextlib.suppress(StorageError):  # `_look` says what is wrong
            await self._store.open()
            self._version = self._store.version()  # before anything is read: nothing that is written later is missed
        self._readable.set()
        pauses.started()
        if self._link:
            await self._follow(self._link)
        self.set_interval(_POLL_SECONDS, self._look)
        self.set_timer(_AHEAD_SECONDS, self._import_ahead)
        if self.settings.keys:
            self._check_keys()
        if not self.settings.toured:
            from workbench.app.screens.tour import Tour

            self.push_screen(Tour(), lambda _: self._remember(toured=True))

    async def on_event(self, event: Event) -> None:
        """Note when something was pressed last."""
        if isinstance(event, InputEvent):
            self._touched = time.monotonic()
        await super().on_event(event)

    @work(group="ahead", exit_on_error=False)
    async def _import_ahead(self) -> None:
        """Import the other screens and the dialogs, so that the first key that leads there is answered at once."""
        await ahead.import_all(lambda: time.monotonic() - self._touched)

    @work(group="keys", exit_on_error=False)
    async def _check_keys(self) -> None:
        """Say what is wrong with the keys that the user has set."""
        from workbench.app.keys import faults
        from workbench.app.state.settings import settings_path

        found = await asyncio.to_thread(faults, self.settings.keys)
        if found:
            more = f" (and {len(found) - _TOLD} more)" if len(found) > _TOLD else ""
            rest = f"{more}; {key_name(self.screen, 'app.help')} lists the keys that hold"
            self.problem(f"{settings_path()}, [keys]: {'; '.join(found[:_TOLD])}{rest}")

    def _look(self) -> None:
        """Have the screen in front read again where any process has written; leave if nobody is there to see it."""
        if self._terminal.gone:
            self.exit()
            return
        try:
            version = self._store.version()
        except StorageError as error:
            self.problem(str(error))
            self._version = None  # read everything once it is back
            return
        if version != self._version:
            self._version = version
            if front := self.screen_in_front:
                front.notice_change()

    async def _go(self, name: str) -> None:
        if self.current_mode != name:
            if self.current_mode in SCREENS:
                self._visited.append(self.current_mode)
            await self.switch_mode(name)

    async def _follow(self, link: Link) -> None:
        await self._go(link.screen)
        if front := self.screen_in_front:
            try:
                await front.open_link(link)
            except StorageError as error:
                self.problem(str(error))
            except Exception as error:
                self.defect(error)
            front.request_refresh()

    def _remember(self, **changes: object) -> None:
        self.settings = self.settings.remember(**changes)

    def watch_blurred(self) -> None:
        """Render texts anew."""
        if front := self.screen_in_front:
            front.request_refresh()

    # Keys

    @work(group="go")
    async def action_go(self, name: str) -> None:
        """Show one of the six screens."""
        await self._go(name)

    def action_command_palette(self) -> None:
        """Ask for a place or a command."""
        if not isinstance(self.screen, CommandPalette):
            self.push_screen(CommandPalette(placeholder="words of a scenario, a run, a bookmark, a link, a command …"))

    def action_help(self) -> None:
        """Show every key of this screen."""
        from workbench.app.screens.help import Help

        self.push_screen(Help(self.screen))

    @work(group="back")
    async def action_leave(self) -> None:
        """Close what is open, else return to the screen before, else ask whether to leave."""
        front = self.screen_in_front
        if front is not None and front.back():
            return
        if self._visited:
            await self.switch_mode(self._visited.pop())
            return
        await self._ask_to_leave()

    def action_help_quit(self) -> None:
        """Ask whether to leave: ctrl+c, where it has nothing to copy."""
        self.run_worker(self._ask_to_leave(), group="back", exit_on_error=False)

    async def _ask_to_leave(self) -> None:
        from workbench.app.screens.ask import Leave

        if not isinstance(self.screen, Leave) and await self.push_screen_wait(Leave()):
            self.exit()

    def action_blur(self) -> None:
        """Blur texts that may weigh on whoever reads them, in pictures too, or show them again."""
        self.blurred = not self.blurred
        self.notify("texts are blurred" if self.blurred else "texts are shown", timeout=2)

    def action_next_theme(self) -> None:
        """Take the next theme."""
        names = list(palettes())
        self.use_theme(names[(names.index(self.theme) + 1) % len(names)] if self.theme in names else names[0])

    def use_theme(self, name: str) -> None:
        """Take a theme and remember it."""
        self.theme = name
        self._remember(theme=name)
        self.notify(f"theme {name}", timeout=2)

    def action_copy(self) -> None:
        """Copy what the screen offers."""
        text = self.screen_in_front.copy_text() if self.screen_in_front else None
        if text is None:
            self.notify("nothing here to copy", severity="warning", timeout=3)
        else:
            self.copy_to_clipboard(text)
            shown = self.sensitive(text).strip()
            self.notify(f"copied: {shown[:60]}{'…' if len(shown) > 60 else ''}", markup=False, timeout=3)

    @work(group="export")
    async def action_export(self) -> None:
        """Write what is seen to a file in the current folder."""
        from workbench.app.screens.export import ExportDialog

        if front := self.screen_in_front:
            path = await self.push_screen_wait(ExportDialog(front))
            if path is not None:
                self.notify(f"written: {path}", markup=False)

    @work(group="note")
    async def action_note(self) -> None:
        """Edit note and tags of what is open."""
        from workbench.app.screens.note import NoteDialog

        subject = self._subject()
        if subject is not None and await self.push_screen_wait(NoteDialog(subject)):
            self.notify(f"kept: note and tags of {plain(subject.label)}", markup=False, timeout=3)

    @work(group="note")
    async def action_bookmark(self) -> None:
        """Put a bookmark on what is open, or take it off."""
        from storage.notes import annotations, set_bookmark

        subject = self._subject()
        if subject is None:
            return

        def turn(db: "Database") -> bool:
            on = not annotations(db, subject.target).bookmarked
            set_bookmark(db, subject.target, on)
            return on

        try:
            on = await self.write(turn)
        except StorageError as error:
            self.problem(str(error))
        else:
            back = key_name(self.screen, "app.palette")
            self.notify(
                f"{'bookmarked' if on else 'bookmark removed'}: {plain(subject.label)}"
                f"{f'; {back} leads back to it' if on else ''}",
                markup=False,
                timeout=4,
            )

    def _subject(self) -> Subject | None:
        """Return what notes go to; where nothing is open, say so."""
        subject = self.screen_in_front.subject() if self.screen_in_front else None
        if subject is None:
            self.notify("open a scenario, search, dialogue or run first", severity="warning", timeout=3)
        return subject

    def action_jump(self) -> None:
        """Show a letter on every pane; the letter goes there."""
        from workbench.app.screens.jump import Jump

        if front := self.screen_in_front:
            self.push_screen(Jump(front))

    def get_key_display(self, binding: Binding) -> str:
        """Return how a key is called; enter by its name, as in all texts."""
        return super().get_key_display(binding).replace("⏎", "enter")

    def get_system_commands(self, _screen: Screen[object]) -> Iterable[SystemCommand]:
        """List what the palette offers beside places."""
        for number, name in enumerate(SCREENS, 1):
            yield SystemCommand(f"Screen: {name}", f"key {number}", partial(self.action_go, name))
        for name in palettes():
            yield SystemCommand(f"Theme: {name}", "change how the app looks", partial(self.use_theme, name))
        yield SystemCommand("Blur texts", "hide sensitive texts, in pictures too; again shows them", self.action_blur)
        yield SystemCommand("Export", "write what is seen to a file", self.action_export)
        yield SystemCommand("Note and tags", "on what is open", self.action_note)
        yield SystemCommand("Bookmark", "on what is open", self.action_bookmark)
        yield SystemCommand("Help", "every key of this screen", self.action_help)
        yield SystemCommand("Quit", "runs go on", self.action_quit)
