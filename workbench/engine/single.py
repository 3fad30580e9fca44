"""Searches on a reward table, outside of any run."""

from pathlib import Path

from planner.drive import plan
from planner.evaluations import parse_evaluations
from planner.settings import PlannerSettings, make_planner
from planner.trace import Trace
from simulator.table import TableError, TableWorld, load_table
from storage.searchfile import Provenance
from workbench.engine.errors import UsageError
from workbench.engine.experiment import default_evaluations, planner_settings
from workbench.engine.options import RunOptions


def plan_table(options: RunOptions, path: Path) -> tuple[Trace, Provenance]:
    """Search a reward table.

    Raises:
        UsageError: a setting that does not exist. TableError: the table can't be read.
    """
    table = load_table(path)
    evaluations = options.evaluations or default_evaluations(table.noisy)
    trace = search_table(table, planner_settings(options), evaluations, options.seed)
    return trace, Provenance(table.name, table.version, "", "", path.name, options.seed, table.attributes)


def search_table(table: TableWorld, settings: PlannerSettings, evaluations: str, seed: int) -> Trace:
    """Search a reward table that was read.

    Args:
        evaluations: `fresh` or `cache:r`.

    Raises:
        UsageError: a setting that does not exist. TableError: the table lacks rewards that the search needs.
    """
    try:
        policy = parse_evaluations(evaluations)
        planner = make_planner(
            settings,
            table.available,
            n=table.n,
            key=(seed, "table"),
            static_order=range(table.n),
            replicates=policy.replicates,
        )
        table.require_depth(planner.depth, shallower=settings.planner == "greedy")
    except TableError:
        raise
    except ValueError as error:
        raise UsageError(str(error)) from error
    return plan(planner, lambda mask, sample: table.reward(mask, sample, seed), policy, prior=table.prior)
