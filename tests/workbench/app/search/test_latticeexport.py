"""The lattice of a search as files, read back."""

import json
import re
import xml.etree.ElementTree as ET

from hypothesis import given, settings
from hypothesis import strategies as st

from planner.settings import PlannerSettings
from planner.subsets import members
from planner.tree import Tree
from tests.planner.games import Game
from tests.workbench.app.search.small import state
from workbench.app.state.search.lattice import build_lattice
from workbench.app.state.search.latticeexport import as_dot, as_json, as_svg, as_text, edges, lattice_files
from workbench.app.state.search.search import SearchState

HOSTILE = '\x1b[31m"red\\\n]]><script>'
SVG = "{http://www.w3.org/2000/svg}"


def small() -> SearchState:
    return state(PlannerSettings(rollouts=8, depth=2), Game(n=3, seed=4), ("Age", "Gender", "Profession"))


def test_text_has_a_block_for_every_size() -> None:
    search = small()
    _, legend, *lines = as_text(search, build_lattice(search)).splitlines()
    assert "★" in legend
    assert "\n".join(lines) == GOLDEN


GOLDEN = """
0 known                  N      Q
nothing known            8   3.54  ★ ◀

1 known                  N      Q
Profession               4   4.60  ★ ◀
Age                      3   2.85
Gender                   1   1.33

2 known                  N      Q
Gender, Profession       4   4.60  ★ ◀
Age, Profession          3   2.85
Age, Gender              1   1.33"""


def test_the_data_has_every_set_that_was_passed_and_every_way_between_them() -> None:
    search = state()
    search.move_to(20)
    lattice = build_lattice(search)
    data = json.loads(as_json(search, lattice))
    assert (data["format"], data["world"], data["t"]) == ("workbench-lattice-1", "surrogate", 20)
    tree: Tree = search.tree
    found = {frozenset(each["attributes"]): each for column in data["sizes"] for each in column}
    names = search.names
    for mask, visits, q in zip(tree.masks.tolist(), tree.visits.tolist(), tree.q.tolist(), strict=True):
        if visits:
            each = found[frozenset(names[a] for a in members(mask))]
            assert (each["visits"], each["q"]) == (visits, q)
    assert set(found) == {frozenset(names[a] for a in members(mask)) for mask in search.orders.mask.tolist()}
    assert [len(each["attributes"]) for column in data["sizes"] for each in column if each["chosen"]] == [0, 1, 2, 3]
    for way in data["edges"]:
        assert frozenset(way["from"]) in found
        assert frozenset([*way["from"], way["attribute"]]) in found
    assert sum(way["visits"] for way in data["edges"] if not way["from"]) == 20
    root = [search.tree.prior[0, edge.attribute] for edge in edges(search) if not edge.below]
    assert [way["prior"] for way in data["edges"] if not way["from"]] == root


def test_dot_joins_sets_one_attribute_apart() -> None:
    search = state()
    text = as_dot(search, build_lattice(search))
    joined = [(int(a), int(b)) for a, b in re.findall(r"s(\d+) -> s(\d+)", text)]
    assert joined == [(edge.below, edge.above) for edge in edges(search)]
    assert all((a ^ b).bit_count() == 1 for a, b in joined)
    assert {mask for pair in joined for mask in pair} == set(map(int, re.findall(r"^  s(\d+) \[", text, re.MULTILINE)))


def test_the_drawing_stands_alone() -> None:
    search = state()
    lattice = build_lattice(search)
    root = ET.fromstring(as_svg(search, lattice))
    boxes = [r for r in root.iter(f"{SVG}rect") if (r.get("class") or "").startswith("node")]
    assert len(boxes) == sum(map(len, lattice.columns))
    assert len([box for box in boxes if box.get("class") == "node best"]) == 4
    assert "var(" not in as_svg(search, lattice)


def test_before_anything_was_found_there_is_a_file_too() -> None:
    search = state()
    search.move_to(0)
    for file in lattice_files(search, build_lattice(search)):
        assert file.name == "search-0123456789abcdef-7-lattice-at-0"
        assert "surrogate" in file.make()


@settings(max_examples=30)
@given(st.lists(st.text(max_size=12) | st.just(HOSTILE), min_size=3, max_size=3), st.text(max_size=20))
def test_hostile_names_stay_text(names: list[str], scenario: str) -> None:
    search = state(PlannerSettings(rollouts=10, depth=2), Game(n=3), tuple(names), scenario_id=scenario)
    lattice = build_lattice(search)
    ET.fromstring(as_svg(search, lattice))
    assert json.loads(as_json(search, lattice))["scenario"] == scenario
    for file in lattice_files(search, lattice):
        made = file.make()
        made.encode()
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", made)
