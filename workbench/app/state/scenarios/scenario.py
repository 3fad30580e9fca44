"""One scenario in full: query, profile with what is unknown, and what runs found about it."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import groupby

from simulator.attributes import ATTRIBUTES, N_ATTRIBUTES
from simulator.scenario import Scenario
from storage.notes import Annotations
from storage.scenariopages import Result
from themes import status
from workbench.app.state.marks import mark_lines
from workbench.app.state.spans import ABSENT, Line, Span, line, muted, status_span, wrapped
from workbench.text import plain

_NAME = max(len(attribute.name) for attribute in ATTRIBUTES) + 1
_NARROWEST = 12
"""Cells that a wrapped value gets at least."""


@dataclass(frozen=True, slots=True)
class ScenarioDetail:
    """Everything that is shown of one scenario.

    Fields:
        results: of searches and trials, the newest unit first, a row per verdict.
        annotations: note, tags and bookmark.
    """

    scenario: Scenario
    results: tuple[Result, ...]
    annotations: Annotations

    def latest(self, kind: str) -> int | None:
        """Return the unit of the newest finished `search` or `dialogue`, or None."""
        for result in self.results:
            found = result.kind == "search" if kind == "search" else result.questions is not None
            if found and result.state == "done":
                return result.unit
        return None


def detail_lines(
    detail: ScenarioDetail, width: int, sensitive: Callable[[str], str], key: Callable[[str], str]
) -> list[Line]:
    """Return the preview, wrapped to `width` cells.

    Args:
        sensitive: makes queries and values safe to show, and blurs them.
        key: returns the key of a binding by its id.
    """
    scenario = detail.scenario
    lines: list[Line] = [(Span(text, bold=True),) for text in wrapped(f"“{sensitive(scenario.query)}”", width)]
    about = " · ".join(plain(part) for part in (scenario.domain, scenario.issue, scenario.source) if part)
    lines += [(muted(text),) for text in wrapped(about, width)]
    marks = mark_lines(detail.annotations, width, sensitive)
    lines += [(), *marks, *[()] * bool(marks)]
    known = scenario.profile.known.bit_count()
    lines += [line(Span("Profile", "primary", bold=True), muted(f"  {known} of {N_ATTRIBUTES} known"))]
    for attribute, value in zip(ATTRIBUTES, scenario.profile, strict=True):
        name = muted(f"{attribute.name:<{_NAME}}")
        if value is None:
            lines.append(line(name, status_span("unknown")))
            continue
        first, *rest = wrapped(sensitive(value), max(_NARROWEST, width - _NAME))
        lines.append(line(name, first))
        lines += [line(" " * _NAME, text) for text in rest]
    return [*lines, (), *_results(detail.results, key)]


def _results(results: tuple[Result, ...], key: Callable[[str], str]) -> list[Line]:
    lines: list[Line] = [line(Span("Results so far", "primary", bold=True))]
    if not results:
        return [*lines, (muted(f"none yet: {key('scenarios.plan')} plans, {key('scenarios.run')} starts a run"),)]
    for (run, world), of_run in groupby(results, key=lambda result: (result.run, result.world)):
        where = status_span("surrogate") if world == "surrogate" else muted(plain(world or "imported"))
        lines.append(line(muted(f"run {plain(run)}  "), where))
        for _, group in groupby(of_run, key=lambda result: result.unit):
            lines.append(_unit(list(group)))
    return lines


def _unit(verdicts: list[Result]) -> Line:
    """Return a unit in a line: how it ended, its arm, and each judge's score."""
    first = verdicts[0]
    glyph = status_span(first.state, word=False)
    if first.kind == "search":
        value = ABSENT if first.score is None else f"Q {first.score:.2f}"
        return line(" ", glyph, f" {'search':<9}", muted(value))
    scores = "  ".join(
        f"{plain(v.judge)} {status('failed').glyph if v.score is None else f'{v.score:.2f}'}"
        for v in verdicts
        if v.judge is not None
    )
    asked = "" if first.questions is None else f"  {first.questions} asked"
    return line(" ", glyph, f" {plain(first.arm):<9}", scores or muted(status(first.state).word), muted(asked))
