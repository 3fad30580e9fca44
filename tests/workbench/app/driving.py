"""Driving the app in tests: started on a real database, waited for on conditions, read as a person reads it."""

import asyncio
import difflib
import os
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from storage.database import open_writable
from workbench.app.app import WorkbenchApp
from workbench.app.frame import WorkbenchScreen
from workbench.app.state.links import Link, parse_link
from workbench.app.state.settings import Settings

SNAPSHOTS = Path(__file__).parent / "snapshots"
_TRIES = 2_000
"""Rounds of the event loop that `until` waits, of 10 ms at least."""

_GROUPS = ("begin", "go", "follow", "refresh", "back", "export")
"""Of the app's own workers, those that end by themselves."""

_SNAPSHOT_TRIES = 200
"""Rounds that a screen may take to look as it did."""


@asynccontextmanager
async def driving(
    path: Path,
    size: tuple[int, int] = (120, 40),
    link: Link | str | None = None,
    settings: Settings | None = None,
    kind: type[WorkbenchApp] = WorkbenchApp,
) -> AsyncIterator[Pilot[None]]:
    """Run the app on a database, which is made if it is not there; a defect of the app fails the test."""
    if not path.exists():
        open_writable(path).conn.close()
    wanted = parse_link(link) if isinstance(link, str) else link
    app = kind(path, settings or Settings(toured=True), wanted)
    app.animation_level = "none"
    async with app.run_test(size=size, notifications=True) as pilot:
        await until(pilot, lambda: app.screen_in_front is not None)
        await settled(pilot)
        yield pilot
    for defect in app.defects:
        raise defect


def drive(
    path: Path,
    steps: Callable[[Pilot[None]], Awaitable[None]],
    size: tuple[int, int] = (120, 40),
    link: str | None = None,
    settings: Settings | None = None,
    kind: type[WorkbenchApp] = WorkbenchApp,
) -> None:
    """Run the app on a database, and take steps in it."""

    async def main() -> None:
        async with driving(path, size, link, settings, kind) as pilot:
            await steps(pilot)

    asyncio.run(main())


def at(key: str) -> Callable[..., None]:
    """Return a `drive` that goes to a screen by its key before it takes the steps."""

    def drive_there(path: Path, steps: Callable[[Pilot[None]], Awaitable[None]], *where: Any, **how: Any) -> None:
        async def there(pilot: Pilot[None]) -> None:
            await pilot.press(key)
            await settled(pilot)
            await steps(pilot)

        drive(path, there, *where, **how)

    return drive_there


async def settled(pilot: Pilot[None]) -> None:
    """Wait until nothing is read and every message is handled."""
    app = pilot.app
    assert isinstance(app, WorkbenchApp)

    def idle() -> bool:
        front = app.screen_in_front
        busy = [w for w in app.workers if w.is_running and w.group in _GROUPS]
        waiting = any(w.group in ("back", "export", "note") for w in busy) and len(app.screen_stack) > 1
        return (not busy or waiting) and not (isinstance(front, WorkbenchScreen) and front.refreshing)

    await pilot.pause()
    await until(pilot, idle)
    await pilot.pause()


async def until(pilot: Pilot[None], condition: Callable[[], object]) -> None:
    """Wait for a condition.

    Raises:
        AssertionError: it did not come true; says what the screen shows.
    """
    for _ in range(_TRIES):
        if condition():
            return
        await pilot.pause(0.01)
    raise AssertionError("it never came true; the screen shows\n" + screen_text(pilot.app))


def screen_text(app: object) -> str:
    """Return what the screen shows, as lines of plain text."""
    assert isinstance(app, WorkbenchApp)
    strips = app.screen._compositor.render_strips(app.size)
    return "\n".join(strip.text.rstrip() for strip in strips)


async def check_snapshot(pilot: Pilot[None], name: str, *hidden: str) -> None:
    """Compare the screen's text with the stored one, once it has come to rest; WORKBENCH_UPDATE_SNAPSHOTS=1 stores it.

    Args:
        hidden: regular expressions of what differs from run to run; each match is replaced by dots of its length.
    """
    stored = SNAPSHOTS / f"{name}.txt"
    update = bool(os.environ.get("WORKBENCH_UPDATE_SNAPSHOTS"))
    if not update and not stored.exists():
        pytest.fail(f"there is no snapshot {name}: look at the screen, then store it")
    wanted = "" if update else stored.read_text("utf-8").rstrip("\n")
    text = ""
    for _ in range(_SNAPSHOT_TRIES):  # what a condition was waited for may be drawn before all else is
        text = screen_text(pilot.app)
        for pattern in hidden:
            text = re.sub(pattern, lambda match: "·" * len(match.group()), text)
        if text == wanted:
            return
        await pilot.pause(0.01)
    if update:
        stored.parent.mkdir(exist_ok=True, parents=True)
        stored.write_text(text + "\n", "utf-8")
        return
    lines = difflib.unified_diff(wanted.split("\n"), text.split("\n"), "as stored", "on the screen", lineterm="", n=0)
    pytest.fail(f"{name} does not look as it did:\n" + "\n".join(lines), pytrace=False)
