"""Judges beside each other: their ratings of the same responses, and each figure of agreement there is to compute.

A judge may be a model or a person (`human:NAME`). Figures come one by one, since their intervals take their time.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from simulator.world import DIMENSIONS, HUMAN
from workbench.arms import arm_place
from workbench.statistics.agreement import krippendorff, pearson, spearman, weighted_kappa
from workbench.statistics.bias import Bias, length_bias, position_bias, within_correlation
from workbench.statistics.panel import Disagreement, disagreements, effective_judges
from workbench.statistics.resampling import Estimate, Floats, numbered

SCORE = "score"
MEASURES: tuple[str, ...] = (SCORE, *DIMENSIONS)
"""What judges can agree on: the score, and each of the dimensions that it is the mean of."""

SHORT: dict[str, str] = dict(zip(MEASURES, (SCORE, "risk", "empathy", "alignment"), strict=True))
"""What they are called where there is little room."""

PEARSON, SPEARMAN, KAPPA, WITHIN = "pearson", "spearman", "kappa_quadratic", "pearson_within_arms"
ALPHA, EFFECTIVE = "krippendorff_alpha", "effective_judges"
"""Names of the figures. Of all of them `EFFECTIVE` alone is no share: it counts up to the number of judges and more."""


class PublishedAgreement(NamedTuple):
    """What is published of GPT-4o as a judge (raise.md, section 4).

    Fields:
        kappa, pearson: against three people; the kind of kappa is not stated. n: responses that they rated.
        dimensions: range of Pearson's r between any two of its dimensions.
    """

    kappa: float = 0.688
    pearson: float = 0.92
    n: int = 350
    dimensions: tuple[float, float] = (0.32, 0.38)


class Item(NamedTuple):
    """A response that was judged.

    Fields:
        unit: the trial's number.
        true_score: what the surrogate knows it to be worth, None elsewhere.
    """

    unit: int
    scenario_id: str
    profile_id: str
    domain: str
    model: str
    arm: str
    true_score: float | None


_KNOWN = tuple(name for name in Item._fields if name != "true_score")
"""What every row says of its response."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of agreement.

    Fields:
        judges: whose ratings, one to all.
        figure: its name, e.g. `PEARSON`.
        measure: of `MEASURES`. beside: the dimension that `measure` is correlated with, for one judge; else empty.
        reference: what errors are measured from, where they are (`EFFECTIVE`).
        estimate: None where it is undefined.
    """

    judges: tuple[str, ...]
    figure: str
    measure: str
    estimate: Estimate | None
    beside: str = ""
    reference: str = ""


Later = Callable[[], Figure]
"""Computes a figure when it is called."""


def judge_place(judge: str) -> tuple[bool, str]:
    """Order judges: models by name, then people."""
    return judge.startswith(HUMAN), judge


class Ratings:
    """Everybody's ratings of the same responses; nothing is asked of `items` until one is shown.

    Args:
        judges, items, values: as the fields.
        profiles: `[m]`, the profile of each item, numbered in the order of their names.
        groups: `[m]`, the arm and model of each item as a number.
        truth: `[m]`, the true score of each, NaN where it is not known.

    Fields:
        judges: `[j]`, names, people last.
        items: `[m]`, in the order of units.
        values: `[m, j, 4]` float64, the measures in the order of `MEASURES`; NaN = none.
    """

    def __init__(
        self,
        judges: Sequence[str],
        items: Sequence[Item],
        values: Floats,
        profiles: NDArray[np.int64],
        groups: NDArray[np.int64],
        truth: Floats,
    ) -> None:
        self.judges, self.items, self.values = tuple(judges), items, values
        # What may make ratings go together though nobody agrees on any response: the arm and model of each item.
        self._profiles, self._groups, self._truth = profiles, groups, truth

    @classmethod
    def of_rows(cls, rows: Iterable[Mapping[str, Any]]) -> "Ratings":
        """Return the ratings that rows tell of.

        Args:
            rows: mappings with `unit, scenario_id, profile_id, domain, model, arm, judge`, the score (None = failed),
                the dimensions (None where only a score was given) and, where known, `true_score`; a row per response
                and judge.

        Raises:
            KeyError: a row lacks one of the keys.
        """
        items: dict[int, Item] = {}
        found: dict[tuple[int, str], tuple[float | None, ...]] = {}
        for row in rows:
            unit = row["unit"]
            if unit not in items:
                items[unit] = Item(**{name: row[name] for name in _KNOWN}, true_score=row.get("true_score"))
            found[unit, row["judge"]] = tuple(row[measure] for measure in MEASURES)
        judges = sorted({judge for _, judge in found}, key=judge_place)
        place = {judge: j for j, judge in enumerate(judges)}
        at = {unit: i for i, unit in enumerate(sorted(items))}
        values: Floats = np.full((len(items), len(judges), len(MEASURES)), np.nan)
        for (unit, judge), measured in found.items():
            values[at[unit], place[judge]] = [np.nan if value is None else value for value in measured]
        listed = tuple(items[unit] for unit in at)
        return cls(
            judges,
            listed,
            values,
            numbered([item.profile_id for item in listed]),
            numbered([f"{item.model}\x1f{item.arm}" for item in listed]),
            np.array([np.nan if item.true_score is None else item.true_score for item in listed], np.float64),
        )

    @property
    def models(self) -> tuple[str, ...]:
        """The judges that are no people."""
        return tuple(judge for judge in self.judges if not judge.startswith(HUMAN))

    @property
    def people(self) -> tuple[str, ...]:
        """The judges that are people."""
        return tuple(judge for judge in self.judges if judge.startswith(HUMAN))

    @property
    def arms(self) -> tuple[str, ...]:
        """The arms that were judged, from knowing nothing to knowing everything."""
        return tuple(sorted({item.arm for item in self.items}, key=arm_place))

    def of(self, measure: str = SCORE) -> Floats:
        """Return one measure, `[m, j]`."""
        values: Floats = self.values[:, :, MEASURES.index(measure)]
        return values

    def only(self, *, judges: Sequence[str] | None = None, arm: str | None = None) -> "Ratings":
        """Return the ratings of some judges, or of one arm's responses.

        Raises:
            ValueError: there is no such judge.
        """
        chosen = [j for j, judge in enumerate(self.judges) if judges is None or judge in judges]
        if judges is not None and (unknown := set(judges) - set(self.judges)):
            raise ValueError(f"no judge {min(unknown)!r}: there are {', '.join(self.judges)}")
        kept = [i for i, item in enumerate(self.items) if arm in (None, item.arm)]
        return Ratings(
            [self.judges[j] for j in chosen],
            tuple(self.items[i] for i in kept),
            self.values[np.ix_(kept, chosen)],
            self._profiles[kept],
            self._groups[kept],
            self._truth[kept],
        )

    def agreement(self, measure: str = SCORE) -> Iterator[Later]:
        """Yield what says how far judges agree: each pair's correlations and kappa, then everybody's alpha.

        Pooled over arms, agreement is flattered: judges that only see that one arm is better than another agree so
        far. `WITHIN` takes each arm's (and model's) mean off first; it comes where there are several.
        """
        values, profiles, groups = self.of(measure), self._profiles, self._groups
        for i, j in combinations(range(len(self.judges)), 2):
            both, pair = (self.judges[i], self.judges[j]), (values[:, i], values[:, j])
            yield partial(_figure, both, PEARSON, measure, pearson, *pair, profiles)
            yield partial(_figure, both, SPEARMAN, measure, spearman, *pair, profiles)
            yield partial(_figure, both, KAPPA, measure, weighted_kappa, *pair, profiles)
            if self._several:
                yield partial(_figure, both, WITHIN, measure, within_correlation, *pair, groups, profiles)
        if len(self.judges) > 1:
            yield partial(_figure, self.judges, ALPHA, measure, krippendorff, values, profiles)

    def worth(self) -> Iterator[Later]:
        """Yield what says how many independent judges the panel of models is worth, against each reference there is."""
        if len(self.models) > 1:
            panel = self.of()[:, [self.judges.index(judge) for judge in self.models]]
            for name, reference in self.references():
                found = partial(_figure, self.models, EFFECTIVE, SCORE, effective_judges, panel, reference)
                yield partial(found, self._profiles, reference=name)

    def between_dimensions(self) -> Iterator[Later]:
        """Yield how each judge's dimensions go together: over all arms, and within them where there are several."""
        for j, judge in enumerate(self.judges):
            for one, other in combinations(DIMENSIONS, 2):
                pair = self.of(one)[:, j], self.of(other)[:, j]
                yield partial(_figure, (judge,), PEARSON, one, pearson, *pair, self._profiles, beside=other)
                if self._several:
                    within = partial(_figure, (judge,), WITHIN, one, within_correlation, *pair, self._groups)
                    yield partial(within, self._profiles, beside=other)

    def length_bias(self, judge: str, lengths: Mapping[int, int]) -> Bias | None:
        """Return how a judge's scores go with the length of responses (unit -> characters); see `bias.length_bias`."""
        return length_bias(self._known(judge, lengths), self._per_item(lengths), self._groups, self._profiles)

    def position_bias(self, judge: str, places: Mapping[int, int]) -> Bias | None:
        """Return how a judge's scores go with the order of rating (unit -> place in it); see `bias.position_bias`."""
        return position_bias(self._known(judge, places), self._per_item(places), self._groups, self._profiles)

    def references(self) -> Iterator[tuple[str, Floats]]:
        """Yield what judges' errors can be measured from: people's mean score, and what the surrogate knows."""
        if self.people:
            rated = self.of()[:, [self.judges.index(judge) for judge in self.people]]
            count = (~np.isnan(rated)).sum(axis=1)
            mean = np.nansum(rated, axis=1) / np.maximum(count, 1)
            yield "people", np.where(count > 0, mean, np.nan)
        if not np.isnan(self._truth).all():
            yield "the surrogate's true score", self._truth

    def queue(self, most: int | None = None) -> list[tuple[Item, Disagreement]]:
        """Return the responses that judges score differently, widest spread first; `most` at most."""
        places = [f"{i:012}" for i in range(len(self.items))]
        found = disagreements(places, self.of(), most=most, at_least=1e-6)
        return [(self.items[int(entry.item)], entry) for entry in found]

    def _known(self, judge: str, covariate: Mapping[int, int]) -> Floats:
        """Return a judge's scores of the items whose covariate is known, NaN for the others."""
        known = np.array([item.unit in covariate for item in self.items], dtype=np.bool_)
        return np.where(known, self.of()[:, self.judges.index(judge)], np.nan)

    def _per_item(self, covariate: Mapping[int, int]) -> list[int]:
        return [covariate.get(item.unit, 0) for item in self.items]

    @property
    def _several(self) -> bool:
        """Whether there are several arms or models."""
        return np.unique(self._groups).size > 1


def _figure(
    judges: tuple[str, ...],
    figure: str,
    measure: str,
    statistic: Callable[..., Estimate | None],
    *data: NDArray[Any],
    beside: str = "",
    reference: str = "",
) -> Figure:
    return Figure(judges, figure, measure, statistic(*data), beside, reference)
