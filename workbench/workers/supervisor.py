"""Looks after workers: places them, keeps them running, writes down how they are, does what commands say."""

import json
import os
import socket
import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, Self

import anyio
from anyio import to_thread

from storage import commands, workers
from storage.commands import Command
from storage.database import explained, open_writable, transaction
from storage.errors import StorageError
from storage.runs import Owner
from storage.sqlite import Database
from workbench.engine.errors import RunError, UsageError
from workbench.engine.steering.owner import HEARTBEAT_SECONDS, is_alive, this_process
from workbench.workers.command import check_model
from workbench.workers.gpus import Gpu, read_gpus
from workbench.workers.identity import reap
from workbench.workers.keys import forget_key, save_key
from workbench.workers.logs import log_folder
from workbench.workers.placement import place
from workbench.workers.probe import Probe
from workbench.workers.process import free_port
from workbench.workers.spec import WorkerSpec
from workbench.workers.worker import Timings, Worker

Kind = Literal["run", "detached"]
"""Owned by a run, for its length; or on its own, for whoever uses the database."""

ALL = "workers"
"""Target of commands to the detached supervisor; `worker:NAME` is that of one worker."""


def supervisor_alive(owner: Owner, heartbeat: float) -> bool:
    """Tell whether a supervisor still works; one in this process does."""
    return owner == this_process() or is_alive(owner, heartbeat)


