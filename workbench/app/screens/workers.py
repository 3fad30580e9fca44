"""Workers: the vLLM servers of this machine, how they are, and the keys to start and end them."""

import asyncio
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content

from storage.errors import StorageError
from workbench.app.frame import Export, Headline, Pane, WorkbenchScreen
from workbench.app.look import bar
from workbench.app.screens.ask import Ask
from workbench.app.screens.workerform import WorkerForm
from workbench.app.state.links import Link
from workbench.app.state.logtail import LogTail
from workbench.app.state.workers import CARD_LINES, Verb, WorkersState, endpoint
from workbench.app.widgets.linelist import LineList
from workbench.app.widgets.loglines import LogLines
from workbench.doctor import serving_checks
from workbench.engine.errors import RunError
from workbench.text import counted, plain
from workbench.workers.logs import log_folder, tail

if TYPE_CHECKING:
    from storage.sqlite import Database
    from workbench.engine.steering.launch import Launched

_TICK_SECONDS = 0.5
"""How often the screen looks by itself: logs and dead supervisors change without a write to the database."""

_HISTORY_SECONDS = 120.0
"""So much of a worker's past is read when it is first seen."""


class _Found(NamedTuple):
    rows: list[dict[str, Any]]
    earlier: dict[str, list[dict[str, Any]]]
    supervised: bool


