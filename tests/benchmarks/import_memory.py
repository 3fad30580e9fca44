"""Import a file of 200 MB and print seconds and peak memory: `python -m tests.benchmarks.import_memory`."""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from simulator.attributes import ATTRIBUTES
from simulator.domains import issues
from simulator.formats import Problem, read_scenarios, write_scenarios
from simulator.scenario import Profile, Scenario

QUERIES = 10
"""Queries a profile, as in the published synthetic half."""


def generated() -> Iterator[Scenario]:
    """Make scenarios without end: plain words, the published proportions."""
    number = 0
    while True:
        values = [f"{a.vocabulary[number % len(a.vocabulary)]}" if a.vocabulary else "" for a in ATTRIBUTES]
        values[9] = f"Person {number} is tired after a long week and hopes that the next one will be quieter. " * 2
        issue = issues()[number % len(issues())]
        for query in range(QUERIES):
            text = f"What would be a sensible next step for me, when week {number} went like plan {query}?"
            yield Scenario(text, Profile(tuple(values)), issue.domain, issue.name, "synthetic")
        number += 1


def write(path: Path, container: str, size: int) -> None:
    """Write at least `size` bytes: parts as long as a part may be held, joined where the container allows."""
    scenarios = generated()
    some = [next(scenarios) for _ in range(1000 * QUERIES)]
    write_scenarios(some, path, container)
    part = path.read_text("utf-8")
    copies = -(-size // len(part.encode()))
    with path.open("w", encoding="utf-8") as file:
        if container in ("form2", "dataset-json"):
            body = part.strip().removeprefix("[").removesuffix("]").strip()
            file.write("[")
            file.writelines(f"{',' if copy else ''}\n{body}" for copy in range(copies))
            file.write("\n]\n")
        else:
            header, _, body = part.partition("\n") if container == "dataset-csv" else ("", "", part)
            file.write(f"{header}\n" if header else "")
            file.writelines(body for _ in range(copies))


def stream(path: Path) -> None:
    """Read the file and print figures as JSON; runs in a process of its own, whose peak is the import's alone."""
    start = time.perf_counter()
    good = bad = 0
    for item in read_scenarios([path]):
        good, bad = (good, bad + 1) if isinstance(item, Problem) else (good + 1, bad)
    seconds = time.perf_counter() - start
    unit = 1 if sys.platform == "darwin" else 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    print(json.dumps({"scenarios": good, "problems": bad, "seconds": round(seconds, 1), "peak_mb": round(peak / 1e6)}))


def main() -> None:
    """Measure each container."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=200)
    parser.add_argument("--stream", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.stream:
        stream(options.stream)
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "scenarios"
        for container in ("form2", "dataset-json", "dataset-jsonl", "dataset-csv"):
            write(path, container, options.megabytes * 1_000_000)
            command = [sys.executable, "-m", "tests.benchmarks.import_memory", "--stream", str(path)]
            figures = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
            print(f"{container}, {path.stat().st_size / 1e6:.0f} MB: {figures}", flush=True)


if __name__ == "__main__":
    main()
