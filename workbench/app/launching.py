"""Following a process that the app has launched until it shows in the store, or fails."""

import asyncio
from typing import TYPE_CHECKING

from workbench.engine.steering.launch import Launched, failure, find_launched

if TYPE_CHECKING:
    from workbench.app.app import WorkbenchApp

_POLL_SECONDS = 0.1


async def claimed_run(app: "WorkbenchApp", launched: Launched) -> str | None:
    """Wait until a launched process has claimed its run; None where it ended without one, and the user is told why."""
    while True:
        code = launched.code  # read before the store: what it claimed before its end is found then
        if run := await app.read(lambda db: find_launched(db, launched)):
            return run
        if code is not None:
            app.problem(failure(launched) or f"it ended without a run; see {launched.log}")
            return None
        await asyncio.sleep(_POLL_SECONDS)


async def finished(app: "WorkbenchApp", launched: Launched) -> bool:
    """Wait until a launched process has ended; tell the user where it failed."""
    while launched.code is None:
        await asyncio.sleep(_POLL_SECONDS)
    why = failure(launched)
    if why is not None:
        app.problem(why)
    return why is None
