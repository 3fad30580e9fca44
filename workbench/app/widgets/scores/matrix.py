"""The table arms x domains with a cursor over its cells, each a mean with its interval and a bar."""

from collections.abc import Sequence
from typing import ClassVar, Literal, NamedTuple

from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding, BindingType
from textual.events import Click
from textual.geometry import Region, Size
from textual.message import Message
from textual.strip import Strip

from workbench.app.look import HIGHEST, LOWEST, rich_style, value_style
from workbench.app.state.scores.matrix import MatrixCell, MatrixRow, column_title
from workbench.app.state.scores.scores import ORDER
from workbench.app.state.spans import cut
from workbench.app.widgets.scrolled import Scrolled

_LABEL, _CELL, _WIDEST = 18, 10, 14
"""Cells of the labels, the least a column needs, and the most it gets."""


class _Drawn(NamedTuple):
    """A line of the table: which row it belongs to, and which part of it it is."""

    row: int
    part: Literal["heading", "values", "bars"]


class ScoreMatrix(Scrolled, can_focus=True):
    """Rows of figures. Labels and headings stay in sight; columns without room come into view with the cursor."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1, 0)", "Up", id="matrix.up", show=False),
        Binding("down", "move(1, 0)", "Down", id="matrix.down", show=False),
        Binding("left", "move(0, -1)", "Left", id="matrix.left", show=False),
        Binding("right", "move(0, 1)", "Right", id="matrix.right", show=False),
        Binding("pageup", "move(-8, 0)", "Page up", id="matrix.page_up", show=False),
        Binding("pagedown", "move(8, 0)", "Page down", id="matrix.page_down", show=False),
        Binding("home", "move(-1000000, 0)", "First row", id="matrix.first", show=False),
        Binding("end", "move(1000000, 0)", "Last row", id="matrix.last", show=False),
        Binding("enter", "open", "Open the cell", id="matrix.open", show=False),
    ]

    class Moved(Message):
        """The cursor is on another cell."""

    class Opened(Message):
        """The user wants to see what a cell is made of."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - as Textual's widgets
        super().__init__(id=id)
        self._rows: Sequence[MatrixRow] = ()
        self._lines: list[_Drawn] = []
        self._row = self._column = self._first = 0

    @property
    def row(self) -> MatrixRow | None:
        """The row under the cursor; never one of the paper's."""
        return self._rows[self._row] if self._row < len(self._rows) else None

    @property
    def column(self) -> str:
        """The name of the column under the cursor, one of `ORDER`."""
        return ORDER[self._column]

    def show(self, rows: Sequence[MatrixRow]) -> None:
        """Show rows; the cursor stays on the arm and judge it was on, where they are still there."""
        if rows == self._rows:
            return
        before = self.row.key if self.row else None
        self._rows = rows
        places = self._places()
        kept = next((i for i in places if rows[i].key == before), None)
        self._row = kept if kept is not None else places[0] if places else 0
        self._arrange(reveal=kept is None)

    def select(self, row: int, column: int) -> None:
        """Put the cursor on a cell, by the numbers of a row that is not the paper's and of a column."""
        if self._places():
            before, offset = (self._row, self._first), self.scroll_offset
            self._row, self._column = row, column
            self._reveal()
            if (before[1], offset) == (self._first, self.scroll_offset):
                for line in (-1, *(i for i, drawn in enumerate(self._lines) if drawn.row in (before[0], row))):
                    self._refresh_drawn(line)
            else:
                self.refresh()
            self.post_message(self.Moved())

    def on_resize(self) -> None:
        """Make use of the room there is."""
        self._arrange(reveal=True)

    def notify_style_update(self) -> None:
        """Draw anew in the colours of another theme."""
        super().notify_style_update()
        self.refresh()

    def action_move(self, rows: int, columns: int) -> None:
        """Move the cursor."""
        places = self._places()
        if places:
            here = max(0, min(len(places) - 1, places.index(self._row) + rows))
            self.select(places[here], max(0, min(len(ORDER) - 1, self._column + columns)))

    def action_open(self) -> None:
        """Open the cell under the cursor."""
        if self.row is not None:
            self.post_message(self.Opened())

    def on_click(self, event: Click) -> None:
        """Put the cursor where the mouse is; a double click opens."""
        y = event.y - 1 + self.scroll_offset.y
        if event.y < 1 or y >= len(self._lines) or self._rows[self._lines[y].row].key is None:
            return
        column = self._first + max(0, event.x - _LABEL) // self._width
        self.select(self._lines[y].row, min(column, len(ORDER) - 1))
        if event.chain == 2:
            self.action_open()

    def render_line(self, y: int) -> Strip:
        """Draw one line of the window."""
        if y == 0:
            return self._headings()
        y = y - 1 + self.scroll_offset.y
        if y >= len(self._lines):
            return Strip.blank(self.size.width, self.rich_style)
        number, part = self._lines[y]
        row = self._rows[number]
        if part == "heading":
            segments = [Segment(f" {row.heading}", rich_style(self, "accent", bold=True))]
        else:
            label = row.label if part == "values" else ""
            note = row.note if part == "values" else ""
            segments = [Segment(self._label(label, note), self._style(row))]
            width = self._width
            for i in self._shown():
                segments += self._cell(row, row.cells[i], part, (number, i), width)
        return Strip(segments).adjust_cell_length(self.size.width).apply_style(self.rich_style)

    @property
    def _fits(self) -> int:
        return max(1, min(len(ORDER), (self.scrollable_content_region.width - _LABEL) // _CELL))

    @property
    def _width(self) -> int:
        return max(_CELL, min(_WIDEST, (self.scrollable_content_region.width - _LABEL) // self._fits))

    def _shown(self) -> range:
        return range(self._first, min(len(ORDER), self._first + self._fits))

    def _places(self) -> list[int]:
        return [i for i, row in enumerate(self._rows) if row.key is not None]

    def _arrange(self, *, reveal: bool) -> None:
        """Lay out the lines, with bars beneath the figures where all of it fits."""
        # A bar of its own line is read better, but not at the price of rows out of sight.
        needed = sum(2 if row.key else 1 for row in self._rows) + sum(bool(row.heading) for row in self._rows) + 1
        self._tall = needed <= self.size.height
        self._lines = []
        for i, row in enumerate(self._rows):
            if row.heading:
                self._lines.append(_Drawn(i, "heading"))
            self._lines.append(_Drawn(i, "values"))
            if self._tall and row.key:
                self._lines.append(_Drawn(i, "bars"))
        self.virtual_size = Size(0, len(self._lines) + 1)
        if reveal:
            self._reveal()
        self.refresh()

    def _refresh_drawn(self, line: int) -> None:
        """Draw one line anew; -1 is the headings."""
        y = 0 if line < 0 else line + 1 - int(self.scroll_offset.y)
        self.refresh(Region(0, y, self.size.width, 1))

    def _reveal(self) -> None:
        least, most = max(0, self._column - self._fits + 1), min(self._column, len(ORDER) - self._fits)
        self._first = max(least, min(self._first, most))
        at = next((i for i, line in enumerate(self._lines) if line.row == self._row and line.part == "values"), 0)
        # The headings cover the first line of the window, so one line more comes into view.
        self.scroll_to_region(Region(0, at, 1, 3), animate=False, force=True)

    def _headings(self) -> Strip:
        muted = rich_style(self, "text-muted", bold=True)
        shown, width = self._shown(), self._width
        more = ("‹" if shown.start else " ") + ("›" if shown.stop < len(ORDER) else " ")
        segments = [Segment(f" {'arm':<7} judge".ljust(_LABEL - 2) + more, muted)]
        for i in shown:
            title = column_title(ORDER[i], width - 2).rjust(width - 1)
            style = rich_style(self, "foreground", bold=True) if i == self._column else muted
            segments.append(Segment(f"{title} ", style))
        return Strip(segments).adjust_cell_length(self.size.width).apply_style(self.rich_style)

    def _label(self, label: str, note: str) -> str:
        return f" {cut(label, 7):<7} {cut(note, 9):<9}"

    def _style(self, row: MatrixRow) -> Style:
        here = self._row < len(self._rows) and row is self._rows[self._row]
        return rich_style(self, "foreground" if row.key else "text-muted", bold=here, dim=False)

    def _cell(
        self, row: MatrixRow, cell: MatrixCell | None, part: str, place: tuple[int, int], width: int
    ) -> list[Segment]:
        muted = rich_style(self, "text-muted")
        if cell is None:
            text = "–" if row.ready else "…"
            style, value = muted, None
        else:
            text, value = cell.text, cell.value
            style = muted if row.key is None or value is None else value_style(self, value)
        share = 0.0 if value is None else (value - LOWEST) / (HIGHEST - LOWEST)
        if part == "bars":
            return [Segment("  "), Segment(_rule(share, width - 3), style), Segment(" ")]
        block = " " if value is None or row.key is None or self._tall else "▁▂▃▄▅▆▇█"[round(share * 7)]
        pad = width - 1 - len(text) - 1
        if place == (self._row, self._column):
            # Brackets too, so that the cursor is seen without colour.
            cursor = style + Style(reverse=True, bold=True) if self.has_focus else style + Style(bold=True)
            left = f"{block:>{pad}}" if pad > 0 else ""
            return [Segment(left, style), Segment(f"[{text}]", cursor)]
        return [Segment(f"{block:>{pad}}" if pad > 0 else "", style), Segment(f" {text} ", style)]


def _rule(share: float, width: int) -> str:
    """Return a bar as a line, lighter than blocks where figures stand above and below; half a cell is its step."""
    halves = round(share * width * 2)
    return ("━" * (halves // 2) + "╸" * (halves % 2)).ljust(width)
