"""What widgets that draw their own lines are made from."""

from rich.style import Style
from textual.geometry import Size
from textual.reactive import Reactive
from textual.scroll_view import ScrollView


class Scrolled(ScrollView):
    """Lines in a window.

    With another number of lines only the scroll bars change. Textual by itself would lay out and draw the whole screen
    anew, which costs each key that leads to a longer or shorter text several times what it does.
    """

    virtual_size = Reactive(Size(0, 0), layout=False)

    @property
    def rich_style(self) -> Style:
        """The style of text and ground; worked out once per theme and focus, since every line asks for it."""
        key = (self.app.theme, self.has_focus)
        known: dict[tuple[str, bool], Style] = self.__dict__.setdefault("_styles", {})
        if key not in known:
            known[key] = super().rich_style
        return known[key]

    def notify_style_update(self) -> None:
        """Forget the styles, as they may be others now."""
        self.__dict__.pop("_styles", None)
        super().notify_style_update()

    def watch_virtual_size(self, size: Size) -> None:
        """Fit the scroll bars; lay the screen out where one comes or goes, or the window is as high as the lines."""
        if self.styles.auto_dimensions:
            self.refresh(layout=True)
        else:
            self._scroll_update(size)
