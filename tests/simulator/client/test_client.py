"""The client against a server that goes wrong, through both transports."""

import logging
import traceback
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import anyio
import pytest

from simulator.client.client import ChatClient, FixedEndpoints
from simulator.client.transports import Choice
from simulator.client.types import (
    ChatError,
    Completion,
    Endpoint,
    RefusedError,
    Sampling,
    UnusableEndpointError,
    Usage,
)
from tests.fakeserver import (
    CLOSE,
    CUT,
    LENGTH,
    NO_USAGE,
    NOT_CHAT,
    NOT_JSON,
    STALL,
    WRONG_SCHEMA,
    FakeServer,
    Fault,
    reply,
    status,
)
from tests.simulator.client.asking import KEY, SCHEMA, MemoryCache, MemoryLedger, client, endpoint, request, run, until

both = pytest.mark.parametrize("transport", ["lean", "openai"])
LATER = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)


def ask(
    server: FakeServer, transport: Choice = "lean", ledger: MemoryLedger | None = None, **fields: Any
) -> Completion:
    """Make one call."""

    async def work() -> Completion:
        async with client(endpoint(server), transport=transport, ledger=ledger) as chat:
            return await chat.complete(request(**fields))

    return run(work)


def test_both_transports_send_and_read_the_same() -> None:
    with FakeServer(key=KEY, reasoning="reasoning") as server:
        replies = [ask(server, transport, schema=SCHEMA, seed=5) for transport in ("lean", "openai")]
        assert replies[0] == replies[1]
        assert server.requests[0] == server.requests[1]
        assert server.requests[0]["seed"] == 5
        assert replies[0].reasoning
        assert replies[0].usage.reasoning > 0


@both
@pytest.mark.parametrize("reasoning", ["reasoning", "reasoning_content", "think"])
def test_reasoning_is_kept_apart(transport: Choice, reasoning: str) -> None:
    with FakeServer() as plain, FakeServer(reasoning=reasoning) as server:
        thinking = ask(server, transport)
        assert thinking.text == ask(plain, transport).text
        assert thinking.reasoning
        server.behaviour.reasoning = "unclosed"
        cut = ask(server, transport)
        assert (cut.text, cut.finish_reason, cut.reasoning) == ("", "length", thinking.reasoning)


@both
@pytest.mark.parametrize(
    "fault",
    [
        status(429, retry_after="0"),
        status(429, retry_after=LATER),
        *[status(code) for code in (408, 409, 500, 502, 503, 504)],
        CUT,
        CLOSE,
        NOT_JSON,
        NOT_CHAT,
    ],
    ids=lambda fault: f"{fault.kind}-{fault.status}",
)
def test_what_may_pass_is_tried_again(transport: Choice, fault: Fault) -> None:
    ledger = MemoryLedger()
    with FakeServer() as server:
        server.faults += [fault, fault]
        ask(server, transport, ledger)
        assert len(server.requests) == 3
    assert [(call.retries, call.error, call.endpoint) for call in ledger] == [(2, "", "a")]
    assert ledger[0].usage.completion > 0
    assert ledger[0].latency > 0


@both
def test_a_stalled_call_times_out_and_is_made_again(transport: Choice) -> None:
    async def work() -> None:
        with FakeServer() as server:
            server.faults += [STALL]
            async with client(endpoint(server, timeout=0.1), transport=transport) as chat:
                await chat.complete(request())
            await until(server, lambda s: s.dropped == 1 and not s.connections)
            assert len(server.requests) == 2

    run(work)


@both
def test_tries_are_bounded(transport: Choice) -> None:
    ledger = MemoryLedger()

    async def work() -> None:
        with FakeServer() as server:
            server.rule = lambda body: status(500, "broken inside")
            async with client(endpoint(server), transport=transport, ledger=ledger, retries=3) as chat:
                line = r"a \(http.*\), model m: HTTP 500: broken inside \(4 tries\)"
                with pytest.raises(ChatError, match=line) as caught:
                    await chat.complete(request())
            assert type(caught.value) is ChatError
            assert len(server.requests) == 4

    run(work)
    assert [(call.retries, call.hit, call.error[:3]) for call in ledger] == [(3, False, "a (")]


