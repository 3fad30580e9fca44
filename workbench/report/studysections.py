"""The sections of a study's report: what each experiment asks, what came out, and how that compares to the paper."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain

from workbench.report import studyfigures, sweepfigures
from workbench.report.parts import Figure, Mean, Section, Table, shown
from workbench.report.studyreading import Setting, StudyData
from workbench.report.studytables import PUBLISHED, course_table, mean_of, number_of, sentence, table_of
from workbench.statistics.comparison import ALPHA
from workbench.statistics.differences import arm_differences, model_differences
from workbench.statistics.published import MEAN
from workbench.statistics.studytable import StudyTable

_LONG = 24
"""A table with more rows is folded away at first."""

_CALIBRATED = (
    "The surrogate was calibrated on the published levels, sensitivities and path gains: that it agrees with them "
    "shows that the calibration holds, and nothing about people or models. What arms agent and planner score and how "
    "much they ask was not fitted."
)


def sections(data: StudyData, key: str) -> tuple[Section, ...]:
    """Return the sections that the study has something for, in reading order."""
    made = chain.from_iterable(make(data, f"{key}-{name}") for name, make in _SECTIONS.items())
    return tuple(section for section in made if section.parts or section.more)


def _headline(data: StudyData, key: str) -> Iterator[Section]:
    says: list[str] = []
    parts: list[Figure | Table] = []
    for i, (_, made) in enumerate(data.tables("headline"), 1):
        says += _headline_words(made)
        parts += studyfigures.headline_figures(made, f"{key}-figure-{i}")
        parts.append(table_of(made, f"{key}-table-{i}", data.world))
    for _, made in data.tables("models"):
        says += _planner_words(made)
    if data.surrogate and parts:
        says.append(_CALIBRATED)
    yield _section(key, "Headline numbers", says, parts)


def _headline_words(made: StudyTable) -> Iterator[str]:
    papers = {row["what"]: row for row in made.rows if row["source"] == PUBLISHED}
    several = any(row["model"] == MEAN and row["source"] != PUBLISHED for row in made.rows)
    for world, judge, rows in studyfigures.by_judge(made):
        for row in rows:
            paper, gain = papers.get(row["what"]), mean_of(row["percent"])
            if paper is None or gain is None or (several and row["model"] != MEAN):
                continue
            published = number_of(paper.get("percent"))
            asked, they_asked = number_of(row["questions"]), number_of(paper.get("questions"))
            who = "the mean over models" if several else str(row["model"])
            words = f"{sentence(str(row['what']))}, {who} ({world}, judge {judge}): "
            words += f"{gain.value:+.1f} %{_percent(gain)} over nothing"
            if published is not None:
                words += f", published {published:+.1f} % ({_beside(gain, published)})"
            if asked is not None and they_asked is not None:
                words += f"; {asked:.2f} questions, published {they_asked:.1f}"
            yield f"{words}."


def _planner_words(made: StudyTable) -> Iterator[str]:
    """Say whether the planner's advantage over the agent shows, model by model in one sentence per judge."""
    papers = {row["model"]: row for row in made.rows if row["source"] == PUBLISHED}
    several = any(row["model"] == MEAN and row["source"] != PUBLISHED for row in made.rows)
    for world, judge, rows in studyfigures.by_judge(made):
        for row in rows:
            gain = mean_of(row["planner_over_agent"], True)
            if gain is None or (several and row["model"] != MEAN):
                continue
            who = "the mean over models" if several else str(row["model"])
            words = f"+Planner against +Agent, {who} ({world}, judge {judge}): {shown(gain)}"
            paper = number_of(papers.get(row["model"], {}).get("planner_over_agent"))
            if paper is not None:
                words += f", published {paper:+.2f} ({_beside(gain, paper)})"
            if gain.low is not None and gain.low <= 0:
                words += ". An advantage of the planner over the agent is not shown here"
            yield f"{words}."


def _beside(mean: Mean, paper: float) -> str:
    if mean.low is None or mean.high is None:
        return "ours has no interval"
    if mean.low <= paper <= mean.high:
        return "inside our interval"
    return "ours is higher" if mean.value > paper else "ours is lower"


def _percent(mean: Mean) -> str:
    return "" if mean.low is None or mean.high is None else f" [{mean.low:+.1f}, {mean.high:+.1f}]"


def _models(data: StudyData, key: str) -> Iterator[Section]:
    says: list[str] = []
    parts: list[Figure | Table] = []
    more: list[Figure | Table] = []
    for i, (setting, made) in enumerate(data.tables("models"), 1):
        parts += studyfigures.model_figures(made, f"{key}-figure-{i}")
        parts.append(table_of(made, f"{key}-table-{i}", data.world))
        for differences in (arm_differences(setting.runs), model_differences(setting.runs)):
            if differences.rows:
                says.append(_told_apart(differences))
                more.append(table_of(differences, f"{key}-{differences.name}-{i}", data.world))
    yield _section(key, "Models", says, parts, more)


def _told_apart(differences: StudyTable) -> str:
    """Say how many differences are told apart, and what became of the planner's over the agent."""
    apart = [(p := number_of(row["p_holm"])) is not None and p <= ALPHA for row in differences.rows]
    words = (
        f"{differences.title}: {sum(apart)} of {len(apart)} are told apart after Holm's correction (p at most {ALPHA})"
    )
    ours = [
        told
        for row, told in zip(differences.rows, apart, strict=True)
        if (row["first"], row["second"]) == ("agent", "planner")
    ]
    if ours:
        words += f"; +Planner against +Agent: {sum(ours)} of {len(ours)}"
    return f"{words}."


