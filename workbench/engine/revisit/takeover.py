"""Taking over a stored dialogue: some of its turns kept, something changed there, and run on as a branch.

The branch is written as it happens, so that a view can follow it and, where a person answers, show the question that
waits for them. Its result is written in one transaction with the end of its run; what it left never changes.
"""

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

import anyio

from simulator.agent import Asked, Conversation, TrialError, crisis_dialogue, dialogue_style, learned, noted_until
from simulator.attributes import NAMES, attribute_index
from simulator.client.types import ChatError, UnusableEndpointError
from simulator.dialogue import Dialogue, Reply
from simulator.scenario import Profile, Scenario
from simulator.user import declined, spoken
from simulator.world import InvalidReplyError
from storage import branches, runs
from storage.branches import Branch
from storage.commands import Command, acknowledge, pending
from storage.database import explained, open_readonly, open_writable, transaction
from storage.records import TrialRecord
from storage.runs import RunSpec
from storage.scenarios import add_scenarios
from storage.sqlite import Database
from workbench.engine.errors import UsageError, first_cause
from workbench.engine.revisit.reopen import Reopened, Working, working
from workbench.engine.steering.launch import own_log
from workbench.engine.steering.owner import HEARTBEAT_SECONDS, this_process
from workbench.engine.trial import answer, trial_record
from workbench.text import counted
from workbench.version import __version__

VERBS = ("say", "refuse", "simulate", "ask", "finish", "cancel")
"""What a person may tell a branch that waits for them; `say` takes the text, `ask` an attribute's name."""

_POLL_SECONDS, _HEED_SECONDS = 0.05, 0.25
"""How often a branch looks for what a person says while a question waits, and for commands to its run."""


@dataclass(frozen=True, slots=True)
class Change:
    """What is changed where a branch leaves its parent; nothing at all is a change too: it runs on again.

    Fields:
        ask: name of the attribute to be asked about next.
        say: what a person answers to the question of that step.
        attribute, value: an attribute's name, and what it is from here on; the value None or Unknown takes it away.
        interactive: from here on a person answers, or says who does.
    """

    ask: str | None = None
    say: str | None = None
    attribute: str | None = None
    value: str | None = None
    interactive: bool = False

    def __post_init__(self) -> None:
        for field in ("ask", "attribute"):  # in canonical spelling; other names are refused later
            index = attribute_index(getattr(self, field) or "")
            if index is not None:
                object.__setattr__(self, field, NAMES[index])

    def to_json(self) -> dict[str, Any]:
        """Return what is stored: the fields that change something."""
        told = {name: getattr(self, name) for name in self.__slots__}
        if self.attribute is None:
            del told["value"]
        return {name: value for name, value in told.items() if value or name == "value"}


@dataclass(frozen=True, slots=True)
class Branched:
    """How a branch ended.

    Fields:
        branch: its run and unit.
        state: done; failed (there is no answer); cancelled by a command or since nobody answered; or interrupted by a
            signal.
        error: why, or of one that is done: which judgements failed.
    """

    branch: Branch
    state: Literal["done", "failed", "cancelled", "interrupted"]
    error: str | None = None


def target(unit: int) -> str:
    """Return what commands for a branch are addressed to."""
    return f"branch:{unit}"


async def take_over(
    path: Path,
    reopened: Reopened,
    step: int,
    change: Change,
    *,
    patience: float,
    started: Callable[[Branch], None] = lambda _: None,
) -> Branched:
    """Keep the first `step` turns of a trial, apply a change there, and run on to a response and its verdicts.

    Args:
        step: 0 to the number of turns. The change applies to the question after them.
        patience: seconds that a question waits for a person before the branch is cancelled: a view that asked for the
            branch may be gone, and nobody would end it then.
        started: hears the branch once it is stored.

    Raises:
        UsageError: the change can't be made there.
        StorageError: the database can't be written. UnusableEndpointError: the models' servers are gone for good.
    """
    scenario = _checked(reopened, step, change)
    db = open_writable(path)
    try:
        with explained(path):
            add_scenarios(db, [scenario], collected=False)
            with transaction(db):
                spec = _spec(reopened, scenario, step, change)
                branch = branches.start_branch(
                    db, reopened.trial, scenario.id, step, change.to_json(), spec, this_process(), own_log()
                )
    finally:
        db.conn.close()
    started(branch)
    return await _TakeOver(path, reopened, scenario, step, change, branch, patience).work()


class _CancelledError(Exception):
    """A person cancelled the branch, or is gone."""


class _FinishedError(Exception):
    """A person wants the answer now."""


