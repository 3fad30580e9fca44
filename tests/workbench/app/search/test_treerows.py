"""Rows of the tree: a function of search, position and folds; the figures are those of the trees."""

import math
from dataclasses import fields
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.tree import scores
from tests.workbench.app.search.searches import state_of, trace_of
from workbench.app.state.search.search import SearchState
from workbench.app.state.search.treerows import Mark, Rows, TreeRows, nodes_along, order_of


def same(left: Rows, right: Rows) -> bool:
    """Tell whether two layouts are equal in everything."""
    pairs = [(getattr(left, f.name), getattr(right, f.name)) for f in fields(Rows)]
    return all(np.array_equal(a, b, equal_nan=np.asarray(a).dtype.kind == "f") for a, b in pairs)


def slow_rows(view: TreeRows, state: SearchState) -> list[tuple[int, bool, int]]:
    """Walk the tree from node to node: (node, stands for hidden children, how many), from the top."""
    orders = state.whole if view.later else state.orders
    tree = state.whole_tree if view.later else state.tree
    found = state.whole_best if view.later else state.best
    chosen = nodes_along(orders, found.path) if found else [0]
    least = view.threshold(state)

    def count(node: int) -> int:
        at = tree.node_of.get(int(orders.mask[node]))
        return 0 if at is None else int(tree.visits[at])

    def value(node: int) -> float:
        at = tree.node_of.get(int(orders.mask[node]))
        return -math.inf if at is None or not tree.visits[at] else float(tree.q[at])

    def place(node: int) -> tuple[float, ...]:
        key = {"N": (count(node), value(node)), "Q": (value(node), count(node))}
        prior = float(tree.prior[tree.node_of[int(orders.mask[orders.parent[node]])], orders.attribute[node]])
        return (*(-x for x in key.get(view.sort, (prior, count(node), value(node)))), node)

    def walk(node: int) -> list[tuple[int, bool, int]]:
        rows = [(node, False, 0)]
        often = orders.visits[node] >= max(2, orders.visits[0] // 8)
        opened = node == 0 or node in chosen or often or node in view.unfolded
        below = np.flatnonzero(orders.parent == node).tolist()
        if node in view.folded or not opened or not below:
            return rows
        ranked = sorted(below, key=place)
        kept = [
            child
            for rank, child in enumerate(ranked)
            if (count(child) >= least and (view.top is None or rank < view.top))
            or child in view.revealed
            or node in view.entire
            or child in chosen
        ]
        for child in kept:
            rows += walk(child)
        return rows + ([(node, True, len(below) - len(kept))] if len(kept) < len(below) else [])

    return walk(0)


views = st.fixed_dictionaries(
    {
        "sort": st.sampled_from(["N", "Q", "prior"]),
        "least": st.sampled_from([None, 0, 3, 10]),
        "top": st.sampled_from([None, 2]),
        "later": st.booleans(),
        "unfolded": st.sets(st.integers(0, 90)),
        "folded": st.sets(st.integers(1, 90)),
        "entire": st.sets(st.integers(0, 90)),
        "revealed": st.sets(st.integers(0, 90)),
    }
)


@settings(max_examples=60, deadline=None)
@given(view=views, t=st.integers(0, 80))
def test_rows_are_those_of_a_walk_through_the_tree(view: dict[str, Any], t: int) -> None:
    state = state_of()
    state.move_to(t)
    looking = TreeRows(**view)
    rows = looking.build(state)
    more = (rows.mark & Mark.MORE) != 0
    assert list(zip(rows.node.tolist(), more.tolist(), rows.hidden.tolist(), strict=True)) == slow_rows(looking, state)


moves = st.lists(
    st.one_of(
        st.tuples(st.just("move"), st.integers(0, 80)),
        st.tuples(st.just("grow"), st.integers(1, 80)),
        st.tuples(st.just("build"), st.just(0)),
    ),
    max_size=12,
)


@settings(max_examples=60, deadline=None)
@given(moves=moves, view=views, t=st.integers(0, 80))
def test_rows_do_not_depend_on_the_way_to_a_position(
    moves: list[tuple[str, int]], view: dict[str, Any], t: int
) -> None:
    trace = trace_of()
    state, known = state_of(trace.until(1), state="running"), 1
    looking = TreeRows(**view)
    for what, number in moves:
        if what == "move":
            state.move_to(number)
        elif what == "grow":
            known = max(known, min(number, trace.rollouts))
            state.load(trace.until(known), running=True)
        else:
            looking.build(state)
    state.load(trace, running=False)
    state.move_to(t)
    fresh = state_of()
    fresh.move_to(t)
    assert same(looking.build(state), TreeRows(**view).build(fresh))


def test_figures_are_those_of_the_trees() -> None:
    state = state_of()
    state.move_to(55)
    rows = TreeRows(least=0, later=False, unfolded=set(range(999))).build(state)
    assert len(rows) == len(state.orders.parent)
    last = order_of(state.orders, int(state.orders.nodes[-1][-1]))
    for row in range(len(rows)):
        node, mask, mark = int(rows.node[row]), int(rows.mask[row]), Mark(int(rows.mark[row]))
        order = order_of(state.orders, node)
        at = state.tree.node_of[mask]
        assert rows.depth[row] == len(order)
        assert rows.visits[row] == state.tree.visits[at]
        assert rows.order[row] == state.orders.visits[node]
        assert (Mark.PATH in mark) == (order == last[: len(order)])
        assert (Mark.SEVERAL in mark) == (int((state.orders.mask == mask).sum()) > 1)
        assert (Mark.LEFT_OUT in mark) == bool(state.tree.left_out[at])
        assert (Mark.FIRST_PLAY in mark) == (node > 0 and not state.tree.visits[at])
        if order:
            told = {one.attribute: one for one in scores(state.tree, mask & ~(1 << order[-1]))}[order[-1]]
            assert rows.prior[row] == told.prior
            assert rows.q[row] == pytest.approx(state.tree.rule.shown(told.q))


def test_rows_that_come_later_stay_and_are_marked() -> None:
    state = state_of()
    end = TreeRows().build(state)
    state.move_to(4)
    then = TreeRows().build(state)
    assert then.node.tolist() == end.node.tolist()
    later = (then.mark & Mark.LATER) != 0
    assert later.any()
    assert (then.order[later] == 0).all()
    assert not (TreeRows(later=False).build(state).mark & Mark.LATER).any()


def test_the_chosen_path_is_seen_whatever_is_hidden() -> None:
    state = state_of()
    assert state.best is not None
    rows = TreeRows(least=100).build(state)
    chosen = [int(node) for node, mark in zip(rows.node, rows.mark, strict=True) if mark & Mark.CHOSEN]
    assert chosen == nodes_along(state.orders, state.best.path)
    assert len(chosen) == 4


def test_a_node_is_revealed_with_all_above_it() -> None:
    state, view = state_of(), TreeRows(least=100)
    node = len(state.whole.parent) - 1
    view.reveal(state.whole, node)
    assert view.build(state).find(node) is not None


@pytest.mark.parametrize("planner", ["static", "random", "greedy", "exhaustive"])
def test_searches_that_count_only_what_they_evaluate(planner: str) -> None:
    state = state_of(trace_of(30, planner=planner), planner=planner)
    for t in (0, 1, state.trace.rollouts):
        state.move_to(t)
        rows = TreeRows(least=0).build(state)
        assert rows.node[0] == 0
        assert not (rows.mark[rows.visits == 0] & Mark.FIRST_PLAY).any()
