"""The model world over the real client, against a server that misbehaves on demand."""

from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import replace
from typing import Any

import anyio
import pytest

from simulator.agent import AgentOptions, converse
from simulator.client.client import FixedEndpoints
from simulator.client.types import Call, ChatRequest, Completion, Endpoint, Sampling
from simulator.judge import judge_response
from simulator.model import ModelSettings, ModelWorld, RoleSettings
from simulator.model.session import ModelSession
from simulator.scenario import Scenario
from simulator.world import JudgementError, World
from tests.fakeserver.faults import LENGTH, WRONG_SCHEMA, Fault, reply, status
from tests.fakeserver.server import FakeServer
from tests.simulator.model.scripted import DRAW, PROFILE, SCENARIO

SETTINGS = ModelSettings(models=("m",), judges=("j",))
SCENARIOS = [Scenario(f"Should I move house? ({number})", PROFILE) for number in range(4)]


class Cache:
    """Completions in memory."""

    def __init__(self) -> None:
        self.completions: dict[str, Completion] = {}

    def get(self, key: str) -> Completion | None:
        return self.completions.get(key)

    def put(self, request: ChatRequest, completion: Completion) -> None:
        self.completions[request.key] = completion

    def forget(self, request: ChatRequest) -> None:
        self.completions.pop(request.key, None)


class Calls(list[Call]):
    """A ledger in memory."""

    def calling(self, request: ChatRequest) -> AbstractAsyncContextManager[None]:
        return nullcontext()

    def record(self, call: Call) -> None:
        self.append(call)


@pytest.fixture
def server() -> Iterator[FakeServer]:
    with FakeServer() as server:
        yield server


def world(server: FakeServer, settings: ModelSettings = SETTINGS) -> ModelWorld:
    return ModelWorld(settings, FixedEndpoints([Endpoint("fake", server.url)]))


async def lived(session: ModelSession) -> object:
    """A dialogue with its answer and verdict, and a bit of a search."""
    dialogue = await converse(session, AgentOptions(crisis=False, max_questions=4), (), "agent")
    response = await session.respond(dialogue.knowledge, "instruction", DRAW)
    verdict = await judge_response(session, response, "j", 2, DRAW)
    return dialogue, response, verdict, await session.rank(0, 1023), await session.evaluate(5, "j", DRAW)


def live(made: ModelWorld, cache: Cache | None = None, ledger: Calls | None = None, at_once: bool = False) -> list[Any]:
    results: list[Any] = [None] * len(SCENARIOS)

    async def one(index: int) -> None:
        results[index] = await lived(made.open(SCENARIOS[index], "m", 7))

    async def everything() -> None:
        async with made.serving(cache or Cache(), ledger if ledger is not None else Calls()):
            if at_once:
                async with anyio.create_task_group() as tasks:
                    for index in range(len(SCENARIOS)):
                        tasks.start_soon(one, index)
            else:
                for index in range(len(SCENARIOS)):
                    await one(index)

    anyio.run(everything)
    return results


def judged(server: FakeServer, settings: ModelSettings = SETTINGS) -> Any:
    async def once() -> Any:
        made = world(server, settings)
        async with made.serving(Cache(), Calls()):
            return await made.open(SCENARIO, "m", 7).evaluate(1, "j", DRAW)

    return anyio.run(once)


def test_it_is_a_world() -> None:
    made: World = ModelWorld(SETTINGS, FixedEndpoints([]))
    assert (made.name, made.noisy, made.models, made.judges) == ("model", True, ("m",), ("j",))
    assert "judge" in made.prompts
    with pytest.raises(KeyError, match="no model 'x'"):
        made.open(SCENARIO, "x", 0)


