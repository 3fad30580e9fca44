"""What a run will take, said before: the intervals hold what the run then takes, and nothing is asked or written."""

from pathlib import Path
from typing import Any

import pytest

from storage.calls import prompt_rates
from storage.database import open_readonly
from tests.fakeserver import FakeServer
from tests.workbench.engine.running import options, work
from workbench.engine.estimation.counted import PROMPT_RATE, prompt_rate
from workbench.engine.estimation.estimate import COUNTED, MEASURED
from workbench.engine.estimation.measures import Range, Sample, Spread
from workbench.engine.estimation.outlook import Outlook, outlook
from workbench.engine.options import RunOptions
from workbench.engine.prepare import prepare

PRICES = {"m": {"prompt": 2.0, "completion": 10.0}, "j": {"prompt": 1.0, "completion": 4.0}}
MIXED = ("vanilla", "control", "full", "agent", "planner", "static")


def on(server: FakeServer, **values: Any) -> RunOptions:
    small = {"limit": 3, "rollouts": 6, "depth": 2, "arms": ("vanilla", "planner", "full"), "judges": ("m", "j")}
    return options(world="model", base_url=server.url, models=("m",), **{**small, **values})


def look(path: Path, chosen: RunOptions, **how: Any) -> Outlook:
    return outlook(path, chosen, prepare(path, chosen), **how)


def ledger(path: Path) -> tuple[float, ...]:
    db = open_readonly(path)
    try:
        return tuple(
            db.conn.execute(
                "select count(*), sum(prompt_tokens), sum(completion_tokens), coalesce(sum(cost), 0) from calls"
            ).fetchone()
        )
    finally:
        db.conn.close()


def holds(found: Range, value: float) -> bool:
    return found.low <= value <= found.high


@pytest.mark.parametrize(
    "chosen",
    [
        {},
        {"limit": 7, "rollouts": 20, "depth": 4, "arms": MIXED},
        {"arms": ("vanilla", "agent"), "limit": 5, "abstention": "basic"},
        {"arms": ("agent",), "limit": 5, "abstention": "binary", "max_questions": 3, "repeats": 2},
        {"arms": ("oracle", "only:*", "random:1..3"), "k": 1, "limit": 2, "structured": "fallback"},
        {"arms": ("planner", "path:0..2"), "planner": "greedy", "depth": 3, "evaluations": "cache:1"},
    ],
)
def test_the_interval_holds_what_the_run_then_takes(tmp_path: Path, chosen: dict[str, Any]) -> None:
    path = tmp_path / "run.db"
    with FakeServer() as server:
        wanted = on(server, prices=PRICES, **chosen)
        before = look(path, wanted)
        assert server.requests == []
        outcome = work(path, wanted)
        after = look(path, wanted)
    found = before.estimate
    calls, prompt, completion, cost = ledger(path)
    assert found.units == outcome.done
    assert holds(found.calls, calls)
    assert holds(found.prompt_tokens, prompt)
    assert holds(found.completion_tokens, completion)
    assert found.cost is not None
    assert holds(found.cost, cost)
    assert {part.basis for part in found.roles} == {COUNTED}
    assert {part.basis for part in after.estimate.roles} == {MEASURED}
    assert holds(after.estimate.calls, calls)
    assert after.estimate.calls.high - after.estimate.calls.low <= found.calls.high - found.calls.low + calls


def test_what_does_not_hang_on_replies_is_exact(tmp_path: Path) -> None:
    with FakeServer() as server:
        found = look(tmp_path / "run.db", on(server, arms=("vanilla", "oracle"), k=1, limit=2)).estimate
    assert found.calls.low == found.calls.mid == found.calls.high


def test_a_dry_run_writes_nothing_but_scenarios(tmp_path: Path) -> None:
    path = tmp_path / "run.db"
    with FakeServer() as server:
        look(path, on(server))
    db = open_readonly(path)
    for table in ("runs", "units", "calls", "completions"):
        assert db.conn.execute(f"select count(*) from {table}").fetchone()[0] == 0
    db.conn.close()


def test_calls_that_are_stored_are_found_exactly(tmp_path: Path) -> None:
    path = tmp_path / "run.db"
    with FakeServer() as server:
        wanted = on(server, arms=("vanilla", "control", "full", "agent"))
        assert (first := look(path, wanted).counted) is not None
        assert first.stored == 0
        work(path, wanted)
        assert (again := look(path, wanted).counted) is not None
        assert again.stored == again.calls == int(ledger(path)[0])  # everything follows from what is stored
        assert (other := look(path, on(server, arms=("vanilla", "static"))).counted) is not None
    assert other.stored == 3 * 3 < other.calls == 3 * 3 * 2


def test_other_settings_are_not_taken_for_the_same(tmp_path: Path) -> None:
    path = tmp_path / "run.db"
    with FakeServer() as server:
        work(path, on(server, arms=("oracle",), k=1))
        found = look(path, on(server, arms=("oracle",), k=3)).estimate
    assert {part.basis for part in found.roles} == {COUNTED}


def test_a_part_that_follows_planned_paths_plans_none(tmp_path: Path) -> None:
    with FakeServer() as server:
        found = look(tmp_path / "run.db", on(server), plans=False).estimate
    assert (found.searches, found.trials) == (0, 9)


def test_the_surrogate_asks_nobody(tmp_path: Path) -> None:
    found = look(tmp_path / "run.db", options(limit=7))
    assert found.counted is None
    assert (found.estimate.units, found.estimate.calls) == (7 * 5, Range(0, 0, 0))


def test_characters_per_token_are_learned_from_what_is_stored(tmp_path: Path) -> None:
    path = tmp_path / "run.db"
    with FakeServer() as server:
        work(path, on(server))
    db = open_readonly(path)
    rates = prompt_rates(db, "m")
    db.conn.close()
    learned = prompt_rate(rates)
    assert PROMPT_RATE.low < learned.low < learned.mid < learned.high < PROMPT_RATE.high
    assert prompt_rate(rates[:19]) == PROMPT_RATE


def test_a_spread_is_exact_where_all_was_counted_and_wider_where_not() -> None:
    spread = Spread(Sample(4, 1.0, 0.5), Sample(4, 2.0, 0.5), Sample(4, 3.0, 0.5))
    assert spread.total(4) == Range(4, 8, 12)
    wider = spread.total(40)
    assert wider.low < 40 < wider.mid == 80 < 120 < wider.high
