"""The tree of a search as SVG: the most visited orders, from left to right."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from planner.recommend import best
from planner.trace import Trace
from planner.tree import replay, replay_orders
from workbench.report.charts import EMPTY
from workbench.report.svg import drawing, element, text

_ROW, _COLUMN, _BOX = 36, 182, 158


@dataclass(frozen=True, slots=True)
class Node:
    """A node of the drawn tree.

    Fields:
        depth: attributes acquired. row: place from above, may lie between two rows.
        parent: number of the node that it hangs on, -1 for the first.
        name: what was acquired last. order: successful rollouts through exactly this order.
        visits, q: N and Q (1-5) of the set that it holds; q is None where N = 0.
        best: it lies on the path that the search returned.
        hidden: children that are not drawn.
    """

    depth: int
    row: float
    parent: int
    name: str
    order: int
    visits: int
    q: float | None
    best: bool
    hidden: int


def layout(trace: Trace, names: Sequence[str], *, top: int = 3, rows: int = 18) -> list[Node]:
    """Choose and place nodes: of each, the `top` most visited children, and the returned path wherever it leads.

    Nodes of few rollouts are left out until no more than `rows` leaves are left.
    """
    tree, orders = replay(trace), replay_orders(trace)
    children: dict[int, list[int]] = {}
    for node, parent in enumerate(orders.parent.tolist()):
        children.setdefault(parent, []).append(node)
    try:
        path: tuple[int, ...] = best(trace).path
    except ValueError:
        path = ()
    returned, node = {0}, 0
    for attribute in path:
        on = [child for child in children.get(node, ()) if orders.attribute[child] == attribute]
        if not on:  # the set was found by other orders than the one that is asked
            break
        returned.add(node := on[0])

    def kept(node: int, least: int) -> list[int]:
        below = sorted(children.get(node, ()), key=lambda child: (-int(orders.visits[child]), child))
        many = [child for child in below if orders.visits[child] >= least][:top]
        return many + [child for child in below if child in returned and child not in many]

    def leaves(node: int, least: int) -> int:
        below = kept(node, least)
        return sum(leaves(child, least) for child in below) if below else 1

    least = 1
    while leaves(0, least) > rows and least <= trace.rollouts:
        least = max(least + 1, int(least * 1.4))
    placed: list[Node] = []
    used = 0

    def place(node: int, depth: int, parent: int) -> float:
        nonlocal used
        number, below = len(placed), kept(node, least)
        placed.append(Node(depth, 0.0, parent, "", 0, 0, None, False, 0))
        at = [place(child, depth + 1, number) for child in below]
        row = sum(at) / len(at) if at else float(used)
        used += not at
        known = tree.node_of.get(int(orders.mask[node]))
        visits = int(tree.visits[known]) if known is not None else 0
        q = float(tree.q[known]) if known is not None and visits else math.nan
        name = names[int(orders.attribute[node])] if node else "nothing known"
        hidden = len(children.get(node, ())) - len(below)
        told = None if math.isnan(q) else q
        placed[number] = Node(
            depth, row, parent, name, int(orders.visits[node]), visits, told, node in returned and bool(path), hidden
        )
        return row

    place(0, 0, -1)
    return placed


def tree(key: str, title: str, description: str, nodes: Sequence[Node]) -> Markup:
    """Draw placed nodes; a line is as thick as many rollouts went along it, the returned path is starred and bold."""
    if len(nodes) < 2:
        return drawing(key, 520, 40, title, description, text(8, 24, EMPTY))
    most = max(node.order for node in nodes[1:]) or 1
    edges, boxes = [], []
    for node in nodes:
        x, y = 6 + node.depth * _COLUMN, 6 + node.row * _ROW
        if node.parent >= 0:
            parent = nodes[node.parent]
            x0, y0 = 6 + parent.depth * _COLUMN + _BOX, 6 + parent.row * _ROW + 14
            bend = (x0 + x) / 2
            edges.append(
                element(
                    "path",
                    d=f"M{x0:.1f} {y0:.1f}C{bend:.1f} {y0:.1f} {bend:.1f} {y + 14:.1f} {x:.1f} {y + 14:.1f}",
                    class_="edge best" if node.best else "edge",
                    stroke_width=1 + 5 * node.order / most,
                )
            )
        value = "–" if node.q is None else f"{node.q:.2f}"
        more = f" · +{node.hidden}" if node.hidden else ""
        boxes += [
            element("rect", x=x, y=y, width=_BOX, height=29, rx=4, class_="node best" if node.best else "node"),
            text(x + 6, y + 12, f"{'★ ' if node.best else ''}{node.name}", "label"),
            text(x + 6, y + 24, f"Q {value} · N {node.visits}{more}", "small"),
        ]
    width = 12 + max(node.depth for node in nodes) * _COLUMN + _BOX
    height = 12 + (max(node.row for node in nodes) + 1) * _ROW
    return drawing(key, max(520, width), height, title, description, *edges, *boxes)
