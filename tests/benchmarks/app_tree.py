"""How quickly the Search screen answers: any position, a batch of changes in a large tree, keys while one streams in.

`python -m tests.benchmarks.app_tree` prints the figures. The app runs in this process, without a terminal; a frame is
drawn to the end (layout, lines, and what would be written) before the clock is stopped.
"""

import asyncio
import random
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from textual.pilot import Pilot

from planner.settings import PlannerSettings
from planner.trace import Trace, pack
from storage.database import open_readonly, open_writable, transaction
from storage.readers import search_trace
from storage.runs import save_running
from tests.planner.games import Game, run
from tests.workbench.app.driving import driving, settled
from tests.workbench.engine.running import options, work
from workbench.app import pauses
from workbench.app.app import WorkbenchApp
from workbench.app.screens.search import SearchScreen
from workbench.app.state.search.search import SearchState
from workbench.app.state.search.treerows import TreeRows

ROLLOUTS, JUMPS, PRESSES, BATCHES = 300, 100, 200, 30
ROWS = 10_000
CHANGES = 50
"""Rollouts, hence new or changed paths, in a batch."""

ROW: dict[str, Any] = dict.fromkeys(("run", "scenario_id", "domain", "query", "model", "planner"), "x") | {
    "unit": 1, "world": "surrogate", "judge": "a", "seed": 0, "state": "running", "paused": 0, "error": None,
    "breakpoints": None,
}  # fmt: skip


def percentile(seconds: list[float], share: float) -> float:
    """Return the time (ms) that this share of the measurements stays within."""
    return sorted(seconds)[min(len(seconds) - 1, int(share * len(seconds)))] * 1e3


def line(title: str, seconds: list[float], limit: str) -> str:
    """Format measurements."""
    return (
        f"  {title}: median {median(seconds) * 1e3:.1f} ms, p95 {percentile(seconds, 0.95):.1f} ms, "
        f"most {max(seconds) * 1e3:.1f} ms ({limit})"
    )


def large_tree(rows: int) -> tuple[Trace, int]:
    """Return a search of 10 attributes whose tree of orders has more than so many nodes, and after which rollout."""
    trace = run(Game(n=10, noise=1.0), PlannerSettings(rollouts=8_000, depth=5, c=20.0, decay=0.0), "fresh")
    state = SearchState(trace, row=ROW)
    return trace, int(state.whole.first[rows]) + 1


def batches(trace: Trace, start: int) -> tuple[int, list[float], list[float]]:
    """Measure laying out all rows anew, and that with reading the trees, after each batch of rollouts."""
    state, view = SearchState(trace.until(start), row=ROW), TreeRows(least=0)
    view.unfolded = set(range(ROWS * 2))
    rows, layouts, all_of_it = 0, [], []
    for batch in range(1, BATCHES + 1):
        newer = trace.until(start + batch * CHANGES)
        begin = time.perf_counter()
        state.load(newer, running=True)
        _ = state.tree, state.orders, state.whole, state.best
        read = time.perf_counter()
        rows = len(view.build(state))
        end = time.perf_counter()
        layouts.append(end - read)
        all_of_it.append(end - begin)
    return rows, layouts, all_of_it


async def frame(pilot: Pilot[None], act: Callable[[], object]) -> float:
    """Return the seconds from an act until its frame is drawn."""
    begin = time.perf_counter()
    act()
    await asyncio.sleep(0)
    pilot.app.screen._compositor.render_strips(pilot.app.size)
    return time.perf_counter() - begin


async def on_screen(path: Path, trace: Trace, large: Trace, start: int) -> None:
    """Measure in the app, at 120 x 40."""
    async with driving(path, (120, 40), "search/1?t=300") as pilot:
        assert isinstance(pilot.app, WorkbenchApp)
        screen = pilot.app.screen_in_front
        assert isinstance(screen, SearchScreen)
        jumps = random.Random(1).choices(range(ROLLOUTS + 1), k=JUMPS)
        seconds = [await frame(pilot, partial(screen._move, t)) for t in jumps]
        print(line(f"to any of {ROLLOUTS} rollouts, all panes drawn", seconds, "50 ms at most"))
        print(line(f"{PRESSES} keys while it streams in", await keys(pilot, screen, path, trace), "p95 50 ms at most"))
        state = screen.desk.state
        assert state is not None
        state.load(large.until(start), running=True)
        state.follow(on=True)
        view = screen.panes.orders.view
        view.least, view.unfolded = 0, set(range(ROWS * 2))
        screen.panes.show()
        seconds = []
        for batch in range(1, BATCHES + 1):
            state.load(large.until(start + batch * CHANGES), running=True)
            _ = state.tree, state.orders, state.whole, state.best
            seconds.append(await frame(pilot, partial(screen.panes.orders.show, state)))
        rows = screen.panes.orders.rows
        title = f"{CHANGES} changes in {len(rows or ()):,} visible rows, with their frame"
        print(line(title, seconds, "20 ms and the frame at most"))


def answer(screen: SearchScreen) -> object:
    """Return what every key of the measurement changes at once, and nothing else does."""
    state = screen.desk.state
    assert state is not None
    return state.cursor, state.following


async def keys(pilot: Pilot[None], screen: SearchScreen, path: Path, trace: Trace) -> list[float]:
    """Press keys while another thread writes ever more of the search, ten times a second."""
    stop = False

    def stream() -> None:
        db, known = open_writable(path), 10
        while not stop:
            known = min(known + 3, ROLLOUTS)
            with transaction(db):
                save_running(db, 1, pack(trace.until(known)))
            time.sleep(0.1)
        db.conn.close()

    assert screen.desk.state is not None
    screen.desk.state.follow(on=True)
    streaming = asyncio.create_task(asyncio.to_thread(stream))
    seconds = []
    for press in range(PRESSES):
        before = answer(screen)
        begin = time.perf_counter()
        pilot.app.simulate_key(("down", "up", "left_square_bracket", "f")[press % 4])
        while answer(screen) == before:  # Pilot's own press would wait until the whole process is idle
            await asyncio.sleep(0)
        screen._compositor.render_strips(pilot.app.size)
        seconds.append(time.perf_counter() - begin)
        await asyncio.sleep(0.03)
    stop = True
    await streaming
    await settled(pilot)
    return seconds


def main() -> None:
    """Print the figures."""
    print("the Search screen, one core shared with whoever writes")
    pauses.starting()  # as `workbench` itself does
    large, start = large_tree(ROWS)
    rows, layouts, all_of_it = batches(large, start)
    print(line(f"{CHANGES} changes, {rows:,} rows: rows laid out", layouts, "20 ms at most"))
    print(line("  with the trees replayed", all_of_it, "no limit"))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "workbench.db"
        work(path, options(synthetic=7, seed=3, arms=("planner",), rollouts=ROLLOUTS))
        trace = search_trace(open_readonly(path), 1)
        asyncio.run(on_screen(path, trace, large, start))


if __name__ == "__main__":
    main()