@both
@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (status(400, "too long"), RefusedError),
        (status(413), RefusedError),
        (status(422), RefusedError),
        (status(403, "not yours"), UnusableEndpointError),
        (status(404, "The model `m` does not exist."), UnusableEndpointError),
        (status(429, "pay first", error="insufficient_quota"), UnusableEndpointError),
    ],
    ids=lambda value: str(value.status) if isinstance(value, Fault) else "",
)
def test_what_will_not_pass_is_not_tried_again(transport: Choice, fault: Fault, kind: type[ChatError]) -> None:
    with FakeServer() as server:
        server.faults += [fault]
        with pytest.raises(kind, match=fault.message):
            ask(server, transport)
        assert len(server.requests) == 1


@both
def test_replies_that_the_caller_repairs_are_returned_as_they_are(transport: Choice) -> None:
    with FakeServer() as server:
        server.faults += [LENGTH, WRONG_SCHEMA, NO_USAGE, reply("just this", reasoning="thought")]
        assert ask(server, transport, schema=SCHEMA).finish_reason == "length"
        assert "unexpected" in ask(server, transport, schema=SCHEMA).text
        assert ask(server, transport).usage == Usage()
        said = ask(server, transport)
        assert (said.text, said.reasoning, len(server.requests)) == ("just this", "thought", 4)


@both
@pytest.mark.parametrize(
    ("refuses", "forms"),
    [
        ({"json_schema"}, ["json_schema", "json_object", "json_object"]),
        ({"json_schema", "json_object"}, ["json_schema", "json_object", None, None]),
    ],
)
def test_a_server_without_json_schema_is_asked_otherwise_from_then_on(
    transport: Choice, refuses: set[str], forms: list[str | None]
) -> None:
    ledger = MemoryLedger()

    async def work() -> None:
        with FakeServer(refuses=frozenset(refuses)) as server:
            async with client(endpoint(server), transport=transport, ledger=ledger, retries=0) as chat:
                first = await chat.complete(request(schema=SCHEMA))
                await chat.complete(request(schema=SCHEMA, seed=1))
            assert '"score"' in first.text
            assert [body.get("response_format", {}).get("type") for body in server.requests] == forms

    run(work)
    assert [call.retries for call in ledger] == [len(forms) - 2, 0]


@both
def test_the_name_of_the_token_limit_is_learnt(transport: Choice) -> None:
    async def work() -> None:
        with FakeServer(refuses=frozenset({"max_tokens"})) as server:
            async with client(endpoint(server), transport=transport) as chat:
                for seed in range(2):
                    await chat.complete(request(seed=seed, sampling=Sampling(max_tokens=99)))
            sent = [(body.get("max_tokens"), body.get("max_completion_tokens")) for body in server.requests]
            assert sent == [(99, None), (None, 99), (None, 99)]
            server.behaviour.refuses = frozenset({"max_tokens", "max_completion_tokens"})
            async with client(endpoint(server), transport=transport) as chat:
                with pytest.raises(RefusedError):
                    await chat.complete(request())

    run(work)


def test_azure_has_its_own_urls_and_header() -> None:
    async def work() -> None:
        with FakeServer(key=KEY) as server:
            azure = Endpoint("z", server.root, "azure", KEY, {"m": "our-deployment"}, api_version="2024-10-21")
            async with client(azure) as chat:
                await chat.complete(request())
            assert server.paths["/openai/deployments/our-deployment/chat/completions"] == len(server.requests) == 1
            assert server.headers[0]["api-key"] == KEY
            assert "max_completion_tokens" in server.requests[0]

    run(work)


@both
@pytest.mark.parametrize(
    "fault", [status(400, "{key}"), status(401, "key {key} is wrong"), status(500, "Bearer {key}")]
)
def test_a_key_that_a_server_echoes_is_seen_nowhere(
    transport: Choice, fault: Fault, caplog: pytest.LogCaptureFixture
) -> None:
    ledger = MemoryLedger()
    caplog.set_level(logging.DEBUG)

    async def work() -> str:
        with FakeServer() as server:
            server.rule = lambda body: fault
            chat = client(endpoint(server), transport=transport, ledger=ledger, retries=1)
            async with chat:
                with pytest.raises(ChatError) as caught:
                    await chat.complete(request())
            assert (caught.value.__cause__, caught.value.__context__) == (None, None)
            return (
                "".join(traceback.format_exception(caught.value))
                + repr(caught.value)
                + repr(endpoint(server))
                + repr(chat)
            )

    shown = run(work)
    assert "[redacted]" in shown
    assert KEY not in shown + caplog.text + repr(ledger)


