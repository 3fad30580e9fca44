"""Files written whole or not at all, in each container."""

import csv
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, TextIO, TypeVar

from simulator.formats.problems import FormatError, excerpt

_Record = TypeVar("_Record")

_ROWS = 1024
"""Rows in one Parquet row group: enough to compress well, few enough to hold."""


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Name a file to write in place of `path`, which it becomes when the block ends well and never otherwise.

    What is no plain file (a pipe, a terminal) is written directly.

    Raises:
        FormatError: the folder or the file can't be written, or the disk is full.
    """
    try:
        if path.exists() and not path.is_file():
            yield path
            return
        target = path.resolve()
        beside = target.with_name(f".{target.name}.{os.getpid()}.part")
        try:
            yield beside
            beside.replace(target)
        finally:
            beside.unlink(missing_ok=True)
    except OSError as error:
        raise FormatError(path, f"can't be written ({error.strerror or error})") from error


def _open(path: Path) -> TextIO:
    # Half a surrogate pair, which a model may answer with, can't be written as UTF-8 and becomes "?".
    return path.open("w", encoding="utf-8", errors="replace", newline="")


def write_json(*files: tuple[Path, Iterable[Mapping[str, object]]]) -> None:
    """Write JSON arrays, one record a line; several files become what they are to be together."""
    with ExitStack() as stack:
        for target, records in [(stack.enter_context(whole(path)), records) for path, records in files]:
            with _open(target) as file:
                before = "[\n "
                for record in records:
                    file.write(before + json.dumps(record, ensure_ascii=False))
                    before = ",\n "
                file.write("[]\n" if before.startswith("[") else "\n]\n")


def write_jsonl(path: Path, records: Iterable[Mapping[str, object]]) -> None:
    """Write one JSON object a line."""
    with whole(path) as target, _open(target) as file:
        file.writelines(json.dumps(record, ensure_ascii=False) + "\n" for record in records)


def write_csv(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write CSV as the authors' scripts do: commas, CRLF, quotes only where needed."""
    with whole(path) as target, _open(target) as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(rows)


def write_parquet(path: Path, columns: Sequence[str], records: Iterable[Mapping[str, str]]) -> None:
    """Write Parquet with text columns; an absent key is null.

    Raises:
        FormatError: pyarrow is missing.
    """
    pyarrow, parquet = _pyarrow(path)
    schema = pyarrow.schema([(column, pyarrow.string()) for column in columns])
    with whole(path) as target, parquet.ParquetWriter(target, schema) as writer:
        for some in _batches(records):
            writer.write_table(pyarrow.Table.from_pylist(some, schema=schema))


def write_parquet_rows(path: Path, read: Callable[[], Iterable[Mapping[str, object]]]) -> int:
    """Write rows of plain values, lists and mappings as Parquet, each column with the type that its values have.

    A column of whole numbers and others is one of floats; what never has a value is a column of nulls.

    Args:
        read: returns the rows, the same ones each time: they are read twice, first to learn their types, so that no
            more than a batch is held.

    Returns:
        The number of rows.

    Raises:
        FormatError: pyarrow is missing, or a column has values of types that don't go together.
    """
    pyarrow, parquet = _pyarrow(path)
    count, schema = 0, pyarrow.schema([])
    try:
        for some in _batches(read()):
            found = pyarrow.Table.from_pylist(some).schema
            schema = pyarrow.unify_schemas([schema, found], promote_options="permissive")
        with whole(path) as target, parquet.ParquetWriter(target, schema) as writer:
            for some in _batches(read()):
                writer.write_table(pyarrow.Table.from_pylist(some, schema=schema))
                count += len(some)
    except pyarrow.ArrowException as error:
        reason = str(error).partition("\n")[0]
        raise FormatError(path, f"these rows can't be written as Parquet ({excerpt(reason, 120)})") from error
    return count


def _pyarrow(path: Path) -> tuple[Any, Any]:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise FormatError(path, "writing Parquet needs the `parquet` extra (pyarrow), which isn't installed") from error
    return pyarrow, parquet


def _batches(records: Iterable[_Record]) -> Iterator[list[_Record]]:
    rows = iter(records)
    while some := list(islice(rows, _ROWS)):
        yield some
