"""The dialogs of taking a dialogue over: what to change, what to ask about, and what stands side by side."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Checkbox, Input, OptionList, RadioSet, Select, Static
from textual.widgets.option_list import Option

from workbench.app.keynames import key_name
from workbench.app.state.dialogues.dialogues import MOST_COLUMNS, listed_title
from workbench.app.state.dialogues.takeover import Change, Leave, What
from workbench.app.state.dialogues.transcript import Hide
from workbench.app.state.spans import Line, Span, status_span
from workbench.app.widgets.linelist import LineList
from workbench.app.widgets.ticks import Choice, Tick
from workbench.text import plain

_LABELS: dict[What, str] = {
    "say": "answer this question yourself, as the user",
    "ask": "have something else asked",
    "attribute": "change something about the person",
    "run on": "change nothing and run on",
}


class TakeOver(ModalScreen[Change | None]):
    """Ask what a branch is to change; the result is None where nobody wants it after all.

    Args:
        place: where it leaves.
        question: what is asked there, as it may be shown.
        choice: what is chosen at first, where it can be.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "start", "Start", id="take_over.start", priority=True),
        Binding("escape", "cancel", "Close", id="take_over.cancel", priority=True),
    ]

    def __init__(self, place: Leave, question: str, choice: What | None = None) -> None:
        super().__init__()
        self._place, self._question = place, question
        self._what: What = choice if choice in place.choices else place.choices[0]

    def compose(self) -> ComposeResult:
        """Yield the choices and the fields that they need."""
        place = self._place
        with Vertical(classes="dialog", id="takeover"):
            where = f"question {place.at + 1}" if place.question is not None else "the answer"
            yield Static(Content.styled(f"Take over at {where} of the {plain(place.title)}", "bold $primary"))
            if self._question:
                yield Static(self._question, classes="question", markup=False)
            with RadioSet(id="what", compact=True):
                for what in place.choices:
                    yield Choice(_LABELS[what], value=what == self._what, name=what)
            yield Select([(name, name) for name in place.free], prompt="ask about …", id="ask", compact=True)
            names = [
                (f"{name}{'' if value is not None else ' (nothing known)'}", name)
                for name, value in place.values.items()
            ]
            yield Select(names, prompt="change …", id="attribute", compact=True)
            yield Input(id="text", compact=True)
            yield Tick("answer every further question yourself", id="interactive", compact=True)
            yield Static("", id="wrong", classes="hint", markup=False)
            with Horizontal(classes="buttons"):
                yield Button(
                    f"Start ({key_name(self, 'take_over.start')})", id="start", variant="primary", compact=True
                )
                yield Button(f"Close ({key_name(self, 'take_over.cancel')})", id="close", compact=True)
            yield Static(
                "The branch is kept beside its dialogue, which stays as it is. A model's calls are counted.",
                classes="hint",
            )

    def on_mount(self) -> None:
        """Show the fields of the first choice."""
        self._show_fields()
        (self.query_one("#text") if self._what == "say" else self.query_one(RadioSet)).focus()

    def on_radio_set_changed(self, event: RadioSet.Changed) -> None:
        """Show the fields of another choice."""
        self._what = self._place.choices[event.index]
        self._show_fields()

    def on_input_submitted(self) -> None:
        """Start."""
        self.action_start()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Start or close."""
        if event.button.id == "start":
            self.action_start()
        else:
            self.action_cancel()

    def action_start(self) -> None:
        """Take the change, or say what is missing."""
        chosen = self.query_one(f"#{self._what}", Select).value if self._what in ("ask", "attribute") else ""
        try:
            change = Change(
                self._what,
                self.query_one(Input).value if self._what in ("say", "attribute") else "",
                chosen if isinstance(chosen, str) else "",
                self.query_one(Checkbox).value,
            )
        except ValueError as error:
            self._say(f"▲ {error}")
        else:
            self.dismiss(change)

    def action_cancel(self) -> None:
        """Change nothing."""
        self.dismiss(None)

    def _show_fields(self) -> None:
        self.query_one("#ask").display = self._what == "ask"
        self.query_one("#attribute").display = self._what == "attribute"
        text = self.query_one(Input)
        text.display = self._what in ("say", "attribute")
        text.placeholder = "what the user says" if self._what == "say" else "the new value; empty: nothing to know"
        self._say("")

    def _say(self, wrong: str) -> None:
        self.query_one("#wrong", Static).update(wrong)
        self.query_one("#takeover").set_class(bool(wrong), "-wrong")


class Stopped(ModalScreen[None]):
    """Show what a dialogue would have come to, had it stopped at a step.

    Args:
        title: which dialogue, and where. lines: the response and its verdicts.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,s,enter", "close", "Close", id="stopped.close", show=False)
    ]

    def __init__(self, title: str, lines: Sequence[Line]) -> None:
        super().__init__()
        self._title, self._lines = title, lines

    def compose(self) -> ComposeResult:
        """Yield the text."""
        with Vertical(classes="dialog", id="stopped"):
            yield Static(Content.styled(self._title, "bold $primary"))
            with VerticalScroll(id="stopped-text"):
                yield Static(content_of(self._lines))
            yield Static(
                Content.styled(f"stored with the dialogue · {key_name(self, 'stopped.close')} closes", "$muted")
            )

    def action_close(self) -> None:
        """Close."""
        self.dismiss(None)


