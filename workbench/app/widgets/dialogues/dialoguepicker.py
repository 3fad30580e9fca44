"""The list of scenarios with dialogues, to pick one from."""

from collections.abc import Mapping, Sequence
from typing import Any

from textual.app import ComposeResult
from textual.message import Message
from textual.widgets import Static

from storage.dialogues import Place
from workbench.app.frame import Pane
from workbench.app.keynames import key_name
from workbench.app.state.dialogues.dialoguelist import DialogueLines
from workbench.app.state.dialogues.transcript import Hide
from workbench.app.widgets.linelist import LineList
from workbench.text import counted

EMPTY = """There is no dialogue yet.

A run with the arms agent or planner holds dialogues: on the Scenarios screen (key {pick}) mark some scenarios and press
{run}, or write in a shell

    workbench run --synthetic 14 --arms vanilla,agent,planner

and they stand here as they are finished."""


class DialoguePicker(Pane):
    """Scenarios of a run, a line each, of which only the page in view is read."""

    class Wanted(Message):
        """The scenarios from place `first` on are looked at, and not read yet."""

        def __init__(self, first: int) -> None:
            super().__init__()
            self.first = first

    class Picked(Message):
        """The user wants the dialogues of a scenario."""

        def __init__(self, place: Place) -> None:
            super().__init__()
            self.place = place

    def __init__(self, hide: Hide) -> None:
        super().__init__(id="picker")
        self._hide = hide
        self._run: str | None = None
        self._places: Sequence[Place] = ()
        self._asked: set[int] = set()
        self._lines = DialogueLines((), 80, hide, self._want)

    def compose(self) -> ComposeResult:
        """Yield the list, and what stands there while it is empty."""
        keys = {"pick": key_name(self, "app.scenarios"), "run": key_name(self, "scenarios.run")}
        yield Static(EMPTY.format(**keys), id="empty", markup=False)
        yield LineList(id="dialogue-list")

    def show(self, run: str | None, places: Sequence[Place]) -> None:
        """Show the scenarios of a run; what was described before stays until it is read again."""
        if run != self._run:
            self._run, self._lines = run, DialogueLines((), 80, self._hide, self._want)
        self._places = places
        self.border_title = f"Dialogues of run {run} · {counted(len(places), 'scenario')}" if run else "Dialogues"
        opens, run = key_name(self, "list.open"), key_name(self, "dialogues.run")
        self.border_subtitle = f"{opens} opens · {run} other run · arms: asked · score" if places else ""
        self.query_one("#empty").display = not places
        self.query_one(LineList).display = bool(places)
        self._renew()

    def fill(self, first: int, rows: Sequence[Mapping[str, Any]]) -> None:
        """Take the descriptions of a page."""
        self._asked.discard(first)
        self._lines.add(rows)
        for lines in self.query(LineList):  # gone where a dialogue takes the picker's place just now
            lines.show(self._lines, heading=self._lines.heading)
            lines.refresh()

    def go_to(self, scenario: str) -> None:
        """Put the cursor on a scenario."""
        index = next((i for i, place in enumerate(self._places) if place.scenario == scenario), None)
        if index is not None:
            lines = self.query_one(LineList)
            lines.show(self._lines, heading=self._lines.heading, cursor=index)

    @property
    def place(self) -> Place | None:
        """The scenario under the cursor."""
        cursor = self.query_one(LineList).cursor
        return self._places[cursor] if cursor < len(self._places) else None

    @property
    def _width(self) -> int:
        return max(20, self.query_one(LineList).size.width - 2)

    def _renew(self) -> None:
        self._asked.clear()
        self._lines = DialogueLines(self._places, self._width, self._hide, self._want, self._lines)
        self.query_one(LineList).show(self._lines, heading=self._lines.heading)

    def _want(self, first: int) -> None:
        if first not in self._asked:
            self._asked.add(first)
            self.post_message(self.Wanted(first))

    def on_line_list_resized(self, event: LineList.Resized) -> None:
        """Write for the new width: the list has none before there is something to list."""
        event.stop()
        self._renew()

    def on_line_list_opened(self, event: LineList.Opened) -> None:
        """Pick."""
        event.stop()
        if self.place is not None:
            self.post_message(self.Picked(self.place))
