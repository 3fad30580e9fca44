"""What a new worker shall be."""

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Label, Select, Static

from workbench.app.keynames import key_name
from workbench.app.state.workers import presets

_OTHER = "other"

_FIELDS = (
    ("name", "Name", "what requests call it; else the model's last name"),
    ("replicas", "Replicas", "1"),
    ("gpus", "GPUs", "any with room; or 0,1; or none: a CPU build"),
    ("tensor-parallel", "Tensor parallel", "1 GPU a server"),
    ("vllm", "vllm command", "else VLLM_COMMAND, else the PATH's"),
    ("vllm-args", "vllm arguments", "more for `vllm serve`, quoted as for a shell"),
)
"""Flag of `workbench workers start`, label, and what an empty field means."""


class WorkerForm(ModalScreen[list[str] | None]):
    """Ask for model and settings; the result is the arguments of `workbench workers start`, or None."""

    BINDINGS = [
        Binding("ctrl+s", "start", "Start", id="worker_form.start", priority=True),
        Binding("escape", "cancel", "Cancel", id="worker_form.cancel", priority=True),
    ]

    def compose(self) -> ComposeResult:
        """Yield the fields."""
        with Vertical(classes="dialog", id="worker-form"):
            yield Static(Content.styled("Start vLLM workers", "bold $primary"))
            with Horizontal(classes="field"):
                yield Label("Model")
                options = [*presets(), ("another: a folder, or org/name on Hugging Face", _OTHER)]
                yield Select(options, value=options[0][1], allow_blank=False, compact=True, id="preset")
            with Horizontal(classes="field", id="other-model"):
                yield Label("Folder or name")
                yield Input(placeholder="/models/mine or org/name", compact=True, id="model")
            for flag, label, hint in _FIELDS:
                with Horizontal(classes="field"):
                    yield Label(label)
                    yield Input(placeholder=hint, compact=True, id=flag)
            yield Static("", id="form-problem", markup=False)
            with Horizontal(classes="buttons"):
                start, cancel = key_name(self, "worker_form.start"), key_name(self, "worker_form.cancel")
                yield Button(f"Start ({start})", id="start", variant="primary", compact=True)
                yield Button(f"Cancel ({cancel})", id="cancel", compact=True)

    def on_mount(self) -> None:
        """Ask for another model only where a known one is not meant."""
        self._show_other()

    def on_select_changed(self) -> None:
        """Show the field for another model, or hide it."""
        self._show_other()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Start or leave."""
        self.action_start() if event.button.id == "start" else self.action_cancel()

    def on_input_submitted(self) -> None:
        """Start."""
        self.action_start()

    def action_start(self) -> None:
        """Hand back the arguments, if a model is named and the numbers are numbers."""
        model = self.query_one("#preset", Select).value
        if model == _OTHER:
            model = self.query_one("#model", Input).value.strip()
        given = {flag: self.query_one(f"#{flag}", Input).value.strip() for flag, *_ in _FIELDS}
        problem = "name a model" if not model else _problem(given["replicas"], given["tensor-parallel"])
        if problem:
            self.query_one("#form-problem", Static).update(Content.styled(problem, "$error"))
            return
        self.dismiss(["--model", str(model), *(f"--{flag}={value}" for flag, value in given.items() if value)])

    def action_cancel(self) -> None:
        """Start nothing."""
        self.dismiss(None)

    def _show_other(self) -> None:
        self.query_one("#other-model").display = self.query_one("#preset", Select).value == _OTHER


def _problem(*numbers: str) -> str:
    wrong: Sequence[str] = [n for n in numbers if n and not (n.isascii() and n.isdecimal() and int(n) > 0)]
    return f"{wrong[0]}: give a number of 1 or more" if wrong else ""
