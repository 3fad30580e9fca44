"""Agreement, judges' bias and dimensions: published values, and slow references written as the formulas stand."""

import itertools
import math
import statistics
from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.keyed import generator
from workbench.statistics import resampling
from workbench.statistics.agreement import krippendorff, pearson, spearman, weighted_kappa
from workbench.statistics.bias import length_bias, position_bias
from workbench.statistics.panel import disagreements, effective_judges
from workbench.statistics.resampling import Estimate

NAN = math.nan
PAIRS = st.lists(st.tuples(st.integers(1, 5), st.integers(1, 5)), min_size=2, max_size=12)
ALL = (pearson, spearman, weighted_kappa)

# Four observers, twelve units: Krippendorff 2011, Computing Krippendorff's Alpha-Reliability, part C.
OBSERVERS = [
    [1, 2, 3, 3, 2, 1, 4, 1, 2, NAN, NAN, NAN],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, NAN, 3],
    [NAN, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, NAN],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, NAN],
]
UNITS = [list(unit) for unit in zip(*OBSERVERS, strict=True)]


def names(n: int) -> list[str]:
    return [f"item {i}" for i in range(n)]


def value(found: Estimate | None) -> float | None:
    return None if found is None else found.value


def slow_ranks(values: Sequence[float]) -> list[float]:
    return [sum(w < v for w in values) + (sum(w == v for w in values) + 1) / 2 for v in values]


def slow_pearson(x: Sequence[float], y: Sequence[float]) -> float | None:
    if len(set(x)) < 2 or len(set(y)) < 2:
        return None
    return statistics.correlation(x, y)


def slow_kappa(x: Sequence[float], y: Sequence[float]) -> float | None:
    """The contingency table, cell by cell."""
    n = len(x)
    observed, rows, columns = Counter(zip(x, y, strict=True)), Counter(x), Counter(y)
    grid = list(itertools.product(rows, columns))
    apart = sum((i - j) ** 2 * observed[i, j] / n for i, j in grid)
    chance = sum((i - j) ** 2 * rows[i] * columns[j] / n**2 for i, j in grid)
    return 1 - apart / chance if chance else None


def slow_alpha(units: Sequence[Sequence[float]], metric: str) -> float | None:
    """Every pair of pairable values, with the ordinal distance counted value by value."""
    rated = [kept for unit in units if len(kept := [v for v in unit if not math.isnan(v)]) > 1]
    everything = [v for unit in rated for v in unit]
    n, count = len(everything), Counter(everything)

    @cache
    def distance(a: float, b: float) -> float:
        if metric == "interval":
            return (a - b) ** 2
        low, high = min(a, b), max(a, b)
        between = sum(number for v, number in count.items() if low <= v <= high)
        return (between - (count[a] + count[b]) / 2) ** 2 if a != b else 0.0

    def total(values: Sequence[float]) -> float:
        return sum(distance(a, b) for a, b in itertools.permutations(values, 2))

    chance = total(everything) / (n * (n - 1)) if n else 0
    return 1 - sum(total(unit) / (len(unit) - 1) for unit in rated) / n / chance if chance else None


def close(found: Estimate | None, expected: float | None) -> bool:
    if found is None or expected is None:
        return found is None and expected is None
    return math.isclose(found.value, expected, abs_tol=1e-9)


def test_krippendorffs_own_example() -> None:
    interval = krippendorff(UNITS, names(12))
    ordinal = krippendorff(UNITS, names(12), metric="ordinal")
    assert interval is not None
    assert ordinal is not None
    assert round(interval.value, 3) == 0.849
    assert round(ordinal.value, 3) == 0.815
    assert interval.n == 11  # one unit has a single value


def test_spearman_of_the_textbook() -> None:
    iq = [106, 86, 100, 101, 99, 103, 97, 113, 112, 110]
    hours = [7, 0, 27, 50, 28, 29, 20, 12, 6, 17]
    found = spearman(iq, hours, names(10))
    assert found is not None
    assert math.isclose(found.value, -29 / 165)


def test_anscombes_first_set() -> None:
    x = [10, 8, 13, 9, 11, 14, 6, 4, 12, 7, 5]
    y = [8.04, 6.95, 7.58, 8.81, 8.33, 9.96, 7.24, 4.26, 10.84, 4.82, 5.68]
    found = pearson(x, y, names(11))
    assert found is not None
    assert round(found.value, 3) == 0.816


