"""Whole runs on real servers: what `make demo` does on the surrogate, and what is left of it after kill -9.

Replies are random, so no score is looked at but to see that it is the same again.
"""

import json
import os
import shlex
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.vllm.serving import KEY, Server, wait_until
from workbench.workers.identity import MARKER

pytestmark = pytest.mark.vllm

EXPERIMENT = """
world = "model"
models = ["tiny"]
limit = 7
rollouts = 5
crisis = "off"         # a model that knows nothing sees danger everywhere, or nowhere
threshold = 5
max_questions = 3
[roles.agent]
temperature = 0.7      # or it replies the same to everybody
[roles.judge]
temperature = 0.7
[roles.planner]
temperature = 0.7
"""
UNITS = 7 + 4 * 7


class Desk:
    """A folder to work in, with the experiment, the models and a database."""

    def __init__(self, folder: Path, models: Path, command: Path) -> None:
        self.folder, self.database = folder, folder / "workbench.db"
        (folder / "e.toml").write_text(EXPERIMENT)
        for model in ("tiny", "tiny-embed"):
            (folder / model).symlink_to(models / model)
        kept = {
            name: text for name, text in os.environ.items() if not name.startswith(("OPENAI", "AZURE", "WORKBENCH"))
        }
        self.environment = kept | {"VLLM_COMMAND": str(command), "OPENAI_API_KEY": KEY}

    @contextmanager
    def start(self, *words: str) -> "Iterator[subprocess.Popen[str]]":
        """Start the workbench; where the block fails, tell it to stop and to stop its workers."""
        line = [sys.executable, "-m", "workbench", *words]
        out = subprocess.PIPE
        with subprocess.Popen(
            line, cwd=self.folder, env=self.environment, stdout=out, stderr=out, text=True
        ) as process:
            try:
                yield process
            except BaseException:
                process.terminate()
                process.communicate()
                raise

    def work(self, *words: str, code: int = 0) -> str:
        """Run the workbench to its end and return its stdout."""
        with self.start(*words) as process:
            out, told = process.communicate(timeout=400)
        assert process.returncode == code, told
        assert KEY not in out + told
        return out

    def rows(self, *words: str) -> list[dict[str, Any]]:
        """Return what a command prints as JSON lines."""
        return [json.loads(line) for line in self.work(*words, "--format", "jsonl").splitlines()]

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Ask the database; empty where it is not there yet."""
        try:
            with closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)) as db:
                return db.execute(sql).fetchall()
        except sqlite3.OperationalError:
            return []

    def done(self) -> int:
        """Return how many units are finished."""
        return sum(
            count for state, count in self.query("select state, count(*) from units group by state") if state == "done"
        )

    def workers(self) -> dict[str, int]:
        """Return the ready workers' servers: name -> pid."""
        return dict(self.query("select name, pid from workers where state = 'ready'"))

    def at_work(self, process: "subprocess.Popen[str]", workers: int, units: int) -> bool:
        """Tell whether a run has so many workers ready and units finished; it must not be over."""
        assert process.poll() is None, process.communicate()
        return len(self.workers()) == workers and self.done() >= units

    def results(self) -> dict[tuple[str, str], Any]:
        """Return what the run is about: scores, questions and what was learned, by scenario and arm."""
        found = [row for row in self.rows("show", "scores") if row["judge"] == "tiny"]
        assert not any(row["failed"] for row in found)
        return {(row["scenario_id"], row["arm"]): (row["score"], row["questions"], row["given"]) for row in found}


@pytest.fixture
def desk(tmp_path: Path, models: Path, command: Path) -> Desk:
    return Desk(tmp_path, models, command)


@pytest.fixture(scope="module")
def expected(
    tmp_path_factory: pytest.TempPathFactory, models: Path, command: Path, server: Server
) -> tuple[Desk, Mapping[tuple[str, str], Any]]:
    """Return the results of a run that nothing disturbed, on a server that was there before."""
    desk = Desk(tmp_path_factory.mktemp("undisturbed"), models, command)
    before = server.metric("request_success_total")
    desk.work("run", "e.toml", "--base-url", server.base_url)
    calls = desk.rows("show", "calls")
    assert sum(row["calls"] for row in calls) == server.metric("request_success_total") - before
    return desk, desk.results()


