"""Deep links: what `workbench open run/ID` and the screens name things by."""

from dataclasses import dataclass
from typing import Literal, get_args

Kind = Literal["scenario", "run", "search", "dialogue", "scores", "worker"]
KINDS: tuple[str, ...] = get_args(Kind)

SCREEN_OF: dict[str, str] = {
    "scenario": "scenarios",
    "search": "search",
    "dialogue": "dialogues",
    "scores": "scores",
    "run": "runs",
    "worker": "workers",
}
"""Which screen shows what a link names."""

_DIGITS = 18
"""No number of a unit has more: the database takes hardly larger ones."""


@dataclass(frozen=True, slots=True)
class Link:
    """The name of something that a screen can show.

    Fields:
        kind: what it is.
        id: of the scenario or the run, number of the search's or dialogue's unit, name of the worker.
        detail: where in it, in the screen's own words (`t=40`, `step=2`, `scenario=ID`); often empty.
    """

    kind: Kind
    id: str
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.kind}/{self.id}" + (f"?{self.detail}" if self.detail else "")

    @property
    def screen(self) -> str:
        """Name of the screen that shows it."""
        return SCREEN_OF[self.kind]

    def value(self, name: str) -> str | None:
        """Return what the detail says of `name` (`t=40` -> "40"), or None."""
        for part in self.detail.split("&"):
            key, found, value = part.partition("=")
            if found and key == name:
                return value
        return None

    def number(self, name: str) -> int | None:
        """Return the whole number that the detail gives `name`, or None."""
        value = self.value(name)
        return int(value) if value is not None and value.isdecimal() and len(value) <= _DIGITS else None


def parse_link(text: str) -> Link:
    """Read a link as `str(link)` writes it.

    Raises:
        ValueError: it is none; the message says what one looks like.
    """
    kind, slash, rest = text.partition("/")
    identifier, _, detail = rest.partition("?")
    if not slash or not identifier or kind not in KINDS:
        raise ValueError(
            f"{text!r} is no link: write scenario/ID, run/ID, search/UNIT, dialogue/UNIT, scores/RUN or worker/NAME"
        )
    if kind in ("search", "dialogue") and not (identifier.isdecimal() and len(identifier) <= _DIGITS):
        raise ValueError(f"{text!r} is no link: a {kind} is named by the number of its unit, as in {kind}/12")
    return Link(kind, identifier, detail)  # type: ignore[arg-type]  # checked above against the same words
