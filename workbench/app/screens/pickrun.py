"""Choosing a run."""

from collections.abc import Sequence
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from workbench.app.keynames import key_name
from workbench.app.widgets.scores.scorelines import run_label
from workbench.app.widgets.scores.scorelist import ScoreList


class PickRun(ModalScreen[str | None]):
    """Ask for a run; the result is its id, or None.

    Args:
        question: what for.
        runs: rows of `storage.judgements.judged_runs` or `storage.dialogues.dialogue_runs`, at least one.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q", "leave", "Leave", id="pick_run.leave", show=False)]

    def __init__(self, question: str, runs: Sequence[dict[str, Any]]) -> None:
        super().__init__()
        self._question, self._runs = question, runs

    def compose(self) -> ComposeResult:
        """Yield the question and the runs."""
        with Vertical(classes="dialog", id="pickrun"):
            yield Static(self._question, markup=False)
            yield ScoreList(id="pickrun-runs")
            yield Static(f"enter chooses · {key_name(self, 'pick_run.leave')} leaves", classes="hint")

    def on_mount(self) -> None:
        """Show the runs, newest first."""
        runs = self.query_one(ScoreList)
        runs.show([run_label(row) for row in self._runs])
        runs.styles.height = min(12, len(self._runs))
        runs.focus()

    def on_line_list_opened(self, event: ScoreList.Opened) -> None:
        """Take the run."""
        self.dismiss(self._runs[event.index]["run"])

    def action_leave(self) -> None:
        """Take none."""
        self.dismiss(None)
