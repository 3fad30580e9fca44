"""What tests of workers share: the stub as the vllm command, quick timings, waiting for conditions."""

import re
import sys
from collections.abc import Callable
from pathlib import Path

import anyio

from workbench.workers.pool import WorkerPool
from workbench.workers.spec import WorkerSpec
from workbench.workers.worker import Timings, Worker

STUB = Path(__file__).with_name("stub_vllm.py")
COMMAND = (sys.executable, "-S", "-E", str(STUB))
"""Without site packages: the stub needs none, and starts in a fraction of the time."""

FAST = Timings(
    poll=0.01,
    health=0.02,
    timeout=5.0,
    silences=2,
    start=30.0,
    grace=0.5,
    drain=20.0,
    backoff=0.01,
    longest=0.02,
    starts=2,
    restarts=2,
    idle=5.0,
)
PATIENCE_SECONDS = 30.0
"""A test that waits longer for a condition has failed."""


async def until(condition: Callable[[], object], what: str = "the condition") -> None:
    """Wait until a condition holds."""
    try:
        with anyio.fail_after(PATIENCE_SECONDS):
            while not condition():
                await anyio.sleep(0.005)
    except TimeoutError:
        raise AssertionError(f"waited in vain for {what}") from None


def spec(model: Path, **settings: object) -> WorkerSpec:
    """Return a spec for the CPU."""
    return WorkerSpec.from_dict({"name": "tiny", "model": str(model), "gpus": (), **settings})


def pool(database: Path, *specs: WorkerSpec, timings: Timings = FAST, **settings: object) -> WorkerPool:
    """Return a pool of stub servers."""
    return WorkerPool(database, specs, COMMAND, timings=timings, **settings)  # type: ignore[arg-type]


def children(worker: Worker) -> tuple[int, int]:
    """Return the pids of a worker's latest engine and of its engine's worker process, as its log names them."""
    text = worker.log.read_text()
    return int(re.findall(r"EngineCore pid=(\d+)\) Starting", text)[-1]), int(re.findall(r"Worker pid=(\d+)", text)[-1])
