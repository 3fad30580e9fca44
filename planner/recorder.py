"""Writing a trace down while a search runs."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from planner.trace import CACHED, FAILED, PAD, Backup, Recommend, Trace


class Recorder:
    """Keeps plain lists, which grow quickly, and makes arrays of them only when a snapshot is wanted."""

    def __init__(
        self,
        planner: str,
        available: int,
        *,
        n: int,
        depth: int,
        rule: str,
        backup: Backup,
        recommend: Recommend,
        c: float = 0.0,
        decay: float = 0.0,
    ) -> None:
        self._header: dict[str, Any] = {
            "planner": planner,
            "rule": rule,
            "recommend": recommend,
            "backup": backup,
            "n": n,
            "available": available,
            "depth": depth,
            "c": float(c),
            "decay": float(decay),
        }
        self._n, self._depth = n, depth
        self._pads = [(PAD,) * (depth - length) for length in range(depth + 1)]
        self._paths: list[tuple[int, ...]] = []
        self._rewards: list[float] = []
        self._flags: list[int] = []
        self._priors: list[Sequence[float]] = []
        self._weighted = False
        self._settled = 0
        self._arrays: tuple[_Rows, _Rows, _Rows, _Rows] | None = None  # what snapshots are views of

    def __len__(self) -> int:
        return len(self._rewards)

    def rollout(self, path: tuple[int, ...], reward: float | None, cached: bool) -> None:
        """Add a rollout; None = its evaluation failed."""
        self._paths.append(path + self._pads[len(path)])
        if reward is None:
            self._rewards.append(math.nan)
            self._flags.append(FAILED)
        else:
            self._rewards.append(reward)
            self._flags.append(CACHED if cached else 0)
        self._settled = len(self._priors)

    def ranking(self, ranking: Sequence[int]) -> None:
        """Add the ranking of the state that the rollout in hand visits first.

        Raises:
            ValueError: the search was told weights before.
        """
        ranks = [PAD] * self._n
        for rank, attribute in enumerate(ranking):
            ranks[attribute] = rank
        self._prior(ranks, weighted=False)

    def weights(self, weights: Sequence[float]) -> None:
        """Add the prior weights, `[n]`, of the state that the rollout in hand visits first.

        Raises:
            ValueError: the search was told rankings before.
        """
        self._prior(weights, weighted=True)

    def _prior(self, row: Sequence[float], *, weighted: bool) -> None:
        if self._priors and weighted != self._weighted:
            raise ValueError("a search takes rankings or prior weights, not both")
        if weighted != self._weighted:
            self._weighted, self._arrays = weighted, None
        self._priors.append(row)

    def snapshot(self) -> Trace:
        """Return the trace of the rollouts that have ended; only what is new since the last one is converted."""
        if self._arrays is None:
            kind: type[np.float64] | type[np.uint8] = np.float64 if self._weighted else np.uint8
            self._arrays = (
                _Rows((self._depth,), np.uint8),
                _Rows((), np.float64),
                _Rows((), np.uint8),
                _Rows((self._n,), kind),
            )
        path, reward, flags, prior = self._arrays
        kept = flags.upto(self._flags)
        return Trace(
            **self._header,
            evaluations=int(np.count_nonzero(kept == 0)),
            path=path.upto(self._paths),
            reward=reward.upto(self._rewards),
            flags=kept,
            prior=prior.upto(self._priors[: self._settled]),
        )


class _Rows:
    """An array that grows; what was handed out of it stays as it was."""

    def __init__(self, shape: tuple[int, ...], kind: type[np.generic]) -> None:
        self._array, self._count = np.empty((64, *shape), kind), 0

    def upto(self, rows: Sequence[Any]) -> Any:
        """Return all rows; those that were given before are not looked at again."""
        if len(rows) > len(self._array):
            grown = np.empty((2 * len(rows), *self._array.shape[1:]), self._array.dtype)
            grown[: self._count] = self._array[: self._count]
            self._array = grown
        if len(rows) > self._count:
            self._array[self._count : len(rows)] = rows[self._count :]
            self._count = len(rows)
        shown = self._array[: len(rows)]
        shown.flags.writeable = False
        return shown
