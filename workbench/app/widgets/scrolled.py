"""What widgets that draw their own lines are made from."""

from textual.geometry import Size
from textual.reactive import Reactive
from textual.scroll_view import ScrollView


class Scrolled(ScrollView):
    """Lines in a window.

    With another number of lines only the scroll bars change. Textual by itself would lay out and draw the whole screen
    anew, which costs each key that leads to a longer or shorter text several times what it does.
    """

    virtual_size = Reactive(Size(0, 0), layout=False)

    def watch_virtual_size(self, size: Size) -> None:
        """Fit the scroll bars; lay the screen out where one comes or goes, or the window is as high as the lines."""
        if self.styles.auto_dimensions:
            self.refresh(layout=True)
        else:
            self._scroll_update(size)