class _TakeOver:
    """One process's work on a branch."""

    def __init__(
        self,
        path: Path,
        reopened: Reopened,
        scenario: Scenario,
        step: int,
        change: Change,
        branch: Branch,
        patience: float,
    ) -> None:
        self._path, self._reopened, self._scenario, self._step = path, reopened, scenario, step
        self._change, self._branch, self._patience = change, branch, patience
        self._session = reopened.session(scenario)
        self._began = time.monotonic()

    async def work(self) -> Branched:
        """Talk, answer, have it judged, and write how it ended, whatever happens on the way."""
        try:
            record = await self._until_stopped()
        except Exception as failure:
            error = first_cause(failure)
            if isinstance(error, _CancelledError):
                return self._stop("cancelled", str(error))
            stopped = self._stop("failed", str(error) or type(error).__name__)
            if isinstance(error, UnusableEndpointError) or not isinstance(
                error, (TrialError, InvalidReplyError, ChatError)
            ):
                raise error from failure
            return stopped
        if record is None:
            return self._stop("interrupted", "interrupted")
        self._write(lambda db: branches.finish_branch(db, self._branch, record, self._seconds))
        return Branched(self._branch, "done", record.error)

    async def _until_stopped(self) -> TrialRecord | None:
        """Return what the branch came to, or None where a signal stopped it."""
        record: TrialRecord | None = None
        async with working(self._path, self._reopened, *self._branch) as at_work, anyio.create_task_group() as tasks:
            tasks.start_soon(self._beat, at_work)
            tasks.start_soon(self._heed, at_work)
            dialogue = await self._dialogue(at_work)
            trial = self._reopened.trial
            answered = await answer(
                self._session,
                dialogue.knowledge,
                dialogue_style(dialogue),
                trial.arm,
                self._reopened.judges,
                self._reopened.repeats,
            )
            record = trial_record(answered, dialogue, self._reopened.agent, trial.library, trial.leaky)
            tasks.cancel_scope.cancel()
        return record

    async def _dialogue(self, at_work: Working) -> Dialogue:
        trial, change = self._reopened.trial, self._change
        if trial.crisis:
            return crisis_dialogue(self._session)
        # Where a person answers, the question is the stored one; where the agent goes on alone, it asks again.
        stored = trial.turns[self._step] if self._step < len(trial.turns) else None
        stored = stored if (change.say or change.interactive) and not change.ask else None
        conversation = Conversation(
            self._session,
            self._reopened.agent,
            trial.neighbours,
            trial.arm,
            list(trial.turns[: self._step]),
            noted_until(trial.invalid, self._step + (stored is not None)),
        )
        asked: Asked | None
        if change.ask:
            asked = await conversation.ask_about(_attribute(change.ask))
        elif stored is not None:
            asked = Asked(stored.completeness, stored.question, stored.chosen_by, stored.score)
        else:
            asked = await conversation.ask()
        said = change.say
        while asked is not None:
            if said:
                reply, said = spoken(self._scenario.profile, asked.question, said), None
            elif change.interactive:
                try:
                    asked, reply = await self._person(at_work, conversation, asked)
                except _FinishedError:
                    break
            else:
                reply = await conversation.simulate(asked)
            await self._show(at_work, conversation, asked, reply)
            conversation.hear(asked, reply)
            asked = await conversation.ask()
        return conversation.end()

    async def _person(self, at_work: Working, conversation: Conversation, asked: Asked) -> tuple[Asked, Reply]:
        """Show a question and wait for what a person wants; return it, or the one asked in its place, with the reply.

        Raises:
            _FinishedError: no reply, but the answer. _CancelledError: neither.
        """
        await self._show(at_work, conversation, asked, None)
        profile = self._scenario.profile
        reader = open_readonly(self._path)
        try:
            while True:
                command = await self._command(reader)
                reply: Reply | None = None
                error: str | None = None
                try:
                    match command.verb:
                        case "say":
                            reply = spoken(profile, asked.question, command.argument)
                        case "refuse":
                            reply = declined(profile, asked.question)
                        case "simulate":
                            reply = await conversation.simulate(asked)
                        case "ask":
                            asked = await conversation.ask_about(_attribute(command.argument), asked)
                            await self._show(at_work, conversation, asked, None)
                        case "finish" | "cancel":
                            pass
                        case verb:
                            raise ValueError(f"there is no verb {verb!r}: there are {', '.join(VERBS)}")
                except (ValueError, UsageError) as wrong:
                    error = f"{command.verb}: {wrong}"
                await at_work.writer.write(partial(acknowledge, command=command.id, error=error))
                if error is None and command.verb == "finish":
                    raise _FinishedError
                if error is None and command.verb == "cancel":
                    raise _CancelledError("cancelled")
                if reply is not None:
                    return asked, reply
        finally:
            reader.conn.close()

    async def _command(self, reader: Database) -> Command:
        with anyio.move_on_after(self._patience):
            while True:
                if waiting := pending(reader, [target(self._branch.unit)]):
                    return waiting[0]
                await anyio.sleep(_POLL_SECONDS)
        raise _CancelledError(f"nobody answered for {self._patience:g} s")

    async def _show(self, at_work: Working, conversation: Conversation, asked: Asked, reply: Reply | None) -> None:
        step = len(conversation.turns)
        await at_work.writer.write(lambda db: branches.show_turn(db, self._branch.unit, step, asked, reply))

    async def _beat(self, at_work: Working) -> None:
        while True:
            await at_work.writer.write(lambda db: runs.beat(db, self._branch.run))
            await anyio.sleep(HEARTBEAT_SECONDS)

    async def _heed(self, at_work: Working) -> None:
        """Obey what is said to the branch as a run: it can be cancelled, whoever answers in it."""
        reader = open_readonly(self._path)
        try:
            while True:
                for command in pending(reader, [runs.target(self._branch.run)]):
                    cancelled = command.verb == "cancel"
                    error = None if cancelled else f"{command.verb}: a branch can only be cancelled"
                    await at_work.writer.write(partial(acknowledge, command=command.id, error=error))
                    if cancelled:
                        at_work.interruption.stop()
                await anyio.sleep(_HEED_SECONDS)
        finally:
            reader.conn.close()

    def _stop(self, state: Literal["failed", "cancelled", "interrupted"], error: str) -> Branched:
        ended: Literal["failed", "interrupted"] = "failed" if state == "failed" else "interrupted"
        self._write(lambda db: branches.stop_branch(db, self._branch, ended, error, self._seconds))
        return Branched(self._branch, state, error)

    def _write(self, write: Callable[[Database], None]) -> None:
        db = open_writable(self._path)
        try:
            with explained(self._path), transaction(db):
                write(db)
        finally:
            db.conn.close()

    @property
    def _seconds(self) -> float:
        return time.monotonic() - self._began


