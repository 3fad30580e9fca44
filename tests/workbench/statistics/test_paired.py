"""Paired and unpaired differences, against published examples."""

import itertools
import math
import random
import statistics

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.keyed import generator
from workbench.statistics import paired as module
from workbench.statistics.paired import design_effect, hedges_correction, paired, sign_flip
from workbench.statistics.unpaired import unpaired

# Extra hours of sleep under two drugs, the same ten patients: Cushny and Peebles 1905, by way of "Student" 1908.
SLEEP = (
    [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0],
    [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4],
)
PATIENTS = [f"patient {i}" for i in range(10)]

# Darwin's maize, crossed less self-fertilised, 1/8 inch: Fisher 1935, The Design of Experiments, section 21.
MAIZE = [49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48]
PLANTS = [f"pair {i}" for i in range(15)]


def test_the_known_example_in_which_the_two_analyses_disagree_and_say_which_they_are() -> None:
    together = paired(*SLEEP, PATIENTS)
    apart = unpaired(*SLEEP, PATIENTS, PATIENTS)
    assert together is not None
    assert apart is not None
    assert (together.analysis, apart.analysis) == ("paired", "unpaired")
    assert math.isclose(together.difference.mean, 1.58)
    assert math.isclose(apart.difference, 1.58)
    assert together.difference.low is not None
    assert together.difference.low > 0
    assert together.test.p < 0.01
    assert apart.low is not None
    assert apart.p is not None
    assert apart.low < 0.1
    assert math.isclose(apart.p, 0.0794, abs_tol=0.03)  # Welch's t test of the textbook
    assert apart.p > 0.05


def test_effect_sizes_of_the_known_example() -> None:
    found = paired(*SLEEP, PATIENTS)
    assert found is not None
    assert found.sd is not None
    assert found.dz is not None
    assert found.hedges is not None
    assert math.isclose(found.sd, 1.229995, abs_tol=1e-6)
    assert math.isclose(found.dz * math.sqrt(10), 4.0621, abs_tol=1e-4)  # Student's t
    assert math.isclose(found.hedges / found.dz, 1 - 3 / (4 * 9 - 1), abs_tol=1e-3)
    assert math.isclose(found.design_effect or 0, 1)


def test_all_flips_of_fishers_maize() -> None:
    found = sign_flip(MAIZE, PLANTS)
    assert found.exact
    assert found.p == 1726 / 32768  # Fisher: 863 of 32,768 on each side


def test_random_flips_come_near_to_all_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_EXACT", 3)
    found = sign_flip(MAIZE, PLANTS)
    assert not found.exact
    assert found.flips == module.PERMUTATIONS
    assert math.isclose(found.p, 1726 / 32768, abs_tol=0.01)


def test_clusters_flip_whole() -> None:
    differences = [1.0, 1.0, 2.0, -1.0, 0.5, 3.0]
    clusters = ["a", "a", "b", "b", "c", "c"]
    totals = (2.0, 1.0, 3.5)
    every = [
        abs(sum(s * t for s, t in zip(signs, totals, strict=True))) for signs in itertools.product((1, -1), repeat=3)
    ]
    assert sign_flip(differences, clusters).p == sum(value >= 6.5 for value in every) / 8
    assert sign_flip(differences, list("abcdef")).p < 0.25


def test_rounding_errors_are_ties() -> None:
    thirds = [1 / 3, 2 / 3 - 1 / 3, 0.1 + 0.2 - 0.3 + 1 / 3]
    assert sign_flip(thirds, ["a", "b", "c"]).p == 0.25


def test_many_clusters_are_tested_within_bounded_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = generator("test many clusters")
    differences = rng.integers(-6, 7, size=3000) / 3
    clusters = [str(i) for i in range(3000)]
    whole = sign_flip(differences, clusters, permutations=500)
    monkeypatch.setattr(module, "_CHUNK", 99)
    assert sign_flip(differences, clusters, permutations=500) == whole
    assert sign_flip(differences + 0.5, clusters).p == 1 / (1 + module.PERMUTATIONS)


def test_false_alarms_are_as_rare_as_they_should_be() -> None:
    alarms = 0
    for sample in range(200):
        rng = generator("test false alarms", sample)
        shared = rng.normal(size=20)
        differences = [float(shared[c] + 0.2 * rng.normal()) for c in range(20) for _ in range(4)]
        alarms += sign_flip(differences, [str(c) for c in range(20) for _ in range(4)], permutations=199).p <= 0.05
    assert alarms / 200 <= 0.1


def test_no_difference_is_no_finding() -> None:
    found = paired([3.0, 4.0, 5.0], [3.0, 4.0, 5.0], ["a", "b", "c"])
    assert found is not None
    assert found.test.p == 1
    assert (found.sd, found.dz, found.hedges, found.design_effect) == (0, None, None, None)


def test_a_constant_difference_has_no_effect_size_but_a_p() -> None:
    found = paired([1.1, 2.2, 3.3], [2.1, 3.2, 4.3], ["a", "b", "c"])
    assert found is not None
    assert found.dz is None
    assert found.test.p == 0.25


