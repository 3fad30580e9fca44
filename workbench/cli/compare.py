"""`workbench compare`: two runs, arms or models side by side, paired on the scenarios they share."""

import shutil
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from workbench.cli.common import DONE, DbOption, FormatOption, narrate, reading, words
from workbench.cli.output import Column, Format, emit, gap
from workbench.figures import mean_and_half, p_value, two_digits

if TYPE_CHECKING:
    from storage.compare import Side
    from storage.sqlite import Database
    from workbench.statistics.comparison import Changed, Comparison, ComparisonTable
    from workbench.statistics.mcnemar import McNemar

_WIDE = 120
"""Columns that the whole table needs; on a narrower terminal only what decides is shown."""

_SHOWN = 8
"""Settings that differ named on one line; the rest is counted."""

_LEGEND = {
    "paired": "paired on shared scenarios: ± half the 95 % interval and p (sign flips) clustered by profile; "
    "Holm: over all lines; d_z: mean difference / sd of differences; more: scenarios for 80 % power",
    "unpaired": "unpaired, as independent samples: ± half the 95 % interval and p (Welch's t, bootstrap) clustered by "
    "profile; Holm: over all lines",
}


class _Heading(NamedTuple):
    """What the tables are about: run and world of each side."""

    first_run: str
    second_run: str
    first_world: str
    second_world: str


def compare(
    first: Annotated[str, typer.Argument(help="A run's id or its beginning.", metavar="RUN")],
    second: Annotated[
        str | None, typer.Argument(help="Another; may be left out with --arms or --models.", metavar="RUN")
    ] = None,
    arms: Annotated[str | None, typer.Option(help="Two arms: the first run's A beside the second's B.")] = None,
    models: Annotated[str | None, typer.Option(help="Two models, likewise.")] = None,
    unpaired: Annotated[
        bool, typer.Option("--unpaired", help="Compare all scores as independent samples, for contrast.")
    ] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Refuse runs whose world, prompts or judges differ.")
    ] = False,
    threshold: Annotated[float, typer.Option(min=1, max=5, help="A score from which a response is good.")] = 4.0,
    top: Annotated[int, typer.Option(min=0, help="How many of the scenarios that changed most to list.")] = 10,
    items: Annotated[bool, typer.Option("--items", help="Print only the scenarios that changed most.")] = False,
    db: DbOption = None,
    format: FormatOption = "table",
) -> int:
    """Compare two runs, arms or models: differences with intervals, p-values, and the scenarios that changed most."""
    from storage.compare import Side, pair_rows, side_rows
    from storage.readers import find_scored
    from workbench.engine.errors import UsageError
    from workbench.statistics.comparison import compare_pairs, compare_samples

    if unpaired and items:
        raise UsageError("--items needs shared scenarios: leave out --unpaired")
    with reading(db) as database:
        one = find_scored(database, first)
        other = find_scored(database, second or first)
        both_arms, both_models = _two("--arms", arms), _two("--models", models)
        if one["run"] == other["run"] and both_arms[0] == both_arms[1] and both_models[0] == both_models[1]:
            raise UsageError("that is one and the same run: name another, or two arms with --arms, or --models")
        sides = (
            Side(one["run"], both_arms[0], _model(database, one["run"], both_models[0])),
            Side(other["run"], both_arms[1], _model(database, other["run"], both_models[1])),
        )
        for side in sides:
            _check(database, side)
        if one["run"] != other["run"]:
            _say_differences(database, one, other, strict)
        if unpaired:
            same = ("judge", *(["model"] if models is None else []), *(["arm"] if arms is None else []))
            table = compare_samples(side_rows(database, sides[0]), side_rows(database, sides[1]), same=same)
        else:
            table = compare_pairs(pair_rows(database, *sides), threshold=threshold, most=top)
        if not table.rows:
            raise UsageError(_nothing(database, sides, unpaired))
        heading = _Heading(one["run"], other["run"], one["world"], other["world"])
        if format in ("table", "md"):
            _print(table, heading, format, threshold, items)
        elif items:
            emit(_item_records(database, table.changed, heading), format)
        else:
            emit(({**heading._asdict(), **record} for record in table.records()), format)
    failed = sum(row.failed for row in table.rows)
    if failed:
        narrate(f"failed judgements, in no mean: {failed}; `workbench show failures` says why")
    return DONE


