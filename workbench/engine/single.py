"""One search on its own, outside of any run."""

from pathlib import Path

import anyio

from planner.drive import plan
from planner.evaluations import parse_evaluations
from planner.settings import make_planner
from planner.trace import Trace
from simulator.attributes import NAMES
from simulator.scenario import Scenario
from simulator.table import TableError, load_table
from storage.searchfile import Provenance
from workbench.engine.errors import RunError, UsageError
from workbench.engine.experiment import default_evaluations, known_names, planner_settings
from workbench.engine.options import RunOptions
from workbench.engine.search import SearchError, SearchUnit, run_search
from workbench.engine.worlds import open_world


def plan_scenario(options: RunOptions, scenario: Scenario, path: Path) -> tuple[Trace, Provenance]:
    """Search for what is worth asking in a scenario.

    Raises:
        UsageError: a setting, model or judge that does not exist. RunError: the search failed.
    """
    world = open_world(options, path).world
    (model,) = known_names("model", options.models or world.models[:1], world.models, world)
    (judge,) = known_names("judge", (options.search_judge or world.judges[0],), world.judges, world)
    world_seed = options.seed if options.world_seed is None else options.world_seed
    try:
        evaluations = str(parse_evaluations(options.evaluations or default_evaluations(world.noisy)))
        unit = SearchUnit(scenario, model, planner_settings(options), evaluations, judge, options.seed, world_seed)
    except ValueError as error:
        raise UsageError(str(error)) from error
    try:
        record = anyio.run(run_search, world, unit)
    except SearchError as error:
        raise RunError(f"search of {scenario.id}: {error}") from error
    return record.trace, Provenance(world.name, world.version, model, judge, scenario.id, options.seed, NAMES)


def plan_table(options: RunOptions, path: Path) -> tuple[Trace, Provenance]:
    """Search a reward table.

    Raises:
        UsageError: a setting that does not exist. TableError: the table can't be read.
    """
    table = load_table(path)
    try:
        evaluations = parse_evaluations(options.evaluations or default_evaluations(table.noisy))
        settings = planner_settings(options)
        planner = make_planner(
            settings,
            table.available,
            n=table.n,
            key=(options.seed, "table"),
            static_order=range(table.n),
            replicates=evaluations.replicates,
        )
        table.require_depth(planner.depth, shallower=settings.planner == "greedy")
    except TableError:
        raise
    except ValueError as error:
        raise UsageError(str(error)) from error
    trace = plan(
        planner,
        lambda mask, sample: table.reward(mask, sample, options.seed),
        evaluations,
        prior=table.prior,
    )
    return trace, Provenance(table.name, table.version, "", "", path.name, options.seed, table.attributes)
