"""The tree of a search as SVG: the most visited orders, from left to right."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from planner.recommend import best
from planner.trace import Trace
from planner.tree import OrderTree, Tree, replay, replay_orders
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
    children = children_of(orders)
    try:
        returned = set(nodes_along(orders, children, best(trace).path))
    except ValueError:
        returned = set()

    def kept(node: int, least: int) -> list[int]:
        below = sorted(children[node], key=lambda child: (-int(orders.visits[child]), child))
        many = [child for child in below if orders.visits[child] >= least][:top]
        return many + [child for child in below if child in returned and child not in many]

    def leaves(node: int, least: int) -> int:
        below = kept(node, least)
        return sum(leaves(child, least) for child in below) if below else 1

    least = 1
    while leaves(0, least) > rows and least <= trace.rollouts:
        least = max(least + 1, int(least * 1.4))
    return place(tree, orders, names, lambda node: kept(node, least), returned)


def children_of(orders: OrderTree) -> list[list[int]]:
    """List the children of every node, by creation."""
    children: list[list[int]] = [[] for _ in orders.parent]
    for node, parent in enumerate(orders.parent[1:].tolist(), 1):
        children[parent].append(node)
    return children


def nodes_along(orders: OrderTree, children: Sequence[Sequence[int]], order: Sequence[int]) -> list[int]:
    """List the nodes from the root along an order, as far as it was taken: a set may be found by other orders."""
    nodes = [0]
    for attribute in order:
        on = [child for child in children[nodes[-1]] if orders.attribute[child] == attribute]
        if not on:
            break
        nodes.append(on[0])
    return nodes


def place(
    tree: Tree,
    orders: OrderTree,
    names: Sequence[str],
    below: Callable[[int], Sequence[int]],
    returned: Collection[int],
) -> list[Node]:
    """Place the root and what hangs on it from above, parents before children.

    Args:
        below: which children of a node are drawn, in this order. returned: nodes on the path that the search returned.
    """
    placed: list[Node] = []
    used = 0
    number_of = np.bincount(orders.parent[1:], minlength=len(orders.parent))

    def put(node: int, depth: int, parent: int) -> float:
        nonlocal used
        number, drawn = len(placed), below(node)
        placed.append(Node(depth, 0.0, parent, "", 0, 0, None, False, 0))
        at = [put(child, depth + 1, number) for child in drawn]
        row = sum(at) / len(at) if at else float(used)
        used += not at
        known = tree.node_of.get(int(orders.mask[node]))
        visits = int(tree.visits[known]) if known is not None else 0
        q = float(tree.q[known]) if known is not None and visits else None
        name = names[int(orders.attribute[node])] if node else "nothing known"
        hidden = int(number_of[node]) - len(drawn)
        placed[number] = Node(depth, row, parent, name, int(orders.visits[node]), visits, q, node in returned, hidden)
        return row

    put(0, 0, -1)
    return placed


def tree(key: str, title: str, description: str, nodes: Sequence[Node], style: str | None = None) -> Markup:
    """Draw placed nodes; a line is as thick as many rollouts went along it, the returned path is starred and bold.

    Args:
        style: as in `drawing`; where it is given, nodes have a stripe of class `low`, `mid` or `high` after their Q.
    """
    if len(nodes) < 2:
        return drawing(key, 520, 40, title, description, text(8, 24, EMPTY), style=style)
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
            *([_stripe(x, y, node.q)] if style and node.q is not None else ()),
            text(x + 6, y + 12, f"{'★ ' if node.best else ''}{node.name}", "label"),
            text(x + 6, y + 24, f"Q {value} · N {node.visits}{more}", "small"),
        ]
    width = 12 + max(node.depth for node in nodes) * _COLUMN + _BOX
    height = 12 + (max(node.row for node in nodes) + 1) * _ROW
    return drawing(key, max(520, width), height, title, description, *edges, *boxes, style=style)


def _stripe(x: float, y: float, q: float) -> Markup:
    return element("rect", x=x + 1.5, y=y + 3, width=3, height=23, class_=value_band(q))


def value_band(q: float) -> str:
    """Return whether a value 1-5 is low, mid or high, where there is no room for more colours."""
    return "low" if q < 2.6 else "mid" if q < 3.6 else "high"
