"""Boxes to tick and choices of which one holds, whose mark tells it without colour."""

from textual.reactive import reactive
from textual.widgets import Checkbox, RadioButton


class Tick(Checkbox):
    """A box that is empty until it is ticked."""

    value: reactive[bool] = reactive(False, init=False)

    def on_mount(self) -> None:
        """Show the first value."""
        self._mark()

    def watch_value(self) -> None:
        """Show another value."""
        self._mark()
        super().watch_value()

    def _mark(self) -> None:
        self.BUTTON_INNER = "✔" if self.value else " "


class Choice(RadioButton):
    """One of several, marked where it is the one."""

    value: reactive[bool] = reactive(False, init=False)

    def on_mount(self) -> None:
        """Show the first value."""
        self._mark()

    def watch_value(self) -> None:
        """Show another value."""
        self._mark()
        super().watch_value()

    def _mark(self) -> None:
        self.BUTTON_INNER = "●" if self.value else " "
