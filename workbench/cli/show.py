"""`workbench show`: what the database holds, each the headless twin of a screen."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import typer

from workbench.cli import options as opt
from workbench.cli.common import DONE, LARGEST, DbOption, FormatOption, RunOption, narrate, reading

app = typer.Typer(help="Show what the database holds.", rich_markup_mode=None)

Dimension = Literal["risk_sensitivity", "emotional_empathy", "user_alignment"]
"""`simulator.world.DIMENSIONS`, which is not imported here: `--help` must be quick."""

ModelOption = Annotated[str | None, typer.Option("--model", help="Which model, where the run has several.")]
ArmOption = Annotated[
    str | None, typer.Option("--arm", help="agent or planner, or both: agent,planner; else the first in the run.")
]


@app.command()
def runs(db: DbOption = None, format: FormatOption = "table") -> int:
    """List runs, newest first: state, units, done, failed."""
    from storage.readers import list_runs
    from workbench.cli.output import Column, emit

    with reading(db) as database:
        rows = [_run_row(row) for row in list_runs(database)]
    columns = [
        Column("run"),
        Column("state", status=True),
        *map(Column, ("kind", "world", "scenarios", "arms", "units", "done", "failed", "created_at")),
    ]
    emit(rows, format, columns)
    return DONE


@app.command()
def run(
    run: opt.Run = None,
    db: DbOption = None,
    format: FormatOption = "table",
) -> int:
    """Show one run: its settings, counts, provenance, and why units failed."""
    import json

    from storage.readers import find_run
    from storage.runfigures import failures
    from workbench.cli.output import emit, emit_one, gap

    with reading(db) as database:
        row = _run_row(find_run(database, run))
        row |= {"settings": json.loads(row["settings"] or "{}")}
        experiment = json.loads(row["experiment"] or "{}")
        reasons = [failure._asdict() for failure in failures(database, row["run"])]
    if "scenarios" in experiment:
        experiment["scenarios"] = f"{len(experiment['scenarios'])} ids"
    row |= {"experiment": experiment}
    if format in ("table", "md"):
        emit_one(row, format)
        if reasons:
            gap()
            emit(
                reasons,
                format,
                ["units", "reason", "unit", "scenario", "model", "arm"],
                "Why units failed, the first of each",
            )
    else:
        emit_one({**row, "failures": reasons}, format)
    return DONE


@app.command()
def scores(
    run: RunOption = None,
    dimension: Annotated[
        Dimension | None, typer.Option(help="In the table, this dimension in place of the mean of all three.")
    ] = None,
    db: DbOption = None,
    format: FormatOption = "table",
) -> int:
    """Show scores: the table arms x domains for people, a row per verdict (with all dimensions) for machines."""
    from storage.readers import find_scored, score_rows
    from workbench.cli.output import emit
    from workbench.cli.tables import emit_scores

    with reading(db) as database:
        found = find_scored(database, run)
        rows = score_rows(database, found["run"])
        if format in ("table", "md"):
            emit_scores(rows, format, title=f"Run {found['run']}", dimension=dimension)
        else:
            emit(rows, format)
    return DONE


@app.command()
def searches(run: RunOption = None, db: DbOption = None, format: FormatOption = "table") -> int:
    """List the finished searches of a run: what each would ask, and what it cost."""
    from storage.readers import search_rows

    columns = ["scenario_id", "world", "model", "planner", "best_path", "best_q", "rollouts", "evaluations", "rankings"]
    return _list(db, run, format, search_rows, columns)


@app.command()
def tree(
    scenario: opt.Scenario = None,
    trace: Annotated[Path | None, typer.Option(help="A search saved by `workbench plan --save`.")] = None,
    at: Annotated[int | None, typer.Option(min=0, help="After this many rollouts; else at the end.")] = None,
    top: opt.Top = 3,
    min_visits: opt.MinVisits = None,
    inspect: Annotated[
        str | None,
        typer.Option(help="How actions stand where these attributes are known, between commas (or: nothing)."),
    ] = None,
    why: Annotated[
        str | None, typer.Option(help="Why this attribute is not asked next there.", metavar="ATTRIBUTE")
    ] = None,
    run: RunOption = None,
    model: ModelOption = None,
    db: DbOption = None,
    format: FormatOption = "table",
) -> int:
    """Show the tree of a search, as it was after any rollout, or one of its states in detail."""
    from simulator.attributes import NAMES
    from storage.readers import find_scored, find_unit, search_trace
    from storage.scenarios import find_scenario
    from storage.searchfile import load_search
    from workbench.cli.inspectview import NOTHING, emit_inspection, inspect_state
    from workbench.cli.treeview import emit_search, summary
    from workbench.engine.errors import UsageError
    from workbench.engine.revisit.evidence import reward_evidence

    names: tuple[str, ...] = NAMES
    unit: dict[str, Any] | None = None
    if (trace is None) == (scenario is None):
        raise UsageError("name a scenario, or a saved search with --trace")
    if trace is not None:
        found, origin = load_search(trace)
        names, title = origin.attributes, f"Search of {origin.scenario} · world: {origin.world} · model: {origin.model}"
        where = {"scenario": origin.scenario, "world": origin.world, "model": origin.model}
    else:
        assert scenario is not None
        with reading(db) as database:
            row = find_scored(database, run)
            known = find_scenario(database, scenario)
            unit = find_unit(database, row["run"], known.id, kind="search", model=model)
            found = search_trace(database, unit["id"])
        title = f"Search of {known.id} · run {row['run']} · world: {row['world']} · model: {unit['model']}"
        where = {"scenario": known.id, "run": row["run"], "world": row["world"], "model": unit["model"]}
    if at is not None and at > found.rollouts:
        raise UsageError(f"--at {at}: the search has {found.rollouts} rollouts")
    if at is not None:
        title += f" · after {at} of {found.rollouts} rollouts"
        found = found.until(at)
    if inspect is not None or why is not None:
        seen, evidence = inspect_state(found, inspect or NOTHING, names), None
        if unit is not None and seen.passage is not None:
            with reading(db) as database:
                evidence = reward_evidence(database, unit["id"], seen.passage.rollout, found)
        emit_inspection(seen, names, format, title=title, origin=where, why=why, evidence=evidence)
        return DONE
    if format in ("table", "md"):
        title += f"\n{summary(found, names)}\n= reached by several orders, ◀ last rollout"
    emit_search(found, names, format, title=title, top=top, min_visits=min_visits)
    return DONE


@app.command()
def dialogue(
    scenario: opt.Scenario = None,
    unit: Annotated[
        int | None, typer.Option(max=LARGEST, help="The number of a trial or a branch, instead.", metavar="UNIT")
    ] = None,
    at: Annotated[int | None, typer.Option(min=0, help="After this many questions; else to the end.")] = None,
    run: RunOption = None,
    model: ModelOption = None,
    arm: ArmOption = None,
    db: DbOption = None,
    format: FormatOption = "table",
) -> int:
    """Show a dialogue, turn by turn, with the response and its scores; several arms beside each other."""
    from storage.errors import NotFoundError
    from storage.readers import dialogue_rows, find_run
    from storage.scenarios import find_scenario
    from workbench.cli.common import words
    from workbench.cli.dialogueview import emit_dialogues
    from workbench.engine.errors import UsageError

    if (scenario is None) == (unit is None):
        raise UsageError("name a scenario, or a trial with --unit")
    units = [] if unit is None else [unit]
    others: list[dict[str, Any]] = []
    with reading(db) as database:
        if scenario is not None:
            found = find_run(database, run)
            known = find_scenario(database, scenario)
            rows = [row for row in dialogue_rows(database, found["run"], known.id) if model in (None, row["model"])]
            arms = words(arm) or tuple(row["arm"] for row in rows[:1])
            fitting = [next((row for row in rows if row["arm"] == name), None) for name in arms]
            shown = [row for row in fitting if row is not None]
            if not shown or len(shown) < len(arms):
                raise NotFoundError(
                    f"run {found['run']} has no such dialogue of {known.id}: `workbench show dialogues`"
                )
            units, others = [row["unit"] for row in shown], [row for row in rows if row not in shown]
        emit_dialogues(database, units, format, at)
    if others:
        named = ", ".join(f"{other['arm']} ({other['model']})" for other in others)
        narrate(f"also in this run: {named}; choose with --arm and --model")
    return DONE


@app.command()
def dialogues(run: RunOption = None, db: DbOption = None, format: FormatOption = "table") -> int:
    """List the dialogues of a run."""
    from storage.readers import dialogue_rows

    columns = ["unit", "scenario_id", "world", "model", "arm", "questions", "ending", "completeness", "crisis", "given"]
    return _list(db, run, format, dialogue_rows, columns)


@app.command()
def responses(run: RunOption = None, db: DbOption = None, format: FormatOption = "table") -> int:
    """List the responses of a run, with what each was given."""
    from storage.readers import response_rows

    return _list(db, run, format, response_rows, ["scenario_id", "world", "model", "arm", "style", "given", "text"])


@app.command()
def mentions(
    run: RunOption = None,
    examples: Annotated[int, typer.Option(min=0, help="How many statements to show below the rates.")] = 10,
    db: DbOption = None,
    format: FormatOption = "table",
) -> int:
    """Show what responses say of the person: what they use of the given, invent, and mention beside the point."""
    from storage.readers import find_scored
    from workbench.cli.mentionsview import emit_mentions
    from workbench.engine.personalisation import read_responses

    with reading(db) as database:
        found = find_scored(database, run)
        emit_mentions(list(read_responses(database, found)), found, format, examples)
    return DONE


@app.command()
def units(run: RunOption = None, db: DbOption = None, format: FormatOption = "table") -> int:
    """List every unit of a run with its state."""
    from storage.readers import unit_rows

    return _list(db, run, format, unit_rows, ["unit", "kind", "scenario_id", "model", "arm", "state", "seconds"])


@app.command()
def failures(run: RunOption = None, db: DbOption = None, format: FormatOption = "table") -> int:
    """List the failed units of a run, or the failed judgements of one that judges again, with their reasons."""
    from storage.readers import failure_rows, find_run

    columns = ["unit", "kind", "scenario_id", "model", "arm", "error"]
    return _list(db, run, format, failure_rows, columns, find=find_run)


@app.command()
def calls(
    by: Annotated[
        str, typer.Option(help="A row for each: of arm,role,model,kind,unit,scenario, e.g. unit or arm,role.")
    ] = "arm,role,model,kind",
    run: RunOption = None,
    db: DbOption = None,
    format: FormatOption = "table",
) -> int:
    """Show the ledger of a run: calls, cache hits, tokens, latency and cost; people get a row for all of it, too."""
    from storage.calls import GROUPS, call_rows
    from storage.readers import find_run
    from workbench.cli.common import words
    from workbench.cli.output import emit
    from workbench.engine.errors import UsageError

    names = words(by) or ()
    if not names or len(set(names)) < len(names) or not set(names) <= GROUPS.keys():
        raise UsageError(f"--by {by}: name some of {', '.join(GROUPS)}, each once, between commas")
    with reading(db) as database:
        found = find_run(database, run)
        rows: Iterable[dict[str, Any]] = call_rows(database, found["run"], names)
        if format in ("table", "md"):
            rows = list(rows)
            if rows:
                (total,) = call_rows(database, found["run"], ())
                rows = [*rows, {**dict.fromkeys(names[1:], ""), names[0]: "total", **total}]
        columns = [*names, "calls", "hits", "failed", "retries", "prompt_tokens", "cached_tokens"]
        columns += ["completion_tokens", "reasoning_tokens", "mean_latency", "mean_queue", "cost"]
        emit(rows, format, columns, title=f"Run {found['run']} · world: {found['world']}")
    return DONE


@app.command()
def unit(
    unit: Annotated[int, typer.Argument(max=LARGEST, help="A unit's number; `show units` lists them.", metavar="UNIT")],
    prompts: Annotated[
        bool, typer.Option("--prompts", help="The exact messages and raw replies of its calls.")
    ] = False,
    db: DbOption = None,
    format: FormatOption = "table",
) -> int:
    """Show one unit: its response with every judge's view, and what was asked of language models for it."""
    from storage.calls import unit_calls
    from storage.judgements import scenario_responses
    from storage.readers import find_unit_by_id
    from workbench.cli.callview import print_calls
    from workbench.cli.output import Column, emit, emit_one, gap

    with reading(db) as database:
        row = find_unit_by_id(database, unit)
        rows = list(unit_calls(database, unit))
        answered = scenario_responses(database, [row["run"]], row["scenario_id"])
    mine: dict[str, Any] = next((answer for answer in answered if answer["unit"] == unit), {})
    response, verdicts = mine.get("text"), mine.get("verdicts", [])
    if format not in ("table", "md"):
        emit_one({**row, "response": response, "verdicts": verdicts, "calls": rows}, format)
        return DONE
    emit_one({**row, "calls": len(rows)}, format)
    if response is not None:
        gap()
        emit([{"response": response}], format, [Column("response", wrap=True)])
    if verdicts:
        gap()
        names = ("judge", "score", *get_args(Dimension))
        emit(verdicts, format, [*map(Column, names), *(Column(name, wrap=True) for name in ("rationale", "error"))])
    if prompts:
        print_calls(rows)
    elif rows:
        gap()
        columns = ["role", "model", "endpoint", "hit", "prompt_tokens", "completion_tokens", "latency", "error"]
        emit(rows, format, columns)
    return DONE


@app.command()
def libraries(db: DbOption = None, format: FormatOption = "table") -> int:
    """List imported libraries of planned paths."""
    from storage.readers import list_libraries
    from workbench.cli.output import emit

    with reading(db) as database:
        emit(list_libraries(database), format, ["library", "name", "entries", "published", "created_at"])
    return DONE


def _list(db: Path | None, run: str | None, format: Any, read: Any, columns: list[str], *, find: Any = None) -> int:
    from storage.readers import find_scored
    from workbench.cli.output import emit

    with reading(db) as database:
        found = (find or find_scored)(database, run)
        rows: Iterable[dict[str, Any]] = read(database, found["run"])
        emit(rows, format, columns, title=f"Run {found['run']} · world: {found['world']}")
    return DONE


def _run_row(row: dict[str, Any]) -> dict[str, Any]:
    from workbench.engine.steering.owner import actual_state

    row["state"] = actual_state(row)
    for column in ("owner_host", "owner_pid", "owner_started", "heartbeat", "paused"):
        del row[column]
    return row
