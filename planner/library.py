"""The library of planned paths, and the nearest of them to a query (raise.md, section 7; experiments.md, Phases)."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from planner.keyed import Key, digest

_CHUNK = 1 << 22
"""Similarities held at a time, 16 MiB of float32, whatever the library's size."""

_SLACK = 1e-4
"""More than float32 matrix products can err on unit vectors: what lies this close to the k-th is compared exactly."""


@dataclass(frozen=True, slots=True)
class LibraryEntry:
    """One planned path.

    Fields:
        id: unique in its library.
        query: the query it was planned for.
        path: attribute indices in the order to ask.
        score: what its subset was worth, 1-5; None for published paths, which carry none.
        scenario_id, profile_id: whose it is; empty where not known.
        model: the model it was planned for.
        published: it comes from the authors' files.
    """

    id: str
    query: str
    path: tuple[int, ...]
    score: float | None = None
    scenario_id: str = ""
    profile_id: str = ""
    model: str = ""
    published: bool = False


class Found(NamedTuple):
    """An entry near a query: cosine `similarity`, -1 to 1, and `distance` = 1 - similarity."""

    entry: LibraryEntry
    distance: float
    similarity: float


class Lookup(NamedTuple):
    """What a query must not find: entries of this profile, and entries with one of these folded queries.

    A scenario never sees its own path, nor those of its siblings; the leaky index of the paper leaves out nothing.
    Entries without a profile (published ones) are told apart by the queries of the profile alone.
    """

    profile: str | None = None
    query_keys: Collection[str] = ()


_EVERYTHING = Lookup()


class Library:
    """Planned paths with the embeddings of their queries, searched exactly.

    Fields:
        entries: `[m]`.
        vectors: `[m, d]` float32, normalised (a query without any known feature may be all zero).
    """

    def __init__(
        self, entries: Iterable[LibraryEntry], vectors: NDArray[np.float32], *, fold: Callable[[str], str]
    ) -> None:
        """Index entries; `fold` makes the key by which two queries count as the same text.

        Raises:
            ValueError: the vectors are not one of unit length (or zero) per entry, or an id stands twice.
        """
        self.entries = tuple(entries)
        self.vectors = np.ascontiguousarray(vectors, np.float32)
        if self.vectors.ndim != 2 or len(self.vectors) != len(self.entries):
            raise ValueError(f"{len(self.entries)} entries need as many vectors, not an array {self.vectors.shape}")
        norms = np.linalg.norm(self.vectors, axis=1)
        if not ((np.abs(norms - 1) < 1e-3) | (norms == 0)).all():
            raise ValueError("the vectors of a library must be normalised")
        ids = [entry.id for entry in self.entries]
        if len(set(ids)) < len(ids):
            raise ValueError("an id stands twice in the library")
        self._by_id = np.empty(len(ids), np.int64)  # place of each entry when sorted by id, which breaks ties
        self._by_id[sorted(range(len(ids)), key=ids.__getitem__)] = np.arange(len(ids))
        self._profiles, self._keys = (
            _places(e.profile_id for e in self.entries),
            _places(fold(e.query) for e in self.entries),
        )

    def __len__(self) -> int:
        return len(self.entries)

    def nearest(self, vector: ArrayLike, k: int, lookup: Lookup = _EVERYTHING) -> list[Found]:
        """Return the `k` nearest entries, nearest first; fewer where fewer are allowed. See `nearest_many`."""
        return self.nearest_many(np.atleast_2d(vector), k, [lookup])[0]

    def nearest_many(self, vectors: ArrayLike, k: int, lookups: Sequence[Lookup] | None = None) -> list[list[Found]]:
        """Return the `k` nearest entries of each query, nearest first, ties by id; memory stays bounded.

        A float32 matrix product proposes, float64 decides, so results depend neither on chunks nor on the machine's
        matrix kernels.

        Args:
            vectors: `[q, d]`, normalised.
            k: how many, at least 1.
            lookups: `[q]`, what each query must not find; None = nothing is left out.

        Raises:
            ValueError: the vectors have another number of dimensions, `k` < 1, or lookups of another number.
        """
        queries = np.ascontiguousarray(vectors, np.float32)
        if queries.ndim != 2 or queries.shape[1] != self.vectors.shape[1]:
            raise ValueError(f"vectors {queries.shape} for a library of {self.vectors.shape[1]} dimensions")
        if k < 1:
            raise ValueError(f"k is {k}; it must be at least 1")
        lookups = [Lookup()] * len(queries) if lookups is None else lookups
        if len(lookups) != len(queries):
            raise ValueError(f"{len(queries)} vectors need as many lookups, not {len(lookups)}")
        if not self.entries:
            return [[] for _ in lookups]
        rows = max(1, _CHUNK // len(self.entries))
        found: list[list[Found]] = []
        for start in range(0, len(queries), rows):
            chunk = queries[start : start + rows]
            found += self._chunk(chunk, k, lookups[start : start + rows])
        return found

    def _chunk(self, queries: NDArray[np.float32], k: int, lookups: Sequence[Lookup]) -> list[list[Found]]:
        similar = queries @ self.vectors.T
        for row, lookup in enumerate(lookups):
            similar[row, self._profiles.get(lookup.profile or "", [])] = -np.inf
            for key in lookup.query_keys:
                similar[row, self._keys.get(key, [])] = -np.inf
        at = len(self.entries) - min(k, len(self.entries))
        floor = np.maximum(np.partition(similar, at, axis=1)[:, at] - _SLACK, -2)
        return [
            self._rank(query, np.flatnonzero(row >= low), k)
            for query, row, low in zip(queries, similar, floor, strict=True)
        ]

    def _rank(self, query: NDArray[np.float32], candidates: NDArray[np.int64], k: int) -> list[Found]:
        exact = (self.vectors[candidates].astype(np.float64) * query.astype(np.float64)).sum(axis=1)
        order = np.lexsort((self._by_id[candidates], -exact))[:k]
        return [Found(self.entries[candidates[i]], 1.0 - float(exact[i]), float(exact[i])) for i in order]


def choose_profiles(profiles: Iterable[str], size: int, *key: Key) -> frozenset[str]:
    """Choose the profiles that make up a limited index; the same key, the same choice, in whatever order they came.

    A larger size only adds profiles. All are chosen where there are no more than `size`.
    """
    return frozenset(sorted(set(profiles), key=lambda profile: (digest(*key, "index", profile), profile))[:size])


def _places(values: Iterable[str]) -> dict[str, list[int]]:
    places = defaultdict(list)
    for place, value in enumerate(values):
        if value:
            places[value].append(place)
    return dict(places)
