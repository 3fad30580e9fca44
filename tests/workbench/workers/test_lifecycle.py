"""Every row of "How a server lives and dies", on a stub that dies the same ways."""

import os
import signal
import socket
from dataclasses import replace
from pathlib import Path

import anyio
import pytest

from simulator.client.types import UnusableEndpointError
from tests.workbench.workers.running import COMMAND, FAST, children, pool, spec, until
from workbench.engine.errors import RunError, UsageError
from workbench.workers import process as processes
from workbench.workers.command import arguments, environment
from workbench.workers.identity import ours, process
from workbench.workers.process import launch

pytestmark = pytest.mark.anyio

SLOW_RESTART = replace(FAST, backoff=60.0, longest=60.0)
"""Leaves time to look at a worker that waits for its next start."""


async def test_a_worker_starts_serves_and_is_gone_with_everything_it_started(database: Path, model: Path) -> None:
    async with pool(database, spec(model)) as workers:
        (worker,) = workers.supervisor.workers
        (endpoint,) = workers.endpoints("tiny")
        assert endpoint.base_url == f"http://127.0.0.1:{worker.port}/v1"
        assert endpoint.key == worker.key
        assert len(ours(worker.id)) == 3
    assert worker.state == "stopped"
    assert ours(worker.id) == []


async def test_sigterm_when_up_ends_with_code_0(tmp_path: Path, model: Path) -> None:
    log = tmp_path / "log"
    line = arguments(spec(model), COMMAND, processes.free_port(), None)
    server = launch(line, environment("marker-1", "key", ()), log)
    await until(lambda: "startup complete" in log.read_text())
    assert await server.stop(grace=20) == 0
    assert ours("marker-1") == []


