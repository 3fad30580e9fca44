"""Workers together with what uses them: requests that go on, draining, the database, leftovers of the dead."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import anyio
import pytest

from simulator.client.client import ChatClient
from simulator.client.types import ChatRequest, Message, UnusableEndpointError
from storage import commands, workers
from storage.database import open_readonly, open_writable, transaction
from storage.runs import OwnedError, Owner
from tests.workbench.workers.running import COMMAND, FAST, PATIENCE_SECONDS, children, pool, spec, until
from workbench.engine.errors import RunError, UsageError
from workbench.workers.command import environment
from workbench.workers.detached import add_workers, command_workers, end_abandoned, list_detached
from workbench.workers.identity import MARKER, ours, process, send
from workbench.workers.keys import load_key, save_key
from workbench.workers.pool import AttachedWorkers
from workbench.workers.supervisor import ALL, ENDED, Supervisor, supervisor_alive

SUPERVISE = (
    "import sys; from workbench.workers.detached import main; from workbench.workers.worker import Timings; "
    f"sys.exit(main(sys.argv[1:], {FAST!r}))"
)


@contextmanager
def supervising(database: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a detached supervisor with quick timings; at the end nothing of it is left."""
    process = subprocess.Popen([sys.executable, "-c", SUPERVISE, str(database)])
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        for marker in markers(database):
            for left in ours(marker):
                send(left, signal.SIGKILL)


def markers(database: Path) -> list[str]:
    with sqlite3.connect(database) as db:
        return [row[0] for row in db.execute("select id from workers")]


