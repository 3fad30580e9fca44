"""The end of a log."""

from collections.abc import Sequence
from typing import ClassVar

from rich.segment import Segment
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.strip import Strip

from workbench.app.look import rich_style
from workbench.app.state.logtail import folded
from workbench.app.widgets.scrolled import Scrolled


class LogLines(Scrolled, can_focus=True):
    """Follows what is added at the end, unless somebody has scrolled up. Lines too long for the window are folded."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("k", "scroll_up", "Up", id="log.up", show=False),
        Binding("j", "scroll_down", "Down", id="log.down", show=False),
    ]

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - as Textual's widgets
        super().__init__(id=id)
        self._lines: Sequence[str] = ()
        self._rows: Sequence[str] = ()
        self._hint = ""
        self._following = True

    def show(self, lines: Sequence[str], hint: str = "") -> None:
        """Show safe lines, or where there are none a hint why."""
        if (lines, hint) != (self._lines, self._hint):
            self._lines, self._hint = lines, hint
            self._fold()

    def on_resize(self) -> None:
        """Fold the lines anew; the end stays in view if it was."""
        self._fold()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Follow the end once it is reached, and no more once it is left."""
        super().watch_scroll_y(old_value, new_value)
        self._following = new_value >= self.max_scroll_y

    def render_line(self, y: int) -> Strip:
        """Draw one line of the window."""
        width = self.size.width
        if not self._rows:
            segments = [Segment(self._hint, rich_style(self, "text-muted"))] if y == 0 else []
        else:
            y += self.scroll_offset.y
            segments = [Segment(self._rows[y], rich_style(self, "foreground"))] if y < len(self._rows) else []
        return Strip(segments).crop_extend(0, width, self.rich_style).apply_style(self.rich_style)

    def notify_style_update(self) -> None:
        """Draw anew in the colours of another theme."""
        super().notify_style_update()
        self.refresh()

    def _fold(self) -> None:
        width, following = self.scrollable_content_region.width, self._following
        self._rows = [row for text in self._lines for row in folded(text, width)]
        self.virtual_size = Size(0, len(self._rows))
        if following:
            self.scroll_end(animate=False, immediate=True, x_axis=False)
        self.refresh()
