"""Every engineering figure, one after the other: `make bench`."""

import subprocess
import sys

BENCHMARKS = (
    *("startup", "rollouts", "client", "import_memory", "whole_import", "whole_run"),
    *("app_start", "app_scenarios", "app_tree", "app_keys", "app_watch", "app_memory"),
)


def main() -> None:
    """Run each benchmark in a process of its own, so that none is measured with another's memory."""
    for name in BENCHMARKS:
        subprocess.run([sys.executable, "-m", f"tests.benchmarks.{name}"], check=True)
        print(flush=True)


if __name__ == "__main__":
    main()
