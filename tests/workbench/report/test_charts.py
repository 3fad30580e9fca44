"""Plots: the right marks at the right places, whatever there is to draw."""

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from markupsafe import Markup

from planner.trace import Trace
from simulator.attributes import NAMES
from workbench.report import charts, treechart
from workbench.report.charts import EMPTY, Point, Series
from workbench.report.parts import Mean

TITLE = "Scores · world: surrogate"


def _texts(svg: Markup) -> list[str]:
    return [node.text or "" for node in ET.fromstring(svg).iter("text")]


def _class(svg: Markup, name: str) -> list[dict[str, str]]:
    return [node.attrib for node in ET.fromstring(svg).iter() if node.attrib.get("class", "").split()[:1] == [name]]


def _bars(values: dict[str, list[Mean | None]], **more: object) -> Markup:
    groups = [f"g{i}" for i in range(len(next(iter(values.values()), [])))]
    return charts.bars("k", TITLE, "words", groups, values, low=1, high=5, unit="score", **more)  # type: ignore[arg-type]


def test_a_bar_is_as_high_as_its_value_and_says_it() -> None:
    svg = _bars({"vanilla": [Mean(1.0), Mean(3.0, 2.5, 3.5)], "full": [Mean(5.0), None]})
    bars = [bar for bar in _class(svg, "bar") if "height" in bar and float(bar["width"]) > 14]
    assert [float(bar["height"]) for bar in bars] == [0.5, 240, 120]
    assert {"1.00", "3.00", "5.00", "vanilla", "full", "g0", "g1", TITLE} <= set(_texts(svg))
    whisker = next(part for part in _class(svg, "whisker") if part["x1"] == part["x2"])
    assert (float(whisker["y1"]), float(whisker["y2"])) == (180, 120)  # 2.5 and 3.5 on 1-5, upside down, below 30


def test_published_figures_are_marked_apart_and_named() -> None:
    svg = _bars({"agent": [Mean(3.0)], "full": [Mean(4.0)]}, published={"full": [4.32]})
    assert len(_class(svg, "diamond")) == 2  # one in the legend
    assert "published: 4.32" in svg
    assert "published" in _texts(svg)
    assert "published" not in _texts(_bars({"agent": [Mean(3.0)]}))


def test_series_differ_by_pattern_and_not_by_colour_alone() -> None:
    svg = _bars({"vanilla": [Mean(2.0)], "agent": [Mean(3.0)], "full": [Mean(4.0)]})
    fills = {bar["fill"] for bar in _class(svg, "bar")}
    assert len(fills) == 3
    ids = {node.attrib["id"] for node in ET.fromstring(svg).iter("pattern")}
    assert fills == {f"url(#{name})" for name in ids}
    hatches = [node.attrib["d"] for node in ET.fromstring(svg).iter() if node.attrib.get("class") == "hatch"]
    assert len(set(hatches)) == 2  # vanilla is solid


EMPTIES: list[Callable[[], Markup]] = [
    lambda: _bars({}),
    lambda: _bars({"agent": [None, None]}),
    lambda: charts.boxes("k", TITLE, "words", {"agent": []}, 1, 5),
    lambda: charts.lines("k", TITLE, "words", [Series("agent", ())], x_name="x", y_name="y"),
    lambda: charts.heat("k", TITLE, "words", [], [], []),
    lambda: treechart.tree("k", TITLE, "words", []),
]


@pytest.mark.parametrize("draw", EMPTIES)
def test_nothing_to_draw_is_said(draw: Callable[[], Markup]) -> None:
    assert _texts(draw()) == [TITLE, EMPTY]


def test_boxes_show_quartiles_and_mean() -> None:
    svg = charts.boxes("k", TITLE, "words", {"agent": [1, 2, 3, 4, 5], "full": [4]}, 1, 5)
    first, single = (bar for bar in _class(svg, "bar"))
    span = 640 - 76 - 96
    assert float(first["x"]) == pytest.approx(96 + span / 4)
    assert float(first["width"]) == pytest.approx(span / 2)
    assert float(single["width"]) == 1
    assert {"mean 3.00", "mean 4.00"} <= set(_texts(svg))


