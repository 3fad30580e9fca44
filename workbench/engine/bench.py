"""Planners side by side, where the best subset is known: what each would recommend after so many rollouts.

A tree search of T rollouts begins with those of a shorter one, so a single search per planner is read at every budget.
The other planners end on their own. The exhaustive one is also read before its end, its subsets taken in an order drawn
by chance: the best of as many random subsets, which a search has to beat.
"""

import re
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import product
from typing import NamedTuple

import numpy as np
from anyio.lowlevel import checkpoint
from numpy.typing import NDArray

from planner.keyed import Key, generator
from planner.recommend import best_so_far
from planner.rules import RULES
from planner.settings import PLANNERS, PlannerSettings
from planner.trace import MAX_ROLLOUTS, Trace, first_visits, path_masks
from simulator.scenario import Scenario
from simulator.surrogate.parameters import parameters
from simulator.surrogate.world import SurrogateSession, SurrogateWorld
from simulator.table import TableWorld, load_table
from simulator.world import Draw, Verdict
from storage.sqlite import Database
from workbench.engine.errors import UsageError
from workbench.engine.experiment import default_evaluations
from workbench.engine.options import RunOptions
from workbench.engine.progress import Progress
from workbench.engine.scenarios.selection import select_scenarios
from workbench.engine.search import SearchUnit, run_search
from workbench.engine.single import search_table
from workbench.engine.worlds import names
from workbench.statistics.regret import Reading, read, summary
from workbench.statistics.studytable import StudyTable, Value

_SEARCH, _EXHAUSTIVE = "search", "exhaustive"


class Contender(NamedTuple):
    """A planner, and the selection rule where it has one: the others take only a rule's scale."""

    planner: str
    rule: str | None


@dataclass(frozen=True, slots=True)
class Task:
    """One thing to be planned, with the answer.

    Fields:
        key: sets it apart from all others.
        cluster: what it belongs together with, in intervals.
        true: `[2^n]`, true score of each subset, by mask.
        search: searches it.
    """

    key: tuple[Key, ...]
    cluster: str
    true: NDArray[np.float64]
    search: Callable[[PlannerSettings], Awaitable[Trace]]


@dataclass
class _Standing:
    """What is known of one contender: its readings by budget (None = at its own end), and how quick it was."""

    readings: dict[int | None, list[Reading]] = field(default_factory=dict)
    rollouts: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Ground:
    """What planners are compared on.

    Fields:
        world: its name. models, judge: who answers and judges; empty on a table.
        evaluations: `fresh` or `cache:r`.
        about: in words, how much there is. clusters: what intervals are clustered by.
        size: number of tasks. tasks: they themselves.
        left_out: scenarios of whose profile no attribute is known.
    """

    world: str
    models: tuple[str, ...]
    judge: str
    evaluations: str
    about: str
    clusters: str
    size: int
    tasks: Iterable[Task]
    left_out: int = 0


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


def scenario_ground(db: Database | None, options: RunOptions, seeds: Sequence[int], *, noiseless: bool) -> Ground:
    """Choose scenarios of the surrogate: a task per scenario, model and seed, planned as a run would plan it.

    Args:
        db: where scenarios are looked for before the bundled ones.
        seeds: of the world's noise and of planners' random choices.
        noiseless: every reward is the true score.

    Raises:
        UsageError: the world does not know the truth, something named does not exist, or no scenario fits.
    """
    if options.world != SurrogateWorld.name:
        raise UsageError(f"--world {options.world}: the best subset is known in the surrogate and in table:FILE only")
    models, judges = names(options)
    if len(judges) > 1:
        raise UsageError("--judge: a search has one judge")
    world = _TrueWorld() if noiseless else SurrogateWorld()
    chosen = select_scenarios(db, options)
    scenarios = [scenario for scenario in chosen if scenario.profile.known]
    if not scenarios:
        raise UsageError("no scenario fits: `workbench scenarios list` shows what there is")
    evaluations = options.evaluations or default_evaluations(world.noisy)

    def tasks() -> Iterator[Task]:
        for scenario, model in product(scenarios, models):
            true = world.open(scenario, model, 0).true_scores()
            for seed in seeds:
                search = partial(_search_scenario, world, scenario, model, judges[0], evaluations, seed)
                yield Task((scenario.id, model, seed), scenario.profile.id, true, search)

    return Ground(
        world=world.name,
        models=models,
        judge="the truth" if noiseless else judges[0],
        evaluations=evaluations,
        about=f"{len(scenarios)} scenario{'s' * (len(scenarios) > 1)}",
        clusters="profile",
        size=len(scenarios) * len(models) * len(seeds),
        tasks=tasks(),
        left_out=len(chosen) - len(scenarios),
    )


