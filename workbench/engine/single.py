"""One search on a reward table, outside of any run."""

from pathlib import Path

from planner.drive import plan
from planner.evaluations import parse_evaluations
from planner.settings import make_planner
from planner.trace import Trace
from simulator.table import TableError, load_table
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
