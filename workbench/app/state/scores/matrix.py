"""The table arms x domains as the screen shows it: rows, the paper's figures beneath each arm, and a cell in words."""

from collections.abc import Sequence
from dataclasses import dataclass

from simulator.domains import DOMAINS
from simulator.world import HUMAN
from workbench.app.state.scores.scores import ALL, ALL_JUDGES, ORDER, Key, RunScores
from workbench.figures import mean_and_half, places
from workbench.statistics.bootstrap import Interval
from workbench.statistics.published import Published, published
from workbench.statistics.scores import AVERAGE, Cell, ScoreRow
from workbench.text import counted, plain


@dataclass(frozen=True, slots=True)
class MatrixCell:
    """A cell as text; `value` 1-5 colours it and sets its bar, None where nothing was judged."""

    text: str
    value: float | None


@dataclass(frozen=True, slots=True)
class MatrixRow:
    """A line of the table.

    Fields:
        key: what it is about; None for the paper's figures.
        label: its name. note: who judged, or `published`.
        cells: one per name of `ORDER`, None where there is no figure.
        ready: whether its figures have been computed.
        heading: a model's name to stand above the row, where it begins another one.
    """

    key: Key | None
    label: str
    note: str
    cells: tuple[MatrixCell | None, ...]
    ready: bool = True
    heading: str = ""


def matrix(data: RunScores, judge: str = ALL_JUDGES) -> tuple[MatrixRow, ...]:
    """Return the rows of one judge or all: each arm's, and the paper's beneath its last one."""
    rows: list[MatrixRow] = []
    keys = data.keys(judge)
    several = len({key.group.model for key in keys}) > 1
    for i, key in enumerate(keys):
        before, after = keys[i - 1] if i else None, keys[i + 1] if i + 1 < len(keys) else None
        first = before is None or before.group != key.group
        heading = key.group.model if several and (before is None or before.group.model != key.group.model) else ""
        found = data.shown(key)
        cells = tuple(_cell(found.cells[name]) if found else None for name in ORDER)
        rows.append(
            MatrixRow(
                key, plain(key.group.arm) if first else "", plain(key.judge), cells, found is not None, plain(heading)
            )
        )
        if after is None or after.group != key.group:
            rows += [_published(figure) for figure in published(key.group.model, key.group.arm)]
    return tuple(rows)


def column_title(name: str, width: int) -> str:
    """Return a column's heading in at most `width` cells."""
    title = ALL if name == AVERAGE else name
    return title if len(title) <= width else f"{title[: width - 1]}."


def cell_lines(data: RunScores, key: Key, column: str) -> list[tuple[str, str]]:
    """Return all that is known of a cell, as pairs of a name and a text."""
    row = data.shown(key)
    if row is None:
        return [("", "the intervals of this row are being computed …")]
    cell, calm = row.cells[column], row.without_crisis[column]
    lines = [("mean", _in_words(cell.score))]
    if cell.failed:
        lines.append(("failed", f"{counted(cell.failed, 'judgement')}, in no mean; screen 5 (Runs) says why"))
    if row.questions is not None:
        shown = mean_and_half(row.questions.mean, row.questions.low, row.questions.high)
        lines.append(("questions", f"{shown} asked per trial, over all domains"))
    if row.crisis:
        lines.append(("crisis", f"{row.crisis:,} dialogues; mean without them {_in_words(calm.score)}"))
    for figure in published(key.group.model, key.group.arm):
        value = figure.average if column == AVERAGE else _domain(figure, column)
        if value is not None:
            lines.append(("published", f"{places(value)} in the paper ({figure.source})"))
    return lines


def row_text(row: ScoreRow) -> str:
    """Return a row as one line of text, to be copied."""
    cells = [f"{ALL if name == AVERAGE else name} {_shown(row.cells[name].score)}" for name in ORDER]
    return f"{row.world} · {row.model} · {row.arm} · judge {row.judge}: {', '.join(cells)}"


def judge_note(judges: Sequence[str], judge: str) -> str:
    """Return the words for who judges."""
    if judge == ALL_JUDGES:
        return plain(f"{ALL_JUDGES}: {', '.join(judges)}") if judges else "no judge"
    judge = plain(judge)
    return judge if judge.startswith(HUMAN) else f"judge {judge}"


def _cell(cell: Cell) -> MatrixCell | None:
    if cell.score is None:
        return MatrixCell("failed", None) if cell.failed else None
    return MatrixCell(_shown(cell.score), cell.score.mean)


def _published(figure: Published) -> MatrixRow:
    domains = dict(zip(DOMAINS, figure.domains or (), strict=False)) | {AVERAGE: figure.average}
    cells = tuple(None if (value := domains.get(name)) is None else MatrixCell(f"{value:.2f}", value) for name in ORDER)
    return MatrixRow(None, "", figure.label, cells)


def _domain(figure: Published, column: str) -> float | None:
    return None if figure.domains is None else figure.domains[DOMAINS.index(column)]


def _shown(interval: Interval | None) -> str:
    return "–" if interval is None else mean_and_half(interval.mean, interval.low, interval.high)


def _in_words(interval: Interval | None) -> str:
    if interval is None:
        return "nothing judged"
    bounds = "no interval (one profile)"
    if interval.low is not None and interval.high is not None:
        bounds = f"95 % interval [{interval.low:.2f}, {interval.high:.2f}]"
    return f"{interval.mean:.2f}, {bounds}, {interval.n:,} scenarios of {interval.clusters:,} profiles"