def test_lines_go_through_their_points_and_are_named_at_the_end() -> None:
    series = [
        Series("agent", (Point(0, 1.0), Point(2, 5.0, 4.5, 5.0))),
        Series("planner", (Point(0, 3.0), Point(1, 5.0))),
    ]
    svg = charts.lines("k", TITLE, "words", series, x_name="questions", y_name="score", low=1, high=5)
    paths = [line["d"] for line in _class(svg, "line")]
    assert paths == ["M58.0 248.0L548.0 8.0", "M58.0 128.0L303.0 8.0"]
    assert {"agent 5.00", "planner 5.00", "questions", "score"} <= set(_texts(svg))
    labels = [node.attrib["y"] for node in ET.fromstring(svg).iter("text") if (node.text or "").endswith(" 5.00")]
    assert abs(float(labels[0]) - float(labels[1])) >= 15  # labels never cover each other


def test_a_single_point_is_a_mark() -> None:
    svg = charts.lines("k", TITLE, "words", [Series("agent", (Point(3, 2.0),))], x_name="x", y_name="y")
    assert len(_class(svg, "mark")) == 2  # the point, and the one at its name
    assert "agent 2.00" in _texts(svg)


def test_steps_hold_their_value() -> None:
    series = [Series("mean Q", (Point(1, 1.0), Point(2, 5.0)), steps=True)]
    svg = charts.lines("k", TITLE, "words", series, x_name="x", y_name="y", low=1, high=5)
    assert _class(svg, "line")[0]["d"] == "M58.0 248.0H548.0V8.0"


def test_a_heat_map_writes_its_numbers_and_tells_none_from_nothing() -> None:
    svg = charts.heat("k", TITLE, "words", ["Age", "Gender"], ["Life"], [[0.25], [None]])
    assert {"Age", "Gender", "Life", "25 %", "no data"} <= set(_texts(svg))
    assert [cell["fill-opacity"] for cell in _class(svg, "heat")] == ["0.180", "0"]


def _trace(paths: list[list[int]], rewards: list[float]) -> Trace:
    return Trace(
        planner="search",
        rule="raise",
        recommend="q",
        backup="path",
        n=10,
        available=1023,
        depth=2,
        c=0.5,
        decay=0.3,
        evaluations=len(rewards),
        path=np.array(paths, np.uint8).reshape(-1, 2),
        reward=np.array(rewards, np.float64),
        flags=np.zeros(len(rewards), np.uint8),
        prior=np.zeros((0, 10), np.uint8),
    )


def _with_prior(trace: Trace) -> Trace:
    return replace(trace, prior=np.ones((len(trace.states), 10)))


def test_the_tree_shows_what_was_visited_and_the_returned_path() -> None:
    trace = _with_prior(_trace([[0, 1], [0, 2], [0, 2], [3, 4]], [3.0, 5.0, 5.0, 1.0]))
    nodes = treechart.layout(trace, NAMES)
    assert [(node.depth, node.name) for node in nodes] == [
        (0, "nothing known"),
        (1, NAMES[0]),
        (2, NAMES[2]),
        (2, NAMES[1]),
        (1, NAMES[3]),
        (2, NAMES[4]),
    ]
    assert [node.name for node in nodes if node.best] == ["nothing known", NAMES[0], NAMES[2]]
    assert (nodes[0].visits, nodes[2].visits, nodes[2].q) == (4, 2, 5.0)
    assert nodes[0].row == (nodes[1].row + nodes[4].row) / 2
    svg = treechart.tree("k", TITLE, "words", nodes)
    assert f"★ {NAMES[2]}" in _texts(svg)
    assert len(_class(svg, "edge")) == 5
    widths = [float(edge["stroke-width"]) for edge in _class(svg, "edge")]
    assert max(widths) == 6  # three of four rollouts began with the first attribute
    assert len(re.findall(r'class="node best"', svg)) == 3


def test_a_tree_without_rollouts_is_empty() -> None:
    assert len(treechart.layout(_with_prior(_trace([], [])), NAMES)) == 1


def test_a_large_tree_is_cut_down_and_says_so() -> None:
    paths = [[a, b] for a in range(10) for b in range(10) if a != b]
    nodes = treechart.layout(_with_prior(_trace(paths, [3.0] * len(paths))), NAMES, rows=5)
    assert len({node.row for node in nodes}) <= 12
    assert nodes[0].hidden + sum(node.depth == 1 for node in nodes) == 10


def test_a_value_makes_way_for_a_published_figure_above_its_bar() -> None:
    def height(**more: object) -> float:
        root = ET.fromstring(_bars({"full": [Mean(3.0)]}, **more))
        return next(float(node.attrib["y"]) for node in root.iter("text") if node.text == "3.00")

    assert height(published={"full": [3.1]}) < height() - 8
    assert height(published={"full": [2.0]}) == height()
