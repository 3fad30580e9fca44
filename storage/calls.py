"""Calls to language models: the response cache and the ledger, and reading both back.

Completions are content-addressed by `ChatRequest.key`; a row of `calls` says who asked for which of them, when, and at
what price. No key of an endpoint is ever written.
"""

import json
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from contextvars import ContextVar
from typing import Any, NamedTuple

from simulator.client.types import Call, ChatRequest, Completion, Usage
from storage.runs import now
from storage.sqlite import Database

Post = Callable[[Callable[[Database], None]], None]
"""Hands a write to the one writer and returns at once; the writer keeps the order."""

UNIT: ContextVar[int | None] = ContextVar("unit", default=None)
"""The unit whose work this task is doing; calls are booked on it."""


class Price(NamedTuple):
    """What a model costs, per million tokens, in whatever currency the configuration uses.

    Fields:
        prompt, completion: of new prompt tokens, and of completions (reasoning included).
        cached: of prompt tokens that the server had cached; None = as `prompt`.
    """

    prompt: float
    completion: float
    cached: float | None = None

    def of(self, usage: Usage) -> float:
        """Return the price of one call."""
        cached = self.prompt if self.cached is None else self.cached
        fresh = usage.prompt - usage.cached
        return (fresh * self.prompt + usage.cached * cached + usage.completion * self.completion) / 1e6


_RECENT = 4096
"""Completions kept in memory: more than can wait for the writer, so that none is asked for twice meanwhile."""


class StoredCache:
    """`ResponseCache` on the database. What is on its way to the disk is answered from memory."""

    def __init__(self, db: Database, post: Post, *, requests: bool = True) -> None:
        """Read through `db`, a connection of its own; write through the writer.

        Args:
            requests: store what was asked, too; otherwise only what was replied (where others' texts must not stay).
        """
        self._db, self._post, self._requests = db, post, requests
        self._recent: dict[str, Completion] = {}

    def get(self, key: str) -> Completion | None:
        """See `ResponseCache.get`."""
        if (recent := self._recent.get(key)) is not None:
            return recent
        row = self._db.conn.execute(
            "select text, reasoning, finish_reason, prompt_tokens, cached_tokens, completion_tokens, reasoning_tokens "
            "from completions where key = ? and not forgotten",
            (key,),
        ).fetchone()
        return None if row is None else Completion(row[0], row[1], row[2], Usage(*row[3:]))

    def put(self, request: ChatRequest, completion: Completion) -> None:
        """See `ResponseCache.put`."""
        self._recent[request.key] = completion
        if len(self._recent) > _RECENT:
            del self._recent[next(iter(self._recent))]

        def write(db: Database) -> None:
            db.conn.execute(
                "insert into completions values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?) on conflict (key) do update set "
                "text = excluded.text, reasoning = excluded.reasoning, finish_reason = excluded.finish_reason, "
                "prompt_tokens = excluded.prompt_tokens, cached_tokens = excluded.cached_tokens, "
                "completion_tokens = excluded.completion_tokens, reasoning_tokens = excluded.reasoning_tokens, "
                "created_at = excluded.created_at, forgotten = 0 where forgotten",
                (
                    request.key,
                    request.model,
                    _packed(request) if self._requests else None,
                    completion.text,
                    completion.reasoning,
                    completion.finish_reason,
                    *completion.usage,
                    now(),
                ),
            )

        self._post(write)

    def forget(self, request: ChatRequest) -> None:
        """See `ResponseCache.forget`; `unit_calls` still shows the reply, until another one takes its place."""
        self._recent.pop(request.key, None)
        self._post(
            lambda db: db.conn.execute("update completions set forgotten = 1 where key = ?", (request.key,)).close()
        )


