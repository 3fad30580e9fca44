"""Judges against each other: which figures of agreement there are to compute, and the queue of disagreements."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from workbench.app.state.scores import HUMAN, RunScores, Score
from workbench.statistics.agreement import krippendorff, pearson, spearman, weighted_kappa
from workbench.statistics.panel import Disagreement, disagreements, effective_judges
from workbench.statistics.resampling import Estimate

EFFECTIVE = "effective judges"
"""The figure that counts up to the number of judges; all others end at 1."""


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
        self.judges = data.judges
        place = {judge: i for i, judge in enumerate(self.judges)}
        found: dict[int, Score] = {}
        for scores in data.scores.values():
            for score in scores:
                found.setdefault(score.unit, score)
        self.units: tuple[Score, ...] = tuple(found[unit] for unit in sorted(found))
        row = {score.unit: i for i, score in enumerate(self.units)}
        self.ratings: NDArray[np.float64] = np.full((len(self.units), len(self.judges)), np.nan)
        for key, scores in data.scores.items():
            for score in scores:
                if score.score is not None:
                    self.ratings[row[score.unit], place[key.judge]] = score.score

    def figures(self) -> Iterator[Callable[[], Agreement]]:
        """Yield what computes each line of the table, one after the other, since intervals take their time."""
        profiles = [score.profile_id for score in self.units]
        for i, j in combinations(range(len(self.judges)), 2):
            who = f"{self.judges[i]} and {self.judges[j]}"
            for name, statistic in (("Pearson r", pearson), ("Spearman ρ", spearman), ("κ quadratic", weighted_kappa)):
                yield partial(_line, who, name, statistic, self.ratings[:, i], self.ratings[:, j], profiles)
        if len(self.judges) > 1:
            yield partial(_line, "everybody", "Krippendorff α", krippendorff, self.ratings, profiles)
        panel = [i for i, judge in enumerate(self.judges) if not judge.startswith(HUMAN)]
        if len(panel) > 1:
            for label, truth in self._references():
                who = f"errors against {label}"
                yield partial(_line, who, EFFECTIVE, effective_judges, self.ratings[:, panel], truth, profiles)

    def queue(self, most: int = 500) -> list[Queued]:
        """Return the responses that judges disagree on most, widest spread first."""
        names = [f"{score.unit:012}" for score in self.units]
        by_name = dict(zip(names, self.units, strict=True))
        found = disagreements(names, self.ratings, most=most, at_least=1e-6)
        return [Queued(by_name[entry.item], entry) for entry in found]

    def _references(self) -> Iterator[tuple[str, NDArray[np.float64]]]:
        """Yield what judges' errors can be measured from: people's ratings, and what the surrogate knows."""
        people = [i for i, judge in enumerate(self.judges) if judge.startswith(HUMAN)]
        if people:
            # One person's word for each response: where several rated it, that of the first.
            rated = self.ratings[:, people]
            yield "people", rated[np.arange(len(rated)), np.argmax(~np.isnan(rated), axis=1)]
        truth = np.array([np.nan if s.true_score is None else s.true_score for s in self.units], np.float64)
        if not np.isnan(truth).all():
            yield "the surrogate's true score", truth


def _line(who: str, figure: str, statistic: Callable[..., Estimate | None], *data: object) -> Agreement:
    return Agreement(who, figure, statistic(*data))


def ratings_text(judges: Sequence[str], entry: Disagreement) -> str:
    """Return each judge's score of an item, a 3.00 · b 4.33."""
    return " · ".join(
        f"{judge} {value:.2f}" for judge, value in zip(judges, entry.ratings, strict=True) if value is not None
    )
