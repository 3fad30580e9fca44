"""Scenarios: find, look at and choose them, and start from here what is done with them."""

import json
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.timer import Timer
from textual.widgets import Input, Static

from storage.scenariopages import Key, ScenarioFilter, ids_of, page
from storage.scenarios import scenarios_by_id
from workbench.app.frame import Export, Headline, Pane, Subject
from workbench.app.look import clickable
from workbench.app.screens.filters import FilterDialog
from workbench.app.screens.scenarioreading import read_detail, read_list
from workbench.app.screens.starting import Starting
from workbench.app.state.links import Link
from workbench.app.state.scenarios.scenario import ScenarioDetail, detail_lines
from workbench.app.state.scenarios.scenarios import EVERYTHING, ScenarioLines, filter_words
from workbench.app.widgets.scenarios.profileview import ProfileView
from workbench.app.widgets.scenarios.scenariolist import ScenarioTable
from workbench.text import harmless, plain

if TYPE_CHECKING:
    from storage.sqlite import Database

_WIDE = 118
"""Columns from which on all filters have room beside the search."""

_TYPING_SECONDS = 0.08
"""A search begins when so long no key was pressed."""

_IMPORT = """\
PENGUIN's own files are imported from a shell, and appear here by themselves:

    workbench scenarios import profiles.json queries.json
    workbench scenarios import dataset.csv"""

_OF_SCENARIOS = ("search", "filter", "plan", "dialogue", "run", "choose_all", "tree")
"""Actions that need scenarios."""


