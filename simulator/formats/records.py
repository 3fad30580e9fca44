"""Streams of records out of JSON arrays, JSONL, CSV and Parquet, in bounded memory.

Every container yields the same thing, so that a format (which keys, what they mean) needn't know its container.
Text is read as UTF-8 with or without a byte order mark. Bytes that are not UTF-8 survive as surrogates until `text`
refuses the record that holds them, so that one damaged record costs no other.

JSON arrays go through the standard library's decoder over a moving window: ijson was tried first, and its prefixes
make a file of 100 kB that only opens brackets take tens of gigabytes.
"""

import csv
import json
import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple, TextIO

from simulator.formats.problems import FormatError, Problem, excerpt

MAX_RECORD = 1 << 24
"""Characters in one record, line or cell: more than any response, and it bounds the memory that damage can take."""

_CHUNK = 1 << 16
"""Characters read at a time: large against a record, small against memory."""

_ROWS = 1024
"""Parquet rows decoded at a time."""

_SURROGATE = re.compile(r"[\ud800-\udfff]")

Container = Literal["json", "jsonl", "csv", "parquet"]


class Record(NamedTuple):
    """One object of a file.

    Fields:
        position: where it stands, as in `Problem`.
        data: its fields; white space and case of the keys are folded.
    """

    position: str
    data: Mapping[str, Any]


def fold(name: str) -> str:
    """Fold white space and case of a column's or an issue's name."""
    return " ".join(name.split()).casefold()


def text(value: object, name: str) -> str:
    """Return a value as text; numbers count as text, since files write ages both ways.

    Raises:
        ValueError: it is missing, a list, an object or a truth value, or it holds a NUL or bytes that aren't UTF-8.
    """
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise ValueError(f"{name} is {'missing' if value is None else f'{excerpt(value)}, not a text'}")
    written = str(value)
    if not written.isascii() and (lone := _SURROGATE.search(written)):
        raise ValueError(f"{name} is not UTF-8 at its character {lone.start() + 1}")
    if "\0" in written:
        raise ValueError(f"{name} holds a NUL character")
    return written


def container_of(path: Path) -> Container:
    """Tell from the first bytes how a file holds its records.

    Raises:
        FormatError: the file can't be opened, is empty, or is UTF-16 or UTF-32.
    """
    try:
        with path.open("rb") as file:
            head = file.read(4096)
            if head.startswith((b"\xff\xfe", b"\xfe\xff", b"\0\0\xfe\xff")):
                raise FormatError(path, "written as UTF-16 or UTF-32; save it as UTF-8")
            head = head.removeprefix(b"\xef\xbb\xbf").lstrip()
            while not head and (more := file.read(_CHUNK)):
                head = more.lstrip()
    except OSError as error:
        raise FormatError(path, _why(error)) from error
    if not head:
        raise FormatError(path, "the file is empty")
    if head.startswith(b"PAR1"):
        return "parquet"
    return "json" if head[:1] == b"[" else "jsonl" if head[:1] == b"{" else "csv"


def read_records(path: Path) -> Iterator[Record | Problem]:
    """Stream the records of a file, whichever container holds them; bad ones as problems.

    Raises:
        FormatError: what follows can't be read (damaged JSON or Parquet, a read error); its position says from where.
    """
    readers = {"json": _read_json, "jsonl": _read_jsonl, "csv": _read_csv, "parquet": _read_parquet}
    try:
        yield from readers[container_of(path)](path)
    except OSError as error:
        raise FormatError(path, _why(error)) from error


def _why(error: OSError) -> str:
    return f"can't be read ({error.strerror or error})"


def _open(path: Path) -> TextIO:
    return path.open(encoding="utf-8-sig", errors="surrogateescape", newline="")


def _record(path: Path, position: str, value: object) -> Record | Problem:
    if not isinstance(value, dict):
        return Problem(str(path), position, f"{excerpt(value)} is not an object")
    return Record(position, {fold(key): item for key, item in value.items()})


_DECODER = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=lambda _: None, strict=False)
"""Numbers stay the text they were written as, however long; NaN, which pandas writes for a gap, is null."""

_TOO_DEEP = "nested too deeply"
_NO_SEPARATOR = "expecting ',' or ']'"
_SPACE = re.compile(r"[ \t\n\r]*")
_SEPARATOR = re.compile(r"[ \t\n\r]*[,\]]")


