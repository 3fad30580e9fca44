"""Judges against each other, as the scores screen shows it: lines of figures, and the queue of disagreements."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from simulator.world import DIMENSIONS
from workbench.app.state.scores import RunScores, Score
from workbench.statistics import judging
from workbench.statistics.judging import Ratings
from workbench.statistics.panel import Disagreement
from workbench.statistics.resampling import Estimate, Floats

EFFECTIVE = "effective judges"
"""The figure that counts up to the number of judges; all others end at 1."""

_NAMES = {
    judging.PEARSON: "Pearson r",
    judging.SPEARMAN: "Spearman ρ",
    judging.KAPPA: "κ quadratic",
    judging.WITHIN: "r within arms",
    judging.ALPHA: "Krippendorff α",
    judging.EFFECTIVE: EFFECTIVE,
}


@dataclass(frozen=True, slots=True)
class Agreement:
    """One line of the agreement table.

    Fields:
        who: the judges it is about. figure: what is measured.
        estimate: None where it is undefined.
    """

    who: str
    figure: str
    estimate: Estimate | None


@dataclass(frozen=True, slots=True)
class Queued:
    """A response that judges see differently: what was judged, and how."""

    score: Score
    disagreement: Disagreement


class Panel:
    """Everybody's scores of the same responses.

    Fields:
        judges: `[j]`, their names, people last.
        units: `[m]`, one verdict of each response that was judged, in the order of units.
        ratings: `[m, j]` float64, NaN where a judge has no score.
    """

    def __init__(self, data: RunScores) -> None:
        found: dict[int, Score] = {}
        for scores in data.scores.values():
            for score in scores:
                found.setdefault(score.unit, score)
        self.units: tuple[Score, ...] = tuple(found[unit] for unit in sorted(found))
        self._all = Ratings(_row(score) for scores in data.scores.values() for score in scores)
        self.judges = self._all.judges
        self.ratings: Floats = self._all.of()

    def figures(self) -> Iterator[Callable[[], Agreement]]:
        """Yield what computes each line of the table, one after the other, since intervals take their time."""
        for later in (*self._all.agreement(), *self._all.worth(), *self._all.between_dimensions()):
            yield partial(_line, later)

    def queue(self, most: int = 500) -> list[Queued]:
        """Return the responses that judges disagree on most, widest spread first."""
        by_unit = {score.unit: score for score in self.units}
        return [Queued(by_unit[item.unit], entry) for item, entry in self._all.queue(most)]


def _row(score: Score) -> Mapping[str, Any]:
    return {**score._asdict(), **dict(zip(DIMENSIONS, score.dimensions or (None, None, None), strict=True))}


def _line(later: judging.Later) -> Agreement:
    found = later()
    name = _NAMES[found.figure]
    if found.figure == judging.EFFECTIVE:
        return Agreement(f"errors against {found.reference}", name, found.estimate)
    if found.figure == judging.ALPHA:
        return Agreement("everybody", name, found.estimate)
    if found.beside:
        low, high = judging.PublishedAgreement().dimensions
        who = (
            f"{found.judges[0]}: {judging.SHORT[found.measure]} and {judging.SHORT[found.beside]} (paper {low}-{high})"
        )
        return Agreement(who, name, found.estimate)
    return Agreement(" and ".join(found.judges), name, found.estimate)


def ratings_text(judges: Sequence[str], entry: Disagreement) -> str:
    """Return each judge's score of an item, a 3.00 · b 4.33."""
    return " · ".join(
        f"{judge} {value:.2f}" for judge, value in zip(judges, entry.ratings, strict=True) if value is not None
    )
