"""All about one run, in lines: how it goes, what failed, the experiment, its calls, and where it comes from."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from storage.construction import BuildStory
from storage.rejudge import label
from storage.runfigures import Failure, RunFigures, RunStory
from storage.studies import StoredPart
from workbench.app.state.dialogues.dialogues import describe_change
from workbench.app.state.links import Link
from workbench.app.state.spans import (
    ABSENT,
    Column,
    Line,
    Span,
    cut,
    layout,
    line,
    moment,
    muted,
    number,
    span_of_time,
    status_span,
    table_line,
    wrapped,
)
from workbench.text import counted, plain

UNITS = {"build": "items", "judge": "judgements"}
"""What is counted in runs of some kinds; in all others it is units."""

TAKEN_UP = ("run", "plan", "build", "judge")
"""Kinds of runs that go on where they were cut off, or do what failed again."""

_REASONS = 12
"""Reasons of a build that are told."""


class Told(NamedTuple):
    """What was read about a run.

    Fields:
        story: what it is about. failures: its failed units by reason.
        build: how a build stands. branch: what a branch left, and the change there (`storage.branches.branch_of`).
        parts: all runs of its study, in order.
    """

    story: RunStory
    failures: Sequence[Failure] = ()
    build: BuildStory | None = None
    branch: Mapping[str, Any] | None = None
    parts: Sequence[StoredPart] = ()


class DetailRow(NamedTuple):
    """A line of the detail pane, and what enter opens there."""

    spans: Line
    link: Link | None = None


def detail_rows(
    run: RunFigures,
    told: Told | None,
    known: Mapping[str, RunFigures],
    rate: float | None,
    left: float | None,
    width: int,
    key: Callable[[str], str],
    veil: Callable[[str], str] = plain,
) -> list[DetailRow]:
    """Return all about a run, in lines.

    Args:
        told: of this run, once it was read. known: every run by its id.
        rate: units a second. left: seconds that the rest would take. None: too early to say.
        width: cells that a line may take before it is broken.
        key: returns the key of a binding by its id.
        veil: makes text of models safe to show, and blurs it if that is wanted.
    """
    rows = _plain_rows(_how_it_goes(run, rate, left, width, key, veil))
    if told is None:
        return rows + _plain_rows(_ledger(run, width))
    if told.build is not None:
        rows += _plain_rows(_built(told.build, run, width, veil))
    scored = told.story.experiment["run"] if run.kind == "judge" else run.run
    rows += _failed(run, scored, told.failures, width, key, veil)
    if told.branch is not None:
        rows += _branched(told.branch, width, veil)
    rows += _plain_rows(_about(told.story, width))
    rows += _plain_rows(_ledger(run, width))
    rows += _study(run, told.parts, known, width, key)
    return rows + _plain_rows(_origin(told.story, run, width))


def _plain_rows(lines: Sequence[Line]) -> list[DetailRow]:
    return [DetailRow(spans) for spans in lines]


def _how_it_goes(
    run: RunFigures,
    rate: float | None,
    left: float | None,
    width: int,
    key: Callable[[str], str],
    veil: Callable[[str], str],
) -> list[Line]:
    done, to_do = f"{run.done:,} {UNITS.get(run.kind, 'units')} done", f"{run.pending + run.running:,} to do"
    parts = [done, f"{run.failed:,} failed", to_do]
    if run.kind == "build":
        parts.insert(1, f"{run.rejected:,} rejected")
    lines = [line(status_span(run.status), Span("  " + " · ".join(parts)))]
    if rate is not None:
        estimate = "" if left is None else f" · ≈ {span_of_time(left)} left (estimate)"
        said = f"{rate:.1f} {UNITS.get(run.kind, 'units')} a second{estimate}"
        lines.append(line(muted(said)))
    if (study := run.study) is not None:
        part = study.part.removeprefix(study.name).strip(" ()")
        said = f"run {study.position} of {study.parts} of study {study.name}" + (f": {part}" if part else "")
        lines += [line(muted(text)) for text in wrapped(plain(said), width)]
    if run.status == "paused" and run.held:
        lines += [line(Span(text, "warning")) for text in wrapped(plain(f"paused {run.held}"), width)]
    if run.status == "interrupted":
        lines.append(line(Span("; ".join(["nobody works on it", *_take_up(run, key)]), "warning")))
    if run.error:
        lines += [line(Span(text, "error")) for text in wrapped(veil(run.error), width)]
    if run.status == "failed":
        lines += [line(Span(text, "warning")) for text in _take_up(run, key)]
    return lines


def _take_up(run: RunFigures, key: Callable[[str], str]) -> list[str]:
    """Say what the key does that takes up a run that has stopped; nothing for a kind that can't be."""
    if run.kind not in TAKEN_UP:
        return []
    what = "goes on with the study" if run.study is not None and not run.study.finished else "takes it up"
    return [f"{key('runs.again')} {what} where it was"]


