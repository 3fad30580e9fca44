"""Building scenarios with a language model: items worked on side by side, decided in order, resumable at any moment.

Models are asked about many items at once; but each item is compared with those before it and written in the order of
the source, so concurrency, kills and resumption change nothing about which scenarios there are.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

import anyio
from anyio import to_thread

from simulator.build.leaks import RULES_VERSION
from simulator.build.likeness import NEAR, Queries
from simulator.build.making import Draft, LeakRule, Made, Maker, Rejection
from simulator.client.types import ChatError, RefusedError, UnusableEndpointError
from simulator.model.world import ModelWorld
from simulator.world import InvalidReplyError
from storage import construction
from storage.calls import Price, StoredCache, StoredLedger
from storage.construction import BuildCounts
from storage.database import explained, open_readonly, open_writable
from storage.errors import StorageError
from storage.runs import RunSpec
from storage.scenarios import list_scenarios
from storage.sqlite import Database
from workbench.engine.errors import UsageError, first_cause
from workbench.engine.options import RunOptions
from workbench.engine.pricing import prices
from workbench.engine.progress import Progress
from workbench.engine.scenarios.items import Source, Task
from workbench.engine.steering.attending import Attendant
from workbench.engine.steering.control import Control
from workbench.engine.steering.launch import own_log
from workbench.engine.steering.owner import is_alive, this_process
from workbench.engine.worlds import open_world
from workbench.version import __version__

_REASON_CHARACTERS = 300
"""A server's own words in a reason: it may quote what it was asked."""


_AT_ONCE = 64
"""Items worked on at once where nothing else is said."""


@dataclass(frozen=True, slots=True)
class Build:
    """What is to be built, and with what.

    Fields:
        world, workers: who is asked, and what is kept running meanwhile.
        model, seed, leaking: see `simulator.build.making.Maker`.
        settings: JSON of what explains the build but does not belong to it (endpoints, limits).
        concurrency: items worked on at once.
    """

    source: Source
    world: ModelWorld
    workers: AbstractAsyncContextManager[object]
    model: str
    seed: int
    leaking: LeakRule
    settings: str
    prices: Mapping[str, Price]
    concurrency: int

    def spec(self) -> RunSpec:
        """Return what the store records: the same source, settings, prompts and rules are the same build."""
        what: dict[str, Any] = {
            **self.source.identity,
            "model": self.model,
            "seed": self.seed,
            "leaks": self.leaking,
            "near": NEAR,
            "rules": RULES_VERSION,
            "building": self.world.building,
        }
        identity = hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()
        return RunSpec(
            identity=identity,
            world=self.world.name,
            world_version=self.world.version,
            seed=self.seed,
            experiment=json.dumps({**what, **self.source.shown, "items": self.source.total}, sort_keys=True),
            settings=self.settings,
            code_version=__version__,
            kind="build",
        )


def prepare_build(
    path: Path,
    options: RunOptions,
    source: Source,
    leaking: LeakRule,
    report: Callable[[str], None] = lambda _: None,
) -> Build:
    """Make a build ready that one model is asked for (`options.models`).

    Args:
        report: hears how workers start.

    Raises:
        UsageError: the world is not that of language models, or something named can't be used.
    """
    opened = open_world(options, path, report)
    if not isinstance(opened.world, ModelWorld):
        raise UsageError(f"the {options.world} world can't read or write: only language models can (--world model)")
    return Build(
        source=source,
        world=opened.world,
        workers=opened.workers,
        model=options.models[0],
        seed=options.seed,
        leaking=leaking,
        settings=options.model_dump_json(exclude_defaults=True),
        prices=prices(options),
        concurrency=options.concurrency or _AT_ONCE,
    )


class BuildOutcome(NamedTuple):
    """How a build ended.

    Fields:
        run: its id. state: as in `workbench.engine.run.Outcome`.
        total: items of the source. counts, stages: what became of them; rejected items by stage.
    """

    run: str
    state: Literal["done", "interrupted", "finished"]
    total: int
    counts: BuildCounts
    stages: Mapping[str, int]


async def construct(path: Path, build: Build, progress: Progress, *, retry_failed: bool = False) -> BuildOutcome:
    """Start or resume a build and work until every item is decided, or a signal or a command stops it.

    Raises:
        OwnedError: a live process works on it already.
        StorageError: the database could not be written; what was committed stays, and the same command resumes.
        UnusableEndpointError: the model's servers are gone for good; likewise.
    """
    db = open_writable(path)
    try:
        with explained(path):
            claim = construction.claim_build(
                db, build.spec(), this_process(), is_alive=is_alive, retry_failed=retry_failed, log=own_log()
            )
        state: Literal["done", "interrupted", "finished"] = "finished"
        if claim.state != "finished":
            if claim.state == "resumed":
                progress.note(f"taking up build {claim.run}")
            stopped = await _Building(db, path, build, claim, progress).work()
            state = "interrupted" if stopped else "done"
        with explained(path):
            counts, stages = construction.build_counts(db, claim.run), construction.stages(db, claim.run)
        return BuildOutcome(claim.run, state, build.source.total, counts, stages)
    finally:
        db.conn.close()