def _two(option: str, text: str | None) -> tuple[str | None, str | None]:
    from workbench.engine.errors import UsageError

    names = words(text)
    if names is None:
        return None, None
    if len(names) != 2:
        raise UsageError(f"{option} {text!r}: name two, like a,b")
    return names[0], names[1]


def _model(database: "Database", run: str, name: str | None) -> str | None:
    """Return a model in full: LLaMA-3.1-8B is surrogate/LLaMA-3.1-8B."""
    from storage.compare import run_names

    if name is None:
        return None
    known = run_names(database, run)["models"]
    return next((model for model in known if name in (model, model.partition("/")[2])), name)


def _check(database: "Database", side: "Side") -> None:
    from storage.compare import run_names
    from workbench.engine.errors import UsageError

    names = run_names(database, side.run)
    for kind, name in (("arm", side.arm), ("model", side.model)):
        if name is not None and name not in names[f"{kind}s"]:
            raise UsageError(f"run {side.run} has no {kind} {name!r}: it has {', '.join(names[f'{kind}s']) or 'none'}")


def _say_differences(database: "Database", one: dict[str, Any], other: dict[str, Any], strict: bool) -> None:
    """Say what differs between two runs, or refuse to compare them."""
    from storage.compare import run_differences
    from workbench.engine.errors import UsageError

    found = run_differences(database, one, other)
    for measure in (True, False):
        chosen = [f"{d.name} {_brief(d.first)} → {_brief(d.second)}" for d in found if d.measure == measure]
        if not chosen:
            continue
        rest = [f"and {len(chosen) - _SHOWN} more"] if len(chosen) > _SHOWN else []
        text = "; ".join(chosen[:_SHOWN] + rest)
        if measure and strict:
            raise UsageError(f"refused by --strict, since scores may not mean the same in both runs: {text}")
        narrate(f"warning: scores may not mean the same in both runs: {text}" if measure else f"also different: {text}")


def _brief(value: object) -> str:
    if value is None:
        return "unknown"
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text if len(text) <= 40 else f"{text[:39]}…"


def _nothing(database: "Database", sides: "tuple[Side, Side]", unpaired: bool) -> str:
    """Say why there is nothing to compare."""
    from storage.compare import run_names

    one, other = (run_names(database, side.run) for side in sides)
    for kind, option in (("judges", ""), ("models", ": name two with --models"), ("arms", ": name two with --arms")):
        named = {"models": sides[0].model, "arms": sides[0].arm}.get(kind)
        if not named and not set(one[kind]) & set(other[kind]):
            return f"the runs share no {kind[:-1]}{option} ({', '.join(one[kind])} and {', '.join(other[kind])})"
    if unpaired:
        return "there are no scores to compare"
    return "no scenario has a score on both sides: --unpaired compares them as independent samples"


def _print(table: "ComparisonTable", heading: _Heading, format: Format, threshold: float, items: bool) -> None:
    """Print both tables for people: what is the same in every line stands in the title."""
    if not items:
        _print_lines(table.rows, heading, format, threshold)
    if table.changed:
        if not items:
            gap()
        _print_items(table.changed, heading, format)
    elif items:
        narrate("no scenario changed")


