import asyncio
from collections.abc import Awaitable, Callable

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.client.limits import START, AdaptiveLimit, Gate, GateShutError, Permit


def test_the_limit_doubles_each_round_trip_until_the_ceiling() -> None:
    limit = AdaptiveLimit(40)
    seen = []
    for _ in range(4):
        seen.append(limit.places)
        for _ in range(limit.places):
            limit.answered(in_flight=40)
    assert seen == [START, 2 * START, 4 * START, 40]


def test_after_an_overload_a_round_trip_adds_one_place() -> None:
    limit = AdaptiveLimit(64)
    limit.overloaded(epoch=0)
    assert limit.places == START // 2
    for _ in range(START // 2 + 1):
        limit.answered(in_flight=64)
    assert limit.places == START // 2 + 1


def test_only_one_decrease_per_round_trip() -> None:
    limit = AdaptiveLimit(8)
    sent_before = limit.epoch
    for _ in range(8):
        limit.overloaded(sent_before)
    assert limit.places == 4
    limit.overloaded(limit.epoch)
    assert limit.places == 2


def test_a_limit_that_is_not_used_does_not_grow() -> None:
    limit = AdaptiveLimit(64)
    for _ in range(100):
        limit.answered(in_flight=1)
    assert limit.places == START


def test_there_is_always_a_place() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        AdaptiveLimit(0)


@given(st.integers(1, 100), st.lists(st.booleans(), max_size=300))
def test_the_limit_stays_between_one_and_the_ceiling(ceiling: int, answers: list[bool]) -> None:
    limit = AdaptiveLimit(ceiling)
    for good in answers:
        if good:
            limit.answered(in_flight=1000)
        else:
            limit.overloaded(limit.epoch)
        assert 1 <= limit.places <= ceiling


class Clock:
    """A clock that the test moves."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def waiting(gate: Gate, names: str, order: list[tuple[str, float]]) -> list["asyncio.Task[Permit]"]:
    async def enter(name: str) -> Permit:
        permit = await gate.enter()
        order.append((name, permit.waited))
        return permit

    return [asyncio.get_running_loop().create_task(enter(name)) for name in names]


def queued(test: Callable[[Gate, Clock], Awaitable[None]]) -> Callable[[], None]:
    """Run a test with a gate of one place that is taken."""

    def wrapped() -> None:
        async def work() -> None:
            clock = Clock()
            gate = Gate(1, clock)
            await gate.enter()
            await test(gate, clock)

        anyio.run(work)

    return wrapped


FIRST = Permit(0, 0.0)


@queued
async def test_first_come_first_served_and_the_waiting_is_measured(gate: Gate, clock: Clock) -> None:
    order: list[tuple[str, float]] = []
    waiting(gate, "ab", order)
    await settle()
    assert (gate.in_flight, gate.outstanding, order) == (1, 3, [])
    for now in (1.0, 3.0):
        clock.now = now
        gate.leave(FIRST, "other")
        await settle()
    assert order == [("a", 1.0), ("b", 3.0)]


@queued
async def test_whoever_comes_when_a_place_is_free_does_not_overtake_the_queue(gate: Gate, clock: Clock) -> None:
    order: list[tuple[str, float]] = []
    waiting(gate, "a", order)
    await settle()
    gate.leave(FIRST, "other")  # the place is a's, though a has not run yet
    waiting(gate, "b", order)
    await settle()
    assert [name for name, _ in order] == ["a"]
    gate.leave(FIRST, "other")
    await settle()
    assert [name for name, _ in order] == ["a", "b"]


@queued
async def test_a_cancelled_wait_leaves_the_queue(gate: Gate, clock: Clock) -> None:
    order: list[tuple[str, float]] = []
    first, _ = waiting(gate, "ab", order)
    await settle()
    first.cancel()
    await settle()
    assert gate.outstanding == 2
    gate.leave(FIRST, "other")
    await settle()
    assert [name for name, _ in order] == ["b"]


@queued
async def test_a_place_given_in_the_moment_of_the_cancellation_goes_to_the_next(gate: Gate, clock: Clock) -> None:
    order: list[tuple[str, float]] = []
    first, _ = waiting(gate, "ab", order)
    await settle()
    gate.leave(FIRST, "other")
    first.cancel()
    await settle()
    assert [name for name, _ in order] == ["b"]
    assert gate.in_flight == 1


@queued
async def test_a_shut_gate_sends_everybody_away_until_it_opens(gate: Gate, clock: Clock) -> None:
    order: list[tuple[str, float]] = []
    tasks = waiting(gate, "ab", order)
    await settle()
    gate.shut()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(result) for result in results] == [GateShutError, GateShutError]
    gate.leave(FIRST, "other")
    with pytest.raises(GateShutError):
        await gate.enter()
    gate.open()
    await gate.enter()
    assert gate.outstanding == 1