def test_results_are_the_same_one_by_one_at_once_and_from_the_cache(server: FakeServer) -> None:
    cache, ledger = Cache(), Calls()
    results = live(world(server), cache, ledger)
    assert live(world(server), at_once=True) == results
    asked = len(server.requests)
    again = Calls()
    assert live(world(server), cache, again) == results
    assert len(server.requests) == asked
    assert all(call.hit for call in again)
    assert {call.role for call in ledger} == {"agent", "judge", "planner", "user"}


@pytest.mark.parametrize("refused", [{"json_schema"}, {"json_schema", "json_object"}])
def test_a_server_without_schemas_is_enough(server: FakeServer, refused: set[str]) -> None:
    server.behaviour.refuses = frozenset(refused)
    assert len(live(world(server))) == len(SCENARIOS)
    assert live(world(server, replace(SETTINGS, structured="fallback")))


@pytest.mark.parametrize("reasoning", ["reasoning", "reasoning_content", "think"])
def test_models_that_think_first_are_read_all_the_same(server: FakeServer, reasoning: Any) -> None:
    server.behaviour.reasoning = reasoning
    for dialogue, response, *_ in live(world(server)):
        assert dialogue.invalid == ()
        assert "think" not in response.text


def test_a_thought_that_never_ends_is_a_failure(server: FakeServer) -> None:
    server.behaviour.reasoning = "unclosed"
    with pytest.raises(JudgementError, match="before the reply began"):
        judged(server)
    assert [request["max_tokens"] for request in server.requests] == [1024, 2048, 4096]


@pytest.mark.parametrize("fault", [WRONG_SCHEMA, LENGTH, reply("I can't rate this."), reply('{"a": NaN}')])
def test_bad_verdicts_are_repaired_or_failures(server: FakeServer, fault: Fault) -> None:
    server.faults += [None, fault, fault]
    assert judged(server).valid == 1
    assert len(server.requests) == 4
    assert len({request["seed"] for request in server.requests[1:]}) == 3
    server.faults += [None, fault, fault, fault]
    with pytest.raises(JudgementError, match="after 2 repairs"):
        judged(server)


def test_what_the_server_refuses_is_a_failed_judgement(server: FakeServer) -> None:
    server.faults += [None, status(400, "the context is too long")]
    with pytest.raises(JudgementError, match="the context is too long"):
        judged(server)


def test_nothing_can_be_asked_outside_of_serving(server: FakeServer) -> None:
    made = world(server)

    async def misuse() -> None:
        session = made.open(SCENARIO, "m", 7)
        async with made.serving(Cache(), Calls()):
            await session.in_crisis()
            with pytest.raises(RuntimeError, match="already"):
                async with made.serving(Cache(), Calls()):
                    pass
        with pytest.raises(RuntimeError, match="serving"):
            await session.in_crisis()
        async with made.serving(Cache(), Calls()):
            await session.in_crisis()

    anyio.run(misuse)


def test_the_version_follows_what_an_answer_depends_on() -> None:
    def version(settings: ModelSettings) -> str:
        return ModelWorld(settings, FixedEndpoints([])).version

    base = version(SETTINGS)
    assert version(ModelSettings(models=("m",), judges=("j",), roles={"user": SETTINGS.roles["user"]})) == base
    assert version(replace(SETTINGS, models=("m", "n"), judges=("k",))) == base
    changed = [
        replace(SETTINGS, responses=Sampling(0.1)),
        replace(SETTINGS, structured="fallback"),
        replace(SETTINGS, reasoning_tokens=1),
        replace(SETTINGS, system_messages=False),
        replace(SETTINGS, roles={"planner": RoleSettings("p")}),
    ]
    assert len({base, *map(version, changed)}) == 6


def test_the_version_follows_the_prompts(monkeypatch: pytest.MonkeyPatch) -> None:
    before = ModelWorld(SETTINGS, FixedEndpoints([])).version
    monkeypatch.setattr("simulator.model.world.versions", lambda: {"judge": "2-00000000"})
    assert ModelWorld(SETTINGS, FixedEndpoints([])).version != before
