"""What is seen of a search's tree, as files: SVG, DOT, JSON and text.

No text of a person is in it: the scenario stands there by its id. The world does too, so that what a surrogate
produced says so in every file.
"""

import json
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np

from planner.tree import OrderTree, Tree
from themes import palettes
from workbench.app.state.search.search import SearchState
from workbench.report import treechart
from workbench.text import plain

FORMAT = "workbench-tree-1"
"""Of the JSON file."""

Order = tuple[int, ...]


class TreeFile(NamedTuple):
    """A file that can be written: its name without suffix, the suffix with its dot, and what makes the text."""

    name: str
    suffix: str
    make: Callable[[], str]


@dataclass(frozen=True, slots=True)
class Row:
    """A node of the tree of orders, as it is seen.

    Fields:
        node: its number in the tree of orders. parent: the row that it hangs on, None for the first.
        order: names of the attributes in the order asked.
        visits, q: N and Q (1-5) of the set; q is the first-play value where N = 0, None where nothing is known.
        prior: of the action that leads here; None where it was not asked.
        order_visits: rollouts through exactly this order.
        first_play, several, last_rollout, chosen, left_out: as the marks on the screen.
        hidden: children that are not seen.
    """

    node: int
    parent: int | None
    order: tuple[str, ...]
    visits: int
    q: float | None
    prior: float | None
    order_visits: int
    first_play: bool
    several: bool
    last_rollout: bool
    chosen: bool
    left_out: bool
    hidden: int

    @property
    def name(self) -> str:
        """What was acquired last."""
        return self.order[-1] if self.order else "nothing known"

    @property
    def marks(self) -> str:
        """The marks of the screen: = several orders, ★ chosen, ◀ last rollout, ⊘ left out."""
        marks = (("=", self.several), ("★", self.chosen), ("◀", self.last_rollout), ("⊘", self.left_out))
        return " ".join(mark for mark, applies in marks if applies)


def tree_files(state: SearchState, visible: Iterable[Order]) -> list[TreeFile]:
    """Return the files that what is seen can be written to.

    Args:
        visible: the orders that are seen, from the top; those that the position has not come to are left out.
    """
    seen = tuple(visible)
    name = f"search-{plain(state.scenario)}-{state.unit}-at-{state.t}"
    makers = ((".svg", as_svg), (".dot", as_dot), (".json", as_json), (".txt", as_text))
    return [TreeFile(name, suffix, partial(make, state, seen)) for suffix, make in makers]


def title(state: SearchState) -> str:
    """Say what the file shows, and which world it comes from."""
    parts = [f"Search of {state.scenario}", f"run {state.run}", f"world: {state.world}", f"model: {state.model}"]
    parts += [
        f"planner: {state.planner}, rule {state.trace.rule}",
        f"after {state.t} of {state.trace.rollouts} rollouts",
    ]
    return plain(" · ".join(parts))


def tree_rows(state: SearchState, visible: Iterable[Order]) -> list[Row]:
    """Look up what is seen; what hangs on nothing that is seen is left out, and so is what has not come yet."""
    tree, orders = state.tree, state.orders
    children = treechart.children_of(orders)
    nodes = _nodes(orders, children, visible)
    place = {node: row for row, node in enumerate(nodes)}
    names = tuple(map(plain, state.names))
    several = np.bincount(orders.mask, minlength=1 << tree.n)
    last = set(orders.nodes[-1].tolist()) if state.t else set()
    chosen = set(treechart.nodes_along(orders, children, state.best.path)) if state.best is not None else set()
    rows: list[Row] = []
    for node in nodes:
        parent = place.get(int(orders.parent[node])) if node else None
        mask, above = int(orders.mask[node]), int(orders.mask[orders.parent[node]])
        known, state_node = tree.node_of.get(mask), tree.node_of.get(above) if node else None
        visits = int(tree.visits[known]) if known is not None else 0
        q = float(tree.q[known]) if known is not None and visits else _first_play(tree, state_node)
        attribute = int(orders.attribute[node])
        prior = float(tree.prior[state_node, attribute]) if state_node is not None else math.nan
        order = (*rows[parent].order, names[attribute]) if parent is not None else ()
        rows.append(
            Row(
                node=node,
                parent=parent,
                order=order,
                visits=visits,
                q=None if math.isnan(q) else q,
                prior=None if math.isnan(prior) else prior,
                order_visits=int(orders.visits[node]),
                first_play=not visits and not math.isnan(q),
                several=int(several[mask]) > 1,
                last_rollout=node in last,
                chosen=node in chosen,
                left_out=known is not None and bool(tree.left_out[known]),
                hidden=sum(child not in place for child in children[node]),
            )
        )
    return rows


