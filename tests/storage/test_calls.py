"""The response cache, the ledger and prices, on a real SQLite file."""

import json
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.client.types import Call, ChatRequest, Completion, Message, Sampling, Schema, Usage
from storage.calls import GROUPS, UNIT, Price, StoredCache, StoredLedger, call_rows, unit_calls
from storage.database import open_writable, transaction
from storage.sqlite import Database

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=40)


def request(text: str = "hello", **changes: object) -> ChatRequest:
    fields: dict[str, object] = {
        "model": "m",
        "messages": (Message("system", "rules"), Message("user", text)),
        "sampling": Sampling(0.0, 1.0, 64),
        "seed": 7,
        "schema": Schema("answer", {"type": "object"}),
    }
    return ChatRequest(**{**fields, **changes})  # type: ignore[arg-type]


class Waiting:
    """A writer that writes when told to."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.writes: list[Callable[[Database], None]] = []

    def flush(self) -> None:
        with transaction(self.db):
            for write in self.writes:
                write(self.db)
        self.writes.clear()


@pytest.fixture
def writer(tmp_path: Path) -> Waiting:
    return Waiting(open_writable(tmp_path / "calls.db"))


@given(text=TEXTS, reasoning=TEXTS, usage=st.tuples(*[st.integers(0, 10**6)] * 4))
def test_what_is_cached_comes_back_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, text: str, reasoning: str, usage: tuple[int, int, int, int]
) -> None:
    writer = Waiting(open_writable(tmp_path_factory.mktemp("calls") / "calls.db"))
    asked, completion = request(text), Completion(text, reasoning, "length", Usage(*usage))
    StoredCache(writer.db, writer.writes.append).put(asked, completion)
    writer.flush()
    assert StoredCache(writer.db, writer.writes.append).get(asked.key) == completion
    assert StoredCache(writer.db, writer.writes.append).get(request(text, sample=1).key) is None


def test_what_waits_for_the_disk_is_not_asked_for_again(writer: Waiting) -> None:
    cache = StoredCache(writer.db, writer.writes.append)
    cache.put(request(), Completion("first"))
    assert cache.get(request().key) == Completion("first")
    assert writer.db["completions"].count == 0


def test_the_first_reply_to_a_request_stays(writer: Waiting) -> None:
    for text in ("first", "second"):
        StoredCache(writer.db, writer.writes.append).put(request(), Completion(text))
    writer.flush()
    assert StoredCache(writer.db, writer.writes.append).get(request().key) == Completion("first")


def test_a_forgotten_reply_makes_room_for_another_and_stays_to_be_shown(writer: Waiting) -> None:
    cache, asked = StoredCache(writer.db, writer.writes.append), request()
    cache.put(asked, Completion("useless"))
    cache.forget(asked)
    writer.flush()
    assert cache.get(asked.key) is None
    assert StoredCache(writer.db, writer.writes.append).get(asked.key) is None
    assert writer.db.conn.execute("select text from completions").fetchone()[0] == "useless"
    cache.put(asked, Completion("better"))
    writer.flush()
    assert StoredCache(writer.db, writer.writes.append).get(asked.key) == Completion("better")


def _unit(db: Database) -> int:
    with transaction(db):
        db.conn.execute(
            "insert into scenarios (id, query, domain, profile_id, profile, known) values ('s','q','d','p','{}',0)"
        )
        db.conn.execute(
            "insert into runs (id, identity, kind, state, created_at) values ('r', 'i', 'run', 'running', '')"
        )
        db.conn.execute("insert into units values (5, 'r', 'trial', 's', 'm', 'agent', 'done', null, 1, '')")
    return 5


def test_calls_are_booked_on_run_and_unit_with_their_price(writer: Waiting) -> None:
    unit = _unit(writer.db)
    ledger = StoredLedger(writer.writes.append, "r", {"m": Price(prompt=2.0, completion=10.0, cached=1.0)})
    token = UNIT.set(unit)
    try:
        ledger.record(Call("agent", "m", "k", "here", usage=Usage(1000, 400, 50, 20), latency=0.5, retries=2))
        ledger.record(Call("agent", "m", "k", hit=True, usage=Usage(1000, 400, 50, 20)))
        ledger.record(Call("judge", "other", "j", "here", usage=Usage(10, 0, 1), error="it said no"))
    finally:
        UNIT.reset(token)
    writer.flush()
    agent, judge = call_rows(writer.db, "r")
    assert (agent["arm"], agent["calls"], agent["hits"], agent["retries"]) == ("agent", 2, 1, 2)
    assert (agent["prompt_tokens"], agent["completion_tokens"], agent["reasoning_tokens"]) == (1000, 50, 20)
    assert agent["cost"] == pytest.approx((600 * 2 + 400 * 1 + 50 * 10) / 1e6)
    assert (judge["failed"], judge["cost"]) == (1, None)


def test_the_exact_messages_stand_behind_a_unit(writer: Waiting) -> None:
    unit = _unit(writer.db)
    asked = request("what [bold]now[/bold]?")
    StoredCache(writer.db, writer.writes.append).put(asked, Completion("that"))
    token = UNIT.set(unit)
    StoredLedger(writer.writes.append, "r").record(Call("agent", "m", asked.key, "here"))
    UNIT.reset(token)
    writer.flush()
    (row,) = unit_calls(writer.db, unit)
    assert [m["content"] for m in row["request"]["messages"]] == ["rules", "what [bold]now[/bold]?"]
    assert (row["request"]["seed"], row["request"]["schema"]["name"], row["text"]) == (7, "answer", "that")
    packed = writer.db.conn.execute("select request from completions").fetchone()[0]
    assert set(json.loads(zlib.decompress(packed))) == {"messages", "sampling", "seed", "sample", "schema"}


def test_the_ledger_is_summed_by_whatever_is_wanted(writer: Waiting) -> None:
    unit = _unit(writer.db)
    ledger = StoredLedger(writer.writes.append, "r", {"m": Price(1.0, 1.0)})
    token = UNIT.set(unit)
    for role in ("agent", "judge", "judge"):
        ledger.record(Call(role, "m", "k", "here", usage=Usage(100, 0, 10)))
    UNIT.reset(token)
    ledger.record(Call("user", "m", "k", "here", usage=Usage(1, 0, 1)))  # of no unit
    writer.flush()
    by_unit = list(call_rows(writer.db, "r", ["unit", "scenario"]))
    assert [(row["unit"], row["scenario"], row["calls"]) for row in by_unit] == [(None, None, 1), (5, "s", 3)]
    assert [(row["role"], row["calls"]) for row in call_rows(writer.db, "r", ["role"])] == [
        ("agent", 1),
        ("judge", 2),
        ("user", 1),
    ]
    (total,) = call_rows(writer.db, "r", [])
    for name in GROUPS:
        rows = list(call_rows(writer.db, "r", [name]))
        for figure in ("calls", "hits", "failed", "retries", "prompt_tokens", "completion_tokens"):
            assert sum(row[figure] for row in rows) == total[figure]
        assert sum(row["cost"] for row in rows) == pytest.approx(total["cost"])
