"""What the Dialogues screen does with branches: start them, follow them, reply in them; and ask halfway for a score."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from textual import on, work
from textual.timer import Timer

from storage.commands import answer, issue
from storage.errors import StorageError
from workbench.app.frame import WorkbenchScreen
from workbench.app.screens.ask import Ask
from workbench.app.screens.takeover import ChooseAttribute, Stopped, TakeOver
from workbench.app.state.dialogues.dialogues import MOST_COLUMNS, Replay
from workbench.app.state.dialogues.takeover import Change, Leave, leave, probe_arguments
from workbench.app.state.dialogues.transcript import stopped_lines
from workbench.app.widgets.dialogues.replybar import ReplyBar, ReplyInput
from workbench.engine.errors import RunError, UsageError
from workbench.text import counted, plain

if TYPE_CHECKING:
    from storage.sqlite import Database
    from workbench.engine.steering.launch import Launched

_LOOK_SECONDS = 0.2
"""How often a launched process is looked at until it has ended."""


@dataclass(frozen=True, slots=True)
class _Started:
    """A process under way, and the dialogue it was started from; its branch is none of the `known` units."""

    launched: "Launched"
    parent: int
    known: frozenset[int]


class Branching(WorkbenchScreen):
    """The part of the Dialogues screen that starts processes and writes commands.

    Fields:
        replay: what is shown.
        family: what could be set beside it, branches included (`storage.dialogues.beside`).
        following: unit of the branch whose latest turn is kept in view, if any.
    """

    replay: Replay
    family: list[dict[str, Any]]

    def __init__(self) -> None:
        super().__init__()
        self.family = []
        self._started: list[_Started] = []
        self._watching: Timer | None = None
        self.following: int | None = None
        self._told: list[int] = []
        self._asked: tuple[int, int] | None = None

    @property
    def active(self) -> int:
        """Number of the column that the keys are about."""
        raise NotImplementedError

    def hide(self, text: str) -> str:
        """Make a text of data or models safe to show, and cover it while texts are blurred."""
        raise NotImplementedError

    # Starting

    @work(group="takeover")
    async def action_take_over(self) -> None:
        """Ask what to change at this step, and run on from there as a branch."""
        place = leave(self.replay, self.active)
        question = self.workbench.sensitive(place.question or "")
        change = await self.app.push_screen_wait(TakeOver(place, question))
        if change is not None:
            await self._branch(place, change)

    @work(group="takeover")
    async def action_branch(self) -> None:
        """Run on from here as a branch, without any change."""
        await self._branch(leave(self.replay, self.active, after=True), Change("run on"))

    async def _branch(self, place: Leave, change: Change) -> None:
        if await self._start(place.unit, change.arguments(place)) and not change.interactive:
            self.notify(f"a branch leaves after question {place.at}" if place.at else "a branch leaves at the query")

    @work(group="takeover")
    async def action_probe(self) -> None:
        """Show, or ask, what response and verdicts would be if it stopped now."""
        from workbench.engine.revisit.probe import estimate_probe

        column, said = self.replay.columns[self.active], self.replay.said(self.active)
        self._asked = column.unit, said
        if self.show_asked():
            return
        if column.running:
            self.notify("this dialogue still goes on: ask when it has ended", severity="warning", timeout=4)
            return
        try:
            estimate = await self.workbench.read(lambda db: estimate_probe(db, column.unit, said))
        except (StorageError, UsageError) as error:
            self.workbench.problem(str(error))
            return
        question = (
            f"Answer from what is known after {counted(said, 'question')}, and have that judged? This takes "
            f"{counted(estimate.calls, 'call')} of {plain(column.row['model'])} and the judges "
            f"{', '.join(map(plain, estimate.judges))}; they are stored and counted."
        )
        # On the surrogate nothing is called, so there is nothing to agree to.
        if estimate.calls and not await self.app.push_screen_wait(Ask(question, yes="Ask")):
            self._asked = None
        elif await self._start(column.unit, probe_arguments(column, said)):
            self.notify("asked: it is shown when it is judged", timeout=4)

    def show_asked(self) -> bool:
        """Show what answering at a step came to, where it was asked for and is there."""
        if self.app.screen is not self:
            return False  # not above a dialog that is in use; the next change of the store comes here again
        for number, column in enumerate(self.replay.columns):
            if self._asked is not None and self._asked[0] == column.unit and self._asked[1] in column.probes:
                said, self._asked = self._asked[1], None
                title = f"If it stopped after {counted(said, 'question')}: {self.replay.titles()[number]}"
                width = min(84, int(self.app.size.width * 0.9) - 6)
                self.app.push_screen(Stopped(plain(title), stopped_lines(column, said, width, self.hide)))
                return True
        return False

    async def _start(self, unit: int, arguments: Sequence[str]) -> bool:
        try:
            launched = await self.workbench.launch(arguments)
        except (RunError, OSError) as error:
            self.workbench.problem(str(error))
            return False
        self._started.append(_Started(launched, unit, frozenset(row["unit"] for row in self.family)))
        if self._watching is None:
            self._watching = self.set_interval(_LOOK_SECONDS, self._look)
        return True

    def _look(self) -> None:
        """Say which process failed, and why."""
        from workbench.engine.steering.launch import failure

        for started in [started for started in self._started if started.launched.code is not None]:
            if why := failure(started.launched):
                self.workbench.problem(why)
                self._started.remove(started)
            self.request_refresh()
        if not self._started and self._watching:
            self._watching.stop()
            self._watching = None

    # Following

    async def followed(self, units: Sequence[int]) -> list[int]:
        """Return the columns with every branch that was started here and has come into being, beside its parent."""
        found = list(units)
        for started in list(self._started):
            unit = next(
                (r["unit"] for r in self.family if r["parent"] == started.parent and r["unit"] not in started.known),
                None,
            )
            if unit is not None:
                found = _with_branch(found, started.parent, unit)
                self.following = unit
            if unit is not None or started.launched.code is not None:
                self._started.remove(started)
        await self._hear()
        return found

    def follow_running(self) -> None:
        """Go to the latest turn of the branch that is followed."""
        for column in self.replay.columns:
            if column.unit == self.following:
                # What waits is the last turn; an answer comes after all of them.
                self.replay.go_to_turn(column.unit, len(column.turns) + (not column.running))
                if not column.running:
                    self.following = None

    def unfollow(self) -> None:
        """Stay where the user goes."""
        self.following = None

    # Replying

    @property
    def _mine(self) -> Any:
        return next((column for column in self.replay.columns if column.running and column.branch), None)

    def show_reply(self) -> None:
        """Show the line to reply in while a branch goes on, and the question that it waits with."""
        column = self._mine
        bars = self.query(ReplyBar)
        if column is None or not column.interactive:
            bars.remove()
            return
        if not bars:
            self.query_one("#dialogues").mount(ReplyBar(id="reply"), after="#columns")
        self.call_after_refresh(self._fill_reply)

    def _fill_reply(self) -> None:
        column = self._mine
        for bar in self.query(ReplyBar):
            if column is None:
                return
            waiting = column.waiting
            text = self.workbench.sensitive(column.turns[-1].question or "") if waiting else "the agent is thinking …"
            before = bar.waiting
            bar.show(f"A  {text}" if waiting else text, waiting=waiting)
            if waiting and not before:
                bar.line.focus()

    def action_reply(self) -> None:
        """Go to the line to reply in."""
        for line in self.query(ReplyInput):
            line.focus()

    @on(ReplyBar.Told)
    @work(group="takeover")
    async def _tell(self, event: ReplyBar.Told) -> None:
        column, text = self._mine, event.text
        if column is None:
            return
        if event.verb == "ask":
            asked = {turn.attribute for turn in column.turns}
            free = [name for name in column.row["profile"] if name not in asked]
            chosen = await self.app.push_screen_wait(ChooseAttribute(free))
            if chosen is None:
                return
            text = chosen
        if event.verb == "cancel" and not await self.app.push_screen_wait(Ask("Give this branch up?", yes="Give up")):
            return
        self.following = column.unit
        try:
            self._told.append(await self.workbench.write(partial(_issue, column.unit, event.verb, text)))
        except StorageError as error:
            self.workbench.problem(str(error))

    async def _hear(self) -> None:
        """Say which command was refused, and why."""
        if self._told:
            told = list(self._told)
            answers = await self.workbench.read(lambda db: [answer(db, command) for command in told])
            for command, found in zip(told, answers, strict=True):
                if found is not None:
                    self._told.remove(command)
                    if found.error:
                        self.workbench.problem(found.error)


def _issue(unit: int, verb: str, text: str, db: "Database") -> int:
    return issue(db, f"branch:{unit}", verb, text)


def _with_branch(units: Sequence[int], parent: int, branch: int) -> list[int]:
    """Put a branch beside its parent; the last column but these goes where there is no room."""
    found = [unit for unit in units if unit != branch]
    found.insert(found.index(parent) + 1 if parent in found else len(found), branch)
    while len(found) > MOST_COLUMNS:
        found.remove(next(unit for unit in reversed(found) if unit not in (parent, branch)))
    return found
