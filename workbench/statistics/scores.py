"""The table arms x domains: mean scores with intervals, failures and questions asked, from score rows."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from simulator.domains import DOMAINS
from workbench.arms import arm_place as arm_place
from workbench.statistics.bootstrap import Interval, interval

AVERAGE = "Avg"
"""The column over all rows, as the paper's table calls it."""

COLUMNS: tuple[str, ...] = (*DOMAINS, AVERAGE)


@dataclass(frozen=True, slots=True)
class Cell:
    """The scores of one arm in one domain.

    Fields:
        score: 1-5, None where nothing was judged.
        failed: rows without a score; they are in no mean.
    """

    score: Interval | None
    failed: int


@dataclass(frozen=True, slots=True)
class ScoreRow:
    """One arm of one model, as one judge sees it.

    Fields:
        world, model, arm, judge: what the row is about.
        cells: one per name of `COLUMNS`, over all rows.
        without_crisis: the same without the dialogues that a query in immediate danger cut short; the very same
            mapping where there were none.
        crisis: number of such rows.
        questions: questions asked per trial, 0 upwards; None where no row says.
    """

    world: str
    model: str
    arm: str
    judge: str
    cells: Mapping[str, Cell]
    without_crisis: Mapping[str, Cell]
    crisis: int
    questions: Interval | None


@dataclass(frozen=True, slots=True)
class ScoreTable:
    """Rows sorted by world, model, arm (from knowing nothing to knowing everything) and judge.

    `Avg` is the mean over all rows of an arm, so every scenario weighs the same whatever its domain; the paper's
    domains are of equal size, where this is the mean of the domains too. Rows of an unknown domain count in `Avg`
    only.
    """

    rows: tuple[ScoreRow, ...]

    def records(self) -> Iterator[dict[str, object]]:
        """Yield one flat mapping per cell, for exports: a row's keys, then the cell with and without crisis rows."""
        for row in self.rows:
            for name in COLUMNS:
                cell, calm = row.cells[name], row.without_crisis[name]
                yield {
                    "world": row.world,
                    "model": row.model,
                    "arm": row.arm,
                    "judge": row.judge,
                    "domain": name,
                    **_flat("score", cell.score),
                    "n": cell.score.n if cell.score else 0,
                    "profiles": cell.score.clusters if cell.score else 0,
                    "failed": cell.failed,
                    **_flat("score_without_crisis", calm.score),
                    **(_flat("questions", row.questions) | {"crisis": row.crisis} if name == AVERAGE else _NO_TOTALS),
                }


def score_table(rows: Iterable[Mapping[str, Any]]) -> ScoreTable:
    """Gather score rows (one per trial and judge, the keys of `show scores`) into the table.

    Intervals are 95 %, clustered by profile, and depend on the rows alone, never on their order. A row that failed
    or has no score counts as failed and enters no mean of scores; its questions were asked all the same.

    Args:
        rows: mappings with `world, model, arm, judge, domain, profile_id, score, failed, questions` and, where
            there was a dialogue, `crisis`. Read once, so a stream will do.

    Raises:
        KeyError: a row lacks one of these.
    """
    gathered: dict[tuple[str, str, str, str], _Gathered] = {}
    for row in rows:
        group = gathered.setdefault((row["world"], row["model"], row["arm"], row["judge"]), _Gathered())
        group.add(row)
    return ScoreTable(tuple(gathered[key].row(*key) for key in sorted(gathered, key=_place)))


class Judged(NamedTuple):
    """What one judge says of an arm's trials, as columns `[m]`.

    Fields:
        scores: 1-5, NaN where the judgement failed.
        domains: the place of each in `DOMAINS`, -1 where it is none of them.
        profiles: the profile of each as a number.
        questions: asked in the trial, NaN where nobody counted.
        crisis: whether a query in immediate danger cut the dialogue short.
    """

    scores: NDArray[np.float64]
    domains: NDArray[np.int64]
    profiles: NDArray[np.int64]
    questions: NDArray[np.float64]
    crisis: NDArray[np.bool_]


def score_row(world: str, model: str, arm: str, judge: str, judged: Judged) -> ScoreRow:
    """Compute one row of the table."""
    cells = _cells(judged, np.ones_like(judged.crisis))
    crisis = int(judged.crisis.sum())
    counted = ~np.isnan(judged.questions)
    questions = interval(judged.questions[counted], judged.profiles[counted])
    calm = _cells(judged, ~judged.crisis) if crisis else cells
    return ScoreRow(world, model, arm, judge, cells, calm, crisis, questions)


def _cells(judged: Judged, of: NDArray[np.bool_]) -> dict[str, Cell]:
    """Return each column's cell, from some of the trials."""
    failed = np.isnan(judged.scores)
    cells = {}
    for name in COLUMNS:
        mine = of if name == AVERAGE else of & (judged.domains == DOMAINS.index(name))
        scored = mine & ~failed
        mean = interval(judged.scores[scored], judged.profiles[scored])
        cells[name] = Cell(mean, int((mine & failed).sum()))
    return cells


@dataclass(slots=True)
class _Gathered:
    """What has been read of one arm, a value per row."""

    scores: list[float] = field(default_factory=list)
    domains: list[int] = field(default_factory=list)
    profiles: list[int] = field(default_factory=list)
    questions: list[float] = field(default_factory=list)
    crisis: list[bool] = field(default_factory=list)
    numbers: dict[str, int] = field(default_factory=dict)

    def add(self, row: Mapping[str, Any]) -> None:
        score, questions, domain, profile = row["score"], row["questions"], row["domain"], row["profile_id"]
        self.scores.append(np.nan if row["failed"] or score is None else score)
        self.domains.append(DOMAINS.index(domain) if domain in DOMAINS else -1)
        self.profiles.append(self.numbers.setdefault(profile, len(self.numbers)))
        self.questions.append(np.nan if questions is None else questions)
        self.crisis.append(bool(row.get("crisis")))

    def row(self, world: str, model: str, arm: str, judge: str) -> ScoreRow:
        judged = Judged(
            np.array(self.scores, np.float64),
            np.array(self.domains, np.int64),
            np.array(self.profiles, np.int64),
            np.array(self.questions, np.float64),
            np.array(self.crisis, np.bool_),
        )
        return score_row(world, model, arm, judge, judged)


def _place(key: tuple[str, str, str, str]) -> tuple[str, str, int, str, str]:
    world, model, arm, judge = key
    return world, model, *arm_place(arm), judge


def _flat(name: str, mean: Interval | None) -> dict[str, float | None]:
    if mean is None:
        return {name: None, f"{name}_low": None, f"{name}_high": None}
    return {name: mean.mean, f"{name}_low": mean.low, f"{name}_high": mean.high}


_NO_TOTALS: dict[str, object] = {**_flat("questions", None), "crisis": None}
"""Questions and crises are counted per arm, not per domain."""
