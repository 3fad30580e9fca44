"""The Search screen: a tree of questions that grows, can be scrubbed, and be put beside another one."""

import asyncio
import time
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.events import DescendantFocus

from storage.searches import first_search, latest_searches, search_row, trace_if_new
from workbench.app.frame import Export, Headline, Subject
from workbench.app.launching import claimed_run
from workbench.app.nodes import Nodes
from workbench.app.screens.moving import Moving
from workbench.app.screens.searchdialogs import SearchPicker
from workbench.app.screens.searchform import SearchForm
from workbench.app.state.links import Link
from workbench.app.state.search.searchdesk import Found
from workbench.app.widgets.linelist import LineList
from workbench.app.widgets.search.inspector import Inspector
from workbench.app.widgets.search.latticeview import LatticeView
from workbench.app.widgets.search.searchpanes import BESIDE
from workbench.app.widgets.search.transport import Transport
from workbench.app.widgets.search.treeview import TreeView

if TYPE_CHECKING:
    from storage.sqlite import Database

_REST_SECONDS = 0.2
"""The evidence behind a reward is read where the position or the cursor rests for so long: it takes milliseconds."""

_LISTED = 200
"""Searches that are offered, the latest."""


class SearchScreen(Moving):
    """Screen 2. A list of searches until one is open; then its tree, what stands behind the cursor, and its course."""

    NAME = "search"
    PANES = ("searches", "tree", "second", "inspector", "course", "difference")
    WORDS: ClassVar = {
        "set": "what is known, whatever the order",
        "rollout": "a path that was tried",
        "N": "rollouts through the set",
        "Q": "their mean value, 1-5",
        "(4.20)": "not tried yet: a stand-in for Q",
        "prior": "share before anything was tried",
        "rollouts": "through exactly this order",
        "bonus": "shrinks the more it was tried",
        "score": "Q + bonus: the highest is next",
        "ranking": "asked for a set: makes its prior",
        "evaluation": "a response and its verdict",
        "=": "several orders reach the set",
        "≡": "it is the one under the cursor",
        "★": "on the way to the best subset",
        "◀": "on the last rollout's path",
        "⊘": "left out: evaluations failed",
        "− + ↕": "only left, only right, moved",
    }
    COMMANDS: ClassVar = {Nodes}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "play", "Run/pause", id="search.play"),
        Binding("left_square_bracket", "by(-1)", "Back", id="search.back", key_display="["),
        Binding("right_square_bracket", "by(1)", "Forth", id="search.forth", key_display="]"),
        Binding("t", "lattice", "Lattice", id="search.lattice"),
        Binding("n", "again", "Again", id="search.again"),
        Binding("c", "compare", "Compare", id="search.compare"),
        Binding("full_stop", "step", "One rollout", id="search.step", show=False, key_display="."),
        Binding("left_curly_bracket", "by(-10)", "Ten back", id="search.back_ten", show=False, key_display="{"),
        Binding("right_curly_bracket", "by(10)", "Ten forth", id="search.forth_ten", show=False, key_display="}"),
        Binding("home", "to_start", "To the start", id="search.start", show=False),
        Binding("end", "to_end", "To the end, and follow", id="search.end", show=False),
        Binding("g", "go_to", "Go to a rollout", id="search.go_to", show=False),
        Binding("f", "follow", "Follow the search, or stay", id="search.follow", show=False),
        Binding("less_than_sign", "speed(-1)", "Slower", id="search.slower", show=False, key_display="<"),
        Binding("greater_than_sign", "speed(1)", "Faster", id="search.faster", show=False, key_display=">"),
        Binding("x", "breakpoints", "Breakpoints", id="search.breakpoints", show=False),
        Binding("w", "why", "Why, and why not another action", id="search.why", show=False),
        Binding("s", "sort", "Sort by N, Q or prior", id="search.sort", show=False),
        Binding("v", "threshold", "Hide sets of few visits", id="search.threshold", show=False),
        Binding("V", "top", "Show the first children only", id="search.top", show=False),
        Binding("o", "later", "Show rows that come later", id="search.later", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._listed: list[dict[str, Any]] = []

    def compose_body(self) -> ComposeResult:
        """Yield the panes, and below them the transport bar."""
        with Vertical(id="search-body"):
            yield self.panes
            yield Transport()

    # What the frame asks

    def headline(self) -> Headline:
        """Name the search."""
        row = self.desk.row
        if row is None:
            return Headline("searches")
        return Headline(f"search {row['unit']} · {row['scenario_id'][:12]}", row["run"], row["world"])

    def subject(self) -> Subject | None:
        """Put notes on the open search."""
        unit = self.desk.unit
        return None if unit is None else Subject("search", str(unit), f"search {unit}")

    def copy_text(self) -> str | None:
        """Copy the search's link at its position, and the order under the cursor."""
        state = self.desk.state
        return None if state is None else f"search/{state.unit}?t={state.t}\n{state.label(state.cursor)}"

    def exports(self) -> list[Export]:
        """Offer what is seen as SVG, DOT, JSON and text."""
        return [Export(*file) for file in self.panes.files()]

    async def open_link(self, link: Link) -> None:
        """Open a search; `t=40` goes to a rollout, `watch` replays it from the start if it is over already."""
        await self._open(int(link.id), t=link.number("t"), grow=link.detail == "watch")

    def back(self) -> bool:
        """Close the second search, then the first."""
        if self.has_class("-why") and self.panes.has_class("-low") and self.desk.second is not None:
            self.remove_class("-why")
            self.show_pane("tree")
            return True
        if self.desk.second is not None:
            self.desk.second = None
        elif self.desk.unit is not None:
            self.desk.close()
            self.request_refresh()
        else:
            return False
        self.call_later(self._lay_out)
        return True

    async def refresh_data(self) -> None:
        """Read what is new of the open searches, or the list of searches."""
        desk = self.desk
        if desk.unit is None:
            self._listed = await self.workbench.read(partial(latest_searches, limit=_LISTED))
            self.panes.show_list(self._listed)
            return
        if desk.take(*await self._read(desk.unit, desk.seen), time.time()):
            await self._lay_out()
            self.run_timer()
        if desk.second is not None and desk.second.running:
            desk.take_second(*await self._read(desk.second.unit, desk.second_seen))
        self.panes.show()

    async def _read(self, unit: int, seen: int | None) -> tuple[dict[str, Any], Found]:
        def both(db: "Database") -> tuple[dict[str, Any], Found]:
            return search_row(db, unit), trace_if_new(db, unit, seen)

        return await self.workbench.read(both)

    async def _open(self, unit: int, *, t: int | None = None, grow: bool = False) -> None:
        self.desk.open(unit, t=t, grow=grow)
        await self.refresh_data()
        if self.desk.state is None:
            await self._lay_out()

    async def _lay_out(self) -> None:
        await self.panes.lay_out()
        self.show_pane("tree" if self.panes.open else "searches")
        self.refresh_headline()

    # Looking at it another way

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer the keys of a search only where one is open."""
        if action in _OF_A_SEARCH and self.desk.state is None:
            return False
        return super().check_action(action, parameters)

    def action_lattice(self) -> None:
        """Show the lattice of sets, or the tree of orders."""
        self.panes.turn()

    def action_sort(self) -> None:
        """Sort siblings by the next of N, Q and prior."""
        self.panes.sort_by()

    def action_threshold(self) -> None:
        """Hide sets of fewer visits, or of none."""
        self.panes.next_threshold()

    def action_top(self) -> None:
        """Show all children, or the first five, or the first three."""
        self.panes.next_top()

    def action_later(self) -> None:
        """Show rows that the position has not come to yet, dim, or leave them out."""
        self.panes.later = not self.panes.later
        self.notify("rows that come later are " + ("shown, dim" if self.panes.later else "hidden"), timeout=2)
        self.panes.show()

    def action_why(self) -> None:
        """Go to what stands behind the choice, and behind every action not taken."""
        self.add_class("-why")
        self.show_pane("inspector")

    def go_to_node(self, order: tuple[int, ...]) -> None:
        """Put the cursor on an order, as far as the search went along it."""
        if self.panes.open:
            self.panes.go_to(order)

    @on(TreeView.Moved)
    @on(LatticeView.Moved)
    def _cursor_moved(self, event: TreeView.Moved | LatticeView.Moved) -> None:
        state, second = self.desk.state, self.desk.second
        if state is not None and second is not None and event.sender.endswith(BESIDE):
            state.cursor = second.cursor
        self.panes.show_cursor()

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        """Explain the search whose tree or lattice is in use."""
        if isinstance(event.widget, TreeView | LatticeView):
            self.panes.explain("right" if (event.widget.id or "").endswith(BESIDE) else "left")

    @on(TreeView.SortBy)
    def _heading_clicked(self, event: TreeView.SortBy) -> None:
        self.panes.sort_by(event.column)

    # Other searches

    @on(LineList.Opened, "#search-list")
    async def _chosen(self, event: LineList.Opened) -> None:
        if self.desk.unit is None and event.index < len(self._listed):
            await self._open(self._listed[event.index]["unit"])

    @work(group="ask", exit_on_error=False)
    async def action_compare(self) -> None:
        """Put a second search beside this one; again: take it away."""
        state = self.desk.state
        if state is None:
            return
        if self.desk.second is not None:
            self.back()
            return
        same = partial(latest_searches, limit=_LISTED, scenario=state.scenario)
        rows = [row for row in await self.workbench.read(same) if row["unit"] != state.unit]
        title = "Put beside it: searches of the same scenario"
        if not (one := bool(rows)):
            rows = await self.workbench.read(partial(latest_searches, limit=_LISTED))
            rows = [row for row in rows if row["unit"] != state.unit]
            title = "Put beside it: searches of other scenarios (this one has no other)"
        if not rows:
            self.refuse(f"there is no other search: {self.key('search.again')} makes one with other settings")
            return
        unit = await self.app.push_screen_wait(SearchPicker(title, rows, one=one))
        if unit is not None:
            self.desk.take_second(*await self._read(unit, None))
            await self._lay_out()

    @work(group="ask", exit_on_error=False)
    async def action_again(self) -> None:
        """Ask for other settings and search the same scenario again, in a process of its own."""
        state = self.desk.state
        arguments = None if state is None else await self.app.push_screen_wait(SearchForm(state))
        if arguments is None:
            return
        try:
            run = await claimed_run(self.workbench, await self.workbench.launch(arguments))
        except OSError as error:
            self.workbench.problem(str(error))
            return
        unit = None if run is None else await self.workbench.read(partial(first_search, run=run))
        if unit is not None:
            await self._open(unit, grow=True)

    @on(Inspector.EvidenceWanted)
    @work(group="evidence", exclusive=True, exit_on_error=False)
    async def _evidence_wanted(self, event: Inspector.EvidenceWanted) -> None:
        from workbench.engine.revisit.evidence import reward_evidence

        await asyncio.sleep(_REST_SECONDS)
        for inspector in self.query(Inspector):
            if (search := inspector.search) is not None:
                read = partial(reward_evidence, unit=search.unit, rollout=event.rollout, trace=search.trace)
                inspector.tell(await self.workbench.read(read))

    @on(Inspector.Chosen)
    def _action_chosen(self, event: Inspector.Chosen) -> None:
        if self.desk.state is not None:
            self.go_to_node((*self.desk.state.cursor, event.attribute))


_OF_A_SEARCH = frozenset(
    binding.action.partition("(")[0] for binding in SearchScreen.BINDINGS if isinstance(binding, Binding)
)
"""Actions that need an open search."""
