"""Lines as data: pieces of text with the colour role each is shown in, and tables that fit the width there is."""

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Literal, NamedTuple

from rich.cells import cell_len, chop_cells, set_cell_size

from themes import status

ABSENT = "–"
"""What stands where there is no value."""

MOST_CHARACTERS = 20_000
"""Of one text; a dialogue stays quick to show whatever a model wrote. Exports hold all of it."""


class Span(NamedTuple):
    """A piece of a line, without line breaks.

    Fields:
        role: name of a theme variable.
    """

    text: str
    role: str = "foreground"
    bold: bool = False


Line = tuple[Span, ...]


def line(*parts: Span | str) -> Line:
    """Return a line; bare text stands in the usual colour."""
    return tuple(part if isinstance(part, Span) else Span(part) for part in parts)


def muted(text: str) -> Span:
    """Return a piece that is there, but not what one looks for."""
    return Span(text, "text-muted")


def status_span(name: str, *, word: bool = True) -> Span:
    """Return a status as glyph and word in its colour.

    Raises:
        KeyError: the vocabulary has no such status.
    """
    found = status(name)
    return Span(found.label() if word else found.glyph, found.colour)


def text_of(spans: Sequence[Span]) -> str:
    """Return a line's text alone."""
    return "".join(span.text for span in spans)


def cut(text: str, width: int) -> str:
    """Return text of at most `width` cells; what was cut off ends in …."""
    return text if cell_len(text) <= width else set_cell_size(text, max(0, width - 1)).rstrip() + "…" * (width > 0)


def wrapped(text: str, width: int) -> list[str]:
    """Break a text between words into lines of at most `width` cells (at least 1); line breaks stay."""
    over = len(text) - MOST_CHARACTERS
    lines = list(_wrapped(text[:MOST_CHARACTERS], max(1, width)))
    if over > 0:
        lines += _wrapped(f"… {over:,} characters more: the export has all of it", max(1, width))
    return lines


@lru_cache(maxsize=512)
def _wrapped(text: str, width: int) -> tuple[str, ...]:
    lines: list[str] = []
    for paragraph in text.split("\n"):
        current, room = "", width
        for word in paragraph.split():
            size = cell_len(word)
            if current and size + 1 <= room:
                current, room = f"{current} {word}", room - size - 1
                continue
            if current:
                lines.append(current)
            *full, current = chop_cells(word, width) if size > width else [word]
            lines += full
            room = width - cell_len(current)
        lines.append(current)
    return tuple(lines)


class Column(NamedTuple):
    """A column of a table that drops what has no room.

    Fields:
        title: its heading; also the key of the rows' cells.
        right: numbers stand at the right.
        rank: columns of higher rank go first where room is short; 0 never goes.
        widest: it takes room that is left, up to so many cells; 0 = its content's width.
    """

    title: str
    right: bool = False
    rank: int = 0
    widest: int = 0


def layout(columns: Sequence[Column], rows: Sequence[Mapping[str, Span]], width: int) -> dict[str, int]:
    """Return the widths of the columns that fit into `width` cells, one cell between them, in order.

    A column without any content but absent values is left out too.
    """
    widths = {
        column.title: max([cell_len(column.title), *(cell_len(row[column.title].text) for row in rows)])
        for column in columns
        if column.rank == 0 or any(row[column.title].text.strip(ABSENT + " ") for row in rows)
    }
    for column in sorted(columns, key=lambda column: -column.rank):
        if sum(widths.values()) + len(widths) - 1 <= width or column.rank == 0:
            break
        widths.pop(column.title, None)
    for column in columns:
        if column.widest and column.title in widths:
            room = width - sum(widths.values()) - len(widths) + 1
            widths[column.title] = max(4, min(column.widest, widths[column.title] + room))
    return widths


def table_line(columns: Sequence[Column], cells: Mapping[str, Span], widths: Mapping[str, int]) -> Line:
    """Return a row of a table whose columns `layout` measured."""
    spans: list[Span] = []
    for column in columns:
        if column.title in widths:
            width, span = widths[column.title], cells[column.title]
            text = cut(span.text, width)
            pad = " " * (width - cell_len(text))
            spans += [Span(" ")] * bool(spans)
            spans.append(span._replace(text=pad + text if column.right else text + pad))
    return tuple(spans)


def number(value: float) -> str:
    """Return a count in at most five characters: 999, 12.3k, 1.2M."""
    for unit in ("", "k", "M", "G"):
        if value < 999.5 or unit == "G":
            return f"{value:,.0f}{unit}" if not unit or value >= 99.95 else f"{value:.1f}{unit}"
        value /= 1000
    raise AssertionError


def span_of_time(seconds: float) -> str:
    """Return a length of time, rounded: 12 s, 3 min, 2 h 05 min, 4 d 2 h."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days} d {hours} h"
    if hours:
        return f"{hours} h {minutes:02} min"
    return f"{minutes} min" if minutes >= 10 else f"{minutes} min {rest:02} s" if minutes else f"{rest} s"


def moment(iso: str | None, *, now: float | None = None, form: Literal["short", "long"] = "short") -> str:
    """Return a stored time (ISO 8601, UTC) on this machine's clock: the time if it was today, else the date."""
    if iso is None:
        return ABSENT
    at = datetime.fromisoformat(iso).replace(tzinfo=UTC).astimezone()
    if form == "long":
        return at.strftime("%Y-%m-%d %H:%M:%S")
    today = datetime.fromtimestamp(time.time() if now is None else now).astimezone().date()
    return at.strftime("%H:%M:%S" if at.date() == today else "%Y-%m-%d")
