"""One scenario in full, scrolled where it is longer than its pane."""

from collections.abc import Callable

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from workbench.app.look import content_of
from workbench.app.state.scenario import ScenarioDetail, detail_lines


class ProfileView(VerticalScroll):
    """Query, profile and results of a scenario, wrapped to the width there is.

    Args:
        sensitive: makes queries and values safe to show, and blurs them.
    """

    def __init__(self, sensitive: Callable[[str], str]) -> None:
        super().__init__()
        self._sensitive = sensitive
        self._detail: ScenarioDetail | None = None
        self._text = Static(markup=False)

    def compose(self) -> ComposeResult:
        """Yield the text."""
        yield self._text

    def show(self, detail: ScenarioDetail | None) -> None:
        """Show a scenario, from the top if it is another one than before."""
        if detail is None or self._detail is None or detail.scenario.id != self._detail.scenario.id:
            self.scroll_home(animate=False)
        self._detail = detail
        self._draw()

    def on_resize(self) -> None:
        """Wrap anew."""
        self._draw()

    def _draw(self) -> None:
        lines = (
            detail_lines(self._detail, self.scrollable_content_region.width, self._sensitive) if self._detail else []
        )
        self._text.update(Content("\n").join(content_of(line) for line in lines))
