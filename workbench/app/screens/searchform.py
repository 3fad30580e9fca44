"""The form for another search of the same scenario: other settings, begun at once or held."""

from collections.abc import Mapping
from typing import NamedTuple

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Button, Input, Label, Select, Static

from planner.rules import RULES
from planner.settings import PLANNERS
from workbench.app.frame import WorkbenchDialog
from workbench.app.keynames import key_name
from workbench.app.state.search.search import SearchState
from workbench.app.widgets.ticks import Tick
from workbench.engine.errors import UsageError
from workbench.engine.options import read_options
from workbench.text import plain


class _Field(NamedTuple):
    """An option of `workbench plan` that can be typed, and what it means."""

    name: str
    about: str


_FIELDS = (
    _Field("rollouts", "how many paths are tried"),
    _Field("depth", "questions on a path, at most"),
    _Field("c", "the higher, the more it explores"),
    _Field("judge", "who scores the responses"),
    _Field("seed", "moves noise and random choices"),
    _Field("rate", "rollouts per second, 0 = no limit"),
)


def arguments_of(state: SearchState, values: Mapping[str, str], *, paused: bool) -> list[str]:
    """Return the command line of a search like another one, but with these options.

    Raises:
        UsageError: an option has a value that is not allowed.
    """
    given = {name: value.strip() for name, value in values.items() if value.strip()}
    flags = {name: value for name, value in given.items() if name not in ("judge", "rate")}
    read_options(None, {**flags, "world": state.world, "search_judge": given.get("judge")})
    _not_negative("rate", given.get("rate", "0"))
    arguments = ["plan", state.scenario, "--world", state.world, "--model", state.model]
    for name, value in given.items():
        arguments += [f"--{name}", value]
    return [*arguments, "--paused"] if paused else arguments


def _not_negative(name: str, text: str) -> None:
    try:
        fits = 0 <= float(text) < float("inf")
    except ValueError:
        fits = False
    if not fits:
        raise UsageError(f"--{name}: give a number of 0 or more ({text!r})")


class SearchForm(WorkbenchDialog[list[str] | None]):
    """Ask for the settings of a new search; the result is its command line.

    Args:
        state: the search whose settings stand there at first.
    """

    BINDINGS = [
        Binding("escape", "cancel", "Close", id="search_form.cancel", show=False),
        Binding("ctrl+s", "start", "Start", id="search_form.start", show=False, priority=True),
    ]

    def __init__(self, state: SearchState) -> None:
        super().__init__()
        self._state = state

    def compose(self) -> ComposeResult:
        """Yield the fields."""
        state, trace = self._state, self._state.trace
        values = {
            "rollouts": str(300 if state.running else trace.rollouts),
            "depth": str(trace.depth),
            "c": f"{trace.c:g}",
            "judge": plain(state.judge),
            "seed": str(state.seed),
            "rate": "0",
        }
        with Vertical(classes="dialog", id="searchform"):
            title = f"Search {plain(state.scenario)[:24]} again · {plain(state.model)}"
            yield Static(Content.styled(title, "bold $primary"))
            with Horizontal(classes="field"):
                yield Label("planner")
                yield Select.from_values(PLANNERS, value=state.planner, allow_blank=False, id="planner", compact=True)
                yield Static("search, or one to compare it with", classes="about")
            with Horizontal(classes="field"):
                yield Label("rule")
                yield Select.from_values(list(RULES), value=trace.rule, allow_blank=False, id="rule", compact=True)
                yield Static("raise, or the algorithm as printed", classes="about")
            for field in _FIELDS:
                with Horizontal(classes="field"):
                    yield Label(field.name)
                    yield Input(values[field.name], id=field.name, compact=True)
                    yield Static(field.about, classes="about")
            with Horizontal(classes="field"):
                yield Label("")
                play, step = key_name(self, "search.play"), key_name(self, "search.step")
                yield Tick(f"begin held: {play} lets it go, {step} takes one rollout", id="paused", compact=True)
            yield Static("", id="problem", markup=False)
            with Horizontal(classes="buttons"):
                start, close = key_name(self, "search_form.start"), key_name(self, "search_form.cancel")
                yield Button(f"Start ({start})", id="start", variant="primary", compact=True)
                yield Button(f"Close ({close})", id="cancel", compact=True)

    def on_mount(self) -> None:
        """Begin with the field that is changed most."""
        self.query_one("#c", Input).focus()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Start or close."""
        if event.button.id == "start":
            self.action_start()
        else:
            self.action_cancel()

    def on_input_submitted(self) -> None:
        """Start."""
        self.action_start()

    def action_start(self) -> None:
        """Start if everything can be understood, else say what can't."""
        values = {field.name: self.query_one(f"#{field.name}", Input).value for field in _FIELDS}
        values |= {name: str(self.query_one(f"#{name}", Select).value) for name in ("planner", "rule")}
        try:
            arguments = arguments_of(self._state, values, paused=self.query_one(Tick).value)
        except UsageError as error:
            self.query_one("#problem", Static).update(plain(str(error)))
            return
        self.dismiss(arguments)

    def action_cancel(self) -> None:
        """Leave without a search."""
        self.dismiss(None)
