"""The list of scenarios: however many there are, only the lines in the window are read and drawn."""

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message

from workbench.app.state.scenarios.scenarios import ScenarioLines, Window
from workbench.app.widgets.linelist import LineList


class ScenarioTable(LineList):
    """Lines of scenarios under their heading. Says which part of it is in the window, so that this part is read."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "screen.choose", "Select", id="scenarios.choose", key_display="space"),
    ]

    class WindowChanged(Message):
        """Other lines have come into the window, or it has another width."""

    @property
    def window(self) -> Window:
        """The lines in the window."""
        return Window(round(self.scroll_offset.y), max(1, self.size.height - 1))

    def allow_focus(self) -> bool:
        """Take no keys while there is nothing to list and the table is hidden."""
        return super().allow_focus() and self.display

    def show_state(self, lines: ScenarioLines, cursor: int) -> None:
        """Show other lines, with the cursor where it belongs among them."""
        self.show(lines, heading=lines.heading, cursor=cursor)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Have what came into the window read."""
        super().watch_scroll_y(old_value, new_value)
        if round(old_value) != round(new_value):
            self.post_message(self.WindowChanged())

    def on_resize(self) -> None:
        """Have the lines drawn anew."""
        self.post_message(self.WindowChanged())
