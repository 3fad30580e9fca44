"""Dialogues beside each other: which turns belong in one row, by the attribute that they ask about.

A longest common subsequence keeps what both asked about in the same order; what is left between two common turns is
set beside each other in order and differs.
"""

from collections.abc import Sequence
from dataclasses import dataclass

Cells = tuple[int | None, ...]
"""One row: the number of the turn that each dialogue has in it, or None where it has none."""


@dataclass(frozen=True, slots=True)
class Alignment:
    """Turns of some dialogues in rows.

    Fields:
        rows: `[rows][dialogues]`; each turn of each dialogue stands in exactly one row, in its order.
    """

    rows: tuple[Cells, ...]

    def row_of(self, dialogue: int, turn: int) -> int:
        """Return the row that holds a turn.

        Raises:
            ValueError: the dialogue has no such turn.
        """
        return [cells[dialogue] for cells in self.rows].index(turn)

    def said(self, dialogue: int, rows: int) -> int:
        """Return how many turns of a dialogue stand in the first `rows` rows."""
        return sum(cells[dialogue] is not None for cells in self.rows[: max(0, rows)])


def align(paths: Sequence[Sequence[str]]) -> Alignment:
    """Set dialogues beside each other.

    Args:
        paths: `[dialogues][turns]`, the attribute that each turn asks about. The second is aligned with the first by
            a longest common subsequence, a third with what has become of these two, and so on.
    """
    if not paths:
        return Alignment(())
    rows: list[Cells] = [(turn,) for turn in range(len(paths[0]))]
    for number, path in enumerate(paths[1:], start=1):
        rows = _beside(rows, [_asked(cells, paths) for cells in rows], path, number)
    return Alignment(tuple(rows))


def _asked(cells: Cells, paths: Sequence[Sequence[str]]) -> list[str]:
    return [path[turn] for path, turn in zip(paths, cells, strict=False) if turn is not None]


def _beside(rows: list[Cells], asked: list[list[str]], path: Sequence[str], dialogues: int) -> list[Cells]:
    """Add one dialogue to the rows of `dialogues` others."""
    found: list[Cells] = []
    row = turn = 0
    for common_row, common_turn in [*_common(asked, path), (len(rows), len(path))]:
        while row < common_row or turn < common_turn:  # what lies between two common turns, side by side
            cells = rows[row] if row < common_row else (None,) * dialogues
            found.append((*cells, turn if turn < common_turn else None))
            row, turn = min(row + 1, common_row), min(turn + 1, common_turn)
        if row < len(rows):
            found.append((*rows[row], turn))
            row, turn = row + 1, turn + 1
    return found


def _common(asked: list[list[str]], path: Sequence[str]) -> list[tuple[int, int]]:
    """Return the pairs (row, turn) of a longest common subsequence; a row counts as often as it holds the attribute."""
    height, width = len(asked), len(path)
    best = [[0] * (width + 1) for _ in range(height + 1)]  # [row][turn]: what the rest from there on is worth
    for row in reversed(range(height)):
        for turn in reversed(range(width)):
            equal = asked[row].count(path[turn])
            together = equal + best[row + 1][turn + 1] if equal else 0
            best[row][turn] = max(together, best[row + 1][turn], best[row][turn + 1])
    pairs = []
    row = turn = 0
    while row < height and turn < width:
        equal = asked[row].count(path[turn])
        if equal and best[row][turn] == equal + best[row + 1][turn + 1]:
            pairs.append((row, turn))
            row, turn = row + 1, turn + 1
        elif best[row][turn] == best[row + 1][turn]:
            row += 1
        else:
            turn += 1
    return pairs
