"""SVG by hand: escaping, numbers, scales."""

import math
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.report.svg import SLOTS, drawing, element, mark, patterns, scale, slot, text, ticks, wrapped

HOSTILE = """"'><script>alert(1)</script><b onload=x>&amp; ]]> \x1b[31m\x00 </svg>"""


def test_texts_and_attribute_values_are_escaped() -> None:
    made = element("g", HOSTILE, text(1, 2, HOSTILE), element("title", HOSTILE), class_=HOSTILE, aria_label=HOSTILE)
    root = ET.fromstring(made)
    assert [child.tag for child in root] == ["text", "title"]
    assert set(root.attrib) == {"class", "aria-label"}
    shown = HOSTILE.replace("\x1b[31m", "").replace("\x00", "\ufffd")
    assert root.text == root[0].text == root[1].text == root.attrib["class"] == shown


@given(st.text())
def test_whatever_the_text_a_drawing_is_well_formed(words: str) -> None:
    svg = drawing("a", 300, 40, words, words, text(0, 0, words), mark(1, 1, 3, words))
    root = ET.fromstring(svg)
    assert {child.tag for child in root} <= {"title", "desc", "text", "g"}


def test_a_drawing_names_itself_for_people_who_cant_see_it() -> None:
    root = ET.fromstring(drawing("k", 300, 40, "Scores · world: surrogate", "four bars"))
    labelled = root.attrib["aria-labelledby"].split()
    by_id = {child.attrib.get("id"): child.text for child in root}
    assert [by_id[name] for name in labelled] == ["Scores · world: surrogate", "four bars"]
    assert root.attrib["role"] == "img"
    assert [child.text for child in root if child.tag == "text"] == ["Scores · world: surrogate"]


@pytest.mark.parametrize("number", [math.nan, math.inf])
def test_numbers_that_cant_be_drawn_are_refused(number: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        element("line", x1=number)


def test_every_arm_has_a_slot_of_its_own_and_any_other_name_has_one_too() -> None:
    assert sorted(map(slot, SLOTS)) == list(range(8))
    assert 0 <= slot("new \ud800 arm") < 8
    assert patterns("k", [1, 1, 2]).count("<pattern") == 2


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (1, 5, [1, 2, 3, 4, 5]),
        (0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (3.1, 4.2, [3.2, 3.4, 3.6, 3.8, 4, 4.2]),
        (2, 2, [2]),
    ],
)
def test_ticks_are_round(low: float, high: float, expected: list[float]) -> None:
    assert ticks(low, high) == expected


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6))
def test_ticks_are_few_and_within(low: float, span: float) -> None:
    found = ticks(low, low + span)
    assert 1 <= len(found) <= 8
    assert all(low - span * 1e-6 <= tick <= low + span * (1 + 1e-6) for tick in found)


def test_scale_keeps_to_its_borders() -> None:
    assert scale(1, 5, 100, 0, 3) == 50
    assert scale(1, 5, 100, 0, 9) == 0
    assert scale(2, 2, 0, 10, 2) == 5


def test_long_headings_are_broken_between_words() -> None:
    assert wrapped("one two three four", 9) == ["one two", "three", "four"]
    assert wrapped("", 9) == [""]
