"""Worlds by name."""

from simulator.world import World
from workbench.engine.errors import UsageError
from workbench.engine.options import RunOptions

WORLDS = ("surrogate", "model")
"""Worlds that scenarios can be run in; `table:FILE` serves single searches only."""


def open_world(options: RunOptions) -> World:
    """Return the world that the options name.

    Raises:
        UsageError: there is none, it can't run scenarios, or a language model's settings are wrong.
    """
    name = options.world
    if name == "surrogate":
        from simulator.surrogate.world import SurrogateWorld

        return SurrogateWorld()
    if name == "model":
        from simulator.client.client import FixedEndpoints
        from simulator.model.world import ModelWorld

        from workbench.engine.models import endpoints, model_settings

        return ModelWorld(model_settings(options), FixedEndpoints(endpoints(options)))
    if name.startswith("table:"):
        raise UsageError(f"--world {name}: a table serves `workbench plan` only; runs need one of {', '.join(WORLDS)}")
    raise UsageError(f"--world: there is no world {name!r}; there is {', '.join(WORLDS)}, and table:FILE for `plan`")
