"""The command line on language models: runs, the calls behind them, judging again, keys, kills."""

import json
import os
import signal
from pathlib import Path

import pytest
from pyarrow import parquet

from tests.fakeserver import STALL, FakeServer, status
from tests.workbench.cli.program import complaint, data, here, start

KEY = "sk-a-secret-of-ours-42"
SMALL = ("--limit", 3, "--rollouts", 6, "--depth", 2, "--judges", "m,j", "--quiet", "--format", "json")


def on(server: FakeServer) -> tuple[object, ...]:
    return ("run", "--world", "model", "--base-url", server.url, "--model", "m", *SMALL)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a finished run on a model, made with a key."""
    folder = tmp_path_factory.mktemp("models")
    with FakeServer(key=KEY) as server:
        done = here(*on(server), cwd=folder, env={"OPENAI_API_KEY": KEY})
        assert done.returncode == 0, done.stderr
    return folder


def rows(folder: Path, *arguments: object) -> list[dict[str, object]]:
    done = here("show", *arguments, "--format", "json", cwd=folder)
    assert done.returncode == 0, done.stderr
    found: list[dict[str, object]] = json.loads(done.stdout)
    return found


def test_the_world_stands_in_every_row(folder: Path) -> None:
    assert {row["world"] for row in rows(folder, "scores")} == {"model"}
    assert {row["judge"] for row in rows(folder, "scores")} == {"m", "j"}


def test_the_ledger_says_who_asked_what(folder: Path) -> None:
    ledger = rows(folder, "calls")
    assert {"agent", "judge", "planner"} <= {str(row["role"]) for row in ledger}
    assert all(int(str(row["prompt_tokens"])) > 0 for row in ledger if row["calls"] != row["hits"])


def test_a_unit_shows_the_exact_messages_and_the_call_without_its_key(folder: Path) -> None:
    unit = next(row for row in rows(folder, "units") if row["arm"] == "vanilla")
    scenario = here("scenarios", "show", unit["scenario_id"], "--format", "json", cwd=folder)
    query = json.loads(scenario.stdout)["query"]
    shown = here("show", "unit", unit["unit"], "--prompts", cwd=folder).stdout
    assert query in shown
    assert "[reply, stop]" in shown
    assert '"Authorization: Bearer $OPENAI_API_KEY"' in shown
    calls = json.loads(here("show", "unit", unit["unit"], "--format", "json", cwd=folder).stdout)["calls"]
    assert calls[0]["role"] == "agent"
    assert calls[0]["request"]["messages"][-1]["content"].count(query) == 1


def test_the_key_is_nowhere(folder: Path) -> None:
    for file in folder.iterdir():
        assert KEY.encode() not in file.read_bytes()


def test_an_error_that_echoes_the_key_does_not_show_it(tmp_path: Path) -> None:
    with FakeServer() as server:
        server.rule = lambda body: status(401, f"wrong key {KEY}")
        done = here(*on(server), cwd=tmp_path, env={"OPENAI_API_KEY": KEY})
    assert done.returncode == 1
    assert KEY not in done.stderr + done.stdout
    assert done.stderr.count("\n") == 1
    assert "401" in done.stderr
    for file in tmp_path.iterdir():
        assert KEY.encode() not in file.read_bytes()


def test_a_search_on_its_own_is_planned_on_a_model(tmp_path: Path) -> None:
    how = ("--world", "model", "--model", "m", "--judge", "j", "--rollouts", 6, "--depth", 2, "--format", "json")
    with FakeServer() as server:
        done = here("plan", "13141e", *how, "--base-url", server.url, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert len(json.loads(done.stdout)["rollouts"]) == 6
    again = here("plan", "13141e", *how, "--base-url", server.url, cwd=tmp_path)  # without a server
    assert (again.returncode, again.stdout) == (0, done.stdout)
    (run,) = rows(tmp_path, "runs")
    assert (run["kind"], run["world"], run["models"]) == ("plan", "model", "m")
    assert {row["role"] for row in rows(tmp_path, "calls", "--run", run["run"])} >= {"planner", "judge"}


def test_stored_responses_are_judged_by_another_model_without_generating(folder: Path) -> None:
    run = rows(folder, "runs")[0]["run"]
    with FakeServer(key=KEY) as server:
        done = here(
            *("judge", run, "--judges", "third", "--base-url", server.url, "--quiet", "--format", "json"),
            *("--concurrency", 3),
            cwd=folder,
            env={"OPENAI_API_KEY": KEY},
        )
        assert done.returncode == 0, done.stderr
        assert {request["model"] for request in server.requests} == {"third"}
        assert len(server.requests) == 3 * 4
    assert [row["judge"] for row in rows(folder, "scores")].count("third") == 3 * 4
    judging = rows(folder, "runs")[0]["run"]
    assert data("show", "run", judging, cwd=folder)["settings"]["concurrency"] == 3  # that it would be taken up with


def test_killed_and_resumed_it_ends_like_an_uninterrupted_run(tmp_path: Path, folder: Path) -> None:
    with FakeServer(key=KEY) as server:
        server.rule = lambda body: STALL if server.answered >= 40 else None
        os.environ["OPENAI_API_KEY"] = KEY
        try:
            process = start(*on(server), cwd=tmp_path)
        finally:
            del os.environ["OPENAI_API_KEY"]
        server.wait(lambda s: s.answered >= 40 and bool(s.stalled), 30)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        server.release()
        server.rule = lambda body: None
        before = server.answered
        done = here(*on(server), cwd=tmp_path, env={"OPENAI_API_KEY": KEY})
        assert done.returncode == 0, done.stderr
        again = server.answered - before
    keys = ("scenario_id", "arm", "judge", "score", "questions", "given")
    own = [[row[key] for key in keys] for row in rows(tmp_path, "scores")]
    whole = [[row[key] for key in keys] for row in rows(folder, "scores") if row["judge"] != "third"]
    assert sorted(map(str, own)) == sorted(map(str, whole))
    total = sum(int(str(row["calls"])) - int(str(row["hits"])) for row in rows(folder, "calls"))
    assert again < total  # what was answered before the kill is not asked again


def test_no_server_is_one_line(tmp_path: Path) -> None:
    done = here("run", "--world", "model", "--model", "m", "--limit", 1, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert "OPENAI_API_KEY" in done.stderr


def test_the_ledger_is_shown_by_unit_with_a_row_for_all(folder: Path) -> None:
    by_unit = rows(folder, "calls", "--by", "unit,scenario")
    units = {row["unit"] for row in rows(folder, "units")}
    assert {row["unit"] for row in by_unit} <= units
    calls = sum(int(str(row["calls"])) for row in by_unit)
    assert calls == sum(int(str(row["calls"])) for row in rows(folder, "calls"))
    shown = here("show", "calls", "--by", "role", cwd=folder).stdout.splitlines()
    assert shown[-1].split()[:2] == ["total", str(calls)]
    for wrong in ("", "unit,unit", "nothing"):
        assert "--by" in complaint(here("show", "calls", "--by", wrong, cwd=folder))


def test_the_ledger_is_exported_call_by_call(folder: Path, tmp_path: Path) -> None:
    for ending in ("jsonl", "parquet"):
        done = here("export", "--what", "calls", "-o", tmp_path / f"calls.{ending}", cwd=folder)
        assert done.returncode == 0, done.stderr
    ledger = [json.loads(line) for line in (tmp_path / "calls.jsonl").read_text().splitlines()]
    assert len(ledger) == sum(int(str(row["calls"])) for row in rows(folder, "calls"))
    assert {row["world"] for row in ledger} == {"model"}
    assert parquet.read_table(tmp_path / "calls.parquet").to_pylist() == ledger
