"""The tree as files: each can be read again, says where it comes from, and holds nothing that could do harm."""

import json
import re
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.settings import PlannerSettings
from planner.tree import replay, replay_orders
from tests.planner.games import Game
from tests.workbench.app.search.small import state
from tests.workbench.report.hostile import HOSTILE
from workbench.app.state.search.search import SearchState
from workbench.app.state.search.treeexport import Order, as_dot, as_json, as_svg, as_text, tree_files, tree_rows
from workbench.app.state.search.treerows import order_of

SVG = "{http://www.w3.org/2000/svg}"


def every_order(search: SearchState) -> list[Order]:
    return [order_of(search.orders, node) for node in range(len(search.orders.parent))]


def read_dot(text: str) -> tuple[dict[str, str], list[tuple[str, str, str]]]:
    """Parse what we write of DOT, strictly: nodes with their labels, and edges with theirs."""
    string = r'"(?:[^"\\\n]|\\["\\n])*"'
    lines = text.splitlines()
    assert re.fullmatch(rf"digraph {string} \{{", lines[0])
    assert lines[-1] == "}"
    nodes, edges = {}, []
    for line in lines[1:-1]:
        if node := re.fullmatch(rf"  (n\d+) \[label=({string})(?:, penwidth=2\.5)?\];", line):
            nodes[node[1]] = json.loads(node[2])
        elif edge := re.fullmatch(rf"  (n\d+) -> (n\d+) \[label=({string})(?:, style=bold)?\];", line):
            edges.append((edge[1], edge[2], json.loads(edge[3])))
        else:
            assert re.fullmatch(rf"  (graph|node) \[(\w+=(\w+|{string})(, )?)+\];", line), line
    return nodes, edges


def test_json_holds_what_the_search_knows_and_where_it_comes_from() -> None:
    search = state()
    search.move_to(40)
    data = json.loads(as_json(search, every_order(search)))
    assert data["format"] == "workbench-tree-1"
    expected = {
        "scenario": "0123456789abcdef",
        "world": "surrogate",
        "t": 40,
        "rollouts": 60,
        "unit": 7,
        "rule": "raise",
    }
    assert {key: data[key] for key in expected} == expected
    tree, orders = replay(search.trace, 40), replay_orders(search.trace, 40)
    assert len(data["nodes"]) == len(orders.parent)
    index = {name: a for a, name in enumerate(data["attributes"])}
    for node, told in enumerate(data["nodes"]):
        mask = sum(1 << index[name] for name in told["attributes"])
        assert mask == orders.mask[node]
        assert told["visits"] == tree.visits[tree.node_of[mask]]
        assert told["q"] == tree.q[tree.node_of[mask]]
        assert told["order_visits"] == orders.visits[node]
        assert told["parent"] == (None if node == 0 else orders.parent[node])
        assert told["hidden"] == 0
        assert (told["prior"] is None) == (node == 0)
    assert sum(told["last_rollout"] for told in data["nodes"]) == 4
    assert sum(told["chosen"] for told in data["nodes"]) >= 2
    assert search.best is not None
    assert data["best"]["q"] == search.best.q


def test_what_is_not_seen_is_counted_and_not_written() -> None:
    search = state()
    top = [order for order in every_order(search) if len(order) <= 1]
    rows = tree_rows(search, top)
    below = sum(len(order) == 2 for order in every_order(search))
    assert sum(row.hidden for row in rows) == below
    assert [row.parent for row in rows] == [None] + [0] * (len(rows) - 1)
    text = as_text(search, top)
    assert f"… {rows[1].hidden} more" in text
    assert "· +" in as_dot(search, top)


def test_orders_that_hang_on_nothing_seen_or_have_not_come_yet_are_left_out() -> None:
    search = state()
    deep = next(order for order in every_order(search) if len(order) == 3)
    assert len(tree_rows(search, [deep])) == 1
    assert len(tree_rows(search, [deep[:1], deep[:2], deep, deep])) == 4
    search.move_to(0)
    assert len(tree_rows(search, [deep[:1], deep[:2], deep])) == 1
    for file in tree_files(search, [deep]):
        assert file.make()


