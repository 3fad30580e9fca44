"""What is seen of a search's lattice of sets, as files: SVG, DOT, JSON and text. As in `treeexport`, nobody's text."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from planner.subsets import members
from workbench.app.state.search.lattice import Cell, Lattice
from workbench.app.state.search.search import SearchState
from workbench.app.state.search.treeexport import TreeFile, origin, quoted, style, title
from workbench.explain import short_names
from workbench.report.svg import drawing, element, text
from workbench.report.treechart import value_band
from workbench.text import plain

FORMAT = "workbench-lattice-1"
"""Of the JSON file."""

_LEGEND = "Columns by size; Q on 1-5; ★ on the way to the chosen set, ◀ last rollout, ⊘ left out."

_ROW, _GAP, _LEAST, _LETTER = 36, 40, 90, 5.6
"""In pixels: a set with the space below it, the space between columns, the least width of a set, a letter's."""


@dataclass(frozen=True, slots=True)
class Edge:
    """Two sets that differ by one attribute, and that a rollout passed one after the other.

    Fields:
        below, above: the sets, as masks. attribute: what the second holds more. prior: of that action; None = unasked.
        visits: rollouts that went along it.
    """

    below: int
    above: int
    attribute: int
    prior: float | None
    visits: int


def lattice_files(state: SearchState, lattice: Lattice) -> list[TreeFile]:
    """Return the files that the lattice can be written to, as it stands at the position."""
    name = f"search-{plain(state.scenario)}-{state.unit}-lattice-at-{state.t}"
    makers = ((".svg", as_svg), (".dot", as_dot), (".json", as_json), (".txt", as_text))
    return [TreeFile(name, suffix, partial(make, state, lattice)) for suffix, make in makers]


def seen(lattice: Lattice) -> list[list[Cell]]:
    """Return the columns without the sets that the position has not come to."""
    return [[cell for cell in column if not cell.later] for column in lattice.columns]


def edges(state: SearchState) -> list[Edge]:
    """List the ways between sets that were taken up to the position, by where they lead from."""
    orders, tree = state.orders, state.tree
    found: dict[tuple[int, int], int] = {}
    for node in range(1, len(orders.mask)):
        key = int(orders.mask[orders.parent[node]]), int(orders.attribute[node])
        found[key] = found.get(key, 0) + int(orders.visits[node])
    made = []
    for (mask, attribute), visits in sorted(found.items()):
        known = tree.node_of.get(mask)
        prior = float(tree.prior[known, attribute]) if known is not None else np.nan
        made.append(Edge(mask, mask | 1 << attribute, attribute, None if np.isnan(prior) else prior, visits))
    return made


def as_svg(state: SearchState, lattice: Lattice) -> str:
    """Draw the lattice in the colours of the light palette; lines join the chosen chain and the last rollout."""
    columns, names = seen(lattice), _short(state)
    wide = [max([_LEAST, *(16 + _LETTER * len(_label(cell, names)) for cell in column)]) for column in columns]
    left = [6 + sum(wide[:size]) + size * _GAP for size in range(len(columns))]
    at = {
        cell.mask: (x, 24 + y * _ROW) for x, column in zip(left, columns, strict=True) for y, cell in enumerate(column)
    }
    marked = {cell.mask: cell for column in columns for cell in column if cell.chosen or cell.path}
    lines, boxes = [], []
    for edge in edges(state):
        low, high = marked.get(edge.below), marked.get(edge.above)
        if low and high and ((low.chosen and high.chosen) or (low.path and high.path)):
            y0, (x, y) = at[edge.below][1] + 14, at[edge.above]
            x0, bend = x - _GAP, x - _GAP / 2
            curve = f"M{x0:.1f} {y0}C{bend:.1f} {y0} {bend:.1f} {y + 14} {x:.1f} {y + 14}"
            best = low.chosen and high.chosen
            lines.append(element("path", d=curve, class_="edge best" if best else "edge", stroke_width=2.5))
    for size, column in enumerate(columns):
        boxes.append(text(left[size], 14, f"{size} known · {len(column)}", "small"))
        for cell in column:
            x, y = at[cell.mask]
            boxes.append(
                element(
                    "rect", x=x, y=y, width=wide[size], height=29, rx=4, class_="node best" if cell.chosen else "node"
                )
            )
            if cell.q is not None:
                boxes.append(element("rect", x=x + 1.5, y=y + 3, width=3, height=23, class_=value_band(cell.q)))
            boxes.append(text(x + 8, y + 12, _label(cell, names), "small"))
            boxes.append(text(x + 8, y + 24, f"Q {_q(cell)} · N {cell.visits}", "small"))
    width, height = left[-1] + wide[-1] + 6, 30 + max(map(len, columns), default=0) * _ROW
    drawn = drawing("lattice", max(520, width), height, title(state), _LEGEND, *lines, *boxes, style=style())
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{drawn}\n'


