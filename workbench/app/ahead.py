"""The app's own modules, and their import before any of them is needed.

A screen is imported when it is first shown, so that the app is there at once. What that takes (its libraries, most of
it) would be waited for by the first key that leads there; so it is done beforehand, while nobody waits for anything.
"""

import asyncio
import pkgutil
from collections.abc import Callable, Iterator
from importlib import import_module

import workbench.app

_PAUSE = 0.02
"""Seconds between two modules: what has come meanwhile goes first."""

_AT_A_KEY = 0.3
"""Seconds without a key, after which the next module is imported."""


def modules() -> Iterator[str]:
    """Yield the name of every module of the app."""
    return (found.name for found in pkgutil.walk_packages(workbench.app.__path__, "workbench.app."))


async def import_all(idle: Callable[[], float]) -> None:
    """Import every module, one at a time, in a thread, while no keys are pressed.

    Args:
        idle: returns the seconds since the last key.
    """
    for name in modules():
        while (left := _AT_A_KEY - idle()) > 0:
            await asyncio.sleep(left)
        await asyncio.to_thread(import_module, name)
        await asyncio.sleep(_PAUSE)
