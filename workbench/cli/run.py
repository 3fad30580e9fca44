"""`workbench run`: an experiment from a TOML file and flags, from scenarios to tables."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

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
    vllm_arguments,
    words,
)
from workbench.cli.output import Format

if TYPE_CHECKING:
    from workbench.engine.estimation.outlook import Outlook
    from workbench.engine.options import RunOptions
    from workbench.engine.plans.presets import Part, Plan
    from workbench.engine.run import Outcome


def run(
    experiment: Annotated[
        Path | None, typer.Argument(help="An experiment's TOML file; flags win.", metavar="FILE")
    ] = None,
    preset: Annotated[
        str | None, typer.Option(help="An experiment of the paper to begin with; `list` lists them.", metavar="NAME")
    ] = None,
    synthetic: opt.Synthetic = None,
    source: opt.Source = None,
    domains: opt.Domains = None,
    scenarios: Annotated[str | None, typer.Option(help="Only the scenarios with these ids.")] = None,
    limit: opt.Limit = None,
    world: opt.World = None,
    models: Annotated[str | None, typer.Option("--models", "--model", help="Answering models, or all.")] = None,
    judges: Annotated[str | None, typer.Option(help="Judges, e.g. a,b: a row each.")] = None,
    repeats: Annotated[int | None, typer.Option(help="Judgements per judge and response.")] = None,
    arms: Annotated[
        str | None,
        typer.Option(
            help="Of vanilla, control, full, static, random, oracle, oracle-judged, agent, planner, path, "
            "only:ATTRIBUTE, only:*, random:1..N, path:0..N."
        ),
    ] = None,
    k: Annotated[int | None, typer.Option(help="Attributes given in the arms static, random, oracle and path.")] = None,
    planner: opt.Planner = None,
    rule: opt.Rule = None,
    rollouts: opt.Rollouts = None,
    depth: opt.Depth = None,
    c: opt.Exploration = None,
    decay: opt.Decay = None,
    recommend: Annotated[str | None, typer.Option(help="Return the best (q) or most visited (visits) subset.")] = None,
    evaluations: opt.Evaluations = None,
    search_judge: Annotated[str | None, typer.Option(help="Who judges during searches.")] = None,
    index: Annotated[str | None, typer.Option(help="Use the paths of this run, library or index file.")] = None,
    index_size: Annotated[int | None, typer.Option(help="Plan for a seeded choice of this many profiles.")] = None,
    leaky_index: Annotated[
        bool | None, typer.Option("--leaky-index", help="Let a query retrieve its own path, as in the paper.")
    ] = None,
    embedder: opt.Embedder = None,
    neighbours: Annotated[int | None, typer.Option(help="Planned paths shown to the agent.")] = None,
    retrieval: Annotated[str | None, typer.Option(help="few-shot or follow.")] = None,
    abstention: Annotated[
        str | None, typer.Option(help="How the agent knows that it knows enough: scale, binary or basic.")
    ] = None,
    threshold: Annotated[int | None, typer.Option(help="Completeness (0-5) that is enough.")] = None,
    max_questions: Annotated[int | None, typer.Option(help="Questions at most.")] = None,
    persona: Annotated[str | None, typer.Option(help="cooperative, terse, partial, evasive or refusing.")] = None,
    crisis: Annotated[str | None, typer.Option(help="on or off: immediate danger skips the questions.")] = None,
    base_url: opt.BaseUrl = None,
    key_env: opt.KeyEnv = None,
    max_in_flight: opt.MaxInFlight = None,
    timeout: opt.Timeout = None,
    structured: opt.Structured = None,
    reasoning_tokens: Annotated[int | None, typer.Option(help="Tokens added to every limit, for thinking.")] = None,
    system_messages: Annotated[bool | None, typer.Option(help="Whether the chat template has a system role.")] = None,
    workers: Annotated[int | None, typer.Option(help="Start so many vLLM workers for the run's length.")] = None,
    gpus: Annotated[str | None, typer.Option(help="GPUs for the workers, e.g. 0,1.")] = None,
    vllm: opt.Vllm = None,
    vllm_args: Annotated[str | None, typer.Option(help="More for `vllm serve`, quoted as for a shell.")] = None,
    tensor_parallel: Annotated[int | None, typer.Option(help="GPUs per worker.")] = None,
    seed: opt.Seed = None,
    build_seed: Annotated[int | None, typer.Option(help="Seed of built scenarios.")] = None,
    world_seed: Annotated[int | None, typer.Option(help="Seed of the world's noise and personas.")] = None,
    new: Annotated[bool, typer.Option("--new", help="Start another run of the same experiment.")] = False,
    retry_failed: opt.RetryFailed = False,
    paused: opt.Paused = False,
    concurrency: opt.Concurrency = None,
    max_calls: opt.MaxCalls = None,
    max_cost: opt.MaxCost = None,
    dry_run: opt.DryRun = False,
    quiet: opt.Quiet = False,
    db: DbOption = None,
    format: FormatOption = "table",
) -> int:
    """Plan, simulate and judge; the same command resumes what was cut off.

    Without a choice of scenarios all that were imported or built are used, or the 70 bundled ones where none were.
    """
    flags = dict(locals())
    for name in ("experiment", "preset", "new", "retry_failed", "paused", "dry_run", "quiet", "db", "format"):
        del flags[name]
    from workbench.engine.errors import UsageError
    from workbench.engine.plans.presets import read_plan

    if preset == "list":
        return list_presets(format)
    for name in ("domains", "scenarios", "models", "judges", "arms"):
        flags[name] = words(flags[name])
        if flags[name] == ():  # an empty shell variable, say: it must not mean everything
            raise UsageError(f"--{name}: name at least one, or leave it out")
    flags["vllm_args"] = None if vllm_args is None else vllm_arguments(vllm_args)
    plan = read_plan(experiment, preset, flags)
    path = database_path(db)
    if dry_run:
        return foretell(plan, path, format)
    do = partial(work, path=path, new=new, retry_failed=retry_failed, paused=paused, quiet=quiet)
    if not plan.name:
        return _finish(do(plan.parts[0].options), path, format)
    return finish_study(plan, path, do, format, quiet=quiet, again=new or retry_failed)


def finish_study(
    plan: "Plan",
    path: Path,
    do: "Callable[..., Outcome]",
    format: Format,
    *,
    quiet: bool = False,
    again: bool = False,
) -> int:
    """Do what is left of a plan of several runs and print its tables; return the exit code.

    Args:
        do: does a run of some options; `beside`: the plan's runs so far, which are under the same caps.
    """
    from workbench.cli.studyview import emit_study
    from workbench.engine.plans.study import work_study

    def say(text: str) -> None:
        if not quiet:
            narrate(text)

    done: list[Outcome] = []

    def one(options: "RunOptions") -> "Outcome":
        done.append(do(options, beside=tuple(earlier.run for earlier in done)))
        return done[-1]

    outcome = work_study(path, plan, one, say, again=again)
    if done and done[-1].capped:
        return _stopped(f"study {outcome.study} ({plan.name})", done[-1])
    if outcome.state == "interrupted":
        narrate(f"study {outcome.study} ({plan.name}) was interrupted: the same command goes on with it")
        return INTERRUPTED
    if outcome.state == "finished":
        narrate(f"study {outcome.study} ({plan.name}) was finished before; --new does it again")
    with reading(path) as db:
        emit_study(db, outcome.study, format)
    if outcome.failed:
        runs = ", ".join(dict.fromkeys(outcome.runs))
        narrate(f"{outcome.failed} failed units in runs {runs}: `workbench show failures --run RUN` lists them")
        return LEFT_OUT
    return DONE


def list_presets(format: Format) -> int:
    """Print the presets of the package, with a line for each."""
    from workbench.cli.output import emit
    from workbench.engine.plans.presets import presets

    emit([{"preset": preset.name, "about": preset.about} for preset in presets()], format)
    return DONE


def work(
    options: "RunOptions",
    *,
    path: Path,
    new: bool,
    retry_failed: bool,
    paused: bool,
    quiet: bool,
    beside: tuple[str, ...] = (),
) -> "Outcome":
    """Do or take up one run, with its progress on stderr; what runs `beside` it spent counts under its caps."""
    import sys

    import anyio

    from workbench.cli.progress import display_for
    from workbench.engine.prepare import prepare
    from workbench.engine.run import run_experiment
    from workbench.engine.steering.control import Control

    display = display_for(sys.stderr, quiet)
    prepared = prepare(path, options, display.note)

    async def run_it() -> "Outcome":
        how = {"new": new, "retry_failed": retry_failed}
        return await run_experiment(path, prepared, display, control=Control(paused=paused), beside=beside, **how)

    return anyio.run(run_it)


def foretell(plan: "Plan", path: Path, format: Format) -> int:
    """Print what a plan will take; nothing is asked and no run begins."""
    from workbench.cli.estimateview import emit_outlooks
    from workbench.engine.estimation.outlook import outlook
    from workbench.engine.prepare import prepare

    def look(part: "Part") -> "Outlook":
        planned = part.reuses is not None
        options = part.options.model_copy(update={"index": None}) if planned else part.options
        return outlook(path, options, prepare(path, options), plans=not planned)

    several = len(plan.parts) > 1
    emit_outlooks(((part.label if several else "", look(part)) for part in plan.parts), format)
    return DONE


def _stopped(what: str, outcome: "Outcome") -> int:
    """Say which cap stopped the work, and how it goes on; return the exit code."""
    flag = outcome.capped.split()[0]
    narrate(f"{what} stopped at {outcome.capped}; the same command with a higher {flag} goes on where it stopped")
    return LEFT_OUT


def _finish(outcome: "Outcome", path: Path, format: Format) -> int:
    """Print the table of what there is and say what is missing; return the exit code."""
    from storage.readers import score_rows, unit_rows
    from workbench.cli.tables import emit_scores

    with reading(path) as db:
        failures = list(unit_rows(db, outcome.run, state="failed"))
        if outcome.capped:
            return _stopped(f"run {outcome.run}", outcome)
        if outcome.state == "interrupted":
            narrate(f"run {outcome.run} was interrupted: the same command resumes it")
            return INTERRUPTED
        if outcome.state == "finished":
            narrate(f"run {outcome.run} was finished before; --new starts another one")
        emit_scores(score_rows(db, outcome.run), format, title=f"Run {outcome.run}")
    if failures:
        narrate(
            f"{len(failures)} failed units of run {outcome.run}; `workbench show failures` lists all, "
            "--retry-failed does them again:"
        )
        for row in failures[:5]:
            narrate(f"  {row['kind']} {row['scenario_id']} {row['model']} {row['arm']}: {row['error']}")
        return LEFT_OUT
    return DONE
