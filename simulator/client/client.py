"""The chat client: cache, single flight, retries and failover over every endpoint that serves a model."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import nullcontext
from typing import Self

import anyio

from simulator.client.failures import TryError, backoff, failure
from simulator.client.limits import GateShutError
from simulator.client.redaction import one_line, redact
from simulator.client.server import Server, Timing, choose
from simulator.client.transports import Choice, Transports
from simulator.client.types import (
    NO_USAGE,
    Call,
    ChatError,
    ChatRequest,
    Completion,
    Endpoint,
    EndpointSource,
    Ledger,
    RefusedError,
    ResponseCache,
    UnusableEndpointError,
)
from simulator.client.wire import Dialect, adapted, read_completion

__all__ = ["ChatClient", "FixedEndpoints", "Timing", "redact"]


class FixedEndpoints:
    """An `EndpointSource` that never changes."""

    def __init__(self, endpoints: Sequence[Endpoint]) -> None:
        """Serve from these endpoints."""
        self._endpoints = tuple(endpoints)

    def endpoints(self, model: str) -> Sequence[Endpoint]:
        """See `EndpointSource.endpoints`."""
        serving = [endpoint for endpoint in self._endpoints if not endpoint.models or model in endpoint.models]
        if not serving:
            names = ", ".join(endpoint.name for endpoint in self._endpoints) or "none is configured"
            raise UnusableEndpointError(f"no endpoint serves the model {model} (endpoints: {names})")
        return serving


class _Flight:
    """A request being answered; others that want the same wait for it."""

    def __init__(self) -> None:
        self.landed = asyncio.Event()
        self.completion: Completion | None = None
        self.error: ChatError | None = None


class _Trip:
    """What happened to one request so far, for the ledger and for errors."""

    def __init__(self) -> None:
        self.endpoint = ""
        self.sent = 0
        self.queue = self.latency = 0.0


class ChatClient:
    """Asks language models, as often as it takes.

        async with ChatClient(source, cache, ledger) as client:
            completion = await client.complete(request)

    Used from one event loop. What is cancelled leaves nothing running, and closing ends every call.
    """

    def __init__(
        self,
        source: EndpointSource,
        cache: ResponseCache | None = None,
        ledger: Ledger | None = None,
        *,
        retries: int = 6,
        patience: float = 60.0,
        timing: Timing | None = None,
        transport: Choice = "auto",
    ) -> None:
        """Open nothing yet.

        Args:
            retries: tries after the first one. patience: seconds without any live endpoint before a call is given up.
            transport: forces one for every endpoint.
        """
        self._source, self._cache, self._ledger = source, cache, ledger
        self._retries, self._patience, self._timing = retries, patience, timing or Timing()
        self._transports = Transports(transport)
        self._servers: dict[tuple[str, str, str], Server] = {}
        self._flights: dict[str, _Flight] = {}
        self._missing: dict[str, tuple[float, float]] = {}
        self._changed = asyncio.Event()
        self._active = 0
        self._closed = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close every connection; calls still under way end with a ChatError."""
        self._closed = True
        self._announce()
        with anyio.CancelScope(shield=True):
            for server in self._servers.values():
                await server.close()
            await self._transports.close()

    async def complete(self, request: ChatRequest, *, fresh: bool = False) -> Completion:
        """Return the reply to a request: from the cache, from an equal call under way, or from a server.

        A reply that was cut off (`finish_reason` length) is returned as it is.

        Args:
            fresh: ask a server in any case.

        Raises:
            RefusedError: the server refuses this request.
            UnusableEndpointError: nothing will go through.
            ChatError: every try failed, or the source has no such model.
        """
        if fresh:
            return await self._fly(request)
        while True:
            found = self._cache.get(request.key) if self._cache is not None else None
            if found is None and (flight := self._flights.get(request.key)) is not None:
                await flight.landed.wait()
                found = flight.completion
                if flight.error is not None:
                    self._record(request, _Trip(), error=str(flight.error))
                    raise type(flight.error)(*flight.error.args)
                if found is None:
                    continue  # whoever led it was cancelled
            if found is not None:
                self._record(request, _Trip(), found, hit=True)
                return found
            flight = self._flights[request.key] = _Flight()
            try:
                flight.completion = await self._fly(request)
                return flight.completion
            except ChatError as error:
                flight.error = error
                raise
            finally:
                del self._flights[request.key]
                flight.landed.set()

    def forget(self, request: ChatRequest) -> None:
        """Ask a server the next time: the reply in the cache turned out to be of no use."""
        if self._cache is not None:
            self._cache.forget(request)

    async def _fly(self, request: ChatRequest) -> Completion:
        async with self._ledger.calling(request) if self._ledger is not None else nullcontext():
            return await self._call(request)

    async def _call(self, request: ChatRequest) -> Completion:
        trip = _Trip()
        self._active += 1
        try:
            completion = await self._ask(request, trip)
        except ChatError as error:
            self._record(request, trip, error=str(error))
            raise
        finally:
            self._active -= 1
            if not self._active:
                for server in self._servers.values():
                    server.idle()
        if self._cache is not None:
            self._cache.put(request, completion)
        self._record(request, trip, completion)
        return completion

    async def _ask(self, request: ChatRequest, trip: _Trip) -> Completion:
        """Try until there is a completion, at another endpoint first where there is one."""
        failed = 0
        tried: set[Server] = set()
        spoken: set[tuple[Server, Dialect]] = set()
        while True:
            server = await self._find(request.model, tried, request.sticky, trip)
            try:
                permit = await server.gate.enter()
            except GateShutError:
                continue
            trip.endpoint = server.endpoint.name
            trip.queue += permit.waited
            trip.sent += 1
            dialect = server.dialect(request.model)
            began = time.monotonic()
            try:
                reply = await server.send(request, dialect, permit)
                if reply.status == 200:
                    return read_completion(reply.body)
                error = failure(reply.status, reply.headers, reply.body)
            except TryError as caught:
                error = caught
            finally:
                trip.latency = time.monotonic() - began
            better = adapted(dialect, error, structured=request.schema is not None)
            spoken.add((server, dialect))
            if better is not None and (server, better) not in spoken:
                server.learn(request.model, dialect, better)
                continue
            failed += 1
            if error.consequence != "retry" or failed > self._retries:
                raise self._final(request.model, server, error, failed)
            if error.suspicious and not self._closed:
                server.check()
            tried.add(server)
            if not any(other.alive and other not in tried for other in self._serving(request.model)):
                tried.clear()
                await self._back_off(request.key, failed, error, server)

    async def _find(self, model: str, tried: set[Server], sticky: str, trip: _Trip) -> Server:
        """Return the server for the next try; where none is alive, wait for one as long as patience lasts."""
        began = time.monotonic()
        while True:
            if self._closed:
                raise ChatError("the client was closed before the call was answered")
            servers = self._serving(model)
            live = [server for server in servers if server.alive]
            for server in servers:
                if not server.alive:
                    server.recheck()
            now = time.monotonic()
            if live:
                self._missing.pop(model, None)
                trip.queue += now - began
                return choose([server for server in live if server not in tried] or live, sticky)
            since, last = self._missing.get(model, (now, now))
            if now - last > self._patience:
                since = now  # nobody looked in between: it may have been alive
            self._missing[model] = since, now
            # A call that comes late into a long outage goes by a check of its own, not by what was found long ago.
            if now - since >= self._patience and all(server.checked >= began for server in servers):
                names = ", ".join(f"{s.endpoint.name}: {s.endpoint.base_url}" for s in servers) or "none is up"
                raise UnusableEndpointError(
                    f"no live endpoint for the model {model} in {self._patience:g} s ({names}): is the server running?"
                )
            await self._wait(min(self._timing.poll, max(0.0, since + self._patience - now) or self._timing.poll))

    def _serving(self, model: str) -> list[Server]:
        return [self._server(endpoint) for endpoint in self._source.endpoints(model)]

    def _server(self, endpoint: Endpoint) -> Server:
        address = (endpoint.name, endpoint.base_url, endpoint.key)
        server = self._servers.get(address)
        if server is None:
            if not (endpoint.key.isascii() and endpoint.key.isprintable()):
                raise UnusableEndpointError(f"{endpoint.name}: its key has characters that no header can carry")
            try:
                transport = self._transports.open(endpoint)
            except ValueError as error:
                line = one_line(redact(str(error), [endpoint.key]))
                raise UnusableEndpointError(f"{endpoint.name}: it cannot be opened: {line}") from None
            server = self._servers[address] = Server(endpoint, transport, self._timing, self._announce)
        return server

    async def _back_off(self, key: str, failed: int, error: TryError, server: Server) -> None:
        """Wait before the next try, but no longer than the server lives."""
        timing = self._timing
        delay = backoff(
            key,
            failed,
            error.retry_after,
            base=timing.backoff,
            ceiling=timing.backoff_ceiling,
            longest=timing.longest_wait,
        )
        until = time.monotonic() + delay
        while server.alive and not self._closed and (left := until - time.monotonic()) > 0:
            await self._wait(left)

    async def _wait(self, seconds: float) -> None:
        """Wait so long, or until something changes at any server."""
        with anyio.move_on_after(seconds):
            await self._changed.wait()

    def _announce(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    def _final(self, model: str, server: Server, error: TryError, tries: int) -> ChatError:
        endpoint = server.endpoint
        count = f" ({tries} tries)" if tries > 1 else ""
        advice = f"; {error.advice}" if error.advice else ""
        keys = {known.endpoint.key for known in self._servers.values()}
        line = (
            f"{endpoint.name} ({endpoint.base_url}), model {model}: {one_line(redact(str(error), keys))}{count}{advice}"
        )
        kinds = {"refused": RefusedError, "unusable": UnusableEndpointError, "retry": ChatError}
        return kinds[error.consequence](redact(line, keys))

    def _record(
        self,
        request: ChatRequest,
        trip: _Trip,
        completion: Completion | None = None,
        *,
        hit: bool = False,
        error: str = "",
    ) -> None:
        if self._ledger is not None:
            usage = completion.usage if completion is not None else NO_USAGE
            retries = max(0, trip.sent - 1)
            call = Call(
                request.role,
                request.model,
                request.key,
                trip.endpoint,
                hit,
                usage,
                trip.latency,
                trip.queue,
                retries,
                error,
            )
            self._ledger.record(call)
