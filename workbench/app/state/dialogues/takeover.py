"""Taking a dialogue over: where a branch leaves, what is changed there, and the command line that makes it."""

from dataclasses import dataclass
from typing import Literal

from simulator.attributes import NAMES
from workbench.app.state.dialogues.dialogues import Column, Replay

What = Literal["say", "ask", "attribute", "run on"]
"""What a branch changes: the reply to its first question, what is asked first, who the person is, or nothing."""


@dataclass(frozen=True, slots=True)
class Leave:
    """Where a branch leaves a dialogue: `at` turns of it are kept.

    Fields:
        question: what the dialogue asks next there; None where it answers, or the question is not known.
        free: the attributes that were not asked about in what is kept.
        values: attribute -> the person's value, None where there is none.
    """

    unit: int
    title: str
    at: int
    question: str | None
    free: tuple[str, ...]
    values: dict[str, str | None]

    @property
    def choices(self) -> tuple[What, ...]:
        """What can be changed here: there is nothing to say where nothing is asked."""
        return (*(("say",) if self.question is not None else ()), "ask", "attribute", "run on")


def leave(replay: Replay, number: int, *, after: bool = False) -> Leave:
    """Say where a branch would leave a column at the step of now: before the turn that the step shows.

    Args:
        after: keep that turn too.
    """
    column = replay.columns[number]
    at = replay.said(number)
    shows_turn = 0 < replay.step <= replay.rows and replay.alignment.rows[replay.step - 1][number] is not None
    if shows_turn and not after:
        at -= 1
    return _at(column, replay.titles()[number], at)


def _at(column: Column, title: str, at: int) -> Leave:
    asked = {turn.attribute for turn in column.turns[:at]}
    return Leave(
        unit=column.unit,
        title=title,
        at=at,
        question=column.turns[at].question if at < len(column.turns) else None,
        free=tuple(name for name in NAMES if name not in asked),
        values={name: column.row["profile"].get(name) for name in NAMES},
    )


@dataclass(frozen=True, slots=True)
class Change:
    """What a person wants of a branch.

    Fields:
        text: what is said, or the attribute's new value (empty: it has none).
        attribute: what is asked about, or changed.
        interactive: a person answers every further question.

    Raises:
        ValueError: something is missing; the message says what.
    """

    what: What
    text: str = ""
    attribute: str = ""
    interactive: bool = False

    def __post_init__(self) -> None:
        if self.what == "say" and not self.text.strip():
            raise ValueError("write what the user says, or choose another way")
        if self.what in ("ask", "attribute") and self.attribute not in NAMES:
            raise ValueError("choose an attribute")

    def arguments(self, place: Leave) -> list[str]:
        """Return the command line of the branch. A text that begins with a dash stays a text."""
        found = ["branch", str(place.unit), "--at", str(place.at)]
        if self.what == "say":
            found.append(f"--say={self.text.strip()}")
        elif self.what == "ask":
            found.append(f"--ask={self.attribute}")
        elif self.what == "attribute":
            found.append(f"--attribute={self.attribute}={self.text.strip()}")
        return [*found, *(["--interactive"] if self.interactive else [])]


def probe_arguments(column: Column, said: int) -> list[str]:
    """Return the command line that asks what answering after `said` turns would be worth."""
    return ["branch", str(column.unit), "--at", str(said), "--probe"]
