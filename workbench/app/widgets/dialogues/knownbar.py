"""The bar above a dialogue: the known attributes, how complete they are, and what answering now would be worth."""

from collections.abc import Sequence

from rich.segment import Segment
from textual.strip import Strip
from textual.widget import Widget

from workbench.app.look import rich_style
from workbench.app.state.spans import Line


class KnownBar(Widget):
    """A few lines, drawn as they are given."""

    def __init__(self) -> None:
        super().__init__()
        self._lines: Sequence[Line] = ()

    def show(self, lines: Sequence[Line]) -> None:
        """Replace the lines."""
        if lines != self._lines:
            self._lines = lines
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """Draw one line."""
        if y >= len(self._lines):
            return Strip.blank(self.size.width, self.rich_style)
        segments = [Segment(span.text, rich_style(self, span.role, bold=span.bold)) for span in self._lines[y]]
        return Strip([Segment("  "), *segments]).adjust_cell_length(self.size.width).apply_style(self.rich_style)

    def notify_style_update(self) -> None:
        """Draw anew in the colours of another theme."""
        super().notify_style_update()
        self.refresh()
