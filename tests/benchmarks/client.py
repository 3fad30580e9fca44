"""What a chat call costs, all in: `python -m tests.benchmarks.client`.

A prompt rendered from a template, the request, the reply parsed strictly, cache and ledger written to SQLite, against
a server of fixed latency in another process. CPU is that of this process, its writer thread included.
"""

import asyncio
import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import anyio
import jinja2
from pydantic import BaseModel, ConfigDict, Field

from simulator.client.client import ChatClient, FixedEndpoints
from simulator.client.transports import Choice
from simulator.client.types import ChatRequest, Endpoint, Message, Sampling, Schema
from storage.calls import StoredCache, StoredLedger
from storage.database import open_readonly, open_writable
from workbench.engine.writing import Writer

LATENCY, IN_FLIGHT, RUNS = 0.05, 64, 5
CALLS: dict[Choice, int] = {"lean": 6_000, "openai": 1_500}

_TEMPLATE = """{{ rules }}

<profile>
{% for name, value in profile.items() -%}
- {{ name }}: {{ value }}
{% endfor -%}
</profile>

Query: {{ query }}

Rate how well response number {{ number }} suits this person."""


class _Rating(BaseModel):
    """A reply of the kind that a judge gives."""

    model_config = ConfigDict(extra="forbid")
    rationale: str = Field(max_length=200)
    risk_sensitivity: int = Field(ge=1, le=5)
    emotional_empathy: int = Field(ge=1, le=5)
    user_alignment: int = Field(ge=1, le=5)


_SCHEMA = Schema("rating", _Rating.model_json_schema())


def request(template: jinja2.Template, number: int) -> ChatRequest:
    """Return a judge's request of about 1.5 kB."""
    profile = {f"attribute {i}": "a value of some words, as profiles have them" for i in range(10)}
    rules = "You rate how well a response suits the person who asked. Reply as the schema says, and briefly. " * 6
    prompt = template.render(rules=rules, profile=profile, query="Should I move to another town?", number=number)
    messages = (Message("system", "You are a careful judge."), Message("user", prompt))
    return ChatRequest(
        "bench", messages, Sampling(0.0, 1.0, 300), number, schema=_SCHEMA, role="judge", sticky=f"s{number % 70}"
    )


async def measure(url: str, transport: Choice, calls: int, folder: Path) -> tuple[float, float]:
    """Make so many calls, 64 at a time, and return calls per second and CPU ms per call."""
    path = folder / "bench.db"
    path.unlink(missing_ok=True)
    db = open_writable(path)
    writer = Writer(db, path)
    template = jinja2.Environment(undefined=jinja2.StrictUndefined, autoescape=False).from_string(_TEMPLATE)
    numbers = iter(range(calls))
    source = FixedEndpoints([Endpoint("bench", url, key="secret-of-the-bench")])

    async def work(client: ChatClient) -> None:
        for number in numbers:
            completion = await client.complete(request(template, number))
            _Rating.model_validate_json(completion.text)

    async with anyio.create_task_group() as writing:
        writing.start_soon(writer.run)
        cache, ledger = StoredCache(open_readonly(path), writer.post), StoredLedger(writer.post, None)
        async with ChatClient(source, cache, ledger, transport=transport) as client:
            await client.complete(request(template, calls))  # imports and connections are not measured
            began, cpu = time.perf_counter(), time.process_time()
            async with anyio.create_task_group() as group:
                for _ in range(IN_FLIGHT):
                    group.start_soon(work, client)
            seconds = time.perf_counter() - began
        writer.close()
    spent = time.process_time() - cpu
    stored = db.execute("select count(*) from completions").fetchone()[0]
    if stored != calls + 1:
        raise RuntimeError(f"{stored} completions are stored instead of {calls + 1}")
    return calls / seconds, 1000 * spent / calls


@contextlib.contextmanager
def server() -> Iterator[str]:
    """Run the fake server in a process of its own, on a core of its own where there are two; yield its base URL."""
    command = [sys.executable, "-m", "tests.fakeserver", "--latency", str(LATENCY)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_setaffinity") else []
            if len(cores) > 1:
                os.sched_setaffinity(process.pid, cores[1:])
                os.sched_setaffinity(0, cores[:1])
            assert process.stdout is not None
            yield process.stdout.readline().strip()
        finally:
            process.kill()


def main() -> None:
    """Measure both transports a number of times and print medians and bests."""
    ideal = f"{IN_FLIGHT} in flight, a server of {LATENCY * 1000:g} ms (ideal {IN_FLIGHT / LATENCY:,.0f} calls/s)"
    print(f"chat calls all in, {ideal}, one core")
    with server() as url, tempfile.TemporaryDirectory() as folder:
        for transport, calls in CALLS.items():
            runs = [asyncio.run(measure(url, transport, calls, Path(folder))) for _ in range(RUNS)]
            rates, costs = zip(*runs, strict=True)
            rate, cost = statistics.median(rates), statistics.median(costs)
            print(f"  {transport}, median: {rate:,.0f} calls/s, {cost:.2f} ms of CPU per call")
            print(f"  {transport}, best:   {max(rates):,.0f} calls/s, {min(costs):.2f} ms of CPU per call", flush=True)


if __name__ == "__main__":
    main()
