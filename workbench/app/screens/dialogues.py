"""Screen 3: dialogues replayed step by step, beside each other, and taken over."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.css.query import NoMatches

from storage.dialogues import Place, beside, dialogue_runs, latest_run, overview, places, replay
from storage.errors import NotFoundError
from storage.notes import annotations
from storage.readers import find_run
from workbench.app.frame import Export, Headline, Pane, Subject
from workbench.app.screens.branching import Branching
from workbench.app.screens.pickrun import PickRun
from workbench.app.screens.playing import Playing
from workbench.app.screens.takeover import ChooseColumns
from workbench.app.state.dialogues.dialoguelist import PAGE
from workbench.app.state.dialogues.dialogues import Replay, column, first_columns, same_choice
from workbench.app.state.dialogues.transcript import blocks, known_lines, neighbour_lines, turn_text
from workbench.app.state.links import Link
from workbench.app.widgets.dialogues.dialoguepane import DialoguePane, Transcript
from workbench.app.widgets.dialogues.dialoguepicker import DialoguePicker
from workbench.app.widgets.linelist import LineList
from workbench.cli.dialogueview import dialogue_lines

Row = dict[str, Any]

_COLUMNS = ("column-1", "column-2", "column-3")


class DialoguesScreen(Playing, Branching):
    """Pick a scenario's dialogues, replay them side by side, take one over."""

    NAME = "dialogues"
    PANES = ("picker", *_COLUMNS, "neighbours")

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right", "go(1)", "Next", id="dialogues.next"),
        Binding("left", "go(-1)", "Previous step", id="dialogues.previous", show=False),
        Binding("home", "first", "First step", id="dialogues.first", show=False),
        Binding("end", "last", "Last step", id="dialogues.last", show=False),
        Binding("n", "difference(1)", "Difference", id="dialogues.next_difference"),
        Binding("N", "difference(-1)", "Previous difference", id="dialogues.previous_difference", show=False),
        Binding("a", "play", "Play", id="dialogues.play"),
        Binding("plus", "speed(-1)", "Play faster", id="dialogues.faster", show=False, key_display="+"),
        Binding("minus", "speed(1)", "Play slower", id="dialogues.slower", show=False, key_display="-"),
        Binding("c", "columns", "Columns", id="dialogues.columns"),
        Binding("t", "take_over", "Take over", id="dialogues.take_over"),
        Binding("b", "branch", "Branch", id="dialogues.branch"),
        Binding("r", "pick_run", "Other run", id="dialogues.run"),
        Binding("o", "neighbours", "Planned paths of similar queries", id="dialogues.neighbours", show=False),
        Binding("s", "probe", "Answer and score if it stopped now", id="dialogues.probe", show=False),
        Binding("i", "reply", "Reply as the user", id="dialogues.reply", show=False),
        Binding("j", "scenario(1)", "Next scenario", id="dialogues.next_scenario", show=False),
        Binding("k", "scenario(-1)", "Previous scenario", id="dialogues.previous_scenario", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.replay = Replay()
        self._units: list[int] = []
        self._rows: list[Row] = []
        self._run: str | None = None
        self._wanted_run: str | None = None
        self._world: str | None = None
        self._places: list[Place] = []
        self._neighbours = False
        self._drawn: object = None
        self._arranging = asyncio.Lock()

    # What the frame asks

    def compose_body(self) -> ComposeResult:
        """Yield the picker; columns take its place."""
        with Vertical(id="dialogues"), Horizontal(id="columns"):
            yield DialoguePicker(self.hide)

    def headline(self) -> Headline:
        """Return scenario and step, or the run to pick from."""
        if not self.replay.columns:
            return Headline("pick a dialogue" if self._places else "", world=self._world)
        row = self.replay.columns[self.active].row
        return Headline(f"{self.replay.name_of_step()}{self.pace} · {row['scenario_id'][:8]}", row["run"], row["world"])

    def subject(self) -> Subject | None:
        """Return the dialogue in the column that has the focus."""
        if not self.replay.columns:
            return None
        each = self.replay.columns[self.active]
        label = f"dialogue {each.unit} ({each.row['arm']}, {each.row['scenario_id'][:8]})"
        return Subject("dialogue", str(each.unit), label)

    def copy_text(self) -> str | None:
        """Return what was said at the step."""
        return turn_text(self.replay, self.active) if self.replay.columns else None

    def exports(self) -> list[Export]:
        """Return each dialogue on the screen as text and as JSON."""
        found = []
        for each in self.replay.columns:
            name = f"dialogue-{each.unit}"
            found.append(Export(name, ".txt", partial(_as_text, each.row)))
            found.append(Export(name, ".json", partial(json.dumps, each.row, ensure_ascii=False, indent=2)))
        return found

    async def open_link(self, link: Link) -> None:
        """Show a dialogue beside what it is best compared with, at the step that the link names."""
        await self._open(int(link.id), link.number("step"))

    def back(self) -> bool:
        """Close the dialogues and show the list."""
        if not self._units:
            return False
        self.stop_playing()
        self.call_later(self._close)
        return True

    async def refresh_data(self) -> None:
        """Read the dialogues that are shown, or the list of them."""
        units = list(self._units)
        if not units:
            await self._read_places()
            return
        self.family, rows = await self.workbench.read(partial(_read, units, units[0]))
        added = await self.followed(units)
        branch = self.following  # one that has ended by now is not followed any more once it is shown
        if added != units:
            rows = await self.workbench.read(partial(_dialogues, added))
        if self._units == units:
            self._units = added
            await self._take(rows)
            if added != units and branch in added:
                self.show_pane(_COLUMNS[added.index(branch)])

    # What is shown

    @property
    def active(self) -> int:
        """Number of the column that has, or last had, the focus."""
        pane = self.PANES[self._pane]
        return min(_COLUMNS.index(pane), len(self.replay.columns) - 1) if pane in _COLUMNS else 0

    @property
    def panes(self) -> list[DialoguePane]:
        """The columns' panes, from left to right."""
        return list(self.query(DialoguePane))

    def hide(self, text: str) -> str:
        """Make a text of data or models safe to show, and cover it while texts are blurred."""
        return self.workbench.sensitive(text, lines=True)

    async def _open(self, unit: int, said: int | None = None, like: Sequence[Row] = ()) -> None:
        family = await self.workbench.read(lambda db: beside(db, unit))
        if not any(row["unit"] == unit for row in family):
            raise NotFoundError(f"unit {unit} holds no dialogue: `workbench show dialogues` lists those of a run")
        units = (same_choice(family, like) if like else None) or first_columns(family, unit)
        rows = await self.workbench.read(partial(_dialogues, units))
        self.family, self._units, self._rows = family, units, []
        self.replay = Replay()
        await self._take(rows)
        if said is not None:
            self.replay.go_to_turn(unit, said)
        else:
            self.replay.go_to(1 if self.replay.rows else 0)
        number = units.index(unit) if unit in units else 0
        self.show_pane(_COLUMNS[number])
        self._show_step()

    async def _take(self, rows: list[Row]) -> None:
        """Show dialogues that were read, if anything about them is new."""
        if rows != self._rows:
            self._rows = rows
            self.replay.show([column(row) for row in rows])
            self.follow_running()
            self._drawn = None
        await self._arrange()
        self._draw()
        self.show_reply()
        self.show_asked()

    async def _arrange(self) -> None:
        """Have exactly the panes that are needed."""
        async with self._arranging:
            wanted = list(_COLUMNS[: len(self._units)]) if self._units else ["picker"]
            columns = self.query_one("#columns")
            for pane in list(columns.children):
                if pane.id not in wanted:
                    await pane.remove()
            for name in wanted:
                if not columns.query(f"#{name}"):
                    picker = name == "picker"
                    await columns.mount(DialoguePicker(self.hide) if picker else DialoguePane(id=name))
            shown = bool(self._units) and self._neighbours
            found = self.query("#neighbours")
            if found and not shown:
                await found.remove()
            elif shown and not found:
                pane = Pane(LineList(tall=2, quiet=True), id="neighbours")
                pane.border_title = "Planned paths of similar queries"
                await self.query_one("#dialogues").mount(pane, after="#columns")
            if self.PANES[self._pane] not in (*wanted, "neighbours" if shown else ""):
                self._pane = self.PANES.index(wanted[0])
            self._mark_pane()

    def _draw(self) -> None:
        """Break what was said into lines for the room there is; columns beside each other stay in step."""
        panes = self.panes
        rooms = tuple(pane.transcript.room for pane in panes)
        drawn = (rooms, self.workbench.blurred, id(self.replay), tuple(map(id, self.replay.columns)))
        if drawn == self._drawn or len(panes) != len(self.replay.columns) or not any(rooms):
            return  # what has no room yet says so as soon as it has
        self._drawn = drawn
        aligned = not self.has_class("-narrow")
        made = [blocks(self.replay, n, max(20, room or max(rooms)), self.hide) for n, room in enumerate(rooms)]
        tallest = [max(len(block.lines) for block in row) for row in zip(*made, strict=True)]
        for pane, own in zip(panes, made, strict=True):
            pane.transcript.show(own, tallest if aligned else [len(block.lines) for block in own])
        titles = self.replay.titles(row["model"] for row in self.family)
        for pane, name, each in zip(panes, titles, self.replay.columns, strict=True):
            alone = aligned or len(panes) == 1
            place = f"{panes.index(pane) + 1} of {len(panes)}, {self.key('frame.next_pane')}: next"
            pane.border_title = name if alone else f"{name} · {place}"
            pane.border_subtitle = self.workbench.sensitive(each.branch.change)[:60] if each.branch else ""
        self._show_step()

    def _show_step(self) -> None:
        """Mark the step, and show what is known at it."""
        for number, pane in enumerate(self.panes[: len(self.replay.columns)]):
            pane.transcript.go_to(self.replay.step)
            pane.bar.show(known_lines(self.replay, number, max(20, pane.transcript.room), self.key))
        self._show_neighbours()
        self.refresh_headline()

    def _show_neighbours(self) -> None:
        try:
            lines = self.query_one("#neighbours LineList", LineList)
        except NoMatches:
            return
        number = self.replay.with_neighbours(self.active)
        width = max(20, (lines.size.width or self.app.size.width) - 3)
        lines.show(neighbour_lines(self.replay, number, width, self.hide))

    async def _close(self) -> None:
        scenario = self._rows[0]["scenario_id"] if self._rows else ""
        self._units, self._rows, self.replay = [], [], Replay()
        await self._arrange()
        self.show_reply()
        await self._read_places()
        self.query_one(DialoguePicker).go_to(scenario)
        self.show_pane("picker")
        self.refresh_headline()

    # The list

    async def _read_places(self) -> None:
        run, world, found = await self.workbench.read(partial(_places, self._wanted_run))
        if self._units:
            return
        if bool(found) != bool(self._places):
            self.call_after_refresh(self.refresh_bindings)  # there is another run to take, or none
        self._run, self._world, self._places = run, world, found
        picker = self.query_one(DialoguePicker)
        picker.show(run, found)
        if self.focused is None and found:
            self.show_pane("picker")
        self.refresh_headline()

    @on(DialoguePicker.Wanted)
    async def _describe(self, event: DialoguePicker.Wanted) -> None:
        run, chosen = self._run, [place.scenario for place in self._places[event.first : event.first + PAGE]]
        if run is not None:
            rows = await self.workbench.read(lambda db: overview(db, run, chosen))
            for picker in self.query(DialoguePicker):
                picker.fill(event.first, rows)

    @on(DialoguePicker.Picked)
    def _picked(self, event: DialoguePicker.Picked) -> None:
        self.workbench.follow_link(Link("dialogue", str(event.place.unit)))

    @work(group="columns", exit_on_error=False)
    async def action_pick_run(self) -> None:
        """List the dialogues of another run."""
        runs = await self.workbench.read(dialogue_runs)
        if not runs:
            self.notify("there is no run with dialogues yet", timeout=3)
            return
        chosen = await self.app.push_screen_wait(PickRun("Dialogues of which run?", runs))
        if chosen is not None:
            self._wanted_run = chosen
            self.request_refresh()

    # Keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer the keys of a dialogue only where one is open, and that of the list where it is shown."""
        if action == "pick_run":
            return not self._units and bool(self._places)
        own = {binding.action.partition("(")[0] for binding in self.BINDINGS if isinstance(binding, Binding)}
        return bool(self._units) if action in own else super().check_action(action, parameters)

    def action_go(self, by: int) -> None:
        """Go some steps on or back."""
        self.go_to(self.replay.step + by)

    def action_first(self) -> None:
        """Go to the query."""
        self.go_to(0)

    def action_last(self) -> None:
        """Go to the answers."""
        self.go_to(self.replay.last)

    def action_difference(self, direction: int) -> None:
        """Go to the next place where the dialogues differ, or the last one before."""
        if self.replay.next_difference(direction):
            self.unfollow()
            self._show_step()
        elif len(self.replay.columns) < 2:
            beside = self.key("dialogues.columns")
            self.notify(f"one dialogue alone differs from nothing: {beside} sets others beside it", timeout=3)
        else:
            self.notify(f"no difference {'after' if direction > 0 else 'before'} this step", timeout=3)

    def go_to(self, step: int) -> None:
        """Go to a step and stay there."""
        self.unfollow()
        if self.replay.go_to(step):
            self._show_step()

    async def action_neighbours(self) -> None:
        """Show or hide the planned paths that the agent was shown; where one pane has room they come to the front."""
        self._neighbours = not self._neighbours
        await self._arrange()
        if self._neighbours and self.has_class("-narrow"):
            self.show_pane("neighbours")
        self.call_after_refresh(self._show_neighbours)

    @work(group="columns", exit_on_error=False)
    async def action_columns(self) -> None:
        """Choose what stands side by side."""
        units = await self.app.push_screen_wait(ChooseColumns(self.family, self._units, self.workbench.sensitive))
        if units:
            await self.set_columns(units)

    async def set_columns(self, units: Sequence[int]) -> None:
        """Show these dialogues side by side; the step stays at its turn."""
        self._units = list(units)
        await self._take(await self.workbench.read(partial(_dialogues, units)))

    @work(group="columns", exit_on_error=False)
    async def action_scenario(self, by: int) -> None:
        """Open the same arms and models of the next scenario of the run, or the one before."""
        root = next((row for row in self.family if row["parent"] is None), None)
        if root is None:
            return
        found = await self.workbench.read(lambda db: places(db, root["run"]))
        units = {row["unit"] for row in self.family}
        here = next(i for i, place in enumerate(found) if place.unit in units)
        if 0 <= here + by < len(found):
            await self._open(found[here + by].unit, like=[row for row in self.family if row["unit"] in self._units])
        else:
            self.notify(f"the {'last' if by > 0 else 'first'} scenario of the run with dialogues", timeout=3)

    # Mouse and size

    @on(Transcript.Chosen)
    def _chosen(self, event: Transcript.Chosen) -> None:
        self.go_to(event.step)

    @on(Transcript.Reshaped)
    def _reshaped(self) -> None:
        self._draw()
        self._show_neighbours()

    @on(Transcript.Scrolled)
    def _scrolled(self, event: Transcript.Scrolled) -> None:
        if not self.has_class("-narrow"):
            for pane in self.panes:
                if pane.transcript is not event.transcript and pane.transcript.scroll_y != event.y:
                    pane.transcript.scroll_to(y=event.y, animate=False, immediate=True)

    @on(LineList.Opened, "#neighbours LineList")
    def _neighbour(self, event: LineList.Opened) -> None:
        neighbours = self.replay.columns[self.replay.with_neighbours(self.active)].row["neighbours"]
        if event.index < len(neighbours):
            scenario = str(neighbours[event.index]["entry"]).partition(":")[0]
            self.workbench.follow_link(Link("scenario", scenario))


def _read(units: Sequence[int], unit: int, db: Any) -> tuple[list[Row], list[Row]]:
    return list(beside(db, unit)), _dialogues(units, db)


def _dialogues(units: Sequence[int], db: Any) -> list[Row]:
    return [replay(db, unit) | {"annotations": annotations(db, f"dialogue/{unit}")._asdict()} for unit in units]


def _places(wanted: str | None, db: Any) -> tuple[str | None, str | None, list[Place]]:
    run = wanted or latest_run(db)
    return (None, None, []) if run is None else (run, find_run(db, run)["world"], places(db, run))


def _as_text(row: Mapping[str, Any]) -> str:
    return "\n".join(dialogue_lines(row)) + "\n"
