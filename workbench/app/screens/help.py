"""Every key that works on the screen in front, whatever the user mapped it to."""

from collections.abc import Mapping, Sequence

from textual.app import ComposeResult
from textual.binding import ActiveBinding, Binding
from textual.containers import Container, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen, Screen
from textual.widgets import Static

from workbench.app.frame import WorkbenchScreen
from workbench.app.keynames import key_name


class Help(ModalScreen[None]):
    """The keys of a screen, in the groups that define them, and its words and signs.

    Args:
        screen: whose.
    """

    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]
    BINDINGS = [Binding("escape,q,question_mark,enter,ctrl+c", "dismiss", "Close", id="help.dismiss", show=False)]

    def __init__(self, screen: Screen[object]) -> None:
        super().__init__()
        self._words = screen.WORDS if isinstance(screen, WorkbenchScreen) else {}
        self._groups: dict[str, dict[str, list[str]]] = {"This screen": {}, "In this pane": {}, "Everywhere": {}}
        for active in screen.active_bindings.values():
            if what := _said(active.binding):
                # One action may have several keys; they stand on one line.
                keys = self._groups[_group(active)].setdefault(what, [])
                key = screen.app.get_key_display(active.binding)
                if key not in keys:
                    keys.append(key)

    def compose(self) -> ComposeResult:
        """Yield the groups: those of the screen, and beside them or below what holds everywhere."""
        *own, everywhere = [(group, lines) for group, lines in self._groups.items() if lines]
        with VerticalScroll(classes="dialog", id="help") as page:
            page.border_title, page.border_subtitle = "Keys", f"{key_name(self, 'help.dismiss')} closes"
            with Container(id="help-groups"):
                for part in (own, [everywhere]):
                    with Vertical():
                        for group, lines in part:
                            yield Static(Content.styled(group, "bold $primary"))
                            yield Static(_keys(lines), classes="keys")
                        if part is not own and self._words:
                            yield Static(Content.styled("Words and signs", "bold $primary"))
                            yield Static(_listed(self._words), classes="keys")
            yield Static(Content.styled("Keys can be changed: docs/app.md says how.", "$muted"))

    async def action_dismiss(self, result: None = None) -> None:
        """Close."""
        self.dismiss(result)


def _group(active: ActiveBinding) -> str:
    from workbench.app.app import WorkbenchApp

    if isinstance(active.node, WorkbenchApp) or (active.binding.id or "").startswith("frame."):
        return "Everywhere"
    return "This screen" if isinstance(active.node, Screen) else "In this pane"


def _said(binding: Binding) -> str:
    """Return what a key is listed as; empty where it is not: a line to type in has keys that everybody knows."""
    if binding.id is None:
        return "Scroll" if binding.action.startswith(("scroll_", "page_")) and "_page_" not in binding.action else ""
    return binding.description


def _keys(lines: Mapping[str, Sequence[str]]) -> Content:
    return _listed({" ".join(keys): what for what, keys in lines.items()})


def _listed(lines: Mapping[str, str]) -> Content:
    width = min(20, max(map(len, lines)))
    return Content("\n").join(
        Content.styled(f"{first:>{width}}  ", "bold $accent") + Content(what) for first, what in lines.items()
    )