class StoredLedger:
    """`Ledger` on the database: every call on its run and unit, with its price where there is one."""

    def __init__(self, post: Post, run: str | None, prices: Mapping[str, Price] | None = None) -> None:
        self._post, self._run, self._prices = post, run, prices or {}

    def calling(self, request: ChatRequest) -> AbstractAsyncContextManager[None]:  # noqa: ARG002
        """See `Ledger.calling`: nothing is forbidden."""
        return nullcontext()

    def record(self, call: Call) -> None:
        """See `Ledger.record`."""
        unit = UNIT.get()
        cost = cost_of(call, self._prices)
        row = (
            self._run,
            unit,
            call.role,
            call.model,
            call.endpoint,
            call.key,
            int(call.hit),
            *call.usage,
            call.latency,
            call.queue,
            call.retries,
            cost,
            call.error or None,
            now(),
        )

        def write(db: Database) -> None:
            db.conn.execute("insert into calls values (null, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)

        self._post(write)


def cost_of(call: Call, prices: Mapping[str, Price]) -> float | None:
    """Return what a call cost: nothing where the cache answered; None where its model has no price."""
    price = prices.get(call.model)
    return None if price is None else 0.0 if call.hit else price.of(call.usage)


class Spent(NamedTuple):
    """What runs have asked of servers so far, over all their resumptions; cost in the currency of the prices."""

    calls: int = 0
    cost: float = 0.0


def spent(db: Database, runs: Iterable[str], prices: Mapping[str, Price]) -> Spent:
    """Sum what runs asked of servers. What was booked without a price costs what it costs now, if anything."""
    calls, cost = 0, 0.0
    for run in runs:
        for model, booked, count, *tokens, charged in db.conn.execute(_SPENT, [run]):
            calls += count
            cost += charged if booked else prices[model].of(Usage(*tokens)) if model in prices else 0.0
    return Spent(calls, cost)


_SPENT = """
select model, cost is not null, count(*), sum(prompt_tokens), sum(cached_tokens), sum(completion_tokens),
  sum(reasoning_tokens), coalesce(sum(cost), 0)
from calls where run = ? and not hit and endpoint <> '' group by model, cost is not null
"""


_RATED = 300
"""The newest completions of a model that `prompt_rates` looks at."""


def prompt_rates(db: Database, model: str) -> list[float]:
    """Return prompt tokens per character of the newest stored requests of a model, one each, where tokens are known."""
    rates = []
    for tokens, packed in db.conn.execute(
        "select prompt_tokens, request from completions where model = ? and prompt_tokens > 0 "
        "order by rowid desc limit ?",
        [model, _RATED],
    ):
        messages = json.loads(zlib.decompress(packed))["messages"]
        if characters := sum(len(message["content"]) for message in messages):
            rates.append(tokens / characters)
    return rates


_SUMS = """
  count(*) as calls, sum(hit) as hits, sum(calls.error is not null) as failed, sum(retries) as retries,
  sum(case when hit then 0 else prompt_tokens end) as prompt_tokens,
  sum(case when hit then 0 else cached_tokens end) as cached_tokens,
  sum(case when hit then 0 else completion_tokens end) as completion_tokens,
  sum(case when hit then 0 else reasoning_tokens end) as reasoning_tokens,
  avg(case when hit then null else latency end) as mean_latency,
  avg(case when hit then null else queue end) as mean_queue, sum(cost) as cost
"""


GROUPS: Mapping[str, str] = {
    "kind": "coalesce(units.kind, '')",
    "arm": "coalesce(units.arm, '')",
    "role": "calls.role",
    "model": "calls.model",
    "unit": "calls.unit",
    "scenario": "units.scenario",
}
"""What calls can be summed by. `kind` and `arm` are empty for calls that belong to no unit; an arm of a search is its
planner."""


def call_rows(db: Database, run: str, by: Sequence[str] = ("kind", "arm", "role", "model")) -> Iterator[dict[str, Any]]:
    """Stream the sums of a run's ledger; tokens are those that a server worked on, cache hits excluded.

    Args:
        by: of `GROUPS`, a row for each combination that occurs; nothing: one row for all.
    """
    names = ", ".join(f"{GROUPS[name]} as {name}" for name in by)
    group = f"group by {', '.join(GROUPS[name] for name in by)}" if by else ""
    order = f"order by {', '.join(GROUPS[name] for name in by)}" if by else ""
    yield from db.query(
        f"select {names + ', ' if names else ''}{_SUMS} from calls left join units on units.id = calls.unit "  # noqa: S608
        f"where calls.run = ? {group} {order}",
        [run],
    )


def ledger_rows(db: Database, run: str) -> Iterator[dict[str, Any]]:
    """Stream a run's ledger, a row per call; `unit` to `arm` are empty for calls of no unit."""
    for row in db.query(
        "select calls.id as call, calls.run, calls.unit, units.kind, units.scenario as scenario_id, units.arm, "
        "calls.role, calls.model, calls.endpoint, calls.key, calls.hit, calls.prompt_tokens, calls.cached_tokens, "
        "calls.completion_tokens, calls.reasoning_tokens, calls.latency, calls.queue, calls.retries, calls.cost, "
        "calls.error, calls.at from calls left join units on units.id = calls.unit where calls.run = ? "
        "order by calls.id",
        [run],
    ):
        row["hit"] = bool(row["hit"])
        yield row


def unit_calls(db: Database, unit: int) -> Iterator[dict[str, Any]]:
    """Stream the calls behind a unit in the order made, with the exact messages and the raw reply of each."""
    for row in db.query(
        "select calls.*, completions.request, completions.text, completions.reasoning, completions.finish_reason "
        "from calls left join completions on completions.key = calls.key where calls.unit = ? order by calls.id",
        [unit],
    ):
        packed = row.pop("request")
        row["request"] = None if packed is None else json.loads(zlib.decompress(packed))
        row["hit"] = bool(row["hit"])
        yield row


def _packed(request: ChatRequest) -> bytes:
    data = {
        "messages": [message._asdict() for message in request.messages],
        "sampling": {
            "temperature": request.sampling.temperature,
            "top_p": request.sampling.top_p,
            "max_tokens": request.sampling.max_tokens,
        },
        "seed": request.seed,
        "sample": request.sample,
        "schema": None if request.schema is None else {"name": request.schema.name, "json": request.schema.json},
    }
    return zlib.compress(json.dumps(data, ensure_ascii=False).encode("utf-8", "surrogatepass"), 1)