_EFFECTS = {"rejected": "warning", "replaced": "text-muted", "failed": "error"}
"""What became of what a build did not take as it was, and its colour."""


def _built(build: BuildStory, run: RunFigures, width: int, veil: Callable[[str], str]) -> list[Line]:
    """Return what a build kept, and what it left out by reason."""
    counts = build.counts
    parts = [counted(counts.kept, "scenario") + " kept"]
    parts += [f"{counts.queries:,} more {'query' if counts.queries == 1 else 'queries'} rejected"] * bool(
        counts.queries
    )
    parts += [f"{counted(counts.values, 'value')} dropped"] * bool(counts.values)
    lines = [line(" · ".join(parts))]
    if build.left_out:
        lines += [(), _heading("left out")]
        for left in build.left_out[:_REASONS]:
            first, *more = wrapped(f"{left.times:,} × {left.stage}, {left.effect}: {veil(left.reason)}", width)
            colour = _EFFECTS.get(left.effect, "warning")
            lines += [line(Span(first, colour)), *(line(Span(f"  {text}", colour)) for text in more[:2])]
        lines += [line(muted(text)) for text in wrapped(f"each: workbench scenarios rejected {run.run}", width)]
    return lines


def _branched(branch: Mapping[str, Any], width: int, veil: Callable[[str], str]) -> list[DetailRow]:
    """Return where a branch left another dialogue, and how; enter goes there."""
    said = f"leaves unit {branch['parent']} after turn {branch['step']}: {veil(describe_change(branch['change']))}"
    link = Link("dialogue", str(branch["parent"]), f"step={branch['step']}")
    return [DetailRow(line(text), link) for text in wrapped(said, width)]


def _failed(
    run: RunFigures,
    scored: str,
    failures: Sequence[Failure],
    width: int,
    key: Callable[[str], str],
    veil: Callable[[str], str],
) -> list[DetailRow]:
    if not failures:
        return []
    heading = _heading("failures", f"{key('list.open')} opens the first, {key('runs.retry')} does them again")
    rows = [DetailRow(()), DetailRow(heading, _whereto(scored, failures[0]))]
    for failure in failures:
        link = _whereto(scored, failure)
        count, *more = wrapped(f"{failure.units:,} × {veil(failure.reason)}", width)
        rows.append(DetailRow(line(Span(count, "error")), link))
        rows += [DetailRow(line(Span(f"  {text}", "error")), link) for text in more[:2]]
        where = f"  first: unit {failure.unit}, {failure.scenario}, {failure.model}, {failure.arm}"
        rows.append(DetailRow(line(muted(plain(where))), link))
    missing = run.failed - sum(failure.units for failure in failures)
    if missing > 0:
        rows.append(DetailRow(line(muted(f"{missing:,} more: workbench show failures --run {run.run}"))))
    return rows


def _study(
    run: RunFigures,
    parts: Sequence[StoredPart],
    known: Mapping[str, RunFigures],
    width: int,
    key: Callable[[str], str],
) -> list[DetailRow]:
    """Return the runs of a study, each with where enter goes."""
    if run.study is None or not parts:
        return []
    done = sum(part.run in known and known[part.run].state == "done" for part in parts if part.run)
    heading = _heading(f"study {plain(run.study.name)}", f"{done} of {counted(len(parts), 'run')} done")
    rows = [DetailRow(()), DetailRow(heading)]
    at_work = any(known[part.run].status in ("running", "paused") for part in parts if part.run and part.run in known)
    if run.status == "done" and not run.study.finished and not at_work:
        again = f"nobody works on it; {key('runs.again')} goes on with it where it was"
        rows.append(DetailRow(line(Span(again, "warning"))))
    for part in parts:
        figures = known.get(part.run or "")
        status = status_span(figures.status if figures is not None else "pending", word=False)
        where = f"  {plain(part.run)}" if figures is not None and part.run is not None else ""
        link = Link("run", part.run) if where and part.run is not None and part.run != run.run else None
        label = cut(plain(part.label), width - len(where) - 2)
        rows.append(DetailRow(line(status, Span(f" {label}", bold=part.run == run.run), muted(where)), link))
    return rows


def _whereto(scored: str, failure: Failure) -> Link:
    """Return where the first unit of a failure is seen best; `scored` is the run that it belongs to."""
    if failure.kind == "search":
        return Link("search", str(failure.unit))
    if failure.dialogue:
        return Link("dialogue", str(failure.unit))
    return Link("scores", scored, f"scenario={failure.scenario}")


def _heading(text: str, more: str = "") -> Line:
    return line(Span(text, "accent", bold=True), *([muted(f"  {more}")] if more else []))


