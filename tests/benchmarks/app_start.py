"""How long until the app is to be seen in a terminal: `python -m tests.benchmarks.app_start`."""

import statistics
import tempfile
import time
from pathlib import Path

from tests.benchmarks.terminal import terminal

RUNS = 9


def main() -> None:
    """Start the app a number of times; print the median time to its first frame and to the first scenarios."""
    frames = []
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(RUNS + 1):
            began = time.perf_counter()
            with terminal(Path(folder)) as app:
                app.wait_for(b"Scenarios")
                frames.append(time.perf_counter() - began)
    del frames[0]  # it warms the disk's cache
    print(
        f"workbench, app visible: median {statistics.median(frames):.2f} s of {RUNS} starts, best {min(frames):.2f} s"
    )


if __name__ == "__main__":
    main()
