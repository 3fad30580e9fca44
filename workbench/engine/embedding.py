"""The embedder that the options name."""

from pathlib import Path

from simulator.client.types import Endpoint, UnusableEndpointError
from simulator.embed import Embedder, EmbedderError, get_embedder
from workbench.engine.errors import UsageError
from workbench.engine.options import SERVED, RunOptions


def make_embedder(options: RunOptions, path: Path) -> Embedder:
    """Return the embedder, tried on one text: a fault should show now, not when everything has been planned.

    Args:
        path: the database, whose embedding workers in the background are used where no endpoint is named.

    Raises:
        UsageError: it is not installed, or its server does not answer.
    """
    try:
        embedder = _embedder(options, path)
        embedder.embed(["Is it there?"])
    except EmbedderError as error:
        raise UsageError(f"--embedder {options.embedder}: {error}") from error
    return embedder


def _embedder(options: RunOptions, path: Path) -> Embedder:
    if not options.embedder.startswith(SERVED):
        return get_embedder(options.embedder)
    from simulator.client.embeddings import ServedEmbedder
    from workbench.engine.models import endpoints

    model = options.embedder.removeprefix(SERVED)
    known = _workers(model, path) if not (options.base_url or options.endpoints) else []
    known = known or endpoints(options)
    return ServedEmbedder(next((e for e in known if model in e.models), known[-1]), model)


def _workers(model: str, path: Path) -> list[Endpoint]:
    """Return the workers in the background that embed by a model just now."""
    if not path.exists():
        return []
    from workbench.workers.pool import AttachedWorkers

    attached = AttachedWorkers(path)
    try:
        return list(attached.endpoints(model))
    except UnusableEndpointError:
        return []
    finally:
        attached.close()
