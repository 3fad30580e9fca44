"""Make the pictures of the README from real output: `make screenshots`. Runs the demo in a temporary folder."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.text import Text

HERE = Path(__file__).parent
DEMO = ("run", "--arms", "vanilla,agent,planner,full", "--judges", "a,b")


def workbench(folder: str, *arguments: str, width: int) -> str:
    """Run a command as a user would and return what it prints on stdout, with colours."""
    environment = {**os.environ, "COLUMNS": str(width), "FORCE_COLOR": "1", "TERM": "xterm-256color"}
    command = [sys.executable, "-m", "workbench", *arguments]
    done = subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True, text=True)  # noqa: S603
    return done.stdout


def picture(name: str, shown: str, output: str, width: int) -> None:
    """Write `output` under its command line as docs/NAME.svg."""
    with Path(os.devnull).open("w") as nowhere:
        console = Console(record=True, width=width, file=nowhere, force_terminal=True)
        console.print(Text.from_ansi(f"$ {shown}\n\n{output.rstrip()}"), soft_wrap=True)
        console.save_svg(str(HERE / f"{name}.svg"), title="workbench")


def main() -> None:
    """Run the demo once and picture its tables, a search and a dialogue."""
    with tempfile.TemporaryDirectory() as folder:
        output = workbench(folder, *DEMO, width=136)
        picture("demo", f"workbench {' '.join(DEMO)}", output, 136)
        listed = workbench(folder, "show", "searches", "--format", "csv", width=120)
        scenario = listed.splitlines()[8].split(",")[2]
        picture("tree", f"workbench show tree {scenario}", workbench(folder, "show", "tree", scenario, width=110), 110)
        dialogue = workbench(folder, "show", "dialogue", scenario, "--arm", "planner", width=110)
        picture("dialogue", f"workbench show dialogue {scenario} --arm planner", dialogue, 110)


if __name__ == "__main__":
    main()
