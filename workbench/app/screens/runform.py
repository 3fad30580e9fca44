"""The run form: what a run of the chosen scenarios compares, and what it will take."""

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar, get_args

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Button, Checkbox, Input, Label, Select, Static

from planner.settings import PLANNERS
from simulator.world import Persona
from storage.unitcosts import unit_costs
from workbench.app.frame import WorkbenchDialog
from workbench.app.look import content_of
from workbench.app.state.runform import CHOICES, TEXTS, Outlook, RunFormState, estimate_lines
from workbench.app.widgets.ticks import Tick
from workbench.engine.measures import history
from workbench.engine.options import ARMS
from workbench.engine.template import experiment_as_toml
from workbench.engine.worlds import WORLDS
from workbench.text import counted, plain
from workbench.workers.logs import log_folder
from workbench.workers.pool import AttachedWorkers

_LABELS = {
    "world": "world",
    "models": "models",
    "judges": "judges",
    "base_url": "server",
    "planner": "planner",
    "rollouts": "rollouts T",
    "persona": "persona",
    "seed": "seed",
    "file": "settings",
}
_HINTS = {
    "models": "the world's first; several: A, B",
    "judges": "the first; several: a, b",
    "base_url": "http://127.0.0.1:8000/v1; else workers, OPENAI_BASE_URL",
    "rollouts": "300",
    "seed": "0",
    "file": "an experiment's TOML file: endpoints, roles, prices …",
}
_OPTIONS: Mapping[str, Sequence[str]] = {"world": WORLDS, "planner": PLANNERS, "persona": get_args(Persona)}


class RunForm(WorkbenchDialog[list[str] | None]):
    """Fill in a run; the result is the arguments that start it, None where the form was closed.

    Args:
        scenarios: ids of what the run is about.
        known: number of known attributes (0-10) -> number of scenarios that have so many.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "start", "Start", id="run_form.start", show=False, priority=True),
        Binding("escape", "cancel", "Close", id="run_form.cancel", show=False),
    ]

    def __init__(self, scenarios: Sequence[str], known: Mapping[int, int]) -> None:
        super().__init__()
        self.state = RunFormState(scenarios, known)
        self._outlook: Outlook | None = None

    def compose(self) -> ComposeResult:
        """Yield the fields, the estimate, and the two ways out."""
        state = self.state
        count = len(state.scenarios)
        with Vertical(classes="dialog", id="runform"):
            yield Static(Content.styled(f"Run {counted(count, 'scenario')}", "bold $primary"))
            with VerticalScroll(id="runform-fields", can_focus=False):
                with Horizontal(classes="field -arms"):
                    yield Label("arms")
                    with Container(id="runform-arms"):
                        for arm in ARMS:
                            yield Tick(arm, arm in state.arms, id=f"arm-{arm}", compact=True)
                yield Static(classes="error", id="error-arms")
                for name in _LABELS:
                    with Horizontal(classes="field"):
                        yield Label(_LABELS[name])
                        yield self._control(name)
                    yield Static(classes="error", id=f"error-{name}")
            yield Static(id="runform-estimate")
            with Horizontal(classes="buttons"):
                yield Button("Start (^s)", id="start", variant="primary", compact=True)
                yield Button("Close (esc)", id="close", compact=True)

    async def on_mount(self) -> None:
        """Estimate with what is assumed at once, and with what was measured as soon as it is read."""
        self._show()
        self._read_past()

    @work(exclusive=True, group="past")
    async def _read_past(self) -> None:
        path = self.workbench.path
        self.state.past = await self.workbench.read(lambda db: history(unit_costs(db)))
        self.state.served = await asyncio.to_thread(_served, path)
        self._show()

    def _control(self, name: str) -> Widget:
        value = self.state.values[name]
        if name in CHOICES:
            options = [(option, option) for option in _OPTIONS[name]]
            return Select(options, value=value, allow_blank=False, compact=True, id=f"field-{name}")
        return Input(value, placeholder=_HINTS[name], compact=True, id=f"field-{name}")

    # What changes

    @on(Checkbox.Changed)
    def _arms_changed(self) -> None:
        self.state.arms = tuple(arm for arm in ARMS if self.query_one(f"#arm-{arm}", Checkbox).value)
        self._show()

    @on(Select.Changed)
    def _choice_changed(self, event: Select.Changed) -> None:
        self.state.values[str(event.select.id).removeprefix("field-")] = str(event.value)
        self._show()

    @on(Input.Changed)
    def _text_changed(self, event: Input.Changed) -> None:
        name = str(event.input.id).removeprefix("field-")
        if name == "file":
            self._read_file(event.value)
        else:
            self.state.values[name] = event.value
            self._show()

    @work(exclusive=True, group="file")
    async def _read_file(self, path: str) -> None:
        await asyncio.sleep(0.2)  # a path is only read once it is typed
        await asyncio.to_thread(self.state.read_file, path)
        for arm in ARMS:
            self.query_one(f"#arm-{arm}", Checkbox).value = arm in self.state.arms
        for name in TEXTS:
            if name != "file":
                self.query_one(f"#field-{name}", Input).value = self.state.values[name]
        for name in CHOICES:
            value = self.state.values[name]
            if value in _OPTIONS[name]:
                self.query_one(f"#field-{name}", Select).value = value
        self._show()

    def _show(self) -> None:
        """Say what is wrong beside its field, and below what the run will take."""
        found = self._outlook = self.state.outlook()
        for name in ("arms", *_LABELS):
            error = self.query_one(f"#error-{name}", Static)
            text = found.errors.get(name, "")
            error.update(Content(plain(text)))
            error.display = bool(text)
        self.query_one("#start", Button).disabled = found.options is None
        below = self.query_one("#runform-estimate", Static)
        if found.estimate is None:
            below.update(Content.styled("An estimate stands here as soon as everything above is right.", "$muted"))
        else:
            lines = estimate_lines(found.estimate, self.state.values["world"])
            below.update(Content("\n").join(map(content_of, lines)))

    # The two ways out

    @on(Button.Pressed, "#start")
    def _start_pressed(self) -> None:
        self.action_start()

    @on(Button.Pressed, "#close")
    def _close_pressed(self) -> None:
        self.action_cancel()

    @work(exclusive=True, group="start")
    async def action_start(self) -> None:
        """Write the experiment down and return what starts it."""
        options = self._outlook.options if self._outlook else None
        if options is None:
            self.notify("something is not right yet: see the lines in red", severity="warning", timeout=4)
            return
        # In a file, since the ids of many scenarios are more than a command line takes, and to be looked at later.
        text = experiment_as_toml(options)
        path = log_folder(self.workbench.path.absolute()) / f"{hashlib.sha256(text.encode()).hexdigest()[:12]}.toml"

        def write() -> None:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")

        try:
            await asyncio.to_thread(write)
        except OSError as error:
            self.workbench.problem(f"{path}: {error.strerror or error}: make room, or move the database")
        else:
            self.dismiss(["run", str(path)])

    def action_cancel(self) -> None:
        """Start nothing."""
        self.dismiss(None)


def _served(path: Path) -> tuple[str, ...]:
    """Return the models of the workers in the background."""
    attached = AttachedWorkers(path)
    try:
        return tuple(attached.models())
    finally:
        attached.close()
