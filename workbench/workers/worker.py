"""One worker: a server that is kept running, as a state machine.

starting -> ready -> draining -> stopped
    \\        \\-> restarting -> starting (after a crash, later each time)
     \\-> dead (given up: the reason stands beside it); stopped and dead ones can be started again
"""

import secrets
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import anyio

from workbench.engine.errors import RunError
from workbench.workers.command import arguments, environment
from workbench.workers.logs import LogReader, cause, phase, port_taken, rotate
from workbench.workers.metrics import Metrics, Rates, rates
from workbench.workers.placement import Place
from workbench.workers.probe import Probe
from workbench.workers.process import Server, launch
from workbench.workers.spec import WorkerSpec

State = Literal["starting", "ready", "draining", "restarting", "stopped", "dead"]
Wish = Literal["run", "drain", "stop"]

WRONG_USAGE = 2
"""Exit code of a server that was called with an argument it does not know: another try would end alike."""


@dataclass(frozen=True, slots=True)
class Timings:
    """How patient a supervisor is; seconds, where nothing else is said.

    Fields:
        poll: between two looks at a process or a command. health: between two health checks and metrics readings.
        timeout: of one health check; after `silences` of them in a row without an answer a server is given up.
        start: until a server must be ready, download of the model included.
        grace: between TERM and KILL. drain: until the requests that run are given up.
        backoff, longest: before the first restart, doubled each time, at most `longest`.
        starts: tries of a worker that was never ready. restarts: crashes in a row of one that was.
        steady: ready for so long, a worker's crashes are forgotten.
        idle: a detached supervisor without a worker ends.
    """

    poll: float = 0.25
    health: float = 1.0
    timeout: float = 10.0
    silences: int = 3
    start: float = 3600.0
    grace: float = 15.0
    drain: float = 600.0
    backoff: float = 1.0
    longest: float = 60.0
    starts: int = 2
    restarts: int = 5
    steady: float = 600.0
    idle: float = 30.0


@dataclass(frozen=True, slots=True)
class _End:
    """How a server ended: as asked, or why; `hopeless`: another try would end alike; `again`: only its port was bad."""

    reason: str = ""
    asked: bool = False
    hopeless: bool = False
    again: bool = False


