"""The most that a run may ask of servers: `--max-calls` and `--max-cost`.

No call begins that could pass a cap. What it could come to is set aside before it begins: one call, and the price of as
many prompt tokens as its request has bytes and as many completion tokens as it may have, which is more than any call
with one try costs. Where that does not fit, the call waits until others have ended and what they did not need is free
again; where nothing is under way any more, the run ends. So a run never makes more calls than `--max-calls`, however
many are in flight, and its ledger never says more than `--max-cost`, unless a server counts more tokens than a request
has bytes or a reply may have. What the cache answers is free. A call with several tries is one call, at the price of
the last: nobody says what failed ones cost.
"""

import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

import anyio

from simulator.client.types import Call, ChatRequest, Ledger
from storage.calls import Price, Spent, cost_of
from workbench.engine.errors import UsageError
from workbench.engine.experiment import Experiment
from workbench.engine.options import RunOptions
from workbench.engine.pricing import prices

_AROUND = 64
"""Tokens that a server may put around each message of a request (chat template, roles)."""


@dataclass(frozen=True, slots=True)
class Caps:
    """What a run may ask of servers; None = as much as it takes.

    Fields:
        calls: number of calls. cost: in the currency of the prices.
    """

    calls: int | None = None
    cost: float | None = None

    def __bool__(self) -> bool:
        return self.calls is not None or self.cost is not None


def read_caps(options: RunOptions, experiment: Experiment) -> Caps:
    """Return the caps of a run.

    Raises:
        UsageError: `--max-cost` is given, and a model that is called has no price.
    """
    caps = Caps(options.max_calls, options.max_cost)
    if caps.cost is not None and options.world == "model":
        roles = {settings.model for settings in options.roles.values() if settings.model}
        called = {*experiment.models, *experiment.judges, experiment.search_judge, *roles}
        if missing := sorted(called - set(prices(options))):
            raise UsageError(
                f"--max-cost: there is no price for {', '.join(missing)}: give it in the TOML file, "
                f'[prices."{missing[0]}"]'
            )
    return caps


class CappedLedger:
    """`Ledger` that keeps a run within its caps, in front of the ledger that writes calls down.

    Fields:
        reached: which cap ended the run and what was spent, in a line; empty while there is room.
    """

    def __init__(
        self, ledger: Ledger, caps: Caps, prices: Mapping[str, Price], spent: Spent, stop: Callable[[], None]
    ) -> None:
        """Begin with what was spent before; `stop` ends the run, once, when nothing is under way any more."""
        self.reached = ""
        self._ledger, self._caps, self._prices, self._stop = ledger, caps, prices, stop
        self._calls, self._cost = spent
        self._in_flight, self._set_aside = 0, 0.0
        self._freed = anyio.Event()

    @asynccontextmanager
    async def calling(self, request: ChatRequest) -> AsyncIterator[None]:
        """See `Ledger.calling`."""
        most = self._most(request)
        while self.reached or (why := self._passes(most)):
            if not self.reached and not self._in_flight:
                self.reached = why
                self._stop()
            if self.reached:
                await anyio.sleep_forever()  # the run ends
            await self._freed.wait()
        self._in_flight, self._set_aside = self._in_flight + 1, self._set_aside + most
        try:
            async with self._ledger.calling(request):
                yield
        finally:
            self._in_flight, self._set_aside = self._in_flight - 1, self._set_aside - most
            if not self._in_flight:
                self._set_aside = 0.0  # sums of floats leave crumbs
            self._freed.set()
            self._freed = anyio.Event()

    def record(self, call: Call) -> None:
        """See `Ledger.record`."""
        if not call.hit and call.endpoint:
            self._calls += 1
            self._cost += cost_of(call, self._prices) or 0.0
        self._ledger.record(call)

    def _passes(self, most: float) -> str:
        """Return which cap one more call could pass, with what was spent; empty if none."""
        caps = self._caps
        if caps.calls is not None and self._calls + self._in_flight + 1 > caps.calls:
            return f"--max-calls {caps.calls}: {self._calls:,} calls were made"
        if caps.cost is not None and self._cost + self._set_aside + most > caps.cost:
            return f"--max-cost {caps.cost:g}: {self._cost:.6g} was spent, and the next call may cost {most:.3g}"
        return ""

    def _most(self, request: ChatRequest) -> float:
        """Return what a call may cost at most."""
        if self._caps.cost is None:
            return 0.0
        price = self._prices[request.model]
        texts = [message.content for message in request.messages]
        if request.schema is not None:  # servers show it to the model, and repairs put it in words
            texts.append(json.dumps(request.schema.json))
        prompt = sum(len(text.encode("utf-8", "surrogatepass")) + _AROUND for text in texts)
        dearest = max(price.prompt, price.cached or 0.0)
        return (prompt * dearest + request.sampling.max_tokens * price.completion) / 1e6
