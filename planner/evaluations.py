"""When a subset is sampled again, and when its mean will do (experiments.md, "One evaluation")."""

import re
from dataclasses import dataclass


@dataclass(slots=True)
class _Samples:
    """The samples of one subset: taken so far, valid among them, and the sum of those."""

    taken: int = 0
    valid: int = 0
    total: float = 0.0


class Evaluations:
    """The policy of one search: `fresh` (every visit takes a new sample) or `cache:r` (r samples, then their mean).

    Samples of a subset are numbered from 0; a failed one is replaced by the next number.

    Fields:
        replicates: valid samples that a subset is worth having at once: r, or 1 where every visit is fresh.
        count: evaluations made, failed ones included: each is one response and one verdict.
    """

    def __init__(self, cache: int | None = None) -> None:
        """Start with no samples; `cache` = r, or None for `fresh`."""
        if cache is not None and cache < 1:
            raise ValueError(f"cache:{cache} would take no sample; the smallest is cache:1")
        self._cache = cache
        self._samples: dict[int, _Samples] = {}
        self._means: dict[int, float] = {}
        self.replicates = cache or 1
        self.count = 0

    def __str__(self) -> str:
        return "fresh" if self._cache is None else f"cache:{self._cache}"

    def mean(self, mask: int) -> float | None:
        """Return the mean reward of a subset, or None while a new sample is wanted."""
        return self._means.get(mask)

    def take(self, mask: int) -> int:
        """Return the number of the sample to take now; a reward goes to `add`, a failure to nobody."""
        samples = self._samples.get(mask)
        if samples is None:
            samples = self._samples[mask] = _Samples()
        number = samples.taken
        samples.taken = number + 1
        self.count += 1
        return number

    def add(self, mask: int, reward: float) -> None:
        """Keep the reward of a sample that was taken."""
        samples = self._samples[mask]
        samples.valid += 1
        samples.total += reward
        if self._cache is not None and samples.valid >= self._cache:
            self._means[mask] = samples.total / samples.valid


def parse_evaluations(text: str) -> Evaluations:
    """Read `fresh` or `cache:r`.

    Raises:
        ValueError: it is neither, or r is not 1-1000.
    """
    if text == "fresh":
        return Evaluations()
    match = re.fullmatch(r"cache:([0-9]{1,4})", text)
    if match is None or not 1 <= int(match[1]) <= 1000:
        raise ValueError(f"evaluations are fresh or cache:r with r from 1 to 1000, not {text!r}")
    return Evaluations(int(match[1]))
