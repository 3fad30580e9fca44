"""The tables of models: arms x domains, every model's averages, context-free against context-rich, the headlines."""

from collections.abc import Iterable, Mapping, Sequence

from simulator.domains import DOMAINS
from workbench.arms import arm_place, family
from workbench.statistics.bootstrap import Interval
from workbench.statistics.published import MEAN, figure, published
from workbench.statistics.scores import AVERAGE
from workbench.statistics.studytable import Group, RunScores, StudyTable, Value, beats, group, over_models

_MAIN = ("vanilla", "agent", "planner", "full")
_PAPER = {"vanilla": "vanilla", "agent": "+Agent", "planner": "+Planner", "full": "full"}


def domains_table(runs: Sequence[RunScores]) -> StudyTable:
    """Return arms x domains for every model, the paper's rows below each model's."""
    groups = group(runs, lambda arm: family(arm) == arm)
    rows: list[Mapping[str, Value]] = []
    for (world, model, judge), mine in groups.items():
        for arm in sorted(mine.arms, key=arm_place):
            cells = {domain: mine.arm(arm, domain) for domain in DOMAINS}
            rows.append(
                {**about(world, model, judge), "arm": arm, **cells, AVERAGE: mine.arm(arm)}
                | {"questions": mine.questions(arm), "failed": mine.failed.get(arm, 0)}
            )
        rows += [_published(model, arm) for arm in _MAIN if arm in mine.arms and published(model, arm)]
    columns = {"model": "model", "arm": "arm", "source": "source", "judge": "judge"}
    columns |= {name: name for name in (*DOMAINS, AVERAGE)} | {"questions": "questions", "failed": "failed"}
    return StudyTable("domains", "Scores by arm and domain", columns, tuple(rows))


def models_table(runs: Sequence[RunScores]) -> StudyTable:
    """Return each model's averages: vanilla, +Agent, +Planner, full, questions, and what the planner adds, paired."""
    groups = group(runs, lambda arm: arm in _MAIN)
    rows: list[Mapping[str, Value]] = []
    notes = []
    for (world, model, judge), mine in {**groups, **over_models(groups, _MAIN)}.items():
        gain = mine.gain("planner", "agent")
        rows.append(
            about(world, model, judge)
            | {arm: mine.arm(arm) for arm in _MAIN}
            | {"questions": mine.questions("planner"), "planner_over_agent": gain}
        )
        if paper := {row.arm: row for row in published(model)}:
            averages: dict[str, Value] = {arm: row.average for arm, row in paper.items()}
            planner, agent = paper["planner"], paper["agent"]
            added = {"questions": planner.questions, "planner_over_agent": planner.average - agent.average}
            rows.append({**_paper(model), **averages, **added})
        if gain is not None:
            notes.append(f"{short(model)}, {world} judge {judge}: {beats('+Planner', '+Agent', gain)}")
    columns = {"model": "model", "source": "source", "judge": "judge", **_PAPER}
    columns |= {"questions": "questions", "planner_over_agent": "+Planner − +Agent"}
    return StudyTable("models", "Models", columns, tuple(rows), tuple(notes))


def context_table(runs: Sequence[RunScores]) -> StudyTable:
    """Return context-free against context-rich per model and domain, the instruction alone beside them.

    `control_gain` is what the instruction alone brings, `context_gain` what the attributes bring beyond it: together
    they are `gain`. All are paired.
    """
    arms = ("vanilla", "control", "full")
    groups = group(runs, lambda arm: arm in arms)
    rows: list[Mapping[str, Value]] = []
    for (world, model, judge), mine in {**groups, **over_models(groups, arms)}.items():
        rows += [
            about(world, model, judge)
            | {"domain": domain or AVERAGE, **{arm: mine.arm(arm, domain) for arm in arms}}
            | {"gain": mine.gain("full", "vanilla", domain)}
            | {"control_gain": mine.gain("control", "vanilla", domain)}
            | {"context_gain": mine.gain("full", "control", domain)}
            | _paper_context(model, domain)
            for domain in (*DOMAINS, None)
        ]
    columns = {"model": "model", "domain": "domain", "judge": "judge", "vanilla": "context-free"}
    columns |= {"control": "instruction only", "full": "context-rich", "gain": "gain"}
    columns |= {"control_gain": "of the instruction", "context_gain": "of the context"}
    columns |= {"paper_vanilla": "paper: free", "paper_full": "paper: rich"}
    return StudyTable("context", "Context-free against context-rich", columns, tuple(rows))


