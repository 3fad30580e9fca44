"""Make the pictures of the README from real output: `make screenshots [NAMES]`.

Runs the demo in a temporary folder, then goes through the app's screens as a user would, by its keys.
"""

import asyncio
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path

from rich.console import Console
from rich.text import Text
from textual.pilot import Pilot

from workbench.app.app import WorkbenchApp
from workbench.app.state.links import parse_link
from workbench.app.state.settings import Settings

HERE = Path(__file__).parent
DEMO = ("run", "--arms", "vanilla,agent,planner,full", "--judges", "a,b")
SIZE = (120, 40)
_FONTS = re.compile(r"\s*@font-face \{.*?\}", re.DOTALL)
"""Pictures name no host to load fonts from: the reader's own monospaced font is used."""


Steps = Callable[[Pilot[None]], Awaitable[None]]


def workbench(folder: str, *arguments: str, width: int) -> str:
    """Run a command as a user would and return what it prints on stdout, with colours."""
    environment = {**os.environ, "COLUMNS": str(width), "FORCE_COLOR": "1", "TERM": "xterm-256color"}
    command = [sys.executable, "-m", "workbench", *arguments]
    done = subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True, text=True)  # noqa: S603
    return done.stdout


def write(name: str, svg: str) -> None:
    """Write docs/NAME.svg."""
    (HERE / f"{name}.svg").write_text(_FONTS.sub("", svg), "utf-8")


def picture(name: str, shown: str, output: str, width: int) -> None:
    """Write `output` under its command line as docs/NAME.svg."""
    with Path(os.devnull).open("w") as nowhere:
        console = Console(record=True, width=width, file=nowhere, force_terminal=True)
        console.print(Text.from_ansi(f"$ {shown}\n\n{output.rstrip()}"), soft_wrap=True)
        write(name, console.export_svg(title="workbench"))


async def idle(pilot: Pilot[None]) -> None:
    """Wait until the app has read and drawn what it was asked for."""
    app = pilot.app
    assert isinstance(app, WorkbenchApp)
    for _ in range(2):  # what was read may ask for more
        await pilot.pause()
        while (front := app.screen_in_front) is None or front.refreshing or any(w.is_running for w in app.workers):
            await pilot.pause(0.02)


async def on_screen(
    folder: str,
    name: str,
    steps: Callable[[Pilot[None]], Awaitable[None]],
    link: str | None = None,
    theme: str = "dark",
) -> None:
    """Open the app, do something, and write what is seen as docs/NAME.svg."""
    app = WorkbenchApp(
        Path(folder, "workbench.db"), Settings(toured=True, theme=theme), parse_link(link) if link else None
    )
    app.animation_level = "none"
    async with app.run_test(size=SIZE) as pilot:
        await idle(pilot)
        await steps(pilot)
        await idle(pilot)
        write(name, app.export_screenshot(title="workbench"))


def press(*keys: str) -> Steps:
    """Return steps that press keys, each after what the one before it led to."""

    async def steps(pilot: Pilot[None]) -> None:
        for key in keys:
            await pilot.press(key)
            await idle(pilot)

    return steps


async def screens(folder: str, search: str, dialogue: str, run: str) -> None:
    """Write a picture of each of the six screens, and of what opens from them."""
    await on_screen(folder, "app-scenarios", press("down", "down", "down"))
    await on_screen(folder, "app-search", press("end", "down"), f"search/{search}")
    await on_screen(folder, "app-lattice", press("end", "t"), f"search/{search}", theme="light")
    await on_screen(folder, "app-dialogues", press("home", "right", "right"), f"dialogue/{dialogue}")
    await on_screen(folder, "app-scores", press(), f"scores/{run}")
    await on_screen(folder, "app-differences", press("d", "enter"), f"scores/{run}", theme="light")
    await on_screen(folder, "app-runs", press(), f"run/{run}")
    await on_screen(folder, "app-workers", press("6"))


def main() -> None:
    """Run the demo once and picture its tables and the app's screens."""
    with tempfile.TemporaryDirectory() as folder:
        workbench(folder, "scenarios", "import", "--bundled", width=120)
        output = workbench(folder, *DEMO, width=136)
        picture("demo", f"workbench {' '.join(DEMO)}", output, 136)
        listed = workbench(folder, "show", "searches", "--format", "csv", width=120).splitlines()
        columns = dict(zip(listed[0].split(","), listed[8].split(","), strict=False))
        asyncio.run(screens(folder, columns["unit"], telling(folder), columns["run"]))


def telling(folder: str) -> str:
    """Return the unit of a dialogue of the agent in which the arms ask differently, after something in common."""
    paths: dict[str, dict[str, tuple[str, list[str]]]] = {}
    for row in json.loads(workbench(folder, "show", "dialogues", "--format", "json", width=120)):
        asked = [turn["attribute"] for turn in row["turns"]]
        paths.setdefault(row["scenario_id"], {})[row["arm"]] = (str(row["unit"]), asked)
    for arms in paths.values():
        (unit, agent), (_, planner) = arms["agent"], arms["planner"]
        if 2 <= len(agent) <= 3 and len(planner) >= 2 and agent[0] == planner[0] and agent[1] != planner[1]:
            return unit
    return next(iter(paths.values()))["agent"][0]


if __name__ == "__main__":
    main()
