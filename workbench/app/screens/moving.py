"""How the Search screen moves through rollouts: by keys, by itself, and in the process that searches."""

import asyncio
import time

from textual import on, work

from storage.errors import StorageError
from workbench.app.frame import WorkbenchScreen
from workbench.app.screens.searchdialogs import BreakpointsDialog, GoTo
from workbench.app.state.search.searchdesk import SearchDesk
from workbench.app.widgets.search.curve import Curve
from workbench.app.widgets.search.searchpanes import SearchPanes
from workbench.app.widgets.search.transport import Transport
from workbench.engine.steering.command import tell_run

_TICK_SECONDS = 1 / 20


class Moving(WorkbenchScreen):
    """The part of the Search screen that plays, steps and scrubs.

    Fields:
        desk: what is open. panes: what shows it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.desk = SearchDesk()
        self.panes = SearchPanes(self.desk)
        self._ticked = 0.0

    def on_mount(self) -> None:
        """Have a clock for replays, which stands still until there is one."""
        self._timer = self.set_interval(_TICK_SECONDS, self._tick, pause=True)

    def _tick(self) -> None:
        now = time.monotonic()
        passed, self._ticked = now - self._ticked, now
        state, playback = self.desk.state, self.desk.playback
        if not playback.playing:
            self._timer.pause()
        elif state is not None and playback.advance(state, passed):
            self.panes.show()

    def run_timer(self) -> None:
        """Let the clock of replays go."""
        self._ticked = time.monotonic()
        self._timer.resume()

    def _move(self, t: int) -> None:
        if self.desk.state is not None:
            self.desk.playback.pause()
            self.desk.playback.stopped = ""
            self.desk.state.move_to(t)
            self.panes.show()

    def _at_work(self) -> bool:
        """Tell whether what is seen is the end of a search under way, so that keys are meant for its process."""
        state = self.desk.state
        return state is not None and state.running and state.at_end and not self.desk.playback.playing

    def action_play(self) -> None:
        """Run or pause: the search itself at its end, else a replay."""
        state, playback = self.desk.state, self.desk.playback
        if state is None:
            return
        if self._at_work():
            self._command("resume" if state.paused else "pause")
            return
        if playback.playing:
            playback.pause()
        else:
            playback.play(state)
            self.run_timer()
        self.panes.show()

    def action_step(self) -> None:
        """Take one rollout: of the search itself at its end, else of the replay."""
        if self._at_work():
            self._command("step")
        else:
            self.action_by(1)

    def action_by(self, step: int) -> None:
        """Move by rollouts."""
        if self.desk.state is not None:
            self._move(self.desk.state.t + step)

    def action_to_start(self) -> None:
        """Move to where nothing was known."""
        self._move(0)

    def action_to_end(self) -> None:
        """Move to the end, and follow the search from there."""
        if self.desk.state is not None:
            self.desk.state.follow(on=True)
            self._move(self.desk.state.t)

    @work(group="ask", exit_on_error=False)
    async def action_go_to(self) -> None:
        """Ask for a rollout and go there."""
        state = self.desk.state
        if state is not None:
            t = await self.app.push_screen_wait(GoTo(state.t, state.trace.rollouts))
            if t is not None:
                self._move(t)

    def action_follow(self) -> None:
        """Follow the search, or stay."""
        if self.desk.state is not None:
            self.desk.playback.pause()
            self.desk.state.follow(on=not self.desk.state.following)
            self.panes.show()

    def action_speed(self, step: int) -> None:
        """Make the replay faster or slower, or the search itself at its end."""
        playback = self.desk.playback
        playback.change_speed(step)
        if self._at_work():
            self._command("rate", f"{playback.speed:g}")
        self.notify(f"{playback.speed:g} rollouts per second", timeout=2)
        self.panes.show()

    @work(group="ask", exit_on_error=False)
    async def action_breakpoints(self) -> None:
        """Choose where a replay, or the search itself, stops."""
        state, playback = self.desk.state, self.desk.playback
        if state is None:
            return
        chosen = await self.app.push_screen_wait(BreakpointsDialog(state, playback.breakpoints))
        if chosen is None:
            return
        if state.running:
            self._command("break", str(chosen))  # its row says then what it holds
        else:
            playback.breakpoints = chosen
            self.panes.show()

    @on(Transport.Moved)
    @on(Curve.Moved)
    def _dragged(self, event: Transport.Moved | Curve.Moved) -> None:
        self._move(event.t)

    @on(Transport.Toggled)
    def _toggled(self) -> None:
        self.action_play()

    @work(group="command", exit_on_error=False)
    async def _command(self, verb: str, argument: str = "") -> None:
        """Tell the process that searches what to do, and say so if it does not."""
        state = self.desk.state
        if state is None:
            return
        try:
            refused = await asyncio.to_thread(tell_run, self.workbench.path, state.run, verb, argument)
        except StorageError as error:
            refused = str(error)
        if refused is not None:
            self.workbench.problem(refused)
        self.request_refresh()
