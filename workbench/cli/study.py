"""`workbench study`: every table and figure of the paper, from one command."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from workbench.cli import options as opt
from workbench.cli.common import DbOption, FormatOption, database_path, reading, words
from workbench.cli.run import finish_study, foretell, work


def study(
    experiment: Annotated[
        Path | None, typer.Argument(help="A plan of your own as a TOML file; flags win.", metavar="FILE")
    ] = None,
    synthetic: opt.Synthetic = None,
    source: opt.Source = None,
    domains: opt.Domains = None,
    limit: opt.Limit = None,
    world: opt.World = None,
    models: Annotated[
        str | None, typer.Option("--models", "--model", help="Answering models; else the surrogate's six.")
    ] = None,
    judges: Annotated[str | None, typer.Option(help="Judges, e.g. a,b: rows of their own.")] = None,
    index: Annotated[
        str | None, typer.Option(help="Use the planned paths of this run or library; search none.")
    ] = None,
    rollouts: opt.Rollouts = None,
    embedder: opt.Embedder = None,
    base_url: opt.BaseUrl = None,
    key_env: opt.KeyEnv = None,
    max_in_flight: opt.MaxInFlight = None,
    seed: opt.Seed = None,
    concurrency: opt.Concurrency = None,
    max_calls: opt.MaxCalls = None,
    max_cost: opt.MaxCost = None,
    dry_run: opt.DryRun = False,
    again: Annotated[
        str | None, typer.Option("--again", help="Go on with this stored study, by name or id.", metavar="STUDY")
    ] = None,
    new: Annotated[bool, typer.Option("--new", help="Do everything again.")] = False,
    retry_failed: opt.RetryFailed = False,
    quiet: opt.Quiet = False,
    db: DbOption = None,
    format: FormatOption = "table",
) -> int:
    """Run every experiment of the paper and print its tables beside the published figures.

    The preset `study`: models and domains, headlines, context, sensitivity, subset choice, gains per question,
    abstention, and sweeps. The same command goes on where it was cut off; once finished, it prints at once.
    """
    flags = dict(locals())
    for name in ("experiment", "dry_run", "again", "new", "retry_failed", "quiet", "db", "format"):
        del flags[name]
    from workbench.engine.errors import UsageError
    from workbench.engine.plans.presets import read_plan
    from workbench.engine.plans.study import stored_plan

    for name in ("domains", "models", "judges"):
        flags[name] = words(flags[name])
    if again is None:
        plan = read_plan(experiment, None if experiment else "study", flags)
    elif experiment is not None or any(value is not None for value in flags.values()):
        raise UsageError("--again goes on with a study as it is: leave out the file and the other options")
    else:
        with reading(db) as database:
            plan = stored_plan(database, again)
    path = database_path(db)
    if dry_run:
        return foretell(plan, path, format)
    do = partial(work, path=path, new=new, retry_failed=retry_failed, paused=False, quiet=quiet)
    return finish_study(plan, path, do, format, quiet=quiet, again=new or retry_failed)