@given(PAIRS)
@settings(deadline=None)
def test_two_raters_against_slow_references(pairs: list[tuple[int, int]]) -> None:
    x, y = [float(a) for a, _ in pairs], [float(b) for _, b in pairs]
    assert close(pearson(x, y, names(len(x)), resamples=1), slow_pearson(x, y))
    assert close(spearman(x, y, names(len(x)), resamples=1), slow_pearson(slow_ranks(x), slow_ranks(y)))
    assert close(weighted_kappa(x, y, names(len(x)), resamples=1), slow_kappa(x, y))


@given(st.lists(st.lists(st.sampled_from([1.0, 2.0, 2.5, 4.0, NAN]), min_size=3, max_size=3), min_size=1, max_size=8))
@settings(deadline=None)
def test_alpha_against_every_pair_of_values(units: list[list[float]]) -> None:
    for metric in ("interval", "ordinal"):
        found = krippendorff(units, names(len(units)), metric=metric, resamples=1)
        assert close(found, slow_alpha(units, metric))


def slow_bootstrap(
    statistic: Callable[[Sequence[Sequence[float]]], float | None], rows: Sequence[Sequence[float]], clusters: list[str]
) -> tuple[float, float]:
    """Draw clusters, pool their rows, compute the statistic from scratch."""
    rng = generator("slow bootstrap")
    members = {
        name: [row for row, c in zip(rows, clusters, strict=True) if c == name] for name in sorted(set(clusters))
    }
    found = []
    for _ in range(400):
        drawn = rng.choice(sorted(members), size=len(members))
        value = statistic([row for name in drawn for row in members[str(name)]])
        if value is not None:
            found.append(value)
    cuts = statistics.quantiles(found, n=40)
    return cuts[0], cuts[-1]


@pytest.mark.parametrize("name", ["pearson", "spearman", "kappa", "interval", "ordinal"])
def test_intervals_equal_those_of_the_textbook_bootstrap(name: str) -> None:
    rng = generator("test agreement intervals")
    true = np.repeat(rng.normal(3, 1, size=20), 2)
    rows = np.clip(np.round(true[:, np.newaxis] + rng.normal(0, 0.7, size=(40, 2))), 1, 5).tolist()
    clusters = [f"profile {i // 2}" for i in range(40)]
    x, y = [r[0] for r in rows], [r[1] for r in rows]
    slow: dict[str, Callable[[Sequence[Sequence[float]]], float | None]] = {
        "pearson": lambda rs: slow_pearson([r[0] for r in rs], [r[1] for r in rs]),
        "spearman": lambda rs: slow_pearson(slow_ranks([r[0] for r in rs]), slow_ranks([r[1] for r in rs])),
        "kappa": lambda rs: slow_kappa([r[0] for r in rs], [r[1] for r in rs]),
        "interval": lambda rs: slow_alpha(rs, "interval"),
        "ordinal": lambda rs: slow_alpha(rs, "ordinal"),
    }
    fast = {
        "pearson": lambda: pearson(x, y, clusters),
        "spearman": lambda: spearman(x, y, clusters),
        "kappa": lambda: weighted_kappa(x, y, clusters),
        "interval": lambda: krippendorff(rows, clusters),
        "ordinal": lambda: krippendorff(rows, clusters, metric="ordinal"),
    }[name]()
    assert fast is not None
    assert fast.low is not None
    assert fast.high is not None
    low, high = slow_bootstrap(slow[name], rows, clusters)
    assert fast.low < fast.value < fast.high
    assert fast.clusters == 20
    assert math.isclose(fast.low, low, abs_tol=0.2 * (high - low))
    assert math.isclose(fast.high, high, abs_tol=0.2 * (high - low))


def test_a_missing_rating_leaves_the_item_out() -> None:
    for statistic in ALL:
        whole = statistic([1.0, 2.0, 4.0], [2.0, 2.0, 5.0], ["a", "b", "c"])
        assert statistic([1.0, NAN, 2.0, 4.0, 3.0], [2.0, 1.0, 2.0, 5.0, NAN], ["a", "x", "b", "c", "d"]) == whole
        assert statistic([], [], []) is None
        assert statistic([3.0, 3.0], [3.0, 3.0], ["a", "b"]) is None
        with pytest.raises(ValueError, match="clusters"):
            statistic([1.0], [1.0, 2.0], ["a"])
        with pytest.raises(ValueError, match="finite"):
            statistic([math.inf, 1.0], [1.0, 2.0], ["a", "b"])


