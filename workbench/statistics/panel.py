"""A panel of judges: how many independent ones it is worth, and where its members disagree most."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from planner.keyed import Key
from workbench.statistics.resampling import Clusters, Estimate, Floats, correlation, estimate, numbered


@dataclass(frozen=True, slots=True)
class Disagreement:
    """An item that the judges see differently.

    Fields:
        item: its name.
        spread: highest less lowest rating.
        sd: standard deviation of the ratings (n - 1), which tells one outlier from two camps.
        ratings: `[judges]`, None where a judge has none.
    """

    item: str
    spread: float
    sd: float
    ratings: tuple[float | None, ...]


def effective_judges(
    ratings: ArrayLike,
    reference: ArrayLike,
    clusters: Clusters,
    *,
    resamples: int = 2000,
    key: tuple[Key, ...] = (),
) -> Estimate | None:
    """Return how many judges with independent errors the panel is worth.

    J_eff = J^2 / sum_ij r_ij = J / (1 + (J - 1) mean r), with r_ij the correlation of the errors (rating -
    reference) of judges i and j: the variance of the panel's mean error is that of J_eff judges alone. J where errors
    are independent, 1 where they are the same; more than J where errors offset each other. Clemen and Winkler 1985,
    Operations Research 33; Kish 1965, Survey Sampling. A reference is needed (human labels, or the surrogate's
    true mean): errors against the panel's own mean are correlated by construction, at about -1 / (J - 1).

    Args:
        ratings: `[items, J]` float64, NaN = not rated; items that lack a rating or the reference are left out.
        reference: `[items]` float64.
        clusters: `[items]`.

    Returns:
        Above 0; None where no item is left, a judge's errors do not vary, or the errors cancel each other.

    Raises:
        ValueError: the shapes differ, or a value is infinite.
    """
    data: Floats = np.asarray(ratings, dtype=np.float64)
    truth: Floats = np.asarray(reference, dtype=np.float64)
    if data.ndim != 2 or truth.shape != (data.shape[0],) or len(clusters) != data.shape[0] or data.shape[1] < 1:
        raise ValueError(f"{data.shape} ratings, {truth.shape} references for {len(clusters)} clusters")
    errors = data - truth[:, np.newaxis]
    whole = np.flatnonzero(~np.isnan(errors).any(axis=1))
    return estimate(_effective, errors[whole], numbered(clusters)[whole], resamples=resamples, key=key)


def disagreements(
    items: Sequence[str], ratings: ArrayLike, *, most: int | None = None, at_least: float = 0.0
) -> list[Disagreement]:
    """List the items that judges disagree on, widest spread first, then largest sd, then by name.

    spread = max - min of an item's ratings, sd = sqrt(sum (rating - mean)^2 / (n - 1)): the range comes first, because
    an item that one judge sees quite differently is for a person to decide (our choice; the paper has no queue).

    Args:
        items: `[m]`, names.
        ratings: `[m, judges]` float64, NaN = not rated; items with fewer than two ratings are left out.
        most: return at most so many; None = all.
        at_least: leave out smaller spreads than this.

    Raises:
        ValueError: the shapes differ, or a value is infinite.
    """
    data: Floats = np.asarray(ratings, dtype=np.float64)
    if data.ndim != 2 or data.shape[0] != len(items) or np.isinf(data).any():
        raise ValueError(f"{data.shape} ratings for {len(items)} items")
    rated = ~np.isnan(data)
    chosen = np.flatnonzero(rated.sum(axis=1) >= 2)
    data, rated = data[chosen], rated[chosen]
    spread = np.max(data, axis=1, where=rated, initial=-np.inf) - np.min(data, axis=1, where=rated, initial=np.inf)
    sd = np.std(data, axis=1, where=rated, ddof=1)
    wide = np.flatnonzero(spread >= at_least - 1e-9)
    names = np.asarray(items, dtype=np.str_)[chosen[wide]]
    ranked = wide[np.lexsort((names, -np.round(sd[wide], 9), -np.round(spread[wide], 9)))]
    return [
        Disagreement(
            items[chosen[i]],
            float(spread[i]),
            float(sd[i]),
            tuple(value if known else None for value, known in zip(data[i].tolist(), rated[i].tolist(), strict=True)),
        )
        for i in ranked[:most].tolist()
    ]


def _effective(errors: Floats, weights: Floats) -> Floats:
    judges = errors.shape[1]
    total: Floats = np.full(weights.shape[0], float(judges))
    if judges == 1:
        return np.ones_like(total)
    for i in range(judges):
        for j in range(i):
            total = total + 2 * correlation(errors[:, i], errors[:, j], weights)
    worth: Floats = np.where(total > 1e-9, judges**2 / np.where(total > 1e-9, total, 1), np.nan)
    return worth
