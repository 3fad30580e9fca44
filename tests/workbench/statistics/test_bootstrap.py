"""Intervals: right on average, wider for clusters, the same for the same data."""

import math
import random
import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.keyed import generator
from workbench.statistics import bootstrap
from workbench.statistics.bootstrap import Interval, interval

SCORES = st.lists(st.tuples(st.integers(3, 15).map(lambda n: n / 3), st.sampled_from("abcdefgh")), min_size=1)


def bounds(found: Interval | None) -> tuple[float, float]:
    assert found is not None
    assert found.low is not None
    assert found.high is not None
    return found.low, found.high


def clustered(clusters: int, size: int, sample: int) -> tuple[list[float], list[str]]:
    """Draw values around 0 whose clusters share most of their luck."""
    rng = generator("test clusters", clusters, size, sample)
    shared = rng.normal(size=clusters)
    values = [float(shared[c] + 0.3 * rng.normal()) for c in range(clusters) for _ in range(size)]
    return values, [f"p{c}" for c in range(clusters) for _ in range(size)]


def slow_interval(values: list[float], clusters: list[str], resamples: int) -> tuple[float, float]:
    """The bootstrap as a textbook writes it: draw whole clusters, pool their values, take the mean."""
    rng = random.Random(1)
    members: dict[str, list[float]] = {}
    for value, cluster in zip(values, clusters, strict=True):
        members.setdefault(cluster, []).append(value)
    names = sorted(members)
    means = []
    for _ in range(resamples):
        pooled = [value for name in rng.choices(names, k=len(names)) for value in members[name]]
        means.append(statistics.fmean(pooled))
    cuts = statistics.quantiles(means, n=40)
    return cuts[0], cuts[-1]


def test_covers_the_true_mean_about_as_often_as_it_says() -> None:
    covered = 0
    for sample in range(200):
        low, high = bounds(interval(*clustered(40, 3, sample), resamples=400))
        covered += low <= 0 <= high
    assert 0.88 <= covered / 200 <= 0.99


def test_a_higher_level_is_wider() -> None:
    values, clusters = clustered(40, 1, 0)
    narrow, wide = bounds(interval(values, clusters, level=0.5)), bounds(interval(values, clusters, level=0.99))
    assert wide[0] < narrow[0] < narrow[1] < wide[1]


def test_ignoring_clusters_would_claim_too_much() -> None:
    values, clusters = clustered(30, 10, 0)
    low, high = bounds(interval(values, clusters))
    naive_low, naive_high = bounds(interval(values, [str(i) for i in range(len(values))]))
    assert high - low > 2 * (naive_high - naive_low)


def test_equals_the_textbook_bootstrap_with_unequal_clusters() -> None:
    rng = generator("unequal clusters")
    sizes = rng.integers(1, 12, size=30)
    values = [float(rng.integers(3, 16)) / 3 + size / 10 for size in sizes for _ in range(size)]
    clusters = [f"p{c}" for c, size in enumerate(sizes) for _ in range(size)]
    low, high = bounds(interval(values, clusters, resamples=4000))
    slow_low, slow_high = slow_interval(values, clusters, 4000)
    assert math.isclose(low, slow_low, abs_tol=0.1 * (high - low))
    assert math.isclose(high, slow_high, abs_tol=0.1 * (high - low))


def test_the_mean_is_over_values_not_over_clusters() -> None:
    found = interval([1, 1, 1, 5], ["a", "a", "a", "b"])
    assert found is not None
    assert found.mean == 2
    assert (found.n, found.clusters) == (4, 2)


@pytest.mark.parametrize("distinct", [False, True], ids=["few kinds of clusters", "every cluster its own kind"])
def test_chunks_cover_every_resample(monkeypatch: pytest.MonkeyPatch, distinct: bool) -> None:
    values = [float(i if distinct else i % 5) for i in range(200)]
    clusters = [str(i) for i in range(200)]
    whole = interval(values, clusters, resamples=500)
    monkeypatch.setattr(bootstrap, "_CHUNK", 999)
    assert interval(values, clusters, resamples=500) == whole


def test_no_values_have_no_interval() -> None:
    assert interval([], []) is None


def test_one_cluster_has_a_mean_but_no_bounds() -> None:
    assert interval([1.0, 2.0], ["a", "a"]) == Interval(1.5, None, None, 2, 1)


def test_equal_values_have_an_interval_of_no_width() -> None:
    assert interval([4.0, 4.0, 4.0], ["a", "b", "c"]) == Interval(4.0, 4.0, 4.0, 3, 3)


@pytest.mark.parametrize(
    ("values", "clusters", "options"),
    [
        ([1.0], ["a", "b"], {}),
        ([math.nan], ["a"], {}),
        ([math.inf, 1.0], ["a", "b"], {}),
        ([1.0], ["a"], {"level": 1.0}),
        ([1.0], ["a"], {"resamples": 0}),
    ],
)
def test_refuses_what_has_no_mean(values: list[float], clusters: list[str], options: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"values|level"):
        interval(values, clusters, **options)  # type: ignore[arg-type]


def test_another_key_draws_other_resamples() -> None:
    values, clusters = clustered(40, 1, 0)
    assert interval(values, clusters, key=("a",)) != interval(values, clusters, key=("b",))


@given(SCORES, st.randoms())
def test_order_of_values_and_names_of_clusters_change_nothing(
    rows: list[tuple[float, str]], shuffler: random.Random
) -> None:
    expected = interval([v for v, _ in rows], [c for _, c in rows], resamples=50)
    shuffler.shuffle(rows)
    assert interval([v for v, _ in rows], [f"profile {c}" for _, c in rows], resamples=50) == expected


@given(SCORES)
def test_bounds_stay_within_the_values(rows: list[tuple[float, str]]) -> None:
    values = [v for v, _ in rows]
    found = interval(values, [c for _, c in rows], resamples=50)
    assert found is not None
    assert math.isclose(found.mean, statistics.fmean(values))
    assert found.n == len(rows)
    if found.clusters > 1:
        low, high = bounds(found)
        assert min(values) - 1e-9 <= low <= high <= max(values) + 1e-9
    else:
        assert (found.low, found.high) == (None, None)


def test_takes_an_array_and_leaves_it_as_it_is() -> None:
    values = np.array([3.0, 1.0, 2.0])
    interval(values, ["c", "a", "b"])
    assert values.tolist() == [3.0, 1.0, 2.0]
