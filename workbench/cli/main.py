"""The command line: registers the commands, and turns every error into one line and an exit code."""

import errno
import os
import signal
import sys
from types import FrameType
from typing import Annotated, Any, Never

import typer
from typer.core import TyperGroup

from workbench.cli import (
    agreement,
    bench,
    branch,
    compare,
    config,
    control,
    doctor,
    export,
    judge,
    labels,
    plan,
    report,
    run,
    scenarios,
    show,
    study,
    studyview,
    workers,
)
from workbench.cli import app as cli_app
from workbench.cli.common import FAILED, INTERRUPTED, WRONG, DbOption, narrate
from workbench.version import __version__

_USAGE_ERROR: type[Exception] = typer.BadParameter.__mro__[1]  # typer keeps its UsageError private


class _Commands(TyperGroup):
    """The commands; Ctrl-C ends them as an error does that `main` tells, where typer would only set an exit code."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise typer.Abort from None


app = typer.Typer(
    name="workbench",
    cls=_Commands,
    invoke_without_command=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"workbench {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    context: typer.Context,
    _version_wanted: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    db: DbOption = None,
) -> None:
    """Research on personalized safety of language models: plan what to ask, simulate, judge, compare.

    Without a command the terminal app opens.
    """
    if debug:
        os.environ["WORKBENCH_DEBUG"] = "1"
    if db is not None:  # before a command it means the same as after it
        os.environ["WORKBENCH_DB"] = str(db)
    if context.invoked_subcommand is None:
        raise typer.Exit(cli_app.open_app(db))


app.command("open")(cli_app.open_link)
app.command("run")(run.run)
app.command("plan")(plan.plan)
app.command("control")(control.control)
app.add_typer(scenarios.app, name="scenarios")
app.command("study")(study.study)
show.app.command("studies")(studyview.studies)
show.app.command("study")(studyview.study)
show.app.command("table")(studyview.table)
app.add_typer(show.app, name="show")
app.command("compare")(compare.compare)
app.command("report")(report.report)
app.command("export")(export.export)
app.command("judge")(judge.judge)
app.command("agreement")(agreement.agreement)
app.add_typer(labels.app, name="labels")
app.command("branch")(branch.branch)
app.add_typer(workers.app, name="workers")
app.add_typer(bench.app, name="bench")
app.add_typer(config.app, name="config")
app.command("doctor")(doctor.doctor)


def main() -> None:
    """Run the command line and exit with the design's codes."""
    signal.signal(signal.SIGTERM, _stop)
    try:
        code = app(prog_name="workbench", standalone_mode=False)
    except (KeyboardInterrupt, typer.Abort):
        narrate("interrupted")
        code = INTERRUPTED
    except Exception as error:
        code = _explain(error)
    sys.exit(code if isinstance(code, int) else 0)


def _explain(error: Exception) -> int:
    """Say in one line what went wrong; return the exit code."""
    if os.environ.get("WORKBENCH_DEBUG"):
        raise error
    if isinstance(error, _USAGE_ERROR):
        message = error.format_message() if hasattr(error, "format_message") else str(error)
        context = getattr(error, "ctx", None)
        command = context.command_path if context else "workbench"
        if message:
            message = " ".join(message.replace("Value error, ", "").split()).rstrip(".")
            narrate(f"{command}: {message}; see `{command} --help`")
        return WRONG
    # Named here and not imported at the top, since their modules bring in what --help must not wait for.
    from simulator.client.types import ChatError
    from simulator.formats import FormatError
    from simulator.table import TableError
    from storage.errors import NotFoundError, StorageError, WrongDatabaseError
    from storage.runs import OwnedError
    from storage.searchfile import SearchFileError
    from workbench.engine.errors import RunError, UsageError

    if isinstance(error.__cause__, OSError) and error.__cause__.errno in (errno.ENOSPC, errno.EDQUOT):
        narrate(f"workbench: {error}")
        return FAILED
    wrong = (UsageError, NotFoundError, WrongDatabaseError, OwnedError, FormatError, TableError, SearchFileError)
    if isinstance(error, wrong):
        narrate(f"workbench: {error}")
        return WRONG
    if isinstance(error, (StorageError, RunError, ChatError)):
        narrate(f"workbench: {error}")
        return FAILED
    if isinstance(error, OSError):
        place = f"{error.filename}: " if error.filename else ""
        narrate(f"workbench: {place}{error.strerror or error}")
        return FAILED
    narrate(f"workbench: internal error: {type(error).__name__}: {error}; --debug shows where, please report it")
    return FAILED


def _stop(_number: int, _frame: FrameType | None) -> Never:
    """Treat SIGTERM like Ctrl-C."""
    raise KeyboardInterrupt
