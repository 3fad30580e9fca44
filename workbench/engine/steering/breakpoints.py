"""Where searches are to stop: another subset becomes the best, or a path passes through a chosen one."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from planner.rules import MAX_ATTRIBUTES
from planner.trace import path_masks
from workbench.explain import set_words

_BEST, _NONE = "best", "none"


@dataclass(frozen=True)
class Breakpoints:
    """Any number of places to stop at, written as the command `break` takes them: `best,12,5`.

    Fields:
        best: another subset becomes the best; the first one that is best does not count. masks: a path passes through
            one of these subsets.
    """

    best: bool = False
    masks: frozenset[int] = frozenset()

    @classmethod
    def read(cls, argument: str) -> "Breakpoints":
        """Read what `break` is given; nothing, or `none`, for none.

        Raises:
            ValueError: it is something else.
        """
        if argument.strip() in ("", _NONE):
            return cls()
        words = [word.strip() for word in argument.split(",")]
        return cls(_BEST in words, frozenset(_mask(word) for word in words if word != _BEST))

    def __str__(self) -> str:
        return ",".join([_BEST] * self.best + [str(mask) for mask in sorted(self.masks)]) or _NONE

    def __len__(self) -> int:
        return self.best + len(self.masks)

    def passed(self, path: NDArray[np.uint8]) -> NDArray[np.bool_]:
        """Return which paths pass through a chosen subset, `[T, depth]` -> `[T]`."""
        found: NDArray[np.bool_] = np.any(np.isin(path_masks(path), list(self.masks)), axis=1)
        return found

    def why(self, rollout: int, path: NDArray[np.uint8], names: Sequence[str], *, changed: bool) -> str:
        """Say all that stops a search after a rollout; empty if nothing does.

        Args:
            rollout: its number, from 1. path: `[depth]`, its path. names: of the attributes.
            changed: it made another subset the best.
        """
        passed = sorted(self.masks.intersection(path_masks(path[None])[0].tolist()))
        met = ["the best subset changed"] if self.best and changed else []
        met += [f"a path passed through {set_words(mask, names)}" for mask in passed]
        return f"{' and '.join(met)} at rollout {rollout}" if met else ""


def _mask(word: str) -> int:
    if not (word.isdecimal() and word.isascii() and 0 < int(word[:9]) < 1 << MAX_ATTRIBUTES):
        raise ValueError(word)
    return int(word)