class Supervisor:
    """Workers and their keeper; use as an async context, which ends with every worker stopped.

    Fields:
        workers: those added so far. heard: whether a command came in, obeyed or not.
    """

    def __init__(
        self,
        path: Path,
        kind: Kind = "run",
        *,
        timings: Timings | None = None,
        gpus: Callable[[], Sequence[Gpu]] = read_gpus,
        report: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Prepare; the database at `path` is opened on entry.

        Args:
            report: hears, in lines, of what happens beside the workers' states.
        """
        self.workers: list[Worker] = []
        self.heard = False
        self._path, self._kind, self._report, self._gpus = path.absolute(), kind, report, gpus
        self._timings = timings or Timings()
        self._id = str(uuid.uuid4())
        self._turns: dict[int, anyio.Lock] = {}
        self._ports: list[int] = []
        self._written: dict[str, float] = {}
        self._beaten = 0.0
        self._ended = False
        self._writing = anyio.Lock()

    async def __aenter__(self) -> Self:
        """Claim the database, end what a dead supervisor left running, begin to write and to listen.

        Raises:
            OwnedError: another detached supervisor lives.
            StorageError: the database can't be written.
        """
        self._db = await to_thread.run_sync(open_writable, self._path)
        try:
            left: list[dict[str, Any]] = []
            await self._write(lambda db: left.extend(self._claim(db)))
            await clean_up(left, self._write, self._timings.grace, self._report)
            async with AsyncExitStack() as stack:
                self._probe = await stack.enter_async_context(Probe(self._timings.timeout))
                self._tasks = await stack.enter_async_context(anyio.create_task_group())
                self._tasks.start_soon(self._keep_books)
                self._stack = stack.pop_all()
        except BaseException:
            self._db.conn.close()
            raise
        return self

    async def __aexit__(self, *_error: object) -> None:
        """Stop every worker, whatever ended the work, and say so in the database."""
        self._tasks.cancel_scope.cancel()
        try:
            await self._stack.aclose()
        finally:
            with anyio.CancelScope(shield=True):
                try:
                    await self.close_if(lambda _: True)
                except StorageError as error:
                    self._report(str(error))
                for worker in self.workers:
                    if self._kind == "detached":
                        forget_key(worker.id)
                self._db.conn.close()

    async def add(self, specs: Sequence[WorkerSpec], command: Sequence[str]) -> list[Worker]:
        """Place workers, register them and start them; returns while they start.

        Raises:
            UsageError: there is no such model, or no room; then none of them is started.
            RunError: their keys can't be kept safe. StorageError: they could not be registered.
        """
        for spec in specs:
            check_model(spec)
        found = await to_thread.run_sync(self._gpus) if any(spec.gpus != () for spec in specs) else ()
        places = place(specs, found)
        shared = _shared([w.place.gpus for w in self.workers] + [p.gpus for spec in places for p in spec])
        added: list[Worker] = []

        def register(db: Database) -> None:
            for spec, rooms in zip(specs, places, strict=True):
                names = workers.free_names(db, spec.name.replace("/", "-"), len(rooms))
                for name, room in zip(names, rooms, strict=True):
                    turns = [self._turns.setdefault(gpu, anyio.Lock()) for gpu in room.gpus if gpu in shared]
                    log = log_folder(self._path) / f"{name}.log"
                    worker = Worker(
                        spec, name, command, room, log, self._probe, self._timings, self._choose_port, turns
                    )
                    workers.add_worker(db, {"id": worker.id, "supervisor": self._id, **_row(worker)})
                    if self._kind == "detached":
                        save_key(worker.id, worker.key)
                    added.append(worker)

        await self._write(register)
        for worker in added:
            self.workers.append(worker)
            self._tasks.start_soon(worker.live)
        return added

    def named(self, names: Iterable[str]) -> list[Worker]:
        """Return the workers of these names, all for none.

        Raises:
            UsageError: there is no such worker.
        """
        wanted = list(names)
        for name in wanted:
            if all(worker.name != name for worker in self.workers):
                raise UsageError(f"no worker {name}: `workbench workers status` lists them")
        return [worker for worker in self.workers if not wanted or worker.name in wanted]

    def stop(self, names: Iterable[str] = ()) -> None:
        """Stop workers (default: all) without waiting for their requests; returns at once."""
        for worker in self.named(names):
            worker.ask("stop")

    def drain(self, names: Iterable[str] = ()) -> None:
        """Let workers (default: all) finish the requests they have, take no new ones and stop; returns at once."""
        for worker in self.named(names):
            worker.ask("drain")

    def start(self, names: Iterable[str] = ()) -> None:
        """Start stopped and dead workers (default: all of these) again; returns at once."""
        for worker in self.named(names):
            if worker.settled:
                worker.state = "starting"
                self._tasks.start_soon(worker.live)

    async def changed(self) -> None:
        """Wait a moment: as long as it may take until a change shows."""
        await anyio.sleep(self._timings.poll)

    async def close_if(self, idle: Callable[[bool], bool]) -> bool:
        """Say in the database that this supervisor is through, if `idle`, told whether commands wait, agrees.

        Commands that come later are refused by nobody taking them; what waits is refused here.
        """
        agreed = self._ended

        def close(db: Database) -> None:
            nonlocal agreed
            waiting = commands.pending(db, self._targets())
            agreed = idle(bool(waiting))
            if agreed:
                self._save_workers(db)
                for command in waiting:
                    commands.acknowledge(db, command.id, ENDED)
                workers.end_supervisor(db, self._id)

        if not self._ended:
            await self._write(close)
            self._ended = agreed
        return agreed

    def _claim(self, db: Database) -> list[dict[str, Any]]:
        left = workers.claim_supervisor(db, self._id, self._kind, this_process(), supervisor_alive)
        if self._kind == "detached":
            for stale in commands.pending(db, [ALL]):
                commands.acknowledge(db, stale.id, ENDED)
        return left

    async def _keep_books(self) -> None:
        """Write states, figures and the heartbeat, and do what commands say, until cancelled."""
        while True:
            await self.changed()
            if self._ended:
                continue
            try:
                waiting = await to_thread.run_sync(self._look)
                for command in waiting:
                    await self._obey(command)
                memory = await to_thread.run_sync(self._figures) if self._due() else {}
                await self._write(lambda db, memory=memory: self._save(db, memory))  # type: ignore[misc]
            except StorageError as error:  # a busy or full disk must not cost the workers; it is tried again
                self._report(str(error))
                for worker in self.workers:
                    worker.changed = True

    def _look(self) -> list[Command]:
        with explained(self._path):
            return commands.pending(self._db, self._targets())

    def _targets(self) -> list[str]:
        return [*([ALL] if self._kind == "detached" else []), *(f"worker:{worker.name}" for worker in self.workers)]

    async def _obey(self, command: Command) -> None:
        error: str | None = None
        try:
            names = [command.target.removeprefix("worker:")] if command.target != ALL else []
            if command.verb == "add" and command.target == ALL:
                argument = json.loads(command.argument)
                await self.add([WorkerSpec.from_dict(spec) for spec in argument["specs"]], argument["command"])
            elif command.verb in ("start", "stop", "drain"):
                {"start": self.start, "stop": self.stop, "drain": self.drain}[command.verb](names)
            else:
                error = f"no verb {command.verb}: workers know start, stop, drain"
        except (UsageError, RunError) as refused:
            error = str(refused)
        except (ValueError, KeyError, TypeError) as malformed:
            error = f"malformed argument: {malformed}"
        await self._write(lambda db: commands.acknowledge(db, command.id, error))
        self.heard = True

    def _due(self) -> bool:
        return any(w.metrics and w.read_at != self._written.get(w.id) for w in self.workers)

    def _figures(self) -> Mapping[int, Gpu]:
        if all(not worker.place.gpus for worker in self.workers):
            return {}
        return {gpu.index: gpu for gpu in self._gpus()}

    def _save(self, db: Database, gpus: Mapping[int, Gpu]) -> None:
        self._save_workers(db)
        for worker in self.workers:
            if worker.metrics and worker.read_at != self._written.get(worker.id):
                self._written[worker.id] = worker.read_at
                workers.add_metrics(db, {"worker": worker.id, **_metrics(worker, gpus)})
        if time.time() - self._beaten >= HEARTBEAT_SECONDS:
            self._beaten = time.time()
            workers.beat_supervisor(db, self._id)

    def _save_workers(self, db: Database) -> None:
        for worker in self.workers:
            if worker.changed:
                worker.changed = False
                workers.save_worker(db, worker.id, _row(worker))

    async def _write(self, write: Callable[[Database], None]) -> None:
        def commit() -> None:
            with explained(self._path), transaction(self._db):
                write(self._db)

        async with self._writing:
            await to_thread.run_sync(commit)

    def _choose_port(self) -> int:
        """Choose a port that no worker of ours has or is about to take; not the last ones either."""
        port = free_port(self._ports)
        self._ports = [*self._ports[-99:], port]
        return port


ENDED = "the supervisor ended before it came to this"
"""What stands at a command that nobody will do."""


async def clean_up(
    left: Sequence[Mapping[str, Any]],
    write: Callable[[Callable[[Database], None]], Any],
    grace: float,
    report: Callable[[str], None],
) -> None:
    """End what runs of abandoned workers and drop their rows; those of another machine stay, as nothing is known there.

    Args:
        left: rows of `storage.workers.abandoned`. write: does what it is given in a transaction.
    """
    mine = [row for row in left if row["owner_host"] == socket.gethostname()]

    async def end(row: Mapping[str, Any]) -> None:
        count = await reap(row["id"], grace)
        if count:
            report(f"ended worker {row['name']}, left over from a supervisor that is gone ({count} processes)")
        forget_key(row["id"])

    async with anyio.create_task_group() as tasks:
        for row in mine:
            tasks.start_soon(end, row)
    if mine:
        await write(lambda db: workers.forget_workers(db, [row["id"] for row in mine]))


def _row(worker: Worker) -> dict[str, Any]:
    return {
        "name": worker.name,
        "model": worker.spec.name,
        "state": worker.state,
        "phase": worker.phase,
        "since": datetime.fromtimestamp(worker.since, UTC).isoformat(timespec="milliseconds"),
        "reason": worker.reason,
        "pid": worker.pid,
        "port": worker.port,
        "gpus": json.dumps(worker.place.gpus),
        "restarts": worker.restarts,
        "log": os.fspath(worker.log),
        "spec": json.dumps(worker.spec.to_dict()),
    }


def _metrics(worker: Worker, gpus: Mapping[int, Gpu]) -> dict[str, Any]:
    found, pace = worker.metrics, worker.rates
    assert found is not None
    own = [gpus[index] for index in worker.place.gpus if index in gpus]
    uses = [gpu.use for gpu in own if gpu.use is not None]
    return {
        "at": worker.read_at,
        "running": found.running,
        "waiting": found.waiting,
        "cache": found.cache,
        "tokens_per_s": pace and pace.generated_tokens,
        "prompt_tokens_per_s": pace and pace.prompt_tokens,
        "prefix_hits": pace and pace.prefix_hits,
        "gpu_memory_used": sum(gpu.total - gpu.free for gpu in own) if own else None,
        "gpu_memory_total": sum(gpu.total for gpu in own) if own else None,
        "gpu_use": sum(uses) / len(uses) if uses else None,
    }


def _shared(placed: Iterable[Sequence[int]]) -> set[int]:
    """Return the GPUs that stand in several places."""
    seen: set[int] = set()
    twice: set[int] = set()
    for gpus in placed:
        twice |= seen & set(gpus)
        seen |= set(gpus)
    return twice
