"""Loads the palettes (`palettes/*.toml`): what the colour roles look like."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType

ROLES: tuple[str, ...] = (
    "background", "surface", "panel", "foreground", "muted", "primary", "secondary", "accent",
    "success", "warning", "error", "active", "note",
    "value-low", "value-mid", "value-high", "prior", "path", "mark", "border", "border-blurred",
)  # fmt: skip
"""Every palette gives each a colour: `#rrggbb`, or `ansi_NAME` for one of the terminal's own."""


@dataclass(frozen=True, slots=True)
class Palette:
    """One theme's colours.

    Fields:
        name: of the file. dark: light text on a dark ground. ansi: the terminal's own colours.
        colours: role -> colour.
    """

    name: str
    dark: bool
    ansi: bool
    colours: Mapping[str, str]


@cache
def palettes() -> Mapping[str, Palette]:
    """Return every palette by name, the default one first."""
    found = {}
    for file in files("themes").joinpath("palettes").iterdir():
        if file.name.endswith(".toml"):
            name, data = file.name.removesuffix(".toml"), tomllib.loads(file.read_text("utf-8"))
            found[name] = Palette(name, data["dark"], data.get("ansi", False), MappingProxyType(data["colours"]))
    return MappingProxyType(dict(sorted(found.items(), key=lambda item: (item[0] != "dark", item[1].ansi, item[0]))))


def stylesheets() -> list[Path]:
    """List the app's stylesheets, `styles/*.tcss`, by name."""
    folder = Path(str(files("themes").joinpath("styles")))
    return sorted(folder.glob("*.tcss"))
