"""The whole way of a new user, in a real terminal (tmux): pick, watch, scrub, replay, compare, quit."""

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed"),
]

TIMEOUT = 90.0

NOT_OURS = ("TMUX", "NO_COLOR", "WORKBENCH_DB", "COLUMNS", "LINES")
"""Would tell the app of another terminal than its own; tests that run side by side set the last two."""


class Person:
    """Sits at a terminal of its own: presses keys, reads the screen."""

    def __init__(self, folder: Path, width: int, height: int, after: str = "") -> None:
        self._socket, self.folder = str(folder / "tmux"), folder
        home = {"XDG_STATE_HOME": str(folder / "state"), "XDG_CONFIG_HOME": str(folder / "config")}
        environment = {k: v for k, v in os.environ.items() if k not in NOT_OURS} | home
        command = f"{sys.executable} -m workbench; echo ended with $?; {after}exec sleep 600"
        self._tmux("new-session", "-d", "-x", str(width), "-y", str(height), command, env=environment)

    def press(self, *keys: str) -> None:
        """Press keys, by tmux's names."""
        for key in keys:
            self._tmux("send-keys", key)

    def signal(self, name: str) -> None:
        """Send the workbench a signal."""
        shell = self._tmux("display-message", "-p", "#{pane_pid}").strip()
        subprocess.run(["pkill", f"-{name}", "-P", shell], check=True)  # the shell's own child, nobody else's

    def resize(self, width: int, height: int) -> None:
        """Give the terminal another size."""
        self._tmux("resize-window", "-x", str(width), "-y", str(height))

    def screen(self) -> str:
        """Read what is on the screen."""
        return self._tmux("capture-pane", "-p")

    def sees(self, pattern: str) -> re.Match[str]:
        """Wait until the screen shows what a regular expression describes.

        Raises:
            AssertionError: it does not; says what it shows.
        """
        return self._wait(lambda shown: re.search(pattern, shown, re.DOTALL), pattern)

    def no_longer_sees(self, pattern: str) -> None:
        """Wait until the screen does not show it."""
        self._wait(lambda shown: None if re.search(pattern, shown, re.DOTALL) else re.search("", ""), f"no {pattern}")

    def leave(self) -> None:
        """Take the terminal away."""
        self._tmux("kill-server", check=False)

    def _wait(self, found: Callable[[str], re.Match[str] | None], what: str) -> re.Match[str]:
        until = time.monotonic() + TIMEOUT
        while time.monotonic() < until:
            shown = self.screen()
            if (match := found(shown)) is not None:
                return match
            time.sleep(0.05)
        raise AssertionError(f"never saw {what} but:\n{self.screen()}")

    def _tmux(self, *arguments: str, env: dict[str, str] | None = None, check: bool = True) -> str:
        done = subprocess.run(
            ["tmux", "-S", self._socket, "-f", os.devnull, *arguments],
            cwd=self.folder,
            env=env,
            check=check,
            capture_output=True,
            text=True,
        )
        return done.stdout


@pytest.fixture
def person(tmp_path: Path) -> Iterator[Person]:
    somebody = Person(tmp_path, 120, 40)
    yield somebody
    somebody.leave()