def table_ground(options: RunOptions, seeds: Sequence[int], *, noiseless: bool) -> Ground:
    """Read the reward table that `options.world` names: a task per seed.

    Raises:
        UsageError: there are options about scenarios. TableError: the table can't be read.
    """
    if options.synthetic or options.source or options.domains or options.limit or options.models or options.judges:
        raise UsageError("a table is its own scenario: leave out what chooses scenarios, model and judge, or --world")
    table = load_table(options.world.removeprefix("table:"))
    if noiseless:
        table = replace(table, noise_sd=0.0)
    evaluations = options.evaluations or default_evaluations(table.noisy)
    return Ground(
        world=table.name,
        models=(),
        judge="",
        evaluations=evaluations,
        about=f"{table.n} attributes",
        clusters="seed",
        size=len(seeds),
        tasks=[
            Task((table.name, seed), str(seed), table.rewards, partial(_search_table, table, evaluations, seed))
            for seed in seeds
        ],
    )


async def bench(
    ground: Ground, running: Sequence[Contender], budgets: Sequence[int], settings: PlannerSettings, progress: Progress
) -> StudyTable:
    """Let every contender plan every task.

    Args:
        budgets: numbers of rollouts, ascending.
        settings: of every planner, whatever they say of planner, rule and rollouts.

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
                for budget, reading in _readings(task, trace, planner, budgets):
                    standing.readings.setdefault(budget, []).append(reading)
                progress.advance(place * len(running) + number)
    finally:
        progress.finish()
    return _table(standings, ground, settings)


def _readings(task: Task, trace: Trace, planner: str, budgets: Sequence[int]) -> Iterator[tuple[int | None, Reading]]:
    if planner == _EXHAUSTIVE:
        trace = _shuffled(trace, task.key)
    course = best_so_far(trace)
    if planner in (_SEARCH, _EXHAUSTIVE):
        for budget in budgets:
            yield budget, read(trace, course, task.true, budget, task.cluster)
    if planner != _SEARCH:
        yield None, read(trace, course, task.true, trace.rollouts, task.cluster)


def _shuffled(trace: Trace, key: tuple[Key, ...]) -> Trace:
    """Return a list planner's trace as if its subsets had been asked for in an order drawn by chance."""
    leaves = path_masks(trace.path)[:, -1]
    masks, _ = first_visits(leaves[:, np.newaxis])
    drawn = generator("bench", *key, "order").permutation(masks)
    place = np.empty(int(masks.max()) + 1, np.int64)
    place[drawn] = np.arange(len(drawn))
    order = np.argsort(place[leaves], kind="stable")
    return replace(trace, path=trace.path[order], reward=trace.reward[order], flags=trace.flags[order])


def _table(standings: Mapping[Contender, _Standing], ground: Ground, settings: PlannerSettings) -> StudyTable:
    where: dict[str, Value] = {"source": ground.world, "model": ",".join(ground.models), "judge": ground.judge}
    how = {name: getattr(settings, name) for name in ("depth", "c", "decay", "recommend")}
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


async def _search_scenario(
    world: SurrogateWorld,
    scenario: Scenario,
    model: str,
    judge: str,
    evaluations: str,
    seed: int,
    settings: PlannerSettings,
) -> Trace:
    unit = SearchUnit(scenario, model, settings, evaluations, judge, seed, world_seed=seed)
    return (await run_search(world, unit)).trace


async def _search_table(table: TableWorld, evaluations: str, seed: int, settings: PlannerSettings) -> Trace:
    return search_table(table, settings, evaluations, seed)


class _TrueWorld(SurrogateWorld):
    """The surrogate with a judge who sees the truth."""

    noisy = False

    def open(self, scenario: Scenario, model: str, seed: int) -> "_TrueSession":
        return _TrueSession(scenario, model, seed, parameters())


class _TrueSession(SurrogateSession):
    async def evaluate(self, mask: int, judge: str, draw: Draw) -> Verdict:  # noqa: ARG002
        score = float(self.true_scores()[mask])
        return Verdict(judge, (score, score, score))
