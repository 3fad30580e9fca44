"""All about one run, in lines: how it goes, what failed, the experiment, its calls, and where it comes from."""

import textwrap
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from storage.runfigures import Failure, RunFigures, RunStory
from workbench.app.state.links import Link
from workbench.app.state.spans import (
    ABSENT,
    Column,
    Line,
    Span,
    layout,
    line,
    moment,
    muted,
    number,
    span_of_time,
    status_span,
    table_line,
)
from workbench.text import plain


class DetailRow(NamedTuple):
    """A line of the detail pane, and what enter opens there."""

    spans: Line
    link: Link | None = None


def detail_rows(
    run: RunFigures,
    rate: float | None,
    left: float | None,
    failures: Sequence[Failure],
    story: RunStory | None,
    width: int,
    veil: Callable[[str], str] = plain,
) -> list[DetailRow]:
    """Return all about a run, in lines.

    Args:
        rate: units a second. left: seconds that the rest would take. None: too early to say.
        story: of this run, once it was read.
        width: cells that a line may take before it is broken.
        veil: makes text of models safe to show, and blurs it if that is wanted.
    """
    rows = [DetailRow(spans) for spans in _how_it_goes(run, rate, left, width, veil)]
    rows += _failed(run, failures, width, veil)
    if story is not None:
        rows += [DetailRow(spans) for spans in _about(story, width)]
    rows += [DetailRow(spans) for spans in _ledger(run, width)]
    if story is not None:
        rows += [DetailRow(spans) for spans in _origin(story, run, width)]
    return rows


def _how_it_goes(
    run: RunFigures, rate: float | None, left: float | None, width: int, veil: Callable[[str], str]
) -> list[Line]:
    parts = [f"{run.done:,} done", f"{run.failed:,} failed", f"{run.pending + run.running:,} to do"]
    lines = [line(status_span(run.status), Span("  " + " · ".join(parts)))]
    if rate is not None:
        told = f"{rate:.1f} units a second" + ("" if left is None else f" · ≈ {span_of_time(left)} left (estimate)")
        lines.append(line(muted(told)))
    if run.status == "interrupted":
        lines.append(line(Span("nobody works on it; r takes it up where it was", "warning")))
    if run.error:
        lines += [line(Span(text, "error")) for text in wrapped(veil(run.error), width)]
    return lines


def _failed(run: RunFigures, failures: Sequence[Failure], width: int, veil: Callable[[str], str]) -> list[DetailRow]:
    if not run.failed:
        return []
    rows = [DetailRow(()), DetailRow(line(Span("failures", "accent", bold=True), muted("  enter opens the first")))]
    for failure in failures:
        link = _whereto(run, failure)
        count, *more = wrapped(f"{failure.units:,} × {veil(failure.reason)}", width)
        rows.append(DetailRow(line(Span(count, "error")), link))
        rows += [DetailRow(line(Span(f"  {text}", "error")), link) for text in more[:2]]
        where = f"  first: unit {failure.unit}, {failure.scenario}, {failure.model}, {failure.arm}"
        rows.append(DetailRow(line(muted(plain(where))), link))
    missing = run.failed - sum(failure.units for failure in failures)
    if missing > 0 and failures:
        rows.append(DetailRow(line(muted(f"{missing:,} more: workbench show failures --run {run.run}"))))
    return rows


def _whereto(run: RunFigures, failure: Failure) -> Link:
    """Return where the first unit of a failure is seen best."""
    if failure.kind == "search":
        return Link("search", str(failure.unit))
    if failure.dialogue:
        return Link("dialogue", str(failure.unit))
    return Link("scores", run.run, f"scenario={failure.scenario}")


def wrapped(text: str, width: int) -> list[str]:
    """Break safe text into lines of at most `width` characters, between words where it can; at least one."""
    return textwrap.wrap(text, max(10, width)) or [""]


def _heading(text: str, more: str = "") -> Line:
    return line(Span(text, "accent", bold=True), *([muted(f"  {more}")] if more else []))


def _field(name: str, value: object, width: int) -> list[Line]:
    first, *more = wrapped(plain(str(value)), width - 13)
    return [line(muted(f"{name:<12} "), Span(first)), *(line(" " * 13, Span(text)) for text in more)]