def headline_table(runs: Sequence[RunScores]) -> StudyTable:
    """Return the headline numbers: what full context and RAISE gain over nothing, in points and percent."""
    groups = group(runs, lambda arm: arm in _MAIN)
    rows: list[Mapping[str, Value]] = []
    for (world, model, judge), mine in {**groups, **over_models(groups, _MAIN)}.items():
        whole = mine.scores("vanilla")
        for arm, name in (("full", "full context"), ("agent", "+Agent"), ("planner", "+Planner (RAISE)")):
            if arm in mine.arms and whole:
                rows.append(
                    about(world, model, judge)
                    | {"what": name, "vanilla": mine.arm("vanilla"), "score": mine.arm(arm)}
                    | {"gain": mine.gain(arm, "vanilla"), "percent": _percent(mine, arm)}
                    | {"questions": mine.questions(arm)}
                )
    base, full = figure("headline", "vanilla"), figure("headline", "full")
    rows.append(_paper(MEAN) | {"what": "full context", "vanilla": base, "score": full} | _percent_of("full %"))
    asked = {"questions": figure("headline", "questions")}
    rows.append(_paper(MEAN) | {"what": "+Planner (RAISE)"} | _percent_of("planner %") | asked)
    columns = {"model": "model", "what": "what", "source": "source", "judge": "judge", "vanilla": "vanilla"}
    columns |= {"score": "score", "gain": "gain", "percent": "gain in %", "questions": "questions"}
    note = "The published headlines quote 2.79 for knowing nothing; the paper's own table averages 2.86."
    return StudyTable("headline", "Headline numbers", columns, tuple(rows), (note,))


def _percent(mine: Group, arm: str) -> Interval | None:
    share = mine.ratio(mine.scores(arm), mine.scores("vanilla"))
    if share is None:
        return None
    low, high = ((None if bound is None else 100 * (bound - 1)) for bound in (share.low, share.high))
    return Interval(100 * (share.mean - 1), low, high, share.n, share.clusters)


def _percent_of(item: str) -> dict[str, Value]:
    return {"percent": figure("headline", item)}


def about(world: str, model: str, judge: str) -> dict[str, Value]:
    return {"model": short(model), "source": world, "judge": judge}


def _paper(model: str) -> dict[str, Value]:
    return {"model": short(model), "source": "published", "judge": None}


def _published(model: str, arm: str) -> dict[str, Value]:
    (row,) = published(model, arm)
    domains: Iterable[float | None] = row.domains or (None,) * len(DOMAINS)
    cells: dict[str, Value] = dict(zip(DOMAINS, domains, strict=True))
    return {**_paper(model), "arm": arm, **cells, AVERAGE: row.average, "questions": row.questions, "failed": None}


def _paper_context(model: str, domain: str | None) -> dict[str, Value]:
    found: dict[str, Value] = {"paper_vanilla": None, "paper_full": None}
    for row in published(model):
        if row.arm in ("vanilla", "full"):
            in_domain = row.domains[DOMAINS.index(domain)] if row.domains and domain else None
            found[f"paper_{row.arm}"] = row.average if domain is None else in_domain
    return found


def short(model: str) -> str:
    """Return a model's name without its world: the source stands beside it."""
    return model.rpartition("/")[2] if model.startswith("surrogate/") else model
