"""The embedder that the options name."""

from simulator.embed import Embedder, EmbedderError, get_embedder
from workbench.engine.errors import UsageError
from workbench.engine.options import SERVED, RunOptions


def make_embedder(options: RunOptions) -> Embedder:
    """Return the embedder, tried on one text: a fault should show now, not when everything has been planned.

    Raises:
        UsageError: it is not installed, or its server does not answer.
    """
    try:
        embedder = _embedder(options)
        embedder.embed(["Is it there?"])
    except EmbedderError as error:
        raise UsageError(f"--embedder {options.embedder}: {error}") from error
    return embedder


def _embedder(options: RunOptions) -> Embedder:
    if not options.embedder.startswith(SERVED):
        return get_embedder(options.embedder)
    from simulator.client.embeddings import ServedEmbedder
    from workbench.engine.models import endpoints

    model = options.embedder.removeprefix(SERVED)
    known = endpoints(options)
    return ServedEmbedder(next((e for e in known if model in e.models), known[-1]), model)
