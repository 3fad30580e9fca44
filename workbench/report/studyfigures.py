"""The figures of a study: arms, models, attributes, subsets, questions, each with the words that say how to read it."""

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from simulator.attributes import NAMES
from simulator.domains import DOMAINS
from workbench.arms import family
from workbench.report import charts
from workbench.report.charts import Point, Series
from workbench.report.parts import Figure, Mean, shown
from workbench.report.rowcharts import rowbars
from workbench.report.studyreading import Setting, StudyData
from workbench.report.studytables import PUBLISHED, mean_of, number_of
from workbench.report.svg import SLOTS
from workbench.statistics.models import short
from workbench.statistics.published import MEAN
from workbench.statistics.scores import AVERAGE, COLUMNS
from workbench.statistics.studytable import StudyTable, Value, group
from workbench.statistics.subsetchoice import CHOICES

Row = Mapping[str, Value]

WHISKERS = "Whiskers: 95 % bootstrap interval, clustered by profile."
DIAMONDS = " Hollow diamonds: the paper's published figures."
_ARMS = ("vanilla", "control", "agent", "planner", "full")


def headline_figures(made: StudyTable, key: str) -> Iterator[Figure]:
    """Draw the gains over nothing in percent: of the mean over models where there are several, else of each."""
    for i, (world, judge, rows) in enumerate(by_judge(made), 1):
        several = [row for row in rows if row["model"] == MEAN]
        chosen = several or rows
        papers = {row["what"]: number_of(row.get("percent")) for row in made.rows if row["source"] == PUBLISHED}
        names = [str(row["what"]) if several else f"{row['model']}, {row['what']}" for row in chosen]
        values = [mean_of(row["percent"], True) for row in chosen]
        paper = [papers.get(row["what"]) for row in chosen]
        title = f"Gain over knowing nothing · world: {world} · {'mean over models · ' if several else ''}judge: {judge}"
        most = max([50.0, *(mean.high or mean.value for mean in values if mean), *(p for p in paper if p)])
        svg = rowbars(
            f"{key}-{i}",
            title,
            f"Bars of the gain in percent. {_told(names, values)}.",
            names,
            {"gain": values},
            low=min(0.0, *(mean.low or mean.value for mean in values if mean)),
            high=most,
            base=0,
            unit="gain over vanilla, %",
            published={"gain": paper},
        )
        note = f"Mean score of the arm over that of vanilla on the same scenarios, minus 1. {WHISKERS}{DIAMONDS}"
        yield Figure(title, f"{note} The published ones are means over the paper's six models.", svg)


def model_figures(made: StudyTable, key: str) -> Iterator[Figure]:
    """Draw every model's averages beside the published ones."""
    papers = {row["model"]: row for row in made.rows if row["source"] == PUBLISHED}
    for i, (world, judge, rows) in enumerate(by_judge(made), 1):
        arms = [arm for arm in _ARMS if any(row.get(arm) is not None for row in rows)]
        models = [str(row["model"]) for row in rows]
        values = {arm: [mean_of(row.get(arm)) for row in rows] for arm in arms}
        paper = {arm: [number_of(papers.get(model, {}).get(arm)) for model in models] for arm in arms}
        title = f"Average score by model and arm · world: {world} · judge: {judge}"
        told = "; ".join(f"{model}: {_told(arms, [values[arm][m] for arm in arms])}" for m, model in enumerate(models))
        svg = charts.bars(
            f"{key}-{i}",
            title,
            f"Grouped bars from 1 to 5, one group per model. {told}.",
            models,
            values,
            low=1,
            high=5,
            unit="score, 1-5",
            published=paper if papers else None,
        )
        yield Figure(title, f"Bars stand on 1, the lowest score. {WHISKERS}{DIAMONDS if papers else ''}", svg)


def domain_figures(made: StudyTable, key: str) -> Iterator[Figure]:
    """Draw arms by domain for every model, the published figures beside them."""
    found: dict[tuple[str, str, str], list[Row]] = {}
    for world, judge, rows in by_judge(made):
        for row in rows:
            found.setdefault((str(row["model"]), world, judge), []).append(row)
    for i, ((model, world, judge), rows) in enumerate(found.items(), 1):
        ours = {str(row["arm"]): [mean_of(row[name]) for name in COLUMNS] for row in rows}
        paper = {
            str(row["arm"]): [number_of(row[name]) for name in COLUMNS]
            for row in made.rows
            if row["source"] == PUBLISHED and row["model"] == model and row["arm"] in ours
        }
        title = f"Score by domain · world: {world} · model: {model} · judge: {judge}"
        averages = _told(list(ours), [means[-1] for means in ours.values()])
        svg = charts.bars(
            f"{key}-{i}",
            title,
            f"Grouped bars from 1 to 5, one group per domain and one for the average. Averages: {averages}.",
            COLUMNS,
            ours,
            low=1,
            high=5,
            unit="score, 1-5",
            published=paper or None,
        )
        yield Figure(title, f"Bars stand on 1, the lowest score. {WHISKERS}{DIAMONDS if paper else ''}", svg)


