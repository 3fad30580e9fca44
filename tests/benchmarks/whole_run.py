"""Run the whole benchmark's size through the surrogate: `python -m tests.benchmarks.whole_run [--scenarios N]`."""

import argparse
import os
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ARMS = "vanilla,full,planner"


def main() -> None:
    """Build scenarios, run vanilla, full and planner at T = 300, and print minutes, memory and sizes."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--scenarios", type=int, default=14_000)
    count = parser.parse_args().scenarios
    with tempfile.TemporaryDirectory() as folder:
        db = Path(folder) / "bench.db"
        command = [sys.executable, "-m", "workbench", "run", "--synthetic", str(count), "--seed", "0"]
        command += ["--arms", ARMS, "--rollouts", "300", "--db", str(db), "--quiet", "--format", "json"]
        began = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        seconds = time.perf_counter() - began
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        connection = sqlite3.connect(db)
        searches, traces, evaluations, rankings = connection.execute(
            "select count(*), sum(length(trace)), avg(evaluations), avg(rankings) from searches"
        ).fetchone()
        units, failed = connection.execute("select count(*), sum(state = 'failed') from units").fetchone()
        connection.close()
        size = db.stat().st_size
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    print(f"whole run: {count:,} built scenarios, arms {ARMS}, T = 300, surrogate, one process on {cores} cores")
    print(f"  {seconds / 60:.1f} minutes, peak memory {peak:,.0f} MB")
    print(f"  {units:,} units, {failed} failed; database {size / 1e6:,.0f} MB")
    print(
        f"  {searches:,} traces: {traces / 1e6:.1f} MB in all, {traces / searches:,.0f} bytes each; "
        f"{evaluations:.0f} evaluations and {rankings:.0f} rankings a search"
    )


if __name__ == "__main__":
    main()
