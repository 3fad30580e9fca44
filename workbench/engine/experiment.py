"""An experiment, normalised: exactly what decides the results, and its identity.

See experiments.md, "Units and identity".
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from planner.settings import PlannerSettings
from simulator.agent import AgentOptions
from simulator.dialogue import Neighbour
from simulator.embed import Embedder
from simulator.scenario import Scenario
from simulator.world import World
from storage.runs import UnitKey
from workbench.arms import follows_path, holds_dialogue, only_attribute, sized
from workbench.engine.errors import UsageError
from workbench.engine.options import RunOptions
from workbench.engine.search import SearchUnit
from workbench.engine.trial import TrialUnit


@dataclass(frozen=True, slots=True)
class Experiment:
    """What is to be done.

    Fields:
        scenarios: in the order they are worked on.
        models, arms, judges: as wanted; every one of each is combined. No arm: nothing but searches.
        repeats: judgements per judge and response.
        k: size of the subsets of static, random, oracle and path.
        planning: how paths are planned; `evaluations` and `search_judge` say how rewards are sampled and by whom.
        index: content hash of the library that is used instead of planning, or None.
        planned: ids of the profiles that are planned for (`--index-size`), or None for all.
        leaky: a query may retrieve its own path.
        embedder: name and version of what finds similar queries. neighbours: how many paths are shown.
        agent: how the online agent asks.
        seed, world_seed: of choices, and of the world's noise.
        world, world_version: who answers, with everything that an answer depends on (sampling, say).
        prompts: versions of the prompts, empty where there are none.
    """

    scenarios: tuple[Scenario, ...]
    models: tuple[str, ...]
    arms: tuple[str, ...]
    judges: tuple[str, ...]
    repeats: int
    k: int
    planning: PlannerSettings
    evaluations: str
    search_judge: str
    index: str | None
    planned: frozenset[str] | None
    leaky: bool
    embedder: str
    neighbours: int
    agent: AgentOptions
    seed: int
    world_seed: int
    world: str
    world_version: str
    prompts: Mapping[str, str]

    @property
    def plans(self) -> bool:
        """Whether there is a planning phase: an arm needs paths and no library was named, or nothing else is done."""
        return not self.arms or (self.index is None and any(map(needs_paths, self.arms)))

    def search_unit(self, scenario: Scenario, model: str) -> SearchUnit:
        """Return the search of a scenario."""
        return SearchUnit(
            scenario=scenario,
            model=model,
            settings=self.planning,
            evaluations=self.evaluations,
            judge=self.search_judge,
            seed=self.seed,
            world_seed=self.world_seed,
        )

    def trial_unit(
        self,
        scenario: Scenario,
        model: str,
        arm: str,
        *,
        path: tuple[int, ...] | None,
        neighbours: tuple[Neighbour, ...],
        library: str | None = None,
    ) -> TrialUnit:
        """Return the trial of a scenario in an arm; see `TrialUnit` for what was planned."""
        return TrialUnit(
            scenario=scenario,
            model=model,
            arm=arm,
            judges=self.judges,
            search_judge=self.search_judge,
            repeats=self.repeats,
            k=self.k,
            agent=self.agent,
            seed=self.seed,
            world_seed=self.world_seed,
            path=path,
            neighbours=neighbours,
            library=library,
            leaky=self.leaky,
        )

    def searches_only(self) -> "Experiment":
        """Return the searches of every scenario and model on their own, whatever else there was to do."""
        return replace(self, arms=(), judges=(), repeats=1, index=None, planned=None)

    def normalised(self) -> dict[str, object]:
        """Return what decides the results, and nothing else: settings of arms that do not run are left out."""
        arms = set(self.arms)
        parts: dict[str, Any] = {
            "scenarios": sorted(scenario.id for scenario in self.scenarios),
            "world": self.world,
            "world_version": self.world_version,
            "models": sorted(self.models),
            "arms": sorted(arms),
            "judges": sorted(self.judges),
            "repeats": self.repeats,
            "seed": self.seed,
            "world_seed": self.world_seed,
            "prompts": dict(self.prompts),
        }
        if any(map(sized, arms)):
            parts["k"] = self.k
        if "oracle-judged" in arms:
            parts["choosing_judge"] = self.search_judge
        if any(map(holds_dialogue, arms)):
            parts["agent"] = {name: getattr(self.agent, name) for name in self.agent.__slots__}
            if self.agent.abstention == AgentOptions().abstention:  # runs from before it could be chosen stay the same
                del parts["agent"]["abstention"]
        if "planner" in arms:
            parts["library"] = {
                "index": self.index,
                "planned": sorted(self.planned) if self.planned is not None else None,
                "leaky": self.leaky,
                "embedder": self.embedder,
                "neighbours": self.neighbours,
            }
        if any(map(follows_path, arms)):
            parts["paths"] = {
                "index": self.index,
                "planned": sorted(self.planned) if self.planned is not None else None,
            }
        if self.plans:
            parts["planner"] = {name: getattr(self.planning, name) for name in self.planning.__slots__} | {
                "evaluations": self.evaluations,
                "judge": self.search_judge,
            }
        return parts

    @property
    def identity(self) -> str:
        """SHA-256 of the normalised experiment: equal identities have equal results."""
        return hashlib.sha256(json.dumps(self.normalised(), sort_keys=True).encode()).hexdigest()

    def units(self) -> Iterator[UnitKey]:
        """List every unit: the searches first, then the trials, scenario by scenario.

        An attribute that a profile lacks can't be given, and a path that was not planned can't be followed: there is
        no such trial.
        """
        if self.plans:
            for scenario in self.scenarios:
                if self._planned(scenario):
                    for model in self.models:
                        yield UnitKey("search", scenario.id, model, self.planning.planner)
        for scenario in self.scenarios:
            for model in self.models:
                for arm in self.arms:
                    if self._possible(scenario, arm):
                        yield UnitKey("trial", scenario.id, model, arm)

    def _planned(self, scenario: Scenario) -> bool:
        return self.planned is None or scenario.profile.id in self.planned

    def _possible(self, scenario: Scenario, arm: str) -> bool:
        attribute = only_attribute(arm)
        if attribute is not None:
            return bool(scenario.profile.known >> attribute & 1)
        return not follows_path(arm) or self.index is not None or self._planned(scenario)


def needs_paths(arm: str) -> bool:
    """Tell whether planned paths have to be there before a trial of this arm."""
    return arm == "planner" or follows_path(arm)


def make_experiment(
    options: RunOptions,
    world: World,
    scenarios: Sequence[Scenario],
    embedder: Embedder,
    index: str | None,
    planned: frozenset[str] | None,
) -> Experiment:
    """Resolve options against a world: defaults filled in, every name checked.

    Args:
        index: content hash of the library named by `--index`, or None.
        planned: the profiles chosen by `--index-size`, or None.

    Raises:
        UsageError: a model, judge or setting that does not exist, or nothing to do.
    """
    if not scenarios:
        raise UsageError("no scenario fits: `workbench scenarios list` shows what there is")
    judges = known_names("judge", options.judges or world.judges[:1], world.judges, world)
    (search_judge,) = known_names("judge", (options.search_judge or judges[0],), world.judges, world)
    return Experiment(
        scenarios=tuple(scenarios),
        models=known_names("model", options.models or world.models[:1], world.models, world),
        arms=options.arms,
        judges=judges,
        repeats=options.repeats,
        k=options.k,
        planning=planner_settings(options),
        evaluations=options.evaluations or default_evaluations(world.noisy),
        search_judge=search_judge,
        index=index,
        planned=planned,
        leaky=options.leaky_index,
        embedder=f"{embedder.name}@{embedder.version}",
        neighbours=options.neighbours,
        agent=AgentOptions(
            threshold=options.threshold,
            max_questions=options.max_questions,
            persona=options.persona,
            retrieval=options.retrieval,
            crisis=options.crisis == "on",
            abstention=options.abstention,
        ),
        seed=options.seed,
        world_seed=options.seed if options.world_seed is None else options.world_seed,
        world=world.name,
        world_version=world.version,
        prompts=world.prompts,
    )


def default_evaluations(noisy: bool) -> str:
    """One sample per subset is enough where nothing is noisy, three elsewhere (experiments.md, One evaluation)."""
    return "cache:3" if noisy else "cache:1"


def planner_settings(options: RunOptions) -> PlannerSettings:
    """Return how to plan."""
    return PlannerSettings(
        planner=options.planner,
        rule=options.rule,
        rollouts=options.rollouts,
        depth=options.depth,
        c=options.c,
        decay=options.decay,
        recommend=options.recommend,
    )


def known_names(kind: str, names: Sequence[str], known: Sequence[str], world: World) -> tuple[str, ...]:
    """Return names in full, `all` for every one, each once.

    Raises:
        UsageError: the world does not have one of them.
    """
    if tuple(names) == ("all",):
        return tuple(known)
    # A model may be named without its world: LLaMA-3.1-8B is surrogate/LLaMA-3.1-8B.
    full = {name: name for name in known} | {name.partition("/")[2]: name for name in known if "/" in name}
    for name in names:
        if name not in full:
            raise UsageError(f"the {world.name} world has no {kind} {name!r}: it has {', '.join(known)}")
    return tuple(dict.fromkeys(full[name] for name in names))
