"""What one attribute is worth: given alone, against nothing, on the scenarios that have it (arms `only:ATTRIBUTE`)."""

from collections.abc import Mapping, Sequence

from simulator.attributes import NAMES
from simulator.domains import DOMAINS
from workbench.arms import only_attribute
from workbench.statistics.bootstrap import Interval
from workbench.statistics.models import about
from workbench.statistics.published import figure
from workbench.statistics.scores import AVERAGE
from workbench.statistics.studytable import RunScores, StudyTable, Value, group

_BASE = ("vanilla", "control", "full")


def sensitivity_table(runs: Sequence[RunScores]) -> StudyTable:
    """Return a row per attribute: nothing known, the attribute known, and the paired gain, the largest first.

    `beyond_instruction` is the gain over the control arm: responses with an attribute are made with the instruction,
    those without anything are not.
    """
    rows: list[Mapping[str, Value]] = []
    for (world, model, judge), mine in group(runs, _wanted).items():
        found: list[tuple[float, Mapping[str, Value]]] = []
        for arm in mine.arms:
            attribute = only_attribute(arm)
            if attribute is None:
                continue
            given = mine.scores(arm)
            nothing = {s: score for s, score in mine.scores("vanilla").items() if s in given}
            gain = mine.gain(arm, "vanilla")
            row: dict[str, Value] = {
                **about(world, model, judge),
                "attribute": NAMES[attribute],
                "n": len(given),
                "none": mine.mean(nothing),
                "given": mine.mean(given),
                "gain": gain,
                "beyond_instruction": mine.gain(arm, "control"),
                **_paper(NAMES[attribute]),
            }
            found.append((-gain.mean if gain else 0.0, row))
        rows += [row for _, row in sorted(found, key=lambda item: item[0])]
    columns = {"model": "model", "source": "source", "judge": "judge", "attribute": "attribute", "n": "n"}
    columns |= {"none": "none", "given": "given", "gain": "gain", "beyond_instruction": "beyond the instruction"}
    columns |= {"paper_given": "paper: given", "paper_gain": "paper: gain"}
    note = f"paper: over 1,000 scenarios, none = {figure('sensitivity', 'none')}; names read off a figure's axis"
    return StudyTable("sensitivity", "Attribute sensitivity: one attribute against none", columns, tuple(rows), (note,))


def sensitivity_domains_table(runs: Sequence[RunScores]) -> StudyTable:
    """Return attributes x domains: the paired gain of the attribute alone over nothing."""
    rows: list[Mapping[str, Value]] = []
    for (world, model, judge), mine in group(runs, _wanted).items():
        for attribute, name in enumerate(NAMES):
            arm = f"only:{name}"
            if arm in mine.arms and only_attribute(arm) == attribute:
                gains: dict[str, Interval | None] = {d: mine.gain(arm, "vanilla", d) for d in DOMAINS}
                whole = {AVERAGE: mine.gain(arm, "vanilla"), **_paper(name)}
                rows.append({**about(world, model, judge), "attribute": name, **gains, **whole})
    columns = {"attribute": "attribute", "source": "source", "judge": "judge"}
    columns |= {name: name for name in (*DOMAINS, AVERAGE)} | {"paper_gain": "paper"}
    if len({row["model"] for row in rows}) > 1:
        columns = {"model": "model", **columns}
    return StudyTable("sensitivity-domains", "Gain of one attribute over none, by domain", columns, tuple(rows))


def _wanted(arm: str) -> bool:
    return arm in _BASE or only_attribute(arm) is not None


def _paper(attribute: str) -> dict[str, Value]:
    given, none = figure("sensitivity", attribute), figure("sensitivity", "none")
    gain = None if given is None or none is None else round(given - none, 2)
    return {"paper_given": given, "paper_gain": gain}
