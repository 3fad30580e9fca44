"""Ctrl-C and SIGTERM, heard once and answered by cancelling what is under way."""

import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio


class Interruption:
    """Whether a signal has come.

    Fields:
        came: set by the first one; a second one, after the work under way was cancelled, meets the default handler.
    """

    came = False


@asynccontextmanager
async def interruptible() -> AsyncIterator[Interruption]:
    """Cancel the body of this context at the first SIGINT or SIGTERM; the context then ends without an error."""
    interruption = Interruption()

    async def listen(scope: anyio.CancelScope) -> None:
        with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
            async for _ in signals:
                interruption.came = True
                scope.cancel()
                return

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(listen, tasks.cancel_scope)
        await anyio.lowlevel.checkpoint()  # the receiver is open before the body begins
        yield interruption
        tasks.cancel_scope.cancel()
