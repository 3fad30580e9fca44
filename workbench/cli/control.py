"""`workbench control`: tell a run that is under way to pause, resume, stop, or go step by step."""

from typing import Annotated, Literal

import typer

from workbench.cli.common import DONE, DbOption, database_path, narrate, reading, writing


def control(
    run: Annotated[str, typer.Argument(help="A run's id or its beginning.", metavar="RUN")],
    verb: Annotated[
        Literal["pause", "resume", "cancel", "step", "rate", "break"],
        typer.Argument(help="pause, resume, cancel, step, rate or break.", metavar="VERB"),
    ],
    argument: Annotated[
        str,
        typer.Argument(
            help="step: rollouts (default 1). rate: rollouts per second, 0 = no limit. "
            "break: best and any subsets as masks (best,12,5); none clears them.",
            metavar="ARGUMENT",
        ),
    ] = "",
    db: DbOption = None,
) -> int:
    """Pause, resume or cancel a run that is under way, or slow its searches down to be watched.

    Paused, a run finishes what is in hand and begins nothing; `step` lets each search under way take some rollouts.
    Cancelled, it stops as by Ctrl-C: the same command takes it up again.
    """
    from storage.readers import find_run
    from workbench.engine.errors import UsageError
    from workbench.engine.steering.command import command_run

    with reading(db) as database:  # says so where there is no database, instead of making one
        found = find_run(database, run)["run"]
    with writing(db) as database:
        error = command_run(database, database_path(db), found, verb, argument)
    if error is not None:
        raise UsageError(error)
    narrate(f"run {found}: {verb} {argument}".rstrip())
    return DONE