class WorkersScreen(WorkbenchScreen):
    """Screen 6. A card a worker, the chosen one's log below; without any, what is missing."""

    NAME = "workers"
    PANES = ("workers-list", "workers-log")
    WORDS: ClassVar = {
        "drain": "finish what is under way, then stop",
        "stop": "at once: what is under way is cut off",
        "restarting": "it ended by itself; tried again soon",
        "dead": "given up: the reason stands below it",
        "waiting": "requests in the server's queue",
        "cache": "share of its memory for texts in use",
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s", "start", "Start", id="workers.start"),
        Binding("d", "tell('drain')", "Drain", id="workers.drain"),
        Binding("x", "tell('stop')", "Stop", id="workers.stop"),
        Binding("X", "stop_all", "Stop all", id="workers.stop_all"),
        Binding("a", "again", "Start again", id="workers.again"),
        Binding("l", "log", "Log", id="workers.log"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.state = WorkersState()
        self._log = LogTail()
        self._wanted: str | None = None
        self._looking = False

    def compose_body(self) -> ComposeResult:
        """Yield the cards, and the log below them."""
        with Vertical():
            with Pane(id="workers-list"):
                yield LineList(tall=CARD_LINES, id="workers-cards")
                yield LineList(quiet=True, id="workers-advice")
            with Pane(id="workers-log"):
                yield LogLines(id="workers-tail")

    def on_mount(self) -> None:
        """Look again every now and then."""
        self.query_one("#workers-list").border_title = "Workers"
        self.query_one("#workers-log").border_title = "Log"
        self.query_one("#workers-cards").focus()
        self.read_every(_TICK_SECONDS)

    # What the frame asks

    def headline(self) -> Headline:
        """Say how many workers are ready."""
        ready = sum(row["state"] == "ready" for row in self.state.rows)
        return Headline(f"{ready} of {len(self.state.rows)} ready" if self.state.rows else "workers")

    def copy_text(self) -> str | None:
        """Copy the chosen worker's address."""
        return endpoint(self.state.chosen) if self.state.chosen is not None else None

    def exports(self) -> list[Export]:
        """Offer every worker's figures."""
        return [Export("workers", ".json", self.state.summary)] if self.state.rows else []

    async def open_link(self, link: Link) -> None:
        """Put the cursor on a worker."""
        self._wanted = link.id  # the reading that follows puts the cursor there
        self.request_refresh()

    def back(self) -> bool:
        """Make a large log small again."""
        if self.has_class("-log"):
            self.action_log()
            return True
        return False

    async def refresh_data(self) -> None:
        """Read every worker, and the end of the chosen one's log."""
        known = self.state.known
        found = await self.workbench.read(lambda db: _read(db, known))
        self.state.eat(found.rows, found.supervised, found.earlier)
        if self._wanted is not None:
            if not self.state.choose(self._wanted):
                self.workbench.problem(f"there is no worker {self._wanted!r}")
            self._wanted = None
        if not found.rows and not self._looking:
            self._looking = True
            self._look()
        row = self.state.chosen
        self._log.follow(Path(row["log"]) if row is not None else _supervisor_log(self.workbench.path))
        await asyncio.to_thread(self._log.read)
        self._show()

    # Keys

    @work(group="ask", exit_on_error=False)
    async def action_start(self) -> None:
        """Ask what to start, and launch it."""
        arguments = await self.app.push_screen_wait(WorkerForm())
        if arguments is not None:
            await self._launch(["start", *arguments])

    @work(group="command", exit_on_error=False)
    async def action_again(self) -> None:
        """Start the chosen worker again."""
        row = self.state.chosen
        if (why := self.state.refusal("start", self.key)) is not None or row is None:
            self.refuse(why or "")
        else:
            await self._launch(["start", str(row["name"])])

    def action_tell(self, verb: Verb) -> None:
        """Drain or stop the chosen worker."""
        row = self.state.chosen
        if (why := self.state.refusal(verb, self.key)) is not None or row is None:
            self.refuse(why or "")
        else:
            self._tell(verb, str(row["name"]))

    @work(group="ask", exit_on_error=False)
    async def action_stop_all(self) -> None:
        """Ask, then stop every worker that belongs to no run."""
        count = len(self.state.at_work)
        what = counted(count, "worker") if count else "what is left of the workers"
        left = [row for row in self.state.rows if row["kind"] == "detached"]
        if not left:
            self.refuse("there is no worker to stop")
        elif await self.app.push_screen_wait(
            Ask(f"Stop {what}? What is being answered is cut off.", yes="Stop", no="Go on")
        ):
            self._tell("stop")

    def action_log(self) -> None:
        """Give the log all the room, or take it back."""
        large = not self.has_class("-log")
        self.set_class(large, "-log")
        self.show_pane("workers-log" if large else "workers-list")

    @on(LineList.Moved, "#workers-cards")
    def _moved(self, event: LineList.Moved) -> None:
        self.state.choose(self.state.rows[event.index]["name"])
        self._show()
        self.request_refresh()

    @on(LineList.Opened, "#workers-cards")
    def _opened(self) -> None:
        self.action_log()

    @on(LineList.Resized)
    def _resized(self) -> None:
        self._show()

    # Inside

    @work(group="look", exit_on_error=False)
    async def _look(self) -> None:
        """Find out what local models need here and what of it is missing; that does not change while the app runs."""
        self.state.checks = await asyncio.to_thread(serving_checks)
        self._show()

    def _show(self) -> None:
        cards, advice = self.query_one("#workers-cards", LineList), self.query_one("#workers-advice", LineList)
        advice.pointing = False
        cards.display, advice.display = bool(self.state.rows), not self.state.rows
        self.set_class(not self.state.rows, "-empty")
        if self.state.rows:
            cards.show(
                self.state.cards(max(20, cards.content_size.width - 2), time.time(), bar), cursor=self.state.cursor
            )
        else:
            advice.show(self.state.advice(max(20, self.size.width - 6), self.key))
        self.query_one("#workers-list").border_title = f"Workers · {self.state.heading()}"
        row, log = self.state.chosen, self.query_one("#workers-log")
        log.border_title = f"Log of {plain(row['name'])}" if row is not None else "Log of the supervisor"
        self.query_one("#workers-tail", LogLines).show(
            [self.workbench.sensitive(text) for text in self._log.lines],
            "its server has written nothing yet" if row is not None else "no worker was started here yet",
        )

    async def _launch(self, arguments: list[str]) -> None:
        """Have `workbench workers …` do something in a process of its own, and show what it says."""
        try:
            launched = await self.workbench.launch(["workers", *arguments])
        except (OSError, RunError) as error:
            self.workbench.problem(str(error))
        else:
            self._watch(launched)

    @work(group="watch", exit_on_error=False)
    async def _watch(self, launched: "Launched") -> None:
        """Show the latest line of a launched process while it works, and why it failed if it does."""
        from workbench.engine.steering.launch import failure

        said = self.query_one("#workers-list")
        while launched.code is None:
            latest = await asyncio.to_thread(tail, launched.log, 1)
            said.border_subtitle = Content(plain(latest[0]) if latest else "starting …")
            await asyncio.sleep(_TICK_SECONDS)
        said.border_subtitle = ""
        why = await asyncio.to_thread(failure, launched)
        if why is not None:
            self.workbench.problem(why)
        self.request_refresh()

    @work(group="command", exit_on_error=False)
    async def _tell(self, verb: str, name: str | None = None) -> None:
        """Give a worker, or all, a command; without a supervisor a process ends what the dead one left."""
        if not self.state.supervised:
            await self._launch([verb, *([name] if name else [])])
            return
        try:
            refused = await asyncio.to_thread(_give, self.workbench.path, name, verb)
        except StorageError as error:
            refused = str(error)
        if refused is not None:
            self.workbench.problem(refused)
        self.request_refresh()


def _read(db: "Database", known: frozenset[str]) -> _Found:
    from storage.workers import list_workers, live_supervisor, recent_metrics
    from workbench.workers.supervisor import supervisor_alive

    rows = list_workers(db, supervisor_alive)
    earlier = {row["id"]: recent_metrics(db, row["id"], _HISTORY_SECONDS) for row in rows if row["id"] not in known}
    return _Found(rows, earlier, live_supervisor(db, supervisor_alive) is not None)


def _give(path: Path, name: str | None, verb: str) -> str | None:
    from storage.database import open_writable
    from workbench.workers.detached import command_workers
    from workbench.workers.supervisor import ALL

    db = open_writable(path)
    try:
        return command_workers(db, path, f"worker:{name}" if name else ALL, verb)
    finally:
        db.conn.close()


def _supervisor_log(path: Path) -> Path:
    return log_folder(path.absolute()) / "supervisor.log"