def as_svg(state: SearchState, visible: Iterable[Order]) -> str:
    """Draw what is seen, in the colours of the light palette; the file needs nothing else."""
    rows = tree_rows(state, visible)
    below: dict[int, list[int]] = {}
    for row in rows[1:]:
        assert row.parent is not None
        below.setdefault(rows[row.parent].node, []).append(row.node)
    chosen = {row.node for row in rows if row.chosen}
    names = tuple(map(plain, state.names))
    nodes = treechart.place(state.tree, state.orders, names, lambda node: below.get(node, ()), chosen)
    description = f"{len(rows)} nodes of the tree of orders, from left to right what is acquired next. {_LEGEND}"
    drawn = treechart.tree("tree", title(state), description, nodes, style=style())
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{drawn}\n'


def as_dot(state: SearchState, visible: Iterable[Order]) -> str:
    """Write what is seen as a graph for Graphviz."""
    lines = [
        f"digraph {quoted(title(state))} {{",
        f"  graph [rankdir=LR, labelloc=t, label={quoted(title(state))}];",
        '  node [shape=box, style=rounded, fontname="sans-serif"];',
    ]
    for number, row in enumerate(tree_rows(state, visible)):
        label = f"{row.name}\n{_value(row)} · N {row.visits}{f' · +{row.hidden}' if row.hidden else ''}"
        width = ", penwidth=2.5" if row.chosen else ""
        lines.append(f"  n{number} [label={quoted(label)}{width}];")
        if row.parent is not None:
            bold = ", style=bold" if row.last_rollout else ""
            lines.append(f"  n{row.parent} -> n{number} [label={quoted(str(row.order_visits))}{bold}];")
    return "\n".join([*lines, "}", ""])


def as_json(state: SearchState, visible: Iterable[Order]) -> str:
    """Write what is seen as data: exact numbers, where they come from, and the position."""
    data = origin(state, FORMAT) | {"nodes": [_node(row) for row in tree_rows(state, visible)]}
    return json.dumps(data, indent=1, allow_nan=False) + "\n"


def origin(state: SearchState, form: str) -> dict[str, object]:
    """Return what every JSON file of a search begins with: its format, where it comes from, and the position."""
    trace, best = state.trace, state.best
    names = tuple(map(plain, state.names))
    return {
        "format": form,
        "scenario": state.scenario,
        "run": state.run,
        "unit": state.unit,
        "world": state.world,
        "model": state.model,
        "judge": state.judge,
        "planner": state.planner,
        "rule": trace.rule,
        "c": trace.c,
        "depth": trace.depth,
        "t": state.t,
        "rollouts": trace.rollouts,
        "attributes": list(names),
        "best": None
        if best is None
        else {"attributes": [names[a] for a in best.path], "q": best.q, "visits": best.visits},
    }


