"""What a run on language models will ask, counted before it asks: its own units, with a stand-in for the models.

A seeded sample of the units is done exactly as the run will do it, so every prompt is the real one and every bound of
the algorithm holds; only the replies are made up. Three manners span what replies may bring about: `few` (danger is
seen or everything is known at once, short replies, verdicts that never differ), `usual` (as many questions as
documented, replies of usual length, verdicts by chance) and `many` (nothing ever suffices, replies as long as they may
be). A reply that is stored already is given as it is: such calls are free, and what follows from them is exact.
Repairs of unreadable replies are not in it.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Literal

import anyio
import numpy as np

from planner.keyed import generator
from planner.subsets import members
from simulator.attributes import N_ATTRIBUTES
from simulator.client.client import FixedEndpoints
from simulator.client.types import ChatRequest, Completion
from simulator.dialogue import Neighbour
from simulator.model.settings import ModelSettings
from simulator.model.world import ModelWorld
from simulator.scenario import Scenario
from storage.runs import UnitKey
from workbench.arms import family
from workbench.engine.estimation.assumed import DECISION, QUESTIONS, RESPONSE, VERDICT
from workbench.engine.estimation.measures import Spread, sample
from workbench.engine.experiment import Experiment
from workbench.engine.search import run_search
from workbench.engine.trial import TrialUnit, run_trial

Manner = Literal["few", "usual", "many"]
MANNERS: tuple[Manner, ...] = ("few", "usual", "many")

SCENARIOS = 12
"""Units of a kind and arm that are rehearsed, at most."""

ENOUGH_CALLS = 2000
"""No further unit of a kind and arm is rehearsed after so many calls, but for the second one."""

MOST_ROLLOUTS = 2000
"""Longer searches are rehearsed for so many rollouts, and what they ask grows in proportion."""

CHARACTERS_PER_TOKEN = 4.5
"""Of English, by common tokenizers: the length of made-up replies."""

_SHORT = 40
"""Characters of a short reply."""

_COARSEST = 16
"""Characters of a short reply that make a token, at most."""

_SEARCH_MARGIN = 1.5
"""A real model's rankings and verdicts lead a tree search elsewhere; its calls lie so far around those rehearsed."""


@dataclass(slots=True)
class Tally:
    """What one role asked in one unit; `completion` counts tokens, `characters` those of all messages."""

    calls: int = 0
    characters: int = 0
    completion: int = 0