def _domains(data: StudyData, key: str) -> Iterator[Section]:
    for i, (setting, made) in enumerate(data.tables("domains"), 1):
        figures = list(studyfigures.domain_figures(made, f"{key}-figure-{i}"))
        heading = f"Domains: {setting.part}"
        yield _section(
            f"{key}-{i}", heading, [], [*figures[:1], table_of(made, f"{key}-table-{i}", data.world)], figures[1:]
        )


def _simple(
    name: str, heading: str, figures: Callable[[StudyTable, str], Iterable[Figure]]
) -> Callable[[StudyData, str], Iterator[Section]]:
    """Return what makes a section of one table and its figures."""

    def make(data: StudyData, key: str) -> Iterator[Section]:
        for i, (setting, made) in enumerate(data.tables(name), 1):
            drawn = list(figures(made, f"{key}-figure-{i}"))
            also = heading if i == 1 else f"{heading}: {setting.part}"
            yield _section(f"{key}-{i}", also, [], [*drawn, table_of(made, f"{key}-table-{i}", data.world)])

    return make


def _subsets(data: StudyData, key: str) -> Iterator[Section]:
    for i, (setting, made) in enumerate(data.tables("subsets"), 1):
        figures = list(studyfigures.subset_figures([setting], made, f"{key}-figure-{i}"))
        table = table_of(made, f"{key}-table-{i}", data.world)
        heading = "Subset choice" if i == 1 else f"Subset choice: {setting.part}"
        yield _section(f"{key}-{i}", heading, [], [*figures, table])


def _courses(data: StudyData, key: str) -> Iterator[Section]:
    if data.courses:
        figures = list(sweepfigures.course_figures(data, f"{key}-figure"))
        says = list(_course_words(data))
        yield _section(key, "Searches and their regret", says, [*figures, course_table(data, f"{key}-table")])


def _course_words(data: StudyData) -> Iterator[str]:
    """Say whether searching longer brought searches nearer to the best subset."""
    known = [course for _, _, course in data.courses if course.true]
    medians = [course.quartiles[1] for course in known]
    if known:
        nearer = sum(bool(median[-1] < median[0]) for median in medians)
        found = [course.found for course in known if course.found is not None]
        shares = " to ".join(dict.fromkeys(f"{100 * share:.0f}" for share in (min(found), max(found))))
        yield (
            f"Courses (settings and models) with a smaller median regret at the end than after the first evaluations: "
            f"{nearer} of {len(known)}. Of the searches, {shares} % returned a "
            "best subset of their size. Rewards are noisy judgements: what scored best among many was in part lucky, "
            "and a search cannot tell."
        )


def _abstention(data: StudyData, key: str) -> Iterator[Section]:
    for i, (setting, made) in enumerate(_trades(data), 1):
        figures = list(sweepfigures.trade_figures(setting, made, f"{key}-figure-{i}"))
        heading = f"Score against questions: {setting.part}"
        yield _section(f"{key}-{i}", heading, [], [*figures, table_of(made, f"{key}-table-{i}", data.world)])


def _coverage(data: StudyData, key: str) -> Iterator[Section]:
    figures = list(studyfigures.coverage_figures(data, f"{key}-figure"))
    yield _section(key, "Which attributes are asked for and planned", [], figures)


def _sweeps(data: StudyData, key: str) -> Iterator[Section]:
    trades = {setting.part for setting, _ in _trades(data)}
    for i, (setting, made) in enumerate(data.tables("sweep"), 1):
        if setting.part not in trades:
            figures = list(sweepfigures.sweep_figures(setting, made, f"{key}-figure-{i}"))
            heading = f"Settings: {setting.part}"
            yield _section(f"{key}-{i}", heading, [], [*figures, table_of(made, f"{key}-table-{i}", data.world)])


def _trades(data: StudyData) -> list[tuple[Setting, StudyTable]]:
    """Return the experiments that move how much is asked."""
    sweeps = [(setting, made) for setting, made in data.tables("sweep") if "threshold" in setting.options]
    return [*data.tables("abstention"), *sweeps]


def _section(
    key: str,
    heading: str,
    says: Sequence[str],
    parts: Sequence[Figure | Table],
    more: Sequence[Figure | Table] = (),
) -> Section:
    """Return a section whose long tables are folded away at first."""
    long = [part for part in parts if isinstance(part, Table) and len(part.rows) > _LONG]
    return Section(key, heading, tuple(says), tuple(p for p in parts if p not in long), (*long, *more))


_SECTIONS: dict[str, Callable[[StudyData, str], Iterator[Section]]] = {
    "headline": _headline,
    "models": _models,
    "domains": _domains,
    "context": _simple("context", "Context-free against context-rich", studyfigures.context_figures),
    "sensitivity": _simple("sensitivity", "Attribute sensitivity", studyfigures.sensitivity_figures),
    "sensitivity-domains": _simple(
        "sensitivity-domains", "Attribute sensitivity by domain", studyfigures.sensitivity_maps
    ),
    "subsets": _subsets,
    "gains": _simple("gains", "Gain per question", studyfigures.gain_figures),
    "abstention": _abstention,
    "settings": _sweeps,
    "regret": _courses,
    "coverage": _coverage,
}
