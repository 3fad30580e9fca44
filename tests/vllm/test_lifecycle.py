"""How a real server lives and dies under the supervisor: every way that a vLLM server was seen to end."""

import os
import shutil
import signal
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest
from anyio import to_thread

from simulator.client.types import UnusableEndpointError
from storage.database import open_readonly
from storage.workers import list_workers, recent_metrics
from tests.vllm.serving import get, post
from workbench.engine.errors import RunError, UsageError
from workbench.workers import supervisor as supervising
from workbench.workers.identity import ours
from workbench.workers.pool import WorkerPool
from workbench.workers.process import free_port
from workbench.workers.spec import WorkerSpec
from workbench.workers.supervisor import Supervisor, supervisor_alive
from workbench.workers.worker import Timings, Worker

pytestmark = pytest.mark.vllm

QUICK = Timings(poll=0.05, health=0.25, timeout=3.0, start=120.0, grace=8.0, backoff=0.1, starts=1)


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "workbench.db"


@pytest.fixture
def spec(models: Path) -> WorkerSpec:
    return WorkerSpec("tiny", str(models / "tiny"), gpus=())


async def until(done: Callable[[], object], what: str, seconds: float = 120.0) -> None:
    with anyio.move_on_after(seconds):
        while not done():
            await anyio.sleep(0.05)
        return
    raise TimeoutError(f"not within {seconds:g} s: {what}")


def engines(worker: Worker) -> list[int]:
    """Return the processes of a worker's engine: everything of it that serves the model but the API server."""
    return [p.pid for p in ours(worker.id) if "VLLM::" in Path(f"/proc/{p.pid}/comm").read_text()]


def ask(worker: Worker, tokens: int) -> int:
    """Ask a worker for a reply of so many tokens and return the status."""
    assert worker.port is not None
    body = {"model": worker.spec.name, "prompt": "a", "max_tokens": tokens, "min_tokens": tokens, "seed": 1}
    return post(worker.port, "/v1/completions", body, worker.key)[0]


@asynccontextmanager
async def started(database: Path, spec: WorkerSpec, command: Path) -> AsyncIterator[tuple[Supervisor, Worker]]:
    async with Supervisor(database, timings=QUICK) as supervisor:
        (worker,) = await supervisor.add([spec], [str(command)])
        yield supervisor, worker


def _written(database: Path) -> str:
    with open_readonly(database) as db:
        (row,) = list_workers(db, supervisor_alive)
    return str(row["state"])


def test_a_worker_serves_measures_drains_and_starts_again(database: Path, spec: WorkerSpec, command: Path) -> None:
    async def work() -> None:
        said: list[str] = []
        async with WorkerPool(database, [spec], [str(command)], timings=QUICK, report=said.append) as pool:
            (worker,) = pool.supervisor.workers
            assert any("loading" in line for line in said), "the phases of the start are shown"
            (endpoint,) = pool.endpoints("tiny")
            assert endpoint.key == worker.key
            assert worker.port
            assert await to_thread.run_sync(ask, worker, 1) == 200
            assert post(worker.port, "/v1/completions", {}, "another-key")[0] == 401
            line = Path(f"/proc/{worker.pid}/cmdline").read_text()
            assert worker.key not in line, "anybody on the machine may read command lines"

            async with anyio.create_task_group() as tasks:
                statuses: list[int] = []

                async def ask_long() -> None:
                    statuses.append(await to_thread.run_sync(ask, worker, 3000))

                tasks.start_soon(ask_long)
                await until(lambda: worker.metrics and worker.metrics.running == 1, "the request runs")
                pool.supervisor.drain()
                await until(lambda: worker.state == "draining", "it drains")
                assert pool.endpoints("tiny") == []
            assert statuses == [200], "what ran when it was drained is finished"
            await until(lambda: worker.state == "stopped", "it stopped", 30)
            assert not ours(worker.id)
            with pytest.raises(UnusableEndpointError, match="stopped"):
                pool.endpoints("tiny")

            pool.supervisor.start()
            await until(lambda: worker.state == "ready", "it is up again")
            assert worker.restarts == 0
            port = worker.port
            began = time.monotonic()
            pool.supervisor.stop()
            await until(lambda: worker.state == "stopped", "it stopped again")
            assert time.monotonic() - began < QUICK.grace, "TERM was enough"
            assert get(port, "/health")[0] == 0
            await until(lambda: _written(database) == "stopped", "the database says so")  # the books follow in a moment
            with open_readonly(database) as db:
                figures = recent_metrics(db, worker.id, 600)
            assert worker.key not in database.read_bytes().decode("latin-1")
            assert max(figure["running"] for figure in figures) == 1
            assert max(figure["tokens_per_s"] or 0 for figure in figures) > 0

    anyio.run(work)


