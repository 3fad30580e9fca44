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
        self._weighted = weighted
        self._priors.append(row)

    def snapshot(self) -> Trace:
        """Return the trace of the rollouts that have ended."""
        flags = np.array(self._flags, np.uint8)
        kind: type[np.float64] | type[np.uint8] = np.float64 if self._weighted else np.uint8
        prior: Any = np.array(self._priors[: self._settled], kind)
        return Trace(
            **self._header,
            evaluations=int(np.count_nonzero(flags == 0)),
            path=np.array(self._paths, np.uint8).reshape(-1, self._depth),
            reward=np.array(self._rewards, np.float64),
            flags=flags,
            prior=prior.reshape(-1, self._n),
        )
