"""What watching costs a run, in CPU time of the run: `python -m tests.benchmarks.app_watch`.

Pairs alternate, so that a busy machine meets both alike; figures are ratios.
"""

import tempfile
from pathlib import Path

import numpy as np

from tests.benchmarks.terminal import run, terminal

PAIRS = 7
SCENARIOS = 400
EXPERIMENT = ("run", "--synthetic", str(SCENARIOS), "--arms", "vanilla,agent,planner,full", "--quiet", "--new")


def main() -> None:
    """Run an experiment in pairs, watched on the Runs screen and not; print the median ratio with its interval."""
    ratios = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run(folder, *EXPERIMENT)
        for pair in range(PAIRS):
            seconds: dict[bool, float] = {}
            for watched in (True, False) if pair % 2 else (False, True):
                if watched:
                    with terminal(folder) as app:
                        app.wait_for(b"Scenarios")
                        app.press(b"5")
                        with app.drained():
                            seconds[watched] = run(folder, *EXPERIMENT)
                else:
                    seconds[watched] = run(folder, *EXPERIMENT)
            ratios.append(seconds[True] / seconds[False])
    rng = np.random.default_rng(0)
    medians = np.median(rng.choice(ratios, (10_000, PAIRS)), axis=1)
    low, high = np.percentile(medians, [2.5, 97.5])
    print(
        f"CPU time of a run of {SCENARIOS:,} scenarios x 4 arms, watched to unwatched: median of {PAIRS} alternating "
        f"pairs {np.median(ratios):.3f} [{low:.3f}, {high:.3f}]"
    )


if __name__ == "__main__":
    main()
