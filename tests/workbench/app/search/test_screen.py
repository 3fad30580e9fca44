"""The Search screen on real databases: every key, searches that stream in, and what the screen shows."""

import asyncio
import shutil
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from planner.trace import Trace, pack
from storage.database import open_readonly, open_writable, transaction
from storage.readers import search_trace
from storage.runs import now, save_running
from tests.workbench.app import driving
from tests.workbench.app.driving import check_snapshot, screen_text, settled, until
from workbench.app.app import WorkbenchApp
from workbench.app.frame import Export
from workbench.app.screens.search import SearchScreen
from workbench.app.screens.searchdialogs import SearchPicker
from workbench.app.screens.searchform import SearchForm
from workbench.app.state.search.search import SearchState
from workbench.app.state.search.treerows import Mark, order_of
from workbench.app.widgets.search.inspector import Inspector
from workbench.app.widgets.search.treeview import TreeView
from workbench.app.widgets.ticks import Tick
from workbench.engine.steering.breakpoints import Breakpoints
from workbench.engine.steering.command import tell_run

CHANGING = (r"\d\d:\d\d:\d\d", r"\d{4}-\d\d-\d\d", r"\b(?:[0-9a-f]{12,16}|[0-9a-f]{8})\b")
"""Times, and hashes, which change with the world's version."""

OPEN = "search/1?t=40"


def drive(
    path: Path,
    steps: Callable[[Pilot[None], SearchScreen], Awaitable[None]],
    size: tuple[int, int] = (120, 40),
    link: str = OPEN,
) -> None:
    """Open the app at a search, and take steps there."""

    async def begin(pilot: Pilot[None]) -> None:
        if not link:
            await press(pilot, "2")
        assert isinstance(pilot.app, WorkbenchApp)
        screen = pilot.app.screen_in_front
        assert isinstance(screen, SearchScreen)
        await steps(pilot, screen)

    driving.drive(path, begin, size, link or None)


async def press(pilot: Pilot[None], *keys: str) -> None:
    """Press keys, and wait until each was answered."""
    for key in keys:
        await pilot.press(key)
        await settled(pilot)


def state(screen: SearchScreen) -> SearchState:
    """Return the search that is open."""
    assert screen.desk.state is not None
    return screen.desk.state


def tree(screen: SearchScreen) -> TreeView:
    """Return its tree."""
    return screen.panes.orders


def test_the_list_opens_searches_and_q_returns_to_it(prepared: Path) -> None:
    async def steps(pilot: Pilot[None], screen: SearchScreen) -> None:
        assert "enter opens one" in screen_text(pilot.app)
        await check_snapshot(pilot, "search-list-120x40", *CHANGING)
        await press(pilot, "down", "enter")
        assert state(screen).unit == screen._listed[1]["unit"]
        assert "Tree of orders" in screen_text(pilot.app)
        await press(pilot, "q")
        assert screen.desk.unit is None
        assert "enter opens one" in screen_text(pilot.app)

    drive(prepared, steps, link="")


def test_without_a_search_the_screen_says_what_to_do(tmp_path: Path) -> None:
    async def steps(pilot: Pilot[None], screen: SearchScreen) -> None:
        assert "Press 1 to pick a scenario" in screen_text(pilot.app)
        assert not [said for said in ("▌", "enter opens one") if said in screen_text(pilot.app)]
        await press(pilot, "space", "t", "x", "enter")  # nothing is open that they could be meant for
        assert screen.desk.state is None

    drive(tmp_path / "empty.db", steps, link="")


@pytest.mark.parametrize("size", [(120, 40), (80, 24)])
def test_what_is_seen(prepared: Path, size: tuple[int, int]) -> None:
    async def steps(pilot: Pilot[None], screen: SearchScreen) -> None:
        name = f"{size[0]}x{size[1]}"

        def explained() -> bool:  # what stands behind the reward is read after all else
            return size[0] < 100 or "surrogate, true" in screen_text(pilot.app)

        await until(pilot, explained)
        await check_snapshot(pilot, f"search-tree-{name}", *CHANGING)
        await press(pilot, "t", "right", "right", "down")
        await until(pilot, explained)
        await check_snapshot(pilot, f"search-lattice-{name}", *CHANGING)

    drive(prepared, steps, size)


