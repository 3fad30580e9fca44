"""Driving the Dialogues screen in tests."""

import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from textual.pilot import Pilot

from storage.database import open_readonly
from tests.workbench.app import driving
from tests.workbench.app.driving import screen_text, settled
from workbench.app.app import WorkbenchApp
from workbench.app.screens.dialogues import DialoguesScreen

Steps = Callable[[Pilot[None]], Awaitable[None]]

LONG = 30
"""Unit of the prepared run whose dialogue asks twice: the planner arm of the second scenario; 29 is its agent arm."""

RUN = r"(?<=run )[0-9a-f]{8}"
"""A run's id changes with everything that its experiment may say."""


def drive(path: Path, steps: Steps, link: str | None = f"dialogue/{LONG}", size: tuple[int, int] = (120, 40)) -> None:
    (driving.drive if link else driving.at("3"))(path, steps, size, link)


def front(pilot: Pilot[None]) -> DialoguesScreen:
    assert isinstance(pilot.app, WorkbenchApp)
    found = pilot.app.screen_in_front
    assert isinstance(found, DialoguesScreen)
    return found


def text(pilot: Pilot[None]) -> str:
    return screen_text(pilot.app)


async def press(pilot: Pilot[None], *keys: str) -> None:
    for key in keys:
        await pilot.press(key)
        await settled(pilot)


def first_dialogue(path: Path, where: str = "1") -> int:
    db = open_readonly(path)
    try:
        return int(db.conn.execute(f"select min(unit) from dialogues where {where}").fetchone()[0])
    finally:
        db.conn.close()


def in_subprocess(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let launched processes find this checkout wherever they are started."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, sys.path)))
