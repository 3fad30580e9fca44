"""The transport bar: where in a search one is, and the way to anywhere else."""

from typing import Literal, NamedTuple

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from planner.trace import Trace
from themes import status
from workbench.app.look import rich_style

PlayStatus = Literal["running", "paused", "replay", "done", "failed", "interrupted"]
"""What is going on, in the words of the vocabulary; `replay` moves through what is stored."""

_BUTTONS = (("◀◀", -10), ("◀", -1), ("▶", 1), ("▶▶", 10))
_LEAST_BAR, _MOST_BAR = 10, 60
_WORDS = 60
"""Columns from which the position is told in words."""


class Playing(NamedTuple):
    """What the bar shows.

    Fields:
        t: the position. rollouts: how many there are.
        status: what is going on. speed: of a replay, as "8/s"; empty where there is none.
        counts: of evaluations, rankings and failures, in words.
    """

    t: int
    rollouts: int
    status: PlayStatus
    speed: str = ""
    counts: str = ""


def count_words(trace: Trace, t: int) -> str:
    """Count what the first `t` rollouts took."""
    trace = trace if t == trace.rollouts else trace.until(t)
    failed = f" · {trace.failed} failed" if trace.failed else ""
    counts = (
        f"{n} {what}{'s' * (n != 1)}" for n, what in ((trace.evaluations, "evaluation"), (len(trace.states), "ranking"))
    )
    return " · ".join(counts) + failed


class Transport(Widget):
    """One line: buttons, the position, a bar to drag along, what is going on, and what it took so far."""

    class Moved(Message):
        """The user wants to see the search after `t` rollouts."""

        def __init__(self, t: int) -> None:
            super().__init__()
            self.t = t

    class Toggled(Message):
        """The status was clicked: run or pause, as it may be."""

    def __init__(self, name: str = "transport") -> None:
        """Make a bar; `name` is its id."""
        super().__init__(id=name)
        self._shown = Playing(0, 0, "done")
        self._dragging = False

    def show(self, playing: Playing) -> None:
        """Show a position."""
        if playing != self._shown:
            self._shown = playing
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """Draw the line."""
        if y:
            return Strip.blank(self.size.width, self.rich_style)
        segments = [segment for part, segment in self._parts(self.size.width)]
        return Strip(segments).adjust_cell_length(self.size.width).apply_style(self.rich_style)

    def _parts(self, width: int) -> list[tuple[str, Segment]]:
        """Return the pieces from the left with what each is; what has no room is left out, counts first."""
        shown, muted = self._shown, rich_style(self, "text-muted")
        parts: list[tuple[str, Segment]] = []
        for glyph, step in _BUTTONS:
            able = 0 <= shown.t + step // abs(step) <= shown.rollouts
            parts += [
                ("", Segment(" ")),
                (f"step {step}", Segment(glyph, rich_style(self, "primary") if able else muted)),
            ]
            parts.append(("", Segment(" ")))
        digits = len(str(shown.rollouts))
        before, between = (" rollout ", " of ") if width >= _WORDS else (" ", "/")
        parts.append(("", Segment(before, muted)))
        parts.append(("", Segment(f"{shown.t:>{digits}}", Style(bold=True))))
        parts.append(("", Segment(f"{between}{shown.rollouts} ", muted)))
        found = status(shown.status)
        after = [("toggle", Segment(f" {found.label()}", rich_style(self, found.colour, bold=True)))]
        more = [Segment(f" · {text}", muted) for text in (shown.speed, shown.counts) if text]
        room = width - _cells(parts) - _cells(after) - 1
        for segment in more:
            if room - cell_len(segment.text) >= _LEAST_BAR:
                after.append(("", segment))
                room -= cell_len(segment.text)
        if room >= 3:
            parts += self._bar(min(room, _MOST_BAR))
        return [*parts, *after]

    def _bar(self, width: int) -> list[tuple[str, Segment]]:
        shown = self._shown
        knob = round((width - 1) * shown.t / shown.rollouts) if shown.rollouts else 0
        return [
            ("bar", Segment("━" * knob, rich_style(self, "primary"))),
            ("bar", Segment("●", rich_style(self, "accent", bold=True))),
            ("bar", Segment("─" * (width - 1 - knob), rich_style(self, "text-muted"))),
        ]

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Press a button, or take hold of the bar."""
        at = 0
        for part, segment in self._parts(self.size.width):
            cells = cell_len(segment.text)
            if at <= event.x < at + cells:
                if part.startswith("step"):
                    self._go(self._shown.t + int(part.split()[1]))
                elif part == "bar":
                    self._dragging = True
                    self.capture_mouse()
                    self._drag(event.x)
                elif part == "toggle":
                    self.post_message(self.Toggled())
                return
            at += cells

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Follow the mouse along the bar."""
        if self._dragging:
            self._drag(event.x)

    def on_mouse_up(self) -> None:
        """Let go of the bar."""
        self._dragging = False
        self.release_mouse()

    def _drag(self, x: int) -> None:
        parts = self._parts(self.size.width)
        bar = [i for i, (part, _) in enumerate(parts) if part == "bar"]
        if bar:
            start, cells = _cells(parts[: bar[0]]), _cells(parts[bar[0] : bar[-1] + 1])
            self._go(round((x - start) * self._shown.rollouts / max(1, cells - 1)))

    def _go(self, t: int) -> None:
        t = max(0, min(t, self._shown.rollouts))
        if t != self._shown.t:
            self._shown = self._shown._replace(t=t)
            self.refresh()
            self.post_message(self.Moved(t))

    def notify_style_update(self) -> None:
        """Draw anew in the colours of another theme."""
        super().notify_style_update()
        self.refresh()


def _cells(parts: list[tuple[str, Segment]]) -> int:
    return sum(cell_len(segment.text) for _, segment in parts)
