"""Progress: lines that are due and no others, a bar on a terminal, silence where asked."""

import io
import os
import pty
import threading
from collections.abc import Iterator

import pytest

from workbench.cli.progress import PlainDisplay, QuietDisplay, RichDisplay, display_for
from workbench.engine.progress import Progress


class Clock:
    """Time that passes when a test says so."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Terminal:
    """A pseudo-terminal: `stream` to write to, `shown()` closes it and returns everything that was written."""

    def __init__(self) -> None:
        self._master, slave = pty.openpty()
        self.stream = os.fdopen(slave, "w", encoding="utf-8")
        self._parts: list[bytes] = []
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        try:
            while part := os.read(self._master, 65536):
                self._parts.append(part)
        except OSError:  # Linux says so at the end of a terminal's output
            pass

    def shown(self) -> str:
        if not self.stream.closed:
            self.stream.close()
            self._reader.join()
            os.close(self._master)
        return b"".join(self._parts).decode()


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    for name in ("FORCE_COLOR", "NO_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "120")
    opened = Terminal()
    yield opened
    opened.shown()


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_the_stream_decides(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(display_for(terminal.stream), RichDisplay)
    assert isinstance(display_for(terminal.stream, quiet=True), QuietDisplay)
    assert isinstance(display_for(io.StringIO()), PlainDisplay)
    monkeypatch.setenv("TERM", "dumb")
    assert isinstance(display_for(terminal.stream), PlainDisplay)


def test_plain_lines_come_at_steps_and_not_too_often(clock: Clock) -> None:
    out = io.StringIO()
    display = PlainDisplay(out, clock)
    display.start(1000, label="plan")
    for done in range(1, 1001):
        clock.now += 1 / 32
        display.advance(done)
    display.finish()
    lines = out.getvalue().splitlines()
    assert lines[0] == "plan: 0 of 1,000 (0 %)"
    assert lines[1] == "plan: 160 of 1,000 (16 %), 32/s, about 0:26 left"
    assert lines[-1] == "plan: 1,000 of 1,000 (100 %), 32/s"
    assert len(lines) == 8


def test_slow_work_says_that_it_lives(clock: Clock) -> None:
    out = io.StringIO()
    display = PlainDisplay(out, clock)
    display.start(1000)
    for done in (1, 2, 3):
        clock.now += 40
        display.advance(done)
    assert out.getvalue().splitlines()[1:] == ["2 of 1,000 (0 %), 1.5/min, about 11:05:20 left"]


def test_resumed_units_are_no_part_of_the_rate_and_failures_are_counted(clock: Clock) -> None:
    out = io.StringIO()
    display = PlainDisplay(out, clock)
    display.start(100, done=80, label="trials")
    clock.now += 10
    display.advance(85, failed=5)
    assert out.getvalue().splitlines()[-1] == "trials: 90 of 100 (90 %), 5 failed, 1.0/s, about 0:10 left"


def test_the_end_is_told_once(clock: Clock) -> None:
    out = io.StringIO()
    display = PlainDisplay(out, clock)
    display.start(2)
    display.advance(1, label="cut off")
    display.finish()
    display.finish()
    display.advance(2)
    assert out.getvalue().splitlines() == ["0 of 2 (0 %)", "cut off: 1 of 2 (50 %)"]


def test_nothing_to_do_is_done(clock: Clock) -> None:
    out = io.StringIO()
    display = PlainDisplay(out, clock)
    display.start(0)
    display.finish()
    assert out.getvalue() == "0 of 0 (100 %)\n"


def test_a_second_phase_ends_the_first(clock: Clock) -> None:
    out = io.StringIO()
    display = PlainDisplay(out, clock)
    display.start(2, label="plan")
    display.advance(2)
    display.start(3, label="trials")
    assert out.getvalue().splitlines() == ["plan: 0 of 2 (0 %)", "plan: 2 of 2 (100 %)", "trials: 0 of 3 (0 %)"]


def test_hostile_text_is_only_text(clock: Clock, terminal: Terminal) -> None:
    out = io.StringIO()
    displays: tuple[Progress, ...] = (PlainDisplay(out, clock), RichDisplay(terminal.stream, clock))
    for display in displays:
        display.start(1, label="[red]{task}\x1b[2J")
        display.note("[bold]note\x1b]0;title\x07")
        display.finish()
    for shown in (out.getvalue(), terminal.shown()):
        assert "[red]{task}" in shown
        assert "[bold]note" in shown
        assert "\x1b[2J" not in shown
        assert "\x1b]0" not in shown


def test_a_terminal_shows_a_bar_with_rate_and_time_left(clock: Clock, terminal: Terminal) -> None:
    display = RichDisplay(terminal.stream, clock)
    display.start(100, done=20, label="plan")
    clock.now += 10
    display.advance(38, failed=2, label="trials")
    display.note("a note")
    display.finish()
    display.finish()
    display.note("after the end")
    shown = terminal.shown()
    assert "trials" in shown
    assert "40/100" in shown
    assert "2 failed" in shown
    assert "2.0/s, about 0:30 left" in shown
    assert "a note" in shown
    assert shown.endswith("after the end\r\n")
    assert "\x1b[?25h" in shown, "the cursor is back"


def test_quiet_is_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    display = QuietDisplay()
    display.start(1)
    display.advance(1)
    display.note("x")
    display.finish()
    assert capsys.readouterr() == ("", "")
