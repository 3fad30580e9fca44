"""`workbench branch`: take over a stored dialogue at any turn, or see what answering there would have come to."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from workbench.cli import options as opt
from workbench.cli.common import (
    DONE,
    FAILED,
    INTERRUPTED,
    LARGEST,
    LEFT_OUT,
    DbOption,
    FormatOption,
    database_path,
    narrate,
    reading,
    words,
)

if TYPE_CHECKING:
    from storage.branches import Branch
    from workbench.cli.output import Format
    from workbench.engine.revisit.reopen import Reopened
    from workbench.engine.revisit.takeover import Change


def branch(
    unit: Annotated[int, typer.Argument(max=LARGEST, help="The number of a trial with a dialogue.", metavar="UNIT")],
    at: Annotated[int, typer.Option(min=0, help="Keep so many turns; what follows them changes.", metavar="STEP")],
    say: Annotated[str | None, typer.Option(help="What a person answers to the next question.", metavar="TEXT")] = None,
    attribute: Annotated[
        str | None, typer.Option(help="Change the profile from there on.", metavar="NAME=VALUE")
    ] = None,
    ask: Annotated[str | None, typer.Option(help="Ask about this attribute next.", metavar="ATTRIBUTE")] = None,
    interactive: Annotated[
        bool, typer.Option("--interactive", help="Let a person answer, by commands in the database.")
    ] = False,
    patience: Annotated[float, typer.Option(min=1, help="Seconds that a question waits for a person.")] = 1800,
    probe: Annotated[bool, typer.Option("--probe", help="Only answer from what was known there.")] = False,
    judges: Annotated[str | None, typer.Option(help="Who judges; else who judged the trial.")] = None,
    base_url: Annotated[str | None, typer.Option(help="Where models are served now, up to /v1.")] = None,
    key_env: opt.KeyEnv = None,
    db: DbOption = None,
    format: FormatOption = "table",
) -> int:
    """Run a dialogue on from one of its turns, with a change or without; what it branches off from stays as it is.

    The same world, settings and seed go on, so a branch without a change repeats its parent. With --probe nothing is
    run on: it shows what the response and the verdicts would be if the dialogue had stopped there.
    """
    from workbench.engine.errors import UsageError
    from workbench.engine.revisit.reopen import reopen
    from workbench.engine.revisit.takeover import Change

    if probe and (say is not None or attribute is not None or ask is not None or interactive):
        raise UsageError("--probe changes nothing: leave out --say, --attribute, --ask and --interactive")
    name, given, value = (attribute or "").partition("=")
    if attribute is not None and not given:
        raise UsageError(f"--attribute {attribute}: write NAME=VALUE, with the value Unknown to take it away")
    path = database_path(db)
    reopened = reopen(path, unit, words(judges) or (), narrate, base_url=base_url, key_env=key_env)
    if probe:
        return _probe(path, reopened, at, format)
    change = Change(
        ask=ask,
        say=None if say is None else _storable(say),
        attribute=name.strip() if given else None,
        value=_storable(value).strip() or None,
        interactive=interactive,
    )
    return _branch(path, reopened, at, change, patience, format)


def _storable(text: str) -> str:
    """Return a text from the command line without bytes that are no UTF-8."""
    return text.encode("utf-8", "replace").decode()


def _branch(path: Path, reopened: "Reopened", at: int, change: "Change", patience: float, format: "Format") -> int:
    import anyio

    from workbench.cli.dialogueview import emit_dialogues
    from workbench.engine.revisit.takeover import VERBS, take_over, target

    def started(branch: "Branch") -> None:
        narrate(f"branch {branch.run}: unit {branch.unit}, from turn {at} of unit {reopened.trial.unit}")
        if change.interactive:
            narrate(f"it waits for commands to {target(branch.unit)}: {', '.join(VERBS)}")

    found = anyio.run(lambda: take_over(path, reopened, at, change, patience=patience, started=started))
    if found.state in ("cancelled", "interrupted"):
        narrate(f"branch {found.branch.run} was {found.state}: what was said is kept, branch off from it to go on")
        return INTERRUPTED
    with reading(path) as db:
        emit_dialogues(db, [found.branch.unit], format)
    if found.error is not None:
        narrate(f"branch {found.branch.run}: {found.error}")
    return FAILED if found.state == "failed" else LEFT_OUT if found.error else DONE


def _probe(path: Path, reopened: "Reopened", at: int, format: "Format") -> int:
    import anyio

    from storage.branches import probe_rows
    from workbench.cli.output import emit
    from workbench.engine.revisit.probe import estimate_probe, probe
    from workbench.text import plain

    trial = reopened.trial
    with reading(path) as db:
        estimate = estimate_probe(db, trial.unit, at, reopened.judges)
    if estimate.calls:
        narrate(f"this takes {estimate.calls} calls to language models, if nothing of it is stored")
    if not anyio.run(probe, path, reopened, at):
        narrate("interrupted")
        return INTERRUPTED
    with reading(path) as db:
        rows = [row for row in probe_rows(db, trial.unit, at) if row["judge"] in reopened.judges]
    for row in rows:
        row |= {"world": trial.world}
    columns = ["judge", "risk_sensitivity", "emotional_empathy", "user_alignment", "score", "error"]
    emit(
        rows, format, columns, title=f"Unit {trial.unit} after {at} of {len(trial.turns)} turns · world: {trial.world}"
    )
    if format in ("table", "md"):
        typer.echo("\n" + plain(rows[0]["response"], lines=True))
    return LEFT_OUT if any(row["score"] is None for row in rows) else DONE
