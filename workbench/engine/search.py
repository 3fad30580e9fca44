"""One search: a scenario, a model and a planner, from the first rollout to the planned path."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import anyio

from planner.drive import Round
from planner.evaluations import parse_evaluations
from planner.settings import PlannerSettings, make_planner
from simulator.attributes import SENSITIVITY_ORDER
from simulator.scenario import Scenario
from simulator.world import Draw, InvalidReplyError, JudgementError, Session, World
from storage.records import SearchRecord
from workbench.engine.steering.control import Control, Publish

MAX_FAILED_SHARE = 0.2
"""A search with a greater share of failed rollouts fails (experiments.md, One evaluation)."""

_SHOW_AFTER = 0.2
_SHOW_EVERY = 0.1
"""Seconds. A search is shown while it runs once it has run that long, and at most so often."""


class SearchError(Exception):
    """A search came to nothing; the message says why."""


@dataclass(frozen=True, slots=True)
class SearchUnit:
    """Everything that one search needs, so that it can be done anywhere."""

    scenario: Scenario
    model: str
    settings: PlannerSettings
    evaluations: str
    judge: str
    seed: int
    world_seed: int


async def run_search(
    world: World, unit: SearchUnit, control: Control | None = None, publish: Publish | None = None
) -> SearchRecord:
    """Search until the planner asks for nothing more.

    Args:
        control: holds and lets go.
        publish: is told the trace so far, a few times a second, of a search that takes a while, and where it is held.

    Raises:
        SearchError: no attribute is known, too many rollouts failed, or nothing could be evaluated.
        InvalidReplyError: a ranking could not be read.
    """
    available = unit.scenario.profile.known
    if not available:
        raise SearchError("no attribute of the profile is known, so there is nothing to plan")
    session = world.open(unit.scenario, unit.model, unit.world_seed)
    evaluations = parse_evaluations(unit.evaluations)
    planner = make_planner(
        unit.settings,
        available,
        key=(unit.seed, unit.scenario.id, unit.model),
        static_order=SENSITIVITY_ORDER,
        replicates=evaluations.replicates,
    )
    errors: list[str] = []
    shown = time.monotonic() + _SHOW_AFTER
    control = control or Control()
    with control.search(planner, publish, f"search of {unit.scenario.id[:12]}") as pace:
        while requests := planner.ask():
            if not control.free:  # asked here, as this is done 60,000 times a second
                await pace.rollout()
            work = Round(requests, evaluations)
            for mask in work.states:
                planner.tell_ranking(mask, await session.rank(mask, available))
            while work.wanted:
                work.add(await _evaluate(session, unit, work.wanted, errors))
            work.tell(planner)
            if publish is not None and time.monotonic() > shown:
                await publish(planner.trace)
                shown = time.monotonic() + _SHOW_EVERY
    trace = replace(planner.trace, evaluations=evaluations.count)
    if trace.failed > MAX_FAILED_SHARE * trace.rollouts:
        raise SearchError(f"{trace.failed} of {trace.rollouts} rollouts failed; the last evaluation: {errors[-1]}")
    try:
        best = planner.best()
    except ValueError as error:
        raise SearchError(str(error)) from error
    return SearchRecord(unit.settings.planner, trace.rule, unit.judge, best, trace)


async def _evaluate(
    session: Session, unit: SearchUnit, wanted: Sequence[tuple[int, int]], errors: list[str]
) -> list[float | None]:
    """Take samples, all at once where there are several; None where the judgement failed, `errors` gains why."""
    rewards: list[float | None] = [None] * len(wanted)

    async def sample(place: int, mask: int, number: int) -> None:
        try:
            verdict = await session.evaluate(mask, unit.judge, Draw(unit.settings.planner, "search", number))
        except (InvalidReplyError, JudgementError) as error:
            errors.append(str(error))
            return
        rewards[place] = verdict.score

    if len(wanted) == 1:  # by far the most common case; a task group costs more than a surrogate's evaluation
        await sample(0, *wanted[0])
        return rewards
    async with anyio.create_task_group() as tasks:
        for place, (mask, number) in enumerate(wanted):
            tasks.start_soon(sample, place, mask, number)
    return rewards
