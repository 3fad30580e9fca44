"""Inspector, curve and transport bar in an app of their own: keys, mouse, and what they say when they are used."""

from collections.abc import Awaitable, Callable

import anyio
import pytest
from textual.app import App, ComposeResult
from textual.message import Message
from textual.pilot import Pilot
from textual.widget import Widget

from planner.inspection import inspect
from planner.settings import PlannerSettings
from simulator.world import Verdict
from tests.planner.games import Game
from tests.workbench.app.search.searches import state_of, trace_of
from tests.workbench.app.search.small import state
from workbench.app.look import themes
from workbench.app.state.search.search import SearchState
from workbench.app.widgets.search.curve import Curve
from workbench.app.widgets.search.inspector import Inspector
from workbench.app.widgets.search.transport import Playing, Transport, count_words
from workbench.engine.revisit.evidence import Evidence, Sample
from workbench.text import plain


class Trial(App[None]):
    CSS = "Inspector { height: 1fr; } Curve { height: 10; } Transport { height: 1; }"

    def __init__(self, widget: Widget) -> None:
        super().__init__()
        for theme in themes():
            self.register_theme(theme)
        self.theme = "dark"
        self.widget = widget
        self.said: list[Message] = []

    def compose(self) -> ComposeResult:
        yield self.widget

    def on_inspector_chosen(self, message: Inspector.Chosen) -> None:
        self.said.append(message)

    def on_inspector_evidence_wanted(self, message: Inspector.EvidenceWanted) -> None:
        self.said.append(message)

    def on_curve_moved(self, message: Curve.Moved) -> None:
        self.said.append(message)

    def on_transport_moved(self, message: Transport.Moved) -> None:
        self.said.append(message)

    def on_transport_toggled(self, message: Transport.Toggled) -> None:
        self.said.append(message)

    def text(self) -> list[str]:
        """Return the screen's lines."""
        return [strip.text.rstrip() for strip in self.screen._compositor.render_strips(self.size)]


def trial(
    widget: Widget, do: Callable[[Pilot[None], Trial], Awaitable[None]], size: tuple[int, int] = (60, 30)
) -> Trial:
    app = Trial(widget)

    async def drive() -> None:
        async with app.run_test(size=size) as pilot:
            await pilot.pause()
            await do(pilot, app)

    anyio.run(drive)
    return app


def inspector() -> Inspector:
    return Inspector(lambda text: plain(text, lines=True))


def test_the_inspectors_cursor_asks_why_not_and_enter_goes_there() -> None:
    widget, search = inspector(), state()
    seen = inspect(search.trace, 0)

    async def do(pilot: Pilot[None], app: Trial) -> None:
        widget.look(search)
        widget.focus()
        await pilot.pause()
        assert any("it is next" in line for line in app.text())
        await pilot.press("down", "down")
        assert app.text()[3].startswith("▌")
        assert any("why not" in line for line in app.text())
        await pilot.press("enter")
        await pilot.press("up", "up", "up", "enter")
        await pilot.pause()

    said = trial(widget, do).said
    chosen = [message.attribute for message in said if isinstance(message, Inspector.Chosen)]
    assert chosen == [seen.actions[2].attribute, seen.actions[0].attribute]
    assert [message.rollout for message in said if isinstance(message, Inspector.EvidenceWanted)] == [60]


def test_evidence_is_shown_when_it_comes_and_opens_by_key_and_mouse() -> None:
    widget, search = inspector(), state()
    sample = Sample(0, "a response\n" * 30, Verdict("a", (4, 4, 5)))
    evidence = Evidence(7, 60, 0, "surrogate", "a", 4.0, cached=False, samples=(sample,), true_score=4.2)

    async def do(pilot: Pilot[None], app: Trial) -> None:
        widget.look(search)
        widget.focus()
        widget.tell(evidence)
        await pilot.pause()
        assert any("risk 4, empathy 4, fit 5" in line for line in app.text())
        assert not any("a response" in line for line in app.text())
        await pilot.press("o")
        await pilot.pause()
        assert any(line.strip() == "a response" for line in app.text())
        await pilot.press("pagedown")
        await pilot.press("o")
        await pilot.pause()
        assert not any(line.strip() == "a response" for line in app.text())
        row = next(y for y, line in enumerate(app.text()) if "risk 4" in line)
        await pilot.click(offset=(5, row))
        await pilot.pause()
        assert any(line.strip() == "a response" for line in app.text())
        await pilot.click(offset=(5, 2))
        await pilot.pause()

    trial(widget, do)


@pytest.mark.parametrize("size", [(44, 12), (80, 24), (120, 40)])
def test_the_inspector_keeps_every_column_at_every_size(size: tuple[int, int]) -> None:
    widget, search = inspector(), state()

    async def do(pilot: Pilot[None], app: Trial) -> None:
        widget.look(search)
        await pilot.pause()
        assert app.text()[0].endswith("score")
        before = app.text()
        widget.focus()
        for _ in range(12):
            await pilot.press("down")
        await pilot.pause()
        assert before[0] == app.text()[0]
        widget.look(None)
        await pilot.pause()
        assert "Move to a node" in app.text()[0]

    trial(widget, do, size)


def test_the_inspector_shows_searches_that_score_nothing() -> None:
    widget = inspector()
    search = state(PlannerSettings(planner="exhaustive", depth=2), Game(n=4), ("A", "B", "C", "D"))

    async def do(pilot: Pilot[None], app: Trial) -> None:
        for cursor in ((), (0,), (0, 1)):
            search.cursor = cursor
            widget.look(search)
            await pilot.pause()
        await pilot.press("down", "enter", "o")
        assert "no action: the subset is complete" in app.text()[0]

    assert not any(isinstance(message, Inspector.Chosen) for message in trial(widget, do).said)


