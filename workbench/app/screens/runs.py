"""Runs: what works, what is done, why something failed, and the keys to hold, end and take up."""

import asyncio
import shlex
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container

from storage.branches import branch_of
from storage.construction import build_story
from storage.errors import StorageError
from storage.runfigures import FigureReader, RunFigures, failures, run_story
from storage.studies import study_parts
from workbench.app.frame import Export, Headline, Pane, Subject, WorkbenchScreen
from workbench.app.look import bar
from workbench.app.screens.ask import Ask
from workbench.app.state.links import Link
from workbench.app.state.logtail import LogTail
from workbench.app.state.runs.rundetail import DetailRow, Told
from workbench.app.state.runs.runs import RunsState, Verb
from workbench.app.state.spans import line, muted
from workbench.app.widgets.linelist import LineList
from workbench.app.widgets.loglines import LogLines
from workbench.engine.errors import RunError, UsageError
from workbench.engine.steering.command import tell_run
from workbench.engine.steering.owner import is_alive, this_process
from workbench.text import plain

if TYPE_CHECKING:
    from storage.runs import Owner
    from storage.sqlite import Database
    from workbench.engine.steering.launch import Launched

_TICK_SECONDS = 0.5
"""How often the screen looks by itself: rates, logs and dead processes change without a write to the database."""

_STORY_SECONDS = 5.0
"""How often the story of a run is read anew."""

_EMPTY = (
    "No run yet.",
    "",
    "{new} goes to the scenarios: choose some there and press {run} for a run of them.",
    "Or in a shell: workbench run --limit 10",
    "",
    "A run that is started in a shell on this database appears here, too.",
)