def as_dot(state: SearchState, lattice: Lattice) -> str:
    """Write the lattice as a graph for Graphviz: edges join sets one attribute apart that a rollout passed in turn."""
    names = _short(state)
    lines = [
        f"digraph {quoted(title(state))} {{",
        f"  graph [rankdir=LR, labelloc=t, label={quoted(title(state))}];",
        '  node [shape=box, style=rounded, fontname="sans-serif"];',
    ]
    for column in seen(lattice):
        for cell in column:
            label = f"{_name(cell.mask, names)}\nQ {_q(cell)} · N {cell.visits}"
            lines.append(f"  s{cell.mask} [label={quoted(label)}{', penwidth=2.5' if cell.chosen else ''}];")
    lines += [
        f"  s{edge.below} -> s{edge.above} [label={quoted(f'{names[edge.attribute]} {edge.visits}')}];"
        for edge in edges(state)
    ]
    return "\n".join([*lines, "}", ""])


def as_json(state: SearchState, lattice: Lattice) -> str:
    """Write the lattice as data: the sets by size, and the ways between them with their priors."""
    names = tuple(map(plain, state.names))
    sets = [
        [
            {
                "attributes": [names[a] for a in members(cell.mask)],
                "visits": cell.visits,
                "q": cell.q,
                "chosen": cell.chosen,
                "last_rollout": cell.path,
                "left_out": cell.left_out,
            }
            for cell in column
        ]
        for column in seen(lattice)
    ]
    ways = [
        {
            "from": [names[a] for a in members(edge.below)],
            "attribute": names[edge.attribute],
            "prior": edge.prior,
            "visits": edge.visits,
        }
        for edge in edges(state)
    ]
    data = origin(state, FORMAT) | {"sizes": sets, "edges": ways}
    return json.dumps(data, indent=1, allow_nan=False) + "\n"


def as_text(state: SearchState, lattice: Lattice) -> str:
    """Write the lattice as lines, a block for every size."""
    names, lines = _short(state), [title(state), _LEGEND]
    columns = seen(lattice)
    width = max(len(_name(cell.mask, names)) for column in columns for cell in column) + 2 if any(columns) else 2
    for size, column in enumerate(columns):
        lines += ["", f"{f'{size} known':<{width}}{'N':>6}{'Q':>7}"]
        for cell in column:
            lines.append(f"{_name(cell.mask, names):<{width}}{cell.visits:>6}{_q(cell):>7}  {_marks(cell)}".rstrip())
    return "\n".join([*lines, ""])


def _short(state: SearchState) -> tuple[str, ...]:
    return tuple(plain(name) for name in short_names(state.names))


def _name(mask: int, names: Sequence[str]) -> str:
    return ", ".join(names[a] for a in members(mask)) or "nothing known"


def _label(cell: Cell, names: Sequence[str]) -> str:
    return f"{_marks(cell)} {_name(cell.mask, names)}".strip()


def _q(cell: Cell) -> str:
    return "–" if cell.q is None else f"{cell.q:.2f}"


def _marks(cell: Cell) -> str:
    return " ".join(mark for mark, on in (("★", cell.chosen), ("◀", cell.path), ("⊘", cell.left_out)) if on)
