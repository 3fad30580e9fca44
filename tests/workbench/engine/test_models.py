"""Runs on language models, against a server that answers like one, and goes wrong like one."""

from functools import partial
from pathlib import Path
from typing import Any

import pytest

from simulator.client.server import Timing
from simulator.client.types import UnusableEndpointError
from storage.database import open_readonly
from tests.fakeserver import CLOSE, NOT_JSON, WRONG_SCHEMA, FakeServer, status
from tests.workbench.engine.running import options, results, work
from workbench.engine.errors import UsageError
from workbench.engine.models import endpoints, model_settings
from workbench.engine.options import RunOptions
from workbench.engine.prepare import prepare


def on(server: FakeServer, **values: Any) -> RunOptions:
    """Return a small run with every kind of unit on a server."""
    small = {"limit": 3, "rollouts": 6, "depth": 2, "arms": ("vanilla", "planner", "full"), "judges": ("m", "j")}
    return options(world="model", base_url=server.url, models=("m",), **{**small, **values})


def count(path: Path, sql: str) -> int:
    db = open_readonly(path)
    try:
        return int(db.conn.execute(sql).fetchone()[0])
    finally:
        db.conn.close()


def test_a_run_on_a_model_does_what_it_does_on_the_surrogate(tmp_path: Path) -> None:
    path = tmp_path / "run.db"
    with FakeServer() as server:
        outcome = work(path, on(server))
        assert (outcome.state, outcome.done, outcome.failed) == ("done", 3 + 9, 0)
        assert len(server.requests) == count(path, "select count(*) from calls where not hit")
    assert count(path, "select count(*) from verdicts where score is not null") == 3 * 3 * 2
    assert count(path, "select count(*) from calls where unit is null") == 0
    assert count(path, "select count(distinct role) from calls") >= 3


def test_concurrency_changes_nothing_on_a_deterministic_server(tmp_path: Path) -> None:
    found = []
    with FakeServer() as server:
        for concurrency in (1, 32):
            path = tmp_path / f"{concurrency}.db"
            work(path, on(server, concurrency=concurrency))
            found.append(results(path))
    assert found[0] == found[1]


def test_the_same_question_is_asked_once(tmp_path: Path) -> None:
    path = tmp_path / "run.db"
    with FakeServer() as server:
        work(path, on(server))
        asked = len(server.requests)
        outcome = work(path, on(server), new=True)
        assert outcome.run.endswith("-2")
        assert len(server.requests) == asked
    db = open_readonly(path)
    runs = [row[0] for row in db.conn.execute("select id from runs order by rowid")]
    db.conn.close()
    one, other = (results(path, run) for run in runs)
    assert one["verdicts"] == other["verdicts"]


def test_faults_cost_retries_not_results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("simulator.client.client.Timing", partial(Timing, backoff=0))
    clean, faulty = tmp_path / "clean.db", tmp_path / "faulty.db"
    with FakeServer() as server:
        work(clean, on(server))
        server.faults.extend([status(429, retry_after="0"), CLOSE, status(503), NOT_JSON] * 3)
        outcome = work(faulty, on(server))
    assert outcome.failed == 0
    assert count(faulty, "select sum(retries) from calls") >= 12
    assert results(clean) == results(faulty)


def test_replies_of_the_wrong_form_end_as_failures_never_as_numbers(tmp_path: Path) -> None:
    path = tmp_path / "run.db"
    with FakeServer() as server:
        server.rule = lambda body: WRONG_SCHEMA if body["model"] == "j" else None
        outcome = work(path, on(server, arms=("vanilla",)))
        assert outcome.failed == 3
        assert count(path, "select count(*) from verdicts where judge = 'j' and score is null") == 3
        assert count(path, "select count(*) from verdicts where judge = 'm' and score is not null") == 3
        server.rule = lambda body: None
        again = work(path, on(server, arms=("vanilla",)), retry_failed=True)
    assert (again.done, again.failed) == (3, 0)


