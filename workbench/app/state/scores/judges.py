"""Judges against each other, as the scores screen shows it: lines of figures, and the queue of disagreements."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from workbench.app.state.scores.verdicts import Verdicts
from workbench.report.reading import Group
from workbench.statistics import judging
from workbench.statistics.judging import Item, Ratings
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
        who: the judges it is about. figure: what is measured. note: what is published of it; often empty.
        estimate: None where it is undefined.
    """

    who: str
    figure: str
    estimate: Estimate | None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Queued:
    """A response that judges see differently: what was judged, and how."""

    item: Item
    disagreement: Disagreement

    @property
    def group(self) -> Group:
        """The arm that was judged."""
        return Group(self.item.model, self.item.arm)


class Panel:
    """Everybody's scores of the same responses.

    Fields:
        judges: `[j]`, their names, people last.
        items: `[m]`, the responses that were judged, in the order of units.
        ratings: `[m, j]` float64, NaN where a judge has no score.
    """

    def __init__(self, verdicts: Verdicts) -> None:
        self.items = verdicts.items
        profiles = verdicts.profile[verdicts.scenario]
        self._all = Ratings(verdicts.judges, self.items, verdicts.values, profiles, verdicts.group, verdicts.truth)
        self.judges = self._all.judges
        self.ratings: Floats = self._all.of()

    def figures(self) -> list[Callable[[], Agreement]]:
        """Return what computes each line of the table: intervals take their time."""
        found = (*self._all.agreement(), *self._all.worth(), *self._all.between_dimensions())
        return [partial(_line, later) for later in found]

    def queue(self, most: int = 500) -> list[Queued]:
        """Return the responses that judges disagree on most, widest spread first."""
        return [Queued(item, entry) for item, entry in self._all.queue(most)]


def _line(later: judging.Later) -> Agreement:
    found = later()
    name = _NAMES[found.figure]
    if found.figure == judging.EFFECTIVE:
        return Agreement(f"errors against {found.reference}", name, found.estimate)
    if found.figure == judging.ALPHA:
        return Agreement("everybody", name, found.estimate)
    if found.beside:
        low, high = judging.PublishedAgreement().dimensions
        who = f"{found.judges[0]}: {judging.SHORT[found.measure]} and {judging.SHORT[found.beside]}"
        return Agreement(who, name, found.estimate, f" (paper {low}-{high})")
    return Agreement(" and ".join(found.judges), name, found.estimate)


def ratings_text(judges: Sequence[str], entry: Disagreement) -> str:
    """Return each judge's score of an item, a 3.00 · b 4.33."""
    return " · ".join(
        f"{judge} {value:.2f}" for judge, value in zip(judges, entry.ratings, strict=True) if value is not None
    )