class Worker:
    """A replica of a spec. Its fields are to be read by others, its wish is set by `ask`.

    Fields:
        id: the marker in its processes' environment. name: unique in the database. key: what requests must carry.
        state, phase, since (seconds since the epoch), reason: see `State`; the phase is that of a start.
        pid, port: of the server that runs, else None.
        restarts: after crashes, in all.
        metrics, rates, read_at: the latest figures while ready, and when they were read.
        changed: set whenever one of these changed but the figures; whoever writes them down clears it.
    """

    def __init__(
        self,
        spec: WorkerSpec,
        name: str,
        command: Sequence[str],
        place: Place,
        log: Path,
        probe: Probe,
        timings: Timings,
        choose_port: Callable[[], int],
        turns: Sequence[anyio.Lock] = (),
    ) -> None:
        """Prepare a worker; nothing runs before `live`.

        Args:
            turns: of its GPUs, in a common order: servers that share one start one after another, since each
                measures how much memory is free.
        """
        self.id, self.key = str(uuid.uuid4()), secrets.token_urlsafe(32)
        self.spec, self.name, self.place, self.log = spec, name, place, log
        self._command, self._probe, self._timings = command, probe, timings
        self._choose_port, self._turns = choose_port, turns
        self._wish: Wish = "run"
        self._stirred = anyio.Event()
        self.state: State = "starting"
        self.phase, self.reason, self.since = "", "", time.time()
        self.pid: int | None = None
        self.port: int | None = None
        self.restarts = 0
        self.metrics: Metrics | None = None
        self.rates: Rates | None = None
        self.read_at = 0.0
        self.changed = True

    @property
    def settled(self) -> bool:
        """Whether nothing will happen any more unless it is asked for."""
        return self.state in ("stopped", "dead")

    def leaving(self) -> bool:
        """Tell whether it was asked to drain or stop."""
        return self._wish != "run"

    def ask(self, wish: Wish) -> None:
        """Let it run, finish its requests and stop, or stop at once."""
        self._wish = wish
        self._stirred.set()

    async def live(self) -> None:
        """Keep a server running until told otherwise, or until it is given up; cancelled, it stops its server."""
        self.ask("run")
        self.reason = ""
        crashes = ports = 0
        was_ready = False
        try:
            while True:
                self._enter("starting", phase="launching", reason=self.reason)
                end, ready_seconds = await self._serve()
                was_ready |= ready_seconds is not None
                if end.asked or self.leaving():
                    break
                if end.again and ports < 3:
                    ports += 1
                    continue
                crashes = 1 if (ready_seconds or 0) >= self._timings.steady else crashes + 1
                if end.hopeless or crashes > (self._timings.restarts if was_ready else self._timings.starts - 1):
                    self._enter("dead", reason=end.reason)
                    return
                self.restarts += 1
                self._enter("restarting", reason=end.reason)
                await self._pause(min(self._timings.backoff * 2 ** (crashes - 1), self._timings.longest))
                if self.leaving():
                    break
        except Exception as error:  # one worker's defect must not cost the others
            self._enter("dead", reason=f"internal error: {type(error).__name__}: {error}")
            return
        except BaseException:
            self._enter("stopped")
            raise
        self._enter("stopped")

    async def _serve(self) -> tuple[_End, float | None]:
        """Run one server to its end; return how it ended, and how long it was ready, None if it never was."""
        turns: list[anyio.Lock] = []
        try:
            for turn in self._turns:
                while not _taken(turn):
                    if self.leaving():
                        return _End(asked=True), None
                    await self._pause(self._timings.poll)
                turns.append(turn)
            self.port = self._choose_port()
            said = LogReader(self.log)
            try:
                server = launch(
                    arguments(self.spec, self._command, self.port, self.place.utilization),
                    environment(self.id, self.key, self.place.gpus),
                    self.log,
                )
            except RunError as error:
                return _End(str(error), hopeless=True), None
            self.pid, self.changed = server.pid, True
            try:
                end = await self._start(server, said)
                for turn in turns:
                    turn.release()
                turns.clear()
                if end is not None:
                    return end, None
                began = time.monotonic()
                end = await self._watch(server, said)
                if not end.asked:
                    self._enter("restarting", reason=end.reason)
                return end, time.monotonic() - began
            finally:
                if self.state == "ready":  # no endpoint any more, however long the end takes
                    self._enter("draining", phase="stopping")
                with anyio.CancelScope(shield=True):
                    await server.stop(self._timings.grace, min(0.05, self._timings.poll))
        finally:
            for turn in turns:
                turn.release()
            self.pid = self.port = self.metrics = self.rates = None
            self.changed = True

    async def _start(self, server: Server, said: LogReader) -> _End | None:
        """Wait until a server is ready; return None then, else why it never will be."""
        assert self.port is not None
        text = ""
        deadline = time.monotonic() + self._timings.start
        while time.monotonic() < deadline:
            new = said.read()
            text = (text + new)[-_KEPT:]
            if (now := phase(new)) and now != self.phase:
                self.phase, self.changed = now, True
            code = server.exit_code()
            if self.leaving():
                return _End(asked=True)
            if code is not None:
                return _end(code, text + said.read(), started=False)
            with anyio.move_on_after(_PROMPT_SECONDS):  # on a port that another program took, nobody may answer
                if await self._probe.health(self.port) == "ok" and await self._probe.serves(
                    self.port, self.key, self.spec.name
                ):
                    self._enter("ready")
                    return None
            await self._pause(self._timings.poll)
        return _End(f"not ready after {self._timings.start:,.0f} s, last seen {self.phase}")

    async def _watch(self, server: Server, said: LogReader) -> _End:
        """Look after a ready server until it ends, is ill or is asked to stop."""
        assert self.port is not None
        silences, idle, text = 0, 0, ""
        due = drained = 0.0
        while True:
            text = (text + said.read())[-_KEPT:]
            code = server.exit_code()
            if self._wish == "stop":
                return _End(asked=True)
            if code is not None:
                return _end(code, text + said.read(), started=True)
            if self._wish == "drain" and self.state != "draining":
                self._enter("draining")
                drained, due = time.monotonic() + self._timings.drain, 0.0
            if time.monotonic() >= due:
                due = time.monotonic() + self._timings.health
                health = await self._probe.health(self.port)
                silences = silences + 1 if health == "silent" else 0
                if health in ("ill", "gone") or silences >= self._timings.silences:
                    return _ill(health, server, text + said.read())
                await self._measure()
                rotate(self.log)
                if self.state == "draining":
                    # Twice: a request may have been on its way when the worker left the list of endpoints.
                    idle = idle + 1 if self.metrics and not self.metrics.running + self.metrics.waiting else 0
            if self.state == "draining" and (idle >= 2 or time.monotonic() >= drained):
                return _End(asked=True)
            await self._pause(self._timings.poll)

    async def _measure(self) -> None:
        assert self.port is not None
        found, now = await self._probe.metrics(self.port), time.time()
        if found is not None:
            self.rates = rates(self.metrics, found, now - self.read_at) if self.metrics else None
            self.metrics, self.read_at = found, now

    def _enter(self, state: State, *, phase: str = "", reason: str = "") -> None:
        if state != self.state:
            self.since = time.time()
        self.state, self.phase, self.reason, self.changed = state, phase, reason, True

    async def _pause(self, seconds: float) -> None:
        """Wait, but not past a new wish."""
        with anyio.move_on_after(seconds):
            await self._stirred.wait()
        self._stirred = anyio.Event()


_PROMPT_SECONDS = 1.0
"""A server that is ready answers within this."""

_KEPT = 32 << 10
"""Characters of the latest log in which the cause of a death is looked for."""


def _taken(turn: anyio.Lock) -> bool:
    try:
        turn.acquire_nowait()
    except anyio.WouldBlock:
        return False
    return True


def _end(code: int, text: str, *, started: bool) -> _End:
    """Say why a server ended that nobody had asked to."""
    why = cause(text)
    if not started and port_taken(text):
        return _End("its port was taken by another program", again=True)
    if code == 0 and started:
        how = "ended by itself with exit code 0, as a server does whose engine died"
    elif code < 0:
        how = f"killed by signal {-code}"
    else:
        how = f"ended with exit code {code}{'' if started else ' before it was ready'}"
    return _End(f"{how}: {why}" if why else how, hopeless=not started and code == WRONG_USAGE)


def _ill(health: str, server: Server, text: str) -> _End:
    code = server.exit_code()
    if code is not None:
        return _end(code, text, started=True)
    how = {"ill": "its engine is dead (/health is not 200)", "gone": "it no longer listens"}.get(health)
    why = cause(text)
    return _End(f"{how or 'it does not answer'}: {why}" if why else how or "it does not answer")
