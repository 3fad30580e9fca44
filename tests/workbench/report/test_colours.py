"""The page's colours can be read in both schemes (WCAG 2.1 contrast)."""

import re
from importlib.resources import files
from itertools import combinations

import pytest

_CSS = files("workbench.report").joinpath("templates/report.css").read_text("utf-8")
_SCHEMES = dict(zip(("light", "dark", "print"), re.findall(r":root \{(.*?)\}", _CSS, re.DOTALL), strict=True))

Colour = tuple[float, float, float]


def _colours(scheme: str) -> dict[str, Colour]:
    found = re.findall(r"--([\w-]+): #([0-9a-f]{6});", _SCHEMES[scheme])
    return {name: (int(c[:2], 16) / 255, int(c[2:4], 16) / 255, int(c[4:], 16) / 255) for name, c in found}


def _luminance(colour: Colour) -> float:
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _contrast(one: Colour, other: Colour) -> float:
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", _SCHEMES)
def test_texts_and_marks_stand_out(scheme: str) -> None:
    colours = _colours(scheme)
    for name in ("ink", "quiet", "link"):
        for ground in ("paper", "raised"):
            assert _contrast(colours[name], colours[ground]) >= 4.5, (name, ground)
    assert _contrast(colours["ink"], colours["notice"]) >= 4.5
    for number in range(8):
        assert _contrast(colours[f"s{number}"], colours["paper"]) >= 3, number
    assert _contrast(colours["star"], colours["raised"]) >= 3
    assert _contrast(colours["notice-rule"], colours["paper"]) >= 3


@pytest.mark.parametrize("scheme", _SCHEMES)
def test_numbers_in_the_heat_map_can_be_read_at_full_tint(scheme: str) -> None:
    colours = _colours(scheme)
    for tint in ("heat", "cold"):
        red, green, blue = (0.72 * h + 0.28 * p for h, p in zip(colours[tint], colours["paper"], strict=True))
        assert _contrast(colours["ink"], (red, green, blue)) >= 4.5, tint


@pytest.mark.parametrize("scheme", _SCHEMES)
def test_every_scheme_has_every_colour_and_no_two_arms_share_one(scheme: str) -> None:
    colours = _colours(scheme)
    assert colours.keys() == _colours("light").keys()
    assert all(colours[f"s{a}"] != colours[f"s{b}"] for a, b in combinations(range(8), 2))
