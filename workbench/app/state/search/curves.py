"""How the choice of a search went: the curves under the tree, and how they are drawn with dots."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from planner.recommend import Course, best_so_far
from planner.rules import RULES
from planner.subsets import members
from planner.trace import FAILED, Trace

_DOTS = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]], np.uint8)
"""Bits of a braille character, `[row, column]` of its eight dots."""

_LEAST_SPAN = 0.2
"""Of the value axis, so that noise in the second place does not look like a mountain range."""


@dataclass(frozen=True, eq=False)
class Curves:
    """T rollouts; values on 1-5, NaN where there is none.

    Fields:
        best: `[T]` float64, Q of the subset that would be returned.
        chosen: `[T]` float64, Q of the attribute that would be asked first, alone.
        first: `[T]` int64, that attribute; -1 where there is none.
        changes: rollouts (from 1) that made another subset the best one, the first choice included.
        failed: rollouts (from 1) whose evaluation failed.
    """

    best: NDArray[np.float64]
    chosen: NDArray[np.float64]
    first: NDArray[np.int64]
    changes: tuple[int, ...]
    failed: tuple[int, ...]

    @property
    def rollouts(self) -> int:
        """T."""
        return len(self.best)

    def said(self, t: int, *, short: bool = False) -> str:
        """Say since when the choice stands, after `t` rollouts."""
        last = max((change for change in self.changes if change <= t), default=None)
        if last is None:
            return "nothing chosen yet"
        if short:
            return f"kept since {last}"
        return f"choice last changed at rollout {last}" if last != self.changes[0] else f"chosen since rollout {last}"


def curves(trace: Trace, course: Course | None = None) -> Curves:
    """Follow the choice of a search.

    Args:
        course: `best_so_far(trace)` where the caller has it.
    """
    course = best_so_far(trace) if course is None else course
    told = trace.flags & FAILED == 0
    chosen = np.full(trace.rollouts, np.nan)
    first = np.full(trace.rollouts, -1, np.int64)
    if trace.backup == "path" and trace.rollouts:
        rule = RULES[trace.rule]
        reward = np.where(told, (trace.reward - rule.offset) / rule.width, 0.0)
        for attribute in members(trace.available):
            through = (trace.path[:, 0] == attribute) & told
            visits = np.cumsum(through)
            with np.errstate(invalid="ignore"):
                value = np.cumsum(np.where(through, reward, 0.0)) / visits
            # Of the best subset's attributes the one whose Q alone is highest; ties go to the first in order.
            better = (course.mask >= 0) & (course.mask >> attribute & 1 == 1) & (visits > 0)
            better &= ~(chosen >= value)
            chosen[better], first[better] = value[better], attribute
        chosen = rule.offset + rule.width * chosen
    failed = tuple((np.flatnonzero(~told) + 1).tolist())
    return Curves(course.q, chosen, first, tuple(course.changes), failed)


def bounds(shown: Sequence[Curves]) -> tuple[float, float]:
    """Return the ends of the value axis, tenths within 1-5 around everything that is drawn."""
    values = np.concatenate([part for one in shown for part in (one.best, one.chosen)])
    values = values[np.isfinite(values)]
    if not len(values):
        return 1.0, 5.0
    low, high = float(values.min()), float(values.max())
    spare = max(0.0, _LEAST_SPAN - (high - low)) / 2
    low, high = max(1.0, low - spare), min(5.0, high + spare)
    return float(np.floor(low * 10 + 1e-9) / 10), float(np.ceil(high * 10 - 1e-9) / 10)


def column_of(t: int, rollouts: int, width: int) -> int:
    """Return the cell, 0 to width - 1, over which rollout `t` (from 1) is drawn."""
    return min(width - 1, max(0, int((t - 0.5) * width / max(1, rollouts))))


def rollout_at(column: int, rollouts: int, width: int) -> int:
    """Return the rollout that is meant by a cell: 0 to the left of the curve, the last one at its right end."""
    if column < 0 or not rollouts:
        return 0
    return min(rollouts, max(1, round((column + 1) * rollouts / max(1, width))))


def raster(
    values: Sequence[float] | NDArray[np.float64],
    bounds: tuple[float, float],
    width: int,
    height: int,
    *,
    rollouts: int = 0,
    dotted: bool = False,
) -> NDArray[np.uint8]:
    """Draw a curve of steps with dots, two by four a cell.

    Args:
        values: `[T]`, NaN where there is none. bounds: values at the lower and upper edge.
        rollouts: how many the width stands for, at least T; a shorter curve ends before the right edge.
        dotted: leave out every second dot of what is level, to tell it from another curve without colour.

    Returns:
        `[height, width]`, bits of a braille character each; 0 = nothing there.
    """
    cells = np.zeros((height, width), np.uint8)
    values = np.asarray(values, np.float64)
    if not len(values) or not width or not height:
        return cells
    values = np.pad(values, (0, max(0, rollouts - len(values))), constant_values=np.nan)
    low, high = bounds
    begin = np.arange(2 * width) * len(values) // (2 * width)  # of what a column of dots stands for
    ends = np.stack([np.fmax.reduceat(values, begin), np.fmin.reduceat(values, begin)], axis=1)
    share = np.clip((ends - low) / ((high - low) or 1.0), 0, 1)
    before: tuple[int, int] | None = None
    for x, (highest, lowest) in enumerate(share.tolist()):
        if highest != highest:  # NaN: nothing is known
            before = None
            continue
        top, bottom = (round((1 - value) * (4 * height - 1)) for value in (highest, lowest))
        steps = range(top, bottom + 1) if before is None else range(min(top, before[1]), max(bottom, before[0]) + 1)
        if not dotted or x % 2 == 0 or len(steps) > 1:
            for dot in steps:
                cells[dot // 4, x // 2] |= _DOTS[dot % 4, x % 2]
        before = top, bottom
    return cells
