"""Bars on their side, points with two intervals, and small multiples: the right marks at the right places."""

import xml.etree.ElementTree as ET
from collections.abc import Callable

import pytest
from markupsafe import Markup

from workbench.report.charts import EMPTY, Point, Series
from workbench.report.panels import Panel, panels
from workbench.report.parts import Mean
from workbench.report.rowcharts import Spot, rowbars, scatter

TITLE = "Scores · world: surrogate"


def _nodes(svg: Markup, name: str) -> list[dict[str, str]]:
    return [node.attrib for node in ET.fromstring(svg).iter() if node.attrib.get("class", "").split()[:1] == [name]]


def _texts(svg: Markup) -> list[str]:
    return [node.text or "" for node in ET.fromstring(svg).iter("text")]


def _rows(values: dict[str, list[Mean | None]], **more: float | dict[str, list[float | None]]) -> Markup:
    groups = [f"g{i}" for i in range(len(next(iter(values.values()), [])))]
    ends = {"low": -1.0, "high": 1.0, "base": 0.0, **more}
    return rowbars("k", TITLE, "words", groups, values, unit="gain", **ends)  # type: ignore[arg-type]


def _scatter(series: dict[str, list[Spot]]) -> Markup:
    return scatter("k", TITLE, "words", series, x_name="questions", y_name="score")


def _panels(*drawn: Panel, logarithmic: bool = False, bands: bool = False) -> Markup:
    return panels("k", TITLE, "words", drawn, x_name="x", logarithmic=logarithmic, bands=bands)


def test_bars_begin_at_their_base_and_go_both_ways() -> None:
    svg = _rows({"gain": [Mean(1.0, 0.5, 1.0, signed=True), Mean(-0.5, signed=True)]})
    right, left = (bar for bar in _nodes(svg, "bar") if float(bar["height"]) > 12)
    assert (float(right["x"]), float(right["width"])) == (96 + 230, 230)
    assert (float(left["x"]), float(left["width"])) == (96 + 115, 115)
    assert {"+1.00", "-0.50", "g0", "g1", "gain", TITLE} <= set(_texts(svg))
    assert len([whisker for whisker in _nodes(svg, "whisker") if whisker["y1"] == whisker["y2"]]) == 1


def test_published_figures_lie_on_their_bars() -> None:
    svg = _rows({"gain": [Mean(0.5)]}, published={"gain": [0.25]})
    assert "published: 0.25" in svg
    assert len(_nodes(svg, "diamond")) == 2  # one in the legend
    assert any(diamond["transform"].startswith("translate(383.5") for diamond in _nodes(svg, "diamond"))


def test_points_stand_where_both_values_say_and_carry_both_intervals() -> None:
    series = {
        "agent": [Spot("low", Mean(0.0, 0.0, 1.0), Mean(2.0)), Spot("high", Mean(2.0), Mean(4.0, 3.0, 4.0))],
        "planner": [Spot("only", Mean(1.0), Mean(3.0))],
    }
    svg = _scatter(series)
    marks = [node["transform"] for node in _nodes(svg, "mark")]
    assert len(marks) == 3
    assert {"low", "high", "only", "agent", "planner", "questions", "score"} <= set(_texts(svg))
    assert "agent, high: questions 2.00, score 4.00 [3.00, 4.00]" in svg
    assert len(_nodes(svg, "whisker")) == 6  # two intervals, each a line with two caps


def test_panels_share_their_axis_of_x_and_their_legend() -> None:
    one = Series("agent", (Point(1, 1.0, 0.5, 1.5), Point(10, 2.0)))
    other = Series("planner", (Point(1, 3.0), Point(100, 4.0)))
    svg = _panels(Panel("score", (one, other), "score"), Panel("questions", (one,), "number"), logarithmic=True)
    texts = _texts(svg)
    assert texts.count("agent") == 1
    assert {"score", "questions", "number", "planner"} <= set(texts)
    assert texts.count("10") == 2
    assert len(_nodes(svg, "line")) == 3 + 2  # the legend's two are lines too
    assert not _nodes(svg, "band")


def test_marks_of_two_series_at_the_same_place_stand_apart() -> None:
    series = tuple(Series(name, (Point(1, 1.0, 0.5, 1.5), Point(2, 1.0, 0.5, 1.5))) for name in ("agent", "planner"))
    upright = [
        node["x1"] for node in _nodes(_panels(Panel("score", series, "score")), "whisker") if node["x1"] == node["x2"]
    ]
    assert len(set(upright)) == 4


def test_bands_are_closed_areas_without_marks() -> None:
    line = Series("median", (Point(1, 1.0, 0.5, 1.5), Point(2, 1.0, 0.5, 1.5)))
    svg = _panels(Panel("all", (line,), "regret", 0, 2), bands=True)
    (band,) = _nodes(svg, "band")
    assert band["d"].startswith("M")
    assert band["d"].endswith("Z")
    assert band["d"].count("L") == 3
    assert not _nodes(svg, "mark")
    assert "median" not in _texts(svg)  # a single series needs no legend


def test_a_logarithmic_axis_leaves_out_what_it_cannot_show() -> None:
    svg = _panels(Panel("all", (Series("a", (Point(0, 1.0), Point(10, 2.0), Point(100, 3.0))),), "y"), logarithmic=True)
    assert len(_nodes(svg, "mark")) == 2


EMPTIES: list[Callable[[], Markup]] = [
    lambda: _rows({}),
    lambda: _rows({"gain": [None]}),
    lambda: _scatter({}),
    lambda: _scatter({"agent": []}),
    lambda: _panels(),
    lambda: _panels(Panel("score", (Series("agent", ()),), "score")),
]


@pytest.mark.parametrize("draw", EMPTIES)
def test_nothing_to_draw_is_said(draw: Callable[[], Markup]) -> None:
    assert _texts(draw()) == [TITLE, EMPTY]
