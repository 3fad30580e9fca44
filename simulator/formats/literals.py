"""Cells that hold Python literals (experiments.md, "Published result files")."""

import ast
import re
import warnings
from collections.abc import Sequence

from simulator.attributes import NAMES, attribute_index
from simulator.formats.problems import excerpt

MAX_LITERAL = 64 * 1024
"""Bytes in a cell that is parsed as a literal."""

_QUERY_DICT = re.compile(r"\s*\{\s*['\"]query_id['\"]\s*:")


def parse_literal(cell: str) -> object:
    """Parse the text of a Python literal; nothing in it is ever evaluated.

    Raises:
        ValueError: it is too long, nested too deeply, or no literal.
    """
    if len(cell.encode()) > MAX_LITERAL:
        raise ValueError(f"a literal of over {MAX_LITERAL >> 10} kB")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an unknown escape such as "\d" is the writer's matter
            value: object = ast.literal_eval(cell.strip())
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
        raise ValueError(f"{excerpt(cell)} is not a Python literal") from None
    return value


def parse_query(cell: str) -> str:
    """Return the query of a `User Query` cell: plain text, or the text of `{'query_id': '<query>'}`.

    Raises:
        ValueError: there is no query, or it looks like the dict but isn't one.
    """
    query: object = cell
    if _QUERY_DICT.match(cell):
        value = parse_literal(cell)
        query = value.get("query_id") if isinstance(value, dict) else None
    if not isinstance(query, str) or not query.strip():
        raise ValueError("the query is empty" if isinstance(query, str) else "query_id is not a text")
    return query


def write_query(query: str) -> str:
    """Return the text of `{'query_id': '<query>'}`, as the published planner index has it."""
    return repr({"query_id": query})


def plain_query(query: str) -> str:
    """Return the query itself, wrapped only where `parse_query` would mistake it for the dict."""
    return write_query(query) if _QUERY_DICT.match(query) else query


def parse_path(cell: str) -> tuple[int, ...]:
    """Return the attribute indices of a path cell: the text of a Python list of attribute names.

    Raises:
        ValueError: it is no list, or holds an unknown attribute or one twice.
    """
    names = parse_literal(cell)
    if not isinstance(names, list):
        raise ValueError(f"{excerpt(cell)} is not a list of attributes")
    path: list[int] = []
    for name in names:
        index = attribute_index(name) if isinstance(name, str) else None
        if index is None:
            raise ValueError(f"{excerpt(name)} is no attribute")
        if index in path:
            raise ValueError(f"{NAMES[index]} is in the path twice")
        path.append(index)
    return tuple(path)


def write_path(path: Sequence[int]) -> str:
    """Return a path as the text of a Python list of Title Case names."""
    return repr([NAMES[index] for index in path])
