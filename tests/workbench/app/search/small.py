"""Searches of games under the names of real attributes, from a scenario and a run that can be told in exports."""

from typing import Any

from planner.settings import PlannerSettings
from simulator.attributes import NAMES
from tests.planner.games import Game, run
from tests.workbench.app.search.searches import ROW
from workbench.app.state.search.search import SearchState

ORIGIN: dict[str, Any] = {
    "run": "1a2b3c4d",
    "scenario_id": "0123456789abcdef",
    "query": "Should I hand in my notice?",
    "model": "surrogate/LLaMA-3.1-8B",
}


def state(
    settings: PlannerSettings | None = None, game: Game | None = None, names: tuple[str, ...] = NAMES, **row: Any
) -> SearchState:
    """Return a search of a game, at its end."""
    settings = settings or PlannerSettings(rollouts=60, depth=3)
    trace = run(game or Game(n=len(names), seed=3), settings)
    return SearchState(trace, row={**ROW, **ORIGIN, **row}, names=names)
