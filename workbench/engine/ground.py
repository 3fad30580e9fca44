"""What planners are compared on: scenarios of the surrogate, or a reward table, where the best subset is known."""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from planner.keyed import Key, generator
from planner.settings import PlannerSettings
from planner.subsets import members
from planner.trace import Trace
from simulator.scenario import Scenario
from simulator.surrogate.parameters import parameters
from simulator.surrogate.world import SurrogateSession, SurrogateWorld
from simulator.table import TableWorld, load_table
from simulator.world import Draw, Verdict
from storage.sqlite import Database
from workbench.engine.errors import UsageError
from workbench.engine.experiment import default_evaluations
from workbench.engine.options import RunOptions
from workbench.engine.scenarios.selection import select_scenarios
from workbench.engine.search import SearchUnit, run_search
from workbench.engine.single import search_table
from workbench.engine.worlds import names
from workbench.text import counted

Prior = Literal["belief", "chance", "true", "reversed"]
"""Whose ranking a search begins with: the surrogate's imperfect belief, chance, the truth, or the belief backwards."""


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


@dataclass(frozen=True, slots=True)
class Ground:
    """What planners are compared on.

    Fields:
        world: its name. models, judge: who answers and judges; empty on a table.
        evaluations: `fresh` or `cache:r`. prior: whose ranking searches begin with, a `Prior` or `table`.
        about: in words, how much there is. clusters: what intervals are clustered by.
        size: number of tasks. tasks: they themselves.
        left_out: scenarios of whose profile no attribute is known.
    """

    world: str
    models: tuple[str, ...]
    judge: str
    evaluations: str
    prior: str
    about: str
    clusters: str
    size: int
    tasks: Iterable[Task]
    left_out: int = 0


def scenario_ground(
    db: Database | None, options: RunOptions, seeds: Sequence[int], *, noiseless: bool, prior: Prior = "belief"
) -> Ground:
    """Choose scenarios of the surrogate: a task per scenario, model and seed, planned as a run would plan it.

    Args:
        db: where scenarios are looked for before the bundled ones.
        seeds: of the world's noise and of planners' random choices.
        noiseless: every reward is the true score.
        prior: whose ranking searches begin with; a run's is the belief.

    Raises:
        UsageError: the world does not know the truth, something named does not exist, or no scenario fits.
    """
    if options.world != SurrogateWorld.name:
        raise UsageError(f"--world {options.world}: the best subset is known in the surrogate and in table:FILE only")
    models, judges = names(options)
    if len(judges) > 1:
        raise UsageError("--judge: a search has one judge")
    world = _Varied(noiseless=noiseless, prior=prior)
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
        prior=prior,
        about=counted(len(scenarios), "scenario"),
        clusters="profile",
        size=len(scenarios) * len(models) * len(seeds),
        tasks=tasks(),
        left_out=len(chosen) - len(scenarios),
    )


def table_ground(options: RunOptions, seeds: Sequence[int], *, noiseless: bool, prior: Prior = "belief") -> Ground:
    """Read the reward table that `options.world` names: a task per seed.

    Raises:
        UsageError: there are options about scenarios, or a prior that is not the table's.
        TableError: the table can't be read.
    """
    if options.synthetic or options.source or options.domains or options.limit or options.models or options.judges:
        raise UsageError("a table is its own scenario: leave out what chooses scenarios, model and judge, or --world")
    if prior != "belief":
        raise UsageError(f"--prior {prior}: a table has a prior of its own: leave it out, or --world")
    table = load_table(options.world.removeprefix("table:"))
    if noiseless:
        table = replace(table, noise_sd=0.0)
    evaluations = options.evaluations or default_evaluations(table.noisy)
    return Ground(
        world=table.name,
        models=(),
        judge="",
        evaluations=evaluations,
        prior="table",
        about=f"{table.n} attributes",
        clusters="seed",
        size=len(seeds),
        tasks=[
            Task((table.name, seed), str(seed), table.rewards, partial(_search_table, table, evaluations, seed))
            for seed in seeds
        ],
    )


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


class _Varied(SurrogateWorld):
    """The surrogate with another prior, or with a judge who sees the truth."""

    def __init__(self, *, noiseless: bool, prior: Prior) -> None:
        super().__init__()
        self.noisy = not noiseless
        self._prior = prior

    def open(self, scenario: Scenario, model: str, seed: int) -> "_VariedSession":
        return _VariedSession(scenario, model, seed, noisy=self.noisy, prior=self._prior)


class _VariedSession(SurrogateSession):
    def __init__(self, scenario: Scenario, model: str, seed: int, *, noisy: bool, prior: Prior) -> None:
        super().__init__(scenario, model, seed, parameters())
        self._noisy, self._prior = noisy, prior

    async def evaluate(self, mask: int, judge: str, draw: Draw) -> Verdict:
        if self._noisy:
            return await super().evaluate(mask, judge, draw)
        score = float(self.true_scores()[mask])
        return Verdict(judge, (score, score, score))

    async def rank(self, mask: int, available: int) -> Sequence[int]:
        match self._prior:
            case "belief":
                return await super().rank(mask, available)
            case "reversed":
                return (await super().rank(mask, available))[::-1]
            case "true":
                true = self.true_scores()
                return sorted(members(available & ~mask), key=lambda a: -true[mask | 1 << a])
            case "chance":
                drawn: list[int] = (
                    generator("bench", *self._key, "prior", mask).permutation(members(available & ~mask)).tolist()
                )
                return drawn
