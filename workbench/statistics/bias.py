"""Judge bias: do scores follow what should not matter, the length of a response or its place in the queue?

Both checks hold the arm fixed. An arm that knows more may answer at more length and better too; that is no bias. What
is left within an arm may be one, or may be that better answers need more words: the correlation is a warning to look,
not a proof. Verdicts here are absolute, one response each, so there is no first and second place in a pair as in
Zheng et al. 2023 (Judging LLM-as-a-Judge, section 3.3); position means the order in which responses were judged.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from planner.keyed import Key
from workbench.statistics.resampling import Clusters, Estimate, Floats, estimate, numbered


@dataclass(frozen=True, slots=True)
class Bias:
    """How scores go with something that should not matter, the group (arm) held fixed.

    Fields:
        correlation: partial correlation, -1 to 1.
        slope: points of score per unit (a doubling of the length; the whole queue from first to last).
        raw: the plain correlation, groups not held fixed, for comparison; None where undefined.
    """

    correlation: Estimate
    slope: Estimate
    raw: Estimate | None


def length_bias(
    scores: ArrayLike,
    lengths: ArrayLike,
    groups: Clusters,
    clusters: Clusters,
    *,
    resamples: int = 2000,
    key: tuple[Key, ...] = (),
) -> Bias | None:
    """Return how scores go with the logarithm (base 2) of the response's length, within groups.

    With x and y the log length and the score less their means in the group: r = sum xy / sqrt(sum x^2 sum y^2) and
    slope = sum xy / sum x^2, the partial correlation and regression coefficient given the group (Frisch and Waugh
    1933, Econometrica 1; Lovell 1963). On length bias: Dubois et al. 2024, Length-Controlled AlpacaEval.

    Args:
        scores: `[m]` float64; a NaN (failed judgement) leaves the item out.
        lengths: `[m]`, characters or tokens, 0 or more; counted as at least 1.
        groups: `[m]`, the arm (or arm and model) of each response.
        clusters: `[m]`, the profile.

    Returns:
        The bias; None where within the groups scores or lengths don't vary.

    Raises:
        ValueError: lengths differ, or a value is infinite or negative.
    """
    sizes: Floats = np.asarray(lengths, dtype=np.float64)
    if np.any(sizes < 0):
        raise ValueError("a length is negative")
    return _bias(scores, np.log2(np.maximum(sizes, 1)), groups, clusters, resamples, (*key, "length"))


def position_bias(
    scores: ArrayLike,
    positions: ArrayLike,
    groups: Clusters,
    clusters: Clusters,
    *,
    resamples: int = 2000,
    key: tuple[Key, ...] = (),
) -> Bias | None:
    """Return how scores go with the place in the order of judging, within groups: a judge that drifts.

    Formula and sources as in `length_bias`, with x the position scaled to 0 (first) to 1 (last).

    Args:
        positions: `[m]`, any number that grows with the order, e.g. the row number of a verdict.

    Returns and raises as `length_bias`.
    """
    order: Floats = np.asarray(positions, dtype=np.float64)
    if order.size:
        order = (order - order.min()) / max(float(np.ptp(order)), 1e-12)
    return _bias(scores, order, groups, clusters, resamples, (*key, "position"))


def within_correlation(
    x: ArrayLike,
    y: ArrayLike,
    groups: Clusters,
    clusters: Clusters,
    *,
    resamples: int = 2000,
    key: tuple[Key, ...] = (),
) -> Estimate | None:
    """Return the correlation of two values within groups: what is left when each group's means are taken off.

    r = sum xy / sqrt(sum x^2 sum y^2), formula and sources as in `length_bias`.

    Args:
        x, y: `[m]` float64; a NaN in either leaves the item out.
        groups, clusters: `[m]`, e.g. the arm and the profile of each item.

    Returns:
        -1 to 1; None where within the groups one of the two does not vary.

    Raises:
        ValueError: lengths differ, or a value is infinite.
    """
    first: Floats = np.asarray(x, dtype=np.float64)
    second: Floats = np.asarray(y, dtype=np.float64)
    columns, chosen = _columns(np.where(np.isnan(first), np.nan, second), first, groups, clusters)
    return estimate(_correlation, columns, chosen, resamples=resamples, key=key)


def _bias(
    scores: ArrayLike,
    covariate: Floats,
    groups: Clusters,
    clusters: Clusters,
    resamples: int,
    key: tuple[Key, ...],
) -> Bias | None:
    columns, chosen = _columns(np.asarray(scores, dtype=np.float64), covariate, groups, clusters)
    alone = columns * [1, 1, 0]
    correlation = estimate(_correlation, columns, chosen, resamples=resamples, key=key)
    slope = estimate(_slope, columns, chosen, resamples=resamples, key=key)
    if correlation is None or slope is None:
        return None
    return Bias(correlation, slope, estimate(_correlation, alone, chosen, resamples=resamples, key=key))


def _columns(y: Floats, x: Floats, groups: Clusters, clusters: Clusters) -> tuple[Floats, NDArray[np.int64]]:
    """Return x, y and the group's number of each item that has a y, `[m, 3]`, and their clusters."""
    if not y.shape == x.shape == (len(groups),) == (len(clusters),):
        raise ValueError(f"{y.shape} scores, {x.shape} values, {len(groups)} groups, {len(clusters)} clusters")
    rated = np.flatnonzero(~np.isnan(y))
    group = numbered(groups)[rated].astype(np.float64)
    return np.stack((x[rated], y[rated], group), axis=1), numbered(clusters)[rated]


def _correlation(columns: Floats, weights: Floats) -> Floats:
    xx, yy, xy = _within(columns, weights)
    varied = (xx > 0) & (yy > 0)
    return np.where(varied, np.clip(xy / np.sqrt(np.where(varied, xx * yy, 1)), -1, 1), np.nan)


def _slope(columns: Floats, weights: Floats) -> Floats:
    xx, _, xy = _within(columns, weights)
    return np.where(xx > 0, xy / np.where(xx > 0, xx, 1), np.nan)


def _within(columns: Floats, weights: Floats) -> tuple[Floats, Floats, Floats]:
    """Return the sums of squares and products within groups, per row of weights; 0 where next to nothing."""
    group = columns[:, 2].astype(np.int64)
    # Centred in each group once, so that moments don't cancel; what a resample's own mean is off by is taken off below.
    counts = np.bincount(group)
    x, y = (values - (np.bincount(group, values) / counts)[group] for values in columns[:, :2].T)
    moments = np.stack((np.ones_like(x), x, y, x * x, y * y, x * y), axis=1)
    sums = np.zeros((3, weights.shape[0]))
    for number in range(counts.size):
        mine = group == number
        total, sx, sy, sxx, syy, sxy = (weights[:, mine] @ moments[mine]).T
        total = np.where(total > 0, total, 1)
        sums += (sxx - sx * sx / total, syy - sy * sy / total, sxy - sx * sy / total)
    floor = 1e-12 * weights.sum(axis=1)
    return (np.where(sums[0] > floor, sums[0], 0), np.where(sums[1] > floor, sums[1], 0), sums[2])