def test_scrubbing(prepared: Path) -> None:
    async def steps(pilot: Pilot[None], screen: SearchScreen) -> None:
        moves = [("left_square_bracket", 39), ("left_curly_bracket", 29), ("right_square_bracket", 30)]
        moves += [("right_curly_bracket", 40), ("home", 0), ("left_square_bracket", 0), ("end", 40)]
        for key, t in moves:
            await press(pilot, key)
            assert state(screen).t == t
            assert f"rollout {t:>2} of 40" in screen_text(pilot.app)
        await pilot.press("g")
        await until(pilot, lambda: pilot.app.screen.query("#rollout"))
        await press(pilot, "1", "2", "enter")
        assert state(screen).t == 12

    drive(prepared, steps)


def test_the_tree_opens_and_closes_and_keeps_its_cursor(prepared: Path) -> None:
    async def steps(pilot: Pilot[None], screen: SearchScreen) -> None:
        def rows() -> int:
            return len(tree(screen).rows or ())

        start = rows()
        await press(pilot, "left")
        assert rows() == 1
        await press(pilot, "right")
        assert rows() == start
        await press(pilot, "down")
        assert len(state(screen).cursor) == 1
        order = state(screen).cursor
        await press(pilot, "plus")
        assert rows() > start
        await press(pilot, "minus", "left_square_bracket", "s", "s", "s")
        assert state(screen).cursor == order
        await press(pilot, "v")
        everything = rows()
        await press(pilot, "v", "v", "v", "V")
        assert rows() < everything
        await press(pilot, "o")
        assert not screen.panes.later

    drive(prepared, steps)


def test_a_line_of_more_shows_the_rest(prepared: Path) -> None:
    async def steps(pilot: Pilot[None], screen: SearchScreen) -> None:
        await press(pilot, "v", "v", "v")  # N ≥ 10
        view = tree(screen)
        assert view.rows is not None
        more = next(row for row in range(len(view.rows)) if view.rows.mark[row] & Mark.MORE)
        hidden, before = int(view.rows.hidden[more]), len(view.rows)
        await press(pilot, *["down"] * more)
        assert view.row == more
        await press(pilot, "enter")
        assert len(view.rows) == before + hidden - 1

    drive(prepared, steps)


def test_the_same_set_is_marked_wherever_it_stands(prepared: Path) -> None:
    async def steps(pilot: Pilot[None], screen: SearchScreen) -> None:
        masks = state(screen).orders.mask.tolist()
        mask = next(mask for mask in masks if masks.count(mask) > 1)
        nodes = [node for node, other in enumerate(masks) if other == mask]
        for node in nodes:
            tree(screen).view.reveal(state(screen).whole, node)
        screen.go_to_node(order_of(state(screen).orders, nodes[0]))
        await settled(pilot)
        assert state(screen).cursor_mask == mask
        assert screen_text(pilot.app).count("≡") == len(nodes) - 1

    drive(prepared, steps, (120, 150))


def test_the_mouse_goes_to_rows_and_sorts(prepared: Path) -> None:
    async def steps(pilot: Pilot[None], screen: SearchScreen) -> None:
        await pilot.click("#orders", offset=(20, 3))
        await settled(pilot)
        assert tree(screen).row == 2
        await pilot.click("#orders", offset=(1, 1))
        await settled(pilot)
        assert len(tree(screen).rows or ()) == 1
        heading = screen_text(pilot.app).splitlines()[2]
        await pilot.click("#orders", offset=(heading.index(" Q"), 0))
        await settled(pilot)
        assert tree(screen).view.sort == "Q"

    drive(prepared, steps)


def test_the_lattice_moves_in_both_directions(prepared: Path) -> None:
    async def steps(pilot: Pilot[None], screen: SearchScreen) -> None:
        await press(pilot, "t", "right", "right", "right", "right", "right", "right")
        best = state(screen).best
        assert best is not None
        assert state(screen).cursor_mask == best.mask
        await press(pilot, "left", "down")
        assert state(screen).cursor_mask.bit_count() == 4
        await press(pilot, "t")
        assert len(state(screen).cursor) == 4

    drive(prepared, steps)


def test_space_replays_and_breakpoints_stop_it(prepared: Path) -> None:
    async def steps(pilot: Pilot[None], screen: SearchScreen) -> None:
        playback = screen.desk.playback
        await pilot.press("x")
        await until(pilot, lambda: pilot.app.screen.query(Tick))
        await press(pilot, "space", "enter")
        assert playback.breakpoints.best
        assert "1 breakpoint" in screen_text(pilot.app)
        playback.speed = 1000
        await pilot.press("space")
        await until(pilot, lambda: playback.stopped)
        assert state(screen).t in state(screen).choice_changes
        await settled(pilot)
        assert "stopped: the best subset changed" in screen_text(pilot.app)
        await pilot.resize_terminal(80, 24)
        await until(pilot, lambda: "─ stopped: the best subset changed" in screen_text(pilot.app))
        await pilot.resize_terminal(120, 40)
        playback.breakpoints = Breakpoints()
        playback.speed = 2
        await press(pilot, "space")
        assert "replay" in screen_text(pilot.app)
        assert "2 rollouts/s" in screen_text(pilot.app)
        await press(pilot, "greater_than_sign")
        assert playback.speed == 5
        await press(pilot, "space")
        assert not playback.playing

    drive(prepared, steps)


