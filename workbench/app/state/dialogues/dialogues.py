"""What the Dialogues screen shows: dialogues beside each other, and how far they have been replayed."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from storage.notes import Annotations
from themes import status
from workbench.app.state.dialogues.alignment import Alignment, align

Mark = Literal["", "same", "reply", "differs", "only"]
"""How a turn stands to those beside it: alone on the screen, the same attribute (and what was learned), the same
attribute but another reply, another attribute, or nothing beside it."""

MOST_COLUMNS = 3
"""More would leave no room for what is said."""

SPEEDS: tuple[float, ...] = (0.5, 1.0, 2.0, 4.0, 8.0)
"""Seconds a step, while it plays."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One question and its reply, as they were stored.

    Fields:
        completeness: 0-5, rated before the question; None where it could not be read.
        question: None where an imported file says only what was asked about.
        status: what kind of reply it is; None while it is waited for.
        known: what the agent may use from then on. truth: the profile's own value.
        score: 1-5, the known true score of answering before this question, or None.
        said_by: the simulated `user` or a `person`; None where nobody has replied, or nobody says who.
    """

    attribute: str
    completeness: int | None
    question: str | None
    reason: str
    chosen_by: str
    status: str | None
    reply: str | None
    known: str | None
    truth: str | None
    score: float | None
    said_by: str | None = None

    @property
    def departs(self) -> bool:
        """Tell whether what was learned is not what is true, though it claims to be (a person answered otherwise)."""
        return self.status == "answered" and self.known is not None and _folded(self.known) != _folded(self.truth)


@dataclass(frozen=True, slots=True)
class Branch:
    """Where a dialogue left another: after `step` turns of the unit `parent`, and what was changed there."""

    parent: int
    step: int
    change: str


@dataclass(frozen=True)
class Column:
    """One dialogue of the screen.

    Fields:
        row: all of it, as `storage.dialogues.replay` gives it, and maybe its `annotations` (a mapping).
        turns: what was said.
        branch: where it left another dialogue, if it did.
    """

    row: Mapping[str, Any]
    turns: tuple[Turn, ...]
    branch: Branch | None

    @property
    def unit(self) -> int:
        """The number that links, notes and commands name it by."""
        return int(self.row["unit"])

    @property
    def surrogate(self) -> bool:
        """Whether its figures are those of the surrogate."""
        return bool(self.row["world"] == "surrogate")

    @property
    def running(self) -> bool:
        """Whether it still goes on."""
        return self.row["state"] in ("running", "pending")

    @property
    def waiting(self) -> bool:
        """Whether its last question waits for a reply."""
        return self.running and bool(self.turns) and self.turns[-1].reply is None

    @property
    def interactive(self) -> bool:
        """Whether a person answers its questions."""
        branch = self.row["branch"]
        return branch is not None and bool(branch["change"].get("interactive"))

    @property
    def annotations(self) -> Annotations:
        """Note, tags and bookmark, where they were read with it."""
        return Annotations(**self.row["annotations"]) if "annotations" in self.row else Annotations()

    @cached_property
    def probes(self) -> dict[int, list[Mapping[str, Any]]]:
        """What answering after so many turns was worth, where that was asked: turns -> a row per judge."""
        found: dict[int, list[Mapping[str, Any]]] = {}
        for probe in self.row["probes"]:
            found.setdefault(probe["step"], []).append(probe)
        return found

    def replied(self, said: int) -> int:
        """Return how many of the first `said` turns have a reply: all but one that waits."""
        return min(said, len(self.turns) - self.waiting)

    def known(self, said: int) -> list[Turn]:
        """Return the turns among the first `said` that have a reply; `status` says whether it told anything."""
        return list(self.turns[: self.replied(said)])

    def learned(self, said: int) -> int:
        """Count the attributes of which something is known after `said` turns, 0-10."""
        return len({turn.attribute for turn in self.known(said) if turn.known is not None})

    def completeness(self, said: int) -> int | None:
        """Return the rating 0-5 after `said` turns, or None where there was none that could be read."""
        if said < len(self.turns):
            return self.turns[said].completeness
        rating = None if self.running else self.row["completeness"]
        return None if rating is None else int(rating)

    def score(self, said: int) -> float | None:
        """Return the known true score 1-5 of answering after `said` turns, or None where the world can't know it."""
        score = self.turns[said].score if said < len(self.turns) else self.row["score"]
        return None if score is None else float(score)

    def mean_score(self) -> float | None:
        """Return the mean verdict 1-5 over the judges that gave one, or None."""
        scores = [verdict["score"] for verdict in self.row["verdicts"] if verdict["score"] is not None]
        return sum(scores) / len(scores) if scores else None


