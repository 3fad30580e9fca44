"""Two runs beside each other, as `workbench compare` sets them."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from workbench.app.state.scores.scores import RunScores, read_scores
from workbench.app.state.spans import ABSENT, Column, Span
from workbench.figures import mean_and_half, p_value, two_digits
from workbench.statistics.comparison import Comparison, ComparisonTable, compare_pairs, compare_samples
from workbench.statistics.paired import Paired
from workbench.text import counted

if TYPE_CHECKING:
    from storage.sqlite import Database

COLUMNS: tuple[Column, ...] = (
    Column("model", rank=4),
    Column("arm"),
    Column("judge"),
    Column("n", right=True, rank=1),
    Column("first", right=True, rank=2),
    Column("second", right=True, rank=2),
    Column("difference", right=True),
    Column("p", right=True, rank=3),
    Column("Holm", right=True),
    Column("d_z", right=True, rank=2),
    Column("more", right=True, rank=5),
)

MEANINGS = {
    "Holm": "Holm: p corrected for all lines together; at .05 or less the two are told apart",
    "p": "p: how often chance alone would bring a difference as large",
    "d_z": "d_z: the difference in standard deviations of the scenarios' own differences",
    "more": "more: scenarios that a run would need beyond these to tell the two apart, if the difference is as seen",
}
"""What a reader may ask of a column."""

_MOST = 500
"""Scenarios listed of those that changed most."""


@dataclass(frozen=True, slots=True)
class RunPair:
    """A run and a second one.

    Fields:
        table: its lines are paired where scenarios are shared, else unpaired.
        shared: how many judged scenarios both runs have, only the first, only the second.
        measure: names of what differs so that scores may not mean the same. other: what else differs.
    """

    first: RunScores
    second: RunScores
    table: ComparisonTable
    shared: tuple[int, int, int]
    measure: tuple[str, ...]
    other: tuple[str, ...]

    @property
    def analysis(self) -> str:
        """The word that stands beside the figures."""
        return self.table.rows[0].result.analysis if self.table.rows else "nothing to compare"

    def notes(self) -> list[tuple[str, str]]:
        """Return what a reader has to know of the comparison: pairs of a status and a text."""
        both, *alone = self.shared
        lone = [f"{n:,} only in {run.id}" for n, run in zip(alone, (self.first, self.second), strict=True) if n]
        notes = [("", ", ".join([f"{counted(both, 'scenario')} in both runs", *lone]))]
        notes += [("warning", f"scores may not mean the same in both runs: {_some(self.measure)}")] * bool(self.measure)
        if self.analysis == "unpaired":
            notes.append(("warning", "no shared scenario has a score in both: all scores as independent samples"))
        if not self.table.rows:
            notes.append(("warning", "the runs share no arm, model and judge"))
        failed = sum(row.failed for row in self.table.rows)
        if failed:
            notes.append(("failed", f"{failed:,} judgements, in no mean"))
        if self.other:
            notes.append(("", f"also different: {_some(self.other)}"))
        return notes


def read_pair(db: "Database", first: RunScores, second: str) -> RunPair:
    """Compare two runs on the scenarios they share, or as independent samples where they share none.

    Args:
        first: the run that is open. second: the id of the other, or its beginning.

    Raises:
        NotFoundError: there is no such run.
    """
    return _compared(db, first, first if second == first.id else read_scores(db, second))


def compare_again(db: "Database", pair: RunPair, first: RunScores) -> RunPair | None:
    """Compare two runs anew, or return None where neither has other verdicts than when they were compared.

    Args:
        first: the first run as it was read last.
    """
    from storage.judgements import score_stamp

    same = score_stamp(db, pair.second.id) == pair.second.stamp
    if same and first.stamp == pair.first.stamp:
        return None
    return _compared(db, first, pair.second if same else read_scores(db, pair.second.id))


def _compared(db: "Database", first: RunScores, other: RunScores) -> RunPair:
    from storage.compare import Side, pair_rows, run_differences, side_rows

    sides = Side(first.id), Side(other.id)
    table = compare_pairs(pair_rows(db, *sides), most=_MOST)
    if not table.rows:
        table = compare_samples(side_rows(db, sides[0]), side_rows(db, sides[1]))
    found = run_differences(db, first.run, other.run)
    names = [tuple(difference.name for difference in found if difference.measure == measure) for measure in (1, 0)]
    return RunPair(first, other, table, _shared(first, other), names[0], names[1])


def _shared(first: RunScores, second: RunScores) -> tuple[int, int, int]:
    one, other = (
        {found.scenarios[i] for i in np.unique(found.scenario).tolist()} for found in (first.verdicts, second.verdicts)
    )
    return len(one & other), len(one - other), len(other - one)


def pair_cells(row: Comparison) -> dict[str, Span]:
    """Return the cells of a line, by the titles of `COLUMNS`."""
    result, compared = row.result, row.compared
    paired = isinstance(result, Paired)
    difference = row.difference()
    role = "foreground" if not row.told_apart else "value-high" if difference[0] > 0 else "value-low"
    dz = result.dz if isinstance(result, Paired) else None
    sizes = str(result.first.n) if paired else f"{result.first.n}, {result.second.n}"
    cells = {
        "model": _change(compared.first_model, compared.second_model),
        "arm": _change(compared.first_arm, compared.second_arm),
        "judge": compared.judge,
        "n": sizes,
        "first": mean_and_half(result.first.mean, result.first.low, result.first.high),
        "second": mean_and_half(result.second.mean, result.second.low, result.second.high),
        "p": p_value(row.p),
        "Holm": p_value(row.p_holm),
        "d_z": None if dz is None else f"{dz:+.2f}",
        "more": "told apart" if row.told_apart else None if row.more is None else two_digits(row.more),
    }
    spans = {name: Span(ABSENT if text is None else text) for name, text in cells.items()}
    return spans | {"difference": Span(mean_and_half(*difference, sign="+"), role, bold=row.told_apart)}


def _change(first: str, second: str) -> str:
    return first if first == second else f"{first} → {second}"


def _some(names: tuple[str, ...], most: int = 6) -> str:
    rest = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + rest
