"""Do the judge's three dimensions measure three things? Their correlations, beside the published ones."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike

from planner.keyed import Key
from simulator.world import DIMENSIONS
from workbench.statistics.agreement import pearson, spearman
from workbench.statistics.resampling import Estimate, Floats

PUBLISHED: tuple[float, float] = (0.32, 0.38)
"""Range of the published correlations between dimensions (raise.md, section 4); shown as published."""


@dataclass(frozen=True, slots=True)
class DimensionPair:
    """How two dimensions go together.

    Fields:
        first, second: names from `DIMENSIONS`.
        pearson, spearman: -1 to 1; None where a dimension has one and the same value throughout.
    """

    first: str
    second: str
    pearson: Estimate | None
    spearman: Estimate | None


def dimension_correlations(
    verdicts: ArrayLike, clusters: Sequence[str], *, resamples: int = 2000, key: tuple[Key, ...] = ()
) -> tuple[DimensionPair, ...]:
    """Return the correlations of every pair of dimensions, with intervals clustered by profile.

    Pearson's r and Spearman's rho as in `agreement`. Pass the verdicts of one arm and judge: pooled over arms, the
    dimensions go together because some arms are better in all of them.

    Args:
        verdicts: `[m, 3]` float64, 1-5, columns in the order of `DIMENSIONS`; NaN = failed.
        clusters: `[m]`.

    Raises:
        ValueError: the shapes differ, or a value is infinite.
    """
    data: Floats = np.asarray(verdicts, dtype=np.float64)
    if data.shape != (len(clusters), len(DIMENSIONS)):
        raise ValueError(f"{data.shape} verdicts for {len(clusters)} clusters")
    return tuple(
        DimensionPair(
            DIMENSIONS[i],
            DIMENSIONS[j],
            pearson(data[:, i], data[:, j], clusters, resamples=resamples, key=key),
            spearman(data[:, i], data[:, j], clusters, resamples=resamples, key=key),
        )
        for i, j in combinations(range(len(DIMENSIONS)), 2)
    )
