"""The frame that all six screens share: title line, panes, footer, and when they read the store."""

import asyncio
import time
from bisect import bisect_right
from collections.abc import Awaitable, Callable, Mapping
from itertools import accumulate
from typing import TYPE_CHECKING, ClassVar, NamedTuple, TypeVar, cast

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.content import Content, ContentType
from textual.css.query import NoMatches
from textual.events import Click, DescendantFocus, Resize, ScreenResume
from textual.message import Message
from textual.screen import ModalScreen, Screen
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Static
from textual.worker import Worker

from storage.errors import StorageError
from workbench.app.failures import tell_failure
from workbench.app.keynames import hints_of, key_name
from workbench.app.look import status_content
from workbench.app.state.links import Link
from workbench.app.widgets.keyline import KeyLine
from workbench.text import plain

if TYPE_CHECKING:
    from workbench.app.app import WorkbenchApp

ResultT = TypeVar("ResultT")

SCREENS: tuple[str, ...] = ("scenarios", "search", "dialogues", "scores", "runs", "workers")
"""The screens in the order of their keys, 1 to 6."""

NARROW, TINY = 100, 60
"""Columns. Under the first one pane is shown at a time; under the second a line says that it is tight."""

_REFRESH_SECONDS = 0.12
"""A screen reads again no sooner than this after it has read: several changes are shown as one."""

_SHARE = 4
"""What changes by itself is read again no sooner than so many times what reading it took: keys and runs come first."""


class Headline(NamedTuple):
    """What the title line says: what is open, its run, and the world it comes from."""

    what: str = ""
    run: str | None = None
    world: str | None = None


class Subject(NamedTuple):
    """What notes, tags and bookmarks are put on; `kind/id` is also its deep link."""

    kind: str
    id: str
    label: str

    @property
    def target(self) -> str:
        """How the store names it."""
        return f"{self.kind}/{self.id}"


class Export(NamedTuple):
    """A file that a screen can write: its name without suffix, the suffix with its dot, and what makes the text.

    What has to read for it returns an awaitable.
    """

    name: str
    suffix: str
    make: Callable[[], str | Awaitable[str]]

    async def text(self) -> str:
        """Return what is to be written.

        Raises:
            StorageError: what it needs can't be read.
        """
        made = self.make()
        return made if isinstance(made, str) else await made


class WorkbenchDialog(ModalScreen[ResultT]):
    """A dialog above a screen."""

    @property
    def workbench(self) -> "WorkbenchApp":
        """The app, as what it is."""
        return cast("WorkbenchApp", self.app)

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """Say what went wrong in the background."""
        tell_failure(self.workbench, event)


class _Title:
    """A pane's title, whose text is never markup: it may come from data.

    To set the one that stands there already draws nothing; Textual would draw the whole pane.
    """

    def __set_name__(self, _: type[Widget], name: str) -> None:
        self._name, self._set = f"_last_{name}", Widget.__dict__[name]

    def __set__(self, pane: Widget, title: ContentType | None) -> None:
        last = title.markup if isinstance(title, Content) else title
        if getattr(pane, self._name, None) != last:
            setattr(pane, self._name, last)
            self._set.__set__(pane, Content(title) if isinstance(title, str) else title)

    def __get__(self, pane: Widget, owner: type[Widget] | None = None) -> str | None:
        return cast("str | None", self._set.__get__(pane, owner))


class Pane(Vertical):
    """A bordered part of a screen. Where only one has room, it is the one last used."""

    border_title = _Title()
    border_subtitle = _Title()


