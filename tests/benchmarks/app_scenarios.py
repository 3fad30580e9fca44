"""How soon the scenarios screen shows 14,000 scenarios and finds some: `python -m tests.benchmarks.app_scenarios`.

How soon it answers a key is measured in a real terminal (`tests.benchmarks.app_keys`).
"""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

from textual.pilot import Pilot

from simulator.build import build
from storage.database import open_writable
from storage.scenarios import add_scenarios
from workbench.app.app import WorkbenchApp
from workbench.app.screens.scenarios import ScenariosScreen
from workbench.app.state.settings import Settings

SCENARIOS = 14_000
SEARCHES = ("a", "should", "notice period", "zzz")


def main() -> None:
    """Build scenarios, open the screen on them, and print what a user waits for."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bench.db"
        db = open_writable(path)
        add_scenarios(db, build(SCENARIOS, 0))
        db.conn.close()
        asyncio.run(_measure(path))


async def _measure(path: Path) -> None:
    app = WorkbenchApp(path, Settings(toured=True))
    app.animation_level = "none"
    async with app.run_test(size=(120, 40)) as pilot:
        while not isinstance(app.screen, ScenariosScreen) or not app.screen.state.read:
            await pilot.pause()
        screen = app.screen
        first = [await _timed(pilot, screen, _read_again, lambda: True) for _ in range(10)]
        print(f"scenarios screen, {SCENARIOS:,} scenarios, 120 x 40")
        print(f"  first page read and shown: median {statistics.median(first) * 1e3:.0f} ms")
        for text in SEARCHES:
            waited = await _timed(pilot, screen, _searching(text), partial(_answered, screen, text, screen.state.keys))
            print(f"  search {text!r}: {waited * 1e3:.0f} ms after the key, {len(screen.state.keys):,} shown")


async def _timed(
    pilot: Pilot[None],
    screen: ScenariosScreen,
    start: Callable[[Pilot[None], ScenariosScreen], Awaitable[None]],
    done: Callable[[], bool],
) -> float:
    """Return the seconds from a start to the frame that shows what came of it."""
    began = time.perf_counter()
    await start(pilot, screen)
    while screen.refreshing or not done():
        await asyncio.sleep(0.001)
    await pilot.pause()
    return time.perf_counter() - began


def _answered(screen: ScenariosScreen, text: str, before: list[int]) -> bool:
    return screen.state.filter.search == text and screen.state.keys is not before


async def _read_again(_pilot: Pilot[None], screen: ScenariosScreen) -> None:
    screen.request_refresh()


def _searching(text: str) -> Callable[[Pilot[None], ScenariosScreen], Awaitable[None]]:
    async def start(pilot: Pilot[None], screen: ScenariosScreen) -> None:
        screen._search.focus()
        screen._search.value = text[:-1]
        screen._search.action_end()
        pilot.app.simulate_key(text[-1])

    return start


if __name__ == "__main__":
    main()