def context_figures(made: StudyTable, key: str) -> Iterator[Figure]:
    """Draw what the instruction and what the attributes bring, by model, and the gain by model and domain."""
    for i, (world, judge, rows) in enumerate(by_judge(made), 1):
        whole = [row for row in rows if row["domain"] == AVERAGE]
        models = [str(row["model"]) for row in whole]
        values = {
            name: [mean_of(row.get(source), True) for row in whole]
            for name, source in (("the instruction alone", "control_gain"), ("the attributes beyond", "context_gain"))
        }
        title = f"What full context brings · world: {world} · judge: {judge}"
        told = "; ".join(f"{name}: {_told(models, means)}" for name, means in values.items())
        low, high = _ends([mean for means in values.values() for mean in means])
        svg = rowbars(
            f"{key}-{i}",
            title,
            f"Bars of gains in points of the score. {told}.",
            models,
            values,
            low=low,
            high=high,
            base=0,
            unit="gain, points of the score",
        )
        note = f"Instruction: control minus vanilla. Attributes: full minus control. Both are paired. {WHISKERS}"
        yield Figure(title, note, svg)
        cells = {(row["model"], row["domain"]): number_of(row.get("gain")) for row in rows}
        yield gain_map(
            f"Gain of full context by domain · world: {world} · judge: {judge}",
            f"{key}-map-{i}",
            models,
            [[cells.get((model, name)) for name in COLUMNS] for model in models],
            "Full minus vanilla, paired, in points of the score; intervals stand in the table.",
        )


def sensitivity_figures(made: StudyTable, key: str) -> Iterator[Figure]:
    """Draw what one attribute brings over none, and beyond the instruction, the largest first."""
    for i, (world, model, judge, rows) in enumerate(_by_model(made), 1):
        names = [str(row["attribute"]) for row in rows]
        values = {"over nothing": [mean_of(row["gain"], True) for row in rows]}
        beyond = [mean_of(row.get("beyond_instruction"), True) for row in rows]
        values |= {"beyond the instruction": beyond} if any(beyond) else {}
        paper = [number_of(row.get("paper_gain")) for row in rows]
        low, high = _ends([*values["over nothing"], *beyond, *(None if p is None else Mean(p) for p in paper)])
        title = f"Attribute sensitivity · world: {world} · model: {model} · judge: {judge}"
        svg = rowbars(
            f"{key}-{i}",
            title,
            f"Bars of the gain of one attribute over none. {_told(names, values['over nothing'])}.",
            names,
            values,
            low=low,
            high=high,
            base=0,
            unit="gain, points of the score",
            published={"over nothing": paper},
        )
        note = (
            f"One attribute given, minus none, paired on the scenarios that have it. {WHISKERS}{DIAMONDS} "
            "Theirs are over 1,000 scenarios, with names read off a figure's axis."
        )
        yield Figure(title, note, svg)


def sensitivity_maps(made: StudyTable, key: str) -> Iterator[Figure]:
    """Draw attributes x domains."""
    for i, (world, model, judge, rows) in enumerate(_by_model(made), 1):
        yield gain_map(
            f"Attribute sensitivity by domain · world: {world} · model: {model} · judge: {judge}",
            f"{key}-map-{i}",
            [str(row["attribute"]) for row in rows],
            [[number_of(row[name]) for name in COLUMNS] for row in rows],
            "Gain of one attribute over none, paired, in points of the score; intervals stand in the table.",
        )


