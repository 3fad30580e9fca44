"""How far raters agree: correlations, weighted kappa and Krippendorff's alpha, each with a clustered interval.

Raters may be judges or people; items are responses. Every interval resamples whole clusters (profiles, or items where
each is its own cluster), because the items of one profile are alike.
"""

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from planner.keyed import Key
from workbench.statistics.resampling import (
    Clusters,
    Estimate,
    Floats,
    Statistic,
    correlation,
    estimate,
    midranks,
    numbered,
    weighted_moments,
)

Metric = Literal["interval", "ordinal"]


def pearson(
    x: ArrayLike, y: ArrayLike, clusters: Clusters, *, resamples: int = 2000, key: tuple[Key, ...] = ()
) -> Estimate | None:
    """Return Pearson's product-moment correlation.

    r = sum (x - mean x)(y - mean y) / sqrt(sum (x - mean x)^2 sum (y - mean y)^2); Pearson 1895, Proceedings of the
    Royal Society 58.

    Args:
        x, y: `[m]`, two raters' values of the same items; items with a NaN are left out.
        clusters: `[m]`.

    Returns:
        -1 to 1; None where fewer than two different values are left.

    Raises:
        ValueError: lengths differ, or a value is infinite.
    """
    return _pairwise(_pearson, x, y, clusters, resamples, key)


def spearman(
    x: ArrayLike, y: ArrayLike, clusters: Clusters, *, resamples: int = 2000, key: tuple[Key, ...] = ()
) -> Estimate | None:
    """Return Spearman's rank correlation, ties sharing the mean of their ranks.

    rho = Pearson's r of the ranks, which holds with ties where 1 - 6 sum d^2 / (n^3 - n) does not; Spearman 1904,
    American Journal of Psychology 15; Kendall 1948, Rank Correlation Methods, chapter 3. Ranks are taken anew in
    every resample. Arguments and errors as in `pearson`.
    """
    return _pairwise(_spearman, x, y, clusters, resamples, key)


def weighted_kappa(
    x: ArrayLike, y: ArrayLike, clusters: Clusters, *, resamples: int = 2000, key: tuple[Key, ...] = ()
) -> Estimate | None:
    """Return Cohen's kappa with quadratic weights: agreement beyond chance, near misses counting in part.

    kappa = 1 - sum_ij v_ij o_ij / sum_ij v_ij e_ij with v_ij = (i - j)^2, o the observed and e the chance shares of
    the pairs of categories; Cohen 1968, Psychological Bulletin 70. With these weights it equals
    2 cov(x, y) / (var x + var y + (mean x - mean y)^2) with population moments (Fleiss and Cohen 1973, Educational
    and Psychological Measurement 33), which is what is computed: so means of several dimensions or repeats need no
    rounding to categories. Arguments and errors as in `pearson`.

    Returns:
        -1 to 1; None where both raters give one and the same value throughout.
    """
    return _pairwise(_kappa, x, y, clusters, resamples, key)


def krippendorff(
    ratings: ArrayLike,
    clusters: Clusters,
    *,
    metric: Metric = "interval",
    resamples: int = 2000,
    key: tuple[Key, ...] = (),
) -> Estimate | None:
    """Return Krippendorff's alpha for any number of raters, who need not rate every item.

    alpha = 1 - D_o / D_e over the n pairable values, those of items u with m_u >= 2 ratings:
    D_o = 1/n sum_u 1/(m_u - 1) sum_{i != j in u} delta^2(v_i, v_j),
    D_e = 1/(n (n - 1)) sum_{i != j} delta^2(v_i, v_j) over all pairable values.
    Interval: delta = v_i - v_j. Ordinal: delta = the number of values between the two, each end counted half, which
    is the difference of their midranks. Krippendorff 2011, Computing Krippendorff's Alpha-Reliability; 2019, Content
    Analysis, 4th edition, chapter 12.

    Args:
        ratings: `[items, raters]` float64; NaN = not rated.
        clusters: `[items]`.
        metric: interval or ordinal.

    Returns:
        At most 1, 0 = as good as chance; None where nothing is pairable or all pairable values are equal. Its `n`
        and `clusters` count items with two ratings or more.

    Raises:
        ValueError: the shapes differ, a value is infinite, or there is no such metric.
    """
    data: Floats = np.asarray(ratings, dtype=np.float64)
    if metric not in ("interval", "ordinal"):
        raise ValueError(f"no metric {metric!r}: interval or ordinal")
    if data.ndim != 2 or data.shape[0] != len(clusters):
        raise ValueError(f"{data.shape} ratings for {len(clusters)} clusters")
    pairable = np.flatnonzero((~np.isnan(data)).sum(axis=1) >= 2)
    chosen = numbered(clusters)[pairable]
    # Which column a rating stands in says nothing here; sorted, a change of the raters' order leaves no trace.
    data = np.sort(data[pairable], axis=1)
    statistic = _alpha if metric == "interval" else _ordinal_alpha
    return estimate(statistic, data, chosen, resamples=resamples, key=key)