def test_one_that_is_stopped_while_it_starts_leaves_nothing(database: Path, spec: WorkerSpec, command: Path) -> None:
    async def work() -> None:
        async with started(database, spec, command) as (supervisor, worker):
            # The moment at which a TERM alone was seen to hang: the engine is being spawned.
            await until(lambda: len(ours(worker.id)) > 1, "the engine is being spawned")
            began = time.monotonic()
            supervisor.stop()
            await until(lambda: worker.state == "stopped", "it stopped")
            assert time.monotonic() - began < QUICK.grace + 5
            assert not ours(worker.id)
            assert worker.restarts == 0

    anyio.run(work)


async def killed(worker: Worker, victim: int, reason: str) -> None:
    """Kill a process of a ready worker and see it come back with nothing left of the old one."""
    before, restarts = {p.pid for p in ours(worker.id)}, worker.restarts
    os.kill(victim, signal.SIGKILL)
    await until(lambda: worker.restarts == restarts + 1, "the death was seen", 15)
    assert reason in worker.reason
    await until(lambda: worker.state == "ready", "it is up again")
    assert not before & {p.pid for p in ours(worker.id)}
    assert await to_thread.run_sync(ask, worker, 1) == 200


def test_a_server_whose_processes_are_killed_comes_back(database: Path, spec: WorkerSpec, command: Path) -> None:
    async def work() -> None:
        async with started(database, spec, command) as (_, worker):
            await until(lambda: worker.state == "ready", "it is up")
            assert worker.pid
            await killed(worker, worker.pid, "killed by signal 9")
            (engine,) = engines(worker)
            await killed(worker, engine, "engine")
        assert not ours(worker.id)

    anyio.run(work)


def test_a_server_whose_model_process_is_killed_comes_back(database: Path, spec: WorkerSpec, command: Path) -> None:
    apart = WorkerSpec.from_dict(spec.to_dict() | {"arguments": ["--distributed-executor-backend", "mp"]})

    async def work() -> None:
        async with started(database, apart, command) as (_, worker):
            await until(lambda: worker.state == "ready", "it is up")
            (model,) = [p for p in engines(worker) if "Worker" in Path(f"/proc/{p}/comm").read_text()]
            await killed(worker, model, "engine")
        assert not ours(worker.id)

    anyio.run(work)


def test_a_path_without_a_model_is_refused_before_anything_starts(
    database: Path, spec: WorkerSpec, command: Path, tmp_path: Path
) -> None:
    async def work() -> None:
        async with Supervisor(database, timings=QUICK) as supervisor:
            with pytest.raises(UsageError, match="no model"):
                await supervisor.add([WorkerSpec("x", str(tmp_path / "nothing"), gpus=())], [str(command)])
            assert not supervisor.workers

    anyio.run(work)


def test_a_broken_model_is_given_up_with_a_reason(
    database: Path, spec: WorkerSpec, command: Path, tmp_path: Path
) -> None:
    broken = shutil.copytree(spec.model, tmp_path / "broken")
    (broken / "model.safetensors").write_bytes(b"no weights")
    pool = WorkerPool(database, [WorkerSpec("broken", str(broken), gpus=())], [str(command)], timings=QUICK)

    async def work() -> None:
        async with pool:
            pass

    with pytest.raises(RunError, match="exit code 1") as caught:
        anyio.run(work)
    assert "safetensor" in str(caught.value).lower(), "the reason is the cause, not what followed from it"
    (worker,) = pool.supervisor.workers
    assert (worker.state, worker.restarts) == ("dead", 0)
    assert not ours(worker.id)


def test_an_unknown_argument_is_given_up_at_once(database: Path, spec: WorkerSpec, command: Path) -> None:
    wrong = WorkerSpec.from_dict(spec.to_dict() | {"arguments": ["--no-such-thing"]})

    async def work() -> None:
        async with started(database, wrong, command) as (_, worker):
            await until(lambda: worker.settled, "it was given up")
            assert (worker.state, worker.restarts) == ("dead", 0)
            assert "exit code 2" in worker.reason
            assert "--no-such-thing" in worker.reason

    anyio.run(work)


def test_a_port_that_was_taken_meanwhile_costs_a_start_and_no_restart(
    database: Path, spec: WorkerSpec, command: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = int(other.getsockname()[1])
        ports = iter([taken])
        monkeypatch.setattr(supervising, "free_port", lambda used: next(ports, None) or free_port(used))

        async def work() -> None:
            async with started(database, spec, command) as (_, worker):
                await until(lambda: worker.state == "ready", "it is up")
                assert "address already in use" in worker.log.read_text(errors="replace").lower()
                assert worker.port != taken
                assert worker.restarts == 0

        anyio.run(work)
