"""`workbench scenarios build` and `rejected`: scenarios from templates, from posts, or with queries by a model."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

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
    writing,
)

if TYPE_CHECKING:
    from simulator.scenario import Scenario
    from workbench.engine.options import RunOptions
    from workbench.engine.scenarios.construct import Build, BuildOutcome
    from workbench.engine.scenarios.items import Source

_PRESENCE, _QUERIES = 7, 1


def build(
    synthetic: Annotated[int | None, typer.Option(min=1, help="How many scenarios, or profiles, to build.")] = None,
    posts: Annotated[
        Path | None,
        typer.Option(
            "--from", help="Build from posts: a file of JSON objects, one a line, with a text.", metavar="FILE"
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="The same seed builds the same scenarios.")] = 0,
    missing: Annotated[
        float | None, typer.Option(min=0, max=1, help="Share of attributes left unknown; 0 unless given.")
    ] = None,
    world: Annotated[str | None, typer.Option(help="model: have a language model read posts or write queries.")] = None,
    model: Annotated[str | None, typer.Option(help="The model that is asked.")] = None,
    queries: Annotated[
        int | None, typer.Option(min=1, max=10, help=f"Queries per profile; {_QUERIES} unless given.")
    ] = None,
    presence: Annotated[
        int | None,
        typer.Option(min=1, max=10, help=f"Attributes of ten that a post has to tell; {_PRESENCE} unless given."),
    ] = None,
    leaks: Annotated[
        Literal["reject", "keep"] | None,
        typer.Option(help="Queries that give the profile away: reject them, or keep them flagged; else reject."),
    ] = None,
    experiment: Annotated[
        Path | None, typer.Option(help="Take endpoints and prices from an experiment's TOML file.")
    ] = None,
    base_url: Annotated[str | None, typer.Option(help="Where the model is served, up to /v1.")] = None,
    key_env: opt.KeyEnv = None,
    max_in_flight: opt.MaxInFlight = None,
    timeout: opt.Timeout = None,
    structured: opt.Structured = None,
    concurrency: Annotated[int | None, typer.Option(help="Items worked on at once; else 64.")] = None,
    retry_failed: Annotated[bool, typer.Option("--retry-failed", help="Do failed items again.")] = False,
    quiet: opt.Quiet = False,
    db: DbOption = None,
) -> int:
    """Build scenarios and store them; the same command goes on where it was cut off.

    Without --world, synthetic scenarios come from templates. With a language model: --synthetic has it write the
    queries of drawn profiles, --from has it read posts.
    """
    from workbench.engine.errors import UsageError

    if (synthetic is None) == (posts is None):
        raise UsageError("build: give either --synthetic N or --from FILE")
    served = {
        "models": words(model),
        "base_url": base_url,
        "key_env": key_env,
        "max_in_flight": max_in_flight,
        "timeout": timeout,
        "structured": structured,
        "concurrency": concurrency,
    }
    own = {"queries": queries, "presence": presence, "leaks": leaks, "experiment": experiment}
    named = [n for n, value in {"model": model, **served, **own}.items() if value is not None and n != "models"]
    if posts is None and world is None:
        if named:
            raise UsageError(f"--{named[0].replace('_', '-')} goes with --world model; without it templates are used")
        from simulator.build import build as build_scenarios

        add(db, build_scenarios(synthetic or 0, seed, missing=missing or 0.0), "built")
        return DONE
    if world != "model":
        what = "posts are read" if posts is not None else "queries are written, unless by templates (no --world),"
        raise UsageError(f"--world {world or 'surrogate'}: {what} by a language model only: --world model --model NAME")
    for flag, value, goes in (
        ("queries", queries, synthetic),
        ("missing", missing, synthetic),
        ("presence", presence, posts),
    ):
        if value is not None and goes is None:
            raise UsageError(f"--{flag} goes with {'--from' if flag == 'presence' else '--synthetic'}")
    from workbench.engine.options import read_options

    options = read_options(experiment, {**served, "world": "model", "seed": seed})
    if len(options.models) != 1:
        raise UsageError("build: name one model with --model NAME")
    source: Source
    if posts is not None:
        from workbench.engine.scenarios.items import Posts

        source = Posts(posts, presence or _PRESENCE)
    else:
        from workbench.engine.scenarios.items import Profiles

        source = Profiles(synthetic or 0, queries or _QUERIES, seed, missing or 0.0)
    outcome = _work(options, source, leaks or "reject", database_path(db), retry_failed, quiet)
    return _finish(outcome, "posts" if posts is not None else "profiles")


def rejected(
    run: Annotated[
        str | None, typer.Argument(help="A build's id or its beginning; else the latest one.", metavar="BUILD")
    ] = None,
    db: DbOption = None,
    format: FormatOption = "table",
) -> int:
    """List what a build left out or changed, with the reasons."""
    from storage.construction import rejection_rows
    from workbench.cli.output import Column, emit

    columns = [Column(name) for name in ("source", "part", "stage", "effect", "reason")]
    with reading(db) as database:
        emit(rejection_rows(database, run), format, columns)
    return DONE


def add(db: Path | None, scenarios: "Iterable[Scenario]", what: str) -> None:
    """Store scenarios and say how many were new."""
    from storage.scenarios import add_scenarios

    with writing(db) as database:
        added = add_scenarios(database, scenarios)
    narrate(f"{what} {added.new + added.duplicates:,} scenarios: {added.new:,} new, {added.duplicates:,} stored before")


def _work(
    options: "RunOptions",
    source: "Source",
    leaks: Literal["reject", "keep"],
    path: Path,
    retry_failed: bool,
    quiet: bool,
) -> "BuildOutcome":
    import sys

    import anyio

    from workbench.cli.progress import display_for
    from workbench.engine.scenarios.construct import construct, prepare_build

    display = display_for(sys.stderr, quiet)
    prepared: Build = prepare_build(path, options, source, leaks, display.note)

    async def work() -> "BuildOutcome":
        return await construct(path, prepared, display, retry_failed=retry_failed)

    return anyio.run(work)


def _finish(outcome: "BuildOutcome", items: str) -> int:
    """Say what came of a build; return the exit code."""
    counts = outcome.counts
    if outcome.state == "interrupted":
        decided = counts.done + counts.rejected + counts.failed
        narrate(
            f"build {outcome.run} was interrupted after {decided:,} of {outcome.total:,} {items}: "
            "the same command goes on"
        )
        return INTERRUPTED
    if outcome.state == "finished":
        narrate(f"build {outcome.run} was finished before")
    narrate(f"build {outcome.run}: {_many(counts.kept, 'scenarios')} from {_many(outcome.total, items)}")
    parts = []
    if counts.rejected:
        why = ", ".join(f"{stage} {n:,}" for stage, n in outcome.stages.items())
        parts.append(f"{_many(counts.rejected, items)} rejected ({why})")
    if counts.queries:
        parts.append(f"{_many(counts.queries, 'queries')} rejected")
    if counts.values:
        parts.append(f"{_many(counts.values, 'values')} dropped")
    if counts.failed:
        parts.append(f"{_many(counts.failed, items)} failed (--retry-failed does them again)")
    if parts:
        narrate(f"{'; '.join(parts)}: `workbench scenarios rejected {outcome.run}` says why")
    return LEFT_OUT if counts.rejected or counts.failed or counts.queries else DONE


def _many(n: int, things: str) -> str:
    """Count things, of which there may be one."""
    one = f"{things[:-3]}y" if things.endswith("ies") else things[:-1]
    return f"{n:,} {things if n != 1 else one}"
