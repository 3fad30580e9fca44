"""Which scenarios the list lets pass."""

from dataclasses import replace

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Label, Select, Static

from storage.scenariopages import MARKS, RESULTS, Overview, ScenarioFilter
from workbench.app.keynames import key_name
from workbench.app.state.scenarios.scenarios import EVERYTHING
from workbench.text import plain


class FilterDialog(ModalScreen[ScenarioFilter | None]):
    """Set the filters; the result is what they are now, None where escape was pressed. The search stays.

    Args:
        now: as they are set.
        overview: what there is to filter by.
    """

    BINDINGS = [
        Binding("escape,q", "cancel", "Close", id="filter.cancel", show=False),
        Binding("ctrl+s", "apply", "Apply", id="filter.apply", show=False),
        Binding("c", "clear", "Show all", id="filter.clear", show=False),
    ]

    def __init__(self, now: ScenarioFilter, overview: Overview) -> None:
        super().__init__()
        self._now = now
        self._choices = {
            "domain": [("any", ""), *((f"{plain(name)}  {count:,}", name) for name, count in overview.domains)],
            "source": [("any", ""), *((f"{plain(name)}  {count:,}", name) for name, count in overview.sources)],
            "results": [*((name, name) for name in RESULTS), *((f"arm {plain(a)} done", a) for a in overview.arms)],
            "marks": [*((name, name) for name in MARKS), *((f"#{plain(tag)}", tag) for tag in overview.tags)],
        }

    def compose(self) -> ComposeResult:
        """Yield a line for each filter."""
        with Vertical(classes="dialog", id="filters"):
            yield Static(Content.styled("Show only", "bold $primary"))
            for name, choices in self._choices.items():
                now = getattr(self._now, name)
                if now not in [value for _, value in choices]:  # the last scenario of that kind is gone, say
                    choices = [*choices, (plain(now), now)]
                with Horizontal(classes="field"):
                    yield Label(name)
                    options = [(Content(shown), value) for shown, value in choices]
                    yield Select(options, value=now, allow_blank=False, compact=True, id=f"filter-{name}")
            with Horizontal(classes="buttons"):
                yield Button(f"Apply ({key_name(self, 'filter.apply')})", id="apply", variant="primary", compact=True)
                yield Button(f"Show all ({key_name(self, 'filter.clear')})", id="clear", compact=True)
            ways = f"tab moves on · enter opens · {key_name(self, 'filter.cancel')} closes"
            yield Static(Content.styled(ways, "$muted"))

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Apply or clear."""
        if event.button.id == "apply":
            self.action_apply()
        else:
            self.action_clear()

    def action_apply(self) -> None:
        """Take the filters as they stand."""
        chosen = {name: str(self.query_one(f"#filter-{name}", Select).value) for name in self._choices}
        self.dismiss(replace(self._now, **chosen))

    def action_clear(self) -> None:
        """Let everything pass."""
        self.dismiss(replace(EVERYTHING, search=self._now.search))

    def action_cancel(self) -> None:
        """Leave them as they were."""
        self.dismiss(None)