@pytest.mark.parametrize("repeats", [1, 3])
def test_a_refused_key_stops_the_run_and_the_same_command_takes_it_up(tmp_path: Path, repeats: int) -> None:
    path = tmp_path / "run.db"
    with FakeServer() as server:
        server.rule = lambda body: status(401, "wrong key") if len(server.requests) > 4 else None
        with pytest.raises(UnusableEndpointError, match="401"):
            work(path, on(server, repeats=repeats))
        assert count(path, "select count(*) from runs where state = 'failed'") == 1
        server.rule = lambda body: None
        outcome = work(path, on(server, repeats=repeats))
    assert (outcome.state, outcome.done, outcome.failed) == ("done", 12, 0)


@pytest.mark.parametrize("repeats", [1, 3])
def test_a_judge_who_can_not_be_reached_fails_its_own_verdicts_only(tmp_path: Path, repeats: int) -> None:
    path = tmp_path / "run.db"
    with FakeServer() as server:
        server.rule = lambda body: status(413, "too long") if body["model"] == "j" else None
        outcome = work(path, on(server, arms=("vanilla",), repeats=repeats))
    assert outcome.failed == 3
    assert count(path, "select count(*) from verdicts where judge = 'j' and score is null and error like '%413%'") == 3
    assert count(path, "select count(*) from verdicts where judge = 'm' and score is not null") == 3


def test_the_oracle_judges_every_subset_and_then_its_choice_again(tmp_path: Path) -> None:
    path = tmp_path / "run.db"
    with FakeServer() as server:
        outcome = work(path, on(server, arms=("oracle",), k=1, limit=1, judges=("m",)))
    assert outcome.done == 1
    judged = count(path, "select count(*) from calls where role = 'judge'")
    known = count(path, "select known from scenarios").bit_count()
    assert judged == known + 1


def test_models_have_to_be_named_one_by_one(tmp_path: Path) -> None:
    for wrong, message in (({}, "--model NAME"), ({"models": ("all",)}, "one by one")):
        with pytest.raises(UsageError, match=message):
            prepare(tmp_path / "run.db", options(world="model", base_url="http://127.0.0.1:9/v1", **wrong))


def test_a_model_judges_itself_unless_another_is_named() -> None:
    assert model_settings(options(models=("m",))).judges == ("m",)
    assert model_settings(options(models=("m",), judges=("j", "k"))).judges == ("j", "k")


def test_roles_keep_what_is_not_said() -> None:
    settings = model_settings(options(models=("m",), roles={"judge": {"temperature": 0.7}, "planner": {"model": "p"}}))
    assert settings.roles["judge"].sampling.temperature == 0.7
    assert (
        settings.roles["judge"].sampling.max_tokens
        == model_settings(options(models=("m",))).roles["judge"].sampling.max_tokens
    )
    assert settings.roles["planner"].model == "p"
    with pytest.raises(UsageError, match="--judges"):
        model_settings(options(models=("m",), roles={"judge": {"model": "x"}}))


def test_keys_come_from_the_environment_and_nowhere_else() -> None:
    environment = {"MINE": "secret-1", "OPENAI_API_KEY": "secret-2"}
    chosen = options(
        base_url="https://example.org/v1",
        endpoints={"other": {"base_url": "https://other.example/v1", "key_env": "MINE", "models": {"m": "M-1"}}},
    )
    other, default = endpoints(chosen, environment)
    assert (other.key, other.models, default.key) == ("secret-1", {"m": "M-1"}, "secret-2")
    assert "secret" not in repr([other, default])
    assert "secret" not in chosen.model_dump_json()
    with pytest.raises(UsageError, match="OPENAI_API_KEY"):
        endpoints(options(base_url="https://example.org/v1"), {})
    with pytest.raises(UsageError, match=r"endpoints\.other.*MINE"):
        endpoints(chosen, {"OPENAI_API_KEY": "x"})


def test_a_local_server_needs_no_key() -> None:
    (endpoint,) = endpoints(options(base_url="http://127.0.0.1:8000/v1", max_in_flight=3, timeout=5), {})
    assert (endpoint.key, endpoint.max_in_flight, endpoint.timeout) == ("", 3, 5)