async def test_sigterm_while_spawning_hangs_so_kill_follows(
    tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STUB_HANG", "1")
    log = tmp_path / "log"
    line = arguments(spec(model), COMMAND, processes.free_port(), None)
    server = launch(line, environment("marker-2", "key", ()), log)
    await until(lambda: "spawning" in log.read_text())
    assert await server.stop(grace=0.05) == -signal.SIGKILL
    assert ours("marker-2") == []


async def test_a_start_that_hangs_is_cut_off_by_the_end_of_the_run(
    database: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STUB_HANG", "1")
    workers = pool(database, spec(model))
    supervisor = workers.supervisor
    with anyio.CancelScope() as scope:
        async with anyio.create_task_group() as tasks:

            async def stop_later() -> None:
                await until(lambda: supervisor.workers and supervisor.workers[0].pid)
                await until(lambda: "spawning" in supervisor.workers[0].log.read_text())
                scope.cancel()

            tasks.start_soon(stop_later)
            async with workers:
                raise AssertionError("it never gets here")
    (worker,) = supervisor.workers
    assert worker.state == "stopped"
    assert ours(worker.id) == []


async def test_a_killed_server_takes_its_engine_along_and_comes_back_on_another_port(
    database: Path, model: Path
) -> None:
    async with pool(database, spec(model)) as workers:
        (worker,) = workers.supervisor.workers
        pid, port, engine = worker.pid, worker.port, children(worker)[0]
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        await until(lambda: not workers.endpoints("tiny"), "the endpoint to vanish")
        await until(lambda: process(engine) is None, "the engine to go")
        assert "signal 9" in worker.reason
        await until(lambda: worker.state == "ready")
        assert (worker.restarts, worker.reason) == (1, "")
        assert worker.port != port
        assert worker.pid != pid
        assert [e.base_url for e in workers.endpoints("tiny")] == [f"http://127.0.0.1:{worker.port}/v1"]


async def test_a_killed_engine_ends_the_server_with_code_0_which_is_no_clean_stop(database: Path, model: Path) -> None:
    async with pool(database, spec(model), timings=SLOW_RESTART) as workers:
        (worker,) = workers.supervisor.workers
        os.kill(children(worker)[0], signal.SIGKILL)
        await until(lambda: worker.state == "restarting")
        assert "exit code 0" in worker.reason
        assert "EngineDeadError" in worker.reason
        await until(lambda: worker.restarts == 1)


async def test_a_killed_engine_worker_shows_in_health_before_the_server_goes(
    database: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STUB_DYING", "60")
    async with pool(database, spec(model), timings=SLOW_RESTART) as workers:
        (worker,) = workers.supervisor.workers
        os.kill(children(worker)[1], signal.SIGKILL)
        await until(lambda: worker.state == "restarting")
        assert "/health" in worker.reason
        assert "a worker process died" in worker.reason
        await until(lambda: ours(worker.id) == [], "the old server to go")


async def test_a_silent_server_is_given_up_after_several_checks(
    database: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    silent = tmp_path / "silent"
    monkeypatch.setenv("STUB_SILENT", str(silent))
    async with pool(database, spec(model), timings=replace(SLOW_RESTART, timeout=0.1)) as workers:
        (worker,) = workers.supervisor.workers
        silent.touch()
        await until(lambda: worker.state == "restarting")
        assert "does not answer" in worker.reason


async def test_a_wrong_path_is_refused_before_anything_starts(database: Path, tmp_path: Path) -> None:
    workers = pool(database, spec(tmp_path / "nowhere"))
    with pytest.raises(UsageError, match=r"no model at .*nowhere"):
        await workers.__aenter__()
    (tmp_path / "empty").mkdir()
    workers = pool(database, spec(tmp_path / "empty"))
    with pytest.raises(UsageError, match=r"no config\.json"):
        await workers.__aenter__()


async def test_a_model_that_does_not_exist_anywhere_is_given_up_after_two_tries(database: Path) -> None:
    workers = pool(database, spec(Path("somebody/nothing")))
    with pytest.raises(RunError, match="tiny-1 dead: ended with exit code 1 before it was ready: huggingface_hub"):
        await workers.__aenter__()
    (worker,) = workers.supervisor.workers
    assert (worker.state, worker.restarts) == ("dead", 1)


async def test_an_unknown_flag_is_not_tried_twice(database: Path, model: Path) -> None:
    workers = pool(database, spec(model, arguments=("--no-such-flag",)))
    with pytest.raises(RunError, match=r"exit code 2.*unrecognized arguments: --no-such-flag"):
        await workers.__aenter__()
    assert workers.supervisor.workers[0].restarts == 0


async def test_what_the_log_says_first_is_the_reason(
    database: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STUB_EXIT", "1")
    with pytest.raises(RunError, match="CUDA out of memory"):
        await pool(database, spec(model)).__aenter__()


async def test_a_port_taken_meanwhile_is_tried_again_on_another(
    database: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen: list[int] = []
    with socket.create_server(("127.0.0.1", 0)) as other:
        ports = iter([other.getsockname()[1]])

        def choose(taken: list[int]) -> int:
            chosen.append(next(ports, 0) or processes.free_port(taken))
            return chosen[-1]

        monkeypatch.setattr("workbench.workers.supervisor.free_port", choose)
        async with pool(database, spec(model)) as workers:
            (worker,) = workers.supervisor.workers
            assert worker.port == chosen[1] != chosen[0]
            assert worker.restarts == 0


async def test_crash_after_crash_ends_in_death(database: Path, model: Path) -> None:
    async with pool(database, spec(model), spec(model, name="other")) as workers:
        worker = next(w for w in workers.supervisor.workers if w.spec.name == "tiny")
        for crash in range(FAST.restarts + 1):
            await until(lambda crash=crash: worker.restarts == crash and worker.state == "ready")  # type: ignore[misc]
            assert worker.pid is not None
            os.kill(worker.pid, signal.SIGKILL)
        await until(lambda: worker.state == "dead")
        noticed = "killed by signal 9|it no longer listens"  # whichever was looked at first
        with pytest.raises(UnusableEndpointError, match=rf"no worker for tiny is left: tiny-1 dead: ({noticed})"):
            workers.endpoints("tiny")
        assert len(workers.endpoints("other")) == 1
        workers.supervisor.start(["tiny-1"])
        await until(lambda: worker.state == "ready", "the dead to be started again")


async def test_a_model_that_nobody_serves_is_refused(database: Path, model: Path) -> None:
    async with pool(database, spec(model)) as workers:
        with pytest.raises(UnusableEndpointError, match="no worker serves big: there are workers for tiny"):
            workers.endpoints("big")
