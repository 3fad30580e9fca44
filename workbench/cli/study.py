"""`workbench study`: every table and figure of the paper, from one command."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from workbench.cli.common import DbOption, FormatOption, database_path, words
from workbench.cli.run import finish_study, foretell, work


def study(
    experiment: Annotated[Path | None, typer.Argument(help="A plan of your own as a TOML file; flags win.")] = None,
    synthetic: Annotated[int | None, typer.Option(help="Build this many synthetic scenarios and use those.")] = None,
    source: Annotated[str | None, typer.Option(help="Only stored scenarios from this source.")] = None,
    domains: Annotated[str | None, typer.Option(help="Only these domains, e.g. Health,Life.")] = None,
    limit: Annotated[int | None, typer.Option(help="A seeded choice of this many, spread over the domains.")] = None,
    world: Annotated[str | None, typer.Option(help="Who answers: surrogate or model.")] = None,
    models: Annotated[
        str | None, typer.Option("--models", "--model", help="Answering models; else the surrogate's six.")
    ] = None,
    judges: Annotated[str | None, typer.Option(help="Judges, e.g. a,b: rows of their own.")] = None,
    index: Annotated[
        str | None, typer.Option(help="Use the planned paths of this run or library; search none.")
    ] = None,
    rollouts: Annotated[int | None, typer.Option(help="Rollouts per search (T).")] = None,
    embedder: Annotated[str | None, typer.Option(help="lexical, all-MiniLM-L6-v2 or served:MODEL.")] = None,
    base_url: Annotated[str | None, typer.Option(help="Where models are served, up to /v1.")] = None,
    key_env: Annotated[str | None, typer.Option(help="Environment variable that holds the endpoint's key.")] = None,
    max_in_flight: Annotated[int | None, typer.Option(help="Calls in flight at most, per endpoint.")] = None,
    seed: Annotated[int | None, typer.Option(help="Sets every seed.")] = None,
    concurrency: Annotated[int | None, typer.Option(help="Units worked on at once; else 64 for models, 8.")] = None,
    max_calls: Annotated[int | None, typer.Option(help="Stop before a call to a model beyond so many.")] = None,
    max_cost: Annotated[float | None, typer.Option(help="Stop before a call that might cost more in all.")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what it will take: units, calls, tokens, time, cost.")
    ] = False,
    new: Annotated[bool, typer.Option("--new", help="Do everything again.")] = False,
    retry_failed: Annotated[bool, typer.Option("--retry-failed", help="Do failed units again.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress.")] = False,
    db: DbOption = None,
    format: FormatOption = "table",
) -> int:
    """Run every experiment of the paper and print its tables beside the published figures.

    The preset `study`: models and domains, headlines, context, sensitivity, subset choice, gains per question,
    abstention, and sweeps. The same command goes on where it was cut off; once finished, it prints at once.
    """
    flags = dict(locals())
    for name in ("experiment", "dry_run", "new", "retry_failed", "quiet", "db", "format"):
        del flags[name]
    from workbench.engine.presets import read_plan

    for name in ("domains", "models", "judges"):
        flags[name] = words(flags[name])
    plan = read_plan(experiment, None if experiment else "study", flags)
    path = database_path(db)
    if dry_run:
        return foretell(plan, path, format)
    do = partial(work, path=path, new=new, retry_failed=retry_failed, paused=False, quiet=quiet)
    return finish_study(plan, path, do, format, quiet=quiet, again=new or retry_failed)
