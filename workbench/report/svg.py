"""Inline SVG by hand: elements that escape whatever they are given, axes, and marks that need no colour.

Colours are CSS variables of the page (`report.css`), so a drawing follows its colour scheme; a mark has a pattern or a
shape of its own beside its colour, and a label.
"""

import math
import re
from collections.abc import Sequence

from markupsafe import Markup, escape

from workbench.text import plain

SLOTS = ("vanilla", "control", "static", "random", "agent", "planner", "oracle", "full")
"""Which arm has which colour, pattern and shape, the same in every figure."""

_NAME = re.compile(r"[A-Za-z][\w:-]*")

_PATTERNS = (
    "",
    "M0 6L6 0",
    "M0 0L6 6",
    "M3 0V6",
    "M0 3H6",
    "M0 6L6 0M0 0L6 6",
    "M3 0V6M0 3H6",
    "M2 3H4M3 2V4",
)
"""Lines inside a tile of 6 x 6, one per slot; the first is solid."""

_SHAPES = (
    "M-4 0A4 4 0 1 0 4 0A4 4 0 1 0 -4 0Z",
    "M-4 -4H4V4H-4Z",
    "M0 -5L5 4H-5Z",
    "M0 5L5 -4H-5Z",
    "M0 -5L5 0L0 5L-5 0Z",
    "M-5 -2H-2V-5H2V-2H5V2H2V5H-2V2H-5Z",
    "M-4 -4L4 4M-4 4L4 -4",
    "M-5 0H5M0 -5V5",
)
"""Marks around (0, 0), one per slot."""


_HEADING = 50
"""Letters in a line of a heading: a drawing may be wider than the screen, but its heading should be read whole."""


def slot(name: str) -> int:
    """Return the slot of an arm; another name gets one that depends on it alone."""
    return SLOTS.index(name) if name in SLOTS else sum(name.encode("utf-8", "replace")) % len(SLOTS)


def element(tag: str, *children: object, **attributes: object) -> Markup:
    """Return an element; every text and attribute value is escaped, numbers get two places at most.

    In names of attributes `_` stands for `-`, and one at the end is left out (`class_`).

    Raises:
        ValueError: a number is not finite, or a name can't be one.
    """
    if not _NAME.fullmatch(tag):
        raise ValueError(f"no element {tag!r}")
    parts = []
    for name, value in attributes.items():
        if value is not None:
            parts.append(Markup(' {}="{}"').format(name.rstrip("_").replace("_", "-"), _written(value)))
    body = Markup("").join(child if isinstance(child, Markup) else escape(_written(child)) for child in children)
    return Markup("<{0}{1}>{2}</{0}>").format(tag, Markup("").join(parts), body)


def text(x: float, y: float, words: object, class_: str = "", anchor: str = "start", **more: object) -> Markup:
    """Return a text; `anchor` is start, middle or end."""
    return element("text", words, x=x, y=y, class_=class_ or None, text_anchor=anchor, **more)


def line(x1: float, y1: float, x2: float, y2: float, class_: str) -> Markup:
    """Return a straight line."""
    return element("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=class_)


def mark(x: float, y: float, number: int, title: str = "") -> Markup:
    """Return the mark of a slot at a place; `title` is what a pointer reads."""
    children = (element("title", title),) if title else ()
    return element(
        "path", *children, d=_SHAPES[number], transform=f"translate({x:.2f} {y:.2f})", class_=f"mark s{number}"
    )


def patterns(key: str, slots: Sequence[int]) -> Markup:
    """Return the definitions of the fills that `fill` refers to."""
    tiles = []
    for number in sorted(set(slots)):
        ground = element("rect", width=6, height=6, class_=f"ground s{number}")
        lines = (element("path", d=_PATTERNS[number], class_="hatch"),) if _PATTERNS[number] else ()
        size = {"id": f"{key}-p{number}", "width": 6, "height": 6, "patternUnits": "userSpaceOnUse"}
        tiles.append(element("pattern", ground, *lines, **size))
    return element("defs", *tiles)


def fill(key: str, number: int) -> str:
    """Return the reference to a slot's fill in the figure of this key."""
    return f"url(#{key}-p{number})"


def drawing(
    key: str,
    width: float,
    height: float,
    title: str,
    description: str,
    *children: Markup,
    style: str | None = None,
) -> Markup:
    """Return a whole drawing with its title, which is also drawn, and a description for those who can't see it.

    Args:
        key: unique on the page, of letters, digits and dashes.
        style: CSS of a drawing that stands alone in a file; without it the page's stands for it.
    """
    lines = wrapped(title, _HEADING)
    top = 16 * len(lines) + 8
    heading = [text(4, 14 + 16 * i, words, "heading") for i, words in enumerate(lines)]
    return element(
        "svg",
        element("title", title, id=f"{key}-t"),
        element("desc", description, id=f"{key}-d"),
        *([element("style", style), element("rect", width="100%", height="100%", class_="paper")] if style else ()),
        *heading,
        element("g", *children, transform=f"translate(0 {top})"),
        width=width,
        height=height + top,
        viewBox=f"0 0 {width:g} {height + top:g}",
        role="img",
        aria_labelledby=f"{key}-t {key}-d",
        xmlns="http://www.w3.org/2000/svg" if style else None,
    )


def wrapped(words: str, most: int) -> list[str]:
    """Break a text into lines of `most` characters at most, never before a ·; a longer word stays whole."""
    lines = [""]
    for word in plain(words).replace(" ·", "\u00a0·").split(" "):
        if lines[-1] and len(lines[-1]) + 1 + len(word) > most:
            lines.append(word)
        else:
            lines[-1] = f"{lines[-1]} {word}".lstrip()
    return [one.replace("\u00a0·", " ·") for one in lines]


def short(name: str, most: int = 22) -> str:
    """Return a name that fits beside a drawing, cut off with … where it is longer than `most`."""
    name = plain(name)
    return name if len(name) <= most else f"{name[: most - 1]}…"


def ticks(low: float, high: float, most: int = 6) -> list[float]:
    """Return round numbers from `low` to `high`, at most `most`, with steps of 1, 2 or 5 times a power of ten."""
    if not (math.isfinite(low) and math.isfinite(high)) or high <= low:
        return [low] if math.isfinite(low) else []
    size = 10.0 ** math.floor(math.log10((high - low) / most))
    step = next(s * size for s in (1, 2, 5, 10, 20) if (high - low) / (s * size) <= most)
    first = math.ceil(low / step - 1e-9)
    return [round(i * step, 10) for i in range(first, math.floor(high / step + 1e-9) + 1)]


def scale(low: float, high: float, start: float, end: float, value: float) -> float:
    """Return where a value stands between `start` and `end`; what lies outside of low to high stands at the border."""
    share = 0.5 if high <= low else (value - low) / (high - low)
    return start + (end - start) * min(1.0, max(0.0, share))


def _written(value: object) -> str:
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError("a drawing needs finite numbers")
        return f"{value:.2f}".rstrip("0").rstrip(".")
    return plain(str(value))
