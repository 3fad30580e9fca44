"""Jump mode: a letter on every pane, and the letter goes there."""

from textual.app import ComposeResult
from textual.binding import Binding
from textual.content import Content
from textual.events import Key
from textual.screen import ModalScreen
from textual.widgets import Static

from workbench.app.frame import WorkbenchScreen

_LETTERS = "asdfghjkl"


class Jump(ModalScreen[None]):
    """Letters over the panes of a screen.

    Args:
        front: the screen beneath.
    """

    BINDINGS = [Binding("escape,ctrl+o", "dismiss", "Close", id="jump.dismiss", show=False)]

    def __init__(self, front: WorkbenchScreen) -> None:
        super().__init__()
        self._front = front
        self._targets = dict(zip(_LETTERS, [pane for pane in front.PANES if front.query(f"#{pane}")], strict=False))

    def compose(self) -> ComposeResult:
        """Yield a label for every pane, where the pane is; hidden ones stand above each other at the bottom."""
        bottom = self._front.size.height - 2
        for letter, pane in self._targets.items():
            wanted = self._front.query_one(f"#{pane}")
            title = str(wanted.border_title or pane)
            label = Static(
                Content.styled(f" {letter} ", "bold reverse $accent") + Content(f" {title} "), classes="label"
            )
            if wanted.region.area:
                label.styles.offset = (wanted.region.x + 2, wanted.region.y)
                label.styles.max_width = max(8, wanted.region.width - 4)
            else:
                label.styles.offset = (2, bottom)
                bottom -= 1
            yield label

    def on_key(self, event: Key) -> None:
        """Go to the pane of the letter."""
        if event.character in self._targets:
            event.stop()
            self.dismiss(None)
            self._front.show_pane(self._targets[event.character])

    async def action_dismiss(self, result: None = None) -> None:
        """Stay where we were."""
        self.dismiss(result)
