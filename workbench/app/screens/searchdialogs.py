"""Small dialogs of the Search screen: go to a rollout, breakpoints, pick another search."""

from typing import Any

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Input, Static

from workbench.app.frame import WorkbenchDialog
from workbench.app.keynames import key_name
from workbench.app.state.search.search import SearchState
from workbench.app.state.search.searchlist import search_lines
from workbench.app.widgets.linelist import LineList
from workbench.app.widgets.ticks import Tick
from workbench.engine.steering.breakpoints import Breakpoints
from workbench.explain import set_words, short_names
from workbench.text import plain


class GoTo(WorkbenchDialog[int | None]):
    """Ask for a rollout; the result is the position.

    Args:
        at: the position now. last: the last one.
    """

    BINDINGS = [Binding("escape", "cancel", "Close", id="go_to.cancel", show=False)]

    def __init__(self, at: int, last: int) -> None:
        super().__init__()
        self._at, self._last = at, last

    def compose(self) -> ComposeResult:
        """Yield the field."""
        with Vertical(classes="dialog", id="goto"):
            yield Static(Content.styled("Go to rollout", "bold $primary"))
            yield Input(str(self._at), type="integer", id="rollout", compact=True)
            ways = f"enter goes there · {key_name(self, 'go_to.cancel')} closes"
            yield Static(Content.styled(f"0 to {self._last} · {ways}", "$muted"))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Go there, or as near as there are rollouts."""
        self.dismiss(max(0, min(int(event.value), self._last)) if event.value.lstrip("-").isdecimal() else None)

    def action_cancel(self) -> None:
        """Stay."""
        self.dismiss(None)


class BreakpointsDialog(WorkbenchDialog[Breakpoints | None]):
    """Choose where a replay, or the search itself, stops.

    Args:
        state: the search. breakpoints: those of now.
    """

    BINDINGS = [
        Binding("escape", "cancel", "Close", id="breakpoints.cancel", show=False),
        Binding("enter,ctrl+s,x", "keep", "Keep", id="breakpoints.keep", show=False, priority=True),
        Binding("up,k", "app.focus_previous", "Up", id="breakpoints.up", show=False),
        Binding("down,j", "app.focus_next", "Down", id="breakpoints.down", show=False),
    ]

    def __init__(self, state: SearchState, breakpoints: Breakpoints) -> None:
        super().__init__()
        self._state, self._breakpoints = state, breakpoints
        masks = dict.fromkeys([*([state.cursor_mask] if state.cursor else []), *sorted(breakpoints.masks)])
        self._ticks = {mask: Tick(self._said(mask), mask in breakpoints.masks, compact=True) for mask in masks}
        self._best = Tick("another subset becomes the best", breakpoints.best, compact=True)

    def compose(self) -> ComposeResult:
        """Yield the choices: the best changes, the set under the cursor, and the sets chosen before."""
        with Vertical(classes="dialog", id="breakpoints"):
            what = "run" if self._state.running else "replay"
            yield Static(Content.styled(f"Stop the {what} when", "bold $primary"))
            with VerticalScroll(can_focus=False):
                yield self._best
                yield from self._ticks.values()
            if not self._state.cursor:
                yield Static(Content.styled("with the cursor on a set: when a path passes through it", "$muted"))
            if self._state.running:
                yield Static(Content.styled("those set elsewhere stand here too; what is kept replaces them", "$muted"))
            keep, leave = key_name(self, "breakpoints.keep"), key_name(self, "breakpoints.cancel")
            ways = f"space chooses · {keep} keeps · {leave} leaves them as they were"
            yield Static(Content.styled(ways, "$muted"))

    def _said(self, mask: int) -> Content:
        return Content(f"a path passes through {plain(set_words(mask, short_names(self._state.names)))}")

    def action_keep(self) -> None:
        """Take what is chosen."""
        chosen = frozenset(mask for mask, tick in self._ticks.items() if tick.value)
        self.dismiss(Breakpoints(self._best.value, chosen))

    def action_cancel(self) -> None:
        """Leave them as they were."""
        self.dismiss(None)


class SearchPicker(WorkbenchDialog[int | None]):
    """Pick a search; the result is the number of its unit.

    Args:
        title: what for. rows: as `storage.searches.latest_searches` returns them, at least one.
        one: they are all of one scenario.
    """

    BINDINGS = [Binding("escape,q", "cancel", "Close", id="search_picker.cancel", show=False)]

    def __init__(self, title: str, rows: list[dict[str, Any]], *, one: bool) -> None:
        super().__init__()
        self._title, self._rows, self._one = title, rows, one

    def compose(self) -> ComposeResult:
        """Yield the list."""
        with Vertical(classes="dialog", id="searchpicker"):
            yield Static(Content.styled(plain(self._title), "bold $primary"))
            yield LineList(id="searches-to-pick")
            yield Static(Content.styled(f"enter opens · {key_name(self, 'search_picker.cancel')} closes", "$muted"))

    def on_mount(self) -> None:
        """Fill the list for the room that it has."""
        self.call_after_refresh(self._fill)

    def _fill(self) -> None:
        lines = self.query_one(LineList)
        width = lines.scrollable_content_region.width - 1
        heading, shown = search_lines(self._rows, width, self.workbench.sensitive, one=self._one)
        lines.styles.height = len(shown) + 1
        lines.show(shown, heading=heading)
        lines.focus()

    def on_line_list_opened(self, event: LineList.Opened) -> None:
        """Take it."""
        self.dismiss(self._rows[event.index]["unit"])

    def action_cancel(self) -> None:
        """Take none."""
        self.dismiss(None)
