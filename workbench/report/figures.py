"""The figures of a report, each with the words that say what it shows and how to read it."""

from collections.abc import Sequence

import numpy as np

from planner.recommend import best_so_far
from planner.trace import Trace
from simulator.attributes import NAMES
from simulator.domains import DOMAINS
from workbench.report import charts, treechart
from workbench.report.charts import Point, Series
from workbench.report.courses import true_scores
from workbench.report.parts import Figure, shown
from workbench.report.reading import Row, RunData
from workbench.report.tables import label, mean_of
from workbench.statistics.bootstrap import interval
from workbench.statistics.published import published
from workbench.statistics.regret import optimum
from workbench.statistics.scores import AVERAGE, COLUMNS, ScoreRow

_ALL = "all"


def run_figures(data: RunData, key: str) -> tuple[Figure, ...]:
    """Return the figures that sum a run up."""
    return (*_domains(data, key), *_boxes(data, key), *_gains(data, key), *_coverage(data, key), *_sizes(data, key))


def search_figures(data: RunData, row: Row, trace: Trace, key: str) -> tuple[Figure, ...]:
    """Return the curve of one search, and its tree."""
    where = f"{label(data)} · model: {row['model']} · scenario {row['scenario_id']}"
    return _curve(data, row, trace, where, f"{key}-curve"), _tree(trace, where, f"{key}-tree")


def _domains(data: RunData, key: str) -> list[Figure]:
    figures = []
    for i, ((model, judge), rows) in enumerate(_by_judge(data).items(), 1):
        values = {row.arm: [mean_of(row.cells[name].score) for name in COLUMNS] for row in rows}
        papers: dict[str, Sequence[float | None]] = {
            figure.arm: [*(figure.domains or (None,) * len(DOMAINS)), figure.average]
            for figure in published(model)
            if figure.arm in values
        }
        title = f"Score by domain · {label(data)} · model: {model} · judge: {judge}"
        averages = "; ".join(f"{row.arm} {shown(mean_of(row.cells[AVERAGE].score))}" for row in rows)
        described = f"Grouped bars from 1 to 5, one group per domain and one for the average. Averages: {averages}."
        svg = charts.bars(
            f"{key}-domains-{i}",
            title,
            described,
            COLUMNS,
            values,
            low=1,
            high=5,
            unit="score, 1-5",
            published=papers or None,
        )
        paper = " Hollow diamonds: the paper's published figures." if papers else ""
        note = f"Bars stand on 1, the lowest score. Whiskers: 95 % bootstrap interval, clustered by profile.{paper}"
        figures.append(Figure(title, note, svg))
    return figures


def _boxes(data: RunData, key: str) -> list[Figure]:
    figures = []
    for i, ((model, judge), rows) in enumerate(_by_judge(data).items(), 1):
        values = {row.arm: data.scores[model, judge].get(row.arm, []) for row in rows}
        title = f"Spread of scores by arm · {label(data)} · model: {model} · judge: {judge}"
        told = "; ".join(f"{arm}: median {np.median(v):.2f} of {len(v):,}" for arm, v in values.items() if v)
        described = f"One box per arm on a scale from 1 to 5. {told}."
        svg = charts.boxes(f"{key}-boxes-{i}", title, described, values, 1, 5)
        note = "Box: quartiles and median of single scores; whiskers: 5th to 95th percentile; hollow diamond: mean."
        figures.append(Figure(title, note, svg))
    return figures


def _gains(data: RunData, key: str) -> list[Figure]:
    figures = []
    for i, model in enumerate(dict.fromkeys(group.model for group in data.gains), 1):
        series = [
            Series(group.arm, _along(paths)) for group, paths in data.gains.items() if group.model == model and paths
        ]
        title = f"Gain per question · {label(data)} · model: {model}"
        told = "; ".join(
            f"{one.name}: " + ", ".join(f"{point.y:.2f} after {point.x:g}" for point in one.points) for one in series
        )
        svg = charts.lines(
            f"{key}-gain-{i}",
            title,
            f"True mean score after each question. {told}.",
            series,
            x_name="questions asked",
            y_name="true score, 1-5",
        )
        note = (
            "The world's true score of answering after so many questions, averaged over all dialogues; one that has "
            "stopped keeps its last score. Dialogues in crisis are left out. Whiskers: 95 % bootstrap interval, "
            "clustered by profile."
        )
        figures.append(Figure(title, note, svg))
    return figures