def test_failed_evaluations_have_a_first_play_value_in_brackets_or_none() -> None:
    search = state(PlannerSettings(rollouts=30, depth=2), Game(n=4, seed=1, broken=frozenset({0b11})), tuple("ABCD"))
    row = next(row for row in tree_rows(search, every_order(search)) if set(row.order) == {"A", "B"})
    assert (row.visits, row.first_play, row.left_out) == (0, True, True)
    assert f"({row.q:.2f})" in as_text(search, every_order(search))
    literal = PlannerSettings(rollouts=30, depth=2, rule="raise-literal")
    search = state(literal, Game(n=4, seed=1, broken=frozenset(range(1, 16))), tuple("ABCD"))
    failed = tree_rows(search, every_order(search))
    assert failed[0].q is None
    assert {row.q for row in failed[1:]} == {0.0}


@pytest.mark.parametrize("planner", ["exhaustive", "greedy", "static"])
def test_searches_without_a_tree_of_their_own_can_be_written_too(planner: str) -> None:
    search = state(PlannerSettings(planner=planner, depth=2), Game(n=5, seed=1), tuple("ABCDE"))
    for file in tree_files(search, every_order(search)):
        assert "surrogate" in file.make()


def test_every_file_names_the_scenario_and_says_surrogate() -> None:
    search = state()
    search.move_to(10)
    files = tree_files(search, every_order(search))
    assert [file.suffix for file in files] == [".svg", ".dot", ".json", ".txt"]
    for file in files:
        assert file.name == "search-0123456789abcdef-7-at-10"
        text = file.make()
        assert "0123456789abcdef" in text
        assert "surrogate" in text
        assert "notice" not in text  # the query is a person's


def test_the_drawing_stands_alone() -> None:
    search = state()
    orders = every_order(search)
    root = ET.fromstring(as_svg(search, orders))
    assert root.tag == f"{SVG}svg"
    style = root.find(f"{SVG}style")
    assert style is not None
    assert style.text is not None
    assert "var(" not in style.text
    assert len(root.findall(f".//{SVG}path")) == len(orders) - 1
    assert not re.search(r"href|url\(|<script", as_svg(search, orders))


def test_dot_has_every_node_and_edge() -> None:
    search = state()
    orders = every_order(search)
    nodes, edges = read_dot(as_dot(search, orders))
    assert len(nodes) == len(orders)
    assert len(edges) == len(orders) - 1
    assert nodes["n0"].startswith("nothing known\nQ ")
    through = sum(int(label) for start, _, label in edges if start == "n0")
    assert through == search.trace.rollouts


def test_text_has_the_columns_of_the_screen() -> None:
    search = state(PlannerSettings(rollouts=8, depth=2), Game(n=3, seed=4), ("Age", "Gender", "Profession"))
    assert as_text(search, every_order(search)) == (
        "Search of 0123456789abcdef · run 1a2b3c4d · world: surrogate · model: surrogate/LLaMA-3.1-8B · "
        "planner: search, rule raise · after 8 of 8 rollouts\n"
        "N and Q belong to the set, which several orders may reach (=); Q on 1-5, a first-play value in brackets; "
        "★ chosen, ◀ last rollout, ⊘ left out.\n\n" + GOLDEN
    )


GOLDEN = """\
attributes in the order asked       N      Q   prior  this order
nothing known                       8   3.54                   8  ★ ◀
  Gender                            1   1.33    0.44           1
    Age                             1   1.33    0.57           1
  Age                               3   2.85    0.32           3
    Profession                      3   2.85    0.43           3
  Profession                        4   4.60    0.24           4  ★ ◀
    Gender                          4   4.60    0.43           4  ★ ◀
"""


@settings(max_examples=40)
@given(st.lists(st.text(max_size=12) | st.just(HOSTILE), min_size=3, max_size=3), st.text(max_size=20))
def test_hostile_names_stay_text(names: list[str], scenario: str) -> None:
    search = state(PlannerSettings(rollouts=10, depth=2), Game(n=3), tuple(names), scenario_id=scenario)
    orders = every_order(search)
    ET.fromstring(as_svg(search, orders))
    nodes, _ = read_dot(as_dot(search, orders))
    assert len(nodes) == len(orders)
    assert json.loads(as_json(search, orders))["scenario"] == scenario
    for made in (file.make() for file in tree_files(search, orders)):
        made.encode()
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", made)