class TitleLine(Static):
    """The screens with their keys, then what is open. A click on a screen's name goes there."""

    class Chosen(Message):
        """A screen's name was clicked."""

        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

    _ends: tuple[int, ...] = ()
    """Where each screen's name ends, in cells."""
    _markup = ""

    def on_click(self, event: Click) -> None:
        """Say whose name was clicked."""
        number = bisect_right(self._ends, event.x)
        if number < len(self._ends):
            self.post_message(self.Chosen(SCREENS[number]))

    def show(self, current: str, headline: Headline, width: int) -> None:
        """Render for `width` cells: names where there is room, numbers where there is not."""
        right = self._open(headline, width)
        tabs = self._tabs(current, named=True)
        if width < 120 and sum(tab.cell_length for tab in tabs) + 1 + right.cell_length > width:
            tabs = self._tabs(current, named=False)
        self._ends = tuple(accumulate(tab.cell_length for tab in tabs))
        left = Content("").join(tabs)
        right = self._open(headline, width - left.cell_length - 1)
        line = left + Content(" " * max(0, width - left.cell_length - right.cell_length)) + right
        if line.markup != self._markup:
            self._markup = line.markup
            # One line high whatever it says: to lay the screen out anew would cost a key several times what it does.
            self.update(line, layout=False)

    def _tabs(self, current: str, *, named: bool) -> list[Content]:
        return [
            Content.styled(
                f" {number} {name.title()} " if named or name == current else f" {number} ",
                "bold reverse $primary" if name == current else "$muted",
            )
            for number, name in enumerate(SCREENS, 1)
        ]

    def _open(self, headline: Headline, room: int) -> Content:
        """Return what is open in at most `room` cells; the world is what stays longest, and the run goes first."""
        what = Content(plain(headline.what))
        run = Content.styled(f"run {plain(headline.run)}" if headline.run else "", "$muted")
        world = headline.world or ""
        from_world = status_content("surrogate") if world == "surrogate" else Content.styled(plain(world), "$note")
        for parts in ([what, run, from_world], [what, from_world]):
            line = Content(" · ").join(part for part in parts if part) + Content(" ")
            if line.cell_length <= room:
                return line
        kept = room - from_world.cell_length - 4  # the dot between, and the cell at the end
        if kept > 0 and from_world:
            return what.truncate(kept, ellipsis=True) + Content(" · ") + from_world + Content(" ")
        return (from_world or what).truncate(max(0, room), ellipsis=True)


