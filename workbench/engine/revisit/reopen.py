"""Stored trials opened again in the world that they were tried in, to run on from them."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
from pydantic import ValidationError

from simulator.agent import AgentOptions
from simulator.scenario import Scenario
from simulator.world import Session, World
from storage.branches import StoredTrial, read_trial
from storage.calls import UNIT, Price, StoredCache, StoredLedger
from storage.database import explained, open_readonly, open_writable
from workbench.engine.errors import UsageError
from workbench.engine.experiment import known_names
from workbench.engine.options import RunOptions
from workbench.engine.pricing import prices
from workbench.engine.steering.interrupt import Interruption, interruptible
from workbench.engine.worlds import open_world
from workbench.engine.writing import Writer


@dataclass(frozen=True, slots=True)
class Reopened:
    """A stored trial, its world, and how it was done.

    Fields:
        trial: as it is stored.
        world, workers: who answers; workers are kept while the world is used.
        options: those of its run, for this model and these judges.
        judges, repeats: who judges, and how often. agent: how the agent asks. seed: of the world's noise and personas.
        prices: what models cost.
    """

    trial: StoredTrial
    world: World
    workers: AbstractAsyncContextManager[object]
    options: RunOptions
    judges: tuple[str, ...]
    repeats: int
    agent: AgentOptions
    seed: int
    prices: Mapping[str, Price]

    def session(self, scenario: Scenario | None = None) -> Session:
        """Open the trial's scenario in its world, or another one in its place."""
        return self.world.open(scenario or self.trial.scenario, self.trial.model, self.seed)


@dataclass(frozen=True, slots=True)
class Working:
    """What is at hand while a world is served: the one writer, and whether a signal has come."""

    writer: Writer
    interruption: Interruption


def reopen(
    path: Path, unit: int, judges: Sequence[str] = (), report: Callable[[str], None] = lambda _: None, **endpoint: Any
) -> Reopened:
    """Read a trial and open its world with the settings of its run.

    Args:
        judges: who judges; empty = who judged the trial.
        report: hears in lines how workers start, and that the world has changed since the trial.
        endpoint: `base_url` and `key_env` where the models are served elsewhere now; None = as in the run.

    Raises:
        NotFoundError: the unit has no dialogue.
        UsageError: it was imported, its settings can't be used any more, or there is no such judge.
        StorageError: the database can't be read.
    """
    db = open_readonly(path)
    try:
        with explained(path):
            trial = read_trial(db, unit)
    finally:
        db.conn.close()
    if trial.kind == "import":
        raise UsageError(f"unit {unit} was read from a file: there is no world in which it could go on")
    settings = {name: value for name, value in trial.settings.items() if name != "parent"}
    settings |= {name: value for name, value in endpoint.items() if value is not None}
    try:
        options = RunOptions.model_validate({**settings, "models": (trial.model,), "judges": judges or trial.judges})
    except ValidationError as error:
        why = error.errors()[0]["msg"]
        raise UsageError(f"run {trial.run}: this version can't use its settings: {why}") from error
    opened = open_world(options, path, report)
    if opened.world.version != trial.world_version:
        report(f"the {opened.world.name} world has changed since run {trial.run}: what follows is of the new version")
    experiment = trial.experiment
    return Reopened(
        trial=trial,
        world=opened.world,
        workers=opened.workers,
        options=options,
        judges=known_names("judge", options.judges, opened.world.judges, opened.world),
        repeats=experiment.get("repeats", 1),
        agent=AgentOptions(**experiment["agent"]),
        seed=experiment["world_seed"],
        prices=prices(options),
    )


@asynccontextmanager
async def working(path: Path, reopened: Reopened, run: str, unit: int) -> AsyncIterator[Working]:
    """Serve the world and keep a writer for the body; calls are booked on the run and the unit.

    The first signal cancels the body, and the context then ends without an error; what was handed to the writer by
    then is written.

    Raises:
        StorageError: the database can't be written.
    """
    db, reader = open_writable(path), open_readonly(path)
    writer = Writer(db, path)
    try:
        async with anyio.create_task_group() as around:
            around.start_soon(writer.run)
            try:
                UNIT.set(unit)
                async with interruptible() as interruption:
                    cache = StoredCache(reader, writer.post)
                    ledger = StoredLedger(writer.post, run, reopened.prices)
                    async with reopened.workers, reopened.world.serving(cache, ledger):
                        yield Working(writer, interruption)
            finally:
                writer.close()
    finally:
        reader.conn.close()
        db.conn.close()