@contextmanager
def nothing_left(desk: Desk) -> Iterator[None]:
    """Fail where a process of the desk's workers outlives the block."""
    yield
    marks = {f"{MARKER}={worker}".encode() for (worker,) in desk.query("select id from workers")}
    left = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            try:
                environment = (folder / "environ").read_bytes()
            except OSError:
                continue
            if marks & set(environment.split(b"\0")) or f"{desk.folder}/tiny".encode() in environment:
                left.append(folder.name)
    assert not left


def unread(port: int) -> bool:
    """Tell whether a server of this machine was sent something that it did not read yet."""
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return any(fields[1].endswith(f":{port:04X}") and not fields[4].endswith(":00000000") for fields in lines)


def test_seven_scenarios_are_planned_lived_and_judged(expected: tuple[Desk, Mapping[tuple[str, str], Any]]) -> None:
    desk, results = expected
    assert desk.done() == UNITS
    assert Counter(arm for _, arm in results) == dict.fromkeys(("vanilla", "agent", "planner", "full"), 7)
    assert sum(questions for _, questions, _ in results.values()) > 0
    assert len({score for score, _, _ in results.values()}) > 3
    calls = desk.rows("show", "calls")
    assert {row["role"] for row in calls if row["arm"] == "planner"} == {"agent", "judge", "user"}
    assert {row["role"] for row in calls if row["arm"] == "search"} == {"agent", "judge", "planner"}
    assert sum(row["cached_tokens"] for row in calls) > sum(row["prompt_tokens"] for row in calls) / 4
    assert not any(row["failed"] for row in calls)
    for name in ("workbench.db", "workbench.db-wal"):
        assert KEY.encode() not in (desk.folder / name).read_bytes() if (desk.folder / name).exists() else True


def test_a_finished_run_asks_nothing_more(expected: tuple[Desk, Mapping[tuple[str, str], Any]], server: Server) -> None:
    desk, results = expected
    before = server.metric("request_success_total")
    desk.work("run", "e.toml", "--base-url", server.base_url)
    assert server.metric("request_success_total") == before
    desk.work("run", "e.toml", "--base-url", server.base_url, "--new")
    assert server.metric("request_success_total") == before, "another run of the same is answered from the cache"
    assert desk.results() == results


def test_one_call_at_a_time_gives_the_same(
    desk: Desk, expected: tuple[Desk, Mapping[tuple[str, str], Any]], server: Server
) -> None:
    flags = ("--concurrency", "1", "--max-in-flight", "1")
    desk.work("run", "e.toml", "--base-url", server.base_url, *flags)
    assert desk.results() == expected[1]


def test_what_was_asked_can_be_read_and_judged_again(
    expected: tuple[Desk, Mapping[tuple[str, str], Any]], server: Server
) -> None:
    desk, _ = expected
    unit, run = next((row["unit"], row["run"]) for row in desk.rows("show", "scores") if row["arm"] == "planner")
    ask = ("show", "unit", str(unit), "--prompts")
    calls = json.loads(desk.work(*ask, "--format", "json"))["calls"]
    shown = [shlex.split(line) for line in desk.work(*ask).splitlines() if line.startswith("curl ")]
    assert len(shown) == len(calls) > 2
    for words, call in zip(shown, calls, strict=True):
        status, answer = server.post("/chat/completions", json.loads(words[words.index("-d") + 1]))
        assert status == 200
        assert answer["choices"][0]["message"]["content"].strip() == call["text"].strip()
    before = len(desk.rows("show", "scores"))
    desk.work("judge", run, "--judges", "tiny", "--base-url", server.base_url)
    assert len(desk.rows("show", "scores")) == before + 4 * 7, "the same judge again is another row"