def test_a_new_user_gets_from_nothing_to_a_comparison(person: Person) -> None:
    # The notice, then scenarios: the screen says which key adds some.
    person.sees("A word before you begin")
    person.press("Enter")
    person.sees(r"No scenarios yet.*\bb\b +add the 70")
    person.press("b")
    person.sees(r"Scenarios · 70.*Profile")

    # A search is planned and watched to its end, then scrubbed back.
    person.press("p")
    person.sees(r"Tree of orders.*rollout \d+ of 300.*surrogate|surrogate.*Tree of orders.*rollout \d+ of 300")
    person.sees("rollout 300 of 300")
    person.press("[", "[", "[")
    shown = person.sees("rollout 297 of 300")
    assert "nothing known" in shown.string
    person.press("Home")
    person.sees("rollout +0 of 300")

    # All of them are run, from the form, and the run is watched.
    person.press("1")
    person.sees("Scenarios · 70")
    person.press("a")
    person.sees("70 selected")
    person.press("r")
    person.sees("run of 70 scenarios.*estimate")
    person.press("C-s")
    person.sees(r"✔ done +\w{8} +run.*350/350")

    # A dialogue is replayed.
    person.press("3")
    person.sees("Dialogues of run")
    person.press("Enter")
    person.sees("agent arm.*planner arm")
    person.sees(r"step \d+ of \d+")
    person.press("Right", "Right", "Right", "Right", "Right", "Right", "Right", "Right", "Right", "Right", "Right")
    person.sees(r"answer · \w+ · run")

    # Arms are compared, down to two responses beside each other.
    person.press("4")
    person.sees(r"vanilla +a +.?\d\.\d\d±\.\d\d.*published")
    person.press("d")
    person.sees(r"Differ most.*[▲▼] [+−]\d")
    person.press("Enter")
    person.sees("risk sensitivity +●")

    # And out, after the six screens were seen once.
    person.press("6")
    person.sees("6 Workers")
    person.press("C-q")
    person.sees("ended with 0")


@pytest.mark.parametrize(("width", "height"), [(80, 24), (60, 24)])
def test_small_terminals_show_every_screen(prepared: Path, tmp_path: Path, width: int, height: int) -> None:
    shutil.copy(prepared, tmp_path / "workbench.db")
    somebody = Person(tmp_path, width, height)
    try:
        somebody.sees("enter begins|A word before")
        somebody.press("Enter")
        for number, name in enumerate(("Scenarios", "Search", "Dialogues", "Scores", "Runs", "Workers"), 1):
            somebody.press(str(number))
            shown = somebody.sees(rf"{number} {name} .*╭.*╰").string
            assert all(len(line) <= width for line in shown.splitlines())
    finally:
        somebody.leave()


@pytest.mark.parametrize("name", ["TERM", "INT"])
def test_signals_end_the_app_and_give_the_terminal_back(tmp_path: Path, name: str) -> None:
    somebody = Person(tmp_path, 80, 24, after="stty -a | grep -o ' echo '; ")
    try:
        somebody.sees("enter begins")
        somebody.press("Enter")
        somebody.sees("No scenarios yet")
        somebody.press("C-c")  # asks, as q does
        somebody.sees("Leave the workbench")
        somebody.press("n")
        somebody.no_longer_sees("Leave the workbench")
        somebody.signal(name)
        somebody.sees("ended with 130.*echo")
    finally:
        somebody.leave()


def test_a_terminal_may_change_its_size(prepared: Path, tmp_path: Path) -> None:
    shutil.copy(prepared, tmp_path / "workbench.db")
    somebody = Person(tmp_path, 120, 40)
    try:
        somebody.sees("enter begins")
        somebody.press("Enter")
        somebody.sees("Scenarios · 14")
        somebody.press("Down", "Down")
        marked = somebody.sees(r"▌ +(Financial +[^│]{20})")[1]
        for number, name in enumerate(("Scenarios", "Search", "Dialogues", "Scores", "Runs", "Workers"), 1):
            somebody.press(str(number))
            somebody.sees(f"{number} {name} .*╰")
            somebody.resize(60, 20)
            somebody.sees(rf"\A[^\n]*{number} {name} [^\n]*\n╭[^\n]{{58}}╮\n.*╰")
            somebody.resize(120, 40)
            somebody.sees("1 Scenarios  2 Search  3 Dialogues.*╰")
        somebody.press("1")
        assert somebody.sees(r"▌ +(\w+ +[^│]{20})")[1] == marked
        assert "internal error" not in somebody.screen()
    finally:
        somebody.leave()
