"""Loads the vocabulary of statuses (`vocabulary.toml`)."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any


@dataclass(frozen=True, slots=True)
class Status:
    """How one status is shown.

    Fields:
        name: its name in code and data.
        glyph: one character, one column wide.
        ascii: one ASCII character that stands in for the glyph.
        word: what people read.
        colour: name of a colour role; palettes say what it looks like, `ansi` what a plain terminal shows.
    """

    name: str
    glyph: str
    ascii: str
    word: str
    colour: str

    def label(self, *, unicode: bool = True) -> str:
        """Return glyph and word, which carry everything where there is no colour."""
        return f"{self.glyph if unicode else self.ascii} {self.word}"


@cache
def statuses() -> Mapping[str, Status]:
    """Return every status by name, in the order of the file."""
    return MappingProxyType({name: Status(name=name, **fields) for name, fields in _file()["status"].items()})


def status(name: str) -> Status:
    """Return a status.

    Raises:
        KeyError: the vocabulary has no such status.
    """
    return statuses()[name]


def ansi(colour: str) -> str:
    """Return the name of the terminal colour (one of sixteen) that a colour role has on the command line.

    Raises:
        KeyError: the vocabulary has no such role.
    """
    found: str = _file()["colours"][colour]
    return found


@cache
def _file() -> dict[str, Any]:
    return tomllib.loads(files("themes").joinpath("vocabulary.toml").read_text("utf-8"))
