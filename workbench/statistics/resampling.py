"""Bootstrap intervals of statistics that are not means (correlations, agreement), resampling whole clusters."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from planner.keyed import Key, generator

Floats = NDArray[np.float64]

Clusters = Sequence[str] | NDArray[np.int64]
"""The cluster of each item: its name, or its number where clusters are numbered in the order of their names."""

Statistic = Callable[[Floats, Floats], Floats]
"""Columns `[m, d]` and weights `[r, m]` (how often each row counts) -> the statistic per row of weights, `[r]`.

NaN where it is undefined. Equal items come as one row that counts as often as there are such items."""

_CHUNK = 1_000_000
"""Most weights in memory at once (8 bytes each), however many items there are."""

_ENOUGH = 0.5
"""Share of resamples in which a statistic must be defined for its interval to mean anything."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A statistic and how far it can be trusted.

    Fields:
        value: the statistic of all items.
        low, high: bounds of its percentile interval; None where a single cluster, or resamples in which the
            statistic is mostly undefined, say nothing about the spread.
        n: number of items, at least 1.
        clusters: number of distinct clusters, 1 to n.
    """

    value: float
    low: float | None
    high: float | None
    n: int
    clusters: int


def estimate(
    statistic: Statistic,
    columns: ArrayLike,
    clusters: Clusters,
    *,
    level: float = 0.95,
    resamples: int = 2000,
    key: tuple[Key, ...] = (),
) -> Estimate | None:
    """Return a statistic with its percentile bootstrap interval, drawing as many whole clusters as there are.

    An item weighs as often as its cluster was drawn; the statistic is computed anew from these weights, ranks
    included (Efron and Tibshirani 1993, An Introduction to the Bootstrap, chapters 8 and 13). Draws are keyed and
    clusters taken in the order of their names, so the order of the items changes nothing. Verdicts are coarse: pairs
    of 56,000 are a few hundred different ones, so equal items are counted first and only then given to the statistic.
    Memory stays bounded: 14,000 items in 14,000 clusters are weighed about 70 resamples at a time.

    Args:
        statistic: what to estimate.
        columns: `[m, d]` float64, what is known of each item; NaN only where the statistic allows it.
        clusters: `[m]`, the cluster (profile) of each item.
        level: coverage wanted, between 0 and 1.
        resamples: number of resamples, at least 1.
        key: sets estimates apart that must not share random numbers.

    Returns:
        The estimate, or None where there is no item or the statistic is undefined.

    Raises:
        ValueError: a value is infinite, the lengths differ, or `level` or `resamples` is out of range.
    """
    data: Floats = np.asarray(columns, dtype=np.float64)
    if data.ndim != 2 or data.shape[0] != len(clusters):
        raise ValueError(f"{data.shape} values for {len(clusters)} clusters")
    if np.isinf(data).any():
        raise ValueError("a statistic needs finite values")
    if not 0 < level < 1 or resamples < 1:
        raise ValueError(f"no interval at level {level} from {resamples} resamples")
    if data.shape[0] == 0:
        return None
    names, owner = np.unique(numbered(clusters), return_inverse=True)
    rows = _distinct(data, owner)
    with np.errstate(invalid="ignore", divide="ignore"):
        value = float(statistic(rows.values, rows.sizes[np.newaxis])[0])
        if not np.isfinite(value):
            return None
        low: float | None = None
        high: float | None = None
        if names.size > 1:
            found = _resampled(statistic, rows, names.size, resamples, key)
            defined = found[np.isfinite(found)]
            if defined.size >= _ENOUGH * resamples:
                low, high = (float(bound) for bound in np.quantile(defined, ((1 - level) / 2, (1 + level) / 2)))
    return Estimate(value, low, high, data.shape[0], int(names.size))


def numbered(clusters: Clusters) -> NDArray[np.int64]:
    """Return the number of each item's cluster, `[m]`, in the order of the clusters' names."""
    if isinstance(clusters, np.ndarray):
        return clusters
    numbers: NDArray[np.int64] = np.unique(np.asarray(clusters, dtype=np.str_), return_inverse=True)[1]
    return numbers


class _Rows(NamedTuple):
    """Items, equal ones taken together.

    Fields:
        values: `[d, columns]`, the different items in their order.
        starts: `[d]`, where the items that equal each begin in `owner`.
        owner: `[m]`, the cluster of each item.
    """

    values: Floats
    starts: NDArray[np.intp]
    owner: NDArray[np.int64]

    @property
    def sizes(self) -> Floats:
        """How many items equal each row, `[d]`."""
        return np.diff(self.starts, append=self.owner.size).astype(np.float64)


def _distinct(data: Floats, owner: NDArray[np.int64]) -> _Rows:
    order = np.lexsort((owner, *data.T))
    data, owner = data[order], owner[order]
    before, after = data[:-1], data[1:]
    differs = (before != after) & ~(np.isnan(before) & np.isnan(after))
    starts = np.flatnonzero(np.concatenate(([True], differs.any(axis=1))))
    return _Rows(data[starts], starts, owner)


def _resampled(statistic: Statistic, rows: _Rows, clusters: int, resamples: int, key: tuple[Key, ...]) -> Floats:
    """Return the statistic of each resample, `[resamples]`."""
    rng = generator("bootstrap statistic", *key)
    most = max(1, _CHUNK // rows.owner.size)
    found = []
    for start in range(0, resamples, most):
        count = min(most, resamples - start)
        drawn = rng.integers(clusters, size=(count, clusters)) + clusters * np.arange(count)[:, np.newaxis]
        times = np.bincount(drawn.ravel(), minlength=count * clusters).reshape(count, clusters).astype(np.int32)
        weights = np.add.reduceat(np.take(times, rows.owner, axis=1), rows.starts, axis=1)
        found.append(statistic(rows.values, weights.astype(np.float64)))
    return np.concatenate(found)


def correlation(x: Floats, y: Floats, weights: Floats) -> Floats:
    """Return Pearson's correlation per row of weights, `[r]`; NaN where one of the two is constant.

    r = cov(x, y) / sqrt(var x var y), each with the weights w: mean x = sum(w x) / sum(w), and so on.

    Args:
        x, y: `[m]`, the same for every row, or `[r, m]`.
        weights: `[r, m]`, 0 or more.
    """
    # Centred and scaled once, so that moments don't cancel and "constant" has one meaning for every unit.
    x, y = _standard(x), _standard(y)
    total, sum_x, sum_y, sum_xx, sum_yy, sum_xy = weighted_moments(x, y, weights)
    mean_x, mean_y = sum_x / total, sum_y / total
    var_x, var_y = sum_xx / total - mean_x**2, sum_yy / total - mean_y**2
    cov = sum_xy / total - mean_x * mean_y
    varied = (var_x > 1e-12) & (var_y > 1e-12)
    return np.where(varied, np.clip(cov / np.sqrt(np.where(varied, var_x * var_y, 1)), -1, 1), np.nan)


def weighted_moments(x: Floats, y: Floats, weights: Floats) -> Floats:
    """Return the weighted sums of 1, x, y, x^2, y^2 and xy per row of weights, `[6, r]`; arguments as `correlation`."""
    if x.ndim == y.ndim == 1:  # one product of matrices is several times as fast as six with vectors
        moments: Floats = np.stack((np.ones_like(x), x, y, x * x, y * y, x * y), axis=1)
        return np.ascontiguousarray((weights @ moments).T)
    parts = (x, y, x * x, y * y, x * y)
    return np.stack((weights.sum(axis=1), *(_weighted(weights, part) for part in parts)))


def midranks(values: Floats, weights: Floats) -> Floats:
    """Return the rank of each item per row of weights, `[r, m]`: ties share the mean of their ranks.

    An item that counts w times takes w places: its rank is the weight below its value + half the weight at it.

    Args:
        values: `[m]`, finite.
        weights: `[r, m]`, 0 or more.
    """
    distinct, place = np.unique(values, return_inverse=True)
    order = np.argsort(place, kind="stable")
    starts = np.searchsorted(place[order], np.arange(distinct.size))
    at = np.add.reduceat(weights[:, order], starts, axis=1)
    ranks: Floats = (np.cumsum(at, axis=1) - at / 2)[:, place]
    return ranks


def _standard(values: Floats) -> Floats:
    centred = values - values.mean(axis=-1, keepdims=True)
    spread = centred.std(axis=-1, keepdims=True)
    scaled: Floats = centred / np.where(spread > 1e-12 * np.abs(values).max(initial=1), spread, np.inf)
    return scaled


def _weighted(weights: Floats, values: Floats) -> Floats:
    """Return the weighted sum of each row, `[r]`."""
    return weights @ values if values.ndim == 1 else np.einsum("rm,rm->r", weights, values)
