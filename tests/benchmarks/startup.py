"""How long `workbench --help` takes: `python -m tests.benchmarks.startup`."""

import statistics
import subprocess
import sys
import time

RUNS = 15


def main() -> None:
    """Start the command line a number of times and print the median; the first start warms the disk's cache."""
    seconds = []
    for _ in range(RUNS + 1):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-m", "workbench", "--help"], check=True, stdout=subprocess.DEVNULL)
        seconds.append(time.perf_counter() - began)
    del seconds[0]
    print(f"workbench --help: median {statistics.median(seconds):.3f} s of {RUNS} starts, best {min(seconds):.3f} s")


if __name__ == "__main__":
    main()
