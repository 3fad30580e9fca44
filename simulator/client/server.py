"""One endpoint as the client knows it: its queue, its dialects, and whether it lives."""

import asyncio
import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from simulator.client.failures import OVERLOADED, TryError
from simulator.client.limits import Gate, Outcome, Permit
from simulator.client.types import ChatRequest, Endpoint
from simulator.client.wire import Dialect, Reply, Transport, request_body

BUSIER, SLACK = 2, 8
"""A sticky word's own endpoint is passed over when its calls outstanding are above BUSIER x the least + SLACK."""

_CHECKS = 2
"""Failed health checks in a row that make a server dead: one alone may have met a moment of bad luck."""


@dataclass(frozen=True, slots=True)
class Timing:
    """How long the client waits for what, in seconds.

    Fields:
        backoff, backoff_ceiling: the first and the longest delay between tries, before jitter.
        longest_wait: at most this is waited, whatever Retry-After says.
        health_every: a server that owes answers and has been silent for so long is checked; a dead one as often.
        health_timeout: for one health check.
        poll: between two looks for a live endpoint where there is none.
    """

    backoff: float = 0.5
    backoff_ceiling: float = 20.0
    longest_wait: float = 90.0
    health_every: float = 5.0
    health_timeout: float = 10.0
    poll: float = 0.5


class Server:
    """The state behind one endpoint.

    A server is checked as soon as a call failed in a way that a dead one would cause, and whenever it owes answers
    and is silent. If it is found dead, calls in its queue and in flight end at once, to be made elsewhere.

    Fields:
        alive: by the last health checks, true before any. sent: calls so far.
        checked: when the last health check ended, by the client's clock.
    """

    def __init__(self, endpoint: Endpoint, transport: Transport, timing: Timing, changed: Callable[[], None]) -> None:
        """Assume that it lives; `changed` is called when that turns out otherwise, and after every check."""
        self.endpoint, self._transport, self._timing, self._changed = endpoint, transport, timing, changed
        self.gate = Gate(endpoint.max_in_flight)
        self.alive = True
        self.sent = 0
        self.checked = self._heard = time.monotonic()
        self._dialects: dict[str, Dialect] = {}
        self._scopes: set[asyncio.Timeout] = set()
        self._checks: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None

    def dialect(self, model: str) -> Dialect:
        """Return what the server takes for a model, as far as is known."""
        return self._dialects.get(model) or _first_dialect(self.endpoint)

    def learn(self, model: str, used: Dialect, better: Dialect) -> None:
        """Remember what it takes, unless a call beside this one has learnt something meanwhile."""
        if self.dialect(model) == used:
            self._dialects[model] = better

    async def send(self, request: ChatRequest, dialect: Dialect, permit: Permit) -> Reply:
        """Send a call that holds a place, and give the place back.

        Raises:
            TryError: no whole answer, no answer in time, or the server was found dead meanwhile.
        """
        outcome: Outcome = "other"
        scope = asyncio.timeout(self.endpoint.timeout)
        self.sent += 1
        if self._timer is None:
            self._heard = time.monotonic()
            self._tick_later()
        try:
            body = request_body(request, self.endpoint.models.get(request.model, request.model), dialect)
            async with scope:
                self._scopes.add(scope)
                reply = await self._transport.send(body)
            self._heard = time.monotonic()
            outcome = "answered" if reply.status == 200 else "overloaded" if reply.status in OVERLOADED else "other"
            return reply
        except TimeoutError:
            outcome = "other" if self.gate.is_shut else "overloaded"
        finally:
            self._scopes.discard(scope)
            self.gate.leave(permit, outcome)
            if not self._scopes:
                self._stop_ticking()
        if outcome == "overloaded":
            raise TryError("timeout", f"no answer within {self.endpoint.timeout:g} s")
        raise TryError("dead", "the server was found dead")

    def check(self) -> None:
        """Start a health check, unless one is under way."""
        if all(check.cancelling() for check in self._checks):
            check = asyncio.get_running_loop().create_task(self._find_out(), name=f"health {self.endpoint.name}")
            self._checks.add(check)
            check.add_done_callback(self._checks.discard)

    def recheck(self) -> None:
        """Start a health check if the last one is a while ago."""
        if time.monotonic() - self.checked >= self._timing.health_every:
            self.check()

    def idle(self) -> None:
        """Stop whatever runs beside calls: there are none."""
        for check in self._checks:
            if not check.cancelling():
                check.cancel()

    async def close(self) -> None:
        """End every call and every check."""
        self.drop()
        self.idle()
        if self._checks:
            await asyncio.wait(self._checks)

    def drop(self) -> None:
        """End every call in the queue and in flight."""
        self.gate.shut()
        for scope in tuple(self._scopes):
            if not scope.expired():
                scope.reschedule(0)

    async def _find_out(self) -> None:
        try:
            alive = False
            for _ in range(_CHECKS):
                if alive := await self._answers():
                    break
            if alive and not self.alive:
                self.gate.open()
            elif self.alive and not alive:
                self.alive = False
                self.drop()
            self.alive, self.checked = alive, time.monotonic()
        finally:
            self._changed()

    async def _answers(self) -> bool:
        try:
            async with asyncio.timeout(self._timing.health_timeout):
                status = await self._transport.health()
        except (TimeoutError, TryError):
            return False
        # Not every server has /models, or shows it to everybody; a health URL that was configured must say 200.
        return status == 200 if self.endpoint.health_url else status not in {502, 503, 504}

    def _tick_later(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(self._timing.health_every, self._tick)

    def _tick(self) -> None:
        if time.monotonic() - max(self._heard, self.checked) >= self._timing.health_every:
            self.check()
        self._tick_later()

    def _stop_ticking(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def choose(servers: Sequence[Server], sticky: str) -> Server:
    """Return the server to send a call to: the sticky word's own, or the one with the least outstanding.

    A word's own server is found by rendezvous hashing (Thaler and Ravishankar, 1998), so servers that come and go move
    no other words. It is passed over only while it is much busier than the least busy one (`BUSIER`, `SLACK`).
    """
    least = min(servers, key=lambda server: (server.gate.outstanding, server.sent))
    if not sticky or len(servers) == 1:
        return least
    own = max(servers, key=lambda server: _weight(sticky, server.endpoint.name))
    return least if own.gate.outstanding > BUSIER * least.gate.outstanding + SLACK else own


def _weight(sticky: str, name: str) -> bytes:
    return hashlib.blake2b(f"{sticky}\x1f{name}".encode("utf-8", "surrogatepass"), digest_size=8).digest()


def _first_dialect(endpoint: Endpoint) -> Dialect:
    # OpenAI's newer models refuse max_tokens, and all of its models take the new name; elsewhere the old one is known.
    newer = endpoint.kind == "azure" or "//api.openai.com" in endpoint.base_url
    return Dialect("max_completion_tokens" if newer else "max_tokens")
