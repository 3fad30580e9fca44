"""`workbench run --dry-run`: what a run will take, as a table of figures with their intervals and what they rest on."""

from collections.abc import Iterator
from typing import Any

from workbench.cli.common import narrate
from workbench.cli.output import Column, Format, emit
from workbench.engine.estimation.estimate import COUNTED, DOCUMENTED, MEASURED, Estimate, RoleEstimate
from workbench.engine.estimation.measures import Range
from workbench.engine.estimation.outlook import Outlook

_EXACT = "exact"

Row = dict[str, Any]


def emit_outlooks(outlooks: Iterator[tuple[str, Outlook]], format: Format) -> None:
    """Print what runs will take: a row per figure, the units and calls by arm and role first, then what they come to.

    Args:
        outlooks: each with its label, empty where there is only one.
    """
    rows: list[Row] = []
    for label, outlook in outlooks:
        rows += [{"run": label, "world": outlook.world, **row} for row in outlook_rows(outlook)]
        _explain(label, outlook)
    columns = ["figure", "kind", "arm", "role", "model", "low", "expected", "high", "basis"]
    if format in ("table", "md"):
        shown = [{key: _shown(row[key]) for key in _FIGURES} for row in rows]
        width = {key: max(len(cells[key]) for cells in shown) for key in _FIGURES}
        rows = [
            {**row, **{key: cells[key].rjust(width[key]) for key in _FIGURES}}
            for row, cells in zip(rows, shown, strict=True)
        ]
        columns = ["run", *columns] if any(row["run"] for row in rows) else columns
    emit(rows, format, [Column(name) for name in columns], title="What it will take (estimate, nothing was run)")


_FIGURES = ("low", "expected", "high")


def outlook_rows(outlook: Outlook) -> Iterator[Row]:
    """List the figures of an outlook: units, calls by arm and role, tokens by role, then totals."""
    found = outlook.estimate
    for (kind, arm, model), count in outlook.units.items():
        yield _row("units", Range(count, count, count), _EXACT, kind=kind, arm=arm, model=model)
    for part in found.roles:
        yield _row("calls", part.calls, part.basis, kind=part.kind, arm=part.arm, role=part.role, model=part.model)
    for role in dict.fromkeys(part.role for part in found.roles):
        parts = [part for part in found.roles if part.role == role]
        for figure in ("prompt_tokens", "completion_tokens"):
            total = sum((getattr(part, figure) for part in parts), Range(0, 0, 0))
            yield _row(figure, total, _bases(parts), role=role)
    yield _row("units", Range(found.units, found.units, found.units), _EXACT)
    basis = _bases(found.roles) or _EXACT  # no calls at all
    yield _row("calls", found.calls, basis)
    if outlook.counted is not None:
        stored = outlook.counted.stored
        yield _row("stored_calls", Range(stored, stored, stored), f"of {outlook.counted.calls} counted calls")
    yield _row("prompt_tokens", found.prompt_tokens, basis)
    yield _row("completion_tokens", found.completion_tokens, basis)
    yield _row("seconds", found.seconds, _bases(found.roles) or (MEASURED if found.measured else DOCUMENTED))
    if found.cost is not None:
        yield _row("cost", found.cost, basis)


def _row(
    figure: str, found: Range, basis: str, *, kind: str = "", arm: str = "", role: str = "", model: str = ""
) -> Row:
    return {
        "figure": figure,
        "kind": kind,
        "arm": arm,
        "role": role,
        "model": model,
        "low": found.low,
        "expected": found.mid,
        "high": found.high,
        "basis": basis,
    }


def _bases(parts: "tuple[RoleEstimate, ...] | list[RoleEstimate]") -> str:
    present = {part.basis for part in parts}
    return ", ".join(basis for basis in (MEASURED, COUNTED, DOCUMENTED) if basis in present)


def _shown(value: float) -> str:
    """Return a figure as people read it: whole from 100 on, else three digits."""
    if float(value).is_integer() or value >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def _explain(label: str, outlook: Outlook) -> None:
    """Say on stderr what the figures rest on, and what they leave out."""
    found: Estimate = outlook.estimate
    head = f"{label}: " if label else ""
    narrate(f"{head}rests on {found.basis}")
    counted = outlook.counted
    if counted is not None and counted.calls:
        narrate(
            f"{head}of {counted.calls:,} calls, counted for {counted.scenarios:,} scenarios, {counted.stored:,} are "
            "stored already and would cost nothing; they are in the figures, repairs of unreadable replies are not"
        )
    if not found.calls.mid:
        narrate(f"{head}the {outlook.world} world calls no language model")
    elif found.cost is None:
        narrate(f"{head}no cost: give prices in the TOML file, [prices.MODEL]")
    elif found.unpriced:
        narrate(f"{head}the cost leaves out {', '.join(found.unpriced)}: no price is given")