def search_with_failures() -> SearchState:
    return state(PlannerSettings(rollouts=60, depth=3), Game(n=10, seed=3, broken=frozenset(range(0, 1024, 3))))


def test_the_curve_says_what_it_shows_and_follows_the_mouse() -> None:
    widget, search = Curve(), search_with_failures()

    async def do(pilot: Pilot[None], app: Trial) -> None:
        assert "begins with the first rollout" in app.text()[0]
        widget.show(search)
        await pilot.pause()
        lines = app.text()
        assert "best subset" in lines[0]
        assert "failed" in lines[0]
        assert "×" in lines[9]
        assert "▴" in lines[9]
        assert "┤" in lines[1]
        assert any("\u2800" < glyph < "\u2900" for glyph in "".join(lines[1:9]))
        await pilot.mouse_down(offset=(6, 3))
        await pilot.hover(offset=(63, 3))
        await pilot.hover(offset=(119, 3))
        await pilot.mouse_up(offset=(119, 3))
        await pilot.hover(offset=(20, 3))
        await pilot.click(offset=(2, 3))
        await pilot.pause()

    moved = [message.t for message in trial(widget, do, (120, 10)).said if isinstance(message, Curve.Moved)]
    assert moved[-2:] == [60, 0]
    assert moved[0] == 1
    assert 29 <= moved[1] <= 32
    assert len(moved) == 4


def test_the_curves_of_two_searches_are_told_apart_without_colour() -> None:
    widget, left, right = Curve(), state_of(), state_of(trace_of(40, c=0.2))

    async def do(pilot: Pilot[None], app: Trial) -> None:
        widget.show(left, right)
        await pilot.pause()
        first, second, *plot, axis = app.text()[:10]
        assert first.startswith(" left  ● best")
        assert second.startswith(" right ○ best")
        assert all(line.index(mark) < 70 for line, mark in ((first, "▴"), (second, "▵")))
        assert {"●", "■", "○", "□"} <= set("".join(plot))
        assert {"▴", "▵"} <= set(axis)
        half = [line[: 6 + 47] for line in plot]  # the right one has half as many rollouts: nothing of it comes later
        assert sum(line.count("○") for line in plot) == sum(line.count("○") for line in half) > 0
        widget.show(left)
        await pilot.pause()
        assert not {"●", "○"} & set("".join(app.text()))

    trial(widget, do, (100, 10))


@pytest.mark.parametrize("t", [0, 1, 30, 60])
@pytest.mark.parametrize("size", [(20, 4), (44, 10), (100, 30)])
def test_the_curve_at_every_position_and_size(t: int, size: tuple[int, int]) -> None:
    widget, search = Curve(), search_with_failures()
    search.move_to(t)

    async def do(pilot: Pilot[None], app: Trial) -> None:
        widget.show(search)
        await pilot.pause()
        chosen = t > 0 and search.best is not None
        assert ("nothing chosen yet" in app.text()[0]) == (not chosen and size[0] > 40)
        assert app.text()[0].startswith(" ⣀⣀ best")
        widget.show(None)
        await pilot.pause()

    trial(widget, do, size)


def test_the_bar_moves_by_buttons_and_by_dragging() -> None:
    widget = Transport()
    moved: list[int] = []

    async def do(pilot: Pilot[None], app: Trial) -> None:
        widget.show(Playing(30, 60, "done", "8/s", "12 evaluations · 3 rankings"))
        await pilot.pause()
        line = app.text()[0]
        assert "rollout 30 of 60" in line
        assert "✔ done · 8/s · 12 evaluations · 3 rankings" in line
        for glyph in (" ◀◀ ", " ◀ ", " ▶ ", " ▶▶ "):
            await pilot.click(offset=(line.index(glyph) + 1, 0))
        bar = line.index("━"), max(x for x, glyph in enumerate(line) if glyph == "─")
        await pilot.mouse_down(offset=(bar[0], 0))
        await pilot.hover(offset=((bar[0] + bar[1]) // 2, 0))
        await pilot.hover(offset=(119, 0))
        await pilot.mouse_up(offset=(119, 0))
        await pilot.hover(offset=(bar[0], 0))
        await pilot.click(offset=(line.index("done"), 0))
        await pilot.pause()
        moved.extend(message.t for message in app.said if isinstance(message, Transport.Moved))
        assert isinstance(app.said[-1], Transport.Toggled)

    trial(widget, do, (120, 3))
    assert moved[:5] == [20, 19, 20, 30, 0]
    assert 28 <= moved[5] <= 32
    assert moved[6:] == [60]


@pytest.mark.parametrize("width", [20, 40, 60, 80, 120])
def test_the_bar_leaves_out_what_has_no_room(width: int) -> None:
    widget, search = Transport(), search_with_failures()

    async def do(pilot: Pilot[None], app: Trial) -> None:
        widget.show(Playing(7, 60, "running", "", count_words(search.trace, 7)))
        await pilot.pause()
        line = app.text()[0]
        assert ("rankings" in line) == (width == 120)
        assert ("●─" in line) == (width >= 40)
        assert ("running" in line) == (width >= 40)

    trial(widget, do, (width, 2))


def test_counts_are_those_of_the_position() -> None:
    search = search_with_failures()
    assert count_words(search.trace, 0) == "0 evaluations · 0 rankings"
    failed = int((search.trace.flags & 2).astype(bool).sum())
    assert count_words(search.trace, 60).endswith(f"rankings · {failed} failed")
