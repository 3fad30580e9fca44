"""The verdicts of a run as columns: arrays instead of an object for each, as a run may have 100,000 of them."""

import itertools
from bisect import bisect_left
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

import numpy as np
from numpy.typing import NDArray

from simulator.domains import DOMAINS
from simulator.world import DIMENSIONS
from workbench.report.reading import Group
from workbench.statistics.judging import Item, judge_place
from workbench.statistics.resampling import Floats, numbered
from workbench.statistics.scores import Judged, arm_place

if TYPE_CHECKING:
    from storage.sqlite import Database

T = TypeVar("T")


class Made(Sequence[T], Generic[T]):
    """So many things, each made when it is asked for.

    Args:
        count: how many. make: returns one by its number.
    """

    def __init__(self, count: int, make: Callable[[int], T]) -> None:
        self._count, self._make = count, make

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[T]: ...
    def __getitem__(self, index: int | slice) -> T | Sequence[T]:
        if isinstance(index, slice):
            return [self._make(i) for i in range(self._count)[index]]
        return self._make(range(self._count)[index])


@dataclass(frozen=True, eq=False, slots=True)
class Verdicts:
    """What judges and people say of the responses of a run.

    Fields:
        scenarios, domains, profiles, queries: `[s]`, scenarios by id, and what each is about.
        groups: `[g]`, the arms of each model, from knowing nothing to knowing everything.
        judges: `[j]`, models by name, then people.
        unit: `[m]` int64, the trials that anybody judged, in their order.
        scenario, group: `[m]` int64, of each trial, as places in the above.
        questions: `[m]` float64, asked in the trial, NaN where nobody counted.
        crisis: `[m]` bool. truth: `[m]` float64, what the surrogate knows a response to be worth, NaN elsewhere.
        judged: `[m, j]` bool, who judged it, with or without success.
        values: `[m, j, 4]` float64, score and dimensions (`workbench.statistics.judging.MEASURES`), NaN = none.
        trial: `[g, s]` int64, the place among trials of an arm's response to a scenario, -1 where there is none.
        domain, profile: `[s]` int64, the domain's place in `DOMAINS` (-1 = none of them); profiles numbered by name.
    """

    scenarios: tuple[str, ...]
    domains: tuple[str, ...]
    profiles: tuple[str, ...]
    queries: tuple[str, ...]
    groups: tuple[Group, ...]
    judges: tuple[str, ...]
    unit: NDArray[np.int64]
    scenario: NDArray[np.int64]
    group: NDArray[np.int64]
    questions: Floats
    crisis: NDArray[np.bool_]
    truth: Floats
    judged: NDArray[np.bool_]
    values: Floats
    trial: NDArray[np.int64]
    domain: NDArray[np.int64]
    profile: NDArray[np.int64]

    @property
    def items(self) -> Sequence[Item]:
        """The trials, each made when it is asked for."""
        return Made(len(self.unit), self._item)

    def of(self, group: Group, judge: str, *, person: bool) -> Judged:
        """Return what one judge says of an arm; of a person's ratings questions and crises are not counted again.

        Raises:
            ValueError: there is no such arm or judge.
        """
        g, j = self.groups.index(group), self.judges.index(judge)
        mine = np.flatnonzero((self.group == g) & self.judged[:, j])
        scenario = self.scenario[mine]
        return Judged(
            self.values[mine, j, 0],
            self.domain[scenario],
            self.profile[scenario],
            np.full(mine.size, np.nan) if person else self.questions[mine],
            np.zeros(mine.size, np.bool_) if person else self.crisis[mine],
        )

    def scores(self, group: Group, judges: Iterable[str]) -> Floats:
        """Return an arm's scores `[s, judges]`, NaN where a scenario has none.

        Raises:
            ValueError: there is no such arm or judge.
        """
        trial = self.trial[self.groups.index(group)]
        chosen = [self.judges.index(judge) for judge in judges]
        if not len(self.unit):
            return np.full((len(trial), len(chosen)), np.nan)
        found: Floats = np.where(trial[:, np.newaxis] < 0, np.nan, self.values[trial][:, chosen, 0])
        return found

    def place(self, scenario: str) -> int | None:
        """Return where a scenario stands, None where the run has no trial of it."""
        at = bisect_left(self.scenarios, scenario)
        return at if at < len(self.scenarios) and self.scenarios[at] == scenario else None

    def _item(self, i: int) -> Item:
        scenario, group = int(self.scenario[i]), self.groups[self.group[i]]
        truth = float(self.truth[i])
        return Item(
            int(self.unit[i]),
            self.scenarios[scenario],
            self.profiles[scenario],
            self.domains[scenario],
            group.model,
            group.arm,
            None if np.isnan(truth) else truth,
        )


def read_verdicts(db: "Database", run: str) -> Verdicts:
    """Read what was judged of a run (its whole id); empty columns where there is no such run."""
    from storage.judgements import judged_trials, judged_values, run_scenarios

    scenarios, domains, profiles, queries = _columns(run_scenarios(db, run), 4)
    units, ids, models, arms, questions, crisis, truth = _columns(judged_trials(db, run), 7)
    rated, by, *given = _columns(judged_values(db, run), 3 + len(DIMENSIONS))

    judges = sorted(set(by), key=judge_place)
    values = np.full((len(units), len(judges), len(given)), np.nan)
    judged = np.zeros(values.shape[:2], np.bool_)
    trial, who = np.searchsorted(np.array(units, np.int64), np.array(rated, np.int64)), _places(by, judges)
    values[trial, who] = np.array(given, np.float64).T
    judged[trial, who] = True

    # Trials that nobody has judged yet are left out, and with them arms that none of whose trials has been judged.
    kept = np.flatnonzero(judged.any(axis=1))
    every = sorted(itertools.starmap(Group, set(zip(models, arms, strict=True))), key=_group_place)
    scenario, group = _places(ids, scenarios)[kept], _places(zip(models, arms, strict=True), every)[kept]
    found = np.unique(group)
    groups, group = tuple(every[i] for i in found.tolist()), np.searchsorted(found, group)
    trials = np.full((len(groups), len(scenarios)), -1, np.int64)
    trials[group, scenario] = np.arange(kept.size)
    return Verdicts(
        scenarios,
        domains,
        profiles,
        queries,
        groups,
        tuple(judges),
        np.array(units, np.int64)[kept],
        scenario,
        group,
        np.array(questions, np.float64)[kept],
        np.array(crisis, np.bool_)[kept],
        np.array(truth, np.float64)[kept],
        judged[kept],
        values[kept],
        trials,
        np.array([DOMAINS.index(domain) if domain in DOMAINS else -1 for domain in domains], np.int64),
        numbered(profiles),
    )


def _columns(rows: Sequence[tuple[Any, ...]], count: int) -> Sequence[tuple[Any, ...]]:
    # A zip of all rows at once would keep the app from answering keys for a tenth of a second.
    return [tuple([row[i] for row in rows]) for i in range(count)]


def _group_place(group: Group) -> tuple[object, ...]:
    return group.model, *arm_place(group.arm)


def _places(values: Iterable[Hashable], among: Sequence[Hashable]) -> NDArray[np.int64]:
    """Return where each value stands among some, all of which are different."""
    place = {value: i for i, value in enumerate(among)}
    return np.array([place[value] for value in values], np.int64)