def as_text(state: SearchState, visible: Iterable[Order]) -> str:
    """Write what is seen with the columns of the screen."""
    rows = tree_rows(state, visible)
    depth = [len(row.order) for row in rows]
    labels = [f"{'  ' * d}{row.name}" for d, row in zip(depth, rows, strict=True)]
    width = max(map(len, [*labels, "attributes in the order asked"])) + 2
    lines = [title(state), _LEGEND, ""]
    lines.append(f"{'attributes in the order asked':<{width}}{'N':>6}{'Q ':>8}{'prior':>7}{'this order':>12}")
    after = _ends(rows)
    for number, (label, row) in enumerate(zip(labels, rows, strict=True)):
        prior = "" if row.prior is None else f"{row.prior:.2f}"
        line = f"{label:<{width}}{row.visits:>6}{_q(row):>8}{prior:>7}{row.order_visits:>12}  {row.marks}"
        lines.append(line.rstrip())
        lines += [f"{'  ' * (depth[parent] + 1)}… {rows[parent].hidden} more" for parent in after.get(number, ())]
    return "\n".join([*lines, ""])


_LEGEND = (
    "N and Q belong to the set, which several orders may reach (=); Q on 1-5, a first-play value in brackets; "
    "★ chosen, ◀ last rollout, ⊘ left out."
)


def _nodes(orders: OrderTree, children: Sequence[Sequence[int]], visible: Iterable[Order]) -> list[int]:
    found = [0]
    seen = {0}
    for order in visible:
        along = treechart.nodes_along(orders, children, order)
        if len(along) == len(order) + 1 and along[-1] not in seen and along[-2] in seen:
            seen.add(along[-1])
            found.append(along[-1])
    return found


def _first_play(tree: Tree, state: int | None) -> float:
    """Return the value (1-5) that stands for an action never taken in a state; NaN where nothing leads here."""
    if state is None:
        return math.nan
    if tree.rule.first_play is not None:
        return tree.rule.shown(tree.rule.first_play)
    return float(tree.q[state]) if tree.visits[state] else tree.rule.shown(tree.rule.start)


def _ends(rows: Sequence[Row]) -> dict[int, list[int]]:
    """Return after which row the hidden children of a row are to be named: below the last one that hangs on it."""
    last = list(range(len(rows)))
    for number in range(len(rows) - 1, 0, -1):
        parent = rows[number].parent
        assert parent is not None
        last[parent] = max(last[parent], last[number])
    found: dict[int, list[int]] = {}
    for number in range(len(rows) - 1, -1, -1):  # what lies deeper is named first
        if rows[number].hidden:
            found.setdefault(last[number], []).append(number)
    return found


def _node(row: Row) -> dict[str, object]:
    return {
        "attributes": list(row.order),
        "parent": row.parent,
        "visits": row.visits,
        "q": row.q,
        "first_play": row.first_play,
        "prior": row.prior,
        "order_visits": row.order_visits,
        "several_orders": row.several,
        "last_rollout": row.last_rollout,
        "chosen": row.chosen,
        "left_out": row.left_out,
        "hidden": row.hidden,
    }


def _q(row: Row) -> str:
    return "– " if row.q is None else f"({row.q:.2f})" if row.first_play else f"{row.q:.2f} "


def _value(row: Row) -> str:
    return f"Q {_q(row).strip()}"


def quoted(text: str) -> str:
    """Return a string of DOT's: only quotes and backslashes mean anything in it."""
    escaped = plain(text, lines=True).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def style() -> str:
    """Return the rules of a drawing that stands alone, with the colours of the light palette."""
    c = palettes()["light"].colours
    return (
        f".paper {{ fill: {c['background']}; }} "
        f"text {{ font: 11px/1 system-ui, sans-serif; fill: {c['foreground']}; }} "
        ".heading { font-size: 12.5px; font-weight: 600; } "
        f".small {{ font-size: 10px; fill: {c['muted']}; }} "
        f".edge {{ fill: none; stroke: {c['border-blurred']}; }} .edge.best {{ stroke: {c['path']}; }} "
        f".node {{ fill: {c['surface']}; stroke: {c['border-blurred']}; }} "
        f".node.best {{ stroke: {c['path']}; stroke-width: 2.5; }} "
        + " ".join(f".{band} {{ fill: {c[f'value-{band}']}; }}" for band in ("low", "mid", "high"))
    )
