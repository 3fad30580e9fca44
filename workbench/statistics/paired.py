"""Paired differences: the same scenarios under two arms, models or runs, so that what scenarios differ in cancels."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from planner.keyed import Key, generator
from workbench.statistics.bootstrap import Interval, cluster_totals, interval

PERMUTATIONS = 9_999
"""Random sign flips where not all of them can be tried."""

_EXACT = 16
"""Most clusters of which every sign flip is tried: 65,536."""

_CHUNK = 1_000_000
"""Most random numbers in memory at once."""


@dataclass(frozen=True, slots=True)
class SignFlip:
    """A permutation test of paired differences.

    Fields:
        p: two-sided, above 0 and at most 1.
        exact: whether every flip was tried, or a random choice of them.
        flips: how many were.
    """

    p: float
    exact: bool
    flips: int


@dataclass(frozen=True, slots=True)
class Paired:
    """Two measurements of the same scenarios.

    Fields:
        first, second: mean of each over the shared scenarios, in their own unit.
        difference: mean of second - first, its interval clustered.
        test: the sign-flip test that there is no difference.
        sd: standard deviation of the differences (n - 1); None for a single one.
        dz: Cohen's d_z, mean difference / sd; None where sd is None or 0.
        hedges: d_z corrected for small samples (Hedges' g of a paired design); None where d_z is, or n is 2.
        design_effect: how much wider clusters make the variance of the mean, 1 = not at all; None where there is
            no spread, or a single cluster.
        analysis: the word to show beside the numbers.
    """

    first: Interval
    second: Interval
    difference: Interval
    test: SignFlip
    sd: float | None
    dz: float | None
    hedges: float | None
    design_effect: float | None
    analysis: str = "paired"


def paired(
    first: ArrayLike,
    second: ArrayLike,
    clusters: Sequence[str],
    *,
    level: float = 0.95,
    resamples: int = 2000,
    permutations: int = PERMUTATIONS,
    key: tuple[Key, ...] = (),
) -> Paired | None:
    """Compare two measurements of the same scenarios.

    With d = second - first: the mean of d with its clustered bootstrap interval (`bootstrap.interval`), the sign-flip
    p (`sign_flip`), and the effect size Cohen's d_z = mean d / sd d (Cohen 1988, Statistical Power Analysis, 2.3.5)
    with its correction J d_z (`hedges_correction`, n - 1 degrees of freedom; Lakens 2013, Frontiers in Psychology 4).
    d_z is in units of the spread of the differences, so it says how easily the two are told apart; it is not
    comparable with the d of an unpaired design.

    Args:
        first, second: `[m]` float64, finite, the same scenarios in the same order.
        clusters: `[m]`, the profile of each scenario.

    Returns:
        The comparison, or None where there are no scenarios.

    Raises:
        ValueError: lengths differ, a value is not finite, or an option is out of range.
    """
    before: NDArray[np.float64] = np.asarray(first, dtype=np.float64)
    after: NDArray[np.float64] = np.asarray(second, dtype=np.float64)
    if before.shape != after.shape:
        raise ValueError(f"{before.shape} and {after.shape} values are no pairs")
    change = after - before
    sides = [interval(values, clusters, level=level, resamples=resamples, key=key) for values in (before, after)]
    difference = interval(change, clusters, level=level, resamples=resamples, key=key)
    if difference is None or sides[0] is None or sides[1] is None:
        return None
    # Summed in sorted order, so that the order of the scenarios leaves no trace.
    sd = float(np.sort(change).std(ddof=1)) if change.size > 1 else None
    if sd is not None and sd < 1e-9 * max(1.0, float(np.abs(change).max())):
        sd = 0.0
    dz = difference.mean / sd if sd else None
    return Paired(
        first=sides[0],
        second=sides[1],
        difference=difference,
        test=sign_flip(change, clusters, permutations=permutations, key=key),
        sd=sd,
        dz=dz,
        hedges=None if dz is None or change.size < 3 else hedges_correction(change.size - 1) * dz,
        design_effect=design_effect(change, clusters) if sd else None,
    )


def sign_flip(
    differences: ArrayLike, clusters: Sequence[str], *, permutations: int = PERMUTATIONS, key: tuple[Key, ...] = ()
) -> SignFlip:
    """Test that paired differences are symmetric about 0, flipping the signs of whole clusters.

    If the two measurements were interchangeable, each cluster's differences could as well have had the other sign.
    p = the share of flips with |sum| at least as large as the one seen: over every flip for up to 16 clusters (Fisher
    1935, The Design of Experiments, section 21), else (1 + how many) / (1 + flips) over random ones, which is never 0
    (Phipson and Smyth 2010, Statistical Applications in Genetics and Molecular Biology 9).

    Args:
        differences: `[m]` float64, finite.
        clusters: `[m]`.
        permutations: random flips where not all are tried, at least 1.

    Raises:
        ValueError: lengths differ, there is no difference at all to test, or an option is out of range.
    """
    data: NDArray[np.float64] = np.asarray(differences, dtype=np.float64)
    if data.shape != (len(clusters),) or data.size == 0 or permutations < 1 or not np.isfinite(data).all():
        raise ValueError(f"no sign-flip test of {data.shape} differences in {len(clusters)} clusters")
    totals, _ = cluster_totals(data, clusters)
    seen = abs(float(totals.sum()))
    slack = 1e-9 * max(1.0, float(np.abs(totals).sum()))
    # A cluster without a difference stays what it is, and sums that differ by rounding alone are equal.
    sizes, count = np.unique(np.round(np.abs(totals[np.abs(totals) > slack]), 9), return_counts=True)
    if count.sum() <= _EXACT:
        sums = np.zeros(1)
        for size in np.repeat(sizes, count):
            sums = np.concatenate((sums + size, sums - size))
        return SignFlip(float(np.mean(np.abs(sums) >= seen - slack)), True, sums.size)
    rng = generator("sign flip", *key)
    extreme = 0
    rows = max(1, _CHUNK // sizes.size)
    for start in range(0, permutations, rows):
        positive = rng.binomial(count, 0.5, size=(min(rows, permutations - start), sizes.size))
        extreme += int(np.sum(np.abs((2 * positive - count) @ sizes) >= seen - slack))
    return SignFlip((1 + extreme) / (1 + permutations), False, permutations)


def hedges_correction(freedom: int) -> float:
    """Return J, which takes the small-sample bias out of a standardised difference.

    J = Gamma(v / 2) / (sqrt(v / 2) Gamma((v - 1) / 2)), about 1 - 3 / (4 v - 1); Hedges 1981, Journal of Educational
    Statistics 6.

    Args:
        freedom: degrees of freedom v, at least 2.

    Raises:
        ValueError: fewer.
    """
    if freedom < 2:
        raise ValueError("the correction needs 2 degrees of freedom")
    return math.exp(math.lgamma(freedom / 2) - math.lgamma((freedom - 1) / 2)) / math.sqrt(freedom / 2)


def design_effect(values: ArrayLike, clusters: Sequence[str]) -> float | None:
    """Return by what factor clustering multiplies the variance of the mean.

    deff = [k / (k - 1) sum_c (S_c - n_c mean)^2 / n^2] / [s^2 / n] with S_c and n_c the sum and size of cluster c of
    k: the variance of the mean between clusters over that of independent values (Kish 1965, Survey Sampling).
    1 where every value is its own cluster; about 1 + (size - 1) * intraclass correlation for equal sizes.

    Returns:
        0 or more; None for a single cluster or equal values.

    Raises:
        ValueError: lengths differ.
    """
    data: NDArray[np.float64] = np.asarray(values, dtype=np.float64)
    if data.shape != (len(clusters),):
        raise ValueError(f"{data.shape} values for {len(clusters)} clusters")
    if data.size < 2:
        return None
    spread = float(np.sort(data).var(ddof=1))
    sums, sizes = cluster_totals(data, clusters)
    if sums.size < 2 or spread <= 1e-18 * max(1.0, float(np.abs(data).max()) ** 2):
        return None
    return cluster_variance(sums, sizes) / (spread / data.size)


def cluster_variance(sums: NDArray[np.float64], sizes: NDArray[np.float64]) -> float:
    """Return the variance of a mean over clusters: k / (k - 1) sum_c (S_c - n_c mean)^2 / n^2 (Kish 1965)."""
    total = sizes.sum()
    residuals = sums - sizes * (sums.sum() / total)
    return float(sums.size / (sums.size - 1) * (residuals @ residuals) / total**2)