async def compare(pilot: Pilot[None], screen: SearchScreen) -> None:
    """Put the first other search beside the open one."""
    await pilot.press("c")
    await until(pilot, lambda: isinstance(pilot.app.screen, SearchPicker))
    await settled(pilot)
    await press(pilot, "enter")
    await until(pilot, lambda: screen.query("#second"))
    await settled(pilot)


def test_two_searches_stand_side_by_side(prepared: Path) -> None:
    async def steps(pilot: Pilot[None], screen: SearchScreen) -> None:
        await compare(pilot, screen)
        seen = screen_text(pilot.app)
        assert "they part at rollout" in seen
        assert "↕" in seen
        await press(pilot, "left_square_bracket", "down")
        second = screen.desk.second
        assert second is not None
        assert (second.t, second.cursor) == (39, state(screen).cursor)
        await press(pilot, "q")
        assert not screen.query("#second")

    drive(prepared, steps)


def test_the_inspector_stands_beside_two_searches_and_explains_the_one_in_use(prepared: Path) -> None:
    async def steps(pilot: Pilot[None], screen: SearchScreen) -> None:
        await compare(pilot, screen)
        second = screen.desk.second
        assert second is not None
        inspector = screen.query_one(Inspector)
        for side, unit in (("left", state(screen).unit), ("right", second.unit), ("left", state(screen).unit)):
            assert f"explained: the {side} search" in screen_text(pilot.app)
            assert "nothing known · N 40 | 40 · Q" in screen_text(pilot.app)
            await until(pilot, lambda unit=unit: inspector.state.evidence and inspector.state.evidence.unit == unit)  # type: ignore[misc]
            await press(pilot, "tab" if side == "left" else "shift+tab")
        await press(pilot, "w", "enter")
        assert len(state(screen).cursor) == 1

    drive(prepared, steps)


@pytest.mark.parametrize("size", [(120, 40), (120, 28), (80, 24)])
def test_what_is_seen_of_two_searches(prepared: Path, size: tuple[int, int]) -> None:
    async def steps(pilot: Pilot[None], screen: SearchScreen) -> None:
        await compare(pilot, screen)
        await press(pilot, "down", "down")
        await check_snapshot(pilot, f"search-compared-{size[0]}x{size[1]}", *CHANGING)
        if size != (120, 40):
            await press(pilot, "w")
            await until(pilot, lambda: screen.query_one(Inspector).state.evidence)
            await settled(pilot)
            await check_snapshot(pilot, f"search-compared-why-{size[0]}x{size[1]}", *CHANGING)
            await press(pilot, "q")
            assert bool(screen.query("#second")) == (size == (120, 28))  # there q goes back to the trees

    drive(prepared, steps, size)


def test_what_is_read_while_the_panes_are_laid_out_is_shown_when_they_stand(prepared: Path) -> None:
    async def steps(pilot: Pilot[None], screen: SearchScreen) -> None:
        await compare(pilot, screen)
        laying = asyncio.create_task(screen.panes.lay_out())
        while not laying.done():
            screen.panes.show()
            screen.panes.show_cursor()
            await asyncio.sleep(0)
        await laying
        await settled(pilot)
        assert screen_text(pilot.app).count("order of questions") == 2

    drive(prepared, steps)


DIALOGS = {"breakpoints": ("x", "#breakpoints"), "go-to": ("g", "#goto"), "pick": ("c", "#searchpicker")}
DIALOGS |= {"again": ("n", "#searchform")}


@pytest.mark.parametrize("dialog", DIALOGS)
def test_what_dialogs_show_in_a_small_terminal(prepared: Path, dialog: str) -> None:
    async def steps(pilot: Pilot[None], screen: SearchScreen) -> None:
        await press(pilot, "down", "down")
        key, name = DIALOGS[dialog]
        await pilot.press(key)
        await until(pilot, lambda: pilot.app.screen.query(name))
        await settled(pilot)
        await check_snapshot(pilot, f"search-{dialog}-80x24", *CHANGING)

    drive(prepared, steps, (80, 24))


