"""What the workbench relies on from a real server: forms, seeds, figures, refusals, embeddings."""

import asyncio
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Any

import pytest

from planner.subsets import members
from simulator.build.forms import DOMAIN, PRESENCE, check_form, extraction_form, issue_form, queries_form
from simulator.client.client import ChatClient, FixedEndpoints
from simulator.client.types import (
    Call,
    ChatRequest,
    Completion,
    Endpoint,
    Message,
    RefusedError,
    Sampling,
    Schema,
    UnusableEndpointError,
)
from simulator.embed import Embedder
from simulator.replies import (
    COMPLETENESS,
    CRISIS,
    JUDGEMENT,
    USER_REPLY,
    Form,
    choice_form,
    ranking_form,
    wording_form,
)
from tests.vllm.serving import KEY, Server

pytestmark = pytest.mark.vllm

FORMS: tuple[Form[Any], ...] = (
    JUDGEMENT,
    COMPLETENESS,
    CRISIS,
    USER_REPLY,
    PRESENCE,
    DOMAIN,
    extraction_form(0b1111111111),
    issue_form("Health"),
    check_form(3),
    queries_form(3),
    ranking_form(0b1111111111),
    ranking_form(0b11),
    choice_form(0b1111111111),
    choice_form(0b1),
    wording_form(9),
)
WORDS = (Message("system", "You help people."), Message("user", "Is twice a day training enough?"))


class Ledger(list[Call]):
    """Keeps the calls."""

    def calling(self, request: ChatRequest) -> AbstractAsyncContextManager[None]:
        """Let every call through."""
        return nullcontext()

    def record(self, call: Call) -> None:
        """Keep a call."""
        self.append(call)


def ask(
    server: Server, requests: Sequence[ChatRequest], ledger: Ledger | None = None, key: str = KEY
) -> list[Completion]:
    """Ask for all requests at once."""
    endpoint = Endpoint("tiny", server.base_url, key=key, health_url=f"http://127.0.0.1:{server.port}/health")

    async def gather() -> list[Completion]:
        async with ChatClient(FixedEndpoints([endpoint]), ledger=ledger) as client:
            return await asyncio.gather(*map(client.complete, requests))

    return asyncio.run(gather())


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.schema.name)
@pytest.mark.parametrize("temperature", [0.0, 0.7, 2.0])
def test_every_form_is_kept_by_a_model_that_knows_nothing(server: Server, form: Form[Any], temperature: float) -> None:
    sampling = Sampling(temperature, 0.95, 6000)
    replies = ask(server, [ChatRequest("tiny", WORDS, sampling, seed, schema=form.schema) for seed in range(8)])
    for reply in replies:
        assert reply.finish_reason == "stop", "every text is bounded, so that every reply ends"
        form.read(reply.text)


def test_a_ranking_ranks_what_it_was_asked_for(server: Server) -> None:
    form = ranking_form(0b1010110)
    (reply,) = ask(server, [ChatRequest("tiny", WORDS, Sampling(0.0, 1.0, 512), schema=form.schema)])
    assert sorted(form.read(reply.text)) == list(members(0b1010110))


def test_a_seed_repeats_exactly_and_others_differ(server: Server) -> None:
    requests = [ChatRequest("tiny", WORDS, Sampling(0.7, 0.95, 200), seed) for seed in range(12)]
    together, again = ask(server, requests), ask(server, requests)
    alone = [ask(server, [request])[0] for request in requests]
    assert [r.text for r in together] == [r.text for r in again] == [r.text for r in alone]
    assert len({r.text for r in together}) == len(requests)


def test_usage_is_counted_by_both_sides_alike(server: Server) -> None:
    ledger = Ledger()
    before = server.metric("prompt_tokens_total"), server.metric("generation_tokens_total")
    replies = ask(server, [ChatRequest("tiny", WORDS, seed=100 + seed) for seed in range(5)], ledger)
    after = server.metric("prompt_tokens_total"), server.metric("generation_tokens_total")
    assert sum(call.usage.prompt for call in ledger) == after[0] - before[0] > 0
    assert sum(call.usage.completion for call in ledger) == after[1] - before[1] > 0
    assert {r.finish_reason for r in replies} == {"stop"}
    assert all(call.latency > 0 and not call.error and call.endpoint == "tiny" for call in ledger)


def test_what_calls_share_at_the_start_comes_from_the_cache(server: Server) -> None:
    shared = Message("system", "You help people who are in difficult situations. " * 40)
    ledger = Ledger()
    hits = server.metric("prefix_cache_hits_total")
    for text in ("first", "second"):
        ask(server, [ChatRequest("tiny", (shared, Message("user", text)))], ledger)
    first, second = (call.usage for call in ledger)
    assert first.cached < 128 < second.cached < second.prompt
    assert server.metric("prefix_cache_hits_total") - hits == first.cached + second.cached


def test_what_runs_into_the_limit_says_so(server: Server) -> None:
    form = JUDGEMENT
    (reply,) = ask(server, [ChatRequest("tiny", WORDS, Sampling(0.7, 0.95, 8), schema=form.schema)])
    assert reply.finish_reason == "length"
    assert reply.usage.completion == 8


def test_what_the_server_refuses_is_one_line(server: Server) -> None:
    unique = {"type": "array", "items": {"enum": ["a", "b"]}, "minItems": 2, "maxItems": 2, "uniqueItems": True}
    schema = Schema("unique", {"type": "object", "properties": {"x": unique}, "required": ["x"]})
    cases: list[tuple[type[Exception], ChatRequest, str]] = [
        (RefusedError, ChatRequest("tiny", WORDS, schema=schema), KEY),
        (RefusedError, ChatRequest("tiny", (Message("user", "word " * 20_000),)), KEY),
        (UnusableEndpointError, ChatRequest("other", WORDS), KEY),
        (UnusableEndpointError, ChatRequest("tiny", WORDS), "wrong-key"),
    ]
    for error, request, key in cases:
        with pytest.raises(error) as caught:
            ask(server, [request], key=key)
        assert "\n" not in str(caught.value)
        assert key not in str(caught.value)


def test_an_embedding_server_gives_unit_vectors_and_no_chat(embedding_server: Server) -> None:
    from simulator.client.embeddings import ServedEmbedder

    embedder: Embedder = ServedEmbedder(Endpoint("e", embedding_server.base_url, key=KEY), "tiny-embed")
    texts = ["Is twice a day training enough?", "How do I stop thinking of her?", "Is twice a day training enough?"]
    vectors = embedder.embed(texts)
    assert vectors.shape == (3, 64) == (3, embedder.dimensions)
    assert (vectors**2).sum(1).tolist() == pytest.approx([1, 1, 1], abs=1e-5)
    assert (vectors[0] == vectors[2]).all()
    assert not (vectors[0] == vectors[1]).all()
    chat = {"model": "tiny-embed", "messages": [{"role": "user", "content": "hello"}]}
    assert embedding_server.post("/chat/completions", chat)[0] == 404
