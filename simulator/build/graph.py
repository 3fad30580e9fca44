"""The dependency graph of synthetic profiles, P(attribute | parents), read from `graph.toml` (raise.md, section 2)."""

import tomllib
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from graphlib import TopologicalSorter
from importlib.resources import files
from itertools import accumulate
from math import isclose
from typing import Any

from simulator.attributes import ATTRIBUTES, KEYS
from simulator.domains import issues

ISSUE = "issue"
"""The root of the graph: the issue that a scenario is about (the paper's S)."""

ANY = "*"
"""The key that stands for every issue without a row of its own."""


@dataclass(frozen=True)
class Node:
    """The distribution of one attribute given its parents: a row, times factors, scaled to sum 1.

    Fields:
        key: snake_case key of the attribute.
        values: what can be drawn; the vocabulary of the attribute (for the emotional state: its tones).
        parents: keys of the attributes it depends on, and perhaps `issue`.
        given: the parent that chooses the row.
        rows: parent value -> `[values]`, probabilities that sum to 1.
        times: parent -> parent value -> `[values]`, factors >= 0.
    """

    key: str
    values: tuple[str, ...]
    parents: tuple[str, ...]
    given: str
    rows: Mapping[str, tuple[float, ...]]
    times: Mapping[str, Mapping[str, tuple[float, ...]]]
    _cumulative: dict[tuple[str, ...], tuple[float, ...]] = field(default_factory=dict, repr=False, compare=False)

    def probabilities(self, drawn: Mapping[str, str]) -> tuple[float, ...]:
        """Return P(value | parents), `[values]`, from values for (at least) all parents.

        Raises:
            ValueError: where the factors leave no value possible.
        """
        weights = _lookup(self.rows, self.given, drawn[self.given])
        for parent, table in self.times.items():
            factors = _lookup(table, parent, drawn[parent])
            if factors:
                weights = tuple(w * f for w, f in zip(weights, factors, strict=True))
        total = sum(weights)
        if total <= 0:
            given = ", ".join(f"{parent} {drawn[parent]}" for parent in self.parents)
            raise ValueError(f"graph.toml: no value of {self.key} is possible given {given}")
        return tuple(w / total for w in weights)

    def draw(self, drawn: Mapping[str, str], uniform: float) -> str:
        """Return the value at a uniform number of [0, 1) on the cumulative distribution given the parents."""
        key = tuple(drawn[parent] for parent in self.parents)
        cumulative = self._cumulative.get(key)
        if cumulative is None:
            cumulative = self._cumulative[key] = tuple(accumulate(self.probabilities(drawn)))
        return self.values[min(bisect_right(cumulative, uniform * cumulative[-1]), len(self.values) - 1)]


@dataclass(frozen=True)
class Graph:
    """All ten attributes, each after its parents."""

    nodes: tuple[Node, ...]

    def draw(self, issue: str, uniforms: Sequence[float]) -> dict[str, str]:
        """Draw one profile for an issue: key -> value (for the emotional state: its tone).

        `uniforms[i]` belongs to attribute i in canonical order, so the order of the nodes changes nothing.
        """
        drawn = {ISSUE: issue}
        for node in self.nodes:
            drawn[node.key] = node.draw(drawn, uniforms[KEYS.index(node.key)])
        return drawn

    def __getitem__(self, key: str) -> Node:
        return next(node for node in self.nodes if node.key == key)


@cache
def bundled_graph() -> Graph:
    """Read the graph that comes with the project."""
    return read_graph(files("simulator.build").joinpath("graph.toml").read_text("utf-8"))


def read_graph(text: str) -> Graph:
    """Read and check a graph.

    Raises:
        ValueError: where the TOML is malformed, an attribute, row or value is missing or unknown, a row does not sum
            to 1, a factor is negative, or the graph has a cycle.
    """
    tables = tomllib.loads(text)
    if set(tables) != set(KEYS):
        raise ValueError(f"graph.toml: the tables are not the ten attributes: {sorted(set(tables) ^ set(KEYS))}")
    values = {a.key: tuple(tables[a.key].get("values", a.vocabulary)) for a in ATTRIBUTES}
    nodes = {key: _node(key, table, values) for key, table in tables.items()}
    order = TopologicalSorter({key: node.parents for key, node in nodes.items()}).static_order()
    return Graph(tuple(nodes[key] for key in order if key != ISSUE))


def _node(key: str, table: Mapping[str, Any], values: Mapping[str, tuple[str, ...]]) -> Node:
    if not {"parents", "given", "rows"} <= set(table):
        raise ValueError(f"graph.toml: {key} needs parents, given and rows")
    parents, given, rows, times = table["parents"], table["given"], table["rows"], table.get("times", {})
    if {given, *times} != set(parents) or not set(parents) <= {ISSUE, *values}:
        raise ValueError(f"graph.toml: the parents of {key} are not those of its rows and factors")
    for parent, keys in ((given, rows), *times.items()):
        unknown = set(keys) - set(_known(parent, values))
        if unknown:
            raise ValueError(f"graph.toml: {key} names {sorted(unknown)}, which is no {parent}")
    missing = {ANY} - set(rows) if given == ISSUE else set(values[given]) - set(rows)
    if missing:
        raise ValueError(f"graph.toml: {key} has no row for {sorted(missing)}")
    return Node(
        key=key,
        values=values[key],
        parents=tuple(parents),
        given=given,
        rows={name: _row(key, name, row, len(values[key])) for name, row in rows.items()},
        times={
            parent: {name: _factors(key, name, row, values[key]) for name, row in by.items()}
            for parent, by in times.items()
        },
    )


def _row(key: str, name: str, row: Sequence[float], length: int) -> tuple[float, ...]:
    if len(row) != length or min(row) < 0 or not isclose(sum(row), 1, abs_tol=1e-9):
        raise ValueError(f"graph.toml: row {name} of {key} is not {length} probabilities that sum to 1")
    return tuple(map(float, row))


def _factors(key: str, name: str, row: Mapping[str, float], values: Sequence[str]) -> tuple[float, ...]:
    if not set(row) <= set(values) or min(row.values()) < 0:
        raise ValueError(f"graph.toml: the factors {name} of {key} name an unknown value or are negative")
    return tuple(float(row.get(value, 1)) for value in values)


def _lookup(table: Mapping[str, tuple[float, ...]], parent: str, value: str) -> tuple[float, ...]:
    """Find the most specific entry for a parent's value; empty where there is none."""
    keys = _issue_keys()[value] if parent == ISSUE else (value,)
    return next((table[key] for key in keys if key in table), ())


def _known(parent: str, values: Mapping[str, tuple[str, ...]]) -> set[str]:
    if parent != ISSUE:
        return set(values[parent])
    return {key for keys in _issue_keys().values() for key in keys}


@cache
def _issue_keys() -> dict[str, tuple[str, ...]]:
    """Issue name -> the keys that it answers to, most specific first."""
    return {i.name: (i.name, i.sub_category, i.domain, ANY) for i in issues()}
