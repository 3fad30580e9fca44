"""Workers as endpoints: those that a run owns, and those that a detached supervisor of the same user runs."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self

from simulator.client.types import Endpoint, UnusableEndpointError
from storage.database import explained, open_readonly
from storage.sqlite import Database
from storage.workers import list_workers
from workbench.engine.errors import RunError
from workbench.workers.gpus import Gpu, read_gpus
from workbench.workers.keys import load_key
from workbench.workers.spec import WorkerSpec
from workbench.workers.supervisor import Supervisor, supervisor_alive
from workbench.workers.worker import Timings, Worker

IN_FLIGHT = 128
"""Requests a worker may have at once: half of what vLLM computes together by default."""

TRY_SECONDS = 600.0
"""A worker's health is watched, so a long reply (a reasoning model, a full queue) is no sign of its death."""


class WorkerPool:
    """An `EndpointSource`: workers that live as long as this context, started here and stopped at its end."""

    def __init__(
        self,
        path: Path,
        specs: Sequence[WorkerSpec],
        command: Sequence[str],
        *,
        timings: Timings | None = None,
        gpus: Callable[[], Sequence[Gpu]] = read_gpus,
        report: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Prepare; nothing is started before entry.

        Args:
            path: the database that states and figures go to.
            command: words that start vLLM (`find_command`).
            report: hears, in lines, how the start goes.
        """
        self._specs, self._command, self._report = specs, command, report
        self.supervisor = Supervisor(path, "run", timings=timings, gpus=gpus, report=report)

    async def __aenter__(self) -> Self:
        """Start the workers; return when one of each spec is ready, the others may follow.

        Raises:
            UsageError: there is no such model, or no room for it. RunError: no worker of a spec came up.
            StorageError: the database can't be written.
        """
        await self.supervisor.__aenter__()
        try:
            started = await self.supervisor.add(self._specs, self._command)
            await self._first_ready(started)
        except BaseException:
            await self.supervisor.__aexit__()
            raise
        return self

    async def __aexit__(self, *error: object) -> None:
        """Stop every worker."""
        await self.supervisor.__aexit__(*error)

    def endpoints(self, model: str) -> Sequence[Endpoint]:
        """Return the workers that serve a model (by its name here, its published one or its folder) and are ready now.

        Raises:
            UnusableEndpointError: there is no worker for it, or all of them stopped or died for good.
        """
        serving = [w for w in self.supervisor.workers if w.spec.serves(model)]
        if not serving:
            names = ", ".join(sorted({w.spec.name for w in self.supervisor.workers}))
            raise UnusableEndpointError(f"no worker serves {model}: there are workers for {names or 'no model'}")
        if all(worker.settled for worker in serving):
            raise UnusableEndpointError(f"no worker for {model} is left: {_reasons(serving)}")
        return [
            _endpoint(w.name, w.port, w.key, w.spec, model)
            for w in serving
            if w.state == "ready" and w.port is not None
        ]

    async def _first_ready(self, started: Sequence[Worker]) -> None:
        said: dict[str, str] = {}
        while True:
            for worker in started:
                line = described(worker.state, worker.phase, worker.reason)
                if said.get(worker.name) != line:
                    said[worker.name] = line
                    self._report(f"worker {worker.name}: {line}")
            groups = [[w for w in started if w.spec.name == name] for name in {spec.name for spec in self._specs}]
            for group in groups:
                if all(worker.settled for worker in group):
                    raise RunError(f"no worker for {group[0].spec.name} came up: {_reasons(group)}; see {group[0].log}")
            if all(any(worker.state == "ready" for worker in group) for group in groups):
                return
            await self.supervisor.changed()


class AttachedWorkers:
    """An `EndpointSource`: the workers of `workbench workers start`, followed through the database."""

    FRESH_SECONDS = 0.25
    """The database is asked at most so often."""

    def __init__(self, path: Path) -> None:
        """Open the database to read from it.

        Raises:
            StorageError: it can't be read. WrongDatabaseError: there is none.
        """
        self._path = path
        self._db: Database = open_readonly(path)
        self._read_at = -self.FRESH_SECONDS
        self._rows: list[dict[str, Any]] = []

    def close(self) -> None:
        """Close the database."""
        self._db.conn.close()

    def models(self) -> list[str]:
        """Return the models that workers serve chats for, ready or not."""
        rows = [row for row in self._current() if row["state"] not in ("stopped", "dead")]
        return list(dict.fromkeys(row["model"] for row in rows if not WorkerSpec.from_json(row["spec"]).embedding))

    def endpoints(self, model: str) -> Sequence[Endpoint]:
        """Return the workers that serve a model and are ready now.

        Raises:
            UnusableEndpointError: there is no worker for it, all of them stopped or died for good, or their keys are
                another user's.
        """
        specs = [(row, WorkerSpec.from_json(row["spec"])) for row in self._current()]
        serving = [(row, spec) for row, spec in specs if spec.serves(model)]
        if all(row["state"] in ("stopped", "dead") for row, _ in serving):
            raise UnusableEndpointError(
                f"no worker of this database serves {model}: `workbench workers start --model {model}` starts one"
            )
        found = []
        for row, spec in serving:
            if row["state"] == "ready" and row["port"] is not None:
                key = load_key(row["id"])
                if key is None:
                    raise UnusableEndpointError(f"worker {row['name']}: its key can't be read: another user started it")
                found.append(_endpoint(row["name"], row["port"], key, spec, model))
        return found

    def _current(self) -> list[dict[str, Any]]:
        if time.monotonic() - self._read_at >= self.FRESH_SECONDS:
            with explained(self._path):
                rows = list_workers(self._db, supervisor_alive)
            self._rows = [row for row in rows if row["kind"] == "detached"]
            self._read_at = time.monotonic()
        return self._rows


def described(state: str, phase: str | None, reason: str | None) -> str:
    """Return a worker's state in words for a line."""
    return f"{state}{f' ({phase})' if phase else ''}{f': {reason}' if reason else ''}"


def _reasons(workers: Sequence[Worker]) -> str:
    return "; ".join(f"{w.name} {described(w.state, '', w.reason)}" for w in workers)


def _endpoint(name: str, port: int, key: str, spec: WorkerSpec, model: str) -> Endpoint:
    return Endpoint(
        name=name,
        base_url=f"http://127.0.0.1:{port}/v1",
        key=key,
        models=dict.fromkeys((spec.name, spec.model, model), spec.name),
        max_in_flight=IN_FLIGHT,
        timeout=TRY_SECONDS,
        health_url=f"http://127.0.0.1:{port}/health",
    )
