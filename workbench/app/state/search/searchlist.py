"""The searches that can be opened, in lines."""

from collections.abc import Callable, Sequence
from typing import Any

from workbench.app.state.spans import (
    ABSENT,
    Column,
    Line,
    Span,
    cut,
    layout,
    line,
    moment,
    muted,
    status_span,
    table_line,
    wrapped,
)
from workbench.text import plain

_COLUMNS = (
    Column("search", right=True, rank=2),
    Column("state"),
    Column("domain", rank=5),
    Column("scenario", widest=120),
    Column("planner"),
    Column("rule", rank=4),
    Column("model", rank=6),
    Column("world", rank=3),
    Column("best Q", right=True),
    Column("rollouts", right=True, rank=2),
    Column("when", right=True, rank=1),
)

_OF_ONE_SCENARIO = (
    *_COLUMNS[:2],
    Column("planner"),
    Column("rule"),
    Column("c", right=True),
    Column("seed", right=True),
    *_COLUMNS[6:],
)
"""Of searches of the same scenario what they may differ in is shown instead of it."""

_OTHERS = 84
"""Cells that the other columns take together."""


def empty_lines(key: Callable[[str], str]) -> list[Line]:
    """Return what stands where no search is stored; `key` returns a binding's by its id."""
    pick, plan = (Span(key(name), "accent", bold=True) for name in ("app.scenarios", "scenarios.plan"))
    return [
        line(),
        line(Span("No search yet.", bold=True)),
        line(),
        line("Press ", pick, " to pick a scenario, and ", plan, " there"),
        line("to plan for it: its tree of questions grows here."),
    ]


_AGAIN: list[Line] = [
    line(),
    line("Press ", Span("5", "accent", bold=True), ", and ", Span("R", "accent", bold=True), " there on its run,"),
    line("to do again what failed in it."),
]


def waiting_lines(row: dict[str, Any] | None, width: int) -> list[Line]:
    """Say why a search that is to be shown has no tree yet, or never will; an error in lines of `width` cells."""
    if row is None:
        return [line(), line("reading …")]
    said = {"failed": "It came to nothing:", "done": "It has no trace."}.get(row["state"], "Its tree grows here soon.")
    lines = [line(), line(f"Search {row['unit']}  ", status_span(row["state"])), line(), line(said)]
    lines += [line(Span(text, "error")) for text in wrapped(plain(row["error"] or ""), width) if text]
    return [*lines, *_AGAIN] if row["state"] == "failed" else lines


def search_lines(
    rows: Sequence[dict[str, Any]], width: int, sensitive: Callable[[str], str] = plain, *, one: bool = False
) -> tuple[Line, list[Line]]:
    """Return the heading and a line a search, for `width` cells.

    Args:
        rows: as `storage.searches.latest_searches` returns them.
        sensitive: makes a query safe to show. one: they are all of one scenario, which the reader knows.
    """
    cells = [_cells(row, sensitive) for row in rows]
    # Measured with short scenarios, so that the other columns stay; what room is left they get then.
    short = [{**row, "scenario": Span(cut(row["scenario"].text, max(16, width - _OTHERS)))} for row in cells]
    columns = _OF_ONE_SCENARIO if one else _COLUMNS
    widths = layout(columns, short, width)
    heading = table_line(columns, {column.title: muted(column.title) for column in columns}, widths)
    return heading, [table_line(columns, row, widths) for row in cells]


def _cells(row: dict[str, Any], sensitive: Callable[[str], str]) -> dict[str, Span]:
    running = row["state"] == "running"
    best = row["best_q"]
    world = row["world"] or ""
    return {
        "search": muted(str(row["unit"])),
        "state": status_span("paused" if running and row["paused"] else row["state"]),
        "domain": Span(plain(row["domain"])),
        "scenario": Span(sensitive(row["query"])),
        "planner": Span(plain(row["planner"])),
        "rule": muted(plain(row["rule"] or ABSENT)),
        "c": Span(ABSENT if (c := row.get("c")) is None else f"{c:g}"),
        "seed": muted(str(row["seed"] or 0)),
        "model": muted(plain(row["model"] or ABSENT).removeprefix("surrogate/")),
        "world": status_span("surrogate") if world == "surrogate" else Span(plain(world), "note"),
        "best Q": Span(ABSENT if best is None else f"{best:.2f}", bold=True),
        "rollouts": Span(ABSENT if row["rollouts"] is None else str(row["rollouts"])),
        "when": muted(moment(row["finished_at"] or row["created_at"])),
    }
