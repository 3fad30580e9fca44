"""The lattice of sets: a column for every size, the cursor moves within columns and from set to set."""

from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.strip import Strip

from workbench.app.look import rich_style, value_style
from workbench.app.state.search.lattice import (
    Cell,
    Lattice,
    LatticeSort,
    abbreviations,
    build_lattice,
    most_taken_order,
    set_label,
)
from workbench.app.state.search.search import SearchState
from workbench.app.widgets.scrolled import Scrolled
from workbench.explain import short_names
from workbench.text import counted


class LatticeView(Scrolled, can_focus=True, inherit_bindings=False):
    """Shows every set of a search once: N, Q, the way to the chosen one (★), and what is one attribute away (‹ ›)."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", id="lattice.up", show=False),
        Binding("down,j", "move(1)", "Down", id="lattice.down", show=False),
        Binding("pageup", "page(-1)", "Page up", id="lattice.page_up", show=False),
        Binding("pagedown", "page(1)", "Page down", id="lattice.page_down", show=False),
        Binding("left,h", "across(-1)", "A set without one attribute", id="lattice.left", show=False),
        Binding("right,l", "across(1)", "A set with one more attribute", id="lattice.right", show=False),
    ]

    class Moved(Message):
        """The cursor stands on another set: `SearchState.cursor` is the order of it that was most taken."""

        def __init__(self, sender: str) -> None:
            super().__init__()
            self.sender = sender

    def __init__(self, name: str) -> None:
        """Make a lattice view; `name` is its id."""
        super().__init__(id=name)
        self.sort: LatticeSort = "Q"
        self._state: SearchState | None = None
        self._lattice = Lattice([])
        self._short: tuple[str, ...] = ()
        self._digits = 3

    @property
    def lattice(self) -> Lattice:
        """What is shown."""
        return self._lattice

    def show(self, state: SearchState | None) -> None:
        """Show a search at its position."""
        self._state = state
        self._lattice = build_lattice(state, self.sort) if state else Lattice([])
        if state is not None:
            self._short = abbreviations(short_names(state.names))
            self._digits = max(3, len(str(state.trace.rollouts)))
        height = max((len(column) for column in self._lattice.columns), default=0)
        self.virtual_size = Size(sum(self._width(size) for size in range(len(self._lattice.columns))), height + 1)
        self.refresh()

    # What is drawn

    def render_line(self, y: int) -> Strip:
        """Draw the headings, or a line of cells."""
        width, base = self.scrollable_content_region.width, self.rich_style
        if self._state is None:
            return Strip.blank(width, base)
        row = y - 1 + self.scroll_offset.y
        segments: list[Segment] = []
        for size, column in enumerate(self._lattice.columns):
            cells = self._width(size)
            if y == 0:
                title = f" {size} known: {counted(len(column), 'set')}"
                segments.append(Segment(title.ljust(cells)[:cells], rich_style(self, "text-muted")))
            elif row < len(column):
                segments += self._cell(column[row], cells)
            else:
                segments.append(Segment(" " * cells))
        left = self.scroll_offset.x
        whole = Strip(segments)
        if whole.crop(left + width).text.strip():  # so that nobody takes half a figure for one
            shown = [*whole.crop(left, left + width - 1), Segment("…", rich_style(self, "text-muted"))]
            return Strip(shown).apply_style(base)
        return whole.crop_extend(left, left + width, base).apply_style(base)

    def _width(self, size: int) -> int:
        label = sum(sorted((len(name) + 1 for name in self._short), reverse=True)[:size]) if size else 8
        return 2 + label + self._digits + 8

    def _cell(self, cell: Cell, cells: int) -> list[Segment]:
        assert self._state is not None
        here = self._state.cursor_mask
        label = set_label(cell.mask, self._short)
        one_away = (cell.mask ^ here).bit_count() == 1
        near = ("‹" if cell.mask < here else "›") if one_away else " "
        value = "–" if cell.q is None else f"{cell.q:.2f}"
        marks = ("★" if cell.chosen else " ") + ("⊘" if cell.left_out else "◀" if cell.path else " ")
        name = f"{near}{label}".ljust(cells - self._digits - 8)
        if cell.mask == here:
            role = ("block-cursor-foreground", "block-cursor-background") if self.has_focus else ("foreground", "panel")
            style = rich_style(self, role[0], background=role[1], bold=True)
            return [Segment(f"{name}{cell.visits:>{self._digits}} {value:>4}{marks} ", style)]
        colour = rich_style(self, "text-muted") if cell.q is None else value_style(self, cell.q)
        dim = Style(dim=True) if cell.later else Style()
        weight = Style(bold=True) if cell.chosen or cell.path else dim
        return [
            Segment(name, (rich_style(self, "mark") if one_away else Style()) + weight),
            Segment(f"{cell.visits:>{self._digits}} ", dim),
            Segment(f"{value:>4}", colour + weight),
            Segment(f"{marks} ", rich_style(self, "path")),
        ]

    # Where the cursor is

    def action_move(self, step: int) -> None:
        """Move within the column."""
        if self._state is None or (at := self._lattice.find(self._state.cursor_mask)) is None:
            return
        column = self._lattice.columns[at[0]]
        self._go_to(column[max(0, min(at[1] + step, len(column) - 1))].mask)

    def action_page(self, step: int) -> None:
        """Move within the column by what the window holds."""
        self.action_move(step * max(1, self.scrollable_content_region.height - 2))

    def action_across(self, step: int) -> None:
        """Move to the best set with one attribute more, or one less."""
        if self._state is not None:
            mask = self._lattice.beside(self._state.cursor_mask, step)
            if mask is not None:
                self._go_to(mask)

    def _go_to(self, mask: int) -> None:
        if self._state is None:
            return
        self._state.cursor = most_taken_order(self._state, mask)
        self.show_cursor()
        self.refresh()
        self.post_message(self.Moved(self.id or ""))

    def show_cursor(self) -> None:
        """Scroll to where the cursor is."""
        if self._state is None or (at := self._lattice.find(self._state.cursor_mask)) is None:
            return
        column, row = at
        window = self.scrollable_content_region
        x, y = self.scroll_offset
        left = sum(self._width(size) for size in range(column))
        if left < x or left + self._width(column) > x + window.width:
            x = max(0, left + self._width(column) - window.width) if left > x else left
        y = row if row < y else max(y, row - window.height + 2)
        self.scroll_to(x=x, y=y, animate=False)

    def on_focus(self) -> None:
        """Draw the cursor as that of the pane in use."""
        self.refresh()

    def on_blur(self) -> None:
        """Draw the cursor as that of another pane."""
        self.refresh()

    def on_click(self, event: events.Click) -> None:
        """Go to the set that was clicked."""
        x, row = event.x + self.scroll_offset.x, event.y - 1 + self.scroll_offset.y
        for size, column in enumerate(self._lattice.columns):
            if x < self._width(size):
                if 0 <= row < len(column) and event.y > 0:
                    self._go_to(column[row].mask)
                return
            x -= self._width(size)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Draw the headings anew too, which scroll with nothing."""
        super().watch_scroll_y(old_value, new_value)
        self.refresh()
