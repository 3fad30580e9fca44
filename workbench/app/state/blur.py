"""Hiding texts that may weigh on whoever reads them, without moving anything on the screen."""

import re

_VISIBLE = re.compile(r"\S")


def blur(text: str) -> str:
    """Return a text of the same shape that can't be read: every visible character is covered."""
    return _VISIBLE.sub("▒", text)
