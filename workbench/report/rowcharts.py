"""Plots that lie on their side, for long names: bars with intervals, and points with an interval in both directions."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import NamedTuple

from markupsafe import Markup

from workbench.report.charts import (
    MOST_OF_NAME,
    axis,
    diamond,
    empty,
    legend,
    legend_height,
    name_width,
    slots_of,
    whisker,
)
from workbench.report.parts import Mean, middle, shown
from workbench.report.svg import drawing, element, fill, line, mark, patterns, scale, short, text, ticks

_BAR = 20
_GAP = 12
_SPAN = 460
"""Length of the axis of values."""


def rowbars(
    key: str,
    title: str,
    description: str,
    groups: Sequence[str],
    values: Mapping[str, Sequence[Mean | None]],
    *,
    low: float,
    high: float,
    unit: str,
    base: float | None = None,
    published: Mapping[str, Sequence[float | None]] | None = None,
) -> Markup:
    """Draw bars with intervals from left to right, each labelled with its value.

    Args:
        groups: `[g]`, the names on the left. values: name of the series -> `[g]`, None where there is none.
        low, high: ends of the axis. base: where bars begin; else at `low`.
        unit: what the axis measures.
        published: the paper's figures, drawn as hollow diamonds on the bars they belong to.
    """
    if not groups or not any(mean for means in values.values() for mean in means):
        return empty(key, title, description)
    base = low if base is None else base
    left = name_width(groups)
    width, span = left + _SPAN + 76, len(values) * _BAR + _GAP
    head = legend_height(list(values), width, published) + 14
    bottom = head + len(groups) * span
    at = partial(scale, low, high, left, left + _SPAN)
    slots = slots_of(list(values))
    drawn: list[Markup] = [
        patterns(key, list(slots.values())),
        legend(key, slots, width, published is not None),
        *(line(at(tick), head, at(tick), bottom, "grid") for tick in ticks(low, high)),
        *(text(at(tick), bottom + 16, f"{tick:g}", "tick", "middle") for tick in ticks(low, high)),
        text(left + _SPAN / 2, bottom + 34, unit, "tick", "middle"),
    ]
    for g, group in enumerate(groups):
        top = head + g * span + _GAP / 2
        drawn.append(text(left - 10, top + len(values) * _BAR / 2 + 4, short(group, MOST_OF_NAME), anchor="end"))
        for s, (name, means) in enumerate(values.items()):
            y, mean = top + s * _BAR, means[g]
            end = left
            if mean is not None:
                x, told = at(mean.value), element("title", f"{group}, {name}: {shown(mean)}")
                bounds = [at(v) for v in (mean.low, mean.high) if v is not None]
                ends = (min(x, at(base)), max(x, at(base)))
                size = {"x": ends[0], "y": y + 2, "width": max(0.5, ends[1] - ends[0]), "height": _BAR - 4}
                drawn.append(element("rect", told, **size, fill=fill(key, slots[name]), class_="bar"))
                drawn += _lying(y + _BAR / 2, *bounds) if len(bounds) == 2 else []
                end = max(*ends, *bounds)
            figure = published.get(name, (None,) * len(groups))[g] if published else None
            if figure is not None:
                drawn.append(diamond(at(figure), y + _BAR / 2, f"published: {figure:.2f}"))
                end = at(figure) + 5 if end - 5 < at(figure) < end + 40 else end
            if mean is not None:
                drawn.append(text(end + 6, y + _BAR / 2 + 4, middle(mean), "value"))
    drawn.append(line(at(base), head, at(base), bottom, "axis"))
    return drawing(key, width, bottom + 42, title, description, *drawn)


class Spot(NamedTuple):
    """A point that is measured in both directions, with the words beside it."""

    name: str
    x: Mean
    y: Mean


def scatter(
    key: str,
    title: str,
    description: str,
    series: Mapping[str, Sequence[Spot]],
    *,
    x_name: str,
    y_name: str,
) -> Markup:
    """Draw points with both of their intervals, the points of a series joined in their order."""
    told = {name: spots for name, spots in series.items() if spots}
    if not told:
        return empty(key, title, description)
    x_low, x_high = _range([spot.x for spots in told.values() for spot in spots])
    y_low, y_high = _range([spot.y for spots in told.values() for spot in spots])
    left, right, bottom = 46.0, 620.0, 330.0
    names = slots_of(list(told))
    head = legend_height(list(told), right, None) + 14
    x_at, y_at = partial(scale, x_low, x_high, left + 8, right - 70), partial(scale, y_low, y_high, bottom, head)
    drawn: list[Markup] = [
        patterns(key, list(names.values())),
        legend(key, names, right, False),
        axis(y_low, y_high, head, bottom, right, y_name),
        *(text(x_at(tick), bottom + 18, f"{tick:g}", "tick", "middle") for tick in ticks(x_low, x_high, 9)),
        text((left + right) / 2, bottom + 36, x_name, "tick", "middle"),
    ]
    words: list[Markup] = []
    for name, spots in told.items():
        number = names[name]
        places = [(x_at(spot.x.value), y_at(spot.y.value)) for spot in spots]
        path = "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
        drawn.append(element("path", d=f"M{path}", class_=f"line s{number} dash{number}"))
        for (x, y), spot in zip(places, spots, strict=True):
            if spot.y.low is not None and spot.y.high is not None:
                drawn += whisker(x, y_at(spot.y.low), y_at(spot.y.high))
            if spot.x.low is not None and spot.x.high is not None:
                drawn += _lying(y, x_at(spot.x.low), x_at(spot.x.high))
            told_of = f"{name}, {spot.name}: {x_name} {shown(spot.x)}, {y_name} {shown(spot.y)}"
            words += [mark(x, y, number, told_of), text(x + 7, y - 6, spot.name, "value")]
    return drawing(key, right + 10, bottom + 46, title, description, *drawn, *words)


def _lying(y: float, low: float, high: float) -> list[Markup]:
    caps = [line(x, y - 4, x, y + 4, "whisker") for x in (low, high)]
    return [line(low, y, high, y, "halo"), line(low, y, high, y, "whisker"), *caps]


def _range(means: Sequence[Mean]) -> tuple[float, float]:
    """Return the ends of an axis on which all means and their intervals stand."""
    bounds = [bound for mean in means for bound in (mean.value, mean.low, mean.high) if bound is not None]
    air = 0.06 * (max(bounds) - min(bounds)) or 0.5
    return min(bounds) - air, max(bounds) + air
