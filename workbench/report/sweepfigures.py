"""The figures of settings: score against questions, score and questions by setting, regret by evaluations."""

from collections.abc import Iterator, Mapping, Sequence

from workbench.arms import holds_dialogue
from workbench.report.charts import Point, Series
from workbench.report.courses import Courses
from workbench.report.panels import Panel, panels
from workbench.report.parts import Figure, Mean, shown
from workbench.report.rowcharts import Spot, rowbars, scatter
from workbench.report.studyfigures import WHISKERS, Row, by_judge
from workbench.report.studyreading import Setting, StudyData
from workbench.report.studytables import mean_of, number_of
from workbench.statistics.studytable import StudyTable

_MEASURES = (("score", "score, 1-5"), ("questions", "questions asked"))
_WIDE = 20
"""From this ratio of largest to smallest on, an axis of settings is logarithmic."""


def trade_figures(setting: Setting, made: StudyTable, key: str) -> Iterator[Figure]:
    """Draw score against questions asked, a point per setting."""
    for i, (world, judge, rows) in enumerate(by_judge(made), 1):
        series: dict[str, list[Spot]] = {}
        for row in rows:
            x, y = mean_of(row["questions"]), mean_of(row["score"])
            if x and y:
                series.setdefault(_whose(rows, row), []).append(Spot(_setting_of(setting, row), x, y))
        title = f"Score against questions: {setting.part} · world: {world} · judge: {judge}"
        told = "; ".join(
            f"{name}, {spot.name}: {shown(spot.y)} at {shown(spot.x)}"
            for name, spots in series.items()
            for spot in spots
        )
        svg = scatter(
            f"{key}-{i}",
            title,
            f"A point per setting. {told}.",
            series,
            x_name="questions asked",
            y_name="score, 1-5",
        )
        note = f"Further up is safer, further left asks less of the user. {WHISKERS}"
        yield Figure(title, note, svg)


def sweep_figures(setting: Setting, made: StudyTable, key: str) -> Iterator[Figure]:
    """Draw score and questions by setting: lines where an option is a number, bars where none is."""
    for i, (world, judge, rows) in enumerate(by_judge(made), 1):
        where = f"{setting.part} · world: {world} · judge: {judge}"
        measures = _MEASURES if any(holds_dialogue(str(row["arm"])) for row in rows) else _MEASURES[:1]
        option = next((name for name in setting.options if _is_numeric(rows, name)), None)
        if option is None:
            for name, unit in measures:
                yield _bars(setting, rows, name, unit, where, f"{key}-{i}-{name}")
            continue
        drawn = [Panel(name, _lines(setting, rows, option, name), unit) for name, unit in measures]
        places = sorted({at for row in rows if (at := number_of(row[option])) is not None})
        title = f"By {option.replace('_', ' ')}: {where}"
        told = "; ".join(
            f"{panel.name}, {one.name}: " + ", ".join(f"{p.y:.2f} at {p.x:g}" for p in one.points)
            for panel in drawn
            for one in panel.series
        )
        svg = panels(
            f"{key}-{i}",
            title,
            f"Lines by setting. {told}.",
            drawn,
            x_name=option.replace("_", " "),
            x_ticks=places,
            logarithmic=places[0] > 0 and places[-1] / places[0] >= _WIDE,
        )
        yield Figure(title, f"{WHISKERS} Differences to the first setting, paired, stand in the table.", svg)


def course_figures(data: StudyData, key: str) -> Iterator[Figure]:
    """Draw the regret of searches by evaluations, a panel per setting and model, the same axes in each."""
    parts = dict.fromkeys(part for part, _, _ in data.courses)
    for i, name in enumerate(parts, 1):
        mine = [(setting, course) for part, setting, course in data.courses if part == name]
        for true in (True, False):
            told = [(setting, course) for setting, course in mine if course.true == true]
            if told:
                yield _course(data, name, told, true, f"{key}-{i}{'' if true else '-q'}")


