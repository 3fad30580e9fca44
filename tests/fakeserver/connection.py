"""HTTP/1.1, as much of it as a fake server needs: written on asyncio's protocols, so that it costs next to nothing."""

import asyncio
import json
from typing import TYPE_CHECKING, Any

from tests.fakeserver import answers
from tests.fakeserver.faults import Fault

if TYPE_CHECKING:
    from tests.fakeserver.server import FakeServer

_REASONS = {200: "OK", 400: "Bad Request", 401: "Unauthorized", 404: "Not Found", 429: "Too Many Requests"}


class Connection(asyncio.Protocol):
    """One client's connection: requests one after the other."""

    transport: asyncio.Transport

    def __init__(self, server: "FakeServer") -> None:
        self._server, self._buffer = server, b""
        self._busy = self._chatting = False
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        with self._server.changing():
            self._server.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        with self._server.changing():
            self._server.connections.discard(self)
            self._server.stalled.discard(self)
            if self._chatting:
                self._server.in_flight -= 1
                self._server.dropped += 1

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        self._next()

    def _next(self) -> None:
        if self._busy:
            return
        head, found, rest = self._buffer.partition(b"\r\n\r\n")
        if not found:
            return
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): text.strip() for name, _, text in (line.partition(":") for line in lines)}
        length = int(headers.get("content-length", 0))
        if len(rest) < length:
            return
        self._buffer = rest[length:]
        with self._server.changing():
            self._busy = True
            self._respond(first.split(" ")[1].partition("?")[0], headers, rest[:length])

    def _respond(self, path: str, headers: dict[str, str], raw: bytes) -> None:
        server, behaviour = self._server, self._server.behaviour
        server.paths[path] += 1
        chat = path.endswith("/chat/completions")
        body: dict[str, Any] = json.loads(raw) if raw else {}
        if chat:
            self._chatting = True
            server.in_flight += 1
            server.most_in_flight = max(server.most_in_flight, server.in_flight)
            server.requests.append(body)
            server.headers.append(headers)
        if behaviour.hung:
            return
        if behaviour.starting > 0:
            behaviour.starting -= 1
            self.send(503, answers.error(503, "the fake server is starting"))
        elif path == "/health":
            self.send(200 if behaviour.healthy else 503, b"")
        elif path == "/metrics":
            counts = (server.in_flight, server.answered, server.prompt_tokens, server.generated_tokens)
            self.send(200, answers.metrics(*counts), kind="text/plain; version=0.0.4")
        elif not behaviour.healthy:
            self.send(503, answers.error(503, "the fake server is ill"))
        elif behaviour.key and behaviour.key not in (given := _key(headers)):
            self.send(401, answers.error(401, f"Incorrect API key provided: {given}", "invalid_api_key"))
        elif path == "/v1/models":
            self.send(200, answers.models(behaviour))
        elif path.endswith("/embeddings"):
            self._later(200, answers.embeddings(body, behaviour))
        elif chat and behaviour.models and body.get("model") not in behaviour.models:
            self.send(404, answers.error(404, f"The model `{body.get('model')}` does not exist."))
        elif chat:
            self._chat(body, headers)
        else:
            self.send(404, b'{"detail":"Not Found"}')

    def _chat(self, body: dict[str, Any], headers: dict[str, str]) -> None:
        server, behaviour = self._server, self._server.behaviour
        if (refused := answers.refusal(body, behaviour)) is not None:
            self.send(400, refused)
            return
        fault = server.next_fault(body)
        match fault:
            case Fault("status"):
                text = fault.message.replace("{key}", _key(headers))
                self.send(fault.status, answers.error(fault.status, text, fault.code), retry_after=fault.retry_after)
            case Fault("stall"):
                server.stalled.add(self)
                self._stalled = body
            case Fault("close"):
                self._done()
                self.transport.abort()
            case Fault("cut"):
                whole = answers.completion(body, behaviour, None)
                head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(whole)}\r\n\r\n"
                self._done()
                self.transport.write(head.encode() + whole[: len(whole) // 2])
                self.transport.close()
            case Fault("not_json"):
                self._later(200, b'{"choices": [{"message": {"content": "never')
            case Fault("not_chat"):
                self._later(200, b'{"object": "list", "data": []}')
            case _:
                self.complete(body, fault)

    def release(self) -> None:
        """Answer a request that was stalled."""
        self.complete(self._stalled, None)

    def complete(self, body: dict[str, Any], fault: Fault | None) -> None:
        """Answer a chat after the server's latency."""
        reply = answers.completion(body, self._server.behaviour, fault)
        with self._server.changing():
            self._server.answered += 1
            self._server.prompt_tokens += answers.prompt_tokens(body)
            self._server.generated_tokens += len(reply) // 40
        self._later(200, reply)

    def _later(self, status: int, body: bytes) -> None:
        if latency := self._server.behaviour.latency:
            self._timer = asyncio.get_running_loop().call_later(latency, self.send, status, body)
        else:
            self.send(status, body)

    def send(self, status: int, body: bytes, *, kind: str = "application/json", retry_after: str = "") -> None:
        """Answer now, and go on to what the client has sent meanwhile."""
        head = f"HTTP/1.1 {status} {_REASONS.get(status, 'Fake')}\r\ncontent-type: {kind}\r\n"
        head += f"content-length: {len(body)}\r\n"
        if retry_after:
            head += f"retry-after: {retry_after}\r\n"
        self._done()
        self.transport.write(head.encode() + b"\r\n" + body)
        self._next()

    def _done(self) -> None:
        with self._server.changing():
            self._server.in_flight -= self._chatting
            self._busy = self._chatting = False


def _key(headers: dict[str, str]) -> str:
    return headers.get("api-key") or headers.get("authorization", "").removeprefix("Bearer ")
