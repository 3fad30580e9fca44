"""A question with two answers."""

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Static


class Ask(ModalScreen[bool]):
    """Ask; the result is whether the answer was yes. Escape is no.

    Args:
        question: in a sentence or two.
        yes, no: what the buttons say.
    """

    BINDINGS = [
        Binding("y", "answer(True)", "Yes", id="ask.yes", show=False),
        Binding("n,escape,q", "answer(False)", "No", id="ask.no", show=False),
        Binding("left,right", "app.focus_next", "Other", id="ask.app.focus_next", show=False),
    ]

    def __init__(self, question: str, *, yes: str = "Yes", no: str = "No") -> None:
        super().__init__()
        self._question, self._yes, self._no = question, yes, no

    def compose(self) -> ComposeResult:
        """Yield the question and its answers."""
        with Vertical(classes="dialog"):
            yield Static(self._question, markup=False)
            with Horizontal(classes="buttons"):
                yield Button(f"{self._yes} (y)", id="yes", variant="primary", compact=True)
                yield Button(f"{self._no} (n)", id="no", compact=True)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Take the answer."""
        self.dismiss(event.button.id == "yes")

    def action_answer(self, yes: bool) -> None:
        """Take the answer."""
        self.dismiss(yes)


class Leave(Ask):
    """Ask whether to leave the app; a second ctrl+c is a yes."""

    BINDINGS = [Binding("ctrl+c", "answer(True)", "Leave", id="ask.leave", show=False)]

    def __init__(self) -> None:
        super().__init__("Leave the workbench? What runs goes on without it.", yes="Leave")
