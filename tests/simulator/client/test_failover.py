"""Several servers, dying servers, and what is left when calls are cancelled."""

from collections.abc import Sequence
from dataclasses import replace

import anyio
import pytest

from simulator.client.client import ChatClient, Timing
from simulator.client.server import BUSIER, SLACK, Server, choose
from simulator.client.transports import Choice
from simulator.client.types import ChatError, Endpoint, UnusableEndpointError
from tests.fakeserver import STALL, FakeServer, status
from tests.simulator.client.asking import FAST, MemoryLedger, client, endpoint, request, run, until

PATIENT = replace(FAST, backoff=1e6, backoff_ceiling=1e6, longest_wait=1e6)
"""A wait between tries that nobody could sit out."""

both = pytest.mark.parametrize("transport", ["lean", "openai"])


def servers(*outstanding: int) -> list[Server]:
    """Return servers with so many calls outstanding, named after their numbers."""
    made = []
    for number, calls in enumerate(outstanding):
        # Nothing is sent in these tests.
        server = Server(Endpoint(str(number), "http://x/v1"), None, Timing(), lambda: None)  # type: ignore[arg-type]
        server.gate.in_flight = calls
        made.append(server)
    return made


def test_the_least_outstanding_server_is_chosen_and_ties_go_round() -> None:
    assert choose(servers(3, 1, 2), "").endpoint.name == "1"
    idle = servers(0, 0, 0)
    for _ in range(6):
        choose(idle, "").sent += 1
    assert [server.sent for server in idle] == [2, 2, 2]


def test_a_word_sticks_to_its_server_until_that_is_much_busier() -> None:
    made = servers(0, 0, 0)
    own = choose(made, "a scenario")
    own.gate.in_flight = SLACK
    assert choose(made, "a scenario") is own
    own.gate.in_flight = SLACK + 1
    assert choose(made, "a scenario") is not own
    for server in made:
        if server is not own:
            server.gate.in_flight = 10
    own.gate.in_flight = BUSIER * 10 + SLACK
    assert choose(made, "a scenario") is own


def test_words_spread_and_a_server_that_goes_moves_no_others_words() -> None:
    made = servers(0, 0, 0)
    words = [f"scenario {number}" for number in range(300)]
    before = {word: choose(made, word) for word in words}
    assert all(60 < list(before.values()).count(server) < 140 for server in made)
    for word in words:
        if before[word] is not made[0]:
            assert choose(made[1:], word) is before[word]


def test_a_retry_goes_to_another_server_without_delay() -> None:
    async def work() -> None:
        with FakeServer() as ill, FakeServer() as well:
            ill.rule = lambda body: status(429, retry_after="3600")
            async with client(endpoint(ill, "ill"), endpoint(well, "well"), timing=PATIENT) as chat:
                for seed in range(4):
                    await chat.complete(request(seed=seed))
            assert len(ill.requests) > 0
            assert len(well.requests) == 4

    run(work)


def test_calls_of_one_scenario_go_to_one_server() -> None:
    async def work() -> None:
        with FakeServer() as one, FakeServer() as other:
            async with (
                client(endpoint(one, "one"), endpoint(other, "other")) as chat,
                anyio.create_task_group() as group,
            ):
                for seed in range(8):
                    group.start_soon(chat.complete, request(seed=seed, sticky="scenario 1"))
            assert sorted([len(one.requests), len(other.requests)]) == [0, 8]

    run(work)


@both
def test_no_more_calls_than_allowed_are_in_flight(transport: Choice) -> None:
    async def work() -> None:
        with FakeServer(latency=0.005) as server:
            chat = client(endpoint(server, max_in_flight=3), transport=transport)
            async with chat, anyio.create_task_group() as group:
                for seed in range(30):
                    group.start_soon(chat.complete, request(seed=seed))
            assert server.most_in_flight == 3

    run(work)


def test_time_in_the_queue_is_booked() -> None:
    ledger = MemoryLedger()

    async def work() -> None:
        with FakeServer(latency=0.02) as server:
            chat = client(endpoint(server, max_in_flight=1), ledger=ledger)
            async with chat, anyio.create_task_group() as group:
                for seed in range(3):
                    group.start_soon(chat.complete, request(seed=seed))

    run(work)
    assert ledger[0].queue < ledger[1].queue < ledger[2].queue


async def ask_while(chat: ChatClient, server: FakeServer, interfere: str, calls: int = 5) -> None:
    """Make calls that stall at the server, and do something to it."""
    server.rule = lambda body: STALL
    async with anyio.create_task_group() as group:
        for seed in range(calls):
            group.start_soon(chat.complete, request(seed=seed))
        await until(server, lambda s: len(s.stalled) > 0)
        if interfere == "killed":
            server.stop()
        elif interfere == "hung":
            server.behaviour.hung = True
        else:
            server.behaviour.healthy = False


