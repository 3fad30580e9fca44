"""The tables that several commands print: scores by arm and domain beside the paper's rows."""

import shutil
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from workbench.cli.common import narrate
from workbench.cli.output import Column, Format, emit, gap
from workbench.figures import mean_and_half, places

if TYPE_CHECKING:
    from workbench.statistics.bootstrap import Interval
    from workbench.statistics.scores import ScoreRow

_WIDE = 132
"""Columns that arms x domains needs. On a narrower terminal it is turned round, a table per judge."""

_CELL = 12
"""Columns that an arm or the names of the domains need there: a mean with its interval, and the space between."""

_LEGEND = "± half the width of the 95 % bootstrap interval, clustered by profile; paper: published figures"


def emit_scores(rows: Iterable[Mapping[str, Any]], format: Format, title: str, *, dimension: str | None = None) -> None:
    """Print arms x domains with 95 % intervals clustered by profile, questions asked, and the paper's rows.

    With a dimension (a key of the rows), its values stand in the place of the score; the paper has no rows for it.

    Machine formats get a record per cell, exact; see `ScoreTable.records`.
    """
    from workbench.statistics.scores import score_table

    if dimension is not None:
        title = f"{title} · {dimension.replace('_', ' ')} alone"
    table = score_table(rows if dimension is None else ({**row, "score": row[dimension]} for row in rows))
    if format not in ("table", "md"):
        emit(table.records(), format)
        return
    if not table.rows:
        narrate("no scores yet")
    columns = shutil.get_terminal_size().columns
    narrow = format == "table" and sys.stdout.isatty() and columns < _WIDE
    for i, (world, model) in enumerate(dict.fromkeys((row.world, row.model) for row in table.rows)):
        if i:
            gap()
        mine = [row for row in table.rows if (row.world, row.model) == (world, model)]
        heading = f"{title} · world: {world} · model: {model}"
        if narrow:
            at_once = max(1, columns // _CELL - 1)
            for judge in dict.fromkeys(row.judge for row in mine):
                judged = [row for row in mine if row.judge == judge]
                for start in range(0, len(judged), at_once):
                    _by_domain(judged[start : start + at_once], f"{heading}\njudge: {world} {judge}")
                    gap()
            if dimension is None:
                _paper(model, [row.arm for row in mine])
        else:
            lines, layout = paper_layout(mine, paper=dimension is None)
            emit(
                lines, format, layout, title=f"{heading}\n{_LEGEND}" if format == "table" else f"{heading} · {_LEGEND}"
            )
    if narrow:
        narrate(_LEGEND)
    for row in table.rows:
        if row.crisis:
            calm = row.without_crisis["Avg"].score
            without = f"{calm.mean:.2f}" if calm else "none"
            narrate(f"{row.arm}, judge {row.judge}: {row.crisis} dialogues in crisis; average without them {without}")


def paper_layout(rows: "Sequence[ScoreRow]", *, paper: bool = True) -> tuple[list[dict[str, object]], list[Column]]:
    """Return lines and columns of the paper's layout: a row per arm and judge of one model, the paper's rows below."""
    from simulator.domains import DOMAINS
    from workbench.statistics.published import published
    from workbench.statistics.scores import COLUMNS

    lines: list[dict[str, object]] = [
        {
            "arm": row.arm,
            "judge": f"{row.world} {row.judge}",
            **{name: _shown(cell.score) for name, cell in row.cells.items()},
            "questions": _shown(row.questions),
            "failed": str(row.cells["Avg"].failed),
        }
        for row in rows
    ]
    arms = {row.arm for row in rows}
    for figure in published(rows[0].model) if paper else ():
        if figure.arm in arms:
            domains = figure.domains or (None,) * len(DOMAINS)
            cells = {name: places(value) for name, value in zip(DOMAINS, domains, strict=True)}
            average, questions = places(figure.average), places(figure.questions)
            lines.append({"arm": figure.arm, "judge": "paper", **cells, "Avg": average, "questions": questions})
    headings = {"Relationship": "Relation."}
    return lines, [Column(key, headings.get(key, key)) for key in ("arm", "judge", *COLUMNS, "questions", "failed")]


def _by_domain(rows: "list[ScoreRow]", title: str) -> None:
    """Print some arms of one judge for narrow terminals: a row per domain."""
    from workbench.statistics.scores import COLUMNS

    cells = {
        row.arm: [
            *(_shown(row.cells[name].score) for name in COLUMNS),
            _shown(row.questions),
            str(row.cells["Avg"].failed),
        ]
        for row in rows
    }
    _turned(cells, (*COLUMNS, "questions", "failed"), title)


def _paper(model: str, arms: Collection[str]) -> None:
    """Print the paper's figures for these arms the same way, where there are any."""
    from simulator.domains import DOMAINS
    from workbench.statistics.published import published

    cells = {
        figure.arm: [
            *map(places, figure.domains or (None,) * len(DOMAINS)),
            places(figure.average),
            places(figure.questions),
        ]
        for figure in published(model)
        if figure.arm in arms
    }
    if cells:
        _turned(cells, (*DOMAINS, "Avg", "questions"), "paper: published figures")


def _turned(cells: Mapping[str, list[str | None]], names: Iterable[str], title: str) -> None:
    """Print columns of cells, with the names of their rows first."""
    lines = [{"": name, **{arm: column[i] for arm, column in cells.items()}} for i, name in enumerate(names)]
    emit(lines, "table", [Column("", " "), *map(Column, cells)], title=title)


def _shown(mean: "Interval | None") -> str | None:
    return None if mean is None else mean_and_half(mean.mean, mean.low, mean.high)