def column(row: Mapping[str, Any]) -> Column:
    """Make a column of a dialogue (`storage.dialogues.replay`)."""
    turns = tuple(Turn(**{name: turn[name] for name in Turn.__slots__}) for turn in row["turns"])
    branch = row["branch"]
    left = None if branch is None else Branch(branch["parent"], branch["step"], describe_change(branch["change"]))
    return Column(row, turns, left)


def describe_change(change: Mapping[str, Any]) -> str:
    """Say in a few words what a branch changed; what a person typed stands in it as they wrote it."""
    if change.get("say"):
        return f"said “{change['say']}”"
    if change.get("attribute"):
        return f"{change['attribute']} = {change.get('value') or 'unknown'}"
    if change.get("ask"):
        return f"asked about {change['ask']}"
    return "a person answers" if change.get("interactive") else "run on"


def first_columns(family: Sequence[Mapping[str, Any]], unit: int) -> list[int]:
    """Choose what stands side by side at first: agent and planner of the unit's model; a branch beside its parent.

    Args:
        family: what can be set beside each other (`storage.dialogues.beside`), the unit among it.
    """
    mine = next(row for row in family if row["unit"] == unit)
    if mine["parent"] is not None:
        return [mine["parent"], unit]
    own = [row for row in family if row["parent"] is None and row["model"] == mine["model"]]
    return [row["unit"] for row in own if row["unit"] == unit or row["arm"] in ("agent", "planner")][:2] or [unit]


def same_choice(family: Sequence[Mapping[str, Any]], like: Sequence[Mapping[str, Any]]) -> list[int]:
    """Return the dialogues of another scenario that have the arms and models of these; branches are left out."""
    wanted = [(row["arm"], row["model"]) for row in like if row["parent"] is None]
    own = {(row["arm"], row["model"]): row["unit"] for row in family if row["parent"] is None}
    return [own[key] for key in wanted if key in own]


