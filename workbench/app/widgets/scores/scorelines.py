"""The lists of the scores screen as lines: differences, agreement, disagreements, two runs; and the table as a file."""

import io
from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Any

from rich.cells import cell_len

from workbench.app.look import bar
from workbench.app.state.scores.answers import short_model
from workbench.app.state.scores.beside import Beside
from workbench.app.state.scores.judges import EFFECTIVE, Agreement, Queued, ratings_text
from workbench.app.state.scores.runpair import COLUMNS, MEANINGS, RunPair, pair_cells
from workbench.app.state.scores.scores import RunScores
from workbench.app.state.spans import ABSENT, Line, Span, cut, layout, line, muted, status_span, table_line, wrapped
from workbench.statistics.comparison import Changed
from workbench.statistics.scores import ScoreTable
from workbench.text import counted, plain

Cover = Callable[[str], str]
"""Makes a text safe to show, and blurs it where texts are blurred."""

Width = Callable[[], int]
"""The cells that a list has, asked for when a line is made: a list that has not been shown yet has none."""

_DOMAIN, _ARM = 12, 8


def points_table(
    points: Sequence[Changed], beside: Beside | None, data: RunScores, cover: Cover, width: Width
) -> tuple[Line, Callable[[int], Line]]:
    """Return heading and lines of scenarios with two scores, the largest change first.

    Args:
        beside: the two arms; None where each scenario says its own (two runs, whose changes have an arm each).
    """
    names = [cut(name, _ARM) for name in beside.short] if beside else ["first", "second"]
    arm = 0 if beside else _ARM + 1
    heading = line(
        muted(f"{'domain':<{_DOMAIN}} "),
        muted(f"{'arm':<{_ARM}} " if arm else ""),
        muted(f"{names[0]:>8} {names[1]:>8} {'change':>7}  query"),
    )
    taken = _DOMAIN + 1 + arm + 29

    def make(i: int) -> Line:
        point = points[i]
        role = "value-high" if point.change > 0 else "value-low" if point.change < 0 else "text-muted"
        glyph = "▲" if point.change > 0 else "▼" if point.change < 0 else "="
        return line(
            f"{cut(point.domain, _DOMAIN):<{_DOMAIN}} ",
            f"{cut(point.second_arm, _ARM):<{_ARM}} " if arm else "",
            f"{point.first:>8.2f} {point.second:>8.2f} ",
            Span(f"{glyph} {point.change:+.2f}" if point.change else f"{glyph} {0:>5.2f}", role),
            muted(f"  {cut(cover(data.query(point.scenario_id) or point.scenario_id), max(0, width() - taken))}"),
        )

    return heading, make


def point_pairs(point: Changed, beside: Beside) -> list[tuple[str, str]]:
    """Return what is known of a scenario under two arms, as pairs of a name and a text; `query` is not covered."""
    several = len({model for side in (beside.first, beside.second) for model in side.data.models}) > 1
    pairs = [
        ("scenario", f"{plain(point.scenario_id)} · {plain(point.domain)}"),
        ("query", plain(beside.first.data.query(point.scenario_id) or "not in the database")),
        ("change", f"{point.first:.2f} → {point.second:.2f}, {point.change:+.2f}"),
    ]
    for side in (beside.first, beside.second)[: 1 if beside.first.whose == beside.second.whose else 2]:
        said = side.data.said(side.group, point.scenario_id)
        found = " · ".join(f"{judge} {'failed' if score is None else f'{score:.2f}'}" for judge, score in said)
        where = [side.group.model] * several + [f"run {side.data.id}"] * beside.across
        pairs.append((cut(plain(side.group.arm), 10), plain("   ".join([found, *where]))))
    return pairs


def agreement_table(figures: Sequence[Agreement], judges: int, width: int, total: int) -> tuple[Line, list[Line]]:
    """Return heading and lines of the figures computed so far, of `total`; what is to come is said in a last line."""
    steps = 10 if width >= 100 else 0
    room = max(18, min(42, width - 50 - steps))
    heading = line(muted(f"{'judges':<{room}} {'figure':<17} value  {'95 % interval':<{14 + steps}} items"))
    lines = []
    for who, group in groupby(figures, lambda figure: figure.who):
        for i, figure in enumerate(group):
            label = who + figure.note if cell_len(who + figure.note) <= room else who
            label = cut(plain(label), room) if i == 0 else ""
            found = figure.estimate
            if found is None:
                lines.append(line(f"{label:<{room}} {figure.figure:<17} ", muted(f"{ABSENT:>5}  undefined: no spread")))
                continue
            bounds = ABSENT if found.low is None or found.high is None else f"[{found.low:.2f}, {found.high:.2f}]"
            scale = found.value / judges if figure.figure == EFFECTIVE else found.value
            share = Span(bar(max(0.0, scale), steps), "primary")
            lines.append(
                line(
                    f"{label:<{room}} {figure.figure:<17} ",
                    Span(f"{found.value:>5.2f}", bold=True),
                    f"  {bounds:<14}",
                    share,
                    muted(f"{found.n:>7,}"),
                )
            )
    if len(figures) < total:
        lines.append(line(muted(f"… {len(figures)} of {total} figures; the others are being computed")))
    return heading, lines


