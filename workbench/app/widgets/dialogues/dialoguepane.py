"""One dialogue as a column: what is known at the step, and what was said, drawn line by line."""

from collections.abc import Sequence
from typing import ClassVar

from rich.segment import Segment
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.events import Click
from textual.geometry import Region, Size
from textual.message import Message
from textual.strip import Strip

from workbench.app.frame import Pane
from workbench.app.look import rich_style
from workbench.app.state.dialogues.transcript import Block
from workbench.app.state.spans import Line, Span
from workbench.app.widgets.dialogues.knownbar import KnownBar
from workbench.app.widgets.linelist import MARK
from workbench.app.widgets.scrolled import Scrolled

MARGIN = 2
"""Cells before each line: the mark of the step, and one that stays free."""

_LATER = "text-muted"
"""The role of everything that has not been said yet at the step."""


class Transcript(Scrolled, can_focus=True, inherit_bindings=False):
    """The steps of a dialogue under each other; the one shown now is marked, those after it are dim."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "scroll_up", "Scroll up", id="transcript.up", show=False),
        Binding("down", "scroll_down", "Scroll down", id="transcript.down", show=False),
        Binding("pageup", "page_up", "Page up", id="transcript.page_up", show=False),
        Binding("pagedown", "page_down", "Page down", id="transcript.page_down", show=False),
    ]

    class Reshaped(Message):
        """There is another width to write in."""

    class Chosen(Message):
        """The user clicked on a step."""

        def __init__(self, step: int) -> None:
            super().__init__()
            self.step = step

    class Scrolled(Message):
        """What is in view begins at another line, `y`."""

        def __init__(self, transcript: "Transcript", y: float) -> None:
            super().__init__()
            self.transcript, self.y = transcript, y

    def __init__(self) -> None:
        super().__init__()
        self._lines: list[tuple[int, Line]] = []
        self._first: dict[int, int] = {}
        self._step = 0

    @property
    def room(self) -> int:
        """Cells for text, 0 while the widget has no size."""
        return max(0, self.scrollable_content_region.width - MARGIN)

    @property
    def step(self) -> int:
        """The step that is marked."""
        return self._step

    def show(self, blocks: Sequence[Block], heights: Sequence[int]) -> None:
        """Replace everything.

        Args:
            heights: lines that each block takes, at least its own; so columns beside each other stay in step.
        """
        self._lines, self._first = [], {}
        for block, height in zip(blocks, heights, strict=True):
            self._first[block.step] = len(self._lines)
            blank: list[Line] = [()] * (height - len(block.lines))
            self._lines += [(block.step, line) for line in (*block.lines, *blank)]
        self.virtual_size = Size(0, len(self._lines))
        self.refresh()

    def go_to(self, step: int) -> None:
        """Mark a step and bring it into view, its beginning first."""
        self._step = step
        first = self._first.get(step)
        if first is not None and self.size.height:
            height = sum(1 for at, _ in self._lines[first : first + self.size.height] if at == step)
            region = Region(0, first, 1, max(1, height))
            self.scroll_to_region(region, animate=False, force=True, immediate=True)
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """Draw one line of the window."""
        y += self.scroll_offset.y
        width = self.size.width
        if y >= len(self._lines):
            return Strip.blank(width, self.rich_style)
        step, spans = self._lines[y]
        mark = MARK if step == self._step and spans else " "
        segments = [Segment(mark + " " * (MARGIN - 1), rich_style(self, "accent"))]
        segments += [self._segment(span, later=step > self._step) for span in spans]
        return Strip(segments).adjust_cell_length(width).apply_style(self.rich_style)

    def _segment(self, span: Span, *, later: bool) -> Segment:
        return Segment(span.text, rich_style(self, _LATER if later else span.role, bold=span.bold and not later))

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Say so, so that the columns beside it follow."""
        super().watch_scroll_y(old_value, new_value)
        if old_value != new_value:
            self.post_message(self.Scrolled(self, new_value))

    def on_resize(self) -> None:
        """Say so, since what is shown was broken into lines for another width."""
        self.post_message(self.Reshaped())

    def on_click(self, event: Click) -> None:
        """Go to the step under the mouse."""
        y = event.y + self.scroll_offset.y
        if 0 <= y < len(self._lines):
            self.post_message(self.Chosen(self._lines[y][0]))

    def notify_style_update(self) -> None:
        """Draw anew in the colours of another theme."""
        super().notify_style_update()
        self.refresh()


class DialoguePane(Pane):
    """A column: the bar of what is known, and below it what was said."""

    def compose(self) -> ComposeResult:
        """Yield bar and text."""
        yield KnownBar()
        yield Transcript()

    @property
    def bar(self) -> KnownBar:
        """What is known."""
        return self.query_one(KnownBar)

    @property
    def transcript(self) -> Transcript:
        """What was said."""
        return self.query_one(Transcript)
