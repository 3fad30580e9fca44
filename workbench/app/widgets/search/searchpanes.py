"""The panes of the Search screen: the list of searches, or the open ones with what stands behind them."""

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from textual.app import ComposeResult
from textual.containers import Container
from textual.content import Content
from textual.events import Resize

from workbench.app.frame import NARROW, Pane
from workbench.app.keynames import key_name
from workbench.app.look import status_content
from workbench.app.state.search.difference import DiffMark, Side
from workbench.app.state.search.inspection import wrapped
from workbench.app.state.search.search import SearchState
from workbench.app.state.search.searchdesk import SearchDesk
from workbench.app.state.search.searchlist import empty_lines, search_lines, waiting_lines
from workbench.app.state.search.treerows import SORTS, THRESHOLDS, TOPS, Sort, order_of
from workbench.app.state.spans import Span
from workbench.app.widgets.linelist import LineList
from workbench.app.widgets.search.curve import Curve
from workbench.app.widgets.search.inspector import Inspector
from workbench.app.widgets.search.latticeview import LatticeView
from workbench.app.widgets.search.transport import Playing, PlayStatus, Transport, count_words
from workbench.app.widgets.search.treeview import Sign, TreeView
from workbench.explain import short_names
from workbench.text import plain

if TYPE_CHECKING:
    from workbench.app.app import WorkbenchApp
    from workbench.app.state.search.treeexport import TreeFile

BESIDE = "-beside"
"""Ends the ids of the widgets that show the second search."""

_ALL_ROWS = 30
"""Rows from which two trees, the inspector, the course and the differences all have room."""

_SIGNS: Mapping[DiffMark, Sign] = {
    "lost": Sign("−", "error"),
    "gained": Sign("+", "success"),
    "reranked": Sign("↕", "warning"),
}


