"""What the screen of runs shows: every run in a line, and which of them is chosen."""

import json
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Literal

from storage.runfigures import RunFigures
from workbench.app.state.links import Link
from workbench.app.state.runs.rundetail import TAKEN_UP, UNITS, DetailRow, Told, detail_rows
from workbench.app.state.spans import (
    ABSENT,
    Column,
    Line,
    Span,
    layout,
    moment,
    muted,
    number,
    span_of_time,
    status_span,
    table_line,
)
from workbench.text import plain

RATE_SECONDS = 30.0
"""The rate is that of the last half minute."""

_LEAST_SECONDS = 2.0
"""A rate over less says nothing."""

_COLUMNS = (
    Column("state"),
    Column("run"),
    Column("kind", rank=7),
    Column("study", rank=6),
    Column("world"),
    Column("progress", rank=1, widest=16),
    Column("units", right=True),
    Column("failed", right=True, rank=2),
    Column("rate", right=True, rank=5),
    Column("left", right=True, rank=4),
    Column("calls", right=True, rank=8),
    Column("tokens", right=True, rank=9),
    Column("cost", right=True, rank=6),
    Column("started", right=True, rank=3),
)

_BAR = 6
"""Cells of a progress bar at least."""

_COLOURS = {"running": "active", "paused": "warning", "interrupted": "warning", "failed": "error"}
"""Of the bars."""

Verb = Literal["pause", "resume", "cancel", "again", "retry"]
"""pause, resume, cancel: commands to the run's process; again, retry: launch it anew (with its failed units)."""