def test_a_killed_worker_costs_retries_and_no_result(
    desk: Desk, expected: tuple[Desk, Mapping[tuple[str, str], Any]]
) -> None:
    run = ("run", "e.toml", "--workers", "2", "--gpus", "none")
    with nothing_left(desk), desk.start(*run) as process:
        wait_until(partial(desk.at_work, process, 2, 1), "it works")
        name, pid = sorted(desk.workers().items())[0]
        os.kill(pid, signal.SIGKILL)
        _, told = process.communicate(timeout=300)
        assert process.returncode == 0, told
        assert desk.query(f"select restarts from workers where name = '{name}'") == [(1,)]
    assert desk.done() == UNITS
    assert desk.results() == expected[1]
    calls = desk.rows("show", "calls")
    assert sum(row["retries"] for row in calls) > 0
    assert sum(row["failed"] for row in calls) == 0
    assert sum(row["cached_tokens"] for row in calls) > 0
    assert {end for (end,) in desk.query("select distinct endpoint from calls where hit = 0")} == {"tiny-1", "tiny-2"}


def test_a_killed_run_and_then_both_are_taken_up_to_the_same_end(
    desk: Desk, expected: tuple[Desk, Mapping[tuple[str, str], Any]]
) -> None:
    run = ("run", "e.toml", "--workers", "1", "--gpus", "none")
    with nothing_left(desk):
        for units, both in ((1, False), (12, True)):
            with desk.start(*run) as process:
                wait_until(partial(desk.at_work, process, 1, units), "it works")
                (pid,) = desk.workers().values()
                for victim in (process.pid, pid) if both else (process.pid,):
                    os.kill(victim, signal.SIGKILL)
            assert 0 < desk.done() < UNITS
        desk.work(*run)
    assert desk.done() == UNITS
    assert desk.results() == expected[1]


def test_workers_in_the_background_serve_runs(desk: Desk, expected: tuple[Desk, Mapping[tuple[str, str], Any]]) -> None:
    with nothing_left(desk):
        try:
            desk.work("workers", "start", "--model", "./tiny", "--gpus", "none", "--replicas", "1")
            (row,) = desk.rows("workers", "status")
            assert (row["name"], row["state"]) == ("tiny-1", "ready")
            desk.work("run", "e.toml")
        finally:
            desk.work("workers", "stop")
    assert desk.results() == expected[1]


def test_an_embedding_server_finds_the_planned_paths(desk: Desk, server: Server, embedding_server: Server) -> None:
    tables = f"""
[endpoints.chat]
base_url = "{server.base_url}"
key_env = "OPENAI_API_KEY"
models = {{ tiny = "tiny" }}
[endpoints.embedding]
base_url = "{embedding_server.base_url}"
key_env = "OPENAI_API_KEY"
models = {{ tiny-embed = "tiny-embed" }}
"""
    (desk.folder / "embedded.toml").write_text(EXPERIMENT + tables)
    before = embedding_server.metric("request_success_total")
    desk.work("run", "embedded.toml", "--arms", "planner", "--rollouts", "3", "--embedder", "served:tiny-embed")
    found = desk.rows("show", "scores")
    assert [row["neighbours"] for row in found] == [5] * 7
    assert embedding_server.metric("request_success_total") > before


@pytest.mark.parametrize(
    "words",
    [("--from", "posts.jsonl", "--presence", "1"), ("--synthetic", "2", "--queries", "2")],
    ids=["posts", "queries"],
)
def test_scenarios_are_built_and_every_item_is_decided(desk: Desk, server: Server, words: tuple[str, ...]) -> None:
    """What a model of random words builds is nothing to look at; but each reply can be read, and nothing fails."""
    posts = ("I am 41, my knees hurt and the bakery is mine. Should I sell?", "At 29 I feel torn. Do I move?")
    (desk.folder / "posts.jsonl").write_text("".join(json.dumps({"text": post}) + "\n" for post in posts))
    command = ("scenarios", "build", *words, "--world", "model", "--model", "tiny", "--base-url", server.base_url)
    with desk.start(*command) as process:
        _, told = process.communicate(timeout=400)
    assert process.returncode in (0, 3), told
    states = [state for (state,) in desk.query("select state from build_items")]
    assert len(states) == 2
    assert set(states) <= {"done", "rejected"}, desk.query("select * from rejections")
    assert set(desk.query("select role from calls where not hit")) == {("builder",)}
    before = server.metric("request_success_total")
    with desk.start(*command) as process:
        process.communicate(timeout=400)
    assert server.metric("request_success_total") == before