def test_alpha_refuses_and_leaves_out() -> None:
    assert krippendorff([[1.0, NAN], [NAN, 2.0]], ["a", "b"]) is None
    assert krippendorff([[2.0, 2.0], [2.0, 2.0]], ["a", "b"]) is None
    with pytest.raises(ValueError, match="metric"):
        krippendorff([[1.0, 2.0]], ["a"], metric="nominal")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="clusters"):
        krippendorff([1.0, 2.0], ["a", "b"])


def test_order_of_items_and_raters_changes_nothing() -> None:
    found = krippendorff(UNITS, names(12), metric="ordinal", resamples=100)
    backwards = [unit[::-1] for unit in UNITS[::-1]]
    assert krippendorff(backwards, names(12)[::-1], metric="ordinal", resamples=100) == found
    x, y = [1.0, 2.0, 4.0, 3.0], [1.5, 2.0, 3.0, 5.0]
    for statistic in ALL:
        assert statistic(x, y, list("aabb")) == statistic(x[::-1], y[::-1], list("bbaa"))


def test_chunks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = list(range(60)), [(7 * i) % 60 for i in range(60)]
    whole = spearman(x, y, names(60), resamples=300)
    monkeypatch.setattr(resampling, "_CHUNK", 500)
    parts = spearman(x, y, names(60), resamples=300)
    assert whole is not None
    assert parts is not None
    assert parts.low == pytest.approx(whole.low)
    assert parts.high == pytest.approx(whole.high)


def test_one_cluster_has_a_value_but_no_bounds() -> None:
    found = pearson([1.0, 2.0, 3.0], [1.0, 2.0, 2.5], ["a", "a", "a"])
    assert found is not None
    assert (found.low, found.high, found.clusters) == (None, None, 1)


def errors(shared: float, judges: int = 3, items: int = 400) -> tuple[np.ndarray, np.ndarray]:
    """Ratings whose errors have a correlation of `shared`, and the truth."""
    rng = generator("test errors", shared)
    truth = rng.normal(3, 1, size=items)
    common = rng.normal(size=(items, 1))
    own = rng.normal(size=(items, judges))
    return truth[:, np.newaxis] + math.sqrt(shared) * common + math.sqrt(1 - shared) * own, truth


@pytest.mark.parametrize("shared", [0.0, 0.5, 0.9])
def test_judges_who_err_together_are_fewer(shared: float) -> None:
    ratings, truth = errors(shared)
    found = effective_judges(ratings, truth, names(400))
    assert found is not None
    assert found.low is not None
    assert found.high is not None
    assert found.low <= 3 / (1 + 2 * shared) <= found.high
    correlations = [
        statistics.correlation((ratings[:, i] - truth).tolist(), (ratings[:, j] - truth).tolist())
        for i, j in itertools.combinations(range(3), 2)
    ]
    assert math.isclose(found.value, 3 / (1 + 2 * statistics.fmean(correlations)))


def test_one_judge_is_one_judge_and_copies_are_too() -> None:
    ratings, truth = errors(0.0, judges=1, items=20)
    assert value(effective_judges(ratings, truth, names(20))) == 1
    copies = effective_judges(np.repeat(ratings, 3, axis=1), truth, names(20))
    assert copies is not None
    assert math.isclose(copies.value, 1)
    assert effective_judges([[3.0, 3.0]], [NAN], ["a"]) is None
    with pytest.raises(ValueError, match="references"):
        effective_judges(ratings, truth[1:], names(20))


