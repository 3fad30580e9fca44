"""Boxes to tick and choices of which one holds, whose mark tells it without colour."""

from typing import ClassVar

from textual.reactive import reactive
from textual.widgets import Checkbox, RadioButton
from textual.widgets._toggle_button import ToggleButton


class _Marked(ToggleButton):
    """A button that shows its mark only while it is on: Textual tells the two apart by colour alone."""

    MARK: ClassVar[str]
    value: reactive[bool] = reactive(False, init=False)

    def on_mount(self) -> None:
        """Show the first value."""
        self._mark()

    def watch_value(self) -> None:
        """Show another value."""
        self._mark()
        super().watch_value()

    def _mark(self) -> None:
        self.BUTTON_INNER = self.MARK if self.value else " "


class Tick(Checkbox, _Marked):
    """A box that is empty until it is ticked."""

    MARK = "✔"


class Choice(RadioButton, _Marked):
    """One of several, marked where it is the one."""

    MARK = "●"
