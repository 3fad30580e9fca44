"""Many comparisons at once: p-values that hold for a whole table."""

from collections.abc import Sequence


def holm(ps: Sequence[float | None]) -> list[float | None]:
    """Return Holm's adjusted p-values: rejecting those at or below alpha errs anywhere in the table with at most alpha.

    With the m values sorted, p_(1) <= … <= p_(m): adjusted_(i) = max over j <= i of min(1, (m - j + 1) p_(j)). It needs
    no independence. Holm 1979, Scandinavian Journal of Statistics 6.

    Args:
        ps: 0 to 1 each; None = not tested, stays None and doesn't count.

    Raises:
        ValueError: a value is outside 0 to 1.
    """
    tested = [i for i, p in enumerate(ps) if p is not None]
    adjusted: list[float | None] = [None] * len(ps)
    largest = 0.0
    for place, i in enumerate(sorted(tested, key=lambda i: ps[i] or 0.0)):
        p = ps[i]
        assert p is not None
        if not 0 <= p <= 1:
            raise ValueError(f"{p} is no p-value")
        largest = max(largest, min(1.0, (len(tested) - place) * p))
        adjusted[i] = largest
    return adjusted
