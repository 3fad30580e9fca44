"""Whether the app's memory stays flat under live updates: `python -m tests.benchmarks.app_memory [SECONDS]`."""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from tests.benchmarks.terminal import run, terminal

SECONDS = 300.0
BATCH = ("run", "--synthetic", "700", "--arms", "vanilla,agent,planner,full", "--quiet", "--new")


def main(seconds: float = SECONDS) -> None:
    """Follow runs, one after the other, on the Runs screen; print how the resident memory grew in the second half."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run(folder, *BATCH)
        with terminal(folder) as app:
            app.wait_for(b"Scenarios")
            app.press(b"5")
            times, sizes, followed = [], [], 0
            began = time.monotonic()
            with app.drained():
                while time.monotonic() - began < seconds:
                    batch = subprocess.Popen(
                        [sys.executable, "-m", "workbench", *BATCH], cwd=folder, stdout=subprocess.DEVNULL
                    )
                    while batch.poll() is None:
                        if (passed := time.monotonic() - began) > seconds / 2:  # caches are warm by then
                            times.append(passed / 60)
                            sizes.append(app.memory() / 1e6)
                        time.sleep(0.5)
                    followed += 1
            growth = np.polyfit(times, sizes, 1)[0]
    print(
        f"app's memory while {followed} runs are followed for {seconds:.0f} s: {sizes[-1]:.0f} MB at the end, "
        f"{growth:+.1f} MB per minute in the second half"
    )


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else SECONDS)