class _Window:
    """The part of a text file that is in memory: `text`, used up to `at`; `lines` ended before `text`."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self.text, self.at, self.lines = "", 0, 0

    def more(self) -> bool:
        """Read on, at least doubling what is unread; False at the end of the file."""
        self.lines += self.text.count("\n", 0, self.at)
        self.text, self.at = self.text[self.at :], 0
        new = self._file.read(max(_CHUNK, len(self.text)))
        self.text += new
        return bool(new)

    def line(self, at: int) -> int:
        return self.lines + self.text.count("\n", 0, at) + 1

    def peek(self) -> str:
        """Pass over white space and return the character that stands there; empty at the end of the file."""
        while True:
            if (found := _SPACE.match(self.text, self.at)) is not None:
                self.at = found.end()
            if self.at < len(self.text) or not self.more():
                return self.text[self.at : self.at + 1]

    def value(self) -> object:
        """Use up the next JSON value.

        Raises:
            ValueError: there is no valid value within `MAX_RECORD` characters; the message says the line.
        """
        while True:
            try:
                value, end = _DECODER.raw_decode(self.text, self.at)
            except json.JSONDecodeError as error:
                reason, at = error.msg, error.pos
            except RecursionError:
                reason, at = _TOO_DEEP, self.at
                break
            else:
                # "12" may be the beginning of "12.5" until what follows it is in the window
                if self.text[self.at] in '{["' or _SEPARATOR.match(self.text, end):
                    self.at = end
                    return value
                reason, at = _NO_SEPARATOR, end
            if len(self.text) - self.at > MAX_RECORD:
                reason = f"{reason}, or a record of over {MAX_RECORD >> 20} MB"
                break
            used = self.at
            if not self.more():
                at -= used
                break
        raise ValueError(f"not valid JSON at line {self.line(at)} ({reason[:1].lower()}{reason[1:]})")


def _read_json(path: Path) -> Iterator[Record | Problem]:
    with _open(path) as file:
        window = _Window(file)
        window.peek()
        window.at += 1  # the bracket that made it a JSON array
        number = 0
        while window.peek() != "]" or number:
            number += 1
            try:
                value = window.value()
            except ValueError as error:
                raise FormatError(path, str(error), f"record {number}") from None
            yield _record(path, f"record {number}", value)
            if (separator := window.peek()) not in (",", "]"):
                reason = f"not valid JSON at line {window.line(window.at)} ({_NO_SEPARATOR})"
                raise FormatError(path, reason, f"record {number + 1}")
            if separator == "]":
                break
            window.at += 1
            window.peek()
        window.at += 1
        if window.peek():
            raise FormatError(path, "there is text after the end of the array", f"line {window.line(window.at)}")


def _read_jsonl(path: Path) -> Iterator[Record | Problem]:
    with _open(path) as file:
        for number, line in enumerate(iter(lambda: file.readline(MAX_RECORD), ""), 1):
            position = f"line {number}"
            if len(line) == MAX_RECORD and not line.endswith(("\n", "\r")):
                raise FormatError(path, f"longer than {MAX_RECORD >> 20} MB", position)
            if not line.strip():
                continue
            try:
                yield _record(path, position, _DECODER.decode(line))
            except json.JSONDecodeError as error:
                yield Problem(str(path), position, f"not valid JSON at column {error.colno} ({error.msg.lower()})")
            except RecursionError:
                yield Problem(str(path), position, f"not valid JSON ({_TOO_DEEP})")


def _lines(path: Path, file: TextIO) -> Iterator[str]:
    for number, line in enumerate(iter(lambda: file.readline(MAX_RECORD), ""), 1):
        if len(line) == MAX_RECORD and not line.endswith(("\n", "\r")):
            raise FormatError(path, f"longer than {MAX_RECORD >> 20} MB", f"line {number}")
        yield line


def _read_csv(path: Path) -> Iterator[Record | Problem]:
    # The limit belongs to the process: it is raised, never lowered.
    csv.field_size_limit(max(csv.field_size_limit(), MAX_RECORD))
    with _open(path) as file:
        reader = csv.reader(_lines(path, file), strict=True)
        header: list[str] = []
        while True:
            position = f"line {reader.line_num + 1}"
            try:
                row = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                reason = (
                    "a quote that never closes takes the rest of the file" if "end of data" in str(error) else error
                )
                yield Problem(str(path), position, f"not valid CSV ({reason})")
                continue
            if not row:
                continue
            if not header:
                header = [fold(name) for name in row]
            elif len(row) != len(header):
                yield Problem(str(path), position, f"{len(row)} cells where the header names {len(header)} columns")
            else:
                yield Record(position, dict(zip(header, row, strict=True)))


def _number(value: object) -> object:
    # pandas makes floats of a column of whole numbers with gaps, and NaN of the gaps
    if not isinstance(value, float) or math.isinf(value):
        return value
    return None if math.isnan(value) else int(value) if value.is_integer() else value


def _read_parquet(path: Path) -> Iterator[Record | Problem]:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise FormatError(path, "reading Parquet needs the `parquet` extra (pyarrow), which isn't installed") from error
    number = 0
    try:
        with parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(_ROWS):
                for row in batch.to_pylist():
                    number += 1
                    yield _record(path, f"record {number}", {key: _number(value) for key, value in row.items()})
    except (pyarrow.ArrowException, ValueError, OSError) as error:
        reason = str(error).partition("\n")[0]
        raise FormatError(path, f"not valid Parquet ({excerpt(reason, 120)})", f"record {number + 1}") from error
