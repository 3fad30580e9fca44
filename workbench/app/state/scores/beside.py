"""Two arms beside each other, of one run or of two: what each scenario scored with either."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from planner.keyed import generator
from simulator.domains import DOMAINS
from simulator.world import HUMAN
from workbench.app.state.scores.answers import Whose, short_model
from workbench.app.state.scores.scores import ALL_JUDGES, RunScores
from workbench.app.state.scores.verdicts import Made
from workbench.report.reading import Group
from workbench.statistics.comparison import Changed
from workbench.statistics.resampling import Floats
from workbench.statistics.scores import AVERAGE
from workbench.text import plain


class RunArm(NamedTuple):
    """An arm of a run."""

    data: RunScores
    group: Group

    @property
    def whose(self) -> Whose:
        """The same, by name."""
        return Whose(self.data.id, self.group)


@dataclass(frozen=True, eq=False)
class Beside:
    """Two arms on the scenarios that they share.

    Fields:
        first, second: the arms. judge: who judged both.
        points: a scenario each, the largest change first; each is made when it is asked for.
        xy: `[m, 2]` float64, the scores 1-5 of first and second, a little apart: verdicts are thirds, and equal ones
            would hide each other. A dot keeps its side of the diagonal, or stays on it.
        scenarios: `[m]` int64, places among those of the first's run. domains: `[m]` int64, places in `DOMAINS`.
        above, below, on: how many scored higher with the second, lower, the same.
        alone: how many scenarios have a score of the first only, of the second only.
    """

    first: RunArm
    second: RunArm
    judge: str
    points: Sequence[Changed]
    xy: Floats
    scenarios: NDArray[np.int64]
    domains: NDArray[np.int64]
    above: int
    below: int
    on: int
    alone: tuple[int, int]

    @property
    def across(self) -> bool:
        """Whether the arms belong to two runs."""
        return self.first.data.id != self.second.data.id

    @property
    def about(self) -> tuple[Whose, Whose, str]:
        """What is set beside each other, by name: the arms, and who judged them."""
        return self.first.whose, self.second.whose, self.judge

    @property
    def names(self) -> tuple[str, str]:
        """What tells the two apart: the arms, after run and model where these differ too."""
        models = self.first.group.model != self.second.group.model
        one, other = (side.whose.label(run=self.across, model=models) for side in (self.first, self.second))
        return one, other

    @property
    def short(self) -> tuple[str, str]:
        """What tells the two apart, in a word each: arms, else models, else runs."""
        for one, other in (
            (self.first.group.arm, self.second.group.arm),
            (short_model(self.first.group.model), short_model(self.second.group.model)),
            (self.first.data.id, self.second.data.id),
        ):
            if one != other:
                return plain(one), plain(other)
        return plain(self.first.group.arm), plain(self.second.group.arm)

    def place(self, scenario: str, domain: str = AVERAGE) -> int:
        """Return where a scenario stands among the points, or those of one domain; 0 where it is none of them."""
        at = self.first.data.verdicts.place(scenario)
        found = [] if at is None else np.flatnonzero(self.scenarios[self._within(domain)] == at).tolist()
        return found[0] if found else 0

    def within(self, domain: str) -> Sequence[Changed]:
        """Return the points of one domain, or all of them for `AVERAGE`."""
        if domain == AVERAGE:
            return self.points
        places = self._within(domain).tolist()
        return Made(len(places), lambda i: self.points[places[i]])

    def _within(self, domain: str) -> NDArray[np.int64]:
        wanted = domain == AVERAGE or self.domains == DOMAINS.index(domain)
        return np.flatnonzero(np.broadcast_to(wanted, self.domains.shape))


def set_beside(first: RunArm, second: RunArm, judge: str = ALL_JUDGES) -> Beside:
    """Set two arms beside each other as `compare` does: by scenario, each the mean of the judges that scored both."""
    judges = shared_judges(first.data, second.data, judge)
    one, other = (side.data.verdicts.scores(side.group, judges) for side in (first, second))
    mine, theirs = _shared_scenarios(first.data, second.data)
    one_shared, other_shared = one[mine], other[theirs]
    both = ~np.isnan(one_shared) & ~np.isnan(other_shared)
    count = both.sum(axis=1)
    scores = np.stack([np.where(both, side, 0).sum(axis=1) for side in (one_shared, other_shared)], axis=1)
    kept = np.flatnonzero(count)
    scores, count, place = scores[kept] / count[kept, np.newaxis], count[kept], mine[kept]
    change = scores[:, 1] - scores[:, 0]
    # An arm beside itself has no changes: the lowest score first. Ties stand in the order of scenarios.
    by = scores[:, 0] if first.whose == second.whose else -np.round(np.abs(change), 9)
    order = np.lexsort((place, by))
    scores, count, place, change = scores[order], count[order], place[order], change[order]
    above, below = int((change > 0).sum()), int((change < 0).sum())
    known = first.data.verdicts

    def point(i: int) -> Changed:
        at = int(place[i])
        return Changed(
            first.group.model,
            second.group.model,
            first.group.arm,
            second.group.arm,
            known.scenarios[at],
            known.profiles[at],
            known.domains[at],
            float(scores[i, 0]),
            float(scores[i, 1]),
            float(change[i]),
            int(count[i]),
        )

    lone = [int((~np.isnan(side)).any(axis=1).sum()) - kept.size for side in (one, other)]
    return Beside(
        first,
        second,
        judge,
        Made(len(order), point),
        _dots(scores),
        place,
        known.domain[place],
        above,
        below,
        len(order) - above - below,
        (lone[0], lone[1]),
    )


def shared_judges(first: RunScores, second: RunScores, judge: str = ALL_JUDGES) -> tuple[str, ...]:
    """Return who judged both runs: one judge, or all models that judge (people stand apart)."""
    both = [name for name in first.judges if name in second.judges]
    return tuple(name for name in both if name == judge or (judge == ALL_JUDGES and not name.startswith(HUMAN)))


def nearest(points: Floats, at: int, dx: int, dy: int) -> int:
    """Return the point that lies closest in a direction, or `at` itself where there is none.

    Args:
        points: `[m, 2]`, at least one. at: index of the point that is left.
        dx, dy: one of them 1 or -1, the other 0; y grows upwards.
    """
    offset = points - points[at]
    along = offset @ np.array([dx, dy], np.float64)
    across = np.abs(offset @ np.array([dy, dx], np.float64))
    # What lies aside counts double, and what lies more aside than ahead is the last choice.
    cost = np.where(along > 1e-9, along + 2 * across + 100.0 * (across > along), np.inf)
    best = int(np.argmin(cost))
    return best if np.isfinite(cost[best]) else at


def _shared_scenarios(first: RunScores, second: RunScores) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the places, in either run, of the scenarios that they share."""
    if first is second:
        every = np.arange(len(first.verdicts.scenarios))
        return every, every
    place = {scenario: i for i, scenario in enumerate(second.verdicts.scenarios)}
    found = [(i, place[name]) for i, name in enumerate(first.verdicts.scenarios) if name in place]
    pairs = np.array(found, np.int64).reshape(-1, 2)
    return pairs[:, 0], pairs[:, 1]


def _dots(scores: Floats) -> Floats:
    shift = generator("dots").uniform(-0.11, 0.11, scores.shape)  # two of them are less than a third
    on = scores[:, 0] == scores[:, 1]
    shift[on, 1] = shift[on, 0]
    found: Floats = np.clip(scores + shift, 0.9, 5.1)
    return found
