"""How soon the app answers a key, in a terminal, while a batch runs: `python -m tests.benchmarks.app_keys`.

A key is answered when what it changes has been drawn: the next row of the list of scenarios under the cursor.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from tests.benchmarks.terminal import Terminal, run, terminal

PRESSES = 200
BATCH = ("run", "--arms", "vanilla,agent,planner,full", "--quiet", "--new")
DOWN, UP = b"\x1b[B", b"\x1b[A"


def main() -> None:
    """Press keys with nothing else going on, and while a run of 14,000 scenarios writes to the same database."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run(folder, "scenarios", "build", "--synthetic", "14000")
        with terminal(folder) as app:
            app.wait_for(b"14,000")
            app.drain(0.5)
            _print("nothing else running", _presses(app))
            batch = subprocess.Popen([sys.executable, "-m", "workbench", *BATCH], cwd=folder)
            try:
                while not (folder / "workbench.db-wal").stat().st_size > 4_000_000:
                    app.drain(0.1)
                _print("a run of 14,000 scenarios writing", _presses(app))
            finally:
                batch.kill()
                batch.wait()


def _presses(app: Terminal) -> list[float]:
    """Move the cursor down and up in turn; return the seconds until each was drawn."""
    seconds = []
    for number in range(PRESSES):
        app.drain(0.02)
        began = time.perf_counter()
        app.press(UP if number % 2 else DOWN)
        app.wait_for(b"m")  # the first thing drawn; the list is still otherwise, as drained just now
        seconds.append(time.perf_counter() - began)
        time.sleep(0.02)
    return seconds


def _print(when: str, seconds: list[float]) -> None:
    middle, most = np.percentile(seconds, [50, 95]) * 1000
    print(f"key to screen, {when}: median {middle:.0f} ms, 95th percentile {most:.0f} ms of {PRESSES} presses")


if __name__ == "__main__":
    main()
