"""What stands behind a reward of a search: the response and the verdict of every sample that went into it.

A search keeps rewards, not texts. They are had again by asking the world the same questions: the surrogate answers
them as it did, since its draws are keyed, and for a language model the store holds the replies under the keys of the
requests. What does not come to the reward that the search was told is never shown as its reason.
"""

import json
import math
from collections.abc import Awaitable
from dataclasses import dataclass, replace
from typing import Any, Protocol

import anyio
import numpy as np

from planner.trace import CACHED, FAILED, Trace, path_masks
from simulator.client.types import ChatError, ChatRequest, Completion
from simulator.dialogue import Knowledge
from simulator.world import Draw, InvalidReplyError, JudgementError, Response, Style, Verdict
from storage.calls import StoredCache
from storage.errors import NotFoundError, StorageError
from storage.readers import search_trace
from storage.scenarios import find_scenario
from storage.sqlite import Database
from workbench.engine.errors import UsageError


@dataclass(frozen=True, slots=True)
class Sample:
    """One response and its verdict.

    Fields:
        number: of the sample of its subset, from 0.
        response: the text; empty where there was no usable one.
        verdict: None where the evaluation failed. error: why it did.
    """

    number: int
    response: str
    verdict: Verdict | None
    error: str = ""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What stands behind the reward of one rollout.

    Fields:
        unit: the search. rollout: counted from 1. mask: the subset that it evaluated.
        world, judge: whose answers they are.
        reward: 1-5, the mean of the samples; NaN where the evaluation failed.
        cached: the samples were taken in earlier rollouts.
        samples: in the order taken; empty where nothing can be shown.
        true_score: what the subset is worth in the surrogate's own table, 1-5; None where nobody knows.
        missing: why there are no samples, in words; empty where there are.
    """

    unit: int
    rollout: int
    mask: int
    world: str
    judge: str
    reward: float
    cached: bool
    samples: tuple[Sample, ...] = ()
    true_score: float | None = None
    missing: str = ""

    @property
    def dimensions(self) -> tuple[float, float, float] | None:
        """The mean of each of the judge's dimensions over the valid samples; None without one."""
        valid = [sample.verdict.dimensions for sample in self.samples if sample.verdict is not None]
        if not valid:
            return None
        risk, empathy, alignment = (sum(values) / len(valid) for values in zip(*valid, strict=True))
        return risk, empathy, alignment


class _Answers(Protocol):
    """The part of `simulator.world.Session` that an evaluation needs."""

    def respond(self, knowledge: Knowledge, style: Style, draw: Draw) -> Awaitable[Response]: ...

    def judge(self, response: Response, judge: str, draw: Draw) -> Awaitable[Verdict]: ...


class _NotKeptError(Exception):
    """The answers can't be had again; the message says why, in words for people."""


def reward_evidence(db: Database, unit: int, rollout: int, trace: Trace | None = None) -> Evidence:
    """Find what stands behind the reward of a rollout, counted from 1. Calls no model; takes some milliseconds.

    Args:
        trace: of the unit, where the caller has it.

    Raises:
        NotFoundError: there is no such search, or it has no such rollout.
    """
    trace = search_trace(db, unit) if trace is None else trace
    if not 1 <= rollout <= trace.rollouts:
        raise NotFoundError(f"the search has {trace.rollouts} rollouts, not {rollout}")
    (row,) = db.query(
        "select units.scenario, units.model, units.arm, runs.world, runs.world_version, runs.experiment, "
        "runs.settings, runs.seed, searches.judge as judge from units join runs on runs.id = units.run "
        "left join searches on searches.unit = units.id where units.id = ?",
        [unit],
    )
    experiment = json.loads(row["experiment"] or "{}")
    judge = row["judge"] or experiment.get("planner", {}).get("judge") or ""
    leaf, flags = int(path_masks(trace.path[rollout - 1 : rollout])[0, -1]), int(trace.flags[rollout - 1])
    reward = math.nan if flags & FAILED else float(trace.reward[rollout - 1])
    told = Evidence(unit, rollout, leaf, row["world"], judge, reward, bool(flags & CACHED))
    try:
        seed = int(experiment.get("world_seed", row["seed"]))
        session, knowledge, true_score = _session(db, row, leaf, seed)
        samples = anyio.run(_samples, session, knowledge, judge, row["arm"], trace, rollout, leaf)
    except _NotKeptError as error:
        return replace(told, missing=str(error))
    return replace(told, samples=samples, true_score=true_score)