def _print_lines(rows: "Sequence[Comparison]", heading: _Heading, format: Format, threshold: float) -> None:
    about = [_about(row.compared._asdict(), heading) for row in rows]
    common = {name for name in ("model", "arm", "judge") if len({line[name] for line in about}) == 1}
    same = " · ".join(
        f"{name}: {about[0][name]}" for name in ("world", "model", "arm", "judge") if name in {*common, "world"}
    )
    legend = _LEGEND[rows[0].result.analysis]
    break_ = "\n" if format == "table" else " · "
    title = f"{_title(heading)}{break_}{same}{break_}{legend}"
    lines = [{**names, **_cells(row)} for names, row in zip(about, rows, strict=True)]
    paired = rows[0].result.analysis == "paired"
    narrow = format == "table" and sys.stdout.isatty() and shutil.get_terminal_size().columns < _WIDE
    if narrow:  # the world stands in the title
        lines = [{**line, "judge": row.compared.judge} for line, row in zip(lines, rows, strict=True)]
    columns = [
        *(Column(name, wrap=True) for name in ("model", "arm", "judge") if name not in common),
        *map(Column, ("n", "first", "second")),
        Column("difference", "diff." if narrow else ""),
        *([] if narrow else [Column("p")]),
        Column("holm", "Holm"),
        *([] if narrow or not paired else [Column("dz", "d_z")]),
        *([Column("more")] if paired else []),
        *([] if narrow or not paired else [Column("reached", f"≥ {threshold:g}"), Column("mcnemar", "McNemar")]),
        *([] if narrow else [Column("analysis")]),
    ]
    emit(lines, format, columns, title=title)


def _print_items(changed: "Iterable[Changed]", heading: _Heading, format: Format) -> None:
    lines = [
        {
            **_about({name: getattr(item, name) for name in item.__slots__} | {"judge": ""}, heading),
            "scenario": item.scenario_id,
            "domain": item.domain,
            "first": f"{item.first:.2f}",
            "second": f"{item.second:.2f}",
            "change": f"{item.change:+.2f}",
        }
        for item in changed
    ]
    title = f"Changed most · {_title(heading)} · world: {lines[0]['world']}"
    several = [name for name in ("model", "arm") if len({line[name] for line in lines}) > 1]
    emit(lines, format, ["scenario", "domain", *several, "first", "second", "change"], title=title)


def _item_records(database: "Database", changed: "Iterable[Changed]", heading: _Heading) -> Iterable[dict[str, object]]:
    from storage.scenarios import find_scenario

    for item in changed:
        fields = {name: getattr(item, name) for name in item.__slots__}
        yield {**heading._asdict(), **fields, "query": find_scenario(database, item.scenario_id).query}


def _title(heading: _Heading) -> str:
    if heading.first_run == heading.second_run:
        return f"Run {heading.first_run}"
    return f"Run {heading.first_run} → run {heading.second_run}"


def _about(compared: dict[str, Any], heading: _Heading) -> dict[str, str]:
    """Name what a line is about; what differs between the sides as `first → second`."""
    sides = {**compared, **heading._asdict()}
    names = {name: (sides[f"first_{name}"], sides[f"second_{name}"]) for name in ("world", "model", "arm")}
    labels = {name: one if one == other else f"{one} → {other}" for name, (one, other) in names.items()}
    # Every score of a surrogate says so, in whatever column the eye falls on.
    same = heading.first_world == heading.second_world
    return {**labels, "judge": f"{heading.first_world} {compared['judge']}" if same else compared["judge"]}


def _cells(row: "Comparison") -> dict[str, str | None]:
    from workbench.statistics.paired import Paired

    result, (difference, low, high) = row.result, row.difference()
    paired = isinstance(result, Paired)
    one, other = result.first, result.second
    passed = row.threshold
    return {
        "n": str(one.n) if paired else f"{one.n}, {other.n}",
        "first": mean_and_half(one.mean, one.low, one.high),
        "second": mean_and_half(other.mean, other.low, other.high),
        "difference": mean_and_half(difference, low, high, sign="+"),
        "p": p_value(row.p),
        "holm": p_value(row.p_holm),
        "dz": f"{result.dz:+.2f}" if isinstance(result, Paired) and result.dz is not None else None,
        "more": _more(row),
        "reached": _reached(passed) if passed else None,
        "mcnemar": p_value(passed.mid_p) if passed else None,
        "analysis": result.analysis,
    }


def _reached(passed: "McNemar") -> str:
    """Return the share of scenarios that reach the threshold on each side."""
    one, other = (passed.both + passed.only_first) / passed.n, (passed.both + passed.only_second) / passed.n
    return f"{one:.0%} → {other:.0%}"


def _more(row: "Comparison") -> str | None:
    """Say how many more scenarios are needed, to two digits: it is an estimate."""
    if row.told_apart:
        return "told apart"
    if row.more is None:
        return None
    return two_digits(row.more)