class Pace:
    """How fast a run moves, from a short history of counts."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque()

    def see(self, now: float, finished: int) -> None:
        """Take a count of finished units at a moment (seconds of any clock that only grows)."""
        if self._seen and (finished < self._seen[-1][1] or now - self._seen[-1][0] > RATE_SECONDS):
            self._seen.clear()  # units were made pending again, or nobody looked for long
        self._seen.append((now, finished))
        while now - self._seen[0][0] > RATE_SECONDS and len(self._seen) > 2:
            self._seen.popleft()

    @property
    def rate(self) -> float | None:
        """Units a second, or None where it is too early to say."""
        if not self._seen or self._seen[-1][0] - self._seen[0][0] < _LEAST_SECONDS:
            return None
        (began, first), (now, last) = self._seen[0], self._seen[-1]
        return (last - first) / (now - began)


class RunsState:
    """Eats figures of runs; says what is shown.

    Fields:
        runs: those at work first, then the newest.
        told: about the chosen run, once it was read.
    """

    def __init__(self) -> None:
        self.runs: Sequence[RunFigures] = ()
        self.told: Told | None = None
        self._chosen: str | None = None
        self._paces: dict[str, Pace] = {}

    def eat(self, figures: Sequence[RunFigures], now: float) -> None:
        """Take the figures of every run, newest first, at a moment (seconds of a clock that only grows)."""
        self.runs = sorted(figures, key=lambda run: run.status not in ("running", "paused"))
        for run in figures:
            if run.status == "running":
                self._paces.setdefault(run.run, Pace()).see(now, run.finished)
            else:
                self._paces.pop(run.run, None)
        if self.chosen is None:
            self._chosen = self.runs[0].run if self.runs else None

    @property
    def chosen(self) -> RunFigures | None:
        """The run under the cursor."""
        return next((run for run in self.runs if run.run == self._chosen), None)

    @property
    def cursor(self) -> int:
        """Where the chosen run stands in `runs`; 0 where there is none."""
        return next((i for i, run in enumerate(self.runs) if run.run == self._chosen), 0)

    def choose(self, run: str) -> bool:
        """Put the cursor on a run, by id or the beginning of one; tell whether there is one."""
        ids = [known.run for known in self.runs]
        # The same experiment run again has the first one's id with a number behind it.
        found = run if run in ids else next((known for known in ids if run and known.startswith(run)), None)
        if found is not None and found != self._chosen:
            self._chosen, self.told = found, None
        return found is not None

    def rate(self, run: RunFigures) -> float | None:
        """Units a second over the last half minute, or None."""
        pace = self._paces.get(run.run)
        return pace.rate if pace else None

    def left(self, run: RunFigures) -> float | None:
        """Seconds that the rest would take at this rate: an estimate, or None."""
        rate = self.rate(run)
        return (run.units - run.finished) / rate if rate else None

    def table(self, width: int, now: float, draw: Callable[[float, int], str]) -> tuple[Line, list[Line]]:
        """Return the heading and a line a run, at most `width` cells wide.

        Args:
            now: the time of day (seconds since the epoch).
            draw: makes a bar of a share 0-1 and a width.
        """
        cells = [self._cells(run, now) for run in self.runs]
        widths = layout(_COLUMNS, cells, width)
        for run, row in zip(self.runs, cells, strict=True):
            if run.units and "progress" in widths:
                # A line for what is through, so that bars stand out where something moves.
                through, wide = run.finished == run.units, widths["progress"]
                text = "─" * wide if through else draw(run.finished / run.units, wide)
                row["progress"] = row["progress"]._replace(text=text)
        heading = {column.title: muted("≈ left" if column.title == "left" else column.title) for column in _COLUMNS}
        return table_line(_COLUMNS, heading, widths), [table_line(_COLUMNS, row, widths) for row in cells]

    def refusal(self, verb: Verb, key: Callable[[str], str]) -> str | None:
        """Say why something can't be done with the chosen run, or None; `key` returns a binding's by its id."""
        run = self.chosen
        if run is None:
            return "there is no run yet"
        working = run.status in ("running", "paused")
        if verb in ("pause", "resume", "cancel"):
            if run.status == "interrupted":
                return f"nobody works on run {run.run}: {key('runs.again')} takes it up again"
            return None if working else f"run {run.run} has ended"
        if run.kind not in TAKEN_UP:
            return (
                f"run {run.run} is of kind {run.kind}: only experiments, searches, builds and judgements are taken up "
                "again"
            )
        if working:
            return f"run {run.run} is being worked on: wait for it, or cancel it with x"
        if verb == "again":
            return None if run.status in ("interrupted", "failed") else self._finished(run)
        return None if run.failed else f"run {run.run} has no failed {UNITS.get(run.kind, 'units')}"

    def _finished(self, run: RunFigures) -> str | None:
        """Say that a run is finished, unless it stands in a study that was cut off."""
        study = run.study
        if study is None or study.finished:
            return f"run {run.run} is finished"
        others = (other for other in self.runs if other.study is not None and other.study.study == study.study)
        at_work = next((other for other in others if other.status in ("running", "paused")), None)
        return None if at_work is None else f"study {study.name} is at run {at_work.run}"

    def opens(self) -> Link | None:
        """Return what enter opens: scores, or of a kind that has none a search, dialogue or scenario; None: nothing."""
        run, first = self.chosen, self.told.story.first if self.told is not None else {}
        if run is None:
            return None
        if run.kind == "build":
            built = self.told.build if self.told is not None else None
            return Link("scenario", built.first) if built is not None and built.first is not None else None
        if run.kind == "judge":  # its verdicts stand among those of the run whose responses it judges
            return Link("scores", self.told.story.experiment["run"]) if self.told is not None else None
        if run.kind == "plan" and "search" in first:
            return Link("search", str(first["search"]))
        if run.kind == "branch" and "trial" in first:
            return Link("dialogue", str(first["trial"]))
        return Link("scores", run.run)

    def details(self, width: int, key: Callable[[str], str], veil: Callable[[str], str] = plain) -> list[DetailRow]:
        """Return all about the chosen run, in lines.

        Args:
            width: cells that a line may take before it is broken.
            key: returns the key of a binding by its id.
            veil: makes text of models safe to show, and blurs it if that is wanted.
        """
        run = self.chosen
        if run is None:
            return []
        told = self.told if self.told is not None and self.told.story.run == run.run else None
        known = {other.run: other for other in self.runs}
        return detail_rows(run, told, known, self.rate(run), self.left(run), width, key, veil)

    def summary(self) -> str:
        """Return the chosen run as JSON, with everything the screen knows."""
        run = self.chosen
        if run is None:
            return "null"
        told = self.told
        story = told and told.story
        return json.dumps(
            {
                "run": run.run,
                "kind": run.kind,
                "status": run.status,
                "world": run.world,
                "units": {
                    "all": run.units,
                    "done": run.done,
                    "failed": run.failed,
                    "rejected": run.rejected,
                    "pending": run.pending,
                },
                "created_at": run.created_at,
                "finished_at": run.finished_at,
                "error": run.error,
                "failures": [failure._asdict() for failure in told.failures] if told else [],
                "build": built._asdict() if (built := told and told.build) else None,
                "study": run.study and asdict(run.study),
                "calls": [
                    {
                        **who._asdict(),
                        "calls": sums.calls,
                        "hits": sums.hits,
                        "failed": sums.failed,
                        "prompt_tokens": sums.prompt_tokens,
                        "completion_tokens": sums.completion_tokens,
                        "mean_latency": sums.mean_latency,
                        "cost": sums.cost,
                    }
                    for who, sums in run.calls.items()
                ],
                "identity": story and story.identity,
                "world_version": story and story.world_version,
                "code_version": story and story.code_version,
                "library": story and story.library,
                "experiment": story and story.experiment,
                "settings": story and story.settings,
            },
            indent=2,
            ensure_ascii=False,
        )

    def _cells(self, run: RunFigures, now: float) -> dict[str, Span]:
        rate, left, ledger = self.rate(run), self.left(run), run.ledger
        colour = _COLOURS.get(run.status, "border-blurred")
        return {
            "state": status_span(run.status),
            "run": Span(plain(run.run), bold=True),
            "kind": muted(run.kind),
            "study": muted(f"{plain(run.study.name)} {run.study.position}/{run.study.parts}" if run.study else ABSENT),
            "world": status_span("surrogate") if run.world == "surrogate" else Span(plain(run.world) or ABSENT),
            "progress": Span("─" * _BAR if run.units else ABSENT, colour),
            "units": Span(f"{run.finished:,}/{run.units:,}"),
            "failed": Span(f"{run.failed:,}", "error") if run.failed else muted(ABSENT),
            "rate": Span(ABSENT if rate is None else f"{rate:.1f}/s" if rate < 10 else f"{number(rate)}/s"),
            "left": Span(ABSENT if left is None else f"≈ {span_of_time(left)}"),
            "calls": Span(number(ledger.calls) if ledger.calls else ABSENT),
            "tokens": Span(number(ledger.tokens) if ledger.tokens else ABSENT),
            "cost": Span(ABSENT if ledger.cost is None else f"{ledger.cost:,.2f}"),
            "started": muted(moment(run.created_at, now=now)),
        }
