"""What the scores screen knows of a run: its verdicts, what statistics make of them, two arms beside each other."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from planner.keyed import generator
from simulator.world import DIMENSIONS, HUMAN
from workbench.report.reading import Group
from workbench.statistics.comparison import Changed, change_rank, scenario_changes
from workbench.statistics.scores import AVERAGE, COLUMNS, ScoreRow, ScoreTable, arm_place, score_table

if TYPE_CHECKING:
    from sqlite_utils import Database

ALL_JUDGES = "all judges"
"""Every judge's rows in the table; between two arms, the mean of the models that judge (people stand apart)."""

ALL = "all"
"""What the column over all domains is called on the screen."""

ORDER: tuple[str, ...] = (AVERAGE, *(name for name in COLUMNS if name != AVERAGE))
"""The columns from left to right: over all domains first, so that no narrow window hides it."""


class Score(NamedTuple):
    """One verdict, with the keys that `workbench.statistics` reads.

    Fields:
        score: 1-5, None where the judgement failed. dimensions: `[3]` in the order of `DIMENSIONS`.
        true_score: what the surrogate knows the response to be worth, None elsewhere.
        questions: asked in the trial, None where nobody counted (and for people's ratings, so that none counts twice).
    """

    unit: int
    scenario_id: str
    profile_id: str
    domain: str
    world: str
    model: str
    arm: str
    judge: str
    score: float | None
    failed: bool
    dimensions: tuple[float, ...] | None
    questions: int | None = None
    crisis: bool = False
    true_score: float | None = None

    @property
    def group(self) -> Group:
        """The arm that was judged."""
        return Group(self.model, self.arm)


_OF_VERDICTS = tuple(name for name in Score._fields if name != "dimensions")
"""Fields that the rows of the store have under the same names; a person's rating lacks the last ones."""


class Key(NamedTuple):
    """A row of the table: an arm of a model, as one judge sees it."""

    group: Group
    judge: str


@dataclass(frozen=True, slots=True)
class Beside:
    """Two arms on the scenarios that they share.

    Fields:
        first, second: the arms. judge: who judged both.
        points: a scenario each, the largest change first.
        xy: `[m, 2]` float64, the scores 1-5 of first and second, a little apart: verdicts are thirds, and equal ones
            would hide each other. A dot keeps its side of the diagonal, or stays on it.
        above, below, on: how many scored higher with the second, lower, the same.
    """

    first: Group
    second: Group
    judge: str
    points: tuple[Changed, ...]
    xy: NDArray[np.float64]
    above: int
    below: int
    on: int

    def within(self, domain: str) -> tuple[Changed, ...]:
        """Return the points of one domain, or all of them for `AVERAGE`."""
        return self.points if domain == AVERAGE else tuple(p for p in self.points if p.domain == domain)


