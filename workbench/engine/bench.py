"""Planners side by side, where the best subset is known: what each would recommend after so many rollouts.

A tree search of T rollouts begins with those of a shorter one, so a single search per planner is read at every budget.
The other planners end on their own. The exhaustive one is also read before its end, its subsets taken in an order drawn
by chance: the best of as many random subsets, which a search has to beat.
"""

import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
from anyio.lowlevel import checkpoint

from planner.keyed import Key, generator
from planner.recommend import best_so_far
from planner.rules import RULES
from planner.settings import PLANNERS, PlannerSettings
from planner.trace import MAX_ROLLOUTS, Trace, first_visits, path_masks
from workbench.engine.errors import UsageError
from workbench.engine.ground import Ground, Task
from workbench.engine.progress import Progress
from workbench.statistics.regret import Reading, read, summary
from workbench.statistics.studytable import StudyTable, Value

_SEARCH, _EXHAUSTIVE = "search", "exhaustive"


class Contender(NamedTuple):
    """A planner, and the selection rule where it has one: the others take only a rule's scale."""

    planner: str
    rule: str | None


@dataclass
class _Standing:
    """What is known of one contender: its readings by budget (None = at its own end), and how quick it was."""

    readings: dict[int | None, list[Reading]] = field(default_factory=dict)
    rollouts: int = 0
    seconds: float = 0.0


def contenders(planners: Iterable[str], rules: Iterable[str]) -> list[Contender]:
    """Return every planner once, and the tree search once per rule.

    Raises:
        UsageError: there is no such planner or rule, or none is named.
    """
    chosen, ruled = _known("--planners", planners, PLANNERS), _known("--rules", rules, tuple(RULES))
    return [Contender(planner, rule) for planner in chosen for rule in (ruled if planner == _SEARCH else [None])]


def read_budgets(texts: Iterable[str]) -> list[int]:
    """Read numbers of rollouts, `10,30,100`; return them ascending, each once.

    Raises:
        UsageError: one is no whole number that a search may have, or there is none.
    """
    texts = list(texts)
    found = {int(text) if re.fullmatch("[0-9]{1,7}", text) else 0 for text in texts}
    if not found or min(found) < 1 or max(found) > MAX_ROLLOUTS:
        raise UsageError(f"--rollouts {','.join(texts)}: give whole numbers from 1 to {MAX_ROLLOUTS:,}, like 10,30,100")
    return sorted(found)


async def bench(
    ground: Ground,
    running: Sequence[Contender],
    budgets: Sequence[int],
    settings: PlannerSettings,
    progress: Progress,
    first: int | None = None,
) -> StudyTable:
    """Let every contender plan every task.

    Args:
        budgets: numbers of rollouts, ascending.
        settings: of every planner, whatever they say of planner, rule and rollouts.
        first: regret is that of so many attributes with which the path begins, against the best so many; else all.

    Returns:
        A row per contender and budget. `per_second` (rollouts, the world's answers included) is the only figure that
        differs when the same is done again.

    Raises:
        SearchError: a search came to nothing. TableError: a table lacks rewards. UsageError: a setting has no meaning.
    """
    standings = {contender: _Standing() for contender in running}
    progress.start(ground.size * len(running), label="searches")
    try:
        for place, task in enumerate(ground.tasks):
            await checkpoint()  # searches hardly ever wait, and Ctrl-C ends what waits
            for number, ((planner, rule), standing) in enumerate(standings.items(), 1):
                wanted = replace(settings, planner=planner, rule=rule or settings.rule, rollouts=budgets[-1])
                began = time.perf_counter()
                trace = await task.search(wanted)
                standing.seconds += time.perf_counter() - began
                standing.rollouts += trace.rollouts
                for budget, reading in _readings(task, trace, planner, budgets, first):
                    standing.readings.setdefault(budget, []).append(reading)
                progress.advance(place * len(running) + number)
    finally:
        progress.finish()
    return _table(standings, ground, settings, first)


def _readings(
    task: Task, trace: Trace, planner: str, budgets: Sequence[int], first: int | None
) -> Iterator[tuple[int | None, Reading]]:
    if planner == _EXHAUSTIVE:
        trace = _shuffled(trace, task.key)
    course = best_so_far(trace)
    if planner in (_SEARCH, _EXHAUSTIVE):
        for budget in budgets:
            yield budget, read(trace, course, task.true, budget, task.cluster, first)
    if planner != _SEARCH:
        yield None, read(trace, course, task.true, trace.rollouts, task.cluster, first)


def _shuffled(trace: Trace, key: tuple[Key, ...]) -> Trace:
    """Return a list planner's trace as if its subsets had been asked for in an order drawn by chance."""
    leaves = path_masks(trace.path)[:, -1]
    masks, _ = first_visits(leaves[:, np.newaxis])
    drawn = generator("bench", *key, "order").permutation(masks)
    place = np.empty(int(masks.max()) + 1, np.int64)
    place[drawn] = np.arange(len(drawn))
    order = np.argsort(place[leaves], kind="stable")
    return replace(trace, path=trace.path[order], reward=trace.reward[order], flags=trace.flags[order])


def _table(
    standings: Mapping[Contender, _Standing], ground: Ground, settings: PlannerSettings, first: int | None
) -> StudyTable:
    where: dict[str, Value] = {"source": ground.world, "model": ",".join(ground.models), "judge": ground.judge}
    how = {name: getattr(settings, name) for name in ("depth", "c", "decay", "recommend")}
    how |= {"prior": ground.prior, "first": first}
    rows: list[Mapping[str, Value]] = []
    for (planner, rule), standing in standings.items():
        for budget, readings in standing.readings.items():
            ends = [reading.rollouts for reading in standing.readings.get(None, ())]
            if budget is not None and ends and max(ends) <= budget:
                continue  # it ends by then
            row: dict[str, Value] = {**where, "planner": planner, "rule": rule, "budget": budget}
            row |= {**how, "samples": ground.evaluations, "searches": len(readings), **summary(readings)}
            rows.append({**row, "per_second": standing.rollouts / standing.seconds})
    return StudyTable("planners", "Planners", {key: key.replace("_", " ") for key in rows[0]}, tuple(rows))


def _known(option: str, chosen: Iterable[str], known: Sequence[str]) -> list[str]:
    found = list(dict.fromkeys(chosen))
    for name in found:
        if name not in known:
            raise UsageError(f"{option}: there is no {name!r}; there is {', '.join(known)}")
    if not found:
        raise UsageError(f"{option}: name at least one of {', '.join(known)}")
    return found