def test_the_queue_starts_where_judges_disagree_most() -> None:
    ratings = [[1.0, 1.0, 5.0], [2.0, 2.0, NAN], [1.0, 5.0, 5.0], [1.0, 3.0, 5.0], [4.0, NAN, NAN], [3.0, 4.0, 3.0]]
    found = disagreements(list("abcdef"), ratings)
    assert [entry.item for entry in found] == ["a", "c", "d", "f", "b"]
    assert (found[0].spread, list(found[0].ratings)) == (4, [1, 1, 5])
    assert math.isclose(found[0].sd, statistics.stdev([1, 1, 5]))
    assert list(found[-1].ratings) == [2, 2, None]
    assert disagreements(list("abcdef"), ratings, most=2) == found[:2]
    assert disagreements(list("abcdef"), ratings, at_least=1.0) == found[:4]
    with pytest.raises(ValueError, match="items"):
        disagreements(["a"], ratings)


def test_length_counts_within_arms_only() -> None:
    # The better arm writes longer, and within each arm length means nothing (every length has both scores).
    lengths = [100, 100, 200, 200, 800, 800, 1600, 1600]
    scores = [2.0, 3.0, 2.0, 3.0, 4.0, 5.0, 4.0, 5.0]
    found = length_bias(scores, lengths, ["vanilla"] * 4 + ["full"] * 4, names(8))
    assert found is not None
    assert found.raw is not None
    assert math.isclose(found.correlation.value, 0, abs_tol=1e-12)
    assert found.raw.value > 0.6


def test_length_bias_equals_a_regression_with_a_term_for_each_arm() -> None:
    rng = generator("test length bias")
    arm = rng.integers(3, size=90)
    lengths = rng.integers(50, 3000, size=90)
    scores = 2 + 0.5 * arm + 0.2 * np.log2(lengths) + rng.normal(0, 0.4, size=90)
    found = length_bias(scores, lengths, [f"arm {a}" for a in arm], names(90))
    design = np.column_stack([np.log2(lengths), *(arm == a for a in range(3))]).astype(float)
    coefficients = np.linalg.lstsq(design, scores, rcond=None)[0]
    residuals = [v - design[:, 1:] @ np.linalg.lstsq(design[:, 1:], v, rcond=None)[0] for v in (design[:, 0], scores)]
    assert found is not None
    assert math.isclose(found.slope.value, float(coefficients[0]), rel_tol=1e-9)
    assert math.isclose(found.correlation.value, float(np.corrcoef(*residuals)[0, 1]), rel_tol=1e-9)
    assert found.slope.low is not None
    assert found.slope.high is not None
    assert found.slope.low < 0.2 < found.slope.high


def test_a_judge_that_drifts_is_seen() -> None:
    found = position_bias([5.0, 4.0, 3.0, 2.0, NAN], [10, 20, 30, 40, 50], ["agent"] * 5, names(5))
    assert found is not None
    assert math.isclose(found.correlation.value, -1)
    assert math.isclose(found.slope.value, -3 / 0.75)
    assert position_bias([], [], [], []) is None


def test_bias_of_nothing_that_varies() -> None:
    assert length_bias([3.0, 3.0], [10, 20], ["a", "a"], names(2)) is None
    assert length_bias([3.0, 4.0], [10, 10], ["a", "a"], names(2)) is None
    assert length_bias([3.0, 4.0], [10, 20], ["a", "b"], names(2)) is None
    with pytest.raises(ValueError, match="negative"):
        length_bias([3.0], [-1], ["a"], ["p"])
    with pytest.raises(ValueError, match="scores"):
        length_bias([3.0], [1, 2], ["a"], ["p"])


def test_agrees_with_scipy() -> None:
    stats = pytest.importorskip("scipy.stats")
    rng = generator("test scipy agreement")
    x = rng.integers(1, 6, size=80)
    y = np.clip(x + rng.integers(-1, 2, size=80), 1, 5)
    assert value(pearson(x, y, names(80))) == pytest.approx(stats.pearsonr(x, y).statistic)
    assert value(spearman(x, y, names(80))) == pytest.approx(stats.spearmanr(x, y).statistic)


def test_kappa_agrees_with_statsmodels() -> None:
    raters = pytest.importorskip("statsmodels.stats.inter_rater")
    table = np.array([[10, 3, 1], [2, 12, 4], [0, 3, 9]])
    x, y = (np.repeat(axis.ravel(), table.ravel()) for axis in np.indices((3, 3)))
    assert value(weighted_kappa(x, y, names(table.sum()))) == pytest.approx(
        raters.cohens_kappa(table, wt="quadratic").kappa
    )
