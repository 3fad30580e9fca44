"""Worlds by name."""

from simulator.world import World
from workbench.engine.errors import UsageError

WORLDS = ("surrogate",)
"""Worlds that scenarios can be run in; `table:FILE` serves single searches only."""


def open_world(name: str) -> World:
    """Return the world of that name.

    Raises:
        UsageError: there is none, or it can't run scenarios.
    """
    if name == "surrogate":
        from simulator.surrogate.world import SurrogateWorld

        return SurrogateWorld()
    if name.startswith("table:"):
        raise UsageError(f"--world {name}: a table serves `workbench plan` only; runs need one of {', '.join(WORLDS)}")
    raise UsageError(f"--world: there is no world {name!r}; there is {', '.join(WORLDS)}, and table:FILE for `plan`")
