"""From options to an experiment that is ready to run: scenarios chosen, names checked, the library identified."""

import json
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path

from planner.library import choose_profiles
from simulator.embed import Embedder, LexicalEmbedder
from simulator.world import World
from storage.calls import Price
from storage.database import explained, open_writable
from storage.runs import RunSpec
from workbench.engine.caps import Caps, read_caps
from workbench.engine.embedding import make_embedder
from workbench.engine.experiment import Experiment, make_experiment
from workbench.engine.library import open_library
from workbench.engine.options import RunOptions
from workbench.engine.pricing import prices
from workbench.engine.scenarios.selection import select_scenarios
from workbench.engine.worlds import open_world
from workbench.version import __version__


@dataclass(frozen=True, slots=True)
class Prepared:
    """An experiment with everything that it needs to be run.

    Fields:
        experiment, world, embedder: what is done, who answers, what finds similar queries.
        workers: kept while the world is used; does nothing where there are none.
        spec: what the store records of them.
        index: what `--index` named, or None.
        prices: what models cost, for the ledger.
        concurrency: units worked on at once.
        caps: what it may ask of language models' servers.
    """

    experiment: Experiment
    world: World
    workers: AbstractAsyncContextManager[object]
    embedder: Embedder
    spec: RunSpec
    index: str | None
    prices: Mapping[str, Price]
    concurrency: int
    caps: Caps


def prepare(
    path: Path, options: RunOptions, report: Callable[[str], None] = lambda _: None, *, searches_only: bool = False
) -> Prepared:
    """Resolve the options of a run against its database.

    Args:
        report: hears how workers of the run start.
        searches_only: plan for every scenario, whatever arms, judges and libraries the options name.

    Raises:
        UsageError: something named does not exist. StorageError: the database can't be used.
    """
    world, workers = open_world(options, path, report)
    retrieves = "planner" in options.arms and not searches_only
    embedder = make_embedder(options, path) if retrieves else LexicalEmbedder()
    db = open_writable(path)
    try:
        with explained(path):
            scenarios = select_scenarios(db, options)
            index = open_library(db, options.index).hash if options.index and not searches_only else None
    finally:
        db.conn.close()
    planned = (
        choose_profiles((s.profile.id for s in scenarios), options.index_size, options.seed)
        if options.index_size
        else None
    )
    experiment = make_experiment(options, world, scenarios, embedder, index, planned)
    if searches_only:
        experiment = experiment.searches_only()
    spec = RunSpec(
        identity=experiment.identity,
        world=world.name,
        world_version=world.version,
        seed=experiment.seed,
        experiment=json.dumps(experiment.normalised(), sort_keys=True),
        settings=options.model_dump_json(exclude_defaults=True),
        code_version=__version__,
        kind="plan" if searches_only else "run",
    )
    return Prepared(
        experiment=experiment,
        world=world,
        workers=workers,
        embedder=embedder,
        spec=spec,
        index=options.index,
        prices=prices(options),
        concurrency=options.concurrency or (64 if options.world == "model" else 8),
        caps=read_caps(options, experiment),
    )