@both
@pytest.mark.parametrize("death", ["killed", "hung", "unhealthy"])
def test_calls_at_a_server_that_dies_are_made_elsewhere_at_once(transport: Choice, death: str) -> None:
    ledger = MemoryLedger()

    async def work() -> None:
        with FakeServer() as dying, FakeServer() as other:
            # The limit keeps some calls in the queue before the dying server. Without a health check all would wait.
            ends = [
                endpoint(server, name, health_url=f"{server.root}/health", timeout=3600, max_in_flight=2)
                for server, name in ((dying, "dying"), (other, "other"))
            ]
            timing = replace(FAST, health_timeout=0.1)
            async with client(*ends, transport=transport, ledger=ledger, timing=timing) as chat:
                await ask_while(chat, dying, death)
                await chat.complete(request("later"))
            assert len(other.requests) == 6

    run(work)
    assert all(call.endpoint == "other" and not call.error for call in ledger)


def test_nothing_live_within_patience_is_an_error_that_says_so() -> None:
    ledger = MemoryLedger()

    async def work() -> None:
        with FakeServer() as server:
            pass
        async with client(endpoint(server), patience=0.05, ledger=ledger) as chat:
            for seed in range(2):
                with pytest.raises(
                    UnusableEndpointError, match=r"no live endpoint for the model m in 0.05 s \(a: http"
                ):
                    await chat.complete(request(seed=seed))

    run(work)
    assert [bool(call.error) for call in ledger] == [True, True]


class Workers:
    """An `EndpointSource` whose workers come and go."""

    def __init__(self) -> None:
        self.now: list[Endpoint] = []
        self.looks = 0

    def endpoints(self, model: str) -> Sequence[Endpoint]:
        self.looks += 1
        return self.now


def test_a_worker_that_comes_late_is_waited_for() -> None:
    async def work() -> None:
        source = Workers()
        with FakeServer() as server:
            async with ChatClient(source, timing=FAST) as chat, anyio.create_task_group() as group:
                group.start_soon(chat.complete, request())
                while source.looks < 3:
                    await anyio.sleep(0)
                source.now = [endpoint(server)]
            assert len(server.requests) == 1

    run(work)


@both
def test_a_server_that_comes_back_is_used_again(transport: Choice) -> None:
    async def work() -> None:
        with FakeServer() as server:
            async with client(endpoint(server), transport=transport, timing=PATIENT) as chat:
                await chat.complete(request())
                server.stop()
                async with anyio.create_task_group() as group:
                    group.start_soon(chat.complete, request(seed=1))
                    while chat._servers and all(known.alive for known in chat._servers.values()):
                        await anyio.sleep(0)
                    server.start()
            assert len(server.requests) == 2

    run(work)


def test_a_slow_start_is_waited_for() -> None:
    async def work() -> None:
        with FakeServer(starting=12) as server:
            end = endpoint(server, health_url=f"{server.root}/health")
            async with client(end, timing=PATIENT, retries=1) as chat:
                await chat.complete(request())
            assert len(server.requests) == 2

    run(work)


@both
def test_a_wait_between_tries_ends_when_the_server_is_dead(transport: Choice) -> None:
    async def work() -> None:
        with FakeServer() as dying, FakeServer() as other:
            source = Workers()
            source.now = [endpoint(dying, "dying", health_url=f"{dying.root}/health")]
            dying.behaviour.healthy = False
            chat = ChatClient(source, timing=PATIENT, transport=transport)
            async with chat, anyio.create_task_group() as group:
                group.start_soon(chat.complete, request())
                await until(dying, lambda s: s.paths["/health"] >= 2)
                source.now = [endpoint(other, "other")]
            assert len(other.requests) == 1

    run(work)


@both
def test_cancelled_calls_leave_nothing_running(transport: Choice) -> None:
    async def work() -> None:
        with FakeServer() as server:
            server.rule = lambda body: STALL
            async with client(endpoint(server, max_in_flight=3), transport=transport) as chat:
                async with anyio.create_task_group() as group:
                    for seed in range(8):
                        group.start_soon(chat.complete, request(seed=seed))
                    await until(server, lambda s: s.in_flight == 3)
                    group.cancel_scope.cancel()
                await until(server, lambda s: s.in_flight == 0 and s.dropped == 3)
                server.rule = lambda body: None
                await chat.complete(request())
            await until(server, lambda s: not s.connections)
            assert len(server.requests) == 4

    run(work)


@both
def test_closing_ends_every_call_and_connection(transport: Choice) -> None:
    errors: list[str] = []

    async def work() -> None:
        with FakeServer() as server:
            server.rule = lambda body: STALL
            chat = client(endpoint(server, max_in_flight=3), transport=transport)

            async def one(seed: int) -> None:
                try:
                    await chat.complete(request(seed=seed))
                except ChatError as error:
                    errors.append(str(error))

            async with anyio.create_task_group() as group:
                for seed in range(5):
                    group.start_soon(one, seed)
                await until(server, lambda s: s.in_flight == 3)
                await chat.close()
            await until(server, lambda s: not s.connections)

    run(work)
    assert errors == ["the client was closed before the call was answered"] * 5


def test_a_check_that_was_cancelled_before_it_began_does_not_stop_later_ones() -> None:
    class Well:
        async def health(self) -> int:
            return 200

    async def work() -> None:
        # Nothing but the health of this transport is asked for.
        server = Server(Endpoint("a", "http://x/v1"), Well(), FAST, lambda: None)  # type: ignore[arg-type]
        began = server.checked
        server.check()
        server.idle()
        server.check()
        while server.checked == began:
            await anyio.sleep(0)
        await server.close()

    run(work)
