"""Judging the stored responses of a run again, without making any response."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import anyio

from simulator.client.types import ChatError, UnusableEndpointError
from simulator.judge import judge_response
from simulator.scenario import Scenario
from simulator.world import Draw, JudgementError, Verdict, World
from storage.calls import UNIT, Price, StoredCache, StoredLedger
from storage.database import explained, open_readonly, open_writable
from storage.rejudge import Judged, add_verdict, next_label, stored_responses
from storage.scenarios import scenarios_by_id
from workbench.engine.errors import UsageError, first_cause
from workbench.engine.progress import Progress
from workbench.engine.writing import Writer


@dataclass(frozen=True, slots=True)
class Rejudged:
    """What came of it: verdicts written, judgements failed, and the labels that the verdicts stand under."""

    done: int
    failed: int
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
) -> Rejudged:
    """Judge every stored response of a run by every judge; see `storage.rejudge.next_label` for names.

    A response of a model that the judges' world does not have is judged in a session of the world's first model: a
    judge sees the text, the query and the profile, not who wrote it.

    Raises:
        UsageError: the run has no stored response.
        StorageError: the database could not be written; verdicts before stay.
    """
    db, reader = open_writable(path), open_readonly(path)
    try:
        with explained(path):
            responses = list(stored_responses(reader, run))
            scenarios = scenarios_by_id(reader, list({judged.scenario for judged in responses}))
        if not responses:
            raise UsageError(f"run {run} has no stored response to judge")
        labels = [(judge, *next_label(judge, responses)) for judge in judges]
        work = [
            _Task(judged, judge, label, number)
            for judged in responses
            for judge, label, number in labels
            if label not in judged.labels
        ]
        writer = Writer(db, path)
        ledger = StoredLedger(writer.post, run, prices or {})
        job = _Job(world, scenarios, writer, progress, repeats, seed, len(work))
        async with anyio.create_task_group() as around:
            around.start_soon(writer.run)
            async with world.serving(StoredCache(reader, writer.post), ledger):
                await job.all(work, concurrency)
            writer.close()
        return Rejudged(job.done, job.failed, tuple(label for _, label, _ in labels))
    except BaseExceptionGroup as group:
        raise first_cause(group) from group
    finally:
        progress.finish()
        reader.conn.close()
        db.conn.close()


@dataclass(frozen=True, slots=True)
class _Task:
    judged: Judged
    judge: str
    label: str
    number: int


@dataclass(slots=True)
class _Job:
    """The work of one call of `rejudge`."""

    world: World
    scenarios: Mapping[str, Scenario]
    writer: Writer
    progress: Progress
    repeats: int
    seed: int
    total: int
    done: int = 0
    failed: int = 0

    async def all(self, work: Sequence[_Task], concurrency: int) -> None:
        """Do everything, `concurrency` at once."""
        self.progress.start(self.total, 0, "judging")
        pending = iter(work)

        async def some() -> None:
            for task in pending:
                await anyio.lowlevel.checkpoint()
                await self.one(task)
                self.progress.advance(self.done, self.failed)

        async with anyio.create_task_group() as tasks:
            for _ in range(concurrency):
                tasks.start_soon(some)

    async def one(self, task: _Task) -> None:
        """Judge one response and write the verdict or the failure."""
        judged = task.judged
        UNIT.set(judged.unit)
        model = judged.model if judged.model in self.world.models else self.world.models[0]
        session = self.world.open(self.scenarios[judged.scenario], model, self.seed)
        verdict: Verdict | None = None
        error: str | None = None
        try:
            draw = Draw(judged.arm, "rejudge", task.number)
            verdict = await judge_response(session, judged.response, task.judge, self.repeats, draw)
        except Exception as failure:
            cause = first_cause(failure)
            if not isinstance(cause, (JudgementError, ChatError)) or isinstance(cause, UnusableEndpointError):
                raise
            error = str(cause)
        await self.writer.write(lambda db: add_verdict(db, judged.unit, task.label, verdict, error))
        self.done, self.failed = self.done + (verdict is not None), self.failed + (verdict is None)
