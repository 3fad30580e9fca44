"""Reads a run's responses for what they say of the person, and what of it mattered."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from simulator.attributes import N_ATTRIBUTES
from simulator.mentions import Mentions, find_mentions
from simulator.scenario import Scenario
from simulator.surrogate.world import SurrogateWorld
from storage.mentions import MentionRow, planned_masks, responses_to_read
from storage.scenarios import scenarios_by_id
from storage.sqlite import Database

NEEDED = 0.25
"""Points of score that knowing an attribute alone must add for it to matter, where the surrogate knows. Assumed: less
than the paper's least sensitive attribute (Gender, +0.21) is worth on average would count everything as needed."""

KnownBy = Literal["surrogate", "planned path"]
"""What tells which attributes matter: the surrogate's true scores, or the path that a search of the run planned."""

Needed = Callable[[Scenario, str], tuple[int, KnownBy] | None]


@dataclass(frozen=True, slots=True)
class Read:
    """A response that was read.

    Fields:
        row: where it comes from. profile_id: whose it is.
        mentions: what it says; None where it is not known what it was given.
        needed: mask of the attributes that matter, None where nothing tells; known_by: what tells it.
    """

    row: MentionRow
    profile_id: str
    mentions: Mentions | None
    needed: int | None
    known_by: KnownBy | None

    @property
    def unneeded(self) -> int | None:
        """Mask of the given attributes that it mentions although they do not matter."""
        return None if self.needed is None or self.mentions is None else self.mentions.used & ~self.needed

    def counts(self) -> dict[str, Any]:
        """Return what `statistics.personalisation` reads."""
        found, unneeded = self.mentions, self.unneeded
        return {
            "model": self.row.model,
            "arm": self.row.arm,
            "profile_id": self.profile_id,
            "given": None if found is None else found.given.bit_count(),
            "used": None if found is None else found.used.bit_count(),
            "invented": None if found is None else found.invented.bit_count(),
            "unneeded": None if unneeded is None else unneeded.bit_count(),
        }


def read_responses(db: Database, run: Mapping[str, Any]) -> Iterator[Read]:
    """Read every response of a run (a row of `storage.readers.find_run`), in the order of units."""
    rows = responses_to_read(db, run["run"])
    scenarios = scenarios_by_id(db, list({row.scenario_id for row in rows}))
    needed = _needed(db, run)
    for row in rows:
        scenario = scenarios[row.scenario_id]
        mentions = None
        if row.given is not None:
            mentions = find_mentions(row.text, scenario.profile, row.given, query=scenario.query, told=(row.told,))
        mask, known_by = needed(scenario, row.model) or (None, None)
        yield Read(row, scenario.profile.id, mentions, mask, known_by)


def _needed(db: Database, run: Mapping[str, Any]) -> Needed:
    """Return what tells which attributes matter for a scenario and model."""
    world = SurrogateWorld()
    if (run["world"], run["world_version"]) == (world.name, world.version):
        return lru_cache(maxsize=256)(lambda scenario, model: (_worthwhile(world, scenario, model), "surrogate"))
    planned = planned_masks(db, run["run"])

    def on_path(scenario: Scenario, model: str) -> tuple[int, KnownBy] | None:
        mask = planned.get((scenario.id, model))
        return None if mask is None else (mask, "planned path")

    return on_path


def _worthwhile(world: SurrogateWorld, scenario: Scenario, model: str) -> int:
    scores = world.open(scenario, model, 0).true_scores()
    return sum(1 << i for i in range(N_ATTRIBUTES) if scores[1 << i] - scores[0] >= NEEDED)