def _pairwise(
    statistic: Statistic, x: ArrayLike, y: ArrayLike, clusters: Clusters, resamples: int, key: tuple[Key, ...]
) -> Estimate | None:
    """Estimate a statistic of two raters from the items that both rated."""
    first: Floats = np.asarray(x, dtype=np.float64)
    second: Floats = np.asarray(y, dtype=np.float64)
    if first.shape != (len(clusters),) or second.shape != first.shape:
        raise ValueError(f"{first.shape} and {second.shape} values for {len(clusters)} clusters")
    columns = np.stack((first, second), axis=1)
    rated = np.flatnonzero(~np.isnan(columns).any(axis=1))
    return estimate(statistic, columns[rated], numbered(clusters)[rated], resamples=resamples, key=key)


def _pearson(columns: Floats, weights: Floats) -> Floats:
    return correlation(columns[:, 0], columns[:, 1], weights)


def _spearman(columns: Floats, weights: Floats) -> Floats:
    return correlation(midranks(columns[:, 0], weights), midranks(columns[:, 1], weights), weights)


def _kappa(columns: Floats, weights: Floats) -> Floats:
    x, y = (columns - columns.mean()).T
    total, sum_x, sum_y, sum_xx, sum_yy, sum_xy = weighted_moments(x, y, weights)
    apart = (sum_xx + sum_yy - 2 * sum_xy) / total
    # var x + var y + (mean x - mean y)^2, written without the two differences that would cancel
    chance = (sum_xx + sum_yy) / total - 2 * sum_x * sum_y / total**2
    return np.where(chance > 1e-12, 1 - apart / np.where(chance > 1e-12, chance, 1), np.nan)


def _alpha(ratings: Floats, weights: Floats) -> Floats:
    rated = ~np.isnan(ratings)
    centred = np.where(rated, ratings - ratings[rated].mean(), 0)
    size = rated.sum(axis=1).astype(np.float64)
    sums, squares = centred.sum(axis=1), (centred**2).sum(axis=1)
    within = (size * squares - sums**2) / (size - 1)
    return _one_minus_ratio(
        weights @ within, weights @ size, weights @ sums, weights @ squares, np.square(centred).max(initial=0)
    )


def _ordinal_alpha(ratings: Floats, weights: Floats) -> Floats:
    """Alpha of the midranks, which differ from resample to resample."""
    rated = ~np.isnan(ratings)
    item = np.nonzero(rated)[0]  # item after item, so that sums over an item are sums over neighbours
    starts = np.flatnonzero(np.diff(item, prepend=-1))
    size = rated.sum(axis=1).astype(np.float64)
    found = []
    # A row of weights becomes a rank per rating here, so fewer rows are held at once.
    for rows in np.array_split(weights, max(1, min(len(weights), ratings.shape[1]))):
        count = rows @ size
        # as shares of all ratings, centred on the mean rank, 1/2
        ranks = midranks(ratings[rated], rows[:, item]) / count[:, np.newaxis] - 0.5
        sums = np.add.reduceat(ranks, starts, axis=1)
        squares = np.add.reduceat(ranks**2, starts, axis=1)
        within = (size * squares - sums**2) / (size - 1)
        total = [np.einsum("ru,ru->r", rows, part) for part in (within, sums, squares)]
        found.append(_one_minus_ratio(total[0], count, total[1], total[2], 1.0))
    return np.concatenate(found)


def _one_minus_ratio(within: Floats, count: Floats, sums: Floats, squares: Floats, scale: float) -> Floats:
    """Return 1 - D_o / D_e: sum_{i != j} (v_i - v_j)^2 = 2 (m sum v^2 - (sum v)^2) among m values."""
    chance = (squares - sums**2 / count) / (count - 1)
    varied = chance > 1e-12 * scale
    return np.where(varied, 1 - within / count / np.where(varied, chance, 1), np.nan)
