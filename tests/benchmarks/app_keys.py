"""How soon the app answers a key, in a terminal, while the engine works: `python -m tests.benchmarks.app_keys`.

A key is answered when what it changes has been drawn: a text that only the key brings where there is one, else the
first thing drawn after a moment of quiet.
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from storage.database import open_readonly
from storage.readers import list_runs
from tests.benchmarks.terminal import Terminal, run, terminal

PRESSES = 200
ARMS = ("--arms", "vanilla,agent,planner,full")
BATCH = ("run", *ARMS, "--quiet", "--new")
JUDGED = 4000
"""Scenarios of the run whose scores are computed: with 4 arms and 2 judges, 32,000 verdicts."""

DOWN, UP, RIGHT, LEFT = b"\x1b[B", b"\x1b[A", b"\x1b[C", b"\x1b[D"
ANYTHING = b"m"
"""Stands in every sequence that sets a colour."""
MARK = "▌".encode()
"""Stands before the line under the cursor."""

Press = tuple[bytes, bytes]
"""Keys, and the text that they bring."""


def main() -> None:
    """Press keys on each screen; print the median and the 95th percentile."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run(folder, "scenarios", "build", "--synthetic", "14000")
        up_and_down = (DOWN, ANYTHING), (UP, ANYTHING)
        with terminal(folder) as app:
            app.wait_for(b"14,000")
            app.drain(0.5)
            measure("Scenarios, nothing else running", app, up_and_down)
            with working(folder, *BATCH):
                grown(folder, app)
                measure("Scenarios, a run of 14,000 scenarios writing", app, up_and_down)
        with terminal(folder) as app, working(folder, *BATCH):
            while len(runs(folder)) < 2:
                app.drain(0.1)
            first, second, *_ = runs(folder)
            app.press(b"5")
            older, newer = (b"Run " + run + b" " for run in (second, first))  # one id may begin like the other
            app.wait_for(newer)
            measure("Runs, a run of 14,000 scenarios writing", app, ((DOWN, older), (UP, newer)))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run(folder, "run", "--synthetic", str(JUDGED), *ARMS, "--judges", "a,b", "--quiet")
        finished = newest(folder)
        search = "plan", scenario(folder), "--rollouts", "300", "--rate", "15"
        with working(folder, *search):
            while (unit := newest(folder)) <= finished:
                time.sleep(0.1)
            with terminal(folder, "open", f"search/{unit}") as app:
                app.wait_for(b"Tree of orders")
                measure("Search, 300 rollouts streaming in", app, up_and_down)
        with terminal(folder) as app:
            app.wait_for(b"Scenarios")
            app.press(b"4")
            print(f"Scores of {JUDGED * 8:,} verdicts: first interval after {app.wait_for('±.'.encode()):.1f} s")
            arrows = (RIGHT, b"Relationship, judge"), (LEFT, b"all, judge")
            measure(f"Scores, intervals of {JUDGED * 8:,} verdicts being computed", app, arrows)
            app.press(b"J")
            print(f"their agreement: first figure after {app.wait_for(b'Pearson'):.1f} s")
            measure("Scores, agreement being computed", app, ((DOWN, MARK), (UP, MARK)))
            app.press(b"3")
            app.wait_for(b"Dialogues of run")
            app.drain(1)
            measure("Dialogues", app, up_and_down)


@contextmanager
def working(folder: Path, *arguments: str) -> Iterator[None]:
    """Have a command work meanwhile."""
    process = subprocess.Popen([sys.executable, "-m", "workbench", *arguments], cwd=folder, stdout=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.kill()
        process.wait()


def grown(folder: Path, app: Terminal) -> None:
    """Wait until a run has begun to write."""
    while (folder / "workbench.db-wal").stat().st_size < 4_000_000:
        app.drain(0.1)


def measure(when: str, app: Terminal, presses: Sequence[Press]) -> None:
    """Press keys in turn, and print how many seconds passed until each was answered."""
    seconds = []
    for number in range(PRESSES):
        key, text = presses[number % len(presses)]
        app.drain(0.02)
        began = time.perf_counter()
        app.press(key)
        app.wait_for(text)
        seconds.append(time.perf_counter() - began)
        time.sleep(0.02)
    middle, most = np.percentile(seconds, [50, 95]) * 1000
    print(f"key to screen, {when}: median {middle:.0f} ms, 95th percentile {most:.0f} ms of {PRESSES} presses")


def newest(folder: Path) -> int:
    """Return the newest unit."""
    return int(open_readonly(folder / "workbench.db").execute("select max(id) from units").fetchone()[0])


def scenario(folder: Path) -> str:
    """Return some scenario."""
    return str(open_readonly(folder / "workbench.db").execute("select id from scenarios").fetchone()[0])


def runs(folder: Path) -> list[bytes]:
    """Return the ids of the runs, the newest first."""
    db = open_readonly(folder / "workbench.db")
    return [row["run"].encode() for row in list_runs(db)]


if __name__ == "__main__":
    main()
