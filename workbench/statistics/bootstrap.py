"""Bootstrap intervals of means whose values come in clusters (queries of the same profile are not independent)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from planner.keyed import Key, generator

_CHUNK = 1_000_000
"""Most resampling counts in memory at once (8 bytes each), however many clusters there are."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean and how far it can be trusted.

    Fields:
        mean: the plain mean of all values, in their own unit.
        low, high: bounds of the interval around it; None where a single cluster says nothing about the spread.
        n: number of values, at least 1.
        clusters: number of distinct clusters, 1 to n.
    """

    mean: float
    low: float | None
    high: float | None
    n: int
    clusters: int


def interval(
    values: ArrayLike,
    clusters: Sequence[str] | NDArray[np.int64],
    *,
    level: float = 0.95,
    resamples: int = 2000,
    key: tuple[Key, ...] = (),
) -> Interval | None:
    """Return the mean of `values` with its percentile bootstrap interval, resampling whole clusters.

    Clusters are drawn with replacement, as many as there are, and a resample's mean is the sum of its values over
    the number of its values, so clusters of unequal size weigh as they do in the mean itself. Random numbers are
    keyed: the same data gives the same interval, in whatever order its values stand.

    Args:
        values: `[m]` float64, finite.
        clusters: `[m]`, the cluster (profile) of each value, by name or by number.
        level: coverage wanted, between 0 and 1.
        resamples: number of resamples, at least 1.
        key: sets intervals apart that must not share random numbers.

    Returns:
        The interval, or None where there are no values.

    Raises:
        ValueError: a value is not finite, the lengths differ, or `level` or `resamples` is out of range.
    """
    data: NDArray[np.float64] = np.asarray(values, dtype=np.float64)
    if data.shape != (len(clusters),):
        raise ValueError(f"{data.shape} values for {len(clusters)} clusters")
    if not np.isfinite(data).all():
        raise ValueError("a mean needs finite values")
    if not 0 < level < 1 or resamples < 1:
        raise ValueError(f"no interval at level {level} from {resamples} resamples")
    if data.size == 0:
        return None
    sums, sizes = cluster_totals(data, clusters)
    low: float | None = None
    high: float | None = None
    if sums.size > 1:
        means = _resampled_means(sums, sizes, resamples, key)
        low, high = (float(bound) for bound in np.quantile(means, ((1 - level) / 2, (1 + level) / 2)))
    return Interval(float(sums.sum() / sizes.sum()), low, high, int(data.size), int(sums.size))


def cluster_totals(
    data: NDArray[np.float64], clusters: Sequence[str] | NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return each cluster's sum and size, `[k]` both, sorted so that the order of the values leaves no trace."""
    if isinstance(clusters, np.ndarray):
        owner = clusters
    else:
        numbers: dict[str, int] = {}
        found = (numbers.setdefault(cluster, len(numbers)) for cluster in clusters)
        owner = np.fromiter(found, np.int64, len(clusters))
    order = np.lexsort((data, owner))
    starts = np.flatnonzero(np.diff(owner[order], prepend=-1))
    sums = np.add.reduceat(data[order], starts)
    sizes = np.diff(starts, append=data.size).astype(np.float64)
    order = np.lexsort((sizes, sums))
    return sums[order], sizes[order]


def resampled_counts(
    sums: NDArray[np.float64], sizes: NDArray[np.float64], resamples: int, key: tuple[Key, ...]
) -> tuple[NDArray[np.float64], Iterator[NDArray[np.int64]]]:
    """Return the kinds of clusters, `[2, kinds]` (sum, size), and how often each kind comes up, `[rows, kinds]` a time.

    Clusters with the same sum and size are interchangeable, so it is enough to draw how often each such kind comes
    up. Verdicts are coarse: 14,000 clusters are a few dozen kinds.
    """
    kinds, count = np.unique(np.stack((sums, sizes)), axis=1, return_counts=True)
    rng = generator("bootstrap", *key)
    rows = max(1, _CHUNK // count.size)
    return kinds, (
        rng.multinomial(sums.size, count / sums.size, size=min(rows, resamples - start))
        for start in range(0, resamples, rows)
    )


def _resampled_means(
    sums: NDArray[np.float64], sizes: NDArray[np.float64], resamples: int, key: tuple[Key, ...]
) -> NDArray[np.float64]:
    """Return the mean of each resample, `[resamples]`."""
    kinds, drawn = resampled_counts(sums, sizes, resamples, key)
    totals = np.concatenate([times @ kinds.T for times in drawn])
    means: NDArray[np.float64] = totals[:, 0] / totals[:, 1]
    return means
