"""Ctrl-C, SIGTERM and a command to cancel: heard once and answered by cancelling what is under way."""

import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio


class Interruption:
    """Whether a signal or a command to stop has come.

    Fields:
        came: set by the first one; a second signal, after the work under way was cancelled, meets the default handler.
    """

    def __init__(self, scope: anyio.CancelScope | None = None) -> None:
        self.came, self._scope = False, scope

    def stop(self) -> None:
        """Cancel the work under way."""
        self.came = True
        if self._scope is not None:
            self._scope.cancel()


@asynccontextmanager
async def interruptible() -> AsyncIterator[Interruption]:
    """Cancel the body of this context at the first SIGINT or SIGTERM; the context then ends without an error."""

    async def listen(interruption: Interruption) -> None:
        with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
            async for _ in signals:
                interruption.stop()
                return

    async with anyio.create_task_group() as tasks:
        interruption = Interruption(tasks.cancel_scope)
        tasks.start_soon(listen, interruption)
        await anyio.lowlevel.checkpoint()  # the receiver is open before the body begins
        yield interruption
        tasks.cancel_scope.cancel()