@dataclass(frozen=True, slots=True)
class RoleCount:
    """What one role asks in a unit: calls, characters of their prompts, tokens of their completions."""

    calls: Spread
    characters: Spread
    completion: Spread


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What was counted.

    Fields:
        counts: (kind, family of the arm, model) -> role -> what it asks in such a unit.
        scenarios: that units were rehearsed of.
        calls: in the usual manner. stored: those of them whose completion is stored, so that they are free.
    """

    counts: Mapping[tuple[str, str, str], Mapping[str, RoleCount]] = field(default_factory=dict)
    scenarios: int = 0
    calls: int = 0
    stored: int = 0


def rehearse(
    experiment: Experiment,
    settings: ModelSettings,
    stored: Callable[[str], Completion | None],
    *,
    units: Sequence[UnitKey],
) -> Rehearsal:
    """Rehearse a sample of a run's units.

    Args:
        stored: finds the completion of a request by its key, as `ResponseCache.get`.
        units: those of the run.
    """
    return anyio.run(partial(_rehearse, experiment, settings, stored, units))


async def _rehearse(
    experiment: Experiment,
    settings: ModelSettings,
    stored: Callable[[str], Completion | None],
    units: Sequence[UnitKey],
) -> Rehearsal:
    stage = _Stage(experiment, settings, stored)
    groups: dict[tuple[str, str, str], list[UnitKey]] = {}
    for key in units:
        groups.setdefault((key.kind, family(key.arm), key.model), []).append(key)
    counts = {}
    rehearsed: set[str] = set()
    for group, keys in groups.items():
        order = generator(experiment.seed, "rehearsal", *group).permutation(len(keys))
        chosen = [keys[i] for i in order[:SCENARIOS]]
        tallies: dict[Manner, list[dict[str, Tally]]] = {manner: [] for manner in MANNERS}
        calls = 0
        for key in chosen:
            if len(tallies["usual"]) > 1 and calls > ENOUGH_CALLS:
                break
            for manner in MANNERS:
                tally = await stage.play(key, manner)
                tallies[manner].append(tally)
                calls += sum(of_role.calls for of_role in tally.values())
            rehearsed.add(key.scenario)
        counts[group] = _counts(tallies, _margin(experiment, group[0]))
    return Rehearsal(counts, len(rehearsed), stage.calls, stage.stored)


def _margin(experiment: Experiment, kind: str) -> float:
    return _SEARCH_MARGIN if kind == "search" and experiment.planning.planner == "search" else 1.0


def _counts(tallies: Mapping[Manner, Sequence[Mapping[str, Tally]]], margin: float) -> dict[str, RoleCount]:
    roles = dict.fromkeys(role for units in tallies.values() for unit in units for role in unit)

    def spread(role: str, figure: str) -> Spread:
        few, usual, many = (
            sample([getattr(unit.get(role, Tally()), figure) for unit in tallies[manner]]) for manner in MANNERS
        )
        return Spread(few.scaled(1 / margin), usual, many.scaled(margin))

    return {role: RoleCount(*(spread(role, name) for name in ("calls", "characters", "completion"))) for role in roles}


class _Stage(ModelWorld):
    """The model world with a stand-in for its models: their `Chat`."""

    def __init__(
        self, experiment: Experiment, settings: ModelSettings, stored: Callable[[str], Completion | None]
    ) -> None:
        # A form put in words is no schema any more, by which the stand-in tells what is wanted; it is counted below.
        super().__init__(replace(settings, structured="json_schema"), FixedEndpoints(()))
        self._asker.chat = self
        self._worded = settings.structured == "fallback"
        self._experiment, self._look_up = experiment, stored
        self._scenarios = {scenario.id: scenario for scenario in experiment.scenarios}
        self.calls = self.stored = 0
        self._tally: dict[str, Tally] = {}
        self._manner: Manner = "usual"
        self._rng = np.random.default_rng(0)
        self._questions = 0

    async def play(self, key: UnitKey, manner: Manner) -> dict[str, Tally]:
        """Do one unit in one manner; return what each role asked."""
        self._tally, self._manner = {}, manner
        self._rng = generator(self._experiment.seed, "rehearsal", *key)
        usual = QUESTIONS.get(key.arm, 0.0)
        self._questions = int(usual) + int(self._rng.random() < usual % 1)
        scenario = self._scenarios[key.scenario]
        if key.kind == "search":
            await self._search(scenario, key)
        else:
            await run_trial(self, self._trial(scenario, key))
        return self._tally

    async def _search(self, scenario: Scenario, key: UnitKey) -> None:
        experiment = self._experiment
        if not scenario.profile.known:
            return  # the run will find nothing to plan, either
        rollouts = min(experiment.planning.rollouts, MOST_ROLLOUTS)
        unit = experiment.search_unit(scenario, key.model)
        await run_search(self, replace(unit, settings=replace(experiment.planning, rollouts=rollouts)))
        longer = experiment.planning.rollouts / rollouts
        for tally in self._tally.values():
            tally.calls = round(tally.calls * longer)
            tally.characters = round(tally.characters * longer)
            tally.completion = round(tally.completion * longer)

    def _trial(self, scenario: Scenario, key: UnitKey) -> TrialUnit:
        experiment = self._experiment
        depth = experiment.planning.depth
        return experiment.trial_unit(
            scenario,
            key.model,
            key.arm,
            path=members(scenario.profile.known)[:depth],
            neighbours=self._neighbours(depth) if key.arm == "planner" else (),
        )

    def _neighbours(self, depth: int) -> tuple[Neighbour, ...]:
        """Return planned paths as they will be shown, of other queries of the run; which ones is not known yet."""
        scenarios = self._experiment.scenarios
        chosen = self._rng.integers(len(scenarios), size=self._experiment.neighbours)
        paths = [tuple(self._rng.permutation(N_ATTRIBUTES)[:depth].tolist()) for _ in chosen]
        return tuple(Neighbour(scenarios[i].query, path, None, 0.5, "") for i, path in zip(chosen, paths, strict=True))

    async def complete(self, request: ChatRequest) -> Completion:
        """See `Chat.complete`: count the call, and reply what is stored, or something of the form that is wanted."""
        tally = self._tally.setdefault(request.role, Tally())
        tally.calls += 1
        tally.characters += sum(len(message.content) for message in request.messages)
        if self._worded and request.schema is not None:
            tally.characters += len(json.dumps(request.schema.json))
        if self._manner == "usual":
            self.calls += 1
            if (found := self._look_up(request.key)) is not None:
                self.stored += 1
                tally.completion += found.usage.completion
                return found
        limit = request.sampling.max_tokens
        name = request.schema.name if request.schema is not None else ""
        usual = min(limit, {"": RESPONSE, "judgement": VERDICT}.get(name, DECISION))
        text = self._text(usual, limit) if request.schema is None else json.dumps(self._object(request))
        tally.completion += {"few": max(1, len(text) // _COARSEST), "usual": usual, "many": limit}[self._manner]
        return Completion(text)

    def forget(self, request: ChatRequest) -> None:
        """See `Chat.forget`: nothing was stored."""

    def _text(self, usual: float, most: float) -> str:
        tokens = {"few": _SHORT / CHARACTERS_PER_TOKEN, "usual": usual, "many": most}[self._manner]
        return ("plain words " * (round(tokens * CHARACTERS_PER_TOKEN) // 12 + 1)).strip()

    def _object(self, request: ChatRequest) -> dict[str, Any]:
        assert request.schema is not None
        reply = {key: self._value(part) for key, part in request.schema.json["properties"].items()}
        match request.schema.name:
            case "crisis_check":
                reply["immediate_danger"] = self._manner == "few"
            case "completeness":
                reply["completeness"] = 5 if self._suffices() else 0
            case "sufficiency":
                reply["sufficient"] = self._suffices()
            case "answer_or_ask":
                answer, *names = request.schema.json["properties"]["next"]["enum"]
                reply["next"] = answer if self._suffices() else names[int(self._rng.integers(len(names)))]
        return reply

    def _suffices(self) -> bool:
        self._questions -= 1
        return {"few": True, "usual": self._questions < 0, "many": False}[self._manner]

    def _value(self, schema: Mapping[str, Any]) -> object:
        """Return a value for one field of a flat, bounded schema (`simulator.replies`)."""
        if "enum" in schema:
            return schema["enum"][int(self._rng.integers(len(schema["enum"])))]
        if schema["type"] == "boolean":
            return False
        if schema["type"] == "integer":
            low, high = schema["minimum"], schema["maximum"]
            return (low + high) // 2 if self._manner == "few" else int(self._rng.integers(low, high + 1))
        return self._text(DECISION / 4, DECISION)[: schema["maxLength"]]