def _field(name: str, value: object, width: int) -> list[Line]:
    first, *more = wrapped(plain(str(value)), width - 13)
    return [line(muted(f"{name:<12} "), Span(first)), *(line(" " * 13, Span(text)) for text in more)]


def _about(story: RunStory, width: int) -> list[Line]:
    """Return the experiment in words."""
    experiment = story.experiment
    lines = [(), _heading({"build": "build", "judge": "judging again"}.get(story.kind, "experiment"))]
    judges = dict.fromkeys([*experiment.get("judges", ()), *story.judges])
    if story.kind == "judge":
        judges = dict.fromkeys(label(*each) for each in experiment["rounds"].items())
        lines += _field("responses", f"those of run {experiment['run']} (enter opens its scores)", width)
    scenarios = experiment.get("scenarios")
    if isinstance(scenarios, list):
        lines += _field("scenarios", f"{len(scenarios):,}", width)
    if "file" in experiment:  # what was imported, or built from
        form = f" ({experiment['format']})" if "format" in experiment else ""
        lines += _field("file", f"{experiment['file']}{form}", width)
    if "leaks" in experiment:  # a build
        lines += _field("items", _items_in_words(experiment), width)
        lines += _field("leaks", f"{experiment['leaks']} queries that give the profile away", width)
        lines += _field("model", experiment.get("model", ABSENT), width)
    for name, values in (("arms", story.arms), ("models", story.models), ("judges", judges)):
        if values:
            lines += _field(name, ", ".join(map(str, values)), width)
    if experiment.get("repeats", 1) != 1:
        lines += _field("repeats", f"{experiment['repeats']} judgements per judge and response", width)
    if isinstance(planner := experiment.get("planner"), dict):
        lines += _field("planner", _planner_in_words(planner), width)
    if isinstance(library := experiment.get("library"), dict):
        lines += _field("paths", _paths_in_words(library), width)
    if isinstance(agent := experiment.get("agent"), dict):
        told = [
            f"stops at completeness {agent.get('threshold', ABSENT)}",
            f"at most {agent.get('max_questions', ABSENT)} questions",
            f"{agent.get('persona', '')} user",
        ]
        lines += _field("agent", ", ".join(told), width)
    if "search" in story.first and "trial" in story.first:
        lines += _field("units", "searches (scenario × model), trials (each × arm)", width)
    if story.seed is not None:
        lines += _field("seed", story.seed, width)
    return lines


def _items_in_words(experiment: dict[str, Any]) -> str:
    """Say what a build is made from."""
    if "profiles" not in experiment:
        return f"posts that tell {experiment.get('presence', ABSENT)} attributes of ten or more"
    queries = experiment.get("queries", 1)
    each = "a query" if queries == 1 else f"{queries} queries"
    return f"{counted(experiment['profiles'], 'profile')}, {each} each, {experiment.get('missing', 0):.0%} unknown"


def _paths_in_words(library: dict[str, Any]) -> str:
    nearest = f"those of the {library.get('neighbours', ABSENT)} most similar queries"
    parts = [f"{nearest}, by {library.get('embedder', ABSENT)}"]
    if library.get("leaky"):
        parts.append("its own may be among them (leaky)")
    if library.get("index"):
        parts.append(f"index {str(library['index'])[:16]}")
    return ", ".join(parts)


def _planner_in_words(planner: dict[str, Any]) -> str:
    name = planner.get("planner", ABSENT)
    parts = [f"{name}, rule {planner.get('rule')}" if name == "search" else str(name)]
    parts += [f"{planner.get('rollouts', ABSENT)} rollouts", f"depth {planner.get('depth', ABSENT)}"]
    if name == "search":
        parts += [f"exploration {planner.get('c', ABSENT)}", f"prior decay {planner.get('decay', ABSENT)}"]
    return ", ".join([*parts, _evaluations_in_words(str(planner.get("evaluations", ABSENT)))])


def _evaluations_in_words(evaluations: str) -> str:
    """Say how often a subset is judged."""
    kind, _, times = evaluations.partition(":")
    if kind == "cache" and times.isdecimal():
        return f"{counted(int(times), 'judgement')} a subset ({evaluations})"
    return "a new judgement every visit (fresh)" if kind == "fresh" else f"evaluations {evaluations}"


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
        ("code", story.code_version and f"workbench {story.code_version}"),
        ("identity", story.identity and f"{story.identity[:16]} (hash of the experiment)"),
        ("library", story.library and f"{story.library[:16]} (hash of its planned paths)"),
        ("started", moment(run.created_at, form="long")),
        ("finished", moment(run.finished_at, form="long") if run.finished_at else ""),
    ):
        if value:
            lines += _field(name, value, width)
    return lines