def wait(condition: Any) -> Any:
    """Wait until a condition holds, and return what it gave."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (found := condition()):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)
    return found


def rows(database: Path) -> list[dict[str, Any]]:
    db = open_readonly(database)
    try:
        return workers.list_workers(db, supervisor_alive)
    finally:
        db.conn.close()


def is_supervised(database: Path) -> bool:
    db = open_readonly(database)
    try:
        return workers.live_supervisor(db, supervisor_alive) is not None
    finally:
        db.conn.close()


def request(number: int) -> ChatRequest:
    return ChatRequest("tiny", (Message("user", f"Number {number}"),), sample=number, sticky=str(number % 7))


@pytest.mark.anyio
async def test_workers_that_die_while_requests_run_cost_retries_not_results(
    database: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STUB_REPLY", "0.05")
    async with pool(database, spec(model, replicas=2)) as source:
        await until(lambda: len(source.endpoints("tiny")) == 2)
        one, other = source.supervisor.workers
        replies: list[str] = []
        async with ChatClient(source) as client, anyio.create_task_group() as tasks:

            async def ask(number: int) -> None:
                replies.append((await client.complete(request(number))).text)

            for number in range(120):
                tasks.start_soon(ask, number)
            await until(lambda: len(replies) >= 10)
            assert one.pid is not None
            os.kill(one.pid, signal.SIGKILL)
            await until(lambda: len(replies) >= 30)
            os.kill(children(other)[0], signal.SIGKILL)
        assert len(replies) == 120
        assert len(set(replies)) >= 2
        assert {one.restarts, other.restarts} == {1}


@pytest.mark.anyio
async def test_draining_takes_no_new_requests_and_finishes_the_old(
    database: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STUB_REPLY", "0.4")
    async with pool(database, spec(model)) as source:
        (worker,) = source.supervisor.workers
        replies: list[str] = []
        async with ChatClient(source) as client, anyio.create_task_group() as tasks:

            async def ask() -> None:
                replies.append((await client.complete(request(1))).text)

            tasks.start_soon(ask)
            await until(lambda: worker.metrics and worker.metrics.running)
            source.supervisor.drain(["tiny-1"])
            await until(lambda: worker.state == "draining")
            assert source.endpoints("tiny") == []
        assert len(replies) == 1
        await until(lambda: worker.state == "stopped")
        with pytest.raises(UnusableEndpointError, match="tiny-1 stopped"):
            source.endpoints("tiny")


@pytest.mark.anyio
async def test_states_and_figures_are_written_and_keys_are_not(
    database: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-not-for-servers")
    async with pool(database, spec(model)) as source:
        (worker,) = source.supervisor.workers
        async with ChatClient(source) as client:
            for number in range(3):
                await client.complete(request(number))
        await until(lambda: rows(database)[0]["tokens_per_s"] is not None)
        (row,) = rows(database)
        assert (row["name"], row["state"], row["model"], row["pid"]) == ("tiny-1", "ready", "tiny", worker.pid)
        assert (row["running"], row["cache"], row["kind"]) == (0, 0.25, "run")
        environ = Path(f"/proc/{worker.pid}/environ").read_bytes()
        assert b"sk-not-for-servers" not in environ
        assert worker.key.encode() in environ
        assert worker.key.encode() not in Path(f"/proc/{worker.pid}/cmdline").read_bytes()
    for file in tmp_path.rglob("*"):
        assert not file.is_file() or worker.key.encode() not in file.read_bytes(), file
    (row,) = rows(database)
    assert (row["state"], row["pid"], row["running"]) == ("stopped", None, None)


def test_a_detached_supervisor_does_what_commands_say(database: Path, model: Path) -> None:
    with supervising(database) as supervisor:
        wait(lambda: is_supervised(database))
        db = open_writable(database)
        assert add_workers(db, database, [spec(model, replicas=2)], COMMAND) == ["tiny-1", "tiny-2"]
        assert add_workers(db, database, [spec(model, name="x/embed", embedding=True)], COMMAND) == ["x-embed-1"]
        wait(lambda: all(row["state"] == "ready" for row in rows(database)))
        with pytest.raises(UsageError, match=r"no NVIDIA GPU|no room"):
            add_workers(db, database, [spec(model, gpus=None, tensor_parallel=999)], COMMAND)
        source = AttachedWorkers(database)
        assert source.models() == ["tiny"]
        assert {endpoint.name for endpoint in source.endpoints("tiny")} == {"tiny-1", "tiny-2"}
        assert {endpoint.key for endpoint in source.endpoints("tiny")} == {
            load_key(row["id"]) for row in list_detached(db, database) if row["model"] == "tiny"
        }
        assert "no verb" in str(command_workers(db, database, "worker:tiny-1", "dance"))
        assert command_workers(db, database, "worker:tiny-1", "drain") is None
        wait(lambda: [row["state"] for row in rows(database)] == ["stopped", "ready", "ready"])
        assert command_workers(db, database, "worker:tiny-1", "start") is None
        wait(lambda: [row["state"] for row in rows(database)] == ["ready"] * 3)
        assert command_workers(db, database, ALL, "stop") is None
        assert supervisor.wait(PATIENCE_SECONDS) == 0
        assert [row["state"] for row in rows(database)] == ["stopped"] * 3
        assert command_workers(db, database, ALL, "stop") == ENDED
        assert [ours(row["id"]) for row in rows(database)] == [[], [], []]
        assert [load_key(row["id"]) for row in rows(database)] == [None] * 3
        with pytest.raises(UnusableEndpointError, match="workers start --model tiny"):
            wait(lambda: not source.endpoints("tiny"))
        source.close()
        db.conn.close()


def test_a_second_supervisor_of_a_database_refuses_in_one_line(database: Path) -> None:
    with supervising(database) as first:
        wait(lambda: is_supervised(database))
        second = subprocess.run(
            [sys.executable, "-c", SUPERVISE, str(database)], capture_output=True, text=True, check=False
        )
        assert second.returncode == 2
        assert second.stderr.count("\n") == 1
        assert f"process {first.pid}" in second.stderr
        assert "workers status" in second.stderr
        first.send_signal(signal.SIGTERM)
        assert first.wait(PATIENCE_SECONDS) == 0


def test_signals_end_a_supervisor_with_its_workers(database: Path, model: Path) -> None:
    with supervising(database) as supervisor:
        wait(lambda: is_supervised(database))
        db = open_writable(database)
        add_workers(db, database, [spec(model)], COMMAND)
        db.conn.close()
        (marker,) = markers(database)
        wait(lambda: rows(database)[0]["state"] == "ready")
        for _ in range(3):
            supervisor.send_signal(signal.SIGTERM)
        assert supervisor.wait(PATIENCE_SECONDS) == 0
        assert ours(marker) == []
        assert rows(database)[0]["state"] == "stopped"


def test_what_a_killed_supervisor_left_is_reaped_and_nothing_else(database: Path, model: Path, tmp_path: Path) -> None:
    with supervising(database) as supervisor:
        wait(lambda: is_supervised(database))
        db = open_writable(database)
        add_workers(db, database, [spec(model, replicas=2)], COMMAND)
        wait(lambda: all(row["state"] == "ready" for row in rows(database)))
        first, second = rows(database)
        supervisor.kill()
        supervisor.wait()
        os.kill(first["pid"], signal.SIGKILL)  # the server too: its engine lives on
        wait(lambda: len(ours(first["id"])) == 2)
        assert [row["state"] for row in rows(database)] == ["dead", "dead"]
        assert "supervisor is gone" in rows(database)[0]["reason"]
        line = [*COMMAND, "serve", str(model), "--served-model-name", "tiny", "--host", "127.0.0.1", "--port", "0"]
        with (tmp_path / "other.log").open("wb") as out:
            others = [
                subprocess.Popen(line, env=env, stdout=out, stderr=out, start_new_session=True)
                for env in (environment("another-marker", "k", ()), {"VLLM_API_KEY": first["id"]})
            ]
        reported: list[str] = []
        assert end_abandoned(db, database, reported.append) == 2
        db.conn.close()
        assert len(reported) == 2
        assert [ours(row["id"]) for row in (first, second)] == [[], []]
        assert load_key(first["id"]) is None
        assert rows(database) == []
        for other in others:
            assert other.poll() is None
            os.killpg(other.pid, signal.SIGKILL)
            other.wait()


@pytest.mark.anyio
async def test_the_next_run_reaps_what_an_earlier_one_left(database: Path, model: Path) -> None:
    with supervising(database) as supervisor:
        wait(lambda: is_supervised(database))
        db = open_writable(database)
        add_workers(db, database, [spec(model)], COMMAND)
        db.conn.close()
        (marker,) = markers(database)
        wait(lambda: ours(marker))
        supervisor.kill()
        supervisor.wait()
        async with pool(database, spec(model)) as source:
            assert ours(marker) == []
            assert [worker.name for worker in source.supervisor.workers] == ["tiny-1"]


def test_rows_of_another_machine_stay(database: Path) -> None:
    db = open_writable(database)
    with transaction(db):
        owner = Owner("elsewhere", 1, "1")
        workers.claim_supervisor(db, "s", "detached", owner, supervisor_alive)
        row = {"name": "far-1", "model": "far", "state": "ready", "since": "", "spec": "{}", "gpus": "[]", "log": ""}
        workers.add_worker(db, {"id": "w", "supervisor": "s", **row})
        with pytest.raises(OwnedError, match="process 1 on elsewhere"):
            workers.claim_supervisor(db, "t", "detached", owner, supervisor_alive)
        db.conn.execute("update supervisors set heartbeat = 0")
    end_abandoned(db, database, lambda line: pytest.fail(line))
    assert markers(database) == ["w"]
    db.conn.close()


def test_stale_commands_are_not_obeyed_by_a_later_supervisor(database: Path) -> None:
    db = open_writable(database)
    with transaction(db):
        number = commands.issue(db, ALL, "add", json.dumps({"specs": [], "command": []}))

    async def supervise() -> None:
        async with Supervisor(database, "detached", timings=FAST):
            pass

    anyio.run(supervise)
    assert commands.answer(db, number) == (ENDED,)
    db.conn.close()


def test_a_marker_is_known_exactly_and_a_reused_pid_is_not_signalled() -> None:
    sleeper = subprocess.Popen(["sleep", "60"], env={**os.environ, MARKER: "abc-2"}, start_new_session=True)
    try:
        found = wait(lambda: [p for p in ours("abc-2") if p.pid == sleeper.pid])[0]
        assert ours("abc") == []
        assert ours("abc-22") == []
        earlier = type(found)(found.pid, str(int(found.started) - 1), found.group, found.session)
        assert not send(earlier, signal.SIGKILL)
        assert process(sleeper.pid) == found
        assert send(found, signal.SIGKILL)
    finally:
        with suppress(ProcessLookupError):
            sleeper.kill()
        sleeper.wait()
    assert not send(found, signal.SIGKILL)


def test_keys_are_for_one_user_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runtime = tmp_path / "run"
    runtime.mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    save_key("w", "secret")
    assert load_key("w") == "secret"
    assert (runtime / "workbench").stat().st_mode & 0o777 == 0o700
    assert (runtime / "workbench" / "w.key").stat().st_mode & 0o777 == 0o600
    (runtime / "workbench").chmod(0o755)
    with pytest.raises(RunError, match="nobody else may open"):
        save_key("w", "secret")
