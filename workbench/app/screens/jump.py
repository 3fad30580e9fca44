"""Jump mode: a letter on every pane, and the letter goes there."""

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Container
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
        self._targets = dict(zip(_LETTERS, front.PANES, strict=False))

    def compose(self) -> ComposeResult:
        """Yield a label for every pane, where the pane is; hidden ones stand in a row at the bottom."""
        hidden = 0
        with Container():
            for letter, pane in self._targets.items():
                wanted = self._front.query_one(f"#{pane}")
                title = str(wanted.border_title or pane)
                label = Static(
                    Content.styled(f" {letter} ", "bold reverse $accent") + Content(f" {title} "), classes="label"
                )
                if wanted.region.area:
                    label.styles.offset = (wanted.region.x + 2, wanted.region.y)
                else:
                    label.styles.offset = (2 + 24 * hidden, self._front.size.height - 2)
                    hidden += 1
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
