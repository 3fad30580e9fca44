"""A run: an experiment's units worked on by phase, written as they finish, resumable at any moment."""

import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Literal

import anyio
from anyio import to_thread

from planner.trace import Trace, pack
from simulator.agent import TrialError
from simulator.client.types import ChatError, Ledger, UnusableEndpointError
from simulator.scenario import Scenario
from simulator.world import InvalidReplyError
from storage import runs
from storage.calls import UNIT, StoredCache, StoredLedger, spent
from storage.database import explained, open_readonly, open_writable
from storage.errors import StorageError
from storage.runs import Claim, UnitKey
from storage.scenarios import add_scenarios
from storage.sqlite import Database
from workbench.arms import follows_path
from workbench.engine.caps import CappedLedger
from workbench.engine.errors import first_cause
from workbench.engine.experiment import needs_paths
from workbench.engine.library import Libraries, open_library, planned_library, queries_by_profile
from workbench.engine.prepare import Prepared
from workbench.engine.progress import Progress
from workbench.engine.search import SearchError, run_search
from workbench.engine.steering.attending import Attendant
from workbench.engine.steering.control import Control
from workbench.engine.steering.launch import own_log
from workbench.engine.steering.owner import is_alive, this_process
from workbench.engine.trial import run_trial


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended.

    Fields:
        run: its id.
        state: done (every unit done or failed), interrupted (the same command resumes it), or finished before.
        done, failed: units.
        capped: which cap interrupted it and what was spent, in a line; empty if none did.
    """

    run: str
    state: Literal["done", "interrupted", "finished"]
    done: int
    failed: int
    capped: str = ""


@dataclass(frozen=True, slots=True)
class _Found:
    """What a unit came to: how to save it (given the seconds it took), and whether it counts as failed."""

    save: Callable[[Database, float], None]
    failed: bool = False


Execute = Callable[[UnitKey], Awaitable[_Found]]


async def run_experiment(
    path: Path,
    prepared: Prepared,
    progress: Progress,
    *,
    new: bool = False,
    retry_failed: bool = False,
    control: Control | None = None,
    beside: Sequence[str] = (),
) -> Outcome:
    """Start or resume the run of an experiment and work until everything is done or a signal or command stops it.

    Args:
        control: how it begins: held, or at a rate. Commands in the database change that while it works.
        beside: runs under the same caps; what they have spent counts.

    Raises:
        OwnedError: a live process works on it already.
        StorageError: the database could not be written; what was committed stays, and the same command resumes.
        UnusableEndpointError: the models' servers are gone for good; likewise.
    """
    db = open_writable(path)
    try:
        with explained(path):
            add_scenarios(db, prepared.experiment.scenarios, collected=False)
            claim = runs.claim(
                db,
                prepared.spec,
                prepared.experiment.units(),
                this_process(),
                is_alive=is_alive,
                new=new,
                retry_failed=retry_failed,
                log=own_log(),
            )
        if claim.state == "finished":
            return _outcome(claim, "finished")
        if claim.state == "resumed":
            progress.note(f"taking up run {claim.run}")
        return await _Run(db, path, prepared, claim, progress, control or Control(), beside).work()
    finally:
        db.conn.close()


class _Run:
    """One process's work on a run."""

    def __init__(
        self,
        db: Database,
        path: Path,
        prepared: Prepared,
        claim: Claim,
        progress: Progress,
        control: Control,
        beside: Sequence[str],
    ) -> None:
        self._path, self._prepared, self._claim, self._progress = path, prepared, claim, progress
        self._control = control
        self._experiment, self._world = prepared.experiment, prepared.world
        self._attendant = Attendant(db, path, claim.run, control, progress)
        self._writer = self._attendant.writer
        self._scenarios: Mapping[str, Scenario] = {s.id: s for s in self._experiment.scenarios}
        self._states = {key: state for key, (_, state) in claim.units.items()}
        self._capped: CappedLedger | None = None
        self._beside = beside

    async def work(self) -> Outcome:
        """Do what is pending, then say how the run ended, whatever happens on the way."""
        async with self._attendant.at_work() as reader:
            cache = StoredCache(reader, self._writer.post)
            async with self._prepared.workers, self._world.serving(cache, self._ledger(reader)):
                await self._phases()
        outcome = _outcome(
            Claim(self._claim.run, self._claim.state, {k: (0, s) for k, s in self._states.items()}),
            "interrupted" if self._attendant.interruption.came else "done",
        )
        return replace(outcome, capped=self._capped.reached) if self._capped else outcome

    def _ledger(self, reader: Database) -> Ledger:
        caps, prices = self._prepared.caps, self._prepared.prices
        ledger = StoredLedger(self._writer.post, self._claim.run, prices)
        if not caps:
            return ledger
        before = spent(reader, {self._claim.run, *self._beside}, prices)
        self._capped = CappedLedger(ledger, caps, prices, before, self._attendant.interruption.stop)
        return self._capped

    async def _phases(self) -> None:
        experiment = self._experiment
        if experiment.plans:
            await self._phase("search", self._search)
        self._control.searching = False
        trial: Execute = partial(self._trial, Libraries())
        if any(needs_paths(key.arm) for key in self._pending("trial")):
            trial = partial(self._trial, await self._libraries())
        await self._phase("trial", trial)

    async def _libraries(self) -> Libraries:
        """Gather the planned paths that arms retrieve or follow, once every search is finished or failed."""
        experiment = self._experiment
        self._progress.note("looking up the planned paths")
        wanted = [(key, self._scenarios[key.scenario]) for key in self._pending("trial") if key.arm == "planner"]

        def gather() -> tuple[Libraries, dict[str, set[str]] | None]:
            db = open_readonly(self._path)
            try:
                with explained(self._path):
                    named = self._prepared.index
                    libraries = planned_library(db, self._claim.run) if named is None else open_library(db, named)
                    return libraries, None if experiment.leaky else queries_by_profile(db, experiment.scenarios)
            finally:
                db.conn.close()

        # In threads, so that a signal is heard and the heart beats; with a connection of its own, since on the writer's
        # a query is a transaction that what is written meanwhile would end up in.
        libraries, siblings = await to_thread.run_sync(gather)
        neighbours, embedder = experiment.neighbours, self._prepared.embedder
        look_up = partial(libraries.look_up, wanted, neighbours, embedder=embedder, siblings=siblings)
        await to_thread.run_sync(look_up, abandon_on_cancel=True)
        await self._writer.write(lambda db: runs.set_library(db, self._claim.run, libraries.hash))
        return libraries

    async def _phase(self, kind: str, execute: Execute) -> None:
        """Work on the pending units of a kind, `concurrency` at once; a unit's failure never stops the others."""
        keys = [key for key in self._states if key.kind == kind]
        pending = iter(self._pending(kind))
        done, failed = self._count(keys)
        label = "planning" if kind == "search" else "trials"
        self._progress.start(len(keys), done + failed, label)

        async def work() -> None:
            nonlocal done, failed
            for key in pending:
                await anyio.lowlevel.checkpoint()
                if kind != "search":  # a search begins and is held before its first rollout, where it can be watched
                    await self._control.unit()
                state = await self._unit(key, execute)
                done, failed = done + (state == "done"), failed + (state == "failed")
                self._progress.advance(done, failed)

        async with anyio.create_task_group() as tasks:
            for _ in range(self._prepared.concurrency):
                tasks.start_soon(work)
        self._progress.finish()

    async def _unit(self, key: UnitKey, execute: Execute) -> str:
        began = time.monotonic()
        UNIT.set(self._claim.units[key][0])  # every worker is a task with a context of its own
        try:
            found = await execute(key)
        except Exception as failure:
            error = first_cause(failure)
            if isinstance(error, (StorageError, UnusableEndpointError)):
                raise error from failure  # no other unit would fare better; the same command takes the run up
            expected = isinstance(error, (SearchError, TrialError, InvalidReplyError, ChatError))
            # A defect in one unit must not cost the others.
            found = self._failure(key, str(error) if expected else f"internal error: {type(error).__name__}: {error}")
        seconds = time.monotonic() - began
        await self._writer.write(lambda db: found.save(db, seconds))
        self._states[key] = "failed" if found.failed else "done"
        return self._states[key]

    def _failure(self, key: UnitKey, error: str) -> _Found:
        judges = self._experiment.judges if key.kind == "trial" else ()
        unit, _ = self._claim.units[key]
        return _Found(lambda db, seconds: runs.fail_unit(db, unit, error, seconds, judges), failed=True)

    async def _search(self, key: UnitKey) -> _Found:
        unit = self._claim.units[key][0]

        async def publish(trace: Trace) -> None:
            await self._writer.write(lambda db: runs.save_running(db, unit, pack(trace)))

        record = await run_search(
            self._world,
            self._experiment.search_unit(self._scenarios[key.scenario], key.model),
            self._control,
            publish,
        )
        return _Found(lambda db, seconds: runs.save_search(db, unit, record, seconds))

    async def _trial(self, libraries: Libraries, key: UnitKey) -> _Found:
        unit = self._claim.units[key][0]
        record = await run_trial(
            self._world,
            self._experiment.trial_unit(
                self._scenarios[key.scenario],
                key.model,
                key.arm,
                path=libraries.own_path(key.scenario, key.model) if follows_path(key.arm) else None,
                neighbours=libraries.neighbours(key),
                library=libraries.hash,
            ),
        )
        return _Found(lambda db, seconds: runs.save_trial(db, unit, record, seconds), failed=record.error is not None)

    def _pending(self, kind: str) -> list[UnitKey]:
        return [key for key, state in self._states.items() if key.kind == kind and state == "pending"]

    def _count(self, keys: Iterable[UnitKey]) -> tuple[int, int]:
        states = [self._states[key] for key in keys]
        return states.count("done"), states.count("failed")


def _outcome(claim: Claim, state: Literal["done", "interrupted", "finished"]) -> Outcome:
    states = [unit_state for _, unit_state in claim.units.values()]
    return Outcome(claim.run, state, states.count("done"), states.count("failed"))