def content_of(lines: Sequence[Line]) -> Content:
    """Return lines as one text in their colours."""
    return Content("\n").join(
        Content.assemble(*((span.text, f"{'bold ' * span.bold}${span.role}") for span in line)) for line in lines
    )


class ChooseAttribute(ModalScreen[str | None]):
    """Ask for one of some attributes; the result is None where none is wanted.

    Args:
        names: those to choose from.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "cancel", "Close", id="choose_attribute.cancel", show=False)
    ]

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__()
        self._names = names

    def compose(self) -> ComposeResult:
        """Yield the list."""
        with Vertical(classes="dialog", id="choose"):
            yield Static(Content.styled("Ask about", "bold $primary"))
            yield OptionList(*(Option(name, id=name) for name in self._names), compact=True)
            yield Static(
                Content.styled(f"enter chooses · {key_name(self, 'choose_attribute.cancel')} closes", "$muted")
            )

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Take it."""
        self.dismiss(event.option.id)

    def action_cancel(self) -> None:
        """Choose none."""
        self.dismiss(None)


class ChooseColumns(ModalScreen[list[int] | None]):
    """Ask which dialogues of a scenario stand side by side, one to three; the result is their units.

    Args:
        family: what there is (`storage.dialogues.beside`). chosen: units shown now.
        hide: makes what a person typed safe to show.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "mark", "Mark", id="choose_columns.mark", priority=True),
        Binding("enter", "take", "Show", id="choose_columns.take", priority=True),
        Binding("escape,q", "cancel", "Close", id="choose_columns.cancel", show=False),
    ]

    def __init__(self, family: Sequence[Mapping[str, Any]], chosen: Sequence[int], hide: Hide) -> None:
        super().__init__()
        self._family, self._chosen, self._hide = family, list(chosen), hide

    def compose(self) -> ComposeResult:
        """Yield the list."""
        with Vertical(classes="dialog", id="choose"):
            yield Static(Content.styled("Side by side", "bold $primary"))
            yield LineList()
            yield Static(
                Content.styled(f"space marks, up to {MOST_COLUMNS} · enter shows them · escape closes", "$muted"),
                id="hint",
            )

    def on_mount(self) -> None:
        """Show the list."""
        lines = self.query_one(LineList)
        lines.styles.height = min(16, len(self._family))
        first = next((n for n, row in enumerate(self._family) if row["unit"] in self._chosen), 0)
        lines.show(self._lines(), cursor=first)

    def action_mark(self) -> None:
        """Mark the dialogue under the cursor, or not any more."""
        lines = self.query_one(LineList)
        unit = self._family[lines.cursor]["unit"]
        if unit in self._chosen:
            self._chosen.remove(unit)
        else:
            self._chosen.append(unit)
        lines.show(self._lines())

    def action_take(self) -> None:
        """Show what is marked."""
        if 1 <= len(self._chosen) <= MOST_COLUMNS:
            self.dismiss(self._chosen)
        else:
            warning = f"▲ mark one to {MOST_COLUMNS}; {len(self._chosen)} are marked"
            self.query_one("#hint", Static).update(Content.styled(warning, "$warning"))

    def action_cancel(self) -> None:
        """Leave the columns as they are."""
        self.dismiss(None)

    def _lines(self) -> list[Line]:
        models = len({row["model"] for row in self._family}) > 1
        lines = []
        for row in self._family:
            title = listed_title(row, model=models)
            # A branch's name holds what a person typed or changed.
            shown = plain(title) if row["parent"] is None else self._hide(title)
            mark = Span("✔ " if row["unit"] in self._chosen else "· ", "success")
            running = [Span(" "), status_span("running")] if row["state"] == "running" else []
            lines.append((mark, Span(" ".join(shown.split())), *running))
        return lines