class WorkbenchScreen(Screen[None]):
    """One of the six screens. Subclasses fill the body, and say what is open and how to read it."""

    NAME: ClassVar[str]
    PANES: ClassVar[tuple[str, ...]] = ()
    """Ids of the panes, in the order of the tab key."""
    WORDS: ClassVar[Mapping[str, str]] = {}
    """Words and signs on the screen, and what they mean: the help lists them."""

    BINDINGS = [
        Binding("tab", "pane(1)", "Next pane", id="frame.next_pane", show=False),
        Binding("shift+tab", "pane(-1)", "Previous pane", id="frame.previous_pane", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._refreshing = self._stale = self._filled = False
        self._next_read = 0.0
        self._waiting: Timer | None = None
        self._pane = 0

    # What a screen says about itself

    @property
    def workbench(self) -> "WorkbenchApp":
        """The app, as what it is."""
        return cast("WorkbenchApp", self.app)

    def compose_body(self) -> ComposeResult:
        """Yield the panes."""
        raise NotImplementedError

    def headline(self) -> Headline:
        """Return what the title line says."""
        return Headline()

    async def refresh_data(self) -> None:
        """Read from the store and show it; called when the screen is shown and after the database has changed."""

    def subject(self) -> Subject | None:
        """Return what notes, tags and bookmarks apply to now."""
        return None

    def copy_text(self) -> str | None:
        """Return what the copy key copies now."""
        return None

    def exports(self) -> list[Export]:
        """Return the files that what is seen can be written to."""
        return []

    async def open_link(self, link: Link) -> None:
        """Show what a link names."""

    def back(self) -> bool:
        """Close what is open; False where nothing is, and the app goes back to the screen before."""
        return False

    # What the frame does

    def compose(self) -> ComposeResult:
        """Yield title line, body and footer."""
        yield TitleLine(id="title")
        with Horizontal(id="body"):
            yield from self.compose_body()
        yield Static(id="unread", markup=False)
        yield Static("a wider window (60 columns) shows more", id="tight")
        yield KeyLine()

    def request_refresh(self) -> None:
        """Have the data read soon: at once, or when the reading under way has ended."""
        self._stale = True
        if not self._refreshing and self.is_mounted:
            self._refreshing = True
            self.run_worker(self._refresh(), group="refresh", exit_on_error=False)

    def notice_change(self) -> None:
        """Have the data read because the database has changed: at once, or when that is due again."""
        wait = self._next_read - time.monotonic()
        if wait <= 0:
            self.request_refresh()
        elif self._waiting is None:
            self._waiting = self.set_timer(wait, self._after_waiting)

    def read_every(self, seconds: float) -> None:
        """Have the data read again and again while the screen is shown: some of it changes outside the database."""
        self.set_interval(seconds, self._read_if_shown)

    def key(self, name: str) -> str:
        """Return the key of a binding, by its id: the one that the user chose."""
        return key_name(self, name)

    def hints(self, *hints: tuple[str, str]) -> Content:
        """Return what keys do, in a line where a click does it, too: words, and the id of a binding, each."""
        return hints_of(self, *hints)

    def refuse(self, why: str) -> None:
        """Say why a key does nothing now."""
        self.notify(plain(why), severity="warning", markup=False, timeout=5)

    @property
    def refreshing(self) -> bool:
        """Whether data is being read."""
        return self._refreshing

    def refresh_headline(self) -> None:
        """Show the title line anew."""
        if self.is_mounted:
            self.query_one(TitleLine).show(self.NAME, self.headline(), self.app.size.width)

    def action_pane(self, step: int) -> None:
        """Go to the next pane, or the one before."""
        shown = [i for i, pane in enumerate(self.PANES) if self._has_pane(pane)]
        if shown:
            here = shown.index(self._pane) if self._pane in shown else 0
            self.show_pane(self.PANES[shown[(here + step) % len(shown)]])

    def show_pane(self, pane: str) -> None:
        """Bring a pane to the front, where only one is shown, and put the focus into it."""
        self._pane = self.PANES.index(pane)
        self._mark_pane()
        wanted = self.query_one(f"#{pane}")
        for widget in (wanted, *wanted.query("*")):
            if widget.focusable and widget.display:
                widget.focus()
                return

    async def _refresh(self) -> None:
        try:
            await self.workbench.readable()
            while self._stale:
                self._stale = False
                began = time.monotonic()
                try:
                    await self.refresh_data()
                finally:  # what fails, too, is not tried again at every change
                    ended = time.monotonic()
                    self._next_read = ended + max(_REFRESH_SECONDS, _SHARE * (ended - began))
                self._filled = True
                self.remove_class("-unread")
                self.refresh_headline()
                if self._stale:
                    await asyncio.sleep(_REFRESH_SECONDS)
        except StorageError as error:
            self.workbench.problem(str(error))
            if not self._filled:  # an empty list would say that nothing is stored
                self.query_one("#unread", Static).update(plain(str(error)))
                self.add_class("-unread")
        except Exception as error:
            if self.app.is_running:  # else the widgets went while it was read
                self.workbench.defect(error)
        finally:
            self._refreshing = False

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """Say what went wrong in the background."""
        tell_failure(self.workbench, event)

    def _after_waiting(self) -> None:
        self._waiting = None
        self._read_if_shown()

    def _read_if_shown(self) -> None:
        if self.workbench.screen_in_front is self:
            self.request_refresh()

    def _has_pane(self, pane: str) -> bool:
        try:
            return self.query_one(f"#{pane}").styles.display != "none" or self.has_class("-narrow")
        except NoMatches:
            return False

    def _mark_pane(self) -> None:
        for number, pane in enumerate(self.PANES):
            for widget in self.query(f"#{pane}"):
                widget.set_class(number == self._pane, "-front")

    def on_title_line_chosen(self, message: TitleLine.Chosen) -> None:
        """Go to the screen whose name was clicked."""
        self.workbench.action_go(message.name)

    def on_mount(self) -> None:
        """Read for the first time."""
        self.request_refresh()

    def on_screen_resume(self, _: ScreenResume) -> None:
        """Catch up with what was written while another screen was shown."""
        self.request_refresh()

    def on_resize(self, event: Resize) -> None:
        """Note how much room there is."""
        self.set_class(event.size.width < NARROW, "-narrow")
        self.set_class(event.size.width < TINY, "-tiny")
        self._mark_pane()
        self.refresh_headline()

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        """Remember which pane is in use."""
        for node in event.widget.ancestors_with_self:
            if isinstance(node, Widget) and node.id in self.PANES:
                self._pane = self.PANES.index(node.id)
                self._mark_pane()
                return
