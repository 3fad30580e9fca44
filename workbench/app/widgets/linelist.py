"""A list of drawn lines with a cursor: one widget however many lines, so that changing them costs little."""

from collections.abc import Sequence
from typing import ClassVar

from rich.segment import Segment
from textual.binding import Binding, BindingType
from textual.events import Click
from textual.geometry import Region, Size
from textual.message import Message
from textual.strip import Strip

from workbench.app.look import rich_style
from workbench.app.state.spans import Line
from workbench.app.widgets.scrolled import Scrolled

MARK = "▌"
"""Stands before the item under the cursor, so that it is seen without colour."""


class LineList(Scrolled, can_focus=True):
    """Items of `tall` lines each, one of which has the cursor. Lines are cut off at the right.

    Args:
        tall: lines of an item.
        quiet: the cursor is only shown while the list has the focus.

    Fields:
        pointing: there is a cursor; False for a text, which the keys scroll.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", id="list.up", show=False),
        Binding("down,j", "move(1)", "Down", id="list.down", show=False),
        Binding("pageup", "page(-1)", "Page up", id="list.page_up", show=False),
        Binding("pagedown", "page(1)", "Page down", id="list.page_down", show=False),
        Binding("home", "move(-1000000)", "First", id="list.first", show=False),
        Binding("end", "move(1000000)", "Last", id="list.last", show=False),
        Binding("enter", "open", "Open", id="list.open", show=False),
    ]

    class Moved(Message):
        """The user moved the cursor to an item."""

        def __init__(self, lines: "LineList", index: int) -> None:
            super().__init__()
            self.lines, self.index = lines, index

        @property
        def control(self) -> "LineList":
            """The list."""
            return self.lines

    class Opened(Moved):
        """The user wants to see what an item is about."""

    class Resized(Message):
        """A list has another width now, so its lines should be made anew."""

    def __init__(self, *, tall: int = 1, quiet: bool = False, id: str | None = None) -> None:  # noqa: A002 - as Textual's widgets
        super().__init__(id=id)
        self.cursor, self.pointing = 0, True
        self._shown = 0  # the cursor as it was last drawn: a subclass may have moved it since
        self._tall, self._quiet = tall, quiet
        self._lines: Sequence[Line] = ()
        self._heading: Line | None = None

    @property
    def lines(self) -> Sequence[Line]:
        """The lines shown."""
        return self._lines

    def show(self, lines: Sequence[Line], *, heading: Line | None = None, cursor: int | None = None) -> None:
        """Show lines, `tall` an item, under a heading that stays; the cursor stays where it is unless it is given."""
        before = (self._lines, self._heading, self._shown)
        self._lines, self._heading = lines, heading
        self.cursor = self._shown = max(0, min(self.cursor if cursor is None else cursor, self._count - 1))
        if before[1:] != (self._heading, self.cursor):
            self.virtual_size = Size(0, len(lines) + (heading is not None))
            if cursor is not None and cursor != before[2]:
                self._reveal()
            self.refresh()
        elif before[0] != lines:
            self.virtual_size = Size(0, len(lines) + (heading is not None))
            self._refresh_changed(before[0])

    def render_line(self, y: int) -> Strip:
        """Draw one line of the window."""
        width = self.size.width
        if self._heading is not None:
            if y == 0:
                return self._strip(self._heading, width, here=False)
            y -= 1
        y += self.scroll_offset.y
        if y >= len(self._lines):
            return Strip.blank(width, self.rich_style)
        here = self.pointing and y // self._tall == self.cursor and (not self._quiet or self.has_focus)
        return self._strip(self._lines[y], width, here=here)

    def action_move(self, by: int) -> None:
        """Move the cursor by items."""
        if not self.pointing:
            self.scroll_relative(y=by, animate=False)
            return
        wanted = max(0, min(self.cursor + by, self._count - 1))
        if wanted != self.cursor:
            before, self.cursor = self.cursor, wanted
            self._shown = wanted
            self._reveal()
            for item in (before, wanted):  # the others stay as they are, unless they scroll
                self.refresh_lines(item * self._tall + (self._heading is not None), self._tall)
            self.post_message(self.Moved(self, wanted))

    def action_page(self, by: int) -> None:
        """Move the cursor by windows."""
        self.action_move(by * max(1, self.size.height // self._tall - 1))

    def action_open(self) -> None:
        """Open the item under the cursor."""
        if self._lines and self.pointing:
            self.post_message(self.Opened(self, self.cursor))

    def on_click(self, event: Click) -> None:
        """Put the cursor where the mouse is; a double click opens."""
        y = event.y - (self._heading is not None)
        if 0 <= y < len(self._lines) - self.scroll_offset.y:
            y += self.scroll_offset.y
            self.action_move(y // self._tall - self.cursor)
            if event.chain == 2:
                self.action_open()

    def on_resize(self) -> None:
        """Ask for lines that fit."""
        self.post_message(self.Resized())

    def on_focus(self) -> None:
        """Show where the cursor is."""
        self.refresh()

    def on_blur(self) -> None:
        """Dim the cursor."""
        self.refresh()

    def notify_style_update(self) -> None:
        """Draw anew in the colours of another theme."""
        super().notify_style_update()
        self.refresh()

    def _refresh_changed(self, before: Sequence[Line]) -> None:
        """Draw those lines of the window anew that say something else: a list that follows a run changes little."""
        first = int(self.scroll_offset.y)
        for number in range(first, min(first + self.size.height, max(len(before), len(self._lines)))):
            both = number < min(len(before), len(self._lines))
            if not both or before[number] != self._lines[number]:
                self.refresh_line(number + (self._heading is not None))

    @property
    def _count(self) -> int:
        return -(-len(self._lines) // self._tall)

    def _reveal(self) -> None:
        # The heading covers the first line of the window, so what is above the item comes into view with it.
        tall = self._tall + (self._heading is not None)
        self.scroll_to_region(Region(0, self.cursor * self._tall, 1, tall), animate=False, force=True)

    def _strip(self, line: Line, width: int, *, here: bool) -> Strip:
        ground = "panel" if here and self.has_focus else None
        mark = Segment(MARK if here else " ", rich_style(self, "accent", background=ground))
        segments = [Segment(span.text, rich_style(self, span.role, bold=span.bold, background=ground)) for span in line]
        blank = rich_style(self, "foreground", background=ground)
        return Strip([mark, *segments]).adjust_cell_length(width, blank).apply_style(self.rich_style)
