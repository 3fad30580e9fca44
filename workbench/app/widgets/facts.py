"""What is known of something: names, and texts beside them."""

from collections.abc import Sequence

from rich.cells import cell_len

from workbench.app.state.spans import Line, line, muted, wrapped
from workbench.app.widgets.scores.scorelist import ScoreList
from workbench.text import plain

_GAP = 2
"""Cells between names and texts."""


class Facts(ScoreList):
    """Pairs of a name and a text, broken into lines that fit; keys scroll.

    It draws only lines that say something else than before, and never asks for a new layout, as it follows a cursor.
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - as Textual's widgets
        super().__init__(id=id)
        self.pointing = False
        self._pairs: Sequence[tuple[str, str]] = ()

    def tell(self, pairs: Sequence[tuple[str, str]]) -> None:
        """Show pairs, from the first on where their number is another one."""
        if len(pairs) != len(self._pairs):
            self.scroll_home(animate=False)
        self._pairs = pairs
        self._fill()

    def on_resize(self) -> None:
        """Break the texts anew."""
        self._fill()

    def _fill(self) -> None:
        names = [plain(name) for name, _ in self._pairs]
        column = max([0, *map(cell_len, names)])
        room = self.scrollable_content_region.width - column - _GAP * bool(column) - 2
        if room < 1:
            return  # it has not been laid out yet
        lines: list[Line] = []
        for name, (_, text) in zip(names, self._pairs, strict=True):
            for i, part in enumerate(wrapped(plain(text), room)):
                label = name if i == 0 else ""
                pad = " " * (column - cell_len(label) + _GAP * bool(column))
                lines.append(line(muted(f"{label}{pad}"), part))
        self.show(lines)
