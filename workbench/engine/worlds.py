"""Worlds by name, and the workers that a run may own."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from pathlib import Path
from typing import NamedTuple

from simulator.client.types import EndpointSource
from simulator.world import World
from workbench.engine.errors import UsageError
from workbench.engine.options import RunOptions

WORLDS = ("surrogate", "model")
"""Worlds that scenarios can be run in; `table:FILE` serves single searches only."""


_ENDPOINT_PATIENCE = 60.0
_WORKER_PATIENCE = 1800.0
"""Seconds without a live server. A large model takes long to come back, and workers say when they never will."""


class Opened(NamedTuple):
    """A world, and the workers to be kept while it is used (a context that does nothing where there are none)."""

    world: World
    workers: AbstractAsyncContextManager[object]


def open_world(options: RunOptions, path: Path, report: Callable[[str], None] = lambda _: None) -> Opened:
    """Return the world that the options name.

    Args:
        path: the database, where workers are found and written down.
        report: hears, in lines, how workers of its own start.

    Raises:
        UsageError: there is none, it can't run scenarios, or a language model's settings are wrong.
        StorageError: the database can't be read.
    """
    name = options.world
    if name == "surrogate":
        from simulator.surrogate.world import SurrogateWorld

        return Opened(SurrogateWorld(), nullcontext())
    if name == "model":
        from simulator.client.client import FixedEndpoints
        from simulator.model.world import ModelWorld
        from workbench.engine.models import model_settings

        source, workers = _source(options, path, report)
        patience = _ENDPOINT_PATIENCE if isinstance(source, FixedEndpoints) else _WORKER_PATIENCE
        return Opened(ModelWorld(model_settings(options), source, patience), workers)
    if name.startswith("table:"):
        raise UsageError(f"--world {name}: a table serves `workbench plan` only; runs need one of {', '.join(WORLDS)}")
    raise UsageError(f"--world: there is no world {name!r}; there is {', '.join(WORLDS)}, and table:FILE for `plan`")


def names(options: RunOptions) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the answering models and the judges that the options mean, in full, without opening any server.

    Raises:
        UsageError: as `open_world` and `known_names` do.
    """
    if options.world == "model":
        from workbench.engine.models import model_settings

        settings = model_settings(options)
        return settings.models, settings.judges
    from workbench.engine.experiment import known_names

    world = open_world(options, Path()).world
    return (
        known_names("model", options.models or world.models[:1], world.models, world),
        known_names("judge", options.judges or world.judges[:1], world.judges, world),
    )


def _source(
    options: RunOptions, path: Path, report: Callable[[str], None]
) -> tuple[EndpointSource, AbstractAsyncContextManager[object]]:
    """Return where models are served: by workers of the run, at named endpoints, or by workers in the background."""
    from simulator.client.client import FixedEndpoints
    from workbench.engine.models import endpoints
    from workbench.workers.command import find_command
    from workbench.workers.pool import AttachedWorkers, WorkerPool
    from workbench.workers.presets import worker_spec
    from workbench.workers.spec import parse_gpus

    if options.workers is not None:
        if options.base_url or options.endpoints:
            raise UsageError("--workers serves the models itself: leave out --base-url and [endpoints]")
        named = {role.model for role in options.roles.values() if role.model}
        models = dict.fromkeys([*options.models, *options.judges, *sorted(named)])
        specs = [
            worker_spec(
                model,
                replicas=options.workers,
                gpus=parse_gpus(options.gpus or None),
                tensor_parallel=options.tensor_parallel,
                arguments=tuple(options.vllm_args),
            )
            for model in models
        ]
        pool = WorkerPool(path, specs, find_command(options.vllm or None), report=report)
        return pool, pool
    if not (options.base_url or options.endpoints) and path.exists():
        attached = AttachedWorkers(path)
        if attached.models():
            return attached, nullcontext()
        attached.close()
    return FixedEndpoints(endpoints(options)), nullcontext()
