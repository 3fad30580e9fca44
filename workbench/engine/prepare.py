"""From options to an experiment that is ready to run: scenarios chosen, names checked, the library identified."""

import json
from dataclasses import dataclass
from pathlib import Path

from planner.library import choose_profiles
from simulator.embed import EmbedderError, get_embedder
from simulator.world import World
from storage.database import explained, open_writable
from storage.runs import RunSpec
from workbench.engine.errors import UsageError
from workbench.engine.experiment import Experiment, make_experiment
from workbench.engine.library import open_library
from workbench.engine.options import RunOptions
from workbench.engine.selection import select_scenarios
from workbench.engine.worlds import open_world
from workbench.version import __version__


@dataclass(frozen=True, slots=True)
class Prepared:
    """An experiment, the world it runs in, and what the store records of both."""

    experiment: Experiment
    world: World
    spec: RunSpec


def prepare(path: Path, options: RunOptions) -> Prepared:
    """Resolve the options of a run against its database.

    Raises:
        UsageError: something named does not exist. StorageError: the database can't be used.
    """
    world = open_world(options)
    if "planner" in options.arms:
        try:
            get_embedder(options.embedder).embed(["Is it there?"])  # now, and not when everything has been planned
        except EmbedderError as error:
            raise UsageError(f"--embedder {options.embedder}: {error}") from error
    db = open_writable(path)
    try:
        with explained(path):
            scenarios = select_scenarios(db, options)
            index = open_library(db, options.index, options.embedder).hash if options.index else None
    finally:
        db.conn.close()
    planned = (
        choose_profiles((s.profile.id for s in scenarios), options.index_size, options.seed)
        if options.index_size
        else None
    )
    experiment = make_experiment(options, world, scenarios, index, planned)
    spec = RunSpec(
        identity=experiment.identity,
        world=world.name,
        world_version=world.version,
        seed=experiment.seed,
        experiment=json.dumps(experiment.normalised(), sort_keys=True),
        settings=options.model_dump_json(exclude_defaults=True),
        code_version=__version__,
    )
    return Prepared(experiment, world, spec)
