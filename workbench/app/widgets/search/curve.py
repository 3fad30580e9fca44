"""The curves under the tree: the value of the best subset and of the first question against rollouts."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from workbench.app.look import rich_style
from workbench.app.state.search.curves import Curves, bounds, column_of, curves, raster, rollout_at
from workbench.app.state.search.search import SearchState
from workbench.explain import short_names
from workbench.text import plain

_MARGIN = 6
"""Cells of the value axis at the left."""

_APART = 2
"""Cells from a mark on one curve to that on the next, so that curves on top of each other show all their marks."""

_BETWEEN = Segment("   ")
"""Stands between the entries of a legend."""


class _Pen(NamedTuple):
    """How a curve is drawn.

    Fields:
        legend: what stands before its name. role: its colour. mark: a glyph that stands on it again and again, if any.
    """

    legend: str
    role: str
    mark: str = ""


class _Look(NamedTuple):
    """How a search is drawn: the value of its best subset and, dotted, that of its first question.

    Fields:
        word: which search it is, where there are two. changed: stands at the rollouts that changed its choice.
    """

    word: str
    best: _Pen
    chosen: _Pen
    changed: _Pen


_ALONE = _Look("", _Pen("⣀⣀", "primary"), _Pen("⢀⢀", "note"), _Pen("▴", "accent"))
_LEFT = _Look("left", _Pen("●", "primary", "●"), _Pen("■", "primary", "■"), _Pen("▴", "primary"))
_RIGHT = _Look("right", _Pen("○", "note", "○"), _Pen("□", "note", "□"), _Pen("▵", "note"))
"""Of two searches the left one has filled marks, the right one hollow ones: told apart without colour too."""


class _Side(NamedTuple):
    """A search that is drawn.

    Fields:
        curves: its own. names: `[n]`, of the attributes, short and safe to show. trace: what the curves are of.
    """

    look: _Look
    curves: Curves
    names: tuple[str, ...]
    trace: object


class _Layer(NamedTuple):
    """One curve as it stands in the plot: `[height, width]` bits of braille, and the columns that have its mark."""

    cells: NDArray[np.uint8]
    pen: _Pen
    marked: range


class Curve(Widget):
    """Draws the curves of one search or of two, the position, where choices changed and which evaluations failed."""

    class Moved(Message):
        """The user wants to see the search after `t` rollouts."""

        def __init__(self, t: int) -> None:
            super().__init__()
            self.t = t

    def __init__(self, name: str = "curve") -> None:
        """Make a widget; `name` is its id."""
        super().__init__(id=name)
        self._sides: list[_Side] = []
        self._t, self._held = 0, ""
        self._drawn: tuple[tuple[int, int], list[_Layer]] | None = None
        self._dragging = False

    def show(self, search: SearchState | None, beside: SearchState | None = None, held: str = "") -> None:
        """Show a search at its position, the one beside it, and what holds it: safe text."""
        before, self._sides = self._sides, []
        if search is not None:
            looks = (_ALONE,) if beside is None else (_LEFT, _RIGHT)
            for place, (look, state) in enumerate(zip(looks, (search, beside), strict=False)):
                assert state is not None
                same = before[place] if place < len(before) and before[place].trace is state.trace else None
                known = curves(state.trace, state.course) if same is None else same.curves
                self._sides.append(_Side(look, known, short_names(tuple(map(plain, state.names))), state.trace))
            self._t, self._held = search.t, held
        if [(side.look, side.trace) for side in before] != [(side.look, side.trace) for side in self._sides]:
            self._drawn = None
        self.refresh()

    @property
    def _rollouts(self) -> int:
        """How many rollouts the width stands for."""
        return max((side.curves.rollouts for side in self._sides), default=0)

    def render_line(self, y: int) -> Strip:
        """Draw a line of the legend, of the curves, or the axis below them."""
        width, height = self.size
        legends = len(self._sides)
        if not self._sides or not self._sides[0].curves.rollouts or height <= legends:
            return self._strip([] if y else self._before_the_first())
        if y < legends:
            return self._strip(self._legend(self._sides[y], width))
        if y == height - 1:
            return self._strip(self._axis(width - _MARGIN))
        return self._strip(self._line(y - legends, width - _MARGIN, height - legends - 1))

    def _before_the_first(self) -> list[Segment]:
        if self._held:
            return [Segment(f" {self._held}", rich_style(self, "warning", bold=True))]
        return [Segment(" the curve begins with the first rollout", rich_style(self, "text-muted"))]

    def _strip(self, segments: list[Segment]) -> Strip:
        return Strip(segments).adjust_cell_length(self.size.width).apply_style(self.rich_style)

    def _legend(self, side: _Side, width: int) -> list[Segment]:
        """Name the curves and marks of a search, in fewer words where room is short."""
        parts = self._entries(side, short=False)
        if _cells(parts) > width:
            parts = self._entries(side, short=True)
        while len(parts) > 1 and _cells(parts) > width:
            parts.pop()
        return [segment for place, part in enumerate(parts) for segment in ([_BETWEEN] * (place > 0) + part)]

    def _entries(self, side: _Side, *, short: bool) -> list[list[Segment]]:
        look, known = side.look, side.curves
        t = min(self._t, known.rollouts)
        best = float(known.best[t - 1]) if t else np.nan
        chosen = float(known.chosen[t - 1]) if t else np.nan

        def entry(pen: _Pen, text: str, value: str = "") -> list[Segment]:
            return [
                Segment(f"{pen.legend} ", rich_style(self, pen.role, bold=True)),
                Segment(text),
                Segment(value, Style(bold=True)),
            ]

        word = f" {look.word:<5} " if look.word else " "  # as wide as the longer of left and right
        parts = [
            [
                Segment(word, rich_style(self, look.best.role, bold=True)),
                *entry(look.best, "best " if short else "best subset ", "–" if np.isnan(best) else f"{best:.2f}"),
            ]
        ]
        if not np.isnan(chosen):
            name = side.names[int(known.first[t - 1])]
            parts.append(entry(look.chosen, f"{name} first " if short else f"{name} asked first ", f"{chosen:.2f}"))
        parts.append(entry(look.changed, known.said(t, short=short)))
        if failed := sum(at <= t for at in known.failed):
            parts.append([Segment("× ", rich_style(self, "error")), Segment(f"{failed} failed")])
        return parts

    def _layers(self, width: int, height: int) -> list[_Layer]:
        """Return the curves, what is on top first."""
        if self._drawn is None or self._drawn[0] != (width, height):
            ends, rollouts = bounds([side.curves for side in self._sides]), self._rollouts
            pens = [(side.look.best, side.curves.best, False) for side in self._sides]
            pens += [(side.look.chosen, side.curves.chosen, True) for side in self._sides]
            layers = [
                _Layer(
                    raster(values, ends, width, height, rollouts=rollouts, dotted=dotted),
                    pen,
                    range(_APART * (place + 1), width if pen.mark else 0, _APART * len(pens)),
                )
                for place, (pen, values, dotted) in enumerate(pens)
            ]
            self._drawn = (width, height), layers
        return self._drawn[1]

    def _line(self, row: int, width: int, height: int) -> list[Segment]:
        layers = self._layers(width, height)
        here = column_of(self._t, self._rollouts, width) if self._t else -1
        segments = [Segment(self._label(row, height), rich_style(self, "text-muted"))]
        for column in range(width):
            text, role = _cell(layers, row, column)
            if role:
                style = rich_style(self, role, dim=column > here, background="panel" if column == here else None)
            else:
                text, style = ("│" if column == here else " "), rich_style(self, "accent")
            segments.append(Segment(text, style))
        return segments

    def _label(self, row: int, height: int) -> str:
        low, high = bounds([side.curves for side in self._sides])
        if row == 0:
            return f" {high:.1f} ┤"
        if row == height - 1:
            return f" {low:.1f} ┤"
        return "     │"

    def _axis(self, width: int) -> list[Segment]:
        muted = rich_style(self, "text-muted")
        cells = [("─", muted)] * width
        for marks, glyph, role in self._marks():
            for t in marks:
                cells[column_of(t, self._rollouts, width)] = (glyph, rich_style(self, role, dim=t > self._t))
        if self._t:
            here = column_of(self._t, self._rollouts, width)
            glyph, style = cells[here]
            cells[here] = ("┴" if glyph == "─" else glyph, style + rich_style(self, "accent", bold=True))
        return [Segment("     └", muted), *(Segment(glyph, style) for glyph, style in cells)]

    def _marks(self) -> Iterator[tuple[tuple[int, ...], str, str]]:
        """Yield what stands on the axis: rollouts, a glyph and its colour role; what comes later stands on top."""
        for side in reversed(self._sides):
            yield side.curves.changes, side.look.changed.legend, side.look.changed.role
        for side in self._sides:
            yield side.curves.failed, "×", "error"

    def _go(self, x: int) -> None:
        if self._sides:
            t = rollout_at(x - _MARGIN, self._rollouts, self.size.width - _MARGIN)
            t = min(t, self._sides[0].curves.rollouts)
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


def _cell(layers: list[_Layer], row: int, column: int) -> tuple[str, str]:
    """Return the glyph of a cell of the plot and its colour role, both empty where no curve goes through."""
    through = [layer for layer in layers if layer.cells[row, column]]
    for layer in through:
        if column in layer.marked and not layer.cells[:row, column].any():  # once where it climbs
            return layer.pen.mark, layer.pen.role
    if not through:
        return "", ""
    bits = 0
    for layer in through:
        bits |= int(layer.cells[row, column])
    return chr(0x2800 | bits), through[0].pen.role


def _cells(parts: list[list[Segment]]) -> int:
    return sum(segment.cell_length for part in parts for segment in part) + len(_BETWEEN.text) * (len(parts) - 1)
