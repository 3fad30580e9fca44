"""What a report is made of, whatever it is written as: tables, figures and dialogues, their texts not yet escaped."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from markupsafe import Markup

ABSENT = "–"
"""What stands where there is no value."""


class Mean(NamedTuple):
    """A mean with its interval; `low` and `high` are None where nothing is known about the spread.

    `signed`: it is a difference, and is shown with its sign.
    """

    value: float
    low: float | None = None
    high: float | None = None
    signed: bool = False


Cell = str | int | float | Mean | None


@dataclass(frozen=True, slots=True)
class Table:
    """A table.

    Fields:
        title: says what it shows, the world included wherever there are results in it.
        columns: headings. rows: as many cells each; the first cell names the row.
        note: how to read it, may be empty.
        published: numbers of the rows that are the paper's own figures.
        key: a word that is unique in its report, for links.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""
    published: frozenset[int] = frozenset()
    key: str = ""


@dataclass(frozen=True, slots=True)
class Figure:
    """A plot: `svg` is complete and escaped, the rest is plain text."""

    title: str
    note: str
    svg: Markup


@dataclass(frozen=True, slots=True)
class ShownDialogue:
    """A chosen dialogue.

    Fields:
        row: of `storage.readers.dialogue_rows`. verdicts: of `storage.readers.score_rows`.
        profile: (attribute, value) of all that is known about the person.
        folded: why its texts are folded away at first, or empty.
    """

    row: Mapping[str, Any]
    verdicts: tuple[Mapping[str, Any], ...]
    profile: tuple[tuple[str, str], ...]
    folded: str


@dataclass(frozen=True, slots=True)
class ShownSearch:
    """A chosen search: whose it is, its query, its drawings, and why the query is folded away at first, or empty."""

    heading: str
    query: str
    summary: str
    folded: str
    figures: tuple[Figure, ...]


@dataclass(frozen=True, slots=True)
class Examples:
    """Searches and dialogues to read.

    Fields:
        label: the words that stand wherever the results of their run do.
        surrogate: they are of the surrogate.
        choice: how they were chosen.
    """

    label: str
    surrogate: bool
    choice: str
    searches: tuple[ShownSearch, ...]
    dialogues: tuple[ShownDialogue, ...]


@dataclass(frozen=True, slots=True)
class Account:
    """What was run, and what it took: all of a run but its results.

    Fields:
        run: its id. label: the words that stand wherever its results do (`world: surrogate`). state: of the run.
        surrogate: its world is the surrogate. method: what was run, in sentences.
    """

    run: str
    label: str
    state: str
    surrogate: bool
    method: tuple[str, ...]
    settings: Table
    failures: Table
    provenance: Table
    ledger: Table | None

    @property
    def costs(self) -> tuple[Table, ...]:
        """What failed, where it comes from and what it took."""
        ledger = () if self.ledger is None else (self.ledger,)
        return (self.failures, self.provenance, *ledger)


@dataclass(frozen=True, slots=True)
class RunReport:
    """All that a report says of one run."""

    account: Account
    scores: tuple[Table, ...]
    figures: tuple[Figure, ...]
    examples: Examples

    @property
    def tables(self) -> tuple[Table, ...]:
        """Every table, in reading order."""
        return (self.account.settings, *self.scores, *self.account.costs)


@dataclass(frozen=True, slots=True)
class Section:
    """What a study found about one question.

    Fields:
        key: a word that is unique in its study, for links. heading: what it is about.
        says: what it comes to, in sentences.
        parts: figures and tables in reading order. more: those that are folded away at first.
    """

    key: str
    heading: str
    says: tuple[str, ...] = ()
    parts: tuple[Figure | Table, ...] = ()
    more: tuple[Figure | Table, ...] = ()

    @property
    def tables(self) -> tuple[Table, ...]:
        """Every table, in reading order."""
        return tuple(part for part in (*self.parts, *self.more) if isinstance(part, Table))

    @property
    def folded(self) -> str:
        """What is folded away, in words."""
        kinds = Counter(
            f"{'table' if isinstance(part, Table) else 'plot'}: {part.title.split(' · ')[0]}" for part in self.more
        )
        return "; ".join(kind if count == 1 else f"{kind} ({count})" for kind, count in kinds.items())


@dataclass(frozen=True, slots=True)
class StudyReport:
    """All that a report says of a study.

    Fields:
        study: its id. name: the preset or file that it was made from.
        label: the words that stand wherever its results do.
        state: done, or how far it is. surrogate: its world is the surrogate.
        method: how to read it, in sentences.
        runs: every run in short. accounts: each of them, in full.
    """

    study: str
    name: str
    label: str
    state: str
    surrogate: bool
    method: tuple[str, ...]
    sections: tuple[Section, ...]
    examples: Examples
    runs: Table
    accounts: tuple[Account, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """A whole report; `overview` compares the runs where there are several."""

    title: str
    studies: tuple[StudyReport, ...]
    runs: tuple[RunReport, ...]
    overview: Table | None
    code_version: str


def shown(cell: Cell) -> str:
    """Return a cell as people read it: two places, the interval in brackets."""
    if cell is None or cell == "":
        return ABSENT
    if isinstance(cell, Mean):
        return f"{middle(cell)}{spread(cell)}"
    if isinstance(cell, float):
        return f"{cell:.2f}"
    return f"{cell:,}" if isinstance(cell, int) else cell


def middle(mean: Mean) -> str:
    """Return a mean without its interval."""
    return f"{mean.value:+.2f}" if mean.signed else f"{mean.value:.2f}"


def spread(mean: Mean) -> str:
    """Return the interval of a mean in brackets, empty where there is none."""
    if mean.low is None or mean.high is None:
        return ""
    return f" [{mean.low:+.2f}, {mean.high:+.2f}]" if mean.signed else f" [{mean.low:.2f}, {mean.high:.2f}]"


def numeric(table: Table) -> Sequence[bool]:
    """Tell for each column whether it holds numbers and nothing else."""
    columns = zip(*table.rows, strict=True) if table.rows else ((),) * len(table.columns)
    told = ([cell for cell in column if cell is not None] for column in columns)
    return [bool(cells) and not any(isinstance(cell, str) for cell in cells) for cells in told]
