"""The fake server: in a thread of the test's process, on 127.0.0.1 and a free port."""

import asyncio
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Self

from tests.fakeserver.answers import Behaviour
from tests.fakeserver.connection import Connection
from tests.fakeserver.faults import Fault

Rule = Callable[[dict[str, Any]], Fault | None]


class FakeServer:
    """A small OpenAI-compatible server with faults on demand.

        with FakeServer(models=("m",), key="secret") as server:
            server.faults += [status(429, retry_after="0"), None, CUT]   # the first and the third chat go wrong
            server.rule = lambda body: STALL if "x" in body["messages"][-1]["content"] else None
            server.behaviour.healthy = False

    Fields:
        behaviour: how it is (`Behaviour`); its fields are this class's arguments.
        faults: used up by chats in the order of their arrival, None = answer well; then `rule` decides.
        requests, headers: bodies and headers of all chats received, refused and failed ones too.
        paths: how often each path was asked for.
        connections: open now. in_flight: chats being answered; most_in_flight: at most so far.
        answered: chats answered well. dropped: chats whose client left before the answer.
    """

    def __init__(self, port: int = 0, **behaviour: Any) -> None:
        """Say how it shall be; it starts with `start()` or as a context manager. Port 0 = a free one."""
        self.behaviour = Behaviour(**behaviour)
        self.faults: deque[Fault | None] = deque()
        self.rule: Rule = lambda body: None
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.paths: Counter[str] = Counter()
        self.connections: set[Connection] = set()
        self.stalled: set[Connection] = set()
        self.in_flight = self.most_in_flight = self.answered = self.dropped = 0
        self.prompt_tokens = self.generated_tokens = 0
        self.port = port
        self._changed = threading.Condition(threading.RLock())
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    @property
    def root(self) -> str:
        """The address without a path: `/health` and `/metrics` stand there."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        """The base URL as openai's client takes it."""
        return f"{self.root}/v1"

    def start(self) -> None:
        """Listen; after `stop()`, again on the same port."""
        started = threading.Event()
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._serve(started)), name="fakeserver", daemon=True
        )
        self._thread.start()
        if not started.wait(10):
            raise RuntimeError("the fake server did not start")

    def stop(self) -> None:
        """Die: the port is closed, and every connection is cut where it stands."""
        if self._loop is not None and self._thread is not None:
            self._loop.call_soon_threadsafe(self._dying.set)
            self._thread.join(10)
            self._loop = None

    def release(self) -> None:
        """Answer all requests that are stalled."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._release)

    def wait(self, condition: Callable[["FakeServer"], bool], seconds: float = 10) -> None:
        """Block until the condition holds (in a coroutine: `await asyncio.to_thread(server.wait, …)`).

        Raises:
            TimeoutError: it never did.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: condition(self), seconds):
                raise TimeoutError("the fake server never came to what the test waits for")

    def next_fault(self, body: dict[str, Any]) -> Fault | None:
        """Return what goes wrong with this chat."""
        return self.faults.popleft() if self.faults else self.rule(body)

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Hold the lock while something changes, and wake who waits."""
        with self._changed:
            yield
            self._changed.notify_all()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    async def _serve(self, started: threading.Event) -> None:
        self._loop, self._dying = asyncio.get_running_loop(), asyncio.Event()
        listener = await self._loop.create_server(lambda: Connection(self), "127.0.0.1", self.port, backlog=1024)
        self.port = listener.sockets[0].getsockname()[1]
        started.set()
        await self._dying.wait()
        # A connection that is on its way in when its listener closes would be left open (an oversight of asyncio's).
        self._loop.remove_reader(listener.sockets[0].fileno())
        while len(asyncio.all_tasks()) > 1:
            await asyncio.sleep(0)
        listener.close()
        while self.connections:
            for connection in tuple(self.connections):
                connection.transport.abort()
            await asyncio.sleep(0)

    def _release(self) -> None:
        for connection in tuple(self.stalled):
            self.stalled.discard(connection)
            connection.release()
