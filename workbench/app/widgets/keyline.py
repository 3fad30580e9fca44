"""The footer: the keys of the screen as far as there is room, and always those that lead to the others."""

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.events import Resize
from textual.widgets import Footer
from textual.widgets._footer import FooterKey

_KEPT = ("command_palette", "help")
"""Actions whose keys stay longest where room is short, the last one longest: they lead to all the others."""


class KeyLine(Footer):
    """A footer that leaves whole keys out rather than cut one off."""

    def __init__(self) -> None:
        super().__init__(show_command_palette=False, compact=True)

    def compose(self) -> ComposeResult:
        """Yield the keys that are shown on this screen; those without room are hidden."""
        hidden = self._hidden(self.app.size.width)
        for child in super().compose():
            if isinstance(child, FooterKey):
                child.display = child.action not in hidden
            yield child

    def on_resize(self, event: Resize) -> None:
        """Show as many as there is room for now."""
        hidden = self._hidden(event.size.width)
        for key in self.query(FooterKey):
            key.display = key.action not in hidden

    def _hidden(self, width: int) -> set[str]:
        shown = [active.binding for active in self.screen.active_bindings.values() if active.binding.show]
        cells = {b.action: cell_len(f"{self.app.get_key_display(b)} {b.description} ") for b in shown}
        hidden = set[str]()
        for action in (*(action for action in reversed(cells) if action not in _KEPT), *_KEPT):
            if sum(size for other, size in cells.items() if other not in hidden) - 1 <= width:
                break
            hidden.add(action)
        return hidden
