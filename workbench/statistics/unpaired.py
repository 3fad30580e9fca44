"""Unpaired differences: two samples of different scenarios. Weaker than pairing wherever scenarios are shared."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from planner.keyed import Key
from workbench.statistics.bootstrap import Interval, cluster_totals, interval, resampled_counts
from workbench.statistics.paired import cluster_variance

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Unpaired:
    """Two independent samples.

    Fields:
        first, second: mean of each sample with its own interval.
        difference: second - first; low, high: bounds of its interval, None where either sample is a single cluster.
        p: two-sided, above 0 and at most 1; None where the bounds are.
        analysis: the word to show beside the numbers.
    """

    first: Interval
    second: Interval
    difference: float
    low: float | None
    high: float | None
    p: float | None
    analysis: str = "unpaired"


def unpaired(
    first: ArrayLike,
    second: ArrayLike,
    first_clusters: Sequence[str],
    second_clusters: Sequence[str],
    *,
    level: float = 0.95,
    resamples: int = 2000,
    key: tuple[Key, ...] = (),
) -> Unpaired | None:
    """Compare two samples as if they had nothing in common, without assuming equal variances.

    The statistic is Welch's t = (mean_2 - mean_1) / sqrt(v_1 + v_2), v the variance of each mean over its clusters.
    Each sample's clusters are drawn anew, both independently. The interval is the percentile interval of the
    difference; p = (1 + how often |t*| >= |t|) / (1 + resamples), with t* from samples that are shifted to a common
    mean (Efron and Tibshirani 1993, An Introduction to the Bootstrap, algorithm 16.2; Welch 1947, Biometrika 34).

    Args:
        first, second: `[m]` and `[n]` float64, finite.
        first_clusters, second_clusters: `[m]` and `[n]`. A profile in both samples counts as two.

    Returns:
        The comparison, or None where a sample is empty.

    Raises:
        ValueError: lengths differ, a value is not finite, or an option is out of range.
    """
    sides = [
        interval(values, clusters, level=level, resamples=resamples, key=key)
        for values, clusters in ((first, first_clusters), (second, second_clusters))
    ]
    before, after = sides
    if before is None or after is None:
        return None
    difference = after.mean - before.mean
    if before.clusters < 2 or after.clusters < 2:
        return Unpaired(before, after, difference, None, None, None)
    samples = [
        _resampled(np.asarray(values, dtype=np.float64), clusters, resamples, (*key, "unpaired", side))
        for side, (values, clusters) in enumerate(((first, first_clusters), (second, second_clusters)))
    ]
    (moved_1, variance_1, at_1), (moved_2, variance_2, at_2) = samples
    moved = moved_2 - moved_1
    low, high = (difference + float(bound) for bound in np.quantile(moved, ((1 - level) / 2, (1 + level) / 2)))
    spread = np.sqrt(variance_1 + variance_2)
    # A resample without any spread is as extreme as can be, unless it didn't move at all.
    still = np.where(np.abs(moved) > 1e-12, np.inf, 0.0)
    extremes = np.divide(np.abs(moved), spread, out=still, where=spread > 1e-12)
    here = at_1 + at_2
    seen = abs(difference) / here**0.5 if here > 1e-24 else (float("inf") if abs(difference) > 1e-12 else 0.0)
    p = (1 + int(np.sum(extremes >= seen - 1e-9))) / (1 + resamples)
    return Unpaired(before, after, difference, low, high, p)


def _resampled(
    values: Floats, clusters: Sequence[str], resamples: int, key: tuple[Key, ...]
) -> tuple[Floats, Floats, float]:
    """Return each resample's mean, less the sample's own, and that mean's variance, `[resamples]`, and the sample's."""
    sums, sizes = cluster_totals(values, clusters)
    centred = sums - sizes * (sums.sum() / sizes.sum())
    (total, size), drawn = resampled_counts(centred, sizes, resamples, key)
    moments = np.stack((total, size, total**2, total * size, size**2), axis=1)
    sampled = np.concatenate([times @ moments for times in drawn])
    n = sampled[:, 1]
    mean: Floats = sampled[:, 0] / n
    residual = np.maximum(0, sampled[:, 2] - 2 * mean * sampled[:, 3] + mean**2 * sampled[:, 4])
    variance: Floats = sums.size / (sums.size - 1) * residual / n**2
    return mean, variance, cluster_variance(sums, sizes)
