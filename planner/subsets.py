"""Subsets of attributes as bit masks: bit i = attribute i."""

from collections.abc import Iterable
from functools import lru_cache
from itertools import combinations


@lru_cache(maxsize=1 << 16)
def members(mask: int) -> tuple[int, ...]:
    """List the attribute indices of a mask, ascending."""
    return tuple(i for i in range(mask.bit_length()) if mask >> i & 1)


def mask_of(indices: Iterable[int]) -> int:
    """Return the mask that holds the given indices."""
    mask = 0
    for index in indices:
        mask |= 1 << index
    return mask


def subsets(available: int, size: int) -> list[int]:
    """List the masks of all subsets of `available` with `size` members, ascending."""
    return sorted(mask_of(chosen) for chosen in combinations(members(available), size))