def _course(
    data: StudyData, part: str, told: Sequence[tuple[Mapping[str, object], Courses]], true: bool, key: str
) -> Figure:
    most = max(float(course.quartiles[2].max()) for _, course in told)
    low, high = (0.0, 1.04 * most or 0.1) if true else (None, None)
    what = "regret" if true else "Q, 1-5"
    several = len({course.model for _, course in told}) > 1
    drawn = []
    for setting, course in told:
        words = [f"{option} {value}" for option, value in setting.items()]
        words += [course.model.rpartition("/")[2]] if several or not words else []
        below, middle, above = course.quartiles.tolist()
        points = zip(course.evaluations.tolist(), middle, below, above, strict=True)
        line = Series("median", tuple(Point(float(x), y, a, b) for x, y, a, b in points))
        drawn.append(Panel(", ".join(words), (line,), what, low, high))
    title = f"{'Regret' if true else 'Mean reward'} of searches: {part} · world: {data.world}"
    ends = "; ".join(f"{panel.name}: {panel.series[0].points[-1].y:.2f}" for panel in drawn)
    svg = panels(
        key,
        title,
        f"Median with a band of quartiles, by evaluations. At the end: {ends}.",
        drawn,
        x_name="evaluations",
        logarithmic=True,
        bands=True,
    )
    drawn_from = max(course.searches for _, course in told)
    note = f"Median and quartiles over searches ({drawn_from:,} at most, chosen by chance where there are more). "
    if true:
        worlds = "surrogate's" if data.surrogate else "world's"
        note += (
            f"Regret: true score of the best subset of the size wanted, minus that of the subset that the search would "
            f"return, both from the {worlds} own table."
        )
    else:
        note += "Mean reward of the subset that the search would return, which flatters it; the truth is not known."
    return Figure(title, note, svg)


def _bars(setting: Setting, rows: Sequence[Row], name: str, unit: str, where: str, key: str) -> Figure:
    groups = list(dict.fromkeys(_setting_of(setting, row) for row in rows))
    values: dict[str, list[Mean | None]] = {}
    for row in rows:
        means = values.setdefault(_whose(rows, row), [None] * len(groups))
        means[groups.index(_setting_of(setting, row))] = mean_of(row[name])
    bounds = [v for means in values.values() for m in means if m for v in (m.value, m.high) if v is not None]
    title = f"{name.capitalize()} by setting: {where}"
    told = "; ".join(
        f"{who}, {group}: {shown(mean)}"
        for who, means in values.items()
        for group, mean in zip(groups, means, strict=True)
    )
    low, high = (1.0, 5.0) if name == "score" else (0.0, 1.02 * max(bounds, default=1.0) or 1.0)
    svg = rowbars(key, title, f"Bars by setting. {told}.", groups, values, low=low, high=high, unit=unit)
    return Figure(title, WHISKERS, svg)


def _lines(setting: Setting, rows: Sequence[Row], option: str, name: str) -> tuple[Series, ...]:
    others = [other for other in setting.options if other != option]
    found: dict[str, list[Point]] = {}
    for row in rows:
        x, mean = number_of(row[option]), mean_of(row[name])
        if x is not None and mean is not None:
            words = [_whose(rows, row), *(str(row[other]) for other in others)]
            found.setdefault(", ".join(words), []).append(Point(x, mean.value, mean.low, mean.high))
    return tuple(Series(who, tuple(sorted(points))) for who, points in found.items())


def _setting_of(setting: Setting, row: Row) -> str:
    return ", ".join(str(row[option]) for option in setting.options)


def _whose(rows: Sequence[Row], row: Row) -> str:
    """Return the arm, with its model where there are several."""
    several = len({one["model"] for one in rows}) > 1
    return f"{row['arm']}, {row['model']}" if several else str(row["arm"])


def _is_numeric(rows: Sequence[Row], option: str) -> bool:
    return all(isinstance(row[option], int | float) and not isinstance(row[option], bool) for row in rows)