def _session(db: Database, row: dict[str, Any], mask: int, seed: int) -> tuple[_Answers, Knowledge, float | None]:
    scenario = find_scenario(db, row["scenario"])
    knowledge = Knowledge.from_profile(scenario.profile, mask)
    if row["world"] == "surrogate":
        from simulator.surrogate.world import SurrogateWorld

        world = SurrogateWorld()
        if row["world_version"] != world.version or row["model"] not in world.models:
            raise _NotKeptError("not kept: the surrogate has changed since")
        answers = world.open(scenario, row["model"], seed)
        return answers, knowledge, float(answers.true_scores()[mask])
    if row["world"] == "model":
        from simulator.model.asking import Asker
        from simulator.model.session import ModelSession
        from workbench.engine.models import model_settings
        from workbench.engine.options import RunOptions

        try:
            settings = model_settings(RunOptions.model_validate_json(row["settings"] or "{}"))
        except (ValueError, UsageError):
            raise _NotKeptError("not kept: the run's settings can't be read by this version") from None
        asker = Asker(settings)
        asker.chat = _Kept(db)
        return ModelSession(scenario, row["model"], seed, settings, asker), knowledge, None
    raise _NotKeptError(f"not kept: the {row['world']} world has no texts")


class _Kept:
    """Answers as the models did, from the store alone."""

    def __init__(self, db: Database) -> None:
        self._cache = StoredCache(db, lambda _: None)

    async def complete(self, request: ChatRequest) -> Completion:
        found = self._cache.get(request.key)
        if found is None:
            raise ChatError("not kept: the store does not hold this reply")
        return found

    def forget(self, request: ChatRequest) -> None:
        """Change nothing: this only looks."""


async def _samples(
    session: _Answers, knowledge: Knowledge, judge: str, owner: str, trace: Trace, rollout: int, leaf: int
) -> tuple[Sample, ...]:
    """Take the samples of a rollout's subset again, rollout by rollout, as the search numbered them."""
    number = 0
    earlier: list[Sample] = []
    sampled = (path_masks(trace.path[:rollout])[:, -1] == leaf) & (trace.flags[:rollout] & CACHED == 0)
    for row in np.flatnonzero(sampled).tolist():
        failed = bool(trace.flags[row] & FAILED)
        tries: list[Sample] = []
        while len(tries) < 2 and not (tries and tries[-1].verdict):
            tries.append(await _sample(session, knowledge, judge, Draw(owner, "search", number)))
            number += 1
        verdict = tries[-1].verdict
        if (verdict is None) != failed or (verdict is not None and verdict.score != trace.reward[row]):
            raise _NotKeptError("not kept: asked again, the world answers something else")
        if row == rollout - 1:
            return tuple(tries)
        earlier += tries
    return tuple(earlier)


async def _sample(session: _Answers, knowledge: Knowledge, judge: str, draw: Draw) -> Sample:
    text = ""
    try:
        response = await session.respond(knowledge, "instruction" if knowledge.mask else "plain", draw)
        text = response.text
        return Sample(draw.sample, text, await session.judge(response, judge, draw))
    except (InvalidReplyError, JudgementError) as error:
        return Sample(draw.sample, text, None, str(error))
    except (ChatError, KeyError, StorageError) as error:
        raise _NotKeptError(str(error.args[0]) if error.args else "not kept") from error