class SearchPanes(Container):
    """Shows what is on a desk. It is told when to; only what is seen is drawn.

    Fields:
        lattice: the sets are shown as a lattice. later: rows that the position has not come to are shown, dim.
    """

    def __init__(self, desk: SearchDesk) -> None:
        super().__init__(id="search-panes")
        self._desk = desk
        self._listed: Sequence[dict[str, Any]] = ()
        self.lattice = False
        self.later = True
        self._laying = asyncio.Lock()
        self._viewed: SearchState | None = None
        self._side: Side = "left"

    def compose(self) -> ComposeResult:
        """Begin with the list."""
        self.screen.add_class("-picking")
        yield _list_pane()

    @property
    def orders(self) -> TreeView:
        """The tree of the open search."""
        return self.query_one("#orders", TreeView)

    @property
    def open(self) -> bool:
        """The panes of a search are there, all of them, not the list."""
        return not self._laying.locked() and self._has_tree

    @property
    def _has_tree(self) -> bool:
        return bool(self.query("#orders"))

    async def lay_out(self) -> None:
        """Put the panes in place that are needed now, and show them."""
        desk = self._desk
        async with self._laying:
            view = self.orders.view if self._has_tree and self._viewed is desk.state else None
            self._viewed = desk.state
            with self.app.batch_update():
                await self.remove_children()
                self.screen.set_class(desk.state is None, "-picking")
                self.set_class(desk.second is not None, BESIDE)
                await self.mount_all([_list_pane()] if desk.state is None else self._search_panes())
                if view is not None and self._has_tree:
                    self.orders.view = view
        self.show()

    def _search_panes(self) -> list[Pane]:
        panes = [Pane(TreeView("orders"), LatticeView("sets"), id="tree")]
        if self._desk.second is not None:
            panes.append(Pane(TreeView(f"orders{BESIDE}"), LatticeView(f"sets{BESIDE}"), id="second"))
        inspector, course = Pane(Inspector(self._sensitive, "inspected"), id="inspector"), Pane(Curve(), id="course")
        inspector.border_title = "Set under the cursor"
        course.border_title = "Value of the best subset and of the first question"
        panes += [inspector, course]
        if self._desk.second is not None:
            panes.append(Pane(LineList(quiet=True, id="differences"), id="difference"))
            panes[-1].border_title = "− only left   + only right   ↕ in another place"
        self._side = "left"
        return panes

    # Showing

    def show(self) -> None:
        """Show the open search at its position, or the list."""
        desk = self._desk
        if desk.state is None or not self.open:
            self.show_list(self._listed)
            return
        desk.match()
        self._show_trees()
        self._show_titles(desk.state)
        self.show_cursor()
        self.query_one(Curve).show(desk.state, desk.second, self._halt(desk.state) if desk.state else "")
        self.screen.query_one(Transport).show(self._playing(desk.state))

    def show_cursor(self) -> None:
        """Show what the cursor stands on, after it has moved."""
        state = self._desk.state
        if state is None or not self.open:
            return
        if self._desk.second is not None:
            self._desk.match()
            self._show_trees()
        self.query_one(Inspector).look(*self._desk.explained(self._side))
        self._show_explained()

    def show_list(self, rows: Sequence[dict[str, Any]]) -> None:
        """Show the searches that can be opened, or what an open one waits for."""
        self._listed = rows
        for lines in self.query("#search-list").results(LineList):
            lines.pointing = self._desk.unit is None and bool(rows)
            ways = f"{key_name(lines, 'list.open')} opens one"
            self.query_one("#searches").border_subtitle = ways if lines.pointing else None
            width = max(40, lines.size.width - 2)
            if self._desk.unit is not None:
                lines.show(waiting_lines(self._desk.row, width))
            elif not rows:
                lines.show(empty_lines(partial(key_name, self)))
            else:
                heading, shown = search_lines(rows, width, self._sensitive)
                lines.show(shown, heading=heading)

    def _show_trees(self) -> None:
        desk = self._desk
        for name, state, marks in (("", desk.state, desk.marks("left")), (BESIDE, desk.second, desk.marks("right"))):
            if state is None or not self.query(f"#orders{name}"):  # its panes are laid out in a moment
                continue
            tree, lattice = self.query_one(f"#orders{name}", TreeView), self.query_one(f"#sets{name}", LatticeView)
            tree.display, lattice.display = not self.lattice, self.lattice
            tree.view.later = self.later and not desk.playback.playing
            if self.lattice:
                lattice.show(state)
            else:
                tree.show(state, {mask: _SIGNS[mark] for mask, mark in marks.items()})

    def _show_titles(self, state: SearchState) -> None:
        pane, view = self.query_one("#tree"), self.orders.view
        what = "Lattice of sets, each with N and Q" if self.lattice else "Tree of orders"
        pane.border_title = f"{what} · {self._sensitive(state.query)}"
        least = view.threshold(state)
        kept = [f"N ≥ {least}"] if least and not self.lattice else []
        kept += [f"first {view.top} of each"] if view.top and not self.lattice else []
        pane.border_subtitle = " · ".join(
            ["‹ › one attribute away" if self.lattice else "= several orders", "★ chosen", "◀ last rollout", *kept]
        )
        stopped = self._stopped(state)
        if stopped and self.screen.has_class("-narrow"):  # where the pane that says so else is not seen
            pane.border_subtitle = stopped
        if (second := self._desk.second) is not None and self.query("#second"):
            pane.border_title = f"left: {_name(state)}"
            self.query_one("#second").border_title = f"right: {_name(second)}"
            self._show_differences()
        self.query_one("#course").border_subtitle = self._doing(state)

    def _show_explained(self) -> None:
        for inspector in self.query(Inspector):
            pane, state = self.query_one("#inspector"), inspector.state
            pane.border_title = state.title(max(30, pane.size.width - 4))
            pane.border_subtitle = f"explained: the {state.side} search" if self._desk.second else None

    def _show_differences(self) -> None:
        state, found = self._desk.state, self._desk.difference
        for lines in self.query("#differences").results(LineList):
            said = found.lines(short_names(state.names)) if state is not None and found is not None else _APART
            width = max(20, lines.scrollable_content_region.width - 1)
            lines.pointing = False
            lines.show([part for text in said for part in wrapped((Span(plain(text)),), width)])

    def _stopped(self, state: SearchState) -> str:
        """Say what holds the search, or has stopped the replay; empty where nothing does."""
        stopped = self._desk.playback.stopped
        return self._halt(state) or (f"stopped: {stopped}" if stopped else "")

    def _halt(self, state: SearchState) -> str:
        return plain(state.halt(partial(key_name, self)))

    def _doing(self, state: SearchState) -> Content:
        """Say what stops or holds the position."""
        play, parts = self._desk.playback, []
        if state.failed:
            parts.append(status_content("failed") + Content(f" {plain(state.failed)}"))
        if state.running and not play.playing:
            staying = f"staying at this rollout; {key_name(self, 'search.follow')} follows"
            parts.append(Content("following" if state.following else staying))
        if stopped := self._stopped(state):
            parts.append(Content(stopped))
        if count := len(play.breakpoints):
            parts.append(Content(f"{count} breakpoint{'s' if count > 1 else ''}"))
        return Content(" · ").join(parts)

    def _playing(self, state: SearchState) -> Playing:
        play = self._desk.playback
        doing: PlayStatus = "failed" if state.failed else "paused" if state.paused else "running"
        doing = "replay" if play.playing else doing if state.running or state.failed else "done"
        speed = f"{play.speed:.0f} rollouts/s" if play.playing else ""
        return Playing(state.t, state.trace.rollouts, doing, speed, count_words(state.trace, state.t))

    def _sensitive(self, text: str, *, lines: bool = False) -> str:
        return cast("WorkbenchApp", self.app).sensitive(text, lines=lines)

    def on_resize(self, event: Resize) -> None:
        """Lay the list and the titles out for the new width, and see whether everything has room beside two trees."""
        self.set_class(event.size.height < _ALL_ROWS and event.size.width >= NARROW, "-low")
        self.show()

    def on_line_list_resized(self) -> None:
        """Fit what was written for another width."""
        self._show_differences()
        self._show_explained()

    def explain(self, side: Side) -> None:
        """Have the inspector explain the search of one side."""
        if side != self._side:
            self._side = side
            self.show_cursor()

    # How it is looked at

    def turn(self) -> None:
        """Show the lattice of sets, or the tree of orders."""
        self.lattice = not self.lattice
        self.show()
        self.query_one("#sets" if self.lattice else "#orders").focus()
        if self.lattice:
            self.call_after_refresh(self.query_one("#sets", LatticeView).show_cursor)

    def sort_by(self, sort: Sort | None = None) -> None:
        """Sort siblings, by the next of N, Q and prior if it is not said by which."""
        if sort is None:
            sort = SORTS[(SORTS.index(self.orders.view.sort) + 1) % len(SORTS)]
        for tree in self.query(TreeView):
            tree.view.sort = sort
        for lattice in self.query(LatticeView):
            lattice.sort = "N" if sort == "N" else "Q"
        self.show()

    def next_threshold(self) -> None:
        """Hide sets of fewer visits than the next threshold."""
        least = THRESHOLDS[(THRESHOLDS.index(self.orders.view.least) + 1) % len(THRESHOLDS)]
        for tree in self.query(TreeView):
            tree.view.least = least
        self.show()

    def next_top(self) -> None:
        """Show all children, or the first few."""
        top = TOPS[(TOPS.index(self.orders.view.top) + 1) % len(TOPS)]
        for tree in self.query(TreeView):
            tree.view.top = top
        self.show()

    def files(self) -> "list[TreeFile]":
        """Return the files that what is seen, by scrolling if need be, can be written to."""
        from workbench.app.state.search.latticeexport import lattice_files
        from workbench.app.state.search.treeexport import tree_files

        state = self._desk.state
        if state is None or not self.open:
            return []
        if self.lattice:
            return lattice_files(state, self.query_one("#sets", LatticeView).lattice)
        rows = self.orders.view.build(state)
        whole = state.whole
        return tree_files(
            state, [order_of(whole, int(node)) for row, node in enumerate(rows.node) if not rows.is_more(row)]
        )

    def go_to(self, order: tuple[int, ...]) -> None:
        """Put the cursor on an order, as far as the search went along it."""
        self.lattice = False
        self.show()
        self.orders.find(order)
        self.orders.focus()


def _name(state: SearchState) -> str:
    trace = state.trace
    how = f"{trace.rule}, c {trace.c:g}" if state.planner == "search" else f"{state.planner} planner"
    return plain(f"search {state.unit} · {how} · {state.model}")


_APART = ["they are about other numbers of attributes: no set is common to both"]


def _list_pane() -> Pane:
    pane = Pane(LineList(id="search-list"), id="searches")
    pane.border_title = "Searches"
    return pane
