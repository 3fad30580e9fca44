"""Runs without a command line, worlds that fail on command, and the results of a run in a form that can be compared."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import anyio

from simulator.dialogue import Knowledge
from simulator.scenario import Scenario
from simulator.surrogate.world import SurrogateWorld
from simulator.world import Draw, Response, Session, Style, Verdict, World
from storage.database import open_readonly
from workbench.cli.progress import QuietDisplay
from workbench.engine.options import RunOptions
from workbench.engine.prepare import prepare
from workbench.engine.run import Outcome, run_experiment

RESULTS = ("searches", "dialogues", "turns", "responses", "verdicts")


def options(**values: Any) -> RunOptions:
    """Return options of a run, the rest as they are by default."""
    return RunOptions.model_validate(values)


def work(path: Path, chosen: RunOptions, world: World | None = None, **how: Any) -> Outcome:
    """Prepare and run an experiment in this process, in another world than its own if one is given."""
    prepared = prepare(path, chosen)
    if world is not None:
        prepared = replace(prepared, world=world)
    return anyio.run(partial(run_experiment, path, prepared, QuietDisplay(), **how))


def results(path: Path, run: str | None = None) -> dict[str, list[tuple[Any, ...]]]:
    """Read everything that a run found (default: the only run), but for times and row numbers."""
    db = open_readonly(path)
    try:
        run = run or db.execute("select id from runs").fetchone()[0]
        found = {
            "runs": db.execute(
                "select identity, state, world, world_version, seed, experiment, library, error from runs where id = ?",
                [run],
            ).fetchall(),
            "units": db.execute(
                "select kind, scenario, model, arm, state, error from units where run = ?", [run]
            ).fetchall(),
        }
        for table in RESULTS:
            columns = ", ".join(f"{table}.{c.name}" for c in db[table].columns if c.name != "unit")
            found[table] = db.execute(
                f"select units.kind, units.scenario, units.model, units.arm as whose, {columns} from {table} "
                "join units on units.id = unit where run = ?",
                [run],
            ).fetchall()
        return {table: sorted(rows, key=repr) for table, rows in found.items()}
    finally:
        db.conn.close()


class FailingWorld(SurrogateWorld):
    """The surrogate, but some of what it does fails.

    Fields:
        judging(scenario, judge, draw), evaluating(scenario, mask, draw), ranking(scenario), responding(scenario, draw):
            return the error to raise, or None.
    """

    def __init__(
        self,
        *,
        judging: Callable[[Scenario, str, Draw], Exception | None] = lambda *_: None,
        evaluating: Callable[[Scenario, int, Draw], Exception | None] = lambda *_: None,
        ranking: Callable[[Scenario], Exception | None] = lambda *_: None,
        responding: Callable[[Scenario, Draw], Exception | None] = lambda *_: None,
    ) -> None:
        super().__init__()
        self.judging, self.evaluating, self.ranking, self.responding = judging, evaluating, ranking, responding

    def open(self, scenario: Scenario, model: str, seed: int) -> Any:
        return _FailingSession(self, super().open(scenario, model, seed))


class _FailingSession:
    def __init__(self, world: FailingWorld, session: Session) -> None:
        self._world, self._session = world, session

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)

    async def rank(self, mask: int, available: int) -> Sequence[int]:
        _raise(self._world.ranking(self._session.scenario))
        return await self._session.rank(mask, available)

    async def evaluate(self, mask: int, judge: str, draw: Draw) -> Verdict:
        _raise(self._world.evaluating(self._session.scenario, mask, draw))
        return await self._session.evaluate(mask, judge, draw)

    async def respond(self, knowledge: Knowledge, style: Style, draw: Draw) -> Response:
        _raise(self._world.responding(self._session.scenario, draw))
        return await self._session.respond(knowledge, style, draw)

    async def judge(self, response: Response, judge: str, draw: Draw) -> Verdict:
        _raise(self._world.judging(self._session.scenario, judge, draw))
        return await self._session.judge(response, judge, draw)


def _raise(error: Exception | None) -> None:
    if error is not None:
        raise error
