"""Caps on calls and cost: never passed, whatever is in flight; nothing is lost, and a higher cap goes on."""

import threading
from pathlib import Path
from typing import Any

import pytest

from simulator.client.types import Call, Usage
from storage import commands
from storage.calls import Price, Spent, StoredLedger, spent
from storage.database import open_readonly, open_writable, transaction
from storage.runs import target
from tests.fakeserver import STALL, FakeServer, status
from tests.workbench.engine.running import options, results, work
from workbench.engine.errors import UsageError
from workbench.engine.options import RunOptions
from workbench.engine.prepare import prepare

PRICES = {"m": {"prompt": 2.0, "completion": 10.0, "cached": 1.0}, "j": {"prompt": 1.0, "completion": 4.0}}


def on(server: FakeServer, **values: Any) -> RunOptions:
    small = {"limit": 3, "rollouts": 6, "depth": 2, "arms": ("vanilla", "planner", "full"), "judges": ("m", "j")}
    return options(world="model", base_url=server.url, models=("m",), **{**small, **values})


def ask(path: Path, sql: str) -> Any:
    db = open_readonly(path)
    try:
        return db.conn.execute(sql).fetchone()[0]
    finally:
        db.conn.close()


def charged(path: Path) -> float:
    return float(ask(path, "select coalesce(sum(cost), 0) from calls"))


@pytest.mark.parametrize("concurrency", [1, 64])
def test_a_run_makes_as_many_calls_as_it_may_and_a_higher_cap_goes_on(tmp_path: Path, concurrency: int) -> None:
    whole, path = tmp_path / "whole.db", tmp_path / "run.db"
    with FakeServer() as server:
        work(whole, on(server))
        total = len(server.requests)
        for cap in (1, 7, 40):
            server.requests.clear()
            before = 0 if not path.exists() else ask(path, "select count(*) from calls where not hit")
            outcome = work(path, on(server, max_calls=cap, concurrency=concurrency))
            assert (outcome.state, ask(path, "select state from runs")) == ("interrupted", "interrupted")
            assert outcome.capped == f"--max-calls {cap}: {cap} calls were made"
            assert len(server.requests) == cap - before  # neither more nor less
        server.requests.clear()
        outcome = work(path, on(server, max_calls=total, concurrency=concurrency))
        assert (outcome.state, outcome.failed, outcome.capped) == ("done", 0, "")
        assert len(server.requests) == total - 40  # nothing that was paid for is asked again
    assert results(path) == results(whole)
    assert ask(path, "select count(*) from runs") == 1  # a cap is no part of the identity


def test_what_is_in_flight_ends_before_the_run_does(tmp_path: Path) -> None:
    """With 64 units at once and a slow server, every call that began is answered and kept."""
    path = tmp_path / "run.db"
    with FakeServer(latency=0.05) as server:
        outcome = work(path, on(server, limit=40, arms=("vanilla", "control"), max_calls=70, concurrency=64))
        assert server.most_in_flight > 16
        assert (len(server.requests), server.answered, server.dropped) == (70, 70, 0)
    assert outcome.state == "interrupted"
    assert ask(path, "select count(*) from completions") == 70


@pytest.mark.parametrize("concurrency", [1, 64])
def test_a_run_never_costs_more_than_it_may(tmp_path: Path, concurrency: int) -> None:
    with FakeServer(latency=0.01) as server:
        whole = tmp_path / "whole.db"
        work(whole, on(server, prices=PRICES))
        full = charged(whole)
        path = tmp_path / "run.db"
        outcome = work(path, on(server, prices=PRICES, max_cost=full / 2, concurrency=concurrency))
        assert outcome.state == "interrupted"
        assert outcome.capped.startswith(f"--max-cost {full / 2:g}: ")
        assert 0 < charged(path) <= full / 2
        outcome = work(path, on(server, prices=PRICES, max_cost=10 * full, concurrency=concurrency))
    assert (outcome.state, outcome.failed) == ("done", 0)
    assert charged(path) == pytest.approx(full)
    assert results(path) == results(whole)


def test_the_cache_is_free(tmp_path: Path) -> None:
    path = tmp_path / "run.db"
    with FakeServer() as server:
        work(path, on(server))
        outcome = work(path, on(server, max_calls=1, max_cost=1e-9, prices=PRICES), new=True)
    assert (outcome.state, outcome.failed, outcome.capped) == ("done", 0, "")


def test_a_call_with_several_tries_is_one_call(tmp_path: Path) -> None:
    path = tmp_path / "run.db"
    with FakeServer() as server:
        server.faults.extend([status(429, retry_after="0")] * 3)
        work(path, on(server, max_calls=10, concurrency=1))
        assert len(server.requests) == 13
    assert ask(path, "select count(*) from calls where not hit") == 10


def test_a_signal_while_calls_wait_is_an_interruption_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "run.db"
    with FakeServer() as server:
        server.rule = lambda body: STALL
        open_writable(path).conn.close()

        def cancel() -> None:
            server.wait(lambda s: len(s.stalled) == 2)
            other = open_writable(path)
            with transaction(other):
                run = other.conn.execute("select id from runs").fetchone()[0]
                commands.issue(other, target(run), "cancel")
            other.conn.close()

        teller = threading.Thread(target=cancel)
        teller.start()
        outcome = work(path, on(server, max_calls=2, concurrency=8))
        teller.join()
    assert (outcome.state, outcome.capped) == ("interrupted", "")


def test_every_model_that_is_called_needs_a_price(tmp_path: Path) -> None:
    with FakeServer() as server:
        with pytest.raises(UsageError, match=r"--max-cost: there is no price for j: .*\[prices\.\"j\"\]"):
            prepare(tmp_path / "run.db", on(server, max_cost=1, prices={"m": PRICES["m"]}))
        prepare(tmp_path / "run.db", on(server, max_calls=1))
    prepare(tmp_path / "run.db", options(max_cost=1))  # the surrogate calls nothing


def test_what_was_booked_without_a_price_costs_what_it_costs_now(tmp_path: Path) -> None:
    db = open_writable(tmp_path / "calls.db")
    db.conn.execute("insert into runs (id, identity, kind, state, created_at) values ('r', 'i', 'run', 'done', '')")
    for prices in ({}, {"m": Price(2.0, 4.0)}):
        ledger = StoredLedger(lambda write: write(db), "r", prices)
        ledger.record(Call("agent", "m", "k", "here", usage=Usage(1_000_000, 0, 500_000)))
        ledger.record(Call("agent", "m", "k", hit=True, usage=Usage(1_000_000, 0, 500_000)))
        ledger.record(Call("agent", "m", "k", error="no endpoint"))  # was never sent
    assert spent(db, ["r"], {"m": Price(1.0, 1.0)}) == Spent(2, 1.5 + 4.0)
    assert spent(db, ["r"], {}) == Spent(2, 4.0)
    assert spent(db, ["other"], {}) == Spent()
    db.conn.close()
