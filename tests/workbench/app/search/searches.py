"""Searches to look at, small and large, as the store would say they are."""

from functools import cache
from typing import Any

from planner.settings import PlannerSettings
from planner.trace import Trace
from tests.planner.games import Game, run
from workbench.app.state.search.search import SearchState

ROW: dict[str, Any] = {
    "unit": 7,
    "run": "abc",
    "scenario_id": "s1",
    "domain": "Career",
    "query": "Should I stay?",
    "world": "surrogate",
    "model": "m",
    "seed": 3,
    "planner": "search",
    "judge": "a",
    "state": "done",
    "paused": 0,
    "held": None,
    "breakpoints": None,
    "error": None,
    "finished_at": None,
}


@cache
def trace_of(rollouts: int = 80, *, n: int = 6, depth: int = 3, planner: str = "search", c: float = 1.0) -> Trace:
    """Return the trace of a small search in which two evaluations fail; noisy, so that the choice changes."""
    settings = PlannerSettings(planner=planner, rollouts=rollouts, depth=depth, c=c)
    return run(Game(n=n, seed=5, noise=0.8, broken=frozenset({0b111, 0b10101})), settings, "fresh")


def state_of(trace: Trace | None = None, **row: Any) -> SearchState:
    """Look at a search whose row says what is given."""
    return SearchState(trace_of() if trace is None else trace, row=ROW | row)
