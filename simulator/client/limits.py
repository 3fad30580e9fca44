"""How much may be in flight at one endpoint: additive increase, multiplicative decrease, and a fair queue before it."""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import Literal, NamedTuple

Outcome = Literal["answered", "overloaded", "other"]
"""How a call ended, as far as the limit cares: a good reply; 429, 503 or a timeout; anything else."""

START = 8
"""Places at the start, unless the ceiling is lower."""

DECREASE = 0.5


class AdaptiveLimit:
    """The number of places at one endpoint, as TCP does it (AIMD; Chiu and Jain, 1989).

    Until the first overload every good reply adds a place, so that the ceiling is reached within a few round trips;
    after it, a round trip of good replies does. An overload halves the number, at most once per round trip: calls sent
    before the last decrease say nothing new. Only a limit that is made use of grows.
    """

    def __init__(self, ceiling: int) -> None:
        """Start with `START` places and never pass `ceiling`.

        Raises:
            ValueError: the ceiling is below 1.
        """
        if ceiling < 1:
            raise ValueError(f"the number of calls in flight must be at least 1, not {ceiling}")
        self.ceiling = ceiling
        self.epoch = 0
        self._value = float(min(START, ceiling))

    @property
    def places(self) -> int:
        """How many calls may be in flight, 1 to the ceiling."""
        return int(self._value)

    def answered(self, in_flight: int) -> None:
        """Take note of a good reply; `in_flight` counts it too."""
        if in_flight >= self.places:
            self._value = min(self.ceiling, self._value + (1.0 if self.epoch == 0 else 1.0 / self._value))

    def overloaded(self, epoch: int) -> None:
        """Take note of a 429, a 503 or a timeout; `epoch` is that of the moment the call was sent."""
        if epoch == self.epoch:
            self._value = max(1.0, self._value * DECREASE)
            self.epoch += 1


class Permit(NamedTuple):
    """A place at an endpoint.

    Fields:
        epoch: of the limit when it was given.
        waited: seconds in the queue.
    """

    epoch: int
    waited: float


class GateShutError(Exception):
    """The endpoint is not to be used now; whoever queues for it is sent away."""


class Gate:
    """The queue before an endpoint: first come, first served, as many at a time as the limit says.

    Fields:
        in_flight: calls that hold a place. is_shut: whether everybody is sent away.
    """

    def __init__(self, ceiling: int, clock: Callable[[], float] = time.monotonic) -> None:
        """Open with nobody inside; `clock` measures the waiting, in seconds."""
        self.limit = AdaptiveLimit(ceiling)
        self.in_flight = 0
        self._clock = clock
        self._queue: deque[asyncio.Future[None]] = deque()
        self.is_shut = False

    @property
    def outstanding(self) -> int:
        """Calls that are in flight or queue for it."""
        return self.in_flight + len(self._queue)

    async def enter(self) -> Permit:
        """Wait for a place; `leave` gives it back.

        Raises:
            GateShutError: the gate is shut, or was while this waited.
        """
        if self.is_shut:
            raise GateShutError
        if not self._queue and self.in_flight < self.limit.places:
            self.in_flight += 1
            return Permit(self.limit.epoch, 0.0)
        began = self._clock()
        turn = asyncio.get_running_loop().create_future()
        self._queue.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                self.in_flight -= 1  # the place came in the moment of the cancellation: the next one has it
                self._admit()
            elif turn in self._queue:
                self._queue.remove(turn)
            raise
        return Permit(self.limit.epoch, self._clock() - began)

    def leave(self, permit: Permit, outcome: Outcome) -> None:
        """Give a place back and say how the call ended."""
        if outcome == "answered":
            self.limit.answered(self.in_flight)
        elif outcome == "overloaded":
            self.limit.overloaded(permit.epoch)
        self.in_flight -= 1
        self._admit()

    def shut(self) -> None:
        """Send away everybody who queues, and everybody who comes, until it is opened."""
        self.is_shut = True
        while self._queue:
            turn = self._queue.popleft()
            if not turn.done():
                turn.set_exception(GateShutError())

    def open(self) -> None:
        """Let calls in again, carefully: what the endpoint could do before it was shut says little."""
        self.is_shut = False
        self.limit = AdaptiveLimit(self.limit.ceiling)

    def _admit(self) -> None:
        while self._queue and self.in_flight < self.limit.places:
            turn = self._queue.popleft()
            if not turn.done():
                self.in_flight += 1
                turn.set_result(None)
