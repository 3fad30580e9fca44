"""How searches of a run came near the best subset: their regret by evaluations, summed up over searches."""

import heapq
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from planner.keyed import digest
from planner.recommend import best_so_far
from simulator.scenario import Scenario
from simulator.surrogate.world import SurrogateWorld
from storage.readers import Row, search_rows, search_trace
from storage.scenarios import scenarios_by_id
from storage.sqlite import Database
from workbench.statistics.regret import FOUND, optimum

MOST_SEARCHES = 200
"""Searches that a curve is drawn from; where there are more, a keyed draw."""

_POINTS = 48
"""Places along a curve."""

_QUARTILES = (0.25, 0.5, 0.75)


@dataclass(frozen=True, slots=True)
class Courses:
    """What searches with the same settings would have returned after so many evaluations.

    Fields:
        model: which they were for. searches: how many these are; of: how many there were to choose from.
        true: whether the values are regrets, from the world's own table: true score of the best subset of the size
            wanted, minus that of the subset returned. Else they are mean rewards Q of the subset returned, 1-5.
        evaluations: `[m]`, ascending. quartiles: `[3, m]`, the lower one, the median and the upper one.
        found: share of the searches that returned a best subset at last; None where the truth is not known.
        last: quartiles at the end of each search, `[3]`. spent: median number of evaluations of a search.
    """

    model: str
    searches: int
    of: int
    true: bool
    evaluations: NDArray[np.int64]
    quartiles: NDArray[np.float64]
    found: float | None
    last: tuple[float, float, float]
    spent: float


def read_courses(db: Database, run: Row, seed: int) -> list[Courses]:
    """Return the courses of a run's searches, model by model; empty where it searched nothing.

    Args:
        run: a row of `storage.readers.find_run`. seed: of the choice among very many searches.
    """
    of_model: dict[str, list[Row]] = {}
    for row in search_rows(db, run["run"]):
        of_model.setdefault(row["model"], []).append(row)
    found = []
    for model, rows in of_model.items():
        chosen = heapq.nsmallest(MOST_SEARCHES, rows, key=lambda row: digest("courses", seed, row["scenario_id"]))
        scenarios = scenarios_by_id(db, sorted({row["scenario_id"] for row in chosen}))
        courses = _courses(db, run, model, chosen, scenarios, len(rows))
        found += [courses] if courses else []
    return found


def true_scores(run: Row, scenario: Scenario | None, model: str) -> NDArray[np.float64] | None:
    """Return the true score of every subset, `[1024]`, where this program still has the world that a run was in."""
    world = SurrogateWorld()
    if run["world"] != world.name or run["world_version"] != world.version or scenario is None:
        return None
    return world.open(scenario, model, 0).true_scores() if model in world.models else None


def _courses(
    db: Database, run: Row, model: str, rows: Sequence[Row], scenarios: Mapping[str, Scenario], of: int
) -> Courses | None:
    curves: list[tuple[NDArray[np.int64], NDArray[np.float64]]] = []
    truths = [true_scores(run, scenarios.get(row["scenario_id"]), model) for row in rows]
    known = all(true is not None for true in truths)
    for row, true in zip(rows, truths, strict=True):
        trace = search_trace(db, row["unit"])
        course = best_so_far(trace)
        told = course.mask >= 0
        if not told.any():
            continue
        values = course.q[told]
        if known and true is not None:
            values = optimum(true, trace) - true[course.mask[told]]
        curves.append((course.evaluations[told], values))
    if not curves:
        return None
    grid = _grid(max(1, min(int(spent[0]) for spent, _ in curves)), max(int(spent[-1]) for spent, _ in curves))
    table = np.array([_at(grid, spent, values) for spent, values in curves])
    last = np.array([values[-1] for _, values in curves])
    low, middle, high = (float(q) for q in np.quantile(last, _QUARTILES))
    return Courses(
        model=model,
        searches=len(curves),
        of=of,
        true=known,
        evaluations=grid,
        quartiles=np.nanquantile(table, _QUARTILES, axis=0),
        found=float((last < FOUND).mean()) if known else None,
        last=(low, middle, high),
        spent=float(np.median([spent[-1] for spent, _ in curves])),
    )


def _grid(first: int, last: int) -> NDArray[np.int64]:
    """Return whole numbers from `first` to `last`, closer together at the beginning."""
    if last <= first:
        return np.array([first], np.int64)
    return np.unique(np.geomspace(first, last, _POINTS).round().astype(np.int64))


def _at(grid: NDArray[np.int64], spent: NDArray[np.int64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the value that a search had after so many evaluations: NaN before its first one, then its last one."""
    place = np.searchsorted(spent, grid, side="right") - 1
    return np.where(place >= 0, values[np.maximum(place, 0)], math.nan)