def test_one_pair_and_no_pair() -> None:
    found = paired([1.0], [2.0], ["a"])
    assert found is not None
    assert (found.difference.mean, found.sd, found.dz, found.test.p) == (1, None, None, 1)
    assert paired([], [], []) is None
    assert unpaired([], [1.0], [], ["a"]) is None


def test_a_single_cluster_has_no_unpaired_p() -> None:
    found = unpaired([1.0, 2.0], [3.0, 4.0], ["a", "a"], ["b", "c"])
    assert found is not None
    assert (found.difference, found.low, found.p) == (2, None, None)


def test_unpaired_samples_without_spread() -> None:
    same = unpaired([1.0, 1.0], [1.0, 1.0], ["a", "b"], ["c", "d"])
    other = unpaired([1.0, 1.0], [2.0, 2.0], ["a", "b"], ["c", "d"])
    assert same is not None
    assert other is not None
    assert same.p == 1
    assert other.p is not None
    assert other.p < 0.01


def test_unpaired_false_alarms_with_unequal_spread_and_clusters() -> None:
    alarms = 0
    for sample in range(150):
        rng = generator("test unpaired alarms", sample)
        small = np.repeat(rng.normal(0, 3, size=12), 3) + rng.normal(size=36)
        large = rng.normal(0, 1, size=60)
        found = unpaired(small, large, [str(i // 3) for i in range(36)], [str(i) for i in range(60)], resamples=199)
        assert found is not None
        assert found.p is not None
        alarms += found.p <= 0.05
    assert alarms / 150 <= 0.1


@pytest.mark.parametrize(("freedom", "expected"), [(2, 0.5642), (9, 0.9139), (10, 0.9228), (100, 0.9925)])
def test_hedges_correction_against_a_slow_product(freedom: int, expected: float) -> None:
    # Gamma(v/2) / Gamma((v-1)/2) by its recursion, two steps at a time
    ratio, v = (math.sqrt(math.pi) / 2, 3) if freedom % 2 else (1 / math.sqrt(math.pi), 2)
    while v < freedom:
        ratio *= (v / 2) / ((v - 1) / 2)
        v += 2
    assert math.isclose(hedges_correction(freedom), ratio / math.sqrt(freedom / 2), rel_tol=1e-9)
    assert math.isclose(hedges_correction(freedom), expected, abs_tol=6e-4)


def test_the_design_effect_of_copies_is_about_their_number() -> None:
    values = [float(v) for v in range(50) for _ in range(4)]
    effect = design_effect(values, [str(v) for v in range(50) for _ in range(4)])
    assert effect is not None
    assert math.isclose(effect, 4, rel_tol=0.03)
    assert design_effect(values, ["a"] * 200) is None


@given(st.lists(st.tuples(st.integers(3, 15), st.integers(3, 15), st.sampled_from("abcdef")), min_size=2), st.randoms())
@settings(deadline=None, max_examples=30)
def test_order_changes_nothing_and_swapping_turns_the_sign(
    rows: list[tuple[int, int, str]], shuffler: random.Random
) -> None:
    def of(entries: list[tuple[int, int, str]], *, swap: bool = False) -> module.Paired:
        sides = [a / 3 for a, _, _ in entries], [b / 3 for _, b, _ in entries]
        first, second = sides[::-1] if swap else sides
        found = paired(first, second, [cluster for _, _, cluster in entries], resamples=30, permutations=50)
        assert found is not None
        return found

    expected = of(rows)
    swapped = of(rows, swap=True)
    assert math.isclose(swapped.difference.mean, -expected.difference.mean, abs_tol=1e-12)
    assert swapped.test == expected.test
    shuffler.shuffle(rows)
    assert of(rows) == expected
    assert math.isclose(expected.difference.mean, statistics.fmean((b - a) / 3 for a, b, _ in rows), abs_tol=1e-9)


def test_refuses_what_is_no_pair() -> None:
    with pytest.raises(ValueError, match="pairs"):
        paired([1.0], [1.0, 2.0], ["a"])
    with pytest.raises(ValueError, match="clusters"):
        paired([1.0, 1.0], [1.0, 2.0], ["a"])
    with pytest.raises(ValueError, match="finite"):
        paired([1.0, math.nan], [1.0, 2.0], ["a", "b"])
    with pytest.raises(ValueError, match="sign-flip"):
        sign_flip([], [])
    with pytest.raises(ValueError, match="freedom"):
        hedges_correction(1)


def test_agrees_with_scipy() -> None:
    stats = pytest.importorskip("scipy.stats")
    theirs = stats.permutation_test(
        (np.array(MAIZE, float),), lambda x, axis: x.sum(axis=axis), permutation_type="samples", n_resamples=np.inf,
        vectorized=True,
    )  # fmt: skip
    assert math.isclose(sign_flip(MAIZE, PLANTS).p, theirs.pvalue)
    welch = stats.ttest_ind(*SLEEP, equal_var=False).pvalue
    ours = unpaired(*SLEEP, PATIENTS, PATIENTS)
    assert ours is not None
    assert ours.p is not None
    assert math.isclose(ours.p, welch, abs_tol=0.03)