class Replay:
    """Dialogues beside each other, and the step that they are at.

    Step 0 is the query alone, steps 1 to `rows` the rows of turns, step `rows + 1` the answers. What is said up to and
    including the step counts as known.
    """

    def __init__(self, columns: Sequence[Column] = ()) -> None:
        self.columns: tuple[Column, ...] = ()
        self.alignment = Alignment(())
        self.step = 0
        self.show(columns)

    @property
    def rows(self) -> int:
        """How many rows of turns there are."""
        return len(self.alignment.rows)

    @property
    def last(self) -> int:
        """The last step: the answers."""
        return self.rows + 1

    def show(self, columns: Sequence[Column]) -> None:
        """Replace the dialogues; the step stays at the turn that it was at, or at the end, where it was there."""
        ended = bool(self.columns) and self.step == self.last
        anchor = self._anchor()
        self.columns = tuple(columns)
        self.alignment = align([[turn.attribute for turn in each.turns] for each in self.columns])
        if ended:
            self.step = self.last
        elif anchor is not None:
            self.go_to_turn(*anchor)
        else:
            self.step = min(self.step, self.last)

    def go_to(self, step: int) -> bool:
        """Go to a step, at most as far as there are any; tell whether that is another one."""
        step = min(max(0, step), self.last)
        moved, self.step = step != self.step, step
        return moved

    def go_to_turn(self, unit: int, turns: int) -> bool:
        """Go to where a dialogue has said so many turns (more than it has: to its answer)."""
        for number, each in enumerate(self.columns):
            if each.unit == unit:
                if turns > len(each.turns):
                    return self.go_to(self.last)
                return self.go_to(self.alignment.row_of(number, turns - 1) + 1 if turns > 0 else 0)
        return self.go_to(self.step)

    def next_difference(self, direction: int = 1) -> bool:
        """Go to the next row (-1: the last one before) where the dialogues differ; tell whether there is one."""
        steps = range(self.step + 1, self.rows + 1) if direction > 0 else range(min(self.step, self.last) - 1, 0, -1)
        found = next((step for step in steps if self.differs(step - 1)), None)
        return found is not None and self.go_to(found)

    def differs(self, row: int) -> bool:
        """Tell whether the dialogues differ in a row of turns."""
        return any(self.mark(row, number) not in ("", "same") for number in range(len(self.columns)))

    def said(self, number: int, step: int | None = None) -> int:
        """Return how many turns a column has said at a step (default: now)."""
        return self.alignment.said(number, min(self.step if step is None else step, self.rows))

    def turn(self, number: int, row: int) -> Turn | None:
        """Return the turn of a column in a row, if it has one there."""
        turn = self.alignment.rows[row][number]
        return None if turn is None else self.columns[number].turns[turn]

    def mark(self, row: int, number: int) -> Mark:
        """Say how a column's turn stands to those beside it in the row; empty where it has none, or is alone."""
        mine = self.turn(row=row, number=number)
        if mine is None or len(self.columns) < 2:
            return ""
        others = [turn for n in range(len(self.columns)) if n != number and (turn := self.turn(n, row)) is not None]
        if not others:
            return "only"
        if any(turn.attribute != mine.attribute for turn in others):
            return "differs"
        replies = {(turn.status, turn.known) for turn in (mine, *others) if turn.status is not None}
        return "same" if len(replies) < 2 else "reply"

    def titles(self, others: Iterable[str] = ()) -> list[str]:
        """Name the columns: by arm, by model where there are several, and by where they branched off.

        Args:
            others: models of dialogues that could stand there, too.
        """
        models = {each.row["model"] for each in self.columns} | set(others)
        return [title(each.row, each.branch, model=len(models) > 1) for each in self.columns]

    def name_of_step(self) -> str:
        """Say where the replay is: at the query, at a step of so many, or at the answers."""
        if self.step == 0:
            return "query"
        return f"step {self.step} of {self.rows}" if self.step <= self.rows else "answer"

    def with_neighbours(self, number: int) -> int:
        """Return the column whose planned paths are shown: this one, or the first that has any where it has none."""
        if self.columns and not self.columns[number].row["neighbours"]:
            return next((n for n, each in enumerate(self.columns) if each.row["neighbours"]), number)
        return number

    def _anchor(self) -> tuple[int, int] | None:
        """Return a dialogue and the number of turns it has said now, from a column that has a turn at this step."""
        if not 0 < self.step <= self.rows:
            return None
        cells = self.alignment.rows[self.step - 1]
        return next(
            ((each.unit, turn + 1) for each, turn in zip(self.columns, cells, strict=True) if turn is not None), None
        )


def title(row: Mapping[str, Any], branch: Branch | None, *, model: bool) -> str:
    """Name one dialogue, by its arm (and its model), or as the branch that it is."""
    name = f"{row['arm']} · {row['model']}" if model else f"{row['arm']} arm"
    return (
        name
        if branch is None
        else f"{status('branch').label()} {row['unit']} of {name}, from question {branch.step + 1}"
    )


def listed_title(row: Mapping[str, Any], *, model: bool) -> str:
    """Name one of `storage.dialogues.beside`, a branch with what was changed."""
    if row["parent"] is None:
        return title(row, None, model=model)
    branch = Branch(row["parent"], row["step"], describe_change(row["change"]))
    return f"{title(row, branch, model=model)}: {branch.change}"


def _folded(text: str | None) -> str:
    return " ".join((text or "").split()).casefold().rstrip(".")