@dataclass
class RunScores:
    """The verdicts of one run, and what has been made of them so far.

    Fields:
        run: a row of `storage.readers.find_run`.
        stamp: of `storage.judgements.score_stamp`, when this was read.
        scores: row of the table -> its verdicts, in the order of units.
        queries: scenario -> its query.
        ready: row of the table -> what statistics say of it.
        stale: the same of verdicts that have become more since; shown until the row is computed again.
    """

    run: Mapping[str, Any]
    stamp: tuple[Any, ...]
    scores: dict[Key, list[Score]]
    queries: Mapping[str, str]
    ready: dict[Key, ScoreRow] = field(default_factory=dict)
    stale: dict[Key, ScoreRow] = field(default_factory=dict)
    _beside: dict[tuple[Group, Group, str], Beside] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """The run's id."""
        return str(self.run["run"])

    @property
    def world(self) -> str:
        """The run's world."""
        return str(self.run["world"] or "not stated")

    @property
    def judges(self) -> tuple[str, ...]:
        """Who judged: models by name, then people."""
        return tuple(sorted({key.judge for key in self.scores}, key=lambda judge: (judge.startswith(HUMAN), judge)))

    @property
    def groups(self) -> tuple[Group, ...]:
        """The arms of each model, from knowing nothing to knowing everything."""
        return tuple(sorted({key.group for key in self.scores}, key=lambda g: (g.model, *arm_place(g.arm))))

    def keys(self, judge: str = ALL_JUDGES) -> list[Key]:
        """Return the rows of the table, of one judge or all, in the order they are shown in."""
        judges = self.judges if judge == ALL_JUDGES else (judge,)
        return [key for group in self.groups for who in judges if (key := Key(group, who)) in self.scores]

    def pending(self, judge: str = ALL_JUDGES) -> list[Key]:
        """Return the rows that statistics have not been asked for, those of the judge who is looked at first."""
        wanted = [key for key in (*self.keys(judge), *self.keys()) if key not in self.ready]
        return list(dict.fromkeys(wanted))

    def row(self, key: Key) -> ScoreRow:
        """Compute a row of the table; it takes a while for many scenarios, and depends on its verdicts alone."""
        (row,) = score_table(score._asdict() for score in self.scores[key]).rows
        return row

    def take_over(self, earlier: "RunScores") -> None:
        """Keep what was computed from the same verdicts when the run was read before."""
        for key, row in {**earlier.stale, **earlier.ready}.items():
            if key in earlier.ready and self.scores.get(key) == earlier.scores[key]:
                self.ready[key] = row
            elif key in self.scores:
                self.stale[key] = row

    def shown(self, key: Key) -> ScoreRow | None:
        """Return a row of the table as far as it is known."""
        return self.ready.get(key) or self.stale.get(key)

    def table(self, judge: str = ALL_JUDGES) -> ScoreTable:
        """Return the part of the table that is ready."""
        return ScoreTable(tuple(self.ready[key] for key in self.keys(judge) if key in self.ready))

    def beside(self, first: Group, second: Group, judge: str) -> Beside:
        """Set two arms beside each other, as `compare` does; a scenario without a score on either side is left out."""
        known = self._beside.get((first, second, judge))
        if known is None:
            points = sorted(scenario_changes(self._pairs(first, second, judge)), key=_rank(first == second))
            above, below = sum(p.change > 0 for p in points), sum(p.change < 0 for p in points)
            on = len(points) - above - below
            known = Beside(first, second, judge, tuple(points), _dots(points), above, below, on)
            self._beside[first, second, judge] = known
        return known

    def _pairs(self, first: Group, second: Group, judge: str) -> Iterator[dict[str, object]]:
        judges = [j for j in self.judges if not j.startswith(HUMAN)] if judge == ALL_JUDGES else [judge]
        sides = [
            {who: {s.scenario_id: s for s in self.scores.get(Key(group, who), ())} for who in judges}
            for group in (first, second)
        ]
        names = {"first_model": first.model, "second_model": second.model}
        names |= {"first_arm": first.arm, "second_arm": second.arm}
        for scenario in sorted({scenario for found in sides[0].values() for scenario in found}):
            for who in judges:
                one, other = (side[who].get(scenario) for side in sides)
                if one is not None and other is not None and one.score is not None and other.score is not None:
                    yield {
                        **names,
                        "judge": who,
                        "scenario_id": scenario,
                        "profile_id": one.profile_id,
                        "domain": one.domain,
                        "first": one.score,
                        "second": other.score,
                    }


def read_scores(db: "Database", run: str) -> RunScores:
    """Read the verdicts of a run (an id or its beginning) and people's ratings of its responses.

    Raises:
        NotFoundError: there is no such run.
    """
    from storage.judgements import scenario_queries, score_stamp
    from storage.ratings import judged_rows
    from storage.readers import find_run

    row = find_run(db, run)
    stamp = score_stamp(db, row["run"])
    scores: dict[Key, list[Score]] = {}
    for score in map(_score, judged_rows(db, row["run"])):
        scores.setdefault(Key(score.group, score.judge), []).append(score)
    return RunScores(row, stamp, scores, scenario_queries(db, row["run"]))


def nearest(points: NDArray[np.float64], at: int, dx: int, dy: int) -> int:
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


def _dots(points: Sequence[Changed]) -> NDArray[np.float64]:
    scores = np.array([(p.first, p.second) for p in points], np.float64).reshape(-1, 2)
    shift = generator("dots").uniform(-0.11, 0.11, scores.shape)  # two of them are less than a third
    on = scores[:, 0] == scores[:, 1]
    shift[on, 1] = shift[on, 0]
    return np.clip(scores + shift, 0.9, 5.1)


def _rank(alone: bool) -> Any:
    """Order scenarios by change; an arm beside itself, the lowest score first."""
    return (lambda changed: (changed.first, changed.scenario_id)) if alone else change_rank


def _score(row: Mapping[str, Any]) -> Score:
    return Score(**{name: row[name] for name in _OF_VERDICTS if name in row}, dimensions=_dimensions(row))


def _dimensions(row: Mapping[str, Any]) -> tuple[float, ...] | None:
    values: Iterable[float | None] = [row[name] for name in DIMENSIONS]
    found = tuple(value for value in values if value is not None)
    return found if len(found) == len(DIMENSIONS) else None


def default_sides(groups: Sequence[Group]) -> tuple[Group, Group]:
    """Return the two arms of a run to begin with: vanilla and planner where it has them, else first and last.

    Raises:
        ValueError: there is no arm.
    """
    if not groups:
        raise ValueError("no arm to choose from")
    model = [group for group in groups if group.model == groups[0].model]
    by_arm = {group.arm: group for group in model}
    return by_arm.get("vanilla", model[0]), by_arm.get("planner", model[-1])