def _about(story: RunStory, width: int) -> list[Line]:
    """Return the experiment in words."""
    experiment, lines = story.experiment, [(), _heading("experiment")]
    scenarios = experiment.get("scenarios")
    if isinstance(scenarios, list):
        lines += _field("scenarios", f"{len(scenarios):,}", width)
    if "file" in experiment:  # an imported run
        lines += _field("file", f"{experiment['file']} ({experiment.get('format', ABSENT)})", width)
    for name, values in (("arms", story.arms), ("models", story.models), ("judges", experiment.get("judges", ()))):
        if values:
            lines += _field(name, ", ".join(map(str, values)), width)
    if experiment.get("repeats", 1) != 1:
        lines += _field("repeats", f"{experiment['repeats']} judgements per judge and response", width)
    if isinstance(planner := experiment.get("planner"), dict):
        lines += _field("planner", _planner_in_words(planner), width)
    if isinstance(library := experiment.get("library"), dict):
        told = [f"{library.get('neighbours', ABSENT)} neighbours by {library.get('embedder', ABSENT)}"]
        told += ["leaky"] * bool(library.get("leaky")) + [f"index {library['index']}"] * bool(library.get("index"))
        lines += _field("paths", ", ".join(told), width)
    if isinstance(agent := experiment.get("agent"), dict):
        told = [
            f"stops at completeness {agent.get('threshold', ABSENT)}",
            f"at most {agent.get('max_questions', ABSENT)} questions",
            f"{agent.get('persona', '')} user",
        ]
        lines += _field("agent", ", ".join(told), width)
    if story.seed is not None:
        lines += _field("seed", story.seed, width)
    return lines


def _planner_in_words(planner: dict[str, Any]) -> str:
    name = planner.get("planner", ABSENT)
    parts = [f"{name}, rule {planner.get('rule')}" if name == "search" else str(name)]
    parts += [f"T {planner.get('rollouts', ABSENT)}", f"depth {planner.get('depth', ABSENT)}"]
    if name == "search":
        parts += [f"c {planner.get('c', ABSENT)}", f"decay {planner.get('decay', ABSENT)}"]
    return ", ".join([*parts, f"evaluations {planner.get('evaluations', ABSENT)}"])


_CALLS = (
    Column("role"),
    Column("model", rank=1),
    Column("calls", right=True),
    Column("hits", right=True, rank=2),
    Column("failed", right=True, rank=3),
    Column("tokens in", right=True),
    Column("out", right=True),
    Column("latency", right=True, rank=4),
    Column("cost", right=True),
)


def _ledger(run: RunFigures, width: int) -> list[Line]:
    """Return the calls by role and model; nothing where there are none."""
    if not run.calls:
        return []
    rows = [
        {
            "role": Span(plain(who.role)),
            "model": Span(plain(who.model)),
            "calls": Span(number(sums.calls)),
            "hits": Span(number(sums.hits) if sums.hits else ABSENT),
            "failed": Span(number(sums.failed), "error") if sums.failed else muted(ABSENT),
            "tokens in": Span(number(sums.prompt_tokens)),
            "out": Span(number(sums.completion_tokens)),
            "latency": Span(ABSENT if sums.mean_latency is None else f"{sums.mean_latency:.2f} s"),
            "cost": Span(ABSENT if sums.cost is None else f"{sums.cost:,.2f}"),
        }
        for who, sums in sorted(run.calls.items())
    ]
    widths = layout(_CALLS, rows, width)
    heading = table_line(_CALLS, {column.title: muted(column.title) for column in _CALLS}, widths)
    return [(), _heading("calls", "hits came from the cache"), heading, *(table_line(_CALLS, r, widths) for r in rows)]


def _origin(story: RunStory, run: RunFigures, width: int) -> list[Line]:
    lines: list[Line] = [(), _heading("where it comes from")]
    world = f"{story.world} {story.world_version}".strip()
    for name, value in (
        ("world", world),
        ("code", story.code_version),
        ("identity", story.identity[:16]),
        ("library", (story.library or "")[:16]),
        ("started", moment(run.created_at, form="long")),
        ("finished", moment(run.finished_at, form="long") if run.finished_at else ""),
    ):
        if value:
            lines += _field(name, value, width)
    return lines
