"""The path library: exact neighbours, and the split."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from planner import library
from planner.keyed import generator
from planner.library import Library, LibraryEntry, Lookup, choose_profiles


def fold(query: str) -> str:
    """Fold as the simulator does."""
    return " ".join(query.split()).casefold()


def unit(rows: NDArray[np.float64]) -> NDArray[np.float32]:
    """Normalise rows."""
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


def entry(i: int, **fields: str) -> LibraryEntry:
    """Make an entry; four share a profile, two a query text."""
    known = {"query": f"Query  {i // 2}", "profile_id": f"p{i // 4}", "scenario_id": f"s{i}"} | fields
    return LibraryEntry(f"e{i:03}", path=(i % 10,), score=3.0, **known)  # type: ignore[arg-type]


def make(seed: int, m: int, d: int = 6) -> Library:
    """Make a library whose vectors repeat, so that ties happen."""
    rows = generator("library", seed).integers(-1, 2, (m, d)).astype(float)
    rows[:, 0] += 0.5
    return Library([entry(i) for i in range(m)], unit(rows), fold=fold)


@given(seed=st.integers(0, 999), m=st.integers(1, 60), k=st.integers(1, 8), leaky=st.booleans())
@settings(max_examples=60, deadline=None)
def test_equals_a_plain_search(seed: int, m: int, k: int, leaky: bool) -> None:
    shelf = make(seed, m)
    lookups = [Lookup() if leaky else Lookup(e.profile_id, [fold(e.query)]) for e in shelf.entries]
    found = shelf.nearest_many(shelf.vectors, k, lookups)
    wide = shelf.vectors.astype(np.float64)
    for row, (query, lookup) in enumerate(zip(wide, lookups, strict=True)):
        rest = [
            (-float((query * other).sum()), e.id)
            for e, other in zip(shelf.entries, wide, strict=True)
            if leaky or (e.profile_id != lookup.profile and fold(e.query) not in lookup.query_keys)
        ]
        assert [f.entry.id for f in found[row]] == [name for _, name in sorted(rest)[:k]]
        assert all(f.distance == 1 - f.similarity for f in found[row])


def test_a_scenario_never_finds_itself_nor_its_siblings() -> None:
    shelf = make(1, 40)
    for e, vector in zip(shelf.entries, shelf.vectors, strict=True):
        own = {f.entry.id for f in shelf.nearest(vector, 40)}
        assert e.id in own
        fair = shelf.nearest(vector, 40, Lookup(e.profile_id, [fold(e.query)]))
        assert all(f.entry.profile_id != e.profile_id for f in fair)
        assert len(fair) == 36


def test_the_same_query_of_another_profile_is_left_out() -> None:
    vectors = unit(np.ones((3, 2)))
    shelf = Library(
        [entry(0, query="Should I?"), entry(9, query=" should  i? "), entry(20, query="Other")], vectors, fold=fold
    )
    found = shelf.nearest(vectors[0], 5, Lookup(query_keys=[fold("SHOULD I?")]))
    assert [f.entry.id for f in found] == ["e020"]


def test_published_entries_have_no_profile_to_leave_out() -> None:
    vectors = unit(np.eye(2))
    shelf = Library([entry(0, profile_id=""), entry(1, profile_id="")], vectors, fold=fold)
    assert len(shelf.nearest(vectors[0], 5, Lookup(""))) == 2


def test_published_entries_are_left_out_by_the_queries_of_the_profile() -> None:
    shelf = Library([entry(i, profile_id="") for i in (0, 2, 4)], unit(np.eye(3)), fold=fold)
    found = shelf.nearest(shelf.vectors[0], 5, Lookup("p0", [fold("Query 0"), fold("Query 1")]))
    assert [f.entry.id for f in found] == ["e004"]


def test_chunks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    shelf = make(5, 50, d=9)
    lookups = [Lookup(e.profile_id) for e in shelf.entries]
    whole = shelf.nearest_many(shelf.vectors, 4, lookups)
    monkeypatch.setattr(library, "_CHUNK", 170)
    assert shelf.nearest_many(shelf.vectors, 4, lookups) == whole
    assert [
        shelf.nearest(v, 4, Lookup(e.profile_id)) for v, e in zip(shelf.vectors, shelf.entries, strict=True)
    ] == whole


def test_ties_go_by_id_whatever_the_order() -> None:
    vectors = unit(np.ones((30, 3)))
    entries = [entry(i) for i in (7, 3, 29, 11, 0, 5)]
    for order in (entries, entries[::-1]):
        found = Library(order, vectors[:6], fold=fold).nearest(vectors[0], 3)
        assert [f.entry.id for f in found] == ["e000", "e003", "e005"]


def test_an_empty_library_and_an_unknown_query_find_nothing_wrong() -> None:
    empty = Library([], np.zeros((0, 4), np.float32), fold=fold)
    assert empty.nearest(np.zeros(4), 5) == []
    shelf = make(1, 8)
    assert [f.distance for f in shelf.nearest(np.zeros(6), 3)] == [1.0] * 3


def test_bad_libraries_and_queries_are_refused() -> None:
    vectors = unit(np.ones((2, 3)))
    for entries, rows, message in (
        ([entry(0)], vectors, "as many vectors"),
        ([entry(0), entry(0)], vectors, "stands twice"),
        ([entry(0), entry(1)], vectors * 2, "normalised"),
        ([entry(0), entry(1)], vectors * np.nan, "normalised"),
    ):
        with pytest.raises(ValueError, match=message):
            Library(entries, rows, fold=fold)
    shelf = make(1, 8)
    with pytest.raises(ValueError, match="6 dimensions"):
        shelf.nearest(np.zeros(5), 1)
    with pytest.raises(ValueError, match="k is 0"):
        shelf.nearest(np.zeros(6), 0)
    with pytest.raises(ValueError, match="as many lookups"):
        shelf.nearest_many(np.zeros((2, 6)), 1, [Lookup()])


def test_profiles_are_chosen_by_key() -> None:
    profiles = [f"p{i}" for i in range(50)]
    chosen = choose_profiles(profiles, 10, "seed", 1)
    assert len(chosen) == 10
    assert chosen == choose_profiles(profiles[::-1] * 2, 10, "seed", 1)
    assert chosen < choose_profiles(profiles, 20, "seed", 1)
    assert chosen != choose_profiles(profiles, 10, "seed", 2)
    assert choose_profiles(profiles, 99, "seed", 1) == set(profiles)
