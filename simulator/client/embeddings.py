"""Embeddings from a server that speaks OpenAI's API: an embedding worker, or a hosted model."""

from collections.abc import Sequence

import numpy as np

from simulator.client.redaction import redact
from simulator.client.types import Endpoint
from simulator.embed import MAX_CHARACTERS, EmbedderError, Vectors

_BATCH = 128
_RETRIES = 2


class ServedEmbedder:
    """Embeds through `/v1/embeddings`. Blocking: the library is looked up in a thread of its own.

    Fields:
        dimensions: of the model's vectors; 0 until something was embedded.
    """

    version = "1"

    def __init__(self, endpoint: Endpoint, model: str) -> None:
        """Embed by `model` at `endpoint`."""
        self.name = f"served:{model}"
        self.dimensions = 0
        self._endpoint, self._model = endpoint, endpoint.models.get(model, model)

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return `[m, d]` float32 rows of unit length.

        Raises:
            EmbedderError: the server does not answer, refuses, or returns no vectors.
        """
        from openai import OpenAI, OpenAIError

        if not texts:
            return np.zeros((0, self.dimensions), np.float32)
        end = self._endpoint
        rows: list[list[float]] = []
        try:
            with OpenAI(
                base_url=end.base_url, api_key=end.key or "none", timeout=end.timeout, max_retries=_RETRIES
            ) as client:
                for start in range(0, len(texts), _BATCH):
                    part = [text[:MAX_CHARACTERS] for text in texts[start : start + _BATCH]]
                    reply = client.embeddings.create(model=self._model, input=part, encoding_format="float")
                    rows += [item.embedding for item in sorted(reply.data, key=lambda item: item.index)]
        except OpenAIError as error:
            reason = " ".join(redact(str(error), [end.key]).split())
            raise EmbedderError(f"{self.name} at {end.base_url}: {reason}") from None
        vectors = np.asarray(rows, np.float64)
        if vectors.ndim != 2 or len(vectors) != len(texts) or not np.isfinite(vectors).all():
            raise EmbedderError(f"{self.name} at {end.base_url}: it returned no vector for each text")
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        if not norms.all():
            raise EmbedderError(f"{self.name} at {end.base_url}: it returned a vector without a direction")
        self.dimensions = vectors.shape[1]
        unit: Vectors = (vectors / norms).astype(np.float32)
        return unit
