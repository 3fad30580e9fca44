"""`workbench report`: one file that says what studies and runs did and found."""

from typing import Annotated, Literal

import typer

from workbench.cli import options as opt
from workbench.cli.common import DONE, DbOption, narrate, reading

ReportFormat = Literal["html", "md", "latex"]

_ENDINGS: dict[str, ReportFormat] = {
    "": "html",
    ".html": "html",
    ".htm": "html",
    ".md": "md",
    ".markdown": "md",
    ".tex": "latex",
}


def report(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            help="Studies by name or id, runs by id or beginning; else the latest run.", metavar="STUDY|RUN"
        ),
    ] = None,
    output: opt.Output = None,
    format: Annotated[
        ReportFormat | None, typer.Option("--format", help="html, or tables as md or latex; else as the file ends.")
    ] = None,
    dialogues: Annotated[int, typer.Option(min=0, help="Dialogues to show of each study or run.")] = 3,
    searches: Annotated[int, typer.Option(min=0, help="Searches to show of each study or run.")] = 2,
    scenario: Annotated[
        list[str] | None,
        typer.Option(help="Show the dialogues and searches of this scenario instead (id or beginning; repeatable)."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Moves which dialogues and searches are chosen.")] = 0,
    db: DbOption = None,
) -> int:
    """Report on a study or on runs in one file: method, scores, plots, chosen dialogues, failures, provenance.

    Published figures stand beside ours. The HTML needs no network and no script; md and latex hold the tables.
    """
    import sys

    from simulator.formats.output import whole
    from workbench.engine.errors import UsageError
    from workbench.report.build import build
    from workbench.report.html import to_html
    from workbench.report.latex import to_latex
    from workbench.report.markdown import to_markdown

    chosen = format or _ENDINGS.get(output.suffix.lower() if output else "")
    if chosen is None:
        raise UsageError(f"{output}: a report ends in .html, .md or .tex, else say what it is with --format")
    with reading(db) as database:
        wanted: list[str | None] = [*names] if names else [None]
        built = build(
            database, wanted, dialogues=dialogues, searches=searches, seed=seed, scenarios=tuple(scenario or ())
        )
    text = {"html": to_html, "md": to_markdown, "latex": to_latex}[chosen](built)
    data = text.encode("utf-8", "replace")
    if output is None:
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    else:
        with whole(output) as target:
            target.write_bytes(data)
    states = {study.label: study.state for study in built.studies}
    states |= {run.account.label: run.account.state for run in built.runs}
    for label, state in states.items():
        if state != "done":
            narrate(f"{label} is not finished (state: {state}): the report holds what is done so far")
    narrate(f"{output or 'stdout'}: {built.title}")
    return DONE
