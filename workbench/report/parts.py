"""What a report is made of, whatever it is written as: tables, figures and dialogues, their texts not yet escaped."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from markupsafe import Markup

ABSENT = "–"
"""What stands where there is no value."""


class Mean(NamedTuple):
    """A mean with its interval; `low` and `high` are None where nothing is known about the spread."""

    value: float
    low: float | None = None
    high: float | None = None


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
class RunReport:
    """All that a report says of one run.

    Fields:
        run: its id. label: the words that stand wherever its results do (`world: surrogate`). state: of the run.
        surrogate: its world is the surrogate.
        method: what was run, in sentences. choice: how the dialogues and searches were chosen.
    """

    run: str
    label: str
    state: str
    surrogate: bool
    method: tuple[str, ...]
    settings: Table
    scores: tuple[Table, ...]
    figures: tuple[Figure, ...]
    choice: str
    searches: tuple[ShownSearch, ...]
    dialogues: tuple[ShownDialogue, ...]
    failures: Table
    provenance: Table
    ledger: Table | None

    @property
    def tables(self) -> tuple[Table, ...]:
        """Every table, in reading order."""
        ledger = () if self.ledger is None else (self.ledger,)
        return (self.settings, *self.scores, self.failures, self.provenance, *ledger)


@dataclass(frozen=True, slots=True)
class Report:
    """A whole report; `overview` compares the runs where there are several."""

    title: str
    runs: tuple[RunReport, ...]
    overview: Table | None
    code_version: str


def shown(cell: Cell) -> str:
    """Return a cell as people read it: two places, the interval in brackets."""
    if cell is None or cell == "":
        return ABSENT
    if isinstance(cell, Mean):
        return f"{cell.value:.2f}{spread(cell)}"
    if isinstance(cell, float):
        return f"{cell:.2f}"
    return f"{cell:,}" if isinstance(cell, int) else cell


def spread(mean: Mean) -> str:
    """Return the interval of a mean in brackets, empty where there is none."""
    return "" if mean.low is None or mean.high is None else f" [{mean.low:.2f}, {mean.high:.2f}]"


def numeric(table: Table) -> Sequence[bool]:
    """Tell for each column whether it holds numbers and nothing else."""
    columns = zip(*table.rows, strict=True) if table.rows else ((),) * len(table.columns)
    told = ([cell for cell in column if cell is not None] for column in columns)
    return [bool(cells) and not any(isinstance(cell, str) for cell in cells) for cells in told]
