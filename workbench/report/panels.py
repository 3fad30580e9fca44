"""Small multiples: the same axis of x in every panel, lines with whiskers or with a band."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from markupsafe import Markup

from workbench.report.charts import Series, empty, slots_of, whisker
from workbench.report.parts import Mean, shown
from workbench.report.svg import drawing, element, line, mark, scale, short, text, ticks

_WIDE, _TALL = 250, 160
"""Size of the area between a panel's axes."""
_LEFT, _RIGHT, _HEAD, _FOOT = 52, 22, 24, 44
_MOST_COLUMNS = 3
_APART = 6.0
"""Distance of the points of two series at the same place, so that no interval hides another."""


@dataclass(frozen=True, slots=True)
class Panel:
    """One of the small plots.

    Fields:
        name: stands above it. series: its lines; y_name: what they measure.
        low, high: ends of its axis; None = as its data ask.
    """

    name: str
    series: tuple[Series, ...]
    y_name: str
    low: float | None = None
    high: float | None = None


def panels(
    key: str,
    title: str,
    description: str,
    drawn: Sequence[Panel],
    *,
    x_name: str,
    x_ticks: Sequence[float] | None = None,
    logarithmic: bool = False,
    bands: bool = False,
) -> Markup:
    """Draw panels, at most three side by side, with one axis of x and one legend.

    Args:
        x_ticks: where the axis of x is labelled; else at round numbers.
        logarithmic: the axis of x; only what is above 0 is drawn.
        bands: intervals are areas around lines without marks, rather than whiskers.
    """
    told = [panel for panel in drawn if any(series.points for series in panel.series)]
    xs = [p.x for panel in told for series in panel.series for p in series.points if p.x > 0 or not logarithmic]
    if not xs:
        return empty(key, title, description)
    across = _Axis(min(xs), max(xs), logarithmic)
    names = list(dict.fromkeys(series.name for panel in told for series in panel.series))
    slots = slots_of(names)
    columns = min(_MOST_COLUMNS, len(told))
    width = columns * (_LEFT + _WIDE + _RIGHT)
    parts, head = _legend(slots, width) if len(names) > 1 else ([], 0.0)
    places = across.ticks(x_ticks)
    for i, panel in enumerate(told):
        x, y = (i % columns) * (_LEFT + _WIDE + _RIGHT), head + (i // columns) * (_HEAD + _TALL + _FOOT)
        inside = _panel(panel, slots, across, places, x_name, bands)
        parts.append(element("g", *inside, transform=f"translate({x:g} {y:g})"))
    rows = math.ceil(len(told) / columns)
    return drawing(key, width, head + rows * (_HEAD + _TALL + _FOOT), title, description, *parts)


@dataclass(frozen=True, slots=True)
class _Axis:
    """The axis of x."""

    low: float
    high: float
    logarithmic: bool

    def at(self, value: float) -> float:
        low, high, here = (self._turned(v) for v in (self.low, self.high, value))
        return scale(low, high, _LEFT + 8, _LEFT + _WIDE - 8, here)

    def ticks(self, wanted: Sequence[float] | None) -> list[float]:
        """Return places for labels that don't run into each other."""
        if wanted is None and not self.logarithmic:
            wanted = ticks(self.low, self.high, 6)
        elif wanted is None:
            decades = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
            every = [factor * 10.0**decade for decade in decades for factor in (1, 2, 5)]
            within = [value for value in every if self.low <= value <= self.high]
            wanted = within if len(within) <= 7 else [v for v in within if math.log10(v).is_integer()]
        kept: list[float] = []
        for value in sorted(wanted):
            if not kept or self.at(value) - self.at(kept[-1]) >= 10 + 6 * len(f"{value:g}"):
                kept.append(value)
        return kept

    def _turned(self, value: float) -> float:
        return math.log10(value) if self.logarithmic else value


def _panel(
    panel: Panel, slots: dict[str, int], across: _Axis, places: Sequence[float], x_name: str, bands: bool
) -> list[Markup]:
    points = [p for series in panel.series for p in series.points]
    bounds = [v for p in points for v in (p.y, p.low, p.high) if v is not None]
    air = 0.06 * (max(bounds) - min(bounds)) or 0.5
    low = min(bounds) - air if panel.low is None else panel.low
    high = max(bounds) + air if panel.high is None else panel.high
    bottom = _HEAD + _TALL
    y_at = partial(scale, low, high, bottom, _HEAD)
    right, half = _LEFT + _WIDE, _HEAD + _TALL / 2
    parts = [
        text(_LEFT, 15, short(panel.name, 40), "panel"),
        text(12, half, panel.y_name, "tick", "middle", transform=f"rotate(-90 12 {half:g})"),
    ]
    for tick in ticks(low, high, 5):
        y = y_at(tick)
        parts += [line(_LEFT, y, right, y, "grid"), text(_LEFT - 6, y + 4, f"{tick:g}", "tick", "end")]
    parts.append(line(_LEFT, bottom, right, bottom, "axis"))
    parts += [text(across.at(tick), bottom + 16, f"{tick:g}", "tick", "middle") for tick in places]
    parts.append(text(_LEFT + _WIDE / 2, bottom + 32, x_name, "tick", "middle"))
    apart = 0 if bands else _APART
    for place, series in enumerate(panel.series):
        aside = apart * (place - (len(panel.series) - 1) / 2)
        number = slots[series.name]
        shown_points = [p for p in series.points if p.x > 0 or not across.logarithmic]
        placed = [(across.at(p.x) + aside, y_at(p.y), p) for p in shown_points]
        if not placed:
            continue
        if bands:
            around = [(x, y_at(p.low), y_at(p.high)) for x, _, p in placed if p.low is not None and p.high is not None]
            there = "L".join(f"{x:.1f} {y:.1f}" for x, _, y in around)
            back = "".join(f"L{x:.1f} {y:.1f}" for x, y, _ in reversed(around))
            parts += [element("path", d=f"M{there}{back}Z", class_=f"band s{number}")] if around else []
        path = "L".join(f"{x:.1f} {y:.1f}" for x, y, _ in placed)
        parts.append(element("path", d=f"M{path}", class_=f"line s{number} dash{number}"))
        for x, y, p in [] if bands and len(placed) > 1 else placed:
            if p.low is not None and p.high is not None:
                parts += whisker(x, y_at(p.low), y_at(p.high))
            parts.append(mark(x, y, number, f"{series.name}, {p.x:g}: {shown(Mean(p.y, p.low, p.high))}"))
    return parts


def _legend(slots: dict[str, int], width: float) -> tuple[list[Markup], float]:
    """Return a line and a mark for each series with its name, and the height that they take."""
    parts: list[Markup] = []
    x, y = 8.0, 6.0
    for name, number in slots.items():
        wide = 56 + 7.2 * len(short(name, 30))
        if x > 8 and x + wide > width:
            x, y = 8.0, y + 18
        parts += [
            element("path", d=f"M{x:g} {y:g}H{x + 28:g}", class_=f"line s{number} dash{number}"),
            mark(x + 14, y, number),
            text(x + 34, y + 4, short(name, 30), "label"),
        ]
        x += wide
    return parts, y + 18
