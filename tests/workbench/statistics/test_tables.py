"""Corrections over a table, thresholds and sample sizes, against published values."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.statistics.mcnemar import mcnemar, mcnemar_p
from workbench.statistics.multiple import holm
from workbench.statistics.power import detectable_difference, scenarios_needed


def test_holm_by_hand() -> None:
    adjusted = holm([0.01, 0.04, 0.03, 0.005])
    assert adjusted == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_what_was_not_tested_does_not_count() -> None:
    assert holm([None, 0.02, None]) == [None, 0.02, None]
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), max_size=20))
def test_holm_stays_a_p_keeps_the_order_and_is_no_bolder_than_one_test_or_shyer_than_bonferroni(
    ps: list[float],
) -> None:
    adjusted = [p for p in holm(list(ps)) if p is not None]
    for p, q in zip(ps, adjusted, strict=True):
        assert p <= q <= min(1.0, len(ps) * p)
    ordered = [q for _, q in sorted(zip(ps, adjusted, strict=True))]
    assert ordered == sorted(ordered)


def test_holm_refuses_what_is_no_p() -> None:
    with pytest.raises(ValueError, match="p-value"):
        holm([1.5])


def test_mcnemar_of_the_published_example() -> None:
    # Airway hyper-responsiveness before and after transplantation: Fagerland, Lydersen and Laake 2013, table 1.
    before = [5.0] * 2 + [1.0] * 19
    after = [5.0] + [1.0] + [5.0] * 7 + [1.0] * 12
    found = mcnemar(before, after)
    assert (found.both, found.only_first, found.only_second, found.neither, found.n) == (1, 1, 7, 12, 21)
    assert math.isclose(found.exact, 0.0703125)
    assert math.isclose(found.mid_p, 0.0390625)


@pytest.mark.parametrize(("b", "c"), [(0, 6), (3, 3), (4, 9), (12, 30)])
def test_mcnemar_against_whole_numbers(b: int, c: int) -> None:
    n, least = b + c, min(b, c)
    tail = sum(math.comb(n, i) for i in range(least + 1)) / 2**n
    here = math.comb(n, least) / 2**n
    exact, mid_p = mcnemar_p(b, c)
    assert math.isclose(exact, min(1.0, 2 * tail))
    assert math.isclose(mid_p, 1 - here / 2 if b == c else 2 * tail - here)


def test_mcnemar_without_a_single_change_finds_nothing() -> None:
    assert mcnemar_p(0, 0) == (1, 1)


def test_mcnemar_of_thousands_of_pairs() -> None:
    exact, mid_p = mcnemar_p(6900, 7100)
    assert 0.05 < mid_p < exact < 0.15
    assert mcnemar_p(3000, 7000)[0] < 1e-100


def test_a_threshold_is_reached_despite_rounding() -> None:
    assert mcnemar([0.1 + 0.2], [0.0], threshold=0.3).only_first == 1
    assert mcnemar([3.9], [4 - 1e-12], threshold=4.0).only_second == 1


def test_mcnemar_refuses_what_is_no_pair() -> None:
    with pytest.raises(ValueError, match="pairs"):
        mcnemar([1.0], [])
    with pytest.raises(ValueError, match="finite"):
        mcnemar([math.nan], [1.0])
    with pytest.raises(ValueError, match="counts"):
        mcnemar_p(-1, 2)


@pytest.mark.parametrize(("dz", "n"), [(0.2, 199), (0.5, 34), (0.8, 15)])
def test_sample_sizes_of_a_paired_t_test(dz: float, n: int) -> None:
    # Cohen's small, medium and large effect at alpha 0.05 and power 0.8, as G*Power lists them.
    assert scenarios_needed(dz, 1.0) == n
    assert scenarios_needed(-2 * dz, 2.0) == n


def test_clusters_cost_scenarios_and_equal_means_are_never_told_apart() -> None:
    plain, clustered = scenarios_needed(0.1, 1.0), scenarios_needed(0.1, 1.0, design_effect=3.0)
    assert plain is not None
    assert clustered is not None
    assert abs(clustered - 3 * plain) <= 3
    assert scenarios_needed(0.0, 1.0) is None
    assert scenarios_needed(1e-300, 1.0) is None
    assert scenarios_needed(1.0, 0.0) == 2


def test_what_is_detectable_is_the_inverse() -> None:
    needed = scenarios_needed(0.13, 0.9, design_effect=1.7)
    assert needed is not None
    assert math.isclose(detectable_difference(needed, 0.9, design_effect=1.7), 0.13, rel_tol=0.01)


@pytest.mark.parametrize("options", [{"alpha": 0.0}, {"power": 1.0}, {"design_effect": -1.0}])
def test_power_refuses_what_makes_no_sense(options: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="no "):
        scenarios_needed(0.1, 1.0, **options)
    with pytest.raises(ValueError, match="no "):
        detectable_difference(10, 1.0, **options)


def test_agrees_with_scipy_and_statsmodels() -> None:
    stats = pytest.importorskip("scipy.stats")
    tables = pytest.importorskip("statsmodels.stats.contingency_tables")
    multitest = pytest.importorskip("statsmodels.stats.multitest")
    power = pytest.importorskip("statsmodels.stats.power")
    ps = [0.001, 0.2, 0.04, 0.04, 0.9]
    assert holm(list(ps)) == pytest.approx(list(multitest.multipletests(ps, method="holm")[1]))
    for b, c in ((1, 7), (4, 9), (30, 45)):
        assert mcnemar_p(b, c)[0] == pytest.approx(tables.mcnemar([[5, b], [c, 5]], exact=True).pvalue)
        assert mcnemar_p(b, c)[0] == pytest.approx(stats.binomtest(b, b + c).pvalue)
    for dz in (0.1, 0.35, 0.6):
        theirs = power.TTestPower().solve_power(effect_size=dz, alpha=0.05, power=0.8)
        assert abs((scenarios_needed(dz, 1.0) or 0) - math.ceil(theirs)) <= 1
