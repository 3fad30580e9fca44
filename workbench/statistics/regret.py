"""Regret: how far what a planner recommends falls short of the best subset, where the truth is known."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from planner.recommend import Course, best
from planner.subsets import subsets
from planner.trace import Trace, path_masks
from workbench.statistics.bootstrap import Interval, interval
from workbench.statistics.resampling import Floats, estimate
from workbench.statistics.studytable import Value

FOUND = 0.005
"""A regret below this is none: half of what two places can show."""


class Reading(NamedTuple):
    """Where one search stood after some of its rollouts.

    Fields:
        cluster: what it belongs together with, in intervals.
        regret: true score of the best subset of the size wanted, minus that of the subset recommended.
        rollouts: how many there were. evaluations: new samples among them.
        subsets: different subsets evaluated. rankings: states whose prior was asked for.
    """

    cluster: str
    regret: float
    rollouts: int
    evaluations: int
    subsets: int
    rankings: int


def optimum(true: NDArray[np.float64], trace: Trace, size: int | None = None) -> float:
    """Return the true score of the best subset of `size` attributes, by default as many as a search looked for.

    Args:
        true: `[2^n]`, by mask.
    """
    return float(true[subsets(trace.available, trace.depth if size is None else size)].max())


def read(
    trace: Trace,
    course: Course,
    true: NDArray[np.float64],
    rollouts: int,
    cluster: str,
    first: int | None = None,
) -> Reading:
    """Say where a search stood after its first `rollouts` rollouts (at most all).

    Args:
        course: `best_so_far` of the trace. true: `[2^n]`, true scores by mask.
        first: so many attributes with which the path would begin are what is recommended; all by default.

    Raises:
        ValueError: no subset of the wanted size was evaluated by then.
    """
    t = min(rollouts, trace.rollouts)
    if t < 1 or course.mask[t - 1] < 0:
        raise ValueError(f"nothing can be recommended after {t} rollouts")
    mask, size = int(course.mask[t - 1]), trace.depth
    if first is not None and first < size:
        mask, size = sum(1 << attribute for attribute in best(trace, t).path[:first]), first
    return Reading(
        cluster=cluster,
        regret=optimum(true, trace, size) - float(true[mask]),
        rollouts=t,
        evaluations=int(course.evaluations[t - 1]),
        subsets=len(np.unique(path_masks(trace.path[:t])[:, -1])),
        rankings=int(np.count_nonzero(trace.first < t)),
    )


def summary(readings: Sequence[Reading]) -> dict[str, Value]:
    """Return mean and median regret and the share of searches that found a best subset, each with its 95 % bootstrap
    interval over clusters, and what a search took on average: `rollouts`, `evaluations`, `subsets`, `rankings`.
    """
    clusters = [reading.cluster for reading in readings]
    regrets = np.array([reading.regret for reading in readings])
    taken = {name: [getattr(reading, name) for reading in readings] for name in Reading._fields[2:]}
    return {
        "regret": interval(regrets, clusters),
        "median": _median_of(regrets, clusters),
        "found": interval((regrets < FOUND).astype(np.float64), clusters),
        **{name: float(np.mean(counts)) for name, counts in taken.items()},
    }


def _median_of(values: Floats, clusters: Sequence[str]) -> Interval | None:
    found = estimate(median, values[:, np.newaxis], clusters)
    return None if found is None else Interval(found.value, found.low, found.high, found.n, found.clusters)


def median(columns: Floats, weights: Floats) -> Floats:
    """Return the weighted median of one column per row of weights, `[r]`: the middle between its two middle items.

    Args:
        columns: `[m, 1]`, finite. weights: `[r, m]`, how often each item counts, not all 0.
    """
    order = np.argsort(columns[:, 0])
    values, reached = columns[order, 0], np.cumsum(weights[:, order], axis=1)
    half = reached[:, -1:] / 2
    middle: Floats = (values[(reached < half).sum(axis=1)] + values[(reached <= half).sum(axis=1)]) / 2
    return middle
