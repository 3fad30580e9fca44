"""One scenario in full, scrolled where it is longer than its pane."""

from collections.abc import Sequence

from rich.segment import Segment
from textual.geometry import Size
from textual.message import Message
from textual.strip import Strip

from workbench.app.look import rich_style
from workbench.app.state.spans import Line
from workbench.app.widgets.scrolled import Scrolled


class ProfileView(Scrolled, can_focus=True):
    """Lines that were wrapped to its width. Drawn line by line: changing all of them moves nothing on the screen."""

    class Resized(Message):
        """There is another width to wrap to."""

    def __init__(self) -> None:
        super().__init__()
        self._lines: Sequence[Line] = ()

    @property
    def columns(self) -> int:
        """Cells of a line, beside a margin at both sides and the scroll bar's place."""
        return max(1, self.size.width - 3)

    def show(self, lines: Sequence[Line], *, other: bool) -> None:
        """Show lines; from the top where it is `other` text than before."""
        if lines != self._lines:
            self._lines = lines
            self.virtual_size = Size(0, len(lines))
            self.refresh()
        if other:
            self.scroll_home(animate=False, immediate=True)

    def render_line(self, y: int) -> Strip:
        """Draw one line of the window."""
        y += self.scroll_offset.y
        spans = self._lines[y] if y < len(self._lines) else ()
        segments = [Segment(span.text, rich_style(self, span.role, bold=span.bold)) for span in spans]
        return Strip([Segment(" "), *segments]).adjust_cell_length(self.size.width).apply_style(self.rich_style)

    def on_resize(self) -> None:
        """Have the lines wrapped anew."""
        self.post_message(self.Resized())

    def notify_style_update(self) -> None:
        """Draw anew in the colours of another theme."""
        super().notify_style_update()
        self.refresh()