class _Building:
    """One process's work on a build."""

    def __init__(
        self, db: Database, path: Path, build: Build, claim: construction.BuildClaim, progress: Progress
    ) -> None:
        self._path, self._build, self._claim, self._progress = path, build, claim, progress
        self._control = Control()
        self._control.searching = False
        self._attendant = Attendant(db, path, claim.run, self._control, progress, when_done=self._forget)
        self._writer = self._attendant.writer
        self._queries = Queries()
        counts = construction.build_counts(db, claim.run)
        self._done, self._failed = counts.done + counts.rejected, counts.failed

    async def work(self) -> bool:
        """Decide every item that is not decided; tell whether a signal or a command stopped it."""
        async with self._attendant.at_work() as reader:
            cache = StoredCache(reader, self._writer.post, requests=not self._build.source.private)
            ledger = StoredLedger(self._writer.post, self._claim.run, self._build.prices)
            async with self._build.workers, self._build.world.serving(cache, ledger):
                await self._items()
        return self._attendant.interruption.came

    async def _items(self) -> None:
        """Work on the items that are not decided, `concurrency` at once."""
        self._queries = await to_thread.run_sync(self._stored_queries, abandon_on_cancel=True)
        self._progress.start(self._build.source.total, self._done + self._failed, "building")
        maker = Maker(self._build.world.asker, self._build.model, self._build.seed, self._build.leaking)
        tasks = (task for task in self._build.source.tasks(maker) if task.item not in self._claim.decided)
        chain = _chained(tasks)

        async def some() -> None:
            for task, before, mine in chain:
                await anyio.lowlevel.checkpoint()
                await self._control.unit()
                made, failed = await self._make(task)
                await before.wait()
                await self._decide(task, made, failed)
                mine.set()

        async with anyio.create_task_group() as workers:
            for _ in range(self._build.concurrency):
                workers.start_soon(some)

    def _stored_queries(self) -> Queries:
        db = open_readonly(self._path)
        try:
            with explained(self._path):
                return Queries(scenario.query for scenario in list_scenarios(db))
        finally:
            db.conn.close()

    async def _make(self, task: Task) -> tuple[Made, bool]:
        """Ask about one item; its failure never stops the others."""
        try:
            return await task.make(), False
        except Exception as failure:
            cause = first_cause(failure)
            if isinstance(cause, (StorageError, UnusableEndpointError)):
                raise cause from failure
            if isinstance(cause, RefusedError):
                return Made(rejections=(Rejection("refused", str(cause)[:_REASON_CHARACTERS]),)), False
            expected = isinstance(cause, (InvalidReplyError, ChatError))
            # A defect in one item must not cost the others.
            reason = str(cause) if expected else f"internal error: {type(cause).__name__}"
            return Made(rejections=(Rejection("model", reason[:_REASON_CHARACTERS], effect="failed"),)), True

    async def _decide(self, task: Task, made: Made, failed: bool) -> None:
        """Leave out what was there before, and write the item; the items before it are written."""
        kept: list[Draft] = []
        left_out = list(made.rejections)
        for draft in made.drafts:
            if (kind := self._queries.find(draft.scenario.query)) is None:
                self._queries.add(draft.scenario.query)
                kept.append(draft)
            else:
                like = "the same query" if kind == "duplicate" else "nearly the same query"
                left_out.append(Rejection("duplicate", f"{like} is there already", draft.part))
        whole = Made(tuple(kept), tuple(left_out))
        run = self._claim.run
        await self._writer.write(
            lambda db: construction.save_item(db, run, task.item, task.digest, whole, failed=failed)
        )
        self._done, self._failed = self._done + (not failed), self._failed + failed
        self._progress.advance(self._done, self._failed)

    def _forget(self, db: Database) -> None:
        """Keep no replies about people whose posts are not kept either."""
        if self._build.source.private:
            construction.forget_replies(db, self._claim.run)


def _chained(tasks: Iterator[Task]) -> Iterator[tuple[Task, anyio.Event, anyio.Event]]:
    """Give each task an event that says that the task before it is decided, and its own."""
    before = anyio.Event()
    before.set()
    for task in tasks:
        mine = anyio.Event()
        yield task, before, mine
        before = mine
