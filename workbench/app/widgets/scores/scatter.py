"""Two arms against each other: a dot per scenario, the diagonal where both are as good, and a cursor on the dots."""

from itertools import groupby
from typing import ClassVar

import numpy as np
from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding, BindingType
from textual.events import Click
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from workbench.app.look import rich_style
from workbench.app.state.scores.beside import Beside, nearest
from workbench.app.state.scores.canvas import Plot

_AXIS = 5
"""Columns left of the plot: the axis and its numbers."""

_SIDES = {1: "value-high", -1: "value-low", 0: "value-mid"}


class Scatter(Widget, can_focus=True):
    """The scores of one arm (x) and another (y)."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "move(-1, 0)", "Next to the left", id="scatter.left", show=False),
        Binding("right", "move(1, 0)", "Next to the right", id="scatter.right", show=False),
        Binding("up", "move(0, 1)", "Next above", id="scatter.up", show=False),
        Binding("down", "move(0, -1)", "Next below", id="scatter.down", show=False),
        Binding("pagedown", "rank(1)", "Next smaller difference", id="scatter.next", show=False),
        Binding("pageup", "rank(-1)", "Next larger difference", id="scatter.previous", show=False),
        Binding("enter", "open", "Open the scenario", id="scatter.open", show=False),
    ]

    class Moved(Message):
        """The cursor is on another point."""

    class Opened(Message):
        """The user wants to see a scenario."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - as Textual's widgets
        super().__init__(id=id)
        self.cursor = 0
        self._beside: Beside | None = None
        self._plot: Plot | None = None

    def show(self, beside: Beside, cursor: int = 0) -> None:
        """Show two arms."""
        self._beside, self._plot = beside, None
        self.cursor = max(0, min(cursor, len(beside.points) - 1))
        self.refresh()

    def notify_style_update(self) -> None:
        """Draw anew in the colours of another theme."""
        super().notify_style_update()
        self.refresh()

    def action_move(self, dx: int, dy: int) -> None:
        """Go to the nearest point in a direction."""
        if self._beside is not None and self._beside.points:
            self._go(nearest(self._beside.xy, self.cursor, dx, dy))

    def action_rank(self, by: int) -> None:
        """Go to the point with the next smaller or larger difference."""
        if self._beside is not None:
            self._go(max(0, min(self.cursor + by, len(self._beside.points) - 1)))

    def action_open(self) -> None:
        """Open the scenario under the cursor."""
        if self._beside is not None and self._beside.points:
            self.post_message(self.Opened())

    def on_click(self, event: Click) -> None:
        """Go to the nearest point; a double click opens it."""
        plot = self._drawn()
        if plot is None or not len(plot.cells):
            return
        # A character is about twice as high as it is wide.
        away = np.abs(plot.cells - (event.x - _AXIS, event.y)) @ np.array([1, 2])
        self._go(int(np.argmin(away)))
        if event.chain == 2:
            self.action_open()

    def render_line(self, y: int) -> Strip:
        """Draw one line."""
        width, muted = self.size.width, rich_style(self, "text-muted")
        plot = self._drawn()
        if plot is None or self._beside is None:
            return Strip.blank(width, self.rich_style)
        if y < plot.height:
            segments = [Segment(self._number(plot, y), muted), *self._dots(plot, y)]
        elif y == plot.height:
            ticks = {plot.column_of(score) for score in range(1, 6)}
            axis = "".join("┴" if x in ticks else "─" for x in range(plot.width))
            segments = [Segment(f"{'└':>{_AXIS}}{axis}", muted)]
        elif y == plot.height + 1:
            numbers = [" "] * plot.width
            for score in range(1, 6):
                numbers[plot.column_of(score)] = str(score)
            segments = [Segment(" " * _AXIS + "".join(numbers), muted)]
        else:
            segments = [Segment(" " * _AXIS + self._legend(plot, width - _AXIS), muted)]
        return Strip(segments).adjust_cell_length(width).apply_style(self.rich_style)

    def _go(self, cursor: int) -> None:
        if cursor != self.cursor:
            plot = self._drawn()
            rows = {int(plot.cells[at][1]) for at in (cursor, self.cursor)} if plot is not None else set()
            self.cursor = cursor
            self.refresh(*(Region(0, y, self.size.width, 1) for y in rows))
            self.post_message(self.Moved())

    def _drawn(self) -> Plot | None:
        """Return the plot at the size of now; it is drawn once for each."""
        width, height = self.size.width - _AXIS - 1, self.size.height - 3
        if self._beside is None or width < 10 or height < 4:
            return None
        if self._plot is None or (self._plot.width, self._plot.height) != (width, height):
            self._plot = Plot(self._beside.xy, width, height)
        return self._plot

    def _legend(self, plot: Plot, room: int) -> str:
        """Say what the axes and marks are, in as many words as there is room for."""
        if self._beside is None:
            return ""
        above, below = ("▲", "▼") if plot.few else ("above", "below")
        texts = []
        for x, up in (self._beside.names, self._beside.short):
            axes = f"→ {x}   ↑ {up}"
            texts.append(f"{axes}   {above} {up} higher   {below} {x} higher   ·· the same")
            texts.append(f"{axes}   {above} ↑ higher   {below} → higher   ·· the same")
            texts.append(f"→ {x}  ↑ {up}  {above} ↑ higher  {below} → higher")
        return next((text for text in texts if cell_len(text) <= room), texts[-1])

    def _number(self, plot: Plot, y: int) -> str:
        label = next((str(score) for score in range(1, 6) if plot.row_of(score) == y), "")
        return f"{label:>{_AXIS - 2}} {'┤' if label else '│'}"

    def _dots(self, plot: Plot, y: int) -> list[Segment]:
        text, cursor = plot.row(y), self._cursor_in(plot, y)
        roles = [_SIDES[side] if filled else None for side, filled in zip(plot.sides[y], plot.filled[y], strict=True)]
        segments: list[Segment] = []
        for (role, here), run in groupby(range(plot.width), lambda x: (roles[x], x == cursor)):
            if here:
                accent = rich_style(self, "accent", bold=True)
                segments.append(Segment("◉", accent + Style(reverse=self.has_focus)))
            else:
                style = rich_style(self, role or "border-blurred", bold=role is not None)
                segments.append(Segment("".join(text[x] for x in run), style))
        return segments

    def _cursor_in(self, plot: Plot, y: int) -> int | None:
        """Return the column of the cursor, where it stands in this row."""
        if len(plot.cells) and plot.cells[self.cursor][1] == y:
            return int(plot.cells[self.cursor][0])
        return None
