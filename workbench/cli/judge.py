"""`workbench judge`: judge the stored responses of a run again, without making any."""

from pathlib import Path
from typing import Annotated

import typer

from workbench.cli import options as opt
from workbench.cli.common import (
    DONE,
    INTERRUPTED,
    LEFT_OUT,
    DbOption,
    FormatOption,
    database_path,
    narrate,
    reading,
    words,
)


def judge(
    run: Annotated[str, typer.Argument(help="A run's id or its beginning.", metavar="RUN")],
    judges: Annotated[str, typer.Option(help="Who judges: names of the world's judges, or models.")],
    experiment: Annotated[Path | None, typer.Option(help="A TOML file with endpoints, roles and prices.")] = None,
    world: Annotated[str | None, typer.Option(help="Where the judges are: surrogate or model; else the run's.")] = None,
    repeats: Annotated[int, typer.Option(min=1, max=100, help="Judgements per judge and response.")] = 1,
    base_url: Annotated[str | None, typer.Option(help="Where the judges' models are served, up to /v1.")] = None,
    key_env: Annotated[str | None, typer.Option(help="Environment variable that holds the key.")] = None,
    concurrency: Annotated[
        int | None, typer.Option(min=1, max=10_000, help="Responses judged at once; else 64.")
    ] = None,
    quiet: opt.Quiet = False,
    db: DbOption = None,
    format: FormatOption = "table",
) -> int:
    """Judge the stored responses of a run again; nothing is generated.

    A judge that has judged them all before gets another row, JUDGE#2; failed judgements are tried again. What was cut
    off goes on. It is a run of its own (kind judge), so it can be watched, paused and cancelled like any other.
    """
    import sys

    import anyio

    from storage.readers import find_scored, score_rows
    from workbench.cli.progress import display_for
    from workbench.cli.tables import emit_scores
    from workbench.engine.errors import UsageError
    from workbench.engine.options import read_options
    from workbench.engine.pricing import prices
    from workbench.engine.revisit.rejudge import rejudge
    from workbench.engine.worlds import open_world

    names = words(judges)
    if not names:
        raise UsageError("--judges: name at least one")
    path = database_path(db)
    with reading(db) as database:
        found = find_scored(database, run)
    flags = {
        "world": world or found["world"],
        "base_url": base_url,
        "key_env": key_env,
        "judges": names,
        "concurrency": concurrency,  # stored, so that whoever takes it up asks no more of a server at once
    }
    options = read_options(experiment, flags)
    if options.world == "model":
        options = options.model_copy(update={"models": options.models or options.judges})
    elif options.world != found["world"]:
        raise UsageError(f"the {options.world} world judges only its own responses, not those of {found['world']}")
    opened = open_world(options, path).world
    wrong = [name for name in options.judges if name not in opened.judges]
    if wrong:
        raise UsageError(f"the {opened.name} world has no judge {wrong[0]!r}: it has {', '.join(opened.judges)}")
    result = anyio.run(
        lambda: rejudge(
            path,
            found["run"],
            opened,
            options.judges,
            display_for(sys.stderr, quiet),
            repeats=repeats,
            seed=found["seed"] or 0,
            concurrency=options.concurrency or 64,
            prices=prices(options),
            settings=options.model_dump_json(exclude_defaults=True),
        )
    )
    written = f"{result.done:,} verdicts written as {', '.join(result.labels)}"
    if result.state == "interrupted":
        narrate(f"run {result.run} was interrupted: {written}, {result.left:,} left: the same command goes on")
        return INTERRUPTED
    narrate(f"run {result.run}: {written}")
    with reading(db) as database:
        rows = (row for row in score_rows(database, found["run"]) if row["judge"] in result.labels)
        emit_scores(rows, format, title=f"Run {found['run']}")
    if result.failed:
        narrate(f"{result.failed:,} judgements failed: the same command tries them again")
        return LEFT_OUT
    return DONE
