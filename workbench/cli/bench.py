"""`workbench bench planners`: which planner recommends the better subset, and for how many evaluations."""

import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from workbench.cli import options as opt
from workbench.cli.common import DONE, LEFT_OUT, DbOption, FormatOption, database_path, narrate, reading, words
from workbench.cli.output import Column, Format, emit
from workbench.figures import mean_and_half

if TYPE_CHECKING:
    from planner.settings import PlannerSettings
    from workbench.engine.ground import Ground, Prior
    from workbench.engine.options import RunOptions
    from workbench.statistics.studytable import StudyTable, Value

app = typer.Typer(help="Measure planners where the best subset is known.", rich_markup_mode=None)

_LEGEND = (
    "regret: true score of the best subset minus that of the recommended one; found: share of searches that got it",
    "± half the 95 % bootstrap interval, clustered by {clusters}; counts: mean per search",
    "exhaustive before its end: the best of as many subsets in an order drawn by chance",
)

_WIDE = 120
"""Columns that the whole table needs; on a narrower terminal only what decides is shown."""

_NARROW = ("contender", "at", "regret", "found", "evaluations")

_COLUMNS = (
    Column("contender", "planner"),
    Column("at", "rollouts"),
    Column("regret", "mean regret"),
    Column("median"),
    Column("found"),
    Column("subsets"),
    Column("evaluations"),
    Column("rankings"),
    Column("per_second", "rollouts/s"),
)

_PRIORS = {"chance": "by chance", "true": "the truth", "reversed": "the belief backwards"}
_RECOMMENDED = {"q": "highest mean reward", "visits": "most visited"}


@app.callback()
def _group() -> None:
    """Measure planners where the best subset is known."""


@app.command()
def planners(
    planners: Annotated[
        str, typer.Option(help="Of search, static, random, greedy, exhaustive.")
    ] = "search,static,random,greedy,exhaustive",
    rules: Annotated[str, typer.Option(help="Selection rules of the search.")] = "raise,raise-literal",
    rollouts: Annotated[
        str, typer.Option(help="Budgets: rollouts (T) after which a search is read.")
    ] = "10,30,100,300",
    world: Annotated[str | None, typer.Option(help="surrogate, or table:FILE.")] = None,
    model: Annotated[str | None, typer.Option(help="Answering model; else the surrogate's first.")] = None,
    judge: Annotated[str | None, typer.Option(help="Who judges; else the surrogate's first judge.")] = None,
    noiseless: Annotated[
        bool, typer.Option("--noiseless", help="Reward every subset with its true score: no luck, no judge's error.")
    ] = False,
    synthetic: opt.Synthetic = None,
    source: opt.Source = None,
    domains: opt.Domains = None,
    limit: opt.Limit = None,
    depth: opt.Depth = None,
    c: opt.Exploration = None,
    decay: opt.Decay = None,
    recommend: Annotated[Literal["q", "visits"] | None, typer.Option(help="Best or most visited subset.")] = None,
    evaluations: opt.Evaluations = None,
    prior: Annotated[
        Literal["belief", "chance", "true", "reversed"],
        typer.Option(help="Who ranks: the surrogate's belief, chance, the truth, or the belief backwards."),
    ] = "belief",
    first: Annotated[
        int | None, typer.Option(min=1, help="Regret of so many attributes that the path begins with; else of all.")
    ] = None,
    seed: opt.Seed = None,
    seeds: Annotated[int, typer.Option(min=1, help="Repeat with so many seeds, from --seed on.")] = 1,
    quiet: opt.Quiet = False,
    db: DbOption = None,
    format: FormatOption = "table",
) -> int:
    """Compare planners and rules: regret against the true best subset, and what it took, at several budgets.

    On scenarios of the surrogate (built, stored or bundled) or on a reward table, where the truth is known. Nothing is
    stored. The exhaustive planner before its end = the best of as many subsets drawn by chance.
    """
    import anyio

    from workbench.cli.progress import display_for
    from workbench.engine.bench import bench, contenders, read_budgets
    from workbench.engine.experiment import planner_settings
    from workbench.engine.options import read_options

    flags = {
        "world": world,
        "models": words(model),
        "judges": words(judge),
        "synthetic": synthetic,
        "source": source,
        "domains": words(domains),
        "limit": limit,
        "depth": depth,
        "c": c,
        "decay": decay,
        "recommend": recommend,
        "evaluations": evaluations,
        "seed": seed,
    }
    options = read_options(None, flags)
    running = contenders(words(planners) or (), words(rules) or ())
    budgets = read_budgets(words(rollouts) or ())
    ground = _ground(options, range(options.seed, options.seed + seeds), noiseless, prior, db)
    settings = planner_settings(options)
    display = display_for(sys.stderr, quiet=quiet)
    table = anyio.run(bench, ground, running, budgets, settings, display, first)
    _emit(table, ground, settings, seeds, first, format)
    if ground.left_out:
        narrate(f"{ground.left_out} scenarios were left out: no attribute of their profile is known")
    return LEFT_OUT if ground.left_out else DONE


def _ground(options: "RunOptions", seeds: Sequence[int], noiseless: bool, prior: "Prior", db: Path | None) -> "Ground":
    from workbench.engine.ground import scenario_ground, table_ground

    if options.world.startswith("table:"):
        return table_ground(options, seeds, noiseless=noiseless, prior=prior)
    if db is None and not database_path(db).exists():
        return scenario_ground(None, options, seeds, noiseless=noiseless, prior=prior)
    with reading(db) as database:
        return scenario_ground(database, options, seeds, noiseless=noiseless, prior=prior)


def _emit(
    table: "StudyTable", ground: "Ground", settings: "PlannerSettings", seeds: int, first: int | None, format: Format
) -> None:
    if format not in ("table", "md"):
        emit(table.records(), format)
        return
    about = [table.title, f"world: {ground.world}", ground.about, f"seeds: {seeds}"]
    if ground.models:
        about[2:2] = [f"model: {', '.join(ground.models)}", f"judge: {ground.judge}"]
    how = [
        f"depth {settings.depth}, c {settings.c:g}, prior decay {settings.decay:g}, {ground.evaluations}",
        f"recommended: {_RECOMMENDED[settings.recommend]}",
    ]
    if ground.prior in _PRIORS:
        how.append(f"prior: {_PRIORS[ground.prior]}")
    if first is not None:
        how.append(f"regret of the first {first} of each path")
    title = [" · ".join(about), " · ".join(how), *(line.format(clusters=ground.clusters) for line in _LEGEND)]
    narrow = format == "table" and sys.stdout.isatty() and shutil.get_terminal_size().columns < _WIDE
    columns = [column for column in _COLUMNS if column.key in _NARROW or not narrow]
    emit(map(_line, table.rows), format, columns, title=("\n" if format == "table" else " · ").join(title))


def _line(row: "Mapping[str, Value]") -> dict[str, object]:
    """Return what people see of a row: regrets with three places, as two would not tell planners apart."""
    from workbench.statistics.bootstrap import Interval

    line: dict[str, object] = {"contender": " ".join(str(row[key]) for key in ("planner", "rule") if row[key])}
    for key, value in row.items():
        if isinstance(value, Interval):
            line[key] = mean_and_half(value.mean, value.low, value.high, digits=2 if key == "found" else 3)
        else:
            line[key] = round(value) if isinstance(value, float) else value
    return {**line, "at": line["rollouts"] if row["budget"] is None else row["budget"]}