class ScenariosScreen(Starting):
    """Screen 1. The list with its search at the left, the scenario under the cursor at the right."""

    NAME = "scenarios"
    PANES = ("scenario-list", "scenario-preview")
    AUTO_FOCUS = "ScenarioTable"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "search", "Search", id="scenarios.search", key_display="/"),
        Binding("f", "filter", "Filter", id="scenarios.filter"),
        Binding("p", "plan", "Plan", id="scenarios.plan"),
        Binding("d", "dialogue", "Dialogue", id="scenarios.dialogue"),
        Binding("r", "run", "Run", id="scenarios.run"),
        Binding("a", "choose_all", "Select all shown, or none", id="scenarios.choose_all", show=False),
        Binding("s", "tree", "Newest search", id="scenarios.tree", show=False),
        Binding("b", "bundled", "Add the 70 bundled scenarios", id="scenarios.bundled", show=False),
        Binding("n", "build", "Build synthetic scenarios", id="scenarios.build", show=False),
        Binding("escape", "leave_search", "Back to the list", id="scenarios.leave_search", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._detail: ScenarioDetail | None = None
        self._wanted: str | None = None
        self._typing: Timer | None = None
        self._chips: list[Content] = []

    def compose_body(self) -> ComposeResult:
        """Yield list and preview."""
        with Pane(id="scenario-list"):
            with Horizontal(id="scenario-filter"):
                yield Input(placeholder="/ search", id="scenario-search", compact=True)
                chips = Static(id="scenario-chips")
                chips.auto_links = False  # their colours say which of them are set
                yield chips
            yield ScenarioTable(id="scenario-table")
            leave, back = self.key("scenarios.leave_search"), self.key("app.back")
            nothing = Content(f"No scenario fits. {leave} leaves the search, then {back} ")
            show_all = clickable(Content.styled("shows all again", "underline"), "screen.show_all")
            yield Static(nothing + show_all + ".", id="scenario-nothing")
            yield Static(self._empty(), id="scenario-empty")
        with Pane(id="scenario-preview"):
            yield ProfileView()

    def _empty(self) -> Content:
        """Say how to begin; what the two keys do is done on a click, too."""

        def way(name: str, action: str, text: str) -> Content:
            return Content.styled(f" {self.key(name)}  ", "bold $accent") + clickable(
                Content.styled(text, "underline"), action
            )

        return Content("\n").join(
            (
                Content("No scenarios yet.\n"),
                way("scenarios.bundled", "screen.bundled", "add the 70 that come with the workbench"),
                Content.styled("    invented people, ten in each of seven domains", "$muted"),
                way("scenarios.build", "screen.build", "build synthetic ones, up to 14,000"),
                Content(
                    f"\nThen {self.key('scenarios.plan')} plans what is worth asking about the one under the cursor, "
                    f"and shows the search.\n\n{_IMPORT}"
                ),
            )
        )

    # What the screen says about itself

    def headline(self) -> Headline:
        """Say how many there are, and whose results stand beside them."""
        return Headline(f"{self.state.overview.total:,} scenarios", None, "surrogate" if self._surrogate else None)

    def subject(self) -> Subject | None:
        """Return the scenario under the cursor."""
        row = self.state.current
        return None if row is None else Subject("scenario", row.id, f"scenario {row.id[:8]}")

    def copy_text(self) -> str | None:
        """Return id and query of the scenario under the cursor."""
        shown = self._detail.scenario if self._detail else None
        return None if shown is None else f"{shown.id} {harmless(shown.query)}"

    def exports(self) -> list[Export]:
        """Offer the chosen scenarios, or those shown, as JSON lines that `scenarios import` reads."""
        if not self.state.keys:
            return []
        keys = sorted(self.state.chosen) or list(self.state.keys)
        name = f"{len(keys)}-scenarios-{'selected' if self.state.chosen else 'shown'}"
        return [Export(name, ".jsonl", partial(self._json_lines, keys))]

    async def open_link(self, link: Link) -> None:
        """Put the cursor on a scenario, whatever the filters let pass."""
        self._wanted = link.id

    def back(self) -> bool:
        """Leave the search, else show everything again."""
        if self._search.has_focus:
            self._table.focus()
            return True
        if self.state.filter == EVERYTHING:
            return False
        self._set_filter(EVERYTHING)
        return True

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer nothing that needs scenarios where there are none."""
        return not (self.state.empty and action in _OF_SCENARIOS) and super().check_action(action, parameters)

    # Reading

    async def refresh_data(self) -> None:
        """Read what fits the filter, and the rows around the cursor."""
        state, table = self.state, self._table
        wanted, self._wanted = self._wanted, None
        filtered = state.filter
        found = await self.workbench.read(partial(read_list, filtered, state.place, table.window, wanted))
        if filtered != state.filter and wanted is None:
            self._stale = True  # another letter was typed meanwhile: what was found is out of date
            return
        if found.missing is not None:
            self.workbench.problem(found.missing)
        if found.cleared:
            self._set_filter(EVERYTHING)
        # The cursor may have moved while it was read.
        state.update(found.keys, state.place(found.keys, found.key), found.rows, found.overview)
        self._show_list()
        self._read_window()
        self._read_detail()

    @work(exclusive=True, group="window", exit_on_error=False)
    async def _read_window(self) -> None:
        """Read the rows in the window that have not been read."""
        keys = self.state.missing(self._table.window)
        if keys:
            self.state.add(await self.workbench.read(lambda db: page(db, keys)))
            self._table.refresh()
            if self._detail is None:
                self._read_detail()

    @work(exclusive=True, group="detail", exit_on_error=False)
    async def _read_detail(self) -> None:
        """Read the scenario under the cursor; where the cursor moves on meanwhile, what was read is dropped."""
        state = self.state
        if not state.keys:
            self._show_detail(None)
            return
        key = state.keys[state.cursor]
        self._show_detail(await self.workbench.read(partial(read_detail, key)))

    # Showing

    def _show_list(self) -> None:
        state, table = self.state, self._table
        if self.has_class("-empty") != state.empty:
            self.set_class(state.empty, "-empty")
            self.refresh_bindings()
            if state.empty:
                self.set_focus(None)  # the list is hidden, and its keys with it
            else:
                self.call_after_refresh(table.focus)
        self.set_class(state.read and not state.empty and not state.keys, "-nothing")
        table.show_state(ScenarioLines(state, table.size.width, self.workbench.sensitive), state.cursor)
        table.refresh()
        self._show_titles()
        everything = filter_words(EVERYTHING)
        chips = [
            Content.styled(f"{name} ", "$muted")
            + Content.styled(f"{plain(value)} ▾", "$accent" if (name, value) not in everything else "$foreground")
            for name, value in filter_words(state.filter)
            # Where there is no room for all of them, those that let everything pass say nothing.
            if (name, value) not in everything or self.app.size.width >= _WIDE
        ] or [Content.styled(f"{self.key('scenarios.filter')} filters", "$muted")]
        if chips != self._chips:
            self._chips = chips
            line = clickable(Content("  ").join(chips), "screen.filter")
            self.query_one("#scenario-chips", Static).update(line)

    def _show_titles(self) -> None:
        pane, some = self.query_one("#scenario-list"), self.state.overview.total > 0
        pane.border_title = f"Scenarios · {self.state.title}" if some else "Scenarios"
        keys = [("select", "scenarios.choose"), ("all", "scenarios.choose_all"), ("open", "list.open")]
        pane.border_subtitle = self._hints("preview", *keys) if some else ""
        self.refresh_headline()

    def _show_detail(self, detail: ScenarioDetail | None) -> None:
        before, self._detail = self._detail, detail
        view = self.query_one(ProfileView)
        lines = detail_lines(detail, view.columns, self.workbench.sensitive, self.key) if detail else []
        view.show(lines, other=not (before and detail and before.scenario.id == detail.scenario.id))
        pane = self.query_one("#scenario-preview")
        pane.border_title = f"scenario {detail.scenario.id[:8]}" if detail else "scenario"
        keys = [("plan", "scenarios.plan"), ("dialogue", "scenarios.dialogue"), ("run", "scenarios.run")]
        pane.border_subtitle = self._hints("list", *keys) if detail else ""

    def _hints(self, beside: str, *keys: tuple[str, str]) -> Content:
        """Return what keys do, and where only one pane has room, the one that leads to the pane beside."""
        return self.hints(*keys, *([(beside, "frame.next_pane")] if self.has_class("-narrow") else []))

    @on(ProfileView.Resized)
    def _wrap_again(self) -> None:
        self._show_detail(self._detail)

    # Moving and choosing

    @on(ScenarioTable.WindowChanged)
    def _window_changed(self) -> None:
        self._show_list()
        self._read_window()

    @on(ScenarioTable.Moved)
    def _moved(self, event: ScenarioTable.Moved) -> None:
        self.state.cursor = event.index
        self._read_detail()

    @on(ScenarioTable.Opened)
    def _opened(self) -> None:
        detail = self._detail
        if detail is None:
            return
        unit, kind = detail.latest("dialogue"), "dialogue"
        if unit is None:
            unit, kind = detail.latest("search"), "search"
        plan, run = self.key("scenarios.plan"), self.key("scenarios.run")
        self._follow_unit(kind, unit, f"nothing was found about this scenario yet: {plan} plans, {run} starts a run")

    def action_choose(self) -> None:
        """Choose what is under the cursor, and move on."""
        self.state.toggle()
        self._table.action_move(1)
        self._table.refresh()
        self._show_titles()

    def action_choose_all(self) -> None:
        """Choose everything shown, or nothing."""
        self.state.toggle_all()
        self._table.refresh()
        self._show_titles()

    def action_dialogue(self) -> None:
        """Go to the newest dialogue of the scenario."""
        unit, run = self._detail.latest("dialogue") if self._detail else None, self.key("scenarios.run")
        self._follow_unit("dialogue", unit, f"no dialogue yet: {run} starts a run with the arms agent or planner")

    def action_tree(self) -> None:
        """Go to the newest search of the scenario."""
        unit = self._detail.latest("search") if self._detail else None
        self._follow_unit("search", unit, f"no search yet: {self.key('scenarios.plan')} plans")

    def _follow_unit(self, kind: str, unit: int | None, otherwise: str) -> None:
        if unit is None:
            self.refuse(otherwise)
        else:
            self.workbench.follow_link(Link("dialogue" if kind == "dialogue" else "search", str(unit)))

    # Searching and filtering

    def action_search(self) -> None:
        """Type what to look for."""
        self.show_pane("scenario-list")
        self._search.focus()

    def action_leave_search(self) -> None:
        """Return to the list."""
        self._table.focus()

    @on(Input.Submitted, "#scenario-search")
    def _searched(self) -> None:
        self._table.focus()

    @on(Input.Changed, "#scenario-search")
    def _typed(self) -> None:
        if self._typing:
            self._typing.stop()
        self._typing = self.set_timer(_TYPING_SECONDS, self._search_now)

    def _search_now(self) -> None:
        wanted = replace(self.state.filter, search=" ".join(self._search.value.split()))
        if wanted != self.state.filter:
            self.state.filter = wanted
            self.request_refresh()

    @work(group="filter")
    async def action_filter(self) -> None:
        """Set the filters."""
        chosen = await self.app.push_screen_wait(FilterDialog(self.state.filter, self.state.overview))
        if chosen is not None:
            self._set_filter(chosen)

    def action_show_all(self) -> None:
        """Let everything pass."""
        self._table.focus()
        self._set_filter(EVERYTHING)

    def _set_filter(self, wanted: ScenarioFilter) -> None:
        self.state.filter = wanted
        with self._search.prevent(Input.Changed):
            self._search.value = wanted.search
        self.request_refresh()

    async def _json_lines(self, keys: list[Key]) -> str:
        def read(db: "Database") -> str:
            ids = [scenario for scenario, _ in ids_of(db, keys)]
            found = scenarios_by_id(db, ids)
            return "".join(json.dumps(found[i].to_dict(), ensure_ascii=False) + "\n" for i in ids if i in found)

        return await self.workbench.read(read)

    @property
    def _surrogate(self) -> bool:
        return self.state.overview.surrogate

    @property
    def _table(self) -> ScenarioTable:
        return self.query_one(ScenarioTable)

    @property
    def _search(self) -> Input:
        return self.query_one("#scenario-search", Input)
