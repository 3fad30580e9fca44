"""How text of others stands in a prompt: as material that can't end its own fence.

The text of a profile, a query, a response or any reply is hostile until proven otherwise. Between its tags no angle
bracket survives, so no text can close its fence, open another one, or spell a chat template's control tokens or think
tags; bracketed ones (`[INST]`) are changed as well. Everything else stands as it was written.
"""

import re
from collections.abc import Iterable
from typing import Any

from simulator.attributes import NAMES

_ANGLES = (("<", "‹"), (">", "›"), ("＜", "‹"), ("＞", "›"), ("﹤", "‹"), ("﹥", "›"))
"""Look-alikes go too, since some tokenizers fold them into the plain signs."""

_BRACKETED = re.compile(r"\[(/?[A-Z_]{3,})\]")
_UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\U000e0000-\U000e007f]")
"""Control characters, and the tag characters in which orders can hide from a human reader."""

_LONE_SURROGATE = re.compile(r"[\ud800-\udfff]")
"""What JSON can carry and UTF-8 can't."""


class Prose(str):
    """Text that may stand in a prompt as it is: fenced, or our own. Nothing else gets through (`only_prose`)."""

    __slots__ = ()


def only_prose(value: Any) -> Any:
    """Let through what may stand in a prompt; the environment calls it for every value that a template prints.

    Raises:
        TypeError: a text that no filter has fenced.
    """
    if isinstance(value, str) and not isinstance(value, Prose):
        raise TypeError("a prompt prints a text without a fence")
    return value


def fence(text: str, tag: str) -> Prose:
    """Put a text of others between `<tag>` and `</tag>`."""
    return Prose(f"<{tag}>\n{_inert(text).strip()}\n</{tag}>")


def facts(pairs: Iterable[tuple[str, str]], tag: str) -> Prose:
    """Put (name, value) pairs between tags, a line each: a value can't start a line of its own."""
    lines = [f"{name}: {' '.join(value.split())}" for name, value in pairs]
    return fence("\n".join(lines) or "(nothing)", tag)


def names(indices: Iterable[int]) -> Prose:
    """List attributes by name, in the order given."""
    return Prose(", ".join([NAMES[i] for i in indices]))


def score(value: float) -> Prose:
    """Write a score of 1 to 5 with one decimal."""
    return Prose(f"{value:.1f}")


def count(value: int) -> Prose:
    """Write a whole number."""
    return Prose(f"{int(value)}")


def _inert(text: str) -> str:
    for sign, harmless in _ANGLES:
        text = text.replace(sign, harmless)
    if "[" in text:
        text = _BRACKETED.sub(r"(\1)", text)
    return _LONE_SURROGATE.sub("\ufffd", _UNSEEN.sub("", text))
