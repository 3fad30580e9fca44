"""The curve under the tree: the value of the best subset and of the first question against rollouts."""

import numpy as np
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from workbench.app.look import rich_style
from workbench.app.state.curves import Curves, column_of, curves, raster, rollout_at
from workbench.app.state.search import SearchState
from workbench.explain import short_names
from workbench.text import plain

_MARGIN = 6
"""Cells of the value axis at the left."""

BEST, CHOSEN = "primary", "note"
"""Colour roles of the two curves; the second is also dotted."""


class Curve(Widget):
    """Draws both curves, the position, where the choice changed and which evaluations failed."""

    class Moved(Message):
        """The user wants to see the search after `t` rollouts."""

        def __init__(self, t: int) -> None:
            super().__init__()
            self.t = t

    def __init__(self, name: str = "curve") -> None:
        """Make a curve; `name` is its id."""
        super().__init__(id=name)
        self._curves: Curves | None = None
        self._names: tuple[str, ...] = ()
        self._t, self._held = 0, ""
        self._trace: object = None
        self._drawn: dict[tuple[int, int], tuple[np.ndarray, np.ndarray]] = {}
        self._dragging = False

    def show(self, search: SearchState | None) -> None:
        """Show a search at its position."""
        if search is None:
            self._curves = self._trace = None
        elif search.trace is not self._trace:
            self._curves, self._trace = curves(search.trace, search.course), search.trace
            self._drawn.clear()
        if search is not None:
            self._t, self._held = search.t, plain(search.halt)
            self._names = short_names(tuple(map(plain, search.names)))
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """Draw the legend, a line of the curves, or the axis below them."""
        width, height = self.size
        if self._curves is None or not self._curves.rollouts or height < 2:
            return self._strip([] if y else self._before_the_first())
        if y == 0:
            return self._strip(self._legend(width))
        if y == height - 1:
            return self._strip(self._axis(width - _MARGIN))
        return self._strip(self._line(y - 1, width - _MARGIN, height - 2))

    def _before_the_first(self) -> list[Segment]:
        if self._held:
            return [Segment(f" {self._held}", rich_style(self, "warning", bold=True))]
        return [Segment(" the curve begins with the first rollout", rich_style(self, "text-muted"))]

    def _strip(self, segments: list[Segment]) -> Strip:
        return Strip(segments).adjust_cell_length(self.size.width).apply_style(self.rich_style)

    def _legend(self, width: int) -> list[Segment]:
        """Name the curves and marks, in fewer words where room is short."""
        parts = self._entries(short=False)
        if _cells(parts) > width:
            parts = self._entries(short=True)
        while len(parts) > 1 and _cells(parts) > width:
            parts.pop()
        return [segment for part in parts for segment in part]

    def _entries(self, *, short: bool) -> list[list[Segment]]:
        known = self._curves
        assert known is not None
        row = self._t - 1
        best = float(known.best[row]) if row >= 0 else np.nan
        chosen = float(known.chosen[row]) if row >= 0 else np.nan
        value = "–" if np.isnan(best) else f"{best:.2f}"
        parts = [
            [
                Segment(" ⣀⣀ ", rich_style(self, BEST, bold=True)),
                Segment("best " if short else "best subset "),
                Segment(value, Style(bold=True)),
            ]
        ]
        if not np.isnan(chosen):
            parts.append(
                [
                    Segment("   ⢀⢀ ", rich_style(self, CHOSEN, bold=True)),
                    Segment(f"{self._names[int(known.first[row])]} first "),
                    Segment(f"{chosen:.2f}", Style(bold=True)),
                ]
            )
        parts.append([Segment("   ▴ ", rich_style(self, "accent")), Segment(known.said(self._t, short=short))])
        if failed := sum(t <= self._t for t in known.failed):
            parts.append([Segment("   × ", rich_style(self, "error")), Segment(f"{failed} failed")])
        return parts

    def _line(self, row: int, width: int, height: int) -> list[Segment]:
        known = self._curves
        assert known is not None
        if (width, height) not in self._drawn:
            bounds = known.bounds()
            best = raster(known.best, bounds, width, height)
            self._drawn = {(width, height): (best, raster(known.chosen, bounds, width, height, dotted=True))}
        best, chosen = self._drawn[width, height]
        here = column_of(self._t, known.rollouts, width) if self._t else -1
        segments = [Segment(self._label(row, height, known.bounds()), rich_style(self, "text-muted"))]
        for column in range(width):
            bits, under = int(best[row, column]), int(chosen[row, column])
            role = BEST if bits else CHOSEN
            if bits or under:
                text = chr(0x2800 | bits | under)
                style = rich_style(self, role, dim=column > here, background="panel" if column == here else None)
            else:
                text, style = ("│" if column == here else " "), rich_style(self, "accent")
            segments.append(Segment(text, style))
        return segments

    def _label(self, row: int, height: int, bounds: tuple[float, float]) -> str:
        low, high = bounds
        if row == 0:
            return f" {high:.1f} ┤"
        if row == height - 1:
            return f" {low:.1f} ┤"
        return "     │"

    def _axis(self, width: int) -> list[Segment]:
        known = self._curves
        assert known is not None
        muted = rich_style(self, "text-muted")
        cells = [("─", muted)] * width
        for marks, glyph, role in ((known.changes, "▴", "accent"), (known.failed, "×", "error")):
            for t in marks:
                cells[column_of(t, known.rollouts, width)] = (glyph, rich_style(self, role, dim=t > self._t))
        if self._t:
            here = column_of(self._t, known.rollouts, width)
            glyph, style = cells[here]
            cells[here] = ("┴" if glyph == "─" else glyph, style + rich_style(self, "accent", bold=True))
        return [Segment("     └", muted), *(Segment(glyph, style) for glyph, style in cells)]

    def _go(self, x: int) -> None:
        if self._curves is not None:
            t = rollout_at(x - _MARGIN, self._curves.rollouts, self.size.width - _MARGIN)
            if t != self._t:
                self._t = t
                self.refresh()
                self.post_message(self.Moved(t))

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Go to the rollout under the mouse, and follow it while its button is held."""
        self._dragging = True
        self.capture_mouse()
        self._go(event.x)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Follow the mouse."""
        if self._dragging:
            self._go(event.x)

    def on_mouse_up(self) -> None:
        """Let go."""
        self._dragging = False
        self.release_mouse()

    def notify_style_update(self) -> None:
        """Draw anew in the colours of another theme."""
        super().notify_style_update()
        self.refresh()


def _cells(parts: list[list[Segment]]) -> int:
    return sum(segment.cell_length for part in parts for segment in part)
