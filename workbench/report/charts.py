"""Plots as pure functions from numbers to SVG: grouped bars, box plots, lines and heat maps.

Every function takes a `key` that is unique on the page, a title that names the world, and a description in words.
Nothing to draw gives a drawing that says so.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np
from markupsafe import Markup

from workbench.report.parts import Mean, shown
from workbench.report.svg import SLOTS, drawing, element, fill, line, mark, patterns, scale, short, slot, text, ticks

EMPTY = "nothing to show"

_LEFT, _BOTTOM, _HEIGHT = 46, 42, 240
"""Space for the axes, and the height of the area between them."""

_PAGE = 1080
"""Width of a page: bars make room so that they fit, if they can."""

MOST_OF_NAME = 30
"""Letters of a name beside a drawing."""

_OTHERS = (0, 4, 7, 5, 1, 2, 3, 6)
"""Slots of lines that are no arms, in their order."""


class Point(NamedTuple):
    """A point of a line with its interval, None where there is none."""

    x: float
    y: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Series:
    """A line of a plot: points by ascending x. `steps`: the value holds until the next point; no marks are drawn."""

    name: str
    points: tuple[Point, ...]
    steps: bool = False


def bars(
    key: str,
    title: str,
    description: str,
    groups: Sequence[str],
    values: Mapping[str, Sequence[Mean | None]],
    *,
    low: float,
    high: float,
    unit: str,
    published: Mapping[str, Sequence[float | None]] | None = None,
) -> Markup:
    """Draw grouped bars with intervals, each labelled with its value.

    Args:
        groups: `[g]`, the names below. values: name of the series -> `[g]`, None where there is none.
        low, high: ends of the axis; bars stand on `low`.
        unit: what the axis measures.
        published: the paper's figures, drawn as hollow diamonds on the bars they belong to.
    """
    if not groups or not any(mean for means in values.values() for mean in means):
        return empty(key, title, description)
    gap = 18
    bar = min(26.0, max(21.0, ((_PAGE - _LEFT) / len(groups) - gap) / len(values)))
    span = len(values) * bar + gap
    width, bottom = max(520, _LEFT + len(groups) * span + 10), 30 + _HEIGHT
    at = partial(scale, low, high, bottom, 30)
    slots = {name: slot(name) for name in values}
    parts = [patterns(key, list(slots.values())), legend(key, slots, width, published is not None)]
    drawn: list[Markup] = [axis(low, high, 30, bottom, width, unit)]
    for g, group in enumerate(groups):
        left = _LEFT + g * span + gap / 2
        drawn.append(text(left + len(values) * bar / 2, bottom + 18, group, anchor="middle"))
        for s, (name, means) in enumerate(values.items()):
            x, mean = left + s * bar, means[g]
            figure = published.get(name, (None,) * len(groups))[g] if published else None
            paper = None if figure is None else at(figure)
            if mean is not None:
                told = f"{name}, {group}: {shown(mean)}"
                drawn += _bar(fill(key, slots[name]), x, bar, mean, at, bottom, paper, told)
            if paper is not None:
                drawn.append(diamond(x + bar / 2, paper, f"published: {figure:.2f}"))
    parts.append(element("g", *drawn, transform=f"translate(0 {legend_height(list(values), width, published)})"))
    height = bottom + _BOTTOM - 12 + legend_height(list(values), width, published)
    return drawing(key, width, height, title, description, *parts)


def boxes(
    key: str,
    title: str,
    description: str,
    values: Mapping[str, Sequence[float]],
    low: float,
    high: float,
    slots: Mapping[str, int] | None = None,
) -> Markup:
    """Draw a box per name: quartiles, whiskers from the 5th to the 95th percentile, and the mean with its value.

    Args:
        slots: colours and patterns of names that are no arms.
    """
    told = {name: np.asarray(numbers, np.float64) for name, numbers in values.items() if len(numbers)}
    if not told:
        return empty(key, title, description)
    row, left = 40, name_width(told)
    width = left + 544
    end = width - 76
    bottom = row * len(told) + 8
    numbers_of = {name: (slots or {}).get(name, slot(name)) for name in told}
    drawn: list[Markup] = [patterns(key, list(numbers_of.values()))]
    for tick in ticks(low, high):
        x = scale(low, high, left, end, tick)
        drawn += [line(x, 0, x, bottom, "grid"), text(x, bottom + 16, f"{tick:g}", "tick", "middle")]
    for i, (name, numbers) in enumerate(told.items()):
        y, number = row * i + row / 2, numbers_of[name]
        at = [scale(low, high, left, end, float(q)) for q in np.quantile(numbers, (0.05, 0.25, 0.5, 0.75, 0.95))]
        mean = float(numbers.mean())
        drawn += [
            text(left - 10, y + 4, short(name, MOST_OF_NAME), anchor="end"),
            line(at[0], y, at[4], y, "whisker"),
            element(
                "rect",
                x=at[1],
                y=y - 10,
                width=max(1.0, at[3] - at[1]),
                height=20,
                fill=fill(key, number),
                class_="bar",
            ),
            line(at[2], y - 10, at[2], y + 10, "median"),
            diamond(scale(low, high, left, end, mean), y, f"{name}: mean {mean:.2f}"),
            text(width - 4, y + 4, f"mean {mean:.2f}", "label", "end"),
        ]
    return drawing(key, width, bottom + 24, title, description, *drawn)


def lines(
    key: str,
    title: str,
    description: str,
    series: Sequence[Series],
    *,
    x_name: str,
    y_name: str,
    low: float | None = None,
    high: float | None = None,
) -> Markup:
    """Draw lines with intervals, each named at its end; a single point is a mark.

    Args:
        low, high: ends of the vertical axis; else from the data.
    """
    told = [one for one in series if one.points]
    if not told:
        return empty(key, title, description)
    points = [point for one in told for point in one.points]
    x_low, x_high = min(p.x for p in points), max(p.x for p in points)
    whole = all(float(p.x).is_integer() for p in points)
    bounds = [v for p in points for v in (p.y, p.low, p.high) if v is not None]
    air = 0.05 * (max(bounds) - min(bounds)) or 0.5
    low = min(bounds) - air if low is None else low
    high = max(bounds) + air if high is None else high
    top, right = 8, 560
    longest = max(len(short(one.name, MOST_OF_NAME)) for one in told)
    width = max(700.0, right + 60 + 6.6 * longest)
    bottom = top + _HEIGHT
    drawn: list[Markup] = [axis(low, high, top, bottom, right, y_name)]
    drawn += [
        text(scale(x_low, x_high, _LEFT + 12, right - 12, tick), bottom + 18, f"{tick:g}", "tick", "middle")
        for tick in ticks(x_low, x_high, 11)
        if not whole or float(tick).is_integer()
    ]
    drawn.append(text((_LEFT + right) / 2, bottom + 36, x_name, "tick", "middle"))
    ends: list[tuple[float, str, int]] = []
    slots = slots_of([one.name for one in told])
    for one in told:
        number = slots[one.name]
        placed = [
            (scale(x_low, x_high, _LEFT + 12, right - 12, p.x), scale(low, high, bottom, top, p.y), p)
            for p in one.points
        ]
        path = f"M{placed[0][0]:.1f} {placed[0][1]:.1f}"
        for x, y, _ in placed[1:]:
            path += f"H{x:.1f}V{y:.1f}" if one.steps else f"L{x:.1f} {y:.1f}"
        drawn.append(element("path", d=path, class_=f"line s{number} dash{number}"))
        for x, y, p in [] if one.steps and len(placed) > 1 else placed:
            if p.low is not None and p.high is not None:
                drawn += whisker(x, scale(low, high, bottom, top, p.low), scale(low, high, bottom, top, p.high))
            drawn.append(mark(x, y, number, f"{one.name}, {x_name} {p.x:g}: {shown(Mean(p.y, p.low, p.high))}"))
        ends.append((placed[-1][1], f"{short(one.name, MOST_OF_NAME)} {one.points[-1].y:.2f}", number))
    for y, words, number in _apart(ends, 15):
        drawn += [mark(right + 12, y, number), text(right + 22, y + 4, words, "label")]
    return drawing(key, width, bottom + _BOTTOM + 2, title, description, *drawn)


def heat(
    key: str,
    title: str,
    description: str,
    rows: Sequence[str],
    columns: Sequence[str],
    values: Sequence[Sequence[float | None]],
    *,
    most: float = 1.0,
    written: Callable[[float], str] = "{:.0%}".format,
) -> Markup:
    """Draw numbers as a grid of tinted cells with the number in each; None = no data.

    Args:
        values: `[rows, columns]`, shares unless something else is said; below 0 they have a tint of their own.
        most: the size of a number that has the full tint. written: how numbers are written.
    """
    if not rows or not columns:
        return empty(key, title, description)
    wide, tall, left = 84, 26, 172
    drawn: list[Markup] = []
    for c, name in enumerate(columns):
        drawn.append(text(left + c * wide + wide / 2, 16, short(name, 13), anchor="middle"))
    for r, name in enumerate(rows):
        y = 26 + r * tall
        drawn.append(text(left - 8, y + 17, short(name, 24), anchor="end"))
        for c in range(len(columns)):
            value = values[r][c]
            x = left + c * wide
            words = "no data" if value is None else written(value).replace("%", " %")
            tint = f"{0.72 * min(1.0, abs(value or 0.0) / most):.3f}" if value else "0"
            warm = "cold" if value is not None and value < 0 else "heat"
            drawn += [
                element("rect", x=x, y=y, width=wide - 2, height=tall - 2, class_="cell"),
                element("rect", x=x, y=y, width=wide - 2, height=tall - 2, class_=warm, fill_opacity=tint),
                text(x + wide / 2 - 1, y + 17, words, "label", "middle"),
            ]
    return drawing(key, left + len(columns) * wide + 6, 34 + len(rows) * tall, title, description, *drawn)


def slots_of(names: Iterable[str]) -> dict[str, int]:
    """Return a slot for each series: an arm has its own, others get what is left as long as there is one."""
    found = {name: SLOTS.index(name) for name in names if name in SLOTS}
    left = [number for number in _OTHERS if number not in found.values()] or list(_OTHERS)
    others = [name for name in names if name not in found]
    return found | {name: left[i % len(left)] for i, name in enumerate(others)}


def name_width(names: Iterable[str]) -> float:
    """Return the room that names on the left of a drawing need."""
    return max(96.0, 18 + 6.6 * max(len(short(name, MOST_OF_NAME)) for name in names))


def empty(key: str, title: str, description: str) -> Markup:
    """Return a drawing that says that there is nothing to draw."""
    return drawing(key, 520, 40, title, description, text(8, 24, EMPTY))


def axis(low: float, high: float, top: float, bottom: float, right: float, name: str) -> Markup:
    """Return an upright axis at the left with its name, and lines across."""
    parts = [text(12, (top + bottom) / 2, name, "tick", "middle", transform=f"rotate(-90 12 {(top + bottom) / 2:g})")]
    for tick in ticks(low, high):
        y = scale(low, high, bottom, top, tick)
        parts += [line(_LEFT, y, right, y, "grid"), text(_LEFT - 6, y + 4, f"{tick:g}", "tick", "end")]
    return element("g", *parts, line(_LEFT, bottom, right, bottom, "axis"))


def _bar(
    paint: str,
    x: float,
    width: float,
    mean: Mean,
    at: Callable[[float], float],
    bottom: float,
    paper: float | None,
    title: str,
) -> list[Markup]:
    """Return a bar with its whisker and its value, which makes way for a published figure at `paper`."""
    y, middle = at(mean.value), x + width / 2
    parts = [
        element(
            "rect",
            element("title", title),
            x=x + 2,
            y=y,
            width=width - 4,
            height=max(0.5, bottom - y),
            fill=paint,
            class_="bar",
        )
    ]
    peak = y
    if mean.low is not None and mean.high is not None:
        peak = at(mean.high)
        parts += whisker(middle, at(mean.low), peak)
    if paper is not None and peak - 20 < paper < peak + 4:
        peak = paper - 5
    return [*parts, text(middle, max(9.0, peak - 5), f"{mean.value:.2f}", "value", "middle")]


def whisker(x: float, low: float, high: float) -> list[Markup]:
    """Return an upright interval."""
    caps = [line(x - 4, y, x + 4, y, "whisker") for y in (low, high)]
    return [line(x, low, x, high, "halo"), line(x, low, x, high, "whisker"), *caps]


def diamond(x: float, y: float, title: str) -> Markup:
    """Return the mark of a published figure, or of a mean on its box."""
    d = "M0 -5L5 0L0 5L-5 0Z"
    return element("path", element("title", title), d=d, transform=f"translate({x:.2f} {y:.2f})", class_="diamond")


def _legend_places(names: Iterable[str], width: float, published: object) -> list[tuple[float, float, str]]:
    places, x, y = [], 8.0, 0.0
    for name in [*names, *(["published"] if published else [])]:
        wide = 34 + 7.2 * len(short(name, MOST_OF_NAME))
        if x > 8 and x + wide > width:
            x, y = 8.0, y + 18
        places.append((x, y, name))
        x += wide
    return places


def legend_height(names: Iterable[str], width: float, published: object) -> float:
    """Return the room that a legend takes above a drawing."""
    return _legend_places(names, width, published)[-1][1] + 6


def legend(key: str, slots: Mapping[str, int], width: float, published: bool) -> Markup:
    """Return a swatch and a name for every series, and for the paper's figures where there are any."""
    parts: list[Markup] = []
    for i, (x, y, name) in enumerate(_legend_places(slots, width, published)):
        if i < len(slots):
            parts.append(element("rect", x=x, y=y, width=14, height=12, fill=fill(key, slots[name]), class_="bar"))
        else:
            parts.append(diamond(x + 7, y + 6, "published"))
        parts.append(text(x + 20, y + 10, short(name, MOST_OF_NAME), "label"))
    return element("g", *parts)


def _apart(ends: Sequence[tuple[float, str, int]], space: float) -> list[tuple[float, str, int]]:
    """Move labels down until each has its space."""
    placed: list[tuple[float, str, int]] = []
    for y, words, number in sorted(ends):
        placed.append((max(y, placed[-1][0] + space) if placed else y, words, number))
    over = placed[-1][0] - (_HEIGHT + 20)
    return [(y - max(0.0, over), words, number) for y, words, number in placed]
