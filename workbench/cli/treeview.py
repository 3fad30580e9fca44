"""A search as text: its result, and its tree of orders with the values of the sets."""

import math
from collections.abc import Iterator, Sequence

from planner.recommend import best
from planner.trace import Trace
from planner.tree import OrderTree, Tree, replay, replay_orders
from workbench.cli.output import Column, Format, emit, emit_one

_COLUMNS = (
    Column("attributes", "attributes in the order asked"),
    Column("visits", "N of the set"),
    Column("q", "Q of the set"),
    Column("prior"),
    Column("this_order", "this order"),
    Column("mark", ""),
)


def emit_search(
    trace: Trace,
    names: Sequence[str],
    format: Format,
    *,
    title: str,
    top: int = 3,
    min_visits: int | None = None,
) -> None:
    """Print a search: its result and its tree, or all of it for machines.

    Args:
        top: children shown of each node.
        min_visits: nodes of fewer rollouts in this order are left out; default: of less than a thirtieth of all.
    """
    if format not in ("table", "md"):
        from planner.export import to_json

        emit_one(to_json(trace, names), format)
        return
    if min_visits is None:
        min_visits = max(1, trace.rollouts // 30)
    rows = list(tree_rows(trace, names, top=top, min_visits=min_visits))
    emit(rows, format, _COLUMNS, title=title)


def summary(trace: Trace, names: Sequence[str]) -> str:
    """Say in two lines what the search found and what it cost."""
    try:
        found = best(trace)
    except ValueError as error:
        return str(error)
    path = " > ".join(names[i] for i in found.path)
    failed = f", {trace.failed} failed" if trace.failed else ""
    return (
        f"best: {path}\nQ {found.q:.2f} over {found.visits} visits; "
        f"{trace.rollouts} rollouts{failed}, {trace.evaluations} evaluations, {len(trace.states)} rankings"
    )


def tree_rows(trace: Trace, names: Sequence[str], *, top: int = 3, min_visits: int = 2) -> Iterator[dict[str, object]]:
    """Yield a row per shown node of the tree of orders, parents before children, children by visits of this order."""
    tree, orders = replay(trace), replay_orders(trace)
    children: dict[int, list[int]] = {}
    for node, parent in enumerate(orders.parent.tolist()):
        children.setdefault(parent, []).append(node)
    several = _reached_by_several(orders)

    def walk(node: int, depth: int, on_path: bool) -> Iterator[dict[str, object]]:
        yield _row(tree, orders, node, depth, names, on_path, several)
        below = sorted(children.get(node, ()), key=lambda child: (-orders.visits[child], child))
        shown = [child for child in below if orders.visits[child] >= min_visits][:top]
        for child in shown:
            last = on_path and depth < len(tree.path) and tree.path[depth] == orders.attribute[child]
            yield from walk(child, depth + 1, last)
        if hidden := len(below) - len(shown):
            more = f"{'  ' * (depth + 1)}… {hidden} more"
            yield {column.key: more if column.key == "attributes" else "" for column in _COLUMNS}

    yield from walk(0, 0, on_path=True)


def _row(
    tree: Tree, orders: OrderTree, node: int, depth: int, names: Sequence[str], on_path: bool, several: set[int]
) -> dict[str, object]:
    mask = int(orders.mask[node])
    place = tree.node_of.get(mask)
    name = "nothing known" if node == 0 else names[int(orders.attribute[node])]
    prior = None
    if node and (state := tree.node_of.get(int(orders.mask[orders.parent[node]]))) is not None:
        value = float(tree.prior[state, int(orders.attribute[node])])
        prior = None if math.isnan(value) else value
    q = float(tree.q[place]) if place is not None and tree.visits[place] else None
    return {
        "attributes": f"{'  ' * depth}{name}",
        "visits": int(tree.visits[place]) if place is not None else 0,
        "q": q,
        "prior": prior,
        "this_order": int(orders.visits[node]),
        "mark": " ".join(mark for mark, applies in (("=", mask in several), ("◀", on_path)) if applies),
    }


def _reached_by_several(orders: OrderTree) -> set[int]:
    """Return the sets that more than one order has reached."""
    seen: set[int] = set()
    return {mask for mask in orders.mask.tolist() if mask in seen or seen.add(mask)}  # type: ignore[func-returns-value]