def subset_figures(settings: Sequence[Setting], made: StudyTable, key: str) -> Iterator[Figure]:
    """Draw the spread of scores by who chooses, the winner's curse in it, and the means against k."""
    number = 0
    for k in dict.fromkeys(row["k"] for row in made.rows):
        runs = [run for setting in settings for run in setting.runs if run.experiment.get("k") == k]
        for (world, model, judge), mine in group(runs, lambda arm: family(arm) in CHOICES).items():
            values: dict[str, list[float]] = {}
            naive: list[float] = []
            for arm, items in mine.arms.items():
                values.setdefault(_name(family(arm)), []).extend(item.score for item in items.values())
                naive += [item.naive for item in items.values() if family(arm) == _JUDGED and item.naive is not None]
            if naive:
                values[_AS_IT_WON] = naive
            order = (*(_name(arm) for arm in CHOICES if arm != _JUDGED and arm != "full"), _AS_IT_WON, _AGAIN)
            ordered = {name: values[name] for name in (*order, _name("full")) if name in values}
            number += 1
            title = f"Which attributes are known, k = {k} · world: {world} · model: {short(model)} · judge: {judge}"
            told = "; ".join(f"{n}: median {np.median(v):.2f}, mean {np.mean(v):.2f}" for n, v in ordered.items())
            slots = {name: SLOTS.index(like) for name, like in _LOOKS.items()}
            svg = charts.boxes(f"{key}-{number}", title, f"A box per way of choosing. {told}.", ordered, 1, 5, slots)
            note = (
                "Box: quartiles and median of single scores; whiskers: 5th to 95th percentile; hollow diamond: mean. "
                "A box of random holds every draw of every scenario."
            )
            if naive and _AGAIN in ordered:
                again = float(np.mean(ordered[_AGAIN]))
                note += (
                    f" Winner's curse: what won among single judgements scored {np.mean(naive):.2f} when it won and "
                    f"{again:.2f} when it was judged again; the difference is luck, not safety."
                )
            yield Figure(title, note, svg)
    yield from _over_k(made, key)


_JUDGED = "oracle-judged"
_AS_IT_WON, _AGAIN = "judged oracle, as it won", "judged oracle, judged again"
_LOOKS = {
    CHOICES["vanilla"]: "vanilla",
    CHOICES["path"]: "planner",
    CHOICES["full"]: "full",
    _AS_IT_WON: "control",
    _AGAIN: "agent",
}


def _name(arm: str) -> str:
    return _AGAIN if arm == _JUDGED else CHOICES[arm]


def _over_k(made: StudyTable, key: str) -> Iterator[Figure]:
    if len({row["k"] for row in made.rows}) < 2:
        return
    for i, (world, model, judge, rows) in enumerate(_by_model(made), 1):
        choices = dict.fromkeys(str(row["choice"]) for row in rows)
        series = [Series(c, _points([row for row in rows if row["choice"] == c], "k", "score")) for c in choices]
        title = f"Score by number of attributes known · world: {world} · model: {model} · judge: {judge}"
        svg = charts.lines(
            f"{key}-k-{i}",
            title,
            f"A line per way of choosing. At the largest k: {_ends_told(series)}.",
            series,
            x_name="attributes known (k)",
            y_name="score, 1-5",
        )
        yield Figure(title, WHISKERS, svg)


def gain_figures(made: StudyTable, key: str) -> Iterator[Figure]:
    """Draw the score after each question along the planned path, the paper's beside it."""
    for i, (world, judge, rows) in enumerate(by_judge(made), 1):
        models = dict.fromkeys(str(row["model"]) for row in rows)
        series = [Series(m, _points([row for row in rows if row["model"] == m], "known", "score")) for m in models]
        paper = {row["known"]: row.get("paper_score") for row in rows}
        places = ((number_of(known), number_of(score)) for known, score in paper.items())
        told = tuple(Point(known, score) for known, score in places if known is not None and score is not None)
        title = f"Gain per question along the planned path · world: {world} · judge: {judge}"
        first = "; ".join(
            f"{row['model']}: the first question brings {100 * share:.0f} % of the gain after three"
            for row in rows
            if row["known"] == 1 and (share := number_of(row.get("share"))) is not None
        )
        svg = charts.lines(
            f"{key}-{i}",
            title,
            f"Score after each attribute. {_ends_told(series)}. {first}.",
            [*series, Series(PUBLISHED, told)],
            x_name="attributes known, in the order of the path",
            y_name="score, 1-5",
        )
        note = f"{first[:1].upper()}{first[1:]} (published: 79 %). {WHISKERS} Published: 50 profiles, no interval."
        yield Figure(title, note if first else WHISKERS, svg)