def test_a_key_that_no_header_can_carry_is_named_and_not_shown() -> None:
    with pytest.raises(UnusableEndpointError, match="a: its key has characters") as caught:
        run(lambda: client(Endpoint("a", "http://127.0.0.1:9/v1", key="secret\nInjected: 1")).complete(request()))
    assert "secret" not in str(caught.value)


def test_a_model_that_no_endpoint_serves() -> None:
    source = FixedEndpoints([Endpoint("a", "http://127.0.0.1:9/v1", models={"other": "x"})])
    ledger = MemoryLedger()
    with pytest.raises(UnusableEndpointError, match="no endpoint serves the model m"):
        run(lambda: ChatClient(source, ledger=ledger).complete(request()))
    assert len(ledger) == 1


def test_the_cache_comes_first_and_hits_are_booked() -> None:
    cache, ledger = MemoryCache(), MemoryLedger()

    async def work() -> None:
        with FakeServer() as server:
            async with client(endpoint(server), cache=cache, ledger=ledger) as chat:
                first = await chat.complete(request())
                assert await chat.complete(request()) == first
                await chat.complete(request(sample=1))
                await chat.complete(request(), fresh=True)
            assert len(server.requests) == 3
            server.stop()
            async with client(endpoint(server), cache=cache) as chat:
                assert await chat.complete(request()) == first

    run(work)
    assert [(call.hit, call.endpoint) for call in ledger] == [(False, "a"), (True, ""), (False, "a"), (False, "a")]


def together(
    count: int, then: Callable[[FakeServer, list[anyio.CancelScope]], None]
) -> tuple[FakeServer, list[object]]:
    """Make equal calls at once while the server stalls, let the test interfere, and return what each came to."""
    results: list[object] = [None] * count
    scopes: list[anyio.CancelScope] = []
    server = FakeServer()

    async def one(chat: ChatClient, number: int) -> None:
        with anyio.CancelScope() as scope:
            scopes.append(scope)
            try:
                results[number] = await chat.complete(request())
            except ChatError as error:
                results[number] = str(error)

    async def work() -> None:
        with server:
            server.faults += [STALL]
            async with client(endpoint(server), retries=0) as chat, anyio.create_task_group() as group:
                for number in range(count):
                    group.start_soon(one, chat, number)
                await until(server, lambda s: bool(s.stalled))
                then(server, scopes)

    run(work)
    return server, results


def test_equal_calls_at_once_share_one_request() -> None:
    server, results = together(3, lambda server, scopes: server.release())
    assert len(server.requests) == 1
    assert isinstance(results[0], Completion)
    assert results == [results[0]] * 3


def test_a_shared_failure_is_everybodys() -> None:
    _, results = together(3, lambda server, scopes: server.stop())
    assert "model m" in str(results[0])
    assert results == [results[0]] * 3


def test_if_the_one_who_asks_is_cancelled_another_asks() -> None:
    server, results = together(3, lambda server, scopes: scopes[0].cancel())
    assert results[0] is None
    assert isinstance(results[1], Completion)
    assert results[2] == results[1]
    assert len(server.requests) == 2


def test_if_one_who_waits_is_cancelled_nobody_else_is() -> None:
    def interfere(server: FakeServer, scopes: list[anyio.CancelScope]) -> None:
        scopes[1].cancel()
        server.release()

    server, results = together(3, interfere)
    assert results[1] is None
    assert isinstance(results[0], Completion)
    assert results[2] == results[0]
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "wrong", [Endpoint("a", "http://127.0.0.1:port/v1"), Endpoint("a", "https://x.invalid", "azure", KEY)]
)
def test_an_endpoint_that_makes_no_sense_is_named(wrong: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_VERSION", raising=False)

    async def work() -> None:
        async with client(wrong) as chat:
            with pytest.raises(UnusableEndpointError, match="a: it cannot be opened"):
                await chat.complete(request())

    run(work)
