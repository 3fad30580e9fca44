"""A choice among a few."""

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from workbench.app.keynames import key_name
from workbench.text import plain


class Pick(ModalScreen[int | None]):
    """Let the user choose; the result is the place of the choice, None where escape was pressed.

    Args:
        title: what is chosen.
        options: a line each.
        chosen: where the cursor begins.
    """

    BINDINGS = [Binding("escape,q", "cancel", "Close", id="pick.cancel", show=False)]

    def __init__(self, title: str, options: Sequence[str], chosen: int = 0) -> None:
        super().__init__()
        self._title, self._options, self._chosen = title, options, chosen

    def compose(self) -> ComposeResult:
        """Yield the list."""
        with Vertical(classes="dialog", id="pick"):
            yield Static(Content.styled(plain(self._title), "bold $primary"))
            yield OptionList(*(Option(Content(plain(option))) for option in self._options), compact=True)
            yield Static(Content.styled(f"enter chooses · {key_name(self, 'pick.cancel')} closes", "$muted"))

    def on_mount(self) -> None:
        """Put the cursor on what is chosen now."""
        self.query_one(OptionList).highlighted = self._chosen

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Take the choice."""
        self.dismiss(event.option_index)

    def action_cancel(self) -> None:
        """Choose nothing."""
        self.dismiss(None)
