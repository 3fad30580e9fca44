"""What a chat call is: request, completion, endpoint, and the protocols of cache and ledger (design.md, Folders)."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, NamedTuple, Protocol

Role = Literal["agent", "judge", "planner", "user"]
"""Who speaks through a model: the agent (responses too), a judge, the planner's prior, the simulated user."""

ROLES: tuple[Role, ...] = ("agent", "judge", "planner", "user")

Caller = Role | Literal["builder"]
"""On whose behalf a call is made: a role of the world's, or whoever builds scenarios, which no world does."""


class Message(NamedTuple):
    """One message of a chat. What calls of one scenario share stands first, so that prefix caches hit."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class Sampling:
    """How a reply is sampled.

    Fields:
        temperature: 0-2. top_p: 0-1.
        max_tokens: of the completion, reasoning included.
    """

    temperature: float = 0.7
    top_p: float = 0.95
    max_tokens: int = 1024


@dataclass(frozen=True)
class Schema:
    """The form of a structured reply: a name and a JSON schema (every string and number bounded)."""

    name: str
    json: Mapping[str, Any]


@dataclass(frozen=True)
class ChatRequest:
    """One call, complete: equal requests have equal keys, and a deterministic server answers them equally.

    Fields:
        model: as configured; what an endpoint calls it is the endpoint's business.
        seed: 0 to 2^31 - 1, passed to the server.
        sample: keeps repeats of one prompt apart in the cache, also where a server ignores seeds.
        schema: the reply must have this form.
        role: who speaks; sticky: calls with the same word (a scenario id) go to the same worker. Neither is in the key.
    """

    model: str
    messages: tuple[Message, ...]
    sampling: Sampling = field(default_factory=Sampling)
    seed: int = 0
    sample: int = 0
    schema: Schema | None = None
    role: Caller = "agent"
    sticky: str = ""

    @cached_property
    def key(self) -> str:
        """SHA-256 of what decides the reply: model, messages, sampling, seed, sample number, schema."""
        s = self.sampling
        parts = (
            self.model,
            self.messages,
            (s.temperature, s.top_p, s.max_tokens),
            self.seed,
            self.sample,
            None if self.schema is None else (self.schema.name, self.schema.json),
        )
        return hashlib.sha256(json.dumps(parts, ensure_ascii=False).encode("utf-8", "surrogatepass")).hexdigest()


class Usage(NamedTuple):
    """Tokens of one call: `cached` ones of the prompt came from a prefix cache, `reasoning` is in `completion`."""

    prompt: int = 0
    cached: int = 0
    completion: int = 0
    reasoning: int = 0


NO_USAGE = Usage()


@dataclass(frozen=True, slots=True)
class Completion:
    """What a model replied.

    Fields:
        text: the reply, without what the model thought before it.
        reasoning: what it thought (a field of its own or think tags), empty where there is none.
        finish_reason: in the server's words: stop, length, …
        usage: as the server counted.
    """

    text: str
    reasoning: str = ""
    finish_reason: str = "stop"
    usage: Usage = NO_USAGE


@dataclass(frozen=True, slots=True)
class Call:
    """One row of the ledger: a call that was answered, by a server or from the cache, or that failed.

    Fields:
        endpoint: its name, empty for a cache hit. key: of the request.
        latency, queue: seconds, from sending to the whole reply, and waiting for a place before that.
        retries: tries before the last one.
        error: why it failed, in one line without any key; empty if it did not.
    """

    role: Caller
    model: str
    key: str
    endpoint: str = ""
    hit: bool = False
    usage: Usage = NO_USAGE
    latency: float = 0.0
    queue: float = 0.0
    retries: int = 0
    error: str = ""


class ResponseCache(Protocol):
    """Completions by request key; the engine passes storage's in."""

    def get(self, key: str) -> Completion | None:
        """Return the stored completion of a request, or None."""
        ...

    def put(self, request: ChatRequest, completion: Completion) -> None:
        """Store a completion, in place of one that was forgotten; returns at once, writing may follow."""
        ...

    def forget(self, request: ChatRequest) -> None:
        """Answer a request from here no more. What was stored may still be shown; returns at once."""
        ...


class Ledger(Protocol):
    """Hears of every call; the engine passes storage's in."""

    def calling(self, request: ChatRequest) -> AbstractAsyncContextManager[None]:
        """Enclose a call to a server, from before it is sent until it is recorded.

        Entering waits as long as the call may not be made: for ever, where it never may be.
        """
        ...

    def record(self, call: Call) -> None:
        """Take down a call; returns at once, writing may follow."""
        ...


@dataclass(frozen=True)
class Endpoint:
    """A server that speaks OpenAI's chat API.

    Fields:
        name: short, for tables and errors.
        base_url: up to and including `/v1`, as openai's client takes it.
        kind: `openai` for everything compatible, `azure` for Azure's own URLs.
        key: the secret itself, read from the environment (or drawn for a worker of ours); never shown or stored.
        models: names of models as configured -> as this server calls them; empty: any, under its own name.
        max_in_flight: the adaptive limit starts below and never passes this.
        timeout: seconds for one try.
        health_url: answers 200 while the server lives; empty: `{base_url}/models`.
        api_version: for `azure`.
    """

    name: str
    base_url: str
    kind: Literal["openai", "azure"] = "openai"
    key: str = field(default="", repr=False)
    models: Mapping[str, str] = field(default_factory=dict)
    max_in_flight: int = 64
    timeout: float = 120.0
    health_url: str = ""
    api_version: str = ""


class EndpointSource(Protocol):
    """Says which endpoints there are now: a fixed list, or workers that come and go."""

    def endpoints(self, model: str) -> Sequence[Endpoint]:
        """Return the endpoints that serve a model at this moment; empty where none does just now.

        Raises:
            ChatError: none ever will (no such model configured, every worker given up).
        """
        ...


class ChatError(Exception):
    """A call came to nothing for good; the message is one line without any key: endpoint, model, what, what to do."""


class RefusedError(ChatError):
    """The server refused this request (400, 404, 413, 422): asking again would not help; others may go through."""


class UnusableEndpointError(ChatError):
    """Nothing will go through: wrong key (401, 403), unknown model, every endpoint dead past the patience."""