class RunsScreen(WorkbenchScreen):
    """Screen 5. The list above; below it all about the chosen run, and its log."""

    NAME = "runs"
    PANES = ("runs-list", "runs-detail", "runs-log")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("p", "pause", "Pause", id="runs.pause"),
        Binding("x", "cancel", "Cancel", id="runs.cancel"),
        Binding("r", "again('again')", "Resume", id="runs.again"),
        Binding("R", "again('retry')", "Retry failed", id="runs.retry"),
        Binding("l", "log", "Log", id="runs.log"),
        Binding("n", "new", "New run", id="runs.new"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.state = RunsState()
        self._reader = FigureReader(_works)
        self._log = LogTail()
        self._rows: list[DetailRow] = []
        self._seen: tuple[object, ...] = ()
        self._high = 0
        self._wanted: str | None = None

    def compose_body(self) -> ComposeResult:
        """Yield the list, and below it details and log."""
        with Container(id="runs-grid"):
            with Pane(id="runs-list"):
                yield LineList(id="runs-lines")
            with Pane(id="runs-detail"):
                yield LineList(quiet=True, id="runs-about")
            with Pane(id="runs-log"):
                yield LogLines(id="runs-tail")

    def on_mount(self) -> None:
        """Name the panes, and look again every now and then."""
        for pane, title in (("runs-list", "Runs"), ("runs-detail", "Details"), ("runs-log", "Log")):
            self.query_one(f"#{pane}").border_title = title
        self.query_one("#runs-lines").focus()
        self.read_every(_TICK_SECONDS)

    # What the frame asks

    def headline(self) -> Headline:
        """Name the chosen run."""
        run = self.state.chosen
        return Headline("runs") if run is None else Headline("runs", run.run, run.world)

    def subject(self) -> Subject | None:
        """Put notes on the chosen run."""
        run = self.state.chosen
        return None if run is None else Subject("run", run.run, f"run {run.run}")

    def copy_text(self) -> str | None:
        """Copy the run's id, and the command that shows it."""
        run = self.state.chosen
        if run is None:
            return None
        return f"{run.run}\nworkbench show run {run.run} --db {shlex.quote(str(self.workbench.path))}"

    def exports(self) -> list[Export]:
        """Offer the run's summary."""
        run = self.state.chosen
        return [] if run is None else [Export(f"run-{run.run}", ".json", self.state.summary)]

    async def open_link(self, link: Link) -> None:
        """Put the cursor on a run; its log with the detail `log`."""
        self._wanted = link.id  # the reading that follows puts the cursor there
        self.request_refresh()
        if link.detail == "log":
            self.show_pane("runs-log")

    def back(self) -> bool:
        """Make a large log small again."""
        if self.has_class("-log"):
            self.action_log()
            return True
        return False

    async def refresh_data(self) -> None:
        """Read figures of all runs, and the story of the chosen one where it is new."""
        figures = await self.workbench.read(self._reader.read)
        self.state.eat(figures, time.monotonic())
        if self._wanted is not None:
            if not self.state.choose(self._wanted):
                self.workbench.problem(f"there is no run {self._wanted!r} in this database")
            self._wanted = None
        await self._read_chosen()
        self._show()

    # Keys

    async def action_pause(self) -> None:
        """Hold the chosen run, or let it go on."""
        run = self.state.chosen
        self._command("resume" if run is not None and run.status == "paused" else "pause")

    @work(group="ask")
    async def action_cancel(self) -> None:
        """Ask, then end the chosen run; what it has done stays."""
        run = self.state.chosen
        if (why := self.state.refusal("cancel", self.key)) is not None or run is None:
            self.refuse(why or "")
        elif await self.app.push_screen_wait(
            Ask(
                f"Cancel run {plain(run.run)}? What is finished stays; {self.key('runs.again')} takes it up again.",
                yes="Cancel it",
                no="Go on",
            )
        ):
            self._command("cancel")

    @work(group="launch", exit_on_error=False)
    async def action_again(self, verb: Verb) -> None:
        """Start the chosen run's experiment again: what was cut off, or what failed, too."""
        from workbench.engine.plans.again import command_again

        run = self.state.chosen
        if run is not None and run.status == "paused" and verb == "again":
            self._command("resume")
            return
        if (why := self.state.refusal(verb, self.key)) is not None or run is None:
            self.refuse(why or "")
            return
        try:
            story = await self.workbench.read(partial(run_story, run=run.run))
            arguments = await asyncio.to_thread(
                command_again, self.workbench.path, story, run.study, retry_failed=verb == "retry"
            )
            launched = await self.workbench.launch(arguments)
        except (StorageError, RunError, UsageError, OSError) as error:
            self.workbench.problem(str(error))
            return
        self.app.notify(f"run {plain(run.run)} is being taken up", markup=False, timeout=3)
        self._watch(launched)

    def action_log(self) -> None:
        """Give the log all the room, or take it back."""
        large = not self.has_class("-log")
        self.set_class(large, "-log")
        self.show_pane("runs-log" if large else "runs-list")

    def action_new(self) -> None:
        """Go to the scenarios."""
        self.run_worker(self.app.run_action("app.go('scenarios')"), group="go")

    @on(LineList.Moved, "#runs-lines")
    def _moved(self, event: LineList.Moved) -> None:
        self.state.choose(self.state.runs[event.index].run)
        self._show()
        self.refresh_headline()
        self.request_refresh()

    @on(LineList.Opened, "#runs-lines")
    def _opened(self) -> None:
        if (link := self.state.opens()) is not None:
            self.workbench.follow_link(link)
        elif self.state.chosen is not None:
            self.refuse("there is nothing to open yet")

    @on(LineList.Opened, "#runs-about")
    def _opened_detail(self, event: LineList.Opened) -> None:
        link = self._rows[event.index].link if event.index < len(self._rows) else None
        if link is not None:
            self.workbench.follow_link(link)

    @on(LineList.Resized)
    def _resized(self) -> None:
        self._show()

    # Inside

    async def _read_chosen(self) -> None:
        """Read what is told of the chosen run, if it may have changed; and the end of its log."""
        run = self.state.chosen
        if run is not None:
            # While it runs it may find its library, and its first units; a study begins others; judges may come later.
            lately = time.monotonic() // _STORY_SECONDS
            seen = (run.run, run.status, run.failed, run.study, lately)
            if seen != self._seen or self.state.told is None:
                told = await self.workbench.read(partial(_tell, run=run))
                if self.state.chosen is not None and self.state.chosen.run == run.run:
                    self._seen, self.state.told = seen, told
        self._log.follow(Path(run.log) if run is not None and run.log else None)
        await asyncio.to_thread(self._log.read)

    def _show(self) -> None:
        lines = self.query_one("#runs-lines", LineList)
        run = self.state.chosen
        lines.pointing = run is not None
        if run is None:
            keys = {"new": self.key("runs.new"), "run": self.key("scenarios.run")}
            lines.show([line(muted(text.format(**keys))) for text in _EMPTY])
        else:
            heading, table = self.state.table(max(20, lines.content_size.width - 2), time.time(), bar)
            lines.show(table, heading=heading, cursor=self.state.cursor)
        about = self.query_one("#runs-about", LineList)
        self._rows = self.state.details(about.content_size.width - 1, self.key, self.workbench.sensitive)
        about.show([row.spans for row in self._rows])
        self.query_one("#runs-list").border_title = f"Runs · {len(self.state.runs)}" if run else "Runs"
        self.query_one("#runs-detail").border_title = f"Run {plain(run.run)}" if run else "Details"
        # As high as it need be, and at most two fifths of the screen: border and heading, then a line a run.
        high = max(7, min(len(lines.lines) + 3, self.size.height * 2 // 5))
        if high != self._high:
            self._high = high
            self.query_one("#runs-grid").styles.grid_rows = f"{high} 1fr"
        self._show_log(run)

    def _show_log(self, run: RunFigures | None) -> None:
        lines = [self.workbench.sensitive(text) for text in self._log.lines]
        if run is None:
            hint = ""
        elif run.log is None:
            hint = "no log: it was started in a terminal" if run.kind != "import" else "no log"
        else:
            hint = "the log is empty" if Path(run.log).exists() else "the log is gone"
        self.query_one("#runs-tail", LogLines).show(lines, hint)

    @work(group="command", exit_on_error=False)
    async def _command(self, verb: Verb) -> None:
        """Give the chosen run a command, and say so if it was not obeyed."""
        run = self.state.chosen
        if (why := self.state.refusal(verb, self.key)) is not None or run is None:
            self.refuse(why or "")
            return
        try:
            refused = await asyncio.to_thread(tell_run, self.workbench.path, run.run, verb)
        except StorageError as error:
            self.workbench.problem(str(error))
            return
        if refused is not None:
            self.workbench.problem(refused)
        self.request_refresh()

    @work(group="watch", exit_on_error=False)
    async def _watch(self, launched: "Launched") -> None:
        """Say why a process that was launched here failed, if it does so while the app is open."""
        from workbench.engine.steering.launch import failure

        while launched.code is None:
            await asyncio.sleep(_TICK_SECONDS)
        why = await asyncio.to_thread(failure, launched)
        if why is not None and launched.code in (1, 2):
            self.workbench.problem(why)
        self.request_refresh()


def _tell(db: "Database", run: RunFigures) -> Told:
    story = run_story(db, run.run)
    return Told(
        story,
        failures(db, run.run) if run.failed and run.kind != "build" else (),
        build_story(db, run.run) if run.kind == "build" else None,
        branch_of(db, story.first["trial"]) if run.kind == "branch" and "trial" in story.first else None,
        study_parts(db, run.study.study) if run.study is not None else (),
    )


def _works(owner: "Owner", heartbeat: float) -> bool:
    return owner == this_process() or is_alive(owner, heartbeat)