def _checked(reopened: Reopened, step: int, change: Change) -> Scenario:
    """Return the branch's scenario: the trial's own, or with a changed profile; refuse what can't be done."""
    trial = reopened.trial
    turns = trial.turns
    if not 0 <= step <= len(turns):
        raise UsageError(f"--at {step}: the dialogue of unit {trial.unit} has {counted(len(turns), 'turn')} to keep")
    if trial.crisis and (change.ask or change.say or change.interactive):
        raise UsageError(f"unit {trial.unit}: its query signals immediate danger, so nothing is asked")
    if change.say is not None and not change.say.strip():
        raise UsageError("--say: nothing was said")
    if change.say and not change.ask and step == len(turns):
        raise UsageError(f"--say: nothing was asked after turn {step}; --ask ATTRIBUTE asks something there")
    kept = turns[:step]
    if change.ask:
        index = _attribute(change.ask)
        if any(turn.question.attribute == index for turn in kept):
            raise UsageError(f"--ask: {NAMES[index]} was asked about before turn {step + 1}")
    if change.attribute is None:
        return trial.scenario
    index = _attribute(change.attribute)
    if learned(kept).mask >> index & 1:
        raise UsageError(f"--attribute: {NAMES[index]} was told in the turns that are kept; branch off before that")
    values = list(trial.scenario.profile)
    values[index] = change.value
    profile = Profile(tuple(values))
    if profile == trial.scenario.profile:
        raise UsageError(f"--attribute: {NAMES[index]} is {profile[index] or 'unknown'} already")
    return replace(trial.scenario, profile=profile, source="counterfactual")


def _attribute(name: str) -> int:
    index = attribute_index(name)
    if index is None:
        raise UsageError(f"there is no attribute {name!r}: there are {', '.join(NAMES)}")
    return index


def _spec(reopened: Reopened, scenario: Scenario, step: int, change: Change) -> RunSpec:
    """Return what the store records of a branch's run: its parent's experiment and settings, and where it left them."""
    trial, world = reopened.trial, reopened.world
    left = {"run": trial.run, "unit": trial.unit, "step": step, "change": change.to_json()}
    experiment = {
        **trial.experiment,
        "scenarios": [scenario.id],
        "models": [trial.model],
        "arms": [trial.arm],
        "judges": sorted(reopened.judges),
        "world_version": world.version,
        "prompts": dict(world.prompts),
        "branch": left,
    }
    normalised = json.dumps(experiment, sort_keys=True)
    return RunSpec(
        identity=hashlib.sha256(normalised.encode()).hexdigest(),
        world=world.name,
        world_version=world.version,
        seed=trial.seed,
        experiment=normalised,
        settings=json.dumps({**json.loads(reopened.options.model_dump_json(exclude_defaults=True)), "parent": left}),
        code_version=__version__,
        kind="branch",
    )
