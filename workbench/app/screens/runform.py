"""The run form: what a run of the chosen scenarios compares, and what it will take."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar, get_args

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.events import Resize
from textual.widget import Widget
from textual.widgets import Button, Checkbox, Input, Label, Select, Static

from planner.settings import PLANNERS
from simulator.world import Persona
from storage.unitcosts import unit_costs
from workbench.app.frame import WorkbenchDialog
from workbench.app.keynames import key_name
from workbench.app.look import content_of
from workbench.app.state.scenarios.estimatelines import estimate_lines
from workbench.app.state.scenarios.runform import CHOICES, Outlook, RunFormState
from workbench.app.widgets.ticks import Tick
from workbench.engine.estimation.measures import history
from workbench.engine.options import ARMS
from workbench.engine.plans.presets import Preset, presets
from workbench.engine.worlds import WORLDS
from workbench.text import counted, plain
from workbench.workers.logs import log_folder
from workbench.workers.pool import AttachedWorkers

_LABELS = {
    "more": "more arms",
    "world": "world",
    "models": "models",
    "judges": "judges",
    "base_url": "server",
    "planner": "planner",
    "rollouts": "rollouts T",
    "persona": "persona",
    "seed": "seed",
}
_HINTS = {
    "more": "path, path:0..3, only:*, only:Age, random:1..5, oracle-judged",
    "models": "the world's first; several: A, B; or all",
    "judges": "the first; several: a, b",
    "base_url": "http://127.0.0.1:8000/v1; else workers, OPENAI_BASE_URL",
    "rollouts": "300",
    "seed": "0",
    "file": "an experiment's TOML file: endpoints, roles, prices …",
}
_SHORT = 30
"""Lines. On fewer the form spares empty ones."""

_ARROW = 3
"""Cells that a choice needs for its arrow."""

_WIDTH = 70
"""Cells of the estimate before anything is laid out."""

_OPTIONS: Mapping[str, Sequence[str]] = {"world": WORLDS, "planner": PLANNERS, "persona": get_args(Persona)}


class RunForm(WorkbenchDialog[list[str] | None]):
    """Fill in a run; the result is the arguments that start it, None where the form was closed.

    Args:
        scenarios: ids of what the run is about.
        masks: known attributes (a bit mask) -> number of scenarios that have exactly these.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "start", "Start", id="run_form.start", show=False, priority=True),
        Binding("escape", "cancel", "Close", id="run_form.cancel", show=False),
    ]

    def __init__(self, scenarios: Sequence[str], masks: Mapping[int, int]) -> None:
        super().__init__()
        self.state = RunFormState(scenarios, masks)
        self._outlook: Outlook | None = None

    def compose(self) -> ComposeResult:
        """Yield the fields, the estimate, and the two ways out."""
        with Vertical(classes="dialog", id="runform"):
            yield Static(id="runform-title")
            with VerticalScroll(id="runform-fields", can_focus=False):
                yield from self._field("preset", "preset", self._presets())
                yield Static(id="runform-about", classes="beside")
                with Horizontal(classes="field -arms"):
                    yield Label("arms")
                    with Container(id="runform-arms"):
                        for arm in ARMS:
                            yield Tick(arm, arm in self.state.arms, id=f"arm-{arm}", compact=True)
                yield Static(classes="error beside", id="error-arms")
                for name, label in _LABELS.items():
                    yield from self._field(name, label, self._control(name))
                hint = _HINTS["file"]
                yield from self._field("file", "settings", Input(placeholder=hint, compact=True, id="field-file"))
            yield Static(id="runform-estimate")
            with Horizontal(classes="buttons"):
                yield Button(f"Start ({key_name(self, 'run_form.start')})", id="start", variant="primary", compact=True)
                yield Button(f"Close ({key_name(self, 'run_form.cancel')})", id="close", compact=True)

    def _field(self, name: str, label: str, control: Widget) -> ComposeResult:
        with Horizontal(classes="field"):
            yield Label(label)
            yield control
        yield Static(classes="error beside", id=f"error-{name}")

    def _presets(self) -> Select[str]:
        options = [(_option(preset), preset.name) for preset in presets()]
        none = "none: what the fields below say"
        return Select([(none, ""), *options], value="", allow_blank=False, compact=True, id="field-preset")

    def _control(self, name: str) -> Widget:
        value = self.state.values[name]
        if name in CHOICES:
            return Select(self._choices(name), value=value, allow_blank=False, compact=True, id=f"field-{name}")
        return Input(value, placeholder=_HINTS[name], compact=True, id=f"field-{name}")

    def _choices(self, name: str) -> list[tuple[str, str]]:
        own = self.state.various.get(name)
        return ([(own, "")] if own else []) + [(option, option) for option in _OPTIONS[name]]

    async def on_mount(self) -> None:
        """Estimate with what is assumed at once, and with what was measured as soon as it is read."""
        self._show()
        self._read_past()

    @work(exclusive=True, group="past", exit_on_error=False)
    async def _read_past(self) -> None:
        path = self.workbench.path
        self.state.past = await self.workbench.read(lambda db: history(unit_costs(db)))
        self.state.served = await asyncio.to_thread(_served, path)
        self._show()

    # What changes

    @on(Checkbox.Changed)
    def _arms_changed(self) -> None:
        self.state.arms = tuple(arm for arm in ARMS if self.query_one(f"#arm-{arm}", Checkbox).value)
        self._show()

    @on(Select.Changed)
    def _choice_changed(self, event: Select.Changed) -> None:
        if event.select.id == "field-preset":
            self._fill()
        else:
            self.state.values[str(event.select.id).removeprefix("field-")] = str(event.value)
            self._show()

    @on(Input.Changed)
    def _text_changed(self, event: Input.Changed) -> None:
        if event.input.id == "field-file":
            self._fill(wait=0.2)  # a path is only read once it is typed
        else:
            self.state.values[str(event.input.id).removeprefix("field-")] = event.value
            self._show()

    @work(exclusive=True, group="fill")
    async def _fill(self, wait: float = 0.0) -> None:
        """Fill the fields from the preset and the file that are named now."""
        await asyncio.sleep(wait)
        preset, file = self.query_one("#field-preset", Select).value, self.query_one("#field-file", Input).value
        await asyncio.to_thread(self.state.fill, str(preset), file)
        with self.prevent(Checkbox.Changed, Input.Changed, Select.Changed):
            for arm in ARMS:
                self.query_one(f"#arm-{arm}", Checkbox).value = arm in self.state.arms
            for name in _LABELS:
                value = self.state.values[name]
                if name in CHOICES:
                    choice = self.query_one(f"#field-{name}", Select)
                    choice.set_options(self._choices(name))
                    choice.value = value
                else:
                    text = self.query_one(f"#field-{name}", Input)
                    text.value, text.placeholder = value, self.state.hint(name) or _HINTS[name]
        self._show()

    def on_resize(self, event: Resize) -> None:
        """Spare lines where there are few, and break those of the estimate anew."""
        self.query_one("#runform").set_class(event.size.height < _SHORT, "-short")
        self.call_after_refresh(self._show)

    def _show(self) -> None:
        """Say what is wrong beside its field, and below what the runs will take; nothing once the form is closed."""
        if self not in self.app.screen_stack:
            return  # what it was for was read after that
        state, found = self.state, self.state.outlook()
        self._outlook = found
        for name in ("preset", "arms", *_LABELS, "file"):
            error = self.query_one(f"#error-{name}", Static)
            text = found.errors.get(name, "")
            error.update(Content(plain(text)))
            error.display = bool(text)
        chosen = next((preset for preset in presets() if preset.name == state.preset), None)
        about = state.about()
        if chosen is not None and len(_option(chosen)) > self.query_one("#field-preset").content_size.width - _ARROW:
            about.insert(0, chosen.about)  # it was cut off above
        runs = len(found.plan.parts) if found.plan else state.runs
        told = f"{counted(runs, 'run')} of {counted(len(state.scenarios), 'scenario')}"
        self.query_one("#runform-title", Static).update(Content.styled(told[0].upper() + told[1:], "bold $primary"))
        self.query_one("#runform-about", Static).update(Content("\n".join(about)))
        self.query_one("#runform-about").display = bool(about)
        self.query_one("#start", Button).disabled = found.plan is None
        below = self.query_one("#runform-estimate", Static)
        if found.estimate is None or found.plan is None:
            below.update(Content.styled("An estimate stands here as soon as everything above is right.", "$muted"))
        else:
            world = found.plan.parts[0].options.world
            lines = estimate_lines(found.estimate, world, runs, below.content_size.width or _WIDTH)
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
        """Write the runs down and return what starts them."""
        if self._outlook is None or self._outlook.plan is None:
            self.notify("something is not right yet: see the lines in red", severity="warning", timeout=4)
            return
        name, text = self.state.written()
        path = log_folder(self.workbench.path.absolute()) / name

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


def _option(preset: Preset) -> str:
    """Return a preset's name and what it is for, in one line."""
    width = max(len(known.name) for known in presets())
    return f"{preset.name:<{width}}  {preset.about}"


def _served(path: Path) -> tuple[str, ...]:
    """Return the models of the workers in the background."""
    attached = AttachedWorkers(path)
    try:
        return tuple(attached.models())
    finally:
        attached.close()
