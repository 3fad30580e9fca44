"""What the scores screen knows of a run: its verdicts, and what statistics make of them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from simulator.world import HUMAN
from workbench.app.state.scores.verdicts import Verdicts, read_verdicts
from workbench.report.reading import Group
from workbench.statistics.scores import AVERAGE, COLUMNS, Judged, ScoreRow, ScoreTable, score_row

if TYPE_CHECKING:
    from storage.sqlite import Database

ALL_JUDGES = "all judges"
"""Every judge's rows in the table; between two arms, the mean of the models that judge (people stand apart)."""

ALL = "all"
"""What the column over all domains is called on the screen."""

ORDER: tuple[str, ...] = (AVERAGE, *(name for name in COLUMNS if name != AVERAGE))
"""The columns from left to right: over all domains first, so that no narrow window hides it."""


class Key(NamedTuple):
    """A row of the table: an arm of a model, as one judge sees it."""

    group: Group
    judge: str


@dataclass(eq=False)
class RunScores:
    """The verdicts of one run, and what has been made of them so far.

    Fields:
        run: a row of `storage.readers.find_run`.
        stamp: of `storage.judgements.score_stamp`, when this was read.
        ready: row of the table -> what statistics say of it.
        stale: the same of verdicts that have become more since; shown until the row is computed again.
    """

    run: dict[str, Any]
    stamp: tuple[Any, ...]
    verdicts: Verdicts
    ready: dict[Key, ScoreRow] = field(default_factory=dict)
    stale: dict[Key, ScoreRow] = field(default_factory=dict)

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
        return self.verdicts.judges

    @property
    def groups(self) -> tuple[Group, ...]:
        """The arms of each model, from knowing nothing to knowing everything."""
        return self.verdicts.groups

    @cached_property
    def models(self) -> tuple[str, ...]:
        """The models that answered."""
        return tuple(dict.fromkeys(group.model for group in self.groups))

    @cached_property
    def _keys(self) -> tuple[Key, ...]:
        found = self.verdicts
        held = [found.judged[found.group == g].any(axis=0).tolist() for g in range(len(self.groups))]
        return tuple(
            Key(group, judge)
            for group, has in zip(self.groups, held, strict=True)
            for judge, any_ in zip(self.judges, has, strict=True)
            if any_
        )

    def keys(self, judge: str = ALL_JUDGES) -> list[Key]:
        """Return the rows of the table, of one judge or all, in the order they are shown in."""
        return [key for key in self._keys if judge in (ALL_JUDGES, key.judge)]

    def pending(self, judge: str = ALL_JUDGES) -> list[Key]:
        """Return the rows that statistics have not been asked for, those of the judge who is looked at first."""
        wanted = [key for key in (*self.keys(judge), *self._keys) if key not in self.ready]
        return list(dict.fromkeys(wanted))

    def row(self, key: Key) -> ScoreRow:
        """Compute a row of the table; it takes a while for many scenarios, and depends on its verdicts alone."""
        return score_row(self.run["world"], *key.group, key.judge, self._judged(key))

    def take_over(self, earlier: "RunScores") -> None:
        """Keep what was computed from the same verdicts when the run was read before."""
        for key, row in {**earlier.stale, **earlier.ready}.items():
            if key in self._keys:
                same = key in earlier.ready and all(
                    np.array_equal(now, before, equal_nan=True)
                    for now, before in zip(self._judged(key), earlier._judged(key), strict=True)
                )
                (self.ready if same else self.stale)[key] = row

    def shown(self, key: Key) -> ScoreRow | None:
        """Return a row of the table as far as it is known."""
        return self.ready.get(key) or self.stale.get(key)

    def table(self, judge: str = ALL_JUDGES) -> ScoreTable:
        """Return the part of the table that is ready."""
        return ScoreTable(tuple(self.ready[key] for key in self.keys(judge) if key in self.ready))

    def query(self, scenario: str) -> str | None:
        """Return the query of a scenario; None where the run has no trial of it."""
        place = self.verdicts.place(scenario)
        return None if place is None else self.verdicts.queries[place]

    def said(self, group: Group, scenario: str) -> list[tuple[str, float | None]]:
        """Return each judge's score of an arm's response to a scenario, None where the judgement failed."""
        place, found = self.verdicts.place(scenario), self.verdicts
        trial = -1 if place is None or group not in self.groups else int(found.trial[self.groups.index(group), place])
        if trial < 0:
            return []
        given = zip(self.judges, found.values[trial, :, 0].tolist(), found.judged[trial].tolist(), strict=True)
        return [(judge, None if np.isnan(score) else score) for judge, score, has in given if has]

    def _judged(self, key: Key) -> Judged:
        return self.verdicts.of(key.group, key.judge, person=key.judge.startswith(HUMAN))


def read_scores(db: "Database", run: str) -> RunScores:
    """Read the verdicts of a run (an id or its beginning) and people's ratings of its responses.

    Raises:
        NotFoundError: there is no such run, or it judges another's responses.
    """
    from storage.judgements import score_stamp
    from storage.readers import find_scored

    row = find_scored(db, run)
    return RunScores(row, score_stamp(db, row["run"]), read_verdicts(db, row["run"]))


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


def default_between(first: Sequence[Group], second: Sequence[Group]) -> tuple[Group, Group]:
    """Return an arm of each of two runs to begin with: the same where they share one, planner before any other.

    Raises:
        ValueError: one of them has no arm.
    """
    shared = [(one, other) for one in first for other in second if one.arm == other.arm]
    best = max(shared, key=lambda pair: (pair[0].arm == "planner", pair[0].model == pair[1].model), default=None)
    return best or (default_sides(first)[1], default_sides(second)[1])