def test_w_goes_to_the_inspector_and_tab_through_the_panes(prepared: Path) -> None:
    async def steps(pilot: Pilot[None], screen: SearchScreen) -> None:
        await press(pilot, "w")
        assert pilot.app.focused is not None
        assert pilot.app.focused.id == "inspected"
        assert "next attribute" in screen_text(pilot.app)
        await press(pilot, "enter")  # to the node that the action leads to
        assert len(state(screen).cursor) == 1
        assert pilot.app.focused.id == "orders"
        await press(pilot, "tab")
        assert "next attribute" in screen_text(pilot.app)
        assert "rollout 40 of 40" in screen_text(pilot.app)
        await pilot.press("question_mark", "end")
        await until(pilot, lambda: "ranking  asked for a set" in screen_text(pilot.app))

    drive(prepared, steps, (80, 24))


def test_a_link_names_the_position_and_exports_what_is_seen(prepared: Path) -> None:
    async def steps(pilot: Pilot[None], screen: SearchScreen) -> None:
        assert state(screen).t == 7
        copied = screen.copy_text()
        assert copied is not None
        assert copied.startswith("search/1?t=7\n")
        subject = screen.subject()
        assert subject is not None
        assert subject.target == "search/1"
        files: list[Export] = screen.exports()
        assert [file.suffix for file in files] == [".svg", ".dot", ".json", ".txt"]
        assert all(["surrogate" in await file.text() for file in files])
        await press(pilot, "t")
        files = screen.exports()
        assert [file.suffix for file in files] == [".svg", ".dot", ".json", ".txt"]
        assert all([file.name.endswith("-lattice-at-7") and "surrogate" in await file.text() for file in files])

    drive(prepared, steps, link="search/1?t=7")


def test_the_palette_goes_to_nodes(prepared: Path) -> None:
    async def steps(pilot: Pilot[None], screen: SearchScreen) -> None:
        await pilot.press("ctrl+p")
        await pilot.press(*"emotional")
        await until(pilot, lambda: "node" in screen_text(pilot.app))
        await pilot.press("down", "enter")
        await until(pilot, lambda: state(screen).cursor)
        names = [state(screen).names[a] for a in state(screen).cursor]
        assert "Emotional State" in names

    drive(prepared, steps)


def begin(path: Path) -> Trace:
    """Make search 1 of a database one that has not begun, of a run that works; return what it will find."""
    db = open_writable(path)
    with transaction(db):
        trace = search_trace(db, 1)
        db.conn.execute("delete from searches where unit = 1")
        db.conn.execute("update units set state = 'pending', finished_at = null where id = 1")
        db.conn.execute("update runs set state = 'running', heartbeat = ? ", [time.time()])
    db.conn.close()
    return trace


def show(path: Path, trace: Trace, *, done: bool = False) -> None:
    """Write what a search has found so far, as engines do."""
    db = open_writable(path)
    with transaction(db):
        save_running(db, 1, pack(trace))
        if done:
            db.conn.execute("update units set state = 'done', finished_at = ? where id = 1", [now()])
    db.conn.close()


def test_a_search_is_watched_while_it_streams_in(prepared: Path, tmp_path: Path) -> None:
    path = tmp_path / "live.db"
    shutil.copy(prepared, path)
    trace = begin(path)

    async def steps(pilot: Pilot[None], screen: SearchScreen) -> None:
        def shown(known: int) -> bool:
            return screen.desk.state is not None and state(screen).t == known

        assert "pending" in screen_text(pilot.app)
        for known in (1, 5, 12):
            await asyncio.to_thread(show, path, trace.until(known))
            await until(pilot, partial(shown, known))
        assert "running" in screen_text(pilot.app)
        assert "following" in screen_text(pilot.app)
        await press(pilot, "left_square_bracket")
        await asyncio.to_thread(show, path, trace.until(20))
        await until(pilot, lambda: state(screen).trace.rollouts == 20)
        assert state(screen).t == 11
        await press(pilot, "f")
        assert state(screen).t == 20
        await asyncio.to_thread(show, path, trace, done=True)
        await until(pilot, lambda: not state(screen).running)
        assert state(screen).t == trace.rollouts
        assert not screen.desk.playback.playing

    drive(path, steps, link="search/1")


def test_a_search_that_was_over_at_once_is_replayed(prepared: Path, tmp_path: Path) -> None:
    path = tmp_path / "quick.db"
    shutil.copy(prepared, path)
    trace = begin(path)

    async def steps(pilot: Pilot[None], screen: SearchScreen) -> None:
        await asyncio.to_thread(show, path, trace, done=True)
        await until(pilot, lambda: screen.desk.state is not None and screen.desk.playback.playing)
        await until(pilot, lambda: "replay" in screen_text(pilot.app))
        await press(pilot, "end")
        assert (state(screen).at_end, screen.desk.playback.playing) == (True, False)

    drive(path, steps, link="search/1")


