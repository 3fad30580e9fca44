"""Progress on stderr: siblings behind one interface, so what works never knows how it is shown."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TextIO

from workbench.text import plain

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    import workbench.engine.progress as engine

Clock = Callable[[], float]
"""Seconds since any moment, never going back."""

LINE_SECONDS = 5.0
"""Plain lines are at least this far apart, so that a log stays readable."""

LINE_PERCENT = 10
"""A plain line is due whenever this much more is done …"""

SILENT_SECONDS = 60.0
"""… or, in slow work, when nothing was said for so long."""


def display_for(stream: TextIO, quiet: bool = False) -> "engine.Progress":
    """Choose the display for a stream: a bar on a terminal, plain lines elsewhere, nothing if `quiet`."""
    if quiet:
        return QuietDisplay()
    if stream.isatty() and os.environ.get("TERM") != "dumb":
        return RichDisplay(stream)
    return PlainDisplay(stream)


@dataclass(frozen=True, slots=True)
class _Count:
    """How far a phase is.

    Fields:
        total, resumed: units of the phase, and those finished before it began.
        done, failed: units finished well (resumed ones included) and badly.
        seconds: since the phase began.
    """

    total: int
    resumed: int
    done: int
    failed: int
    seconds: float

    @property
    def finished(self) -> int:
        return self.done + self.failed

    @property
    def percent(self) -> int:
        return 100 * self.finished // self.total if self.total else 100

    @property
    def failures(self) -> str:
        return f"{self.failed:,} failed" if self.failed else ""

    @property
    def pace(self) -> str:
        """Rate and, before the end, the time left; empty until something was finished."""
        if self.finished <= self.resumed or self.seconds <= 0:
            return ""
        rate = (self.finished - self.resumed) / self.seconds
        shown = f"{rate:,.0f}/s" if rate >= 10 else f"{rate:.1f}/s" if rate >= 0.1 else f"{60 * rate:.1f}/min"
        left = max(0, self.total - self.finished) / rate
        return f"{shown}, about {_duration(left)} left" if left else shown


class QuietDisplay:
    """Shows nothing."""

    def start(self, total: int, done: int = 0, label: str = "") -> None:
        """Show nothing."""

    def advance(self, done: int, failed: int = 0, label: str | None = None) -> None:
        """Show nothing."""

    def note(self, text: str) -> None:
        """Show nothing."""

    def finish(self) -> None:
        """Show nothing."""


class NoteDisplay(QuietDisplay):
    """Writes notes and shows no progress: for work that is over before a bar could be read, unless it is held."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def note(self, text: str) -> None:
        """Write the text at once."""
        self._stream.write(f"{plain(text)}\n")
        self._stream.flush()


class PlainDisplay:
    """Lines now and then, for logs and pipes."""

    def __init__(self, stream: TextIO, clock: Clock = time.monotonic) -> None:
        self._stream = stream
        self._clock = clock
        self._began = 0.0
        self._label = ""
        self._count: _Count | None = None  # None outside a phase
        self._said: _Count | None = None  # what the last line told

    def start(self, total: int, done: int = 0, label: str = "") -> None:
        """Begin a phase and say so."""
        self.finish()
        self._began, self._label = self._clock(), label
        self._say(_Count(total, done, done, 0, 0.0))

    def advance(self, done: int, failed: int = 0, label: str | None = None) -> None:
        """Write a line if one is due."""
        if self._count is None or self._said is None:
            return
        seconds = self._clock() - self._began
        self._count = count = _Count(self._count.total, self._count.resumed, done, failed, seconds)
        self._label = self._label if label is None else label
        silent = seconds - self._said.seconds
        step = count.percent // LINE_PERCENT > self._said.percent // LINE_PERCENT
        if (step and silent >= LINE_SECONDS) or silent >= SILENT_SECONDS:
            self._say(count)

    def note(self, text: str) -> None:
        """Write the text at once."""
        self._line(text)

    def finish(self) -> None:
        """Write where the phase ended, unless the last line said so."""
        if self._count is not None and self._count is not self._said:
            self._say(self._count)
        self._count = None

    def _say(self, count: _Count) -> None:
        self._count = self._said = count
        parts = [f"{count.finished:,} of {count.total:,} ({count.percent} %)", count.failures, count.pace]
        told = ", ".join(part for part in parts if part)
        self._line(f"{self._label}: {told}" if self._label else told)

    def _line(self, text: str) -> None:
        self._stream.write(f"{plain(text)}\n")
        self._stream.flush()


class RichDisplay:
    """A bar with rate and time left, for terminals."""

    def __init__(self, stream: TextIO, clock: Clock = time.monotonic) -> None:
        self._stream = stream
        self._clock = clock
        self._began = 0.0
        self._phase: tuple[Progress, TaskID, _Count] | None = None  # None outside a phase

    def start(self, total: int, done: int = 0, label: str = "") -> None:
        """Show the bar, under those of earlier phases."""
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

        self.finish()
        self._began = self._clock()
        progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[failures]}", style="red", markup=False),
            TextColumn("{task.fields[pace]}", markup=False),
            console=Console(file=self._stream, markup=False, emoji=False, highlight=False),
            redirect_stdout=False,  # stdout is data
        )
        task = progress.add_task(plain(label), total=total, completed=done, failures="", pace="")
        self._phase = progress, task, _Count(total, done, done, 0, 0.0)
        progress.start()

    def advance(self, done: int, failed: int = 0, label: str | None = None) -> None:
        """Move the bar; the terminal follows a few times a second."""
        if self._phase is None:
            return
        progress, task, before = self._phase
        count = _Count(before.total, before.resumed, done, failed, self._clock() - self._began)
        self._phase = progress, task, count
        described = None if label is None else plain(label)
        progress.update(task, completed=count.finished, description=described, failures=count.failures, pace=count.pace)

    def note(self, text: str) -> None:
        """Write the text above the bar."""
        if self._phase is None:
            self._stream.write(f"{plain(text)}\n")
            self._stream.flush()
        else:
            self._phase[0].console.print(plain(text))

    def finish(self) -> None:
        """Leave the bar as it stands, and the cursor below it."""
        if self._phase is not None:
            self._phase[0].stop()
        self._phase = None


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
