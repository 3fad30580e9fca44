"""Judging the stored responses of a run again, without making any response: a run of its own, of the kind `judge`."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import anyio

from simulator.client.types import ChatError, UnusableEndpointError
from simulator.judge import judge_response
from simulator.scenario import Scenario
from simulator.world import Draw, JudgementError, Verdict, World
from storage import rejudge as store
from storage.calls import UNIT, Price, StoredCache, StoredLedger
from storage.database import explained, open_writable
from storage.rejudge import Judged, label, next_round, stored_responses
from storage.runs import OwnedError, RunSpec
from storage.scenarios import scenarios_by_id
from storage.sqlite import Database
from workbench.engine.errors import UsageError, first_cause
from workbench.engine.progress import Progress
from workbench.engine.steering.attending import Attendant
from workbench.engine.steering.control import Control
from workbench.engine.steering.launch import own_log
from workbench.engine.steering.owner import is_alive, this_process
from workbench.version import __version__


@dataclass(frozen=True, slots=True)
class Rejudged:
    """What came of it.

    Fields:
        run: the judging's own id. state: done, or interrupted by a signal or a command.
        done, failed: verdicts written and judgements failed this time. left: judgements still to be made.
        labels: what the verdicts stand under.
    """

    run: str
    state: Literal["done", "interrupted"]
    done: int
    failed: int
    left: int
    labels: tuple[str, ...]


async def rejudge(
    path: Path,
    run: str,
    world: World,
    judges: Sequence[str],
    progress: Progress,
    *,
    repeats: int = 1,
    seed: int = 0,
    concurrency: int = 8,
    prices: Mapping[str, Price] | None = None,
    settings: str = "{}",
) -> Rejudged:
    """Judge every stored response of a run (its whole id) by every judge, or go on where that was cut off.

    Verdicts stand under the labels of `storage.rejudge.label`. A response of a model that the judges' world does not
    have is judged in a session of the world's first model: a judge sees the text, the query and the profile, not who
    wrote it.

    Args:
        settings: JSON of the options that were given, as in `storage.runs.RunSpec`.

    Raises:
        UsageError: the run has no stored response.
        OwnedError: a live process judges the run by one of these judges already.
        StorageError: the database could not be written; verdicts before stay, and the same call goes on.
        UnusableEndpointError: the judge's servers are gone for good; likewise.
    """
    db = open_writable(path)
    try:
        with explained(path):
            responses = list(stored_responses(db, run))
            if not responses:
                raise UsageError(f"run {run} has no stored response to judge")
            scenarios = scenarios_by_id(db, list({judged.scenario for judged in responses}))
            what: dict[str, Any] = {
                "run": run,
                "judges": list(dict.fromkeys(judges)),
                "world": world.version,
                "repeats": repeats,
                "seed": seed,
            }
            rounds = _rounds(db, what, responses)
            work = [
                _Task(judged, judge, number)
                for judged in responses
                for judge, number in rounds.items()
                if label(judge, number) not in judged.labels
            ]
            spec = _spec(world, what | {"rounds": rounds}, settings)
            judging = store.claim_judging(db, spec, len(work), this_process(), is_alive=is_alive, log=own_log())
            before, _ = store.judged(db, judging)
        job = _Job(db, path, judging, world, scenarios, progress, repeats, seed)
        stopped = await job.all(work, concurrency, before, prices or {})
        with explained(path):
            done, failed = store.judged(db, judging)
        left = before + len(work) - done - failed
        labels = tuple(label(judge, number) for judge, number in rounds.items())
        return Rejudged(judging, "interrupted" if stopped else "done", done - before, failed, left, labels)
    finally:
        db.conn.close()


def _rounds(db: Database, what: Mapping[str, Any], responses: Sequence[Judged]) -> dict[str, int]:
    """Return each judge's round: that of the same judging where it was cut off, else the next one.

    Raises:
        OwnedError: a live process judges in one of these rounds already, in a judging of its own.
    """
    rounds = {judge: next_round(judge, responses) for judge in what["judges"]}
    unfinished = store.unfinished_judgings(db, what["run"])
    same = next((judging for judging in unfinished if what.items() <= judging.experiment.items()), None)
    if same is not None:
        rounds = dict(same.experiment["rounds"])
    for judging in unfinished:
        shared = rounds.items() & judging.experiment["rounds"].items()
        working = judging.state == "running" and is_alive(judging.owner, judging.heartbeat)
        if shared and working and judging is not same:
            names = ", ".join(sorted(label(*each) for each in shared))
            raise OwnedError(f"run {judging.run} is judging these responses as {names}: wait for it or stop it")
    return rounds


def _spec(world: World, what: Mapping[str, Any], settings: str) -> RunSpec:
    identity = hashlib.sha256(json.dumps({"judge": what}, sort_keys=True).encode()).hexdigest()
    return RunSpec(
        identity=identity,
        world=world.name,
        world_version=world.version,
        seed=what["seed"],
        experiment=json.dumps(what, sort_keys=True),
        settings=settings,
        code_version=__version__,
        kind="judge",
    )


@dataclass(frozen=True, slots=True)
class _Task:
    judged: Judged
    judge: str
    number: int


class _Job:
    """One process's work on a judging."""

    def __init__(
        self,
        db: Database,
        path: Path,
        judging: str,
        world: World,
        scenarios: Mapping[str, Scenario],
        progress: Progress,
        repeats: int,
        seed: int,
    ) -> None:
        self._judging, self._world, self._scenarios, self._progress = judging, world, scenarios, progress
        self._repeats, self._seed = repeats, seed
        self._control = Control()
        self._control.searching = False
        self._attendant = Attendant(db, path, judging, self._control, progress)
        self._done = self._failed = 0

    async def all(self, work: Sequence[_Task], concurrency: int, before: int, prices: Mapping[str, Price]) -> bool:
        """Do everything, `concurrency` at once; tell whether a signal or a command stopped it.

        Args:
            before: verdicts of this judging that were written earlier.
        """
        writer = self._attendant.writer
        async with self._attendant.at_work() as reader:
            ledger = StoredLedger(writer.post, self._judging, prices)
            async with self._world.serving(StoredCache(reader, writer.post), ledger):
                self._progress.start(before + len(work), before, "judging")
                pending = iter(work)

                async def some() -> None:
                    for task in pending:
                        await anyio.lowlevel.checkpoint()
                        await self._control.unit()
                        await self._one(task)
                        self._progress.advance(before + self._done, self._failed)

                async with anyio.create_task_group() as tasks:
                    for _ in range(concurrency):
                        tasks.start_soon(some)
        return self._attendant.interruption.came

    async def _one(self, task: _Task) -> None:
        """Judge one response and write the verdict or the failure."""
        judged = task.judged
        UNIT.set(judged.unit)
        model = judged.model if judged.model in self._world.models else self._world.models[0]
        session = self._world.open(self._scenarios[judged.scenario], model, self._seed)
        verdict: Verdict | None = None
        error: str | None = None
        try:
            draw = Draw(judged.arm, "rejudge", task.number)
            verdict = await judge_response(session, judged.response, task.judge, self._repeats, draw)
        except Exception as failure:
            cause = first_cause(failure)
            if not isinstance(cause, (JudgementError, ChatError)) or isinstance(cause, UnusableEndpointError):
                raise
            error = str(cause)
        stands = label(task.judge, task.number)
        await self._attendant.writer.write(
            lambda db: store.add_verdict(db, self._judging, judged.unit, stands, verdict, error)
        )
        self._done, self._failed = self._done + (verdict is not None), self._failed + (verdict is None)
