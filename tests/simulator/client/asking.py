"""What the client's tests share: requests, a cache and a ledger in memory, and a client that waits for nothing."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Any, TypeVar

import anyio

from simulator.client.client import ChatClient, FixedEndpoints, Timing
from simulator.client.types import Call, ChatRequest, Completion, Endpoint, Message, Schema
from tests.fakeserver import FakeServer

T = TypeVar("T")

FAST = Timing(backoff=0, longest_wait=0, health_every=0.02, health_timeout=1, poll=0.01)
"""No delay between tries, and a dead server is found at once."""

KEY = "a-secret/with+signs="
SCHEMA = Schema("rating", {"type": "object", "properties": {"score": {"type": "integer", "minimum": 1, "maximum": 5}}})


class MemoryCache(dict[str, Completion]):
    """See `ResponseCache`."""

    def forget(self, request: ChatRequest) -> None:
        self.pop(request.key, None)

    def put(self, request: ChatRequest, completion: Completion) -> None:
        self[request.key] = completion


class MemoryLedger(list[Call]):
    """See `Ledger`."""

    def calling(self, request: ChatRequest) -> AbstractAsyncContextManager[None]:
        return nullcontext()

    def record(self, call: Call) -> None:
        self.append(call)


def request(text: str = "hi", **fields: Any) -> ChatRequest:
    """Return a request with one message."""
    return ChatRequest("m", (Message("user", text),), **fields)


def endpoint(server: FakeServer, name: str = "a", **fields: Any) -> Endpoint:
    """Return the endpoint of a fake server."""
    return Endpoint(name, server.url, key=KEY, **fields)


def client(*endpoints: Endpoint, **options: Any) -> ChatClient:
    """Return a client of these endpoints that does not wait between tries."""
    return ChatClient(FixedEndpoints(endpoints), **({"timing": FAST} | options))


def run(work: Callable[[], Awaitable[T]]) -> T:
    """Run a coroutine function to its end, and see that no task is left over."""

    async def checked() -> T:
        with anyio.fail_after(20):
            result = await work()
        left = asyncio.all_tasks() - {asyncio.current_task()}
        assert not left, f"still running: {left}"
        return result

    return anyio.run(checked)


async def until(server: FakeServer, condition: Callable[[FakeServer], bool]) -> None:
    """Wait for something to be so at the server, without blocking the loop."""
    await anyio.to_thread.run_sync(server.wait, condition)
