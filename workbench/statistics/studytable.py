"""What the tables of a study are made of: scores arranged so that arms meet on the same scenarios, and their rows."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from simulator.domains import DOMAINS
from workbench.statistics.bootstrap import Interval, interval
from workbench.statistics.published import figures
from workbench.statistics.resampling import estimate
from workbench.statistics.scores import AVERAGE

Value = str | int | float | Interval | None
"""A cell: an `Interval` is a mean with its 95 % bootstrap interval, clustered by profile."""


_DIFFERENCES = ("gain", "over", "difference", "curse", "beyond", "percent")
"""Words in the keys of columns that hold differences."""


@dataclass(frozen=True, slots=True)
class RunScores:
    """What one run contributes to a table.

    Fields:
        run, world: its id, and where its numbers come from.
        setting: what of a sweep it is, option -> value.
        experiment: its normalised experiment.
        rows: `storage.studies.measured_rows`.
    """

    run: str
    world: str
    setting: Mapping[str, Any]
    experiment: Mapping[str, Any]
    rows: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class StudyTable:
    """A table of a study.

    Fields:
        name: as in `workbench show table NAME`; title: for people.
        columns: what people are shown, key -> heading; every row has these keys, and may have more.
        rows: each a mapping of `Value`s. The key `source` says whose figures they are: ours (the world's name) or
            `published`; in tables that show both in one row, published figures stand in keys with `paper` in them.
        notes: what has to be said beside it.
    """

    name: str
    title: str
    columns: Mapping[str, str]
    rows: tuple[Mapping[str, Value], ...]
    notes: tuple[str, ...] = ()

    def signed(self, key: str) -> bool:
        """Tell whether a column holds differences, which carry their sign."""
        if self.name == "sensitivity-domains":
            return key in (*DOMAINS, AVERAGE, "paper_gain")
        return any(word in key for word in _DIFFERENCES)

    def records(self) -> Iterator[dict[str, str | int | float | None]]:
        """Yield flat rows: an interval under `x` becomes `x`, `x_low`, `x_high`, `x_n` and `x_profiles`."""
        intervals = {key for row in self.rows for key, value in row.items() if isinstance(value, Interval)}
        keys = list(dict.fromkeys(key for row in self.rows for key in row))
        for row in self.rows:
            flat: dict[str, str | int | float | None] = {"table": self.name}
            for key in keys:
                value = row.get(key)
                if key in intervals:
                    flat |= _flat(key, value)
                elif not isinstance(value, Interval):
                    flat[key] = value
            yield flat


class Item(NamedTuple):
    """One scenario under one arm: its score (1-5), questions asked, and what the oracle's choice was judged first."""

    score: float
    questions: float
    naive: float | None


class Case(NamedTuple):
    """Where a scenario belongs."""

    profile: str
    domain: str


class GroupKey(NamedTuple):
    """Whose scores a group holds."""

    world: str
    model: str
    judge: str


@dataclass
class Group:
    """The scores that one judge gave one model: arm -> scenario id -> item. Failed judgements are only counted."""

    arms: dict[str, dict[str, Item]] = field(default_factory=dict)
    cases: dict[str, Case] = field(default_factory=dict)
    failed: dict[str, int] = field(default_factory=dict)

    def scores(self, arm: str) -> dict[str, float]:
        """Return the scores of an arm by scenario."""
        return {scenario: item.score for scenario, item in self.arms.get(arm, {}).items()}

    def mean(self, values: Mapping[str, float], domain: str | None = None) -> Interval | None:
        """Return the mean of values by scenario, of one domain or all."""
        chosen = [s for s in values if domain is None or self.cases[s].domain == domain]
        return interval([values[s] for s in chosen], [self.cases[s].profile for s in chosen])

    def arm(self, arm: str, domain: str | None = None) -> Interval | None:
        """Return the mean score of an arm."""
        return self.mean(self.scores(arm), domain)

    def questions(self, arm: str) -> Interval | None:
        """Return how many questions an arm asked on average."""
        return self.mean({scenario: item.questions for scenario, item in self.arms.get(arm, {}).items()})

    def gain(self, arm: str, over: str, domain: str | None = None) -> Interval | None:
        """Return the mean difference of two arms, paired on the scenarios that both have."""
        return self.mean(difference(self.scores(arm), self.scores(over)), domain)

    def ratio(self, part: Mapping[str, float], whole: Mapping[str, float]) -> Interval | None:
        """Return sum(part) / sum(whole) over the scenarios that both have, its interval clustered by profile."""
        shared = [scenario for scenario in part if scenario in whole]
        if not shared:
            return None
        columns = np.array([(part[s], whole[s]) for s in shared])
        found = estimate(_ratio, columns, [self.cases[s].profile for s in shared])
        return None if found is None else Interval(found.value, found.low, found.high, found.n, found.clusters)


def group(runs: Iterable[RunScores], wanted: Callable[[str], bool] = lambda _: True) -> dict[GroupKey, Group]:
    """Arrange the scores of runs by world, model and judge; of a scenario that stands twice, the later run counts.

    Args:
        wanted: chooses arms.
    """
    found: dict[GroupKey, Group] = {}
    for run in runs:
        for row in run.rows:
            arm = row["arm"]
            if not wanted(arm):
                continue
            mine = found.setdefault(GroupKey(run.world, row["model"], row["judge"]), Group())
            mine.cases[row["scenario_id"]] = Case(row["profile_id"], row["domain"])
            if row["score"] is None:
                mine.failed[arm] = mine.failed.get(arm, 0) + 1
            else:
                item = Item(row["score"], row["questions"], row["naive"])
                mine.arms.setdefault(arm, {})[row["scenario_id"]] = item
    return dict(sorted(found.items(), key=lambda item: _place(item[0])))


def _place(key: GroupKey) -> tuple[str, int, str, str]:
    """Sort models as the paper does, others last."""
    paper = list(dict.fromkeys(row.model for row in figures()))
    name = key.model.rpartition("/")[2]
    return key.world, paper.index(name) if name in paper else len(paper), key.model, key.judge


def over_models(groups: Mapping[GroupKey, Group], arms: Iterable[str]) -> dict[GroupKey, Group]:
    """Return, per judge, a group of the mean over models of each scenario and arm: what the paper calls its mean.

    Only where there are several models, and only scenarios and arms that all of them have.
    """
    found: dict[GroupKey, Group] = {}
    for world, judge in dict.fromkeys((key.world, key.judge) for key in groups):
        mine = [g for key, g in groups.items() if (key.world, key.judge) == (world, judge)]
        if len(mine) < 2:
            continue
        merged = found.setdefault(GroupKey(world, "mean", judge), Group())
        for arm in arms:
            shared = set.intersection(*(set(g.arms.get(arm, {})) for g in mine))
            for scenario in sorted(shared):
                items = [g.arms[arm][scenario] for g in mine]
                merged.cases[scenario] = mine[0].cases[scenario]
                score, questions = (sum(column) / len(items) for column in zip(*(i[:2] for i in items), strict=True))
                merged.arms.setdefault(arm, {})[scenario] = Item(score, questions, None)
    return found


def difference(first: Mapping[str, float], second: Mapping[str, float]) -> dict[str, float]:
    """Return first - second of the scenarios that both have."""
    return {scenario: value - second[scenario] for scenario, value in first.items() if scenario in second}


def beats(first: str, second: str, gain: Interval | None) -> str:
    """Say in a line whether one arm scores above another, as far as the interval of the difference tells."""
    if gain is None:
        return f"{first} and {second} share no scenario"
    how = f"{gain.mean:+z.2f}" + ("" if gain.low is None else f" [{gain.low:+.2f}, {gain.high:+.2f}]")
    if gain.low is None or gain.high is None or gain.low <= 0 <= gain.high:
        return f"{first} does not beat {second}: {how}"
    return f"{first} beats {second}: {how}" if gain.low > 0 else f"{second} beats {first}: {how}"


def _flat(key: str, value: Value) -> dict[str, str | int | float | None]:
    """Return the columns of an interval; a plain number (a published one) has no bounds."""
    if not isinstance(value, Interval):
        return {key: value, f"{key}_low": None, f"{key}_high": None, f"{key}_n": None, f"{key}_profiles": None}
    bounds = {f"{key}_low": value.low, f"{key}_high": value.high}
    return {key: value.mean, **bounds, f"{key}_n": value.n, f"{key}_profiles": value.clusters}


def _ratio(columns: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    totals = weights @ columns
    shares: NDArray[np.float64] = totals[:, 0] / totals[:, 1]
    return shares
