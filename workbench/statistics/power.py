"""How many scenarios it takes to tell two arms apart, for planning the next run.

Power computed from a difference that was just seen says nothing new about that run (its p says it already); here it
is used forward only: if the difference and the spread are about what was seen, how large must a run be?
"""

import math
from statistics import NormalDist


def scenarios_needed(
    difference: float, sd: float, *, alpha: float = 0.05, power: float = 0.8, design_effect: float = 1.0
) -> int | None:
    """Return about how many shared scenarios tell two arms apart in a paired, two-sided test.

    n = deff [(z_(1 - alpha/2) + z_power)^2 (sd / difference)^2 + z_(1 - alpha/2)^2 / 2]: the normal formula with
    Guenther's correction for estimating the spread (Guenther 1981, The American Statistician 35; Cohen 1988,
    Statistical Power Analysis, 2.4), times the design effect of the clusters (Kish 1965, Survey Sampling).

    Args:
        difference: mean paired difference expected, in the scores' unit.
        sd: standard deviation of the paired differences, 0 or more.
        alpha: the p below which two arms count as told apart.
        power: share of runs that should find the difference.
        design_effect: how much clusters widen the variance of the mean (`paired.design_effect`), 0 or more.

    Returns:
        At least 2; None where the difference is 0 (or next to nothing of the spread): no number of scenarios would do.

    Raises:
        ValueError: an argument is out of range.
    """
    alone, both = _quantiles(alpha, power)
    if not math.isfinite(difference) or not 0 <= sd < math.inf or not 0 <= design_effect < math.inf:
        raise ValueError(f"no sample size for a difference of {difference}, sd {sd}, design effect {design_effect}")
    if abs(difference) <= 1e-9 * max(1.0, sd):
        return None
    ratio = sd / difference
    # Rounded before it is rounded up, so that a last digit never adds a scenario.
    return max(2, math.ceil(round(design_effect * (both**2 * ratio**2 + alone**2 / 2), 6)))


def detectable_difference(
    n: int, sd: float, *, alpha: float = 0.05, power: float = 0.8, design_effect: float = 1.0
) -> float:
    """Return the smallest mean paired difference that `n` shared scenarios find with the power wanted.

    (z_(1 - alpha/2) + z_power) sd sqrt(deff / n), the inverse of the normal formula of `scenarios_needed`.

    Raises:
        ValueError: an argument is out of range.
    """
    _, both = _quantiles(alpha, power)
    if n < 1 or not 0 <= sd < math.inf or not 0 <= design_effect < math.inf:
        raise ValueError(f"no detectable difference of {n} scenarios, sd {sd}, design effect {design_effect}")
    return both * sd * math.sqrt(design_effect / n)


def _quantiles(alpha: float, power: float) -> tuple[float, float]:
    if not 0 < alpha < 1 or not 0 < power < 1:
        raise ValueError(f"no power {power} at alpha {alpha}")
    normal = NormalDist()
    alone = normal.inv_cdf(1 - alpha / 2)
    return alone, alone + normal.inv_cdf(power)
