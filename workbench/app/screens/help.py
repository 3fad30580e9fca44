"""Every key that works on the screen in front, whatever the user mapped it to."""

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen, Screen
from textual.widgets import Static


class Help(ModalScreen[None]):
    """The keys of a screen, in the groups that define them.

    Args:
        screen: whose keys.
    """

    BINDINGS = [Binding("escape,q,question_mark,enter", "dismiss", "Close", id="help.dismiss", show=False)]

    def __init__(self, screen: Screen[object]) -> None:
        super().__init__()
        self._groups: dict[str, dict[str, list[str]]] = {}
        for active in screen.active_bindings.values():
            if not active.binding.description:
                continue
            group = self._group(active.node)
            # One action may have several keys; they stand on one line.
            keys = self._groups.setdefault(group, {}).setdefault(active.binding.description, [])
            key = screen.app.get_key_display(active.binding)
            if key not in keys:
                keys.append(key)

    def compose(self) -> ComposeResult:
        """Yield the groups."""
        with VerticalScroll(classes="dialog", id="help"):
            for group, lines in self._groups.items():
                yield Static(Content.styled(group, "bold $primary"))
                yield Static(
                    Content("\n").join(
                        Content.styled(f"{' '.join(keys):>18}  ", "bold $accent") + Content(what)
                        for what, keys in lines.items()
                    ),
                    classes="keys",
                )
            yield Static(Content.styled("Keys can be changed: see docs/app.md. escape closes.", "$muted"))

    @staticmethod
    def _group(node: object) -> str:
        from workbench.app.app import WorkbenchApp

        if isinstance(node, WorkbenchApp):
            return "Everywhere"
        return "This screen" if isinstance(node, Screen) else "In this pane"

    async def action_dismiss(self, result: None = None) -> None:
        """Close."""
        self.dismiss(result)