def _along(paths: Sequence[tuple[str, Sequence[float]]]) -> tuple[Point, ...]:
    """Return the mean after each number of questions; a path that is over keeps its last score."""
    longest = max(len(path) for _, path in paths)
    profiles = [profile for profile, _ in paths]
    points = []
    for step in range(longest):
        mean = interval([path[min(step, len(path) - 1)] for _, path in paths], profiles)
        if mean is not None:
            points.append(Point(step, mean.mean, mean.low, mean.high))
    return tuple(points)


def _coverage(data: RunData, key: str) -> list[Figure]:
    figures = []
    for i, (group, counts) in enumerate(data.dialogues.items(), 1):
        domains = [*(d for d in DOMAINS if d in counts), *sorted(d for d in counts if d not in DOMAINS)]
        asked = data.asked[group]
        total = counts.total()
        values = [
            [*(asked[d][name] / counts[d] for d in domains), sum(asked[d][name] for d in domains) / total]
            for name in NAMES
        ]
        title = f"Attributes asked for, by domain · {label(data)} · model: {group.model} · arm: {group.arm}"
        told = "; ".join(f"{name} {100 * row[-1]:.0f} %" for name, row in zip(NAMES, values, strict=True))
        svg = charts.heat(
            f"{key}-coverage-{i}",
            title,
            f"Share of dialogues that asked for an attribute, over all domains: {told}.",
            NAMES,
            [*domains, _ALL],
            values,
        )
        note = f"Share of the {total:,} dialogues that asked for an attribute, whether or not it was answered."
        figures.append(Figure(title, note, svg))
    return figures


def _sizes(data: RunData, key: str) -> list[Figure]:
    figures = []
    for i, model in enumerate(dict.fromkeys(group.model for group in data.given), 1):
        counts = {group.arm: sizes for group, sizes in data.given.items() if group.model == model}
        sizes = range(max(max(c) for c in counts.values()) + 1)
        title = f"Size of the subset that responses were given · {label(data)} · model: {model}"
        told = "; ".join(f"{arm} {sum(n * c for n, c in s.items()) / s.total():.2f}" for arm, s in counts.items())
        svg = charts.heat(
            f"{key}-sizes-{i}",
            title,
            f"Share of trials by number of attributes given. Mean number: {told}.",
            tuple(counts),
            [str(n) for n in sizes],
            [[c[n] / c.total() for n in sizes] for c in counts.values()],
        )
        note = f"How many attributes a response was given, as a share of an arm's trials. Mean number: {told}."
        figures.append(Figure(title, note, svg))
    return figures


def _curve(data: RunData, row: Row, trace: Trace, where: str, key: str) -> Figure:
    course = best_so_far(trace)
    known = [t for t in range(trace.rollouts) if course.mask[t] >= 0]
    series = [Series("mean Q", tuple(Point(t + 1, float(course.q[t])) for t in known), steps=True)]
    true = true_scores(data.row, data.scenarios.get(row["scenario_id"]), row["model"])
    note = "The mean reward of the subset that the search would return after so many rollouts, which flatters it."
    if true is not None:
        best = optimum(true, trace)
        worth = tuple(Point(t + 1, float(true[course.mask[t]])) for t in known)
        series.append(Series("true", worth, steps=True))
        series.append(Series("optimum", (Point(1, best), Point(trace.rollouts, best)), steps=True))
        note += " True: what that subset is worth in the surrogate's own table; the distance to optimum is the regret."
    title = f"Best so far · {where}"
    told = "; ".join(f"{one.name} {one.points[-1].y:.2f}" for one in series if one.points)
    svg = charts.lines(key, title, f"After the last rollout: {told}.", series, x_name="rollouts", y_name="score, 1-5")
    return Figure(title, note, svg)


def _tree(trace: Trace, where: str, key: str) -> Figure:
    nodes = treechart.layout(trace, NAMES)
    title = f"Search tree · {where}"
    path = " > ".join(node.name for node in nodes if node.best and node.parent >= 0)
    svg = treechart.tree(key, title, f"{len(nodes)} of the tree's nodes. Returned path: {path or 'none'}.", nodes)
    note = (
        "From left to right, what is acquired next; the most visited orders only (+n: as many more). "
        "Q and N are those of the set, which other orders share. ★: on the path that the search returned."
    )
    return Figure(title, note, svg)


def _by_judge(data: RunData) -> dict[tuple[str, str], list[ScoreRow]]:
    found: dict[tuple[str, str], list[ScoreRow]] = {}
    for row in data.table.rows:
        found.setdefault((row.model, row.judge), []).append(row)
    return found
