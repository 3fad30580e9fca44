"""Import files of 200 MB into a database, as a user would: `python -m tests.benchmarks.whole_import [--megabytes N]`.

`import_memory` measures the readers alone; here every record is another one and ends up in SQLite.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from simulator.formats import JudgedRow, background_text, evaluation_text, write_judged_output, write_scenarios
from simulator.scenario import Scenario
from tests.benchmarks.import_memory import generated

RESPONSE = "Take the time that this needs, and talk to somebody you trust before you decide. " * 20
"""About as long as a real one."""


def judged(scenarios: Iterator[Scenario]) -> Iterator[JudgedRow]:
    """Judge one response per scenario."""
    for number, scenario in enumerate(scenarios):
        ratings = (number % 5 + 1, 3, 4)
        background = background_text(scenario.profile)
        evaluation = evaluation_text(ratings)
        yield JudgedRow(f"Scenario {number}", background, scenario.query, RESPONSE, evaluation, ratings, 4.0)


def measure(database: Path, file: Path) -> None:
    """Import a file in a process of its own and print seconds and that process's peak memory."""
    command = [sys.executable, "-m", "workbench", "scenarios", "import", "--db", str(database), str(file)]
    began = time.perf_counter()
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    said = process.stderr.read().strip()
    _, status, used = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"the import ended with {process.returncode}: {said}")
    peak = used.ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6
    print(
        f"  {file.stat().st_size / 1e6:.0f} MB in {seconds:.0f} s, peak {peak:.0f} MB {said.partition(' ')[2]}",
        flush=True,
    )


def main() -> None:
    """Import scenarios, then a judged response for as many of them as make a file of that size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=200)
    size = parser.parse_args().megabytes * 1_000_000
    with tempfile.TemporaryDirectory() as folder:
        scenarios, results = Path(folder, "scenarios.csv"), Path(folder, "judged.csv")
        count = {}
        for path in (scenarios, results):
            _write(path, 1000)
            count[path] = 1000 * size // path.stat().st_size
            _write(path, count[path])
        print("whole import:")
        for path in (scenarios, results):
            measure(Path(folder, "bench.db"), path)
        print(f"  database {Path(folder, 'bench.db').stat().st_size / 1e6:.0f} MB")


def _write(path: Path, count: int) -> None:
    if path.name == "scenarios.csv":
        write_scenarios(islice(generated(), count), path, "dataset-csv")
    else:
        write_judged_output(judged(islice(generated(), count)), path)


if __name__ == "__main__":
    main()