def coverage_figures(data: StudyData, key: str) -> Iterator[Figure]:
    """Draw which attributes are asked for and which are planned, by domain, over all models of the main run."""
    main = data.main
    arms = dict.fromkeys(place.arm for place in main.dialogues)
    for i, arm in enumerate(arms, 1):
        totals = {d: sum(counts[d] for place, counts in main.dialogues.items() if place.arm == arm) for d in DOMAINS}
        asked = {
            d: {name: sum(main.asked[place][d][name] for place in main.dialogues if place.arm == arm) for name in NAMES}
            for d in DOMAINS
        }
        how = "dialogues that asked for an attribute, whether or not it was answered"
        yield _shares(f"Attributes asked for by {arm}", how, f"{key}-{i}", data, totals, asked)
    totals = {d: sum(count for (_, domain), count in main.searched.items() if domain == d) for d in DOMAINS}
    if any(totals.values()):
        planned = {
            d: {name: sum(c[name] for (_, domain), c in main.planned.items() if domain == d) for name in NAMES}
            for d in DOMAINS
        }
        how = "searches whose returned path holds an attribute"
        yield _shares("Attributes on planned paths", how, f"{key}-planned", data, totals, planned)


def _shares(
    what: str,
    how: str,
    key: str,
    data: StudyData,
    totals: Mapping[str, int],
    counts: Mapping[str, Mapping[str, int]],
) -> Figure:
    domains = [domain for domain in DOMAINS if totals[domain]]
    whole = sum(totals.values())
    values = [
        [*(counts[d][name] / totals[d] for d in domains), sum(counts[d][name] for d in domains) / max(1, whole)]
        for name in NAMES
    ]
    title = f"{what} · run {data.main.row['run']} · world: {data.main.world}"
    told = "; ".join(f"{name} {100 * row[-1]:.0f} %" for name, row in zip(NAMES, values, strict=True))
    svg = charts.heat(key, title, f"Share of {how}, over all domains: {told}.", NAMES, [*domains, "all"], values)
    models = len({row.model for row in data.main.table.rows})
    over = f", over {models} models" if models > 1 else ""
    return Figure(title, f"Share of the {whole:,} {how}{over}.", svg)


def gain_map(title: str, key: str, rows: Sequence[str], values: Sequence[Sequence[float | None]], note: str) -> Figure:
    """Draw gains in points of the score, rows x domains and their average."""
    sizes = [abs(value) for row in values for value in row if value is not None]
    best = [(value, f"{rows[r]}, {COLUMNS[c]}") for r, row in enumerate(values) for c, value in enumerate(row) if value]
    told = f"Largest: {max(best)[1]} {max(best)[0]:+.2f}; smallest: {min(best)[1]} {min(best)[0]:+.2f}." if best else ""
    written: Callable[[float], str] = "{:+.2f}".format
    svg = charts.heat(key, title, told, rows, COLUMNS, values, most=max(sizes, default=1.0) or 1.0, written=written)
    return Figure(title, note, svg)


def by_judge(made: StudyTable) -> Iterator[tuple[str, str, list[Row]]]:
    """Yield (world, judge, our rows)."""
    found: dict[tuple[str, str], list[Row]] = {}
    for row in made.rows:
        if row.get("source") != PUBLISHED:
            found.setdefault((str(row["source"]), str(row["judge"])), []).append(row)
    for (world, judge), rows in found.items():
        yield world, judge, rows


def _by_model(made: StudyTable) -> Iterator[tuple[str, str, str, list[Row]]]:
    for world, judge, rows in by_judge(made):
        for model in dict.fromkeys(str(row["model"]) for row in rows):
            yield world, model, judge, [row for row in rows if row["model"] == model]


def _points(rows: Sequence[Row], x: str, y: str) -> tuple[Point, ...]:
    means = [(number_of(row[x]), mean_of(row[y])) for row in rows]
    return tuple(Point(at, mean.value, mean.low, mean.high) for at, mean in means if at is not None and mean)


def _ends(means: Sequence[Mean | None]) -> tuple[float, float]:
    """Return the ends of an axis of gains, 0 among them."""
    bounds = [v for mean in means if mean for v in (mean.value, mean.low, mean.high) if v is not None]
    return min([0.0, *bounds]), max([0.1, *bounds]) * 1.02


def _told(names: Sequence[str], means: Sequence[Mean | None]) -> str:
    return "; ".join(f"{name} {shown(mean)}" for name, mean in zip(names, means, strict=True))


def _ends_told(series: Sequence[Series]) -> str:
    return "; ".join(f"{one.name} {one.points[-1].y:.2f}" for one in series if one.points)