def test_another_search_is_asked_for_stepped_and_let_go(prepared: Path, tmp_path: Path) -> None:
    path = tmp_path / "again.db"
    shutil.copy(prepared, path)

    async def steps(pilot: Pilot[None], screen: SearchScreen) -> None:
        await pilot.press("n")
        await until(pilot, lambda: isinstance(pilot.app.screen, SearchForm))
        form = pilot.app.screen
        form.query_one("#c", Input).value = "-1"
        await press(pilot, "ctrl+s")
        assert "--c" in screen_text(pilot.app)
        form.query_one("#c", Input).value = "2.5"
        form.query_one(Tick).value = True
        await pilot.press("ctrl+s")
        await until(pilot, lambda: not isinstance(pilot.app.screen, SearchForm))
        await until(pilot, lambda: screen.desk.unit != 1 and screen.desk.state is not None and state(screen).paused)
        await pilot.press("full_stop")
        await until(pilot, lambda: state(screen).trace.rollouts == 1)
        assert state(screen).paused
        assert state(screen).trace.c == 2.5
        await press(pilot, "full_stop")
        await until(pilot, lambda: state(screen).trace.rollouts == 2)
        await press(pilot, "space")
        await until(pilot, lambda: not state(screen).running)
        assert state(screen).trace.rollouts == 40
        # The run ends a moment after its search.
        await until(
            pilot, lambda: db.conn.execute("select state from runs where kind = 'plan'").fetchall() == [("done",)]
        )

    db = open_readonly(path)
    drive(path, steps)
    db.conn.close()


def test_a_search_that_is_held_says_so_and_stops_at_any_of_several_breakpoints(prepared: Path, tmp_path: Path) -> None:
    path = tmp_path / "held.db"
    shutil.copy(prepared, path)

    async def steps(pilot: Pilot[None], screen: SearchScreen) -> None:
        def said(text: str) -> Callable[[], bool]:
            return lambda: screen.desk.state is not None and text in screen_text(pilot.app)

        await pilot.press("n")
        await until(pilot, lambda: isinstance(pilot.app.screen, SearchForm))
        pilot.app.screen.query_one(Tick).value = True
        pilot.app.screen.query_one("#seed", Input).value = "77"
        await pilot.press("ctrl+s")
        await until(pilot, said("paused from its start: space lets it go on"))
        await settled(pilot)
        assert state(screen).trace.rollouts == 0
        await check_snapshot(pilot, "search-held-120x40", *CHANGING, r"search \d+")
        await pilot.press("full_stop")
        await until(pilot, lambda: state(screen).trace.rollouts == 1)
        await press(pilot, "down", "x")
        await until(pilot, lambda: pilot.app.screen.query(Tick))
        await press(pilot, "space", "down", "space", "enter")
        chosen = Breakpoints(best=True, masks=frozenset({state(screen).cursor_mask}))
        await until(pilot, lambda: screen.desk.playback.breakpoints == state(screen).breakpoints == chosen)
        assert "2 breakpoints" in screen_text(pilot.app)
        run, elsewhere = state(screen).run, Breakpoints(best=True)
        await asyncio.to_thread(tell_run, path, run, "break", str(elsewhere))  # as `workbench control` does
        await until(pilot, lambda: "1 breakpoint" in screen_text(pilot.app))
        await pilot.press("x")
        await until(pilot, lambda: pilot.app.screen.query(Tick))
        assert [tick.value for tick in pilot.app.screen.query(Tick)] == [True, False]
        assert "Stop the run when" in screen_text(pilot.app)
        await press(pilot, "down", "space", "enter")
        await until(pilot, lambda: state(screen).breakpoints == chosen)
        seen: set[str] = set()
        for words in ("a path passed through {", "the best subset changed"):
            while words not in " ".join(seen):
                before = state(screen).trace.rollouts
                await press(pilot, "space")
                await until(pilot, lambda before=before: state(screen).trace.rollouts > before and state(screen).paused)  # type: ignore[misc]
                seen.add(state(screen).held)
                assert f"paused {state(screen).held}"[:40] in screen_text(pilot.app)
        await pilot.press("x")
        await until(pilot, lambda: pilot.app.screen.query(Tick))
        await press(pilot, "space", "down", "space", "enter", "space")
        await until(pilot, lambda: not state(screen).running)

    drive(path, steps)
