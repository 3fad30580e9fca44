"""Whether a query was there before: the same words, or nearly the same."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Literal

import numpy as np

from simulator.embed import LexicalEmbedder
from simulator.scenario import query_key

NEAR = 0.85
"""Cosine of two queries' lexical embeddings (words and character n-grams) from which on they are nearly the same.

Rewordings that keep the telling words reach it ("take out a loan to pay off my credit cards" and "take a loan to pay
off my credit card": 0.91); another subject, another person or another decision does not ("failed the exam" and
"passed the exam": 0.70; "lend my brother money" and "lend my sister money": 0.58). No two of the 70
bundled queries pass 0.33."""

_BATCH = 1000

Kind = Literal["duplicate", "near-duplicate"]


class Queries:
    """A growing set of queries that can be asked whether it holds one, or nearly."""

    def __init__(self, queries: Iterable[str] = ()) -> None:
        """Take in the queries that there are."""
        self._keys: set[str] = set()
        self._embedder = LexicalEmbedder()
        self._vectors = np.zeros((_BATCH, self._embedder.dimensions), np.float32)
        self._count = 0
        for batch in _batches(queries):
            self._append(batch)

    def find(self, query: str) -> Kind | None:
        """Tell how a query is there already: word for word (case and white space folded), nearly, or not at all."""
        if query_key(query) in self._keys:
            return "duplicate"
        (vector,) = self._embedder.embed([query])
        near = self._count and float((self._vectors[: self._count] @ vector).max()) >= NEAR
        return "near-duplicate" if near else None

    def add(self, query: str) -> None:
        """Take in a query."""
        self._append([query])

    def _append(self, queries: list[str]) -> None:
        while self._count + len(queries) > len(self._vectors):
            self._vectors = np.concatenate([self._vectors, np.zeros_like(self._vectors)])
        self._vectors[self._count : self._count + len(queries)] = self._embedder.embed(queries)
        self._count += len(queries)
        self._keys.update(map(query_key, queries))


def _batches(queries: Iterable[str]) -> Iterator[list[str]]:
    rest = iter(queries)
    while batch := list(islice(rest, _BATCH)):
        yield batch
