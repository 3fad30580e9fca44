"""The tree of orders: only the lines on the screen are drawn, however many rows there are."""

import math
from collections.abc import Mapping
from typing import ClassVar, NamedTuple

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.strip import Strip

from workbench.app.look import bar, rich_style, value_style
from workbench.app.state.search.search import SearchState
from workbench.app.state.search.treerows import SORTS, Mark, Rows, Sort, TreeRows, nodes_along, order_of
from workbench.app.widgets.scrolled import Scrolled
from workbench.explain import short_names
from workbench.text import plain

_FULL_NAMES = 36
"""Cells of the column of names from which on attributes have their whole names."""


class Sign(NamedTuple):
    """A mark that a comparison puts on a row: a glyph of one cell, and its colour role."""

    glyph: str
    role: str


class _Widths(NamedTuple):
    """Cells of each column; 0 = not shown."""

    name: int
    bar: int
    visits: int
    q: int
    prior: int
    order: int


class TreeView(Scrolled, can_focus=True, inherit_bindings=False):
    """Shows the tree of orders of a search at its position; keeps the cursor on its node, wherever rows go."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", id="tree.up", show=False),
        Binding("down,j", "move(1)", "Down", id="tree.down", show=False),
        Binding("pageup", "page(-1)", "Page up", id="tree.page_up", show=False),
        Binding("pagedown", "page(1)", "Page down", id="tree.page_down", show=False),
        Binding("left,h", "close", "Close, or to the node above", id="tree.close", show=False),
        Binding("right,l", "open", "Open, or to the first child", id="tree.open", show=False),
        Binding("enter", "turn", "Open or close", id="tree.toggle", show=False),
        Binding("plus", "unfold", "Open everything below", id="tree.unfold", show=False, key_display="+"),
        Binding("minus", "fold", "Close everything below", id="tree.fold", show=False, key_display="-"),
    ]

    class Moved(Message):
        """The cursor stands on another node: `SearchState.cursor` says which."""

        def __init__(self, sender: str) -> None:
            super().__init__()
            self.sender = sender

    class SortBy(Message):
        """The heading of a column was clicked, by which rows can be sorted."""

        def __init__(self, column: Sort) -> None:
            super().__init__()
            self.column = column

    def __init__(self, name: str) -> None:
        """Make a tree view; `name` is its id."""
        super().__init__(id=name)
        self.view = TreeRows()
        self.rows: Rows | None = None
        self._state: SearchState | None = None
        self._signs: Mapping[int, Sign] = {}
        self._row = 0
        self._at: tuple[int, ...] = ()  # the cursor's order as it was last laid out
        self._digits = 4

    def show(self, state: SearchState | None, signs: Mapping[int, Sign] | None = None) -> None:
        """Show a search at its position; `signs` are put on the rows of sets that a comparison found to differ."""
        opened = state is not self._state
        moved = state is not None and not opened and state.cursor != self._at  # by another view of the same search
        self._state, self._signs = state, signs or {}
        if opened:
            self.scroll_to(y=0, animate=False)
        self._lay_out(keep=not opened and not moved)
        if moved:
            self._scroll_to_cursor()

    @property
    def row(self) -> int:
        """The row under the cursor."""
        return self._row

    def find(self, order: tuple[int, ...]) -> None:
        """Open the tree down to an order, as far as it was searched, and put the cursor there."""
        if self._state is not None:
            node = nodes_along(self._state.whole, order)[-1]
            self.view.reveal(self._state.whole, node)
            self._state.cursor = order_of(self._state.whole, node)
            self._lay_out(keep=False)
            self._scroll_to_cursor()
            self.post_message(self.Moved(self.id or ""))

    # What is drawn

    def render_line(self, y: int) -> Strip:
        """Draw the headings, or a row."""
        width = self.scrollable_content_region.width
        base = self.rich_style
        if self._state is None or self.rows is None:
            return Strip.blank(width, base)
        widths = self._widths(width)
        if y == 0:
            return Strip(self._heading(widths)).adjust_cell_length(width, base)
        row = y - 1 + self.scroll_offset.y
        if row >= len(self.rows):
            return Strip.blank(width, base)
        strip = Strip(self._segments(row, widths)).adjust_cell_length(width, base)
        if row == self._row:
            return self._cursor_line(strip)
        return (
            strip.apply_style(base + Style(dim=True)) if self.rows.mark[row] & Mark.LATER else strip.apply_style(base)
        )

    def _cursor_line(self, strip: Strip) -> Strip:
        if not self.has_focus:
            return strip.apply_style(Style(bold=True) + rich_style(self, "foreground", background="panel"))
        style = rich_style(self, "block-cursor-foreground", background="block-cursor-background", bold=True)
        return Strip([Segment(strip.text, style)], strip.cell_length)

    def _widths(self, width: int) -> _Widths:
        visits, q, prior, order = self._digits + 2, 8, 7, max(9, self._digits + 2)
        thick = 12 if width >= 96 else 9 if width >= 66 else 0
        if width < 58:
            prior = 0
        if width < 46:
            order = 0
        return _Widths(max(8, width - visits - q - prior - order - thick - 7), thick, visits, q, prior, order)

    def _heading(self, widths: _Widths) -> list[Segment]:
        style = rich_style(self, "text-muted") + Style(bgcolor=self.rich_style.bgcolor)

        def head(title: str, cells: int) -> str:
            return f"{title}{'▾' if title == self.view.sort else ''}"[:cells].rjust(cells) if cells else ""

        text = " order of questions"[: widths.name].ljust(widths.name) + "   " + " " * widths.bar
        text += head("N", widths.visits) + head("Q", widths.q - 1) + " "
        text += head("prior", widths.prior) + head("rollouts", widths.order)
        return [Segment(text, style)]

    def _segments(self, row: int, widths: _Widths) -> list[Segment]:
        rows, state = self.rows, self._state
        assert rows is not None
        assert state is not None
        mark, node = int(rows.mark[row]), int(rows.node[row])
        indent = " " + "  " * int(rows.depth[row])
        muted = rich_style(self, "text-muted")
        if mark & Mark.MORE:
            fewer = f" (N < {rows.least})" if rows.least and self.view.top is None else ""
            return [Segment(f"{indent}… {rows.hidden[row]} more{fewer}", muted)]
        arrow = "·" if mark & Mark.LEAF else "▾" if mark & Mark.OPEN else "▸"
        names = state.names if widths.name >= _FULL_NAMES else short_names(state.names)
        name = plain(names[int(rows.attribute[row])]) if node else "nothing known"
        room = widths.name - len(indent) - 2
        name = name if len(name) <= room else f"{name[: max(0, room - 1)]}…"
        same = int(rows.mask[row]) == state.cursor_mask and row != self._row
        sign = self._signs.get(int(rows.mask[row]))
        q, prior = float(rows.q[row]), float(rows.prior[row])
        known = not math.isnan(q) and not mark & Mark.FIRST_PLAY
        colour = value_style(self, q) if known else muted
        emphasis = Style(bold=bool(mark & (Mark.CHOSEN | Mark.PATH)) or None)
        said = f"({q:.2f})" if mark & Mark.FIRST_PLAY else "–  " if math.isnan(q) else f"{q:.2f} "
        several = ("≡" if same else "=") if mark & Mark.SEVERAL else " "
        segments = [
            Segment(f"{indent}{arrow} ", muted),
            Segment(name.ljust(max(0, room)), emphasis),
            Segment(f" {several} ", rich_style(self, "mark", bold=same)),
        ]
        if widths.bar:
            segments.append(Segment(bar((q - 1) / 4 if known else 0, widths.bar - 1) + " ", colour))
        segments.append(Segment(str(rows.visits[row]).rjust(widths.visits)))
        segments.append(Segment(said.rjust(widths.q), colour + emphasis))
        if widths.prior:
            text = "" if math.isnan(prior) else f"{prior:.2f}"
            segments.append(Segment(text.rjust(widths.prior), rich_style(self, "prior")))
        if widths.order:
            segments.append(Segment(str(rows.order[row]).rjust(widths.order), muted))
        segments += [
            Segment(" ★" if mark & Mark.CHOSEN else "  ", rich_style(self, "accent")),
            Segment("◀" if mark & Mark.PATH else "⊘" if mark & Mark.LEFT_OUT else " ", rich_style(self, "path")),
            Segment(sign.glyph if sign else " ", rich_style(self, sign.role, bold=True) if sign else None),
        ]
        if same:
            ground = rich_style(self, "foreground", background="panel").bgcolor
            segments = [Segment(text, (style or Style()) + Style(bgcolor=ground)) for text, style, _ in segments]
        return segments

    # Where the cursor is

    def _lay_out(self, *, keep: bool) -> None:
        """Build the rows; with `keep` the cursor's line stays where it is on the screen."""
        before = self._row
        if self._state is None:
            self.rows = None
            self.virtual_size = Size(0, 0)
            self.refresh()
            return
        self.rows, self._at = self.view.build(self._state), self._state.cursor
        self._row = self._row_of_cursor(before)
        self._digits = max(3, len(str(int(self.rows.visits.max(initial=0)))))
        height = self.scrollable_content_region.height
        seen = self.scroll_offset.y <= before < self.scroll_offset.y + height - 1
        self.virtual_size = Size(0, len(self.rows) + 1)
        if keep and seen and self._row != before and len(self.rows) >= height:
            self.scroll_to(y=self.scroll_offset.y + self._row - before, animate=False)
        self.refresh()

    def _row_of_cursor(self, before: int) -> int:
        """Return the row of the cursor's node, or of the nearest one above it that is visible."""
        assert self._state is not None
        assert self.rows is not None
        if before < len(self.rows) and self.rows.is_more(before) and before == self._row:
            order = order_of(self._state.whole, int(self.rows.node[before]))
            if order == self._state.cursor:
                return before
        for node in reversed(nodes_along(self._state.whole, self._state.cursor)):
            if (row := self.rows.find(node)) is not None:
                return row
        return 0

    def _go_to(self, row: int) -> None:
        if self._state is None or not self.rows:
            return
        self._row = max(0, min(row, len(self.rows) - 1))
        self._state.cursor = self._at = order_of(self._state.whole, int(self.rows.node[self._row]))
        self._scroll_to_cursor()
        self.refresh()
        self.post_message(self.Moved(self.id or ""))

    def _scroll_to_cursor(self) -> None:
        top, height = self.scroll_offset.y, self.scrollable_content_region.height - 1
        if self._row < top:
            self.scroll_to(y=self._row, animate=False)
        elif self._row >= top + height:
            self.scroll_to(y=self._row - height + 1, animate=False)

    def action_move(self, step: int) -> None:
        """Move the cursor by rows."""
        self._go_to(self._row + step)

    def action_page(self, step: int) -> None:
        """Move the cursor by what the window holds."""
        self._go_to(self._row + step * max(1, self.scrollable_content_region.height - 2))

    def action_open(self) -> None:
        """Open the node; if it is open, go to its first child."""
        if self.rows and not self._more() and not self.rows.mark[self._row] & Mark.LEAF:
            if self.rows.mark[self._row] & Mark.OPEN:
                self._go_to(self._row + 1)
            else:
                self.action_turn()

    def action_close(self) -> None:
        """Close the node; if it is closed, go to the one above."""
        if self._state is None or not self.rows:
            return
        node = int(self.rows.node[self._row])
        if self._more():
            self._go_to(self.rows.find(node) or 0)
        elif self.rows.mark[self._row] & Mark.OPEN:
            self.action_turn()
        elif node:
            self._go_to(self.rows.find(int(self._state.whole.parent[node])) or 0)

    def action_turn(self) -> None:
        """Open or close the node, or show all that a line of `… more` stands for."""
        if not self.rows:
            return
        node = int(self.rows.node[self._row])
        if self._more():
            self.view.entire.add(node)
            self._lay_out(keep=True)
            self._go_to(self._row)
        elif not self.rows.mark[self._row] & Mark.LEAF:
            self.view.entire.discard(node)
            self.view.toggle(node, opened=not self.rows.mark[self._row] & Mark.OPEN)
            self._lay_out(keep=True)

    def action_unfold(self) -> None:
        """Open everything below the node."""
        self._toggle_below(opened=True)

    def action_fold(self) -> None:
        """Close everything below the node."""
        self._toggle_below(opened=False)

    def _toggle_below(self, *, opened: bool) -> None:
        if self._state is None or not self.rows:
            return
        below = {int(self.rows.node[self._row])}
        for node, parent in enumerate(self._state.whole.parent.tolist()):
            if parent in below:
                below.add(node)
        for node in below:
            self.view.toggle(node, opened=opened)
        self._lay_out(keep=True)

    def _more(self) -> bool:
        return self.rows is not None and self._row < len(self.rows) and self.rows.is_more(self._row)

    def on_focus(self) -> None:
        """Draw the cursor as that of the pane in use."""
        self.refresh()

    def on_blur(self) -> None:
        """Draw the cursor as that of another pane."""
        self.refresh()

    def on_click(self, event: events.Click) -> None:
        """Go to a row; on its arrow, or by a second click, open or close it; a heading sorts."""
        if self.rows is None:
            return
        if event.y == 0:
            self._click_heading(event.x)
            return
        row = event.y - 1 + self.scroll_offset.y
        if row >= len(self.rows):
            return
        self._go_to(row)
        if event.chain == 2 or self._more() or 0 <= event.x - 1 - 2 * int(self.rows.depth[row]) <= 1:
            self.action_turn()

    def _click_heading(self, x: int) -> None:
        widths = self._widths(self.scrollable_content_region.width)
        at = widths.name + 3 + widths.bar
        for column, cells in zip(SORTS, (widths.visits, widths.q, widths.prior), strict=True):
            if at <= x < at + cells:
                self.post_message(self.SortBy(column))
            at += cells

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Draw the heading anew too, which scrolls with nothing."""
        super().watch_scroll_y(old_value, new_value)
        self.refresh(Region(0, 0, self.size.width, self.size.height))
