"""McNemar's test: the same scenarios pass a threshold under one arm and not under the other."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, slots=True)
class McNemar:
    """How two measurements of the same scenarios stand to a threshold.

    Fields:
        both, only_first, only_second, neither: numbers of scenarios that reach it.
        exact: p of the exact conditional test, two-sided.
        mid_p: the mid-p version of it, less conservative.
    """

    both: int
    only_first: int
    only_second: int
    neither: int
    exact: float
    mid_p: float

    @property
    def n(self) -> int:
        """Number of scenarios."""
        return self.both + self.only_first + self.only_second + self.neither


def mcnemar(first: ArrayLike, second: ArrayLike, threshold: float = 4.0) -> McNemar:
    """Test whether as many scenarios reach `threshold` under the first as under the second.

    Given the b + c scenarios that reach it under one only, b is binomial with share 1/2 if there is no difference:
    exact p = min(1, 2 P(X <= min(b, c))), mid-p = 2 P(X <= min(b, c)) - P(X = min(b, c)), or 1 - P(X = b) / 2 for
    b = c, and both 1 for b = c = 0. McNemar 1947, Psychometrika 12; Fagerland, Lydersen and Laake 2013, BMC Medical
    Research Methodology 13:91.
    Scenarios count as independent here; where profiles have several, the sign-flip test of `paired` heeds that.

    Args:
        first, second: `[m]` float64, finite, the same scenarios in the same order.
        threshold: reached from this value upwards; a rounding error below it still counts.

    Raises:
        ValueError: lengths differ, or a value is not finite.
    """
    before: NDArray[np.float64] = np.asarray(first, dtype=np.float64)
    after: NDArray[np.float64] = np.asarray(second, dtype=np.float64)
    if before.ndim != 1 or before.shape != after.shape:
        raise ValueError(f"{before.shape} and {after.shape} values are no pairs")
    if not np.isfinite(before).all() or not np.isfinite(after).all():
        raise ValueError("a threshold needs finite values")
    one, other = before >= threshold - 1e-9, after >= threshold - 1e-9
    b, c = int(np.sum(one & ~other)), int(np.sum(other & ~one))
    exact, mid_p = mcnemar_p(b, c)
    return McNemar(int(np.sum(one & other)), b, c, int(np.sum(~one & ~other)), exact, mid_p)


def mcnemar_p(b: int, c: int) -> tuple[float, float]:
    """Return the exact p and the mid-p of `b` and `c` discordant pairs; formulas and sources as in `mcnemar`.

    Raises:
        ValueError: a count is negative.
    """
    if b < 0 or c < 0:
        raise ValueError(f"{b} and {c} are no counts")
    n, least = b + c, min(b, c)
    if n == 0:
        return 1.0, 1.0
    # by logarithms, since 2^n is beyond a float for a thousand pairs
    shares = [
        math.exp(math.lgamma(n + 1) - math.lgamma(i + 1) - math.lgamma(n - i + 1) - n * math.log(2))
        for i in range(least + 1)
    ]
    here = shares[least]
    if b == c:
        return 1.0, 1 - here / 2
    exact = min(1.0, 2 * math.fsum(shares))
    return exact, max(0.0, exact - here)
