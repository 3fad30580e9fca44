"""The palettes are complete, and legible."""

import re

import pytest

from themes import ROLES, Palette, palettes, stylesheets

TEXTS = [role for role in ROLES if role not in ("background", "surface", "panel", "border-blurred")]
PLAIN = [palette for palette in palettes().values() if not palette.ansi]


def luminance(colour: str) -> float:
    """Return the relative luminance of `#rrggbb` (WCAG 2.1)."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_there_are_the_six_that_are_promised() -> None:
    assert next(iter(palettes())) == "dark"
    assert {"dark", "light", "high-contrast", "colour-blind-safe", "ansi-dark", "ansi-light"} <= set(palettes())
    assert any(not palette.dark for palette in PLAIN)


@pytest.mark.parametrize("palette", palettes().values(), ids=lambda p: p.name)
def test_every_role_has_a_colour(palette: Palette) -> None:
    assert set(palette.colours) == set(ROLES)


@pytest.mark.parametrize("palette", PLAIN, ids=lambda p: p.name)
def test_every_text_is_legible_on_every_ground(palette: Palette) -> None:
    least = 7.0 if palette.name == "high-contrast" else 4.5
    for ground in ("background", "surface", "panel"):
        for role in TEXTS:
            found = contrast(palette.colours[role], palette.colours[ground])
            assert found >= least, f"{role} on {ground}: {found:.2f} to one"


def test_low_and_high_differ_for_people_who_see_no_red_or_green() -> None:
    # What is left to them is mostly blue against yellow, and lightness.
    colours = palettes()["colour-blind-safe"].colours
    low, high = (int(colours[role][5:7], 16) for role in ("value-low", "value-high"))
    assert high - low > 100


def test_the_stylesheets_name_theme_variables_only() -> None:
    for path in stylesheets():
        for body in re.findall(r"{([^}]*)}", path.read_text("utf-8")):
            assert not re.search(r"#[0-9a-fA-F]{3,8}\b|\brgba?\(|\bansi_", body), path.name
