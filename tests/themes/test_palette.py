"""The palettes are complete, and legible."""

import itertools
import re

import numpy as np
import pytest
from numpy.typing import NDArray

from themes import ROLES, Palette, palettes, stylesheets

TEXTS = [role for role in ROLES if role not in ("background", "surface", "panel", "border-blurred")]
PLAIN = [palette for palette in palettes().values() if not palette.ansi]


SIGHTS = {
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
"""What linear red, green and blue look like to people who lack one kind of cone (Machado et al. 2009, severity 1)."""
XYZ = [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
WHITE = [0.95047, 1.0, 1.08883]


def linear(colour: str) -> list[float]:
    """Return linear red, green and blue of `#rrggbb`, 0-1."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    return [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]


def lab(colour: str, sight: str) -> NDArray[np.float64]:
    """Return a colour as somebody sees it, in CIE L*a*b*, where 2 is a difference that can just be seen."""
    seen = np.clip(np.asarray(SIGHTS[sight]) @ linear(colour), 0, 1)
    ratios = np.asarray(XYZ) @ seen / WHITE
    x, y, z = np.where(ratios > 0.008856, np.cbrt(ratios), 7.787 * ratios + 16 / 116)
    return np.asarray([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def luminance(colour: str) -> float:
    """Return the relative luminance of `#rrggbb` (WCAG 2.1)."""
    red, green, blue = linear(colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


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


@pytest.mark.parametrize("sight", SIGHTS)
def test_values_priors_and_outcomes_differ_for_people_who_see_colours_otherwise(sight: str) -> None:
    colours = palettes()["colour-blind-safe"].colours
    for roles in (("value-low", "value-mid", "value-high", "prior"), ("success", "warning", "error")):
        for one, other in itertools.combinations(roles, 2):
            seen = np.linalg.norm(lab(colours[one], sight) - lab(colours[other], sight))
            assert seen >= 20, f"{one}, {other}: {seen:.1f}"


def test_the_stylesheets_name_theme_variables_only() -> None:
    for path in stylesheets():
        for body in re.findall(r"{([^}]*)}", path.read_text("utf-8")):
            assert not re.search(r"#[0-9a-fA-F]{3,8}\b|\brgba?\(|\bansi_", body), path.name