def queue_table(
    queue: Sequence[Queued], judges: Sequence[str], data: RunScores, cover: Cover, width: Width
) -> tuple[Line, Callable[[int], Line]]:
    """Return heading and lines of the responses that judges see most differently."""
    scores = max([9, *(len(ratings_text(judges, item.disagreement)) for item in queue[:50])])
    scores = min(scores, 40)
    names = [short_model(name) for name in data.models] if len(data.models) > 1 else []
    model = max(map(cell_len, ["model", *names])) + 1 if names else 0
    labels = f"{'spread':>6}  {'model' if names else '':<{model}}{'arm':<{_ARM}} {'domain':<{_DOMAIN}}"
    heading = line(muted(f"{labels} {'scores':<{scores}}  query"))
    taken = 8 + model + _ARM + 1 + _DOMAIN + 1 + scores + 3

    def make(i: int) -> Line:
        item, entry = queue[i].item, queue[i].disagreement
        return line(
            Span(f"{entry.spread:>6.2f}", bold=True),
            f"  {plain(short_model(item.model)) if names else '':<{model}}",
            f"{cut(item.arm, _ARM):<{_ARM}} {cut(item.domain, _DOMAIN):<{_DOMAIN}} ",
            f"{cut(plain(ratings_text(judges, entry)), scores):<{scores}}  ",
            muted(cut(cover(data.query(item.scenario_id) or item.scenario_id), max(0, width() - taken))),
        )

    return heading, make


def pair_table(pair: RunPair, width: int) -> tuple[Line, list[Line]]:
    """Return heading and lines of two runs compared, below them what a reader has to know of it."""
    rows = [pair_cells(row) for row in pair.table.rows]
    widths = layout(COLUMNS, rows, width)
    heading = table_line(COLUMNS, {column.title: muted(column.title) for column in COLUMNS}, widths) if rows else ()
    lines: list[Line] = [table_line(COLUMNS, row, widths) for row in rows]
    for name, text in pair.notes():
        mark = [status_span(name), Span(" ")] if name else []
        room = width - sum(cell_len(span.text) for span in mark)
        first, *more = wrapped(plain(text), room)
        lines.append(line(*mark, Span(first) if name else muted(first)))
        lines += [line(muted(text)) for text in more]
    if rows:
        said = [text for name, text in MEANINGS.items() if widths.get(name)]
        lines += [(), *(line(muted(text)) for meaning in said for text in wrapped(meaning, width))]
    return heading, lines


def matrix_texts(table: ScoreTable, suffix: str, title: str) -> str:
    """Return the table as its command writes it: `csv` and `json` a record per cell, `md` the paper's layout."""
    from workbench.cli.output import emit
    from workbench.cli.tables import paper_layout

    out = io.StringIO()
    if suffix == "csv":
        emit(table.records(), "csv", stream=out)
    elif suffix == "json":
        emit(table.records(), "json", stream=out)
    else:
        for model in dict.fromkeys(row.model for row in table.rows):
            lines, columns = paper_layout([row for row in table.rows if row.model == model])
            emit(lines, "md", columns, title=f"{title} · model: {model}", stream=out)
            out.write("\n")
    return out.getvalue()


def run_label(row: dict[str, Any]) -> Line:
    """Return a run of `storage.judgements.judged_runs` as a line to choose it by."""
    world = [status_span("surrogate")] if row["world"] == "surrogate" else [Span(plain(row["world"] or "not stated"))]
    return line(
        Span(f"{row['run']:<10}", bold=True),
        status_span(row["state"]),
        muted("  "),
        *world,
        muted(f"  {row['kind']} · {counted(row['arms'], 'arm')} · {counted(row['scenarios'], 'scenario')}"),
        muted(f" · {row['created_at'][:16]}"),
    )
