"""Data on stdout, in five formats: `table` and `md` for people, `json`, `jsonl` and `csv` for machines.

Formats for people show chosen columns, rounded; formats for machines carry every key, exact. Whatever the format, no
text from data reaches a terminal as anything but text.
"""

import csv
import io
import json
import math
import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from typing import Literal, TextIO, get_args

from themes import ansi, statuses
from workbench.text import as_cell, plain

Format = Literal["table", "json", "jsonl", "csv", "md"]
FORMATS: tuple[Format, ...] = get_args(Format)

Row = Mapping[str, object]

ABSENT = "–"
"""What people see where there is no value."""

_NATURAL_WIDTH = 1_000_000
"""Wider than any table: what is piped is never cut off, unless COLUMNS says how wide it may be."""

_FIGURES = re.compile(r"[-+]?[\d.,\s±%()\[\]–+-]*")
"""Numbers with their sign and interval: no text, whatever they begin with."""

_MARKDOWN = re.compile(r"[\\|`*<\[\]]")


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table for people.

    Fields:
        key: the rows' key.
        title: its heading; the key with spaces where none is given.
        status: the values are statuses: glyph, word and colour come from the vocabulary.
        wrap: where a terminal is too narrow, go on in the next line instead of being cut off with ….
    """

    key: str
    title: str = ""
    status: bool = False
    wrap: bool = False

    @property
    def heading(self) -> str:
        """What stands above the column."""
        return self.title or self.key.replace("_", " ")


def emit(
    rows: Iterable[Row],
    format: Format = "table",
    columns: Sequence[Column | str] | None = None,
    title: str | None = None,
    stream: TextIO | None = None,
) -> None:
    """Print rows. `json`, `jsonl` and `csv` stream, so rows may be a generator of any length.

    A reader who leaves early (`| head`) ends the printing quietly; the caller goes on.

    Args:
        rows: mappings, all with the keys of the first.
        format: one of `FORMATS`.
        columns: what `table` and `md` show, and the header of an empty `csv`; the first row's keys without it.
        title: stands above a `table` or `md`.
        stream: stdout if not given.

    Raises:
        ValueError: no such format, or a row of a `csv` has a key that the first has not.
    """
    if format not in FORMATS:
        raise ValueError(f"no format {format!r}: choose from {', '.join(FORMATS)}")
    shown = None if columns is None else [c if isinstance(c, Column) else Column(c) for c in columns]
    with _open_ended(stream or sys.stdout) as out:
        if format == "json":
            _write_json(rows, out)
        elif format == "jsonl":
            out.writelines(f"{to_json(row)}\n" for row in rows)
        elif format == "csv":
            _write_csv(rows, [column.key for column in shown or ()], out)
        else:
            listed = list(rows)
            chosen = [Column(key) for key in (listed[0] if listed else ())] if shown is None else shown
            (_write_table if format == "table" else _write_markdown)(listed, chosen, title, out)


def emit_one(fields: Row, format: Format = "table", title: str | None = None, stream: TextIO | None = None) -> None:
    """Print one thing: an object in `json`, a single row in `jsonl` and `csv`, else a line per field.

    Raises:
        ValueError: no such format.
    """
    if format == "json":
        with _open_ended(stream or sys.stdout) as out:
            out.write(f"{to_json(fields, indent=2)}\n")
    elif format in ("table", "md"):
        rows = [{"field": key, "value": value} for key, value in fields.items()]
        emit(rows, format, ["field", "value"], title, stream)
    else:
        emit([fields], format, stream=stream)


def gap() -> None:
    """Print an empty line on stdout, between two tables: Markdown needs it to tell them apart."""
    with _open_ended(sys.stdout) as out:
        out.write("\n")


def to_json(value: object, indent: int | None = None) -> str:
    """Return JSON in ASCII, which any terminal and any locale can print; NaN and infinities become null."""
    return json.dumps(_jsonable(value), indent=indent, allow_nan=False)


@contextmanager
def _open_ended(stream: TextIO) -> Iterator[TextIO]:
    """Write what the encoding can hold, and let the reader of a pipe leave at any time."""
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="replace")
    try:
        yield stream
        stream.flush()
    except BrokenPipeError:
        nowhere = os.open(os.devnull, os.O_WRONLY)  # what is still buffered goes there when Python exits
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def _jsonable(value: object) -> object:
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _jsonable(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_jsonable(entry) for entry in value]
    tolist = getattr(value, "tolist", None)  # numpy's arrays and numbers, without importing numpy
    return _jsonable(tolist()) if callable(tolist) else str(value)


def _write_json(rows: Iterable[Row], out: TextIO) -> None:
    out.write("[")
    for i, row in enumerate(rows):
        out.write(f"{',' if i else ''}\n{to_json(row)}")
    out.write("\n]\n")


def _write_csv(rows: Iterable[Row], keys: Sequence[str], out: TextIO) -> None:
    stream = iter(rows)
    first = next(stream, None)
    writer = csv.DictWriter(out, list(first) if first is not None else keys, lineterminator="\n")
    if writer.fieldnames:
        writer.writeheader()
    for row in chain(() if first is None else (first,), stream):
        writer.writerow({key: _csv_cell(value) for key, value in row.items()})


def _csv_cell(value: object) -> object:
    value = _jsonable(value)
    if value is None or (isinstance(value, (int, float)) and not isinstance(value, bool)):
        return value
    if not isinstance(value, str):
        return json.dumps(value)
    return as_cell(value)


def _cell(value: object) -> str:
    """Return a value as people read it: one line, numbers with two places."""
    value = _jsonable(value)
    if value is None:
        return ABSENT
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.2f}"
    if isinstance(value, list) and all(isinstance(entry, str) for entry in value):
        return plain(", ".join(value)) or ABSENT
    return plain(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def _numeric(rows: Sequence[Row], key: str) -> bool:
    """Tell whether a column holds numbers and nothing else."""
    values = [value for row in rows if (value := _jsonable(row.get(key))) not in (None, "")]
    return bool(values) and all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in values)


def _write_markdown(rows: Sequence[Row], columns: Sequence[Column], title: str | None, out: TextIO) -> None:
    if title:
        out.write(f"**{_escaped(plain(title))}**\n\n")
    lines = [[column.heading for column in columns]]
    lines += [[_status_label(row, c) or _harmless(_cell(row.get(c.key))) for c in columns] for row in rows]
    rule = "|".join("---:" if _numeric(rows, column.key) else "---" for column in columns)
    for i, line in enumerate(lines):
        out.write(f"| {' | '.join(_escaped(plain(cell)) for cell in line)} |\n")
        if i == 0:
            out.write(f"|{rule}|\n")


def _harmless(cell: str) -> str:
    """Return a cell that a spreadsheet takes no formula from, where the table is copied into one."""
    return cell if _FIGURES.fullmatch(cell) else as_cell(cell)


def _escaped(text: str) -> str:
    return _MARKDOWN.sub(r"\\\g<0>", text)


def _status_label(row: Row, column: Column, *, unicode: bool = True) -> str | None:
    known = statuses().get(str(row.get(column.key))) if column.status else None
    return known.label(unicode=unicode) if known else None


def _write_table(rows: Sequence[Row], columns: Sequence[Column], title: str | None, out: TextIO) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    cut = out.isatty() or "COLUMNS" in os.environ
    console = Console(file=out, width=None if cut else _NATURAL_WIDTH, markup=False, emoji=False, highlight=False)
    unicode = console.encoding.startswith("utf")
    if title:
        out.write(f"{plain(title, lines=True)}\n\n")
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for column in columns:
        heading = Text(plain(column.heading), "bold", no_wrap=True, overflow="ellipsis")
        table.add_column(heading, justify="right" if _numeric(rows, column.key) else "left")
    for row in rows:
        cells = []
        for column in columns:
            label = _status_label(row, column, unicode=unicode)
            colour = ansi(statuses()[str(row[column.key])].colour) if label else ""
            # The cell says no_wrap, not the column: that one would give up no width, and numbers would be cut instead.
            overflow: Literal["fold", "ellipsis"] = "fold" if column.wrap else "ellipsis"
            cells.append(Text(label or _cell(row.get(column.key)), colour, no_wrap=not column.wrap, overflow=overflow))
        table.add_row(*cells)
    with console.capture() as printed:
        console.print(table)
    out.writelines(f"{line.rstrip()}\n" for line in printed.get().split("\n")[:-1])
