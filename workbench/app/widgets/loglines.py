"""The end of a log."""

from collections.abc import Sequence
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.strip import Strip

from workbench.app.look import rich_style
from workbench.app.widgets.scrolled import Scrolled


class LogLines(Scrolled, can_focus=True):
    """Follows what is added at the end, unless somebody has scrolled up. Left and right move sideways."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("k", "scroll_up", "Up", id="log.up", show=False),
        Binding("j", "scroll_down", "Down", id="log.down", show=False),
    ]

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - as Textual's widgets
        super().__init__(id=id)
        self._lines: Sequence[str] = ()
        self._hint = ""

    def show(self, lines: Sequence[str], hint: str = "") -> None:
        """Show safe lines, or where there are none a hint why."""
        if (lines, hint) == (self._lines, self._hint):
            return
        following = self.scroll_offset.y >= self.max_scroll_y
        self._lines, self._hint = lines, hint
        self.virtual_size = Size(max(map(cell_len, lines), default=0), len(lines))
        if following:
            self.scroll_end(animate=False, immediate=True, x_axis=False)
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """Draw one line of the window."""
        width, left = self.size.width, self.scroll_offset.x
        if not self._lines:
            segments = [Segment(self._hint, rich_style(self, "text-muted"))] if y == 0 else []
        else:
            y += self.scroll_offset.y
            segments = [Segment(self._lines[y], rich_style(self, "foreground"))] if y < len(self._lines) else []
        return Strip(segments).crop_extend(left, left + width, self.rich_style).apply_style(self.rich_style)

    def notify_style_update(self) -> None:
        """Draw anew in the colours of another theme."""
        super().notify_style_update()
        self.refresh()
