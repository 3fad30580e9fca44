"""The tables that several commands print: scores by arm and domain beside the paper's rows."""

import shutil
import sys
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from workbench.cli.common import narrate
from workbench.cli.output import Column, Format, emit

if TYPE_CHECKING:
    from workbench.statistics.bootstrap import Interval
    from workbench.statistics.scores import ScoreRow

_WIDE = 132
"""Columns that arms x domains needs. On a narrower terminal it is turned round, a table per judge."""

_LEGEND = "± half the width of the 95 % bootstrap interval, clustered by profile; paper: published figures"


def emit_scores(rows: Iterable[Mapping[str, Any]], format: Format, title: str) -> None:
    """Print arms x domains with 95 % intervals clustered by profile, questions asked, and the paper's rows.

    Machine formats get a record per cell, exact; see `ScoreTable.records`.
    """
    from workbench.statistics.scores import score_table

    table = score_table(rows)
    if format not in ("table", "md"):
        emit(table.records(), format)
        return
    if not table.rows:
        narrate("no scores yet")
    narrow = format == "table" and sys.stdout.isatty() and shutil.get_terminal_size().columns < _WIDE
    for world, model in dict.fromkeys((row.world, row.model) for row in table.rows):
        mine = [row for row in table.rows if (row.world, row.model) == (world, model)]
        heading = f"{title} · world: {world} · model: {model}"
        if narrow:
            for judge in dict.fromkeys(row.judge for row in mine):
                _by_domain([row for row in mine if row.judge == judge], f"{heading} · judge {judge}")
        else:
            _by_arm(mine, format, f"{heading}\n{_LEGEND}" if format == "table" else f"{heading} · {_LEGEND}")
    if narrow:
        narrate(_LEGEND)
    for row in table.rows:
        if row.crisis:
            calm = row.without_crisis["Avg"].score
            without = f"{calm.mean:.2f}" if calm else "none"
            narrate(f"{row.arm}, judge {row.judge}: {row.crisis} dialogues in crisis; average without them {without}")


def _by_arm(rows: "list[ScoreRow]", format: Format, title: str) -> None:
    """Print the paper's layout: a row per arm and judge, the paper's rows below."""
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
    for figure in published(rows[0].model):
        if figure.arm in arms:
            domains = figure.domains or (None,) * len(DOMAINS)
            cells = {name: _places(value) for name, value in zip(DOMAINS, domains, strict=True)}
            average, questions = _places(figure.average), _places(figure.questions)
            lines.append({"arm": figure.arm, "judge": "paper", **cells, "Avg": average, "questions": questions})
    headings = {"Relationship": "Relation."}
    columns = [Column(key, headings.get(key, key)) for key in ("arm", "judge", *COLUMNS, "questions", "failed")]
    emit(lines, format, columns, title=title)


def _by_domain(rows: "list[ScoreRow]", title: str) -> None:
    """Print one judge's view for narrow terminals: a row per domain, the paper's figure beside each arm's."""
    from simulator.domains import DOMAINS
    from workbench.statistics.published import published
    from workbench.statistics.scores import COLUMNS

    lines: list[dict[str, object]] = [{"domain": name} for name in (*COLUMNS, "questions", "failed")]
    columns = [Column("domain", "")]
    for row in rows:
        columns.append(Column(row.arm))
        values = [*(_shown(row.cells[name].score) for name in COLUMNS), _shown(row.questions)]
        for line, value in zip(lines, [*values, str(row.cells["Avg"].failed)], strict=True):
            line[row.arm] = value
        for figure in published(row.model, row.arm):
            key = f"{row.arm} paper"
            columns.append(Column(key, "paper"))
            domains = figure.domains or (None,) * len(DOMAINS)
            for line, number in zip(lines, [*domains, figure.average, figure.questions, None], strict=True):
                line[key] = _places(number)
    emit(lines, "table", columns, title=title)


def _shown(mean: "Interval | None") -> str | None:
    if mean is None:
        return None
    if mean.low is None or mean.high is None:
        return _places(mean.mean)
    half = f"{(mean.high - mean.low) / 2:.2f}"
    return f"{mean.mean:.2f}±{half.removeprefix('0')}"


def _places(value: float | None) -> str | None:
    return None if value is None else f"{value:.2f}"
