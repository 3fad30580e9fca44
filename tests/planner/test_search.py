"""The tree search: Algorithm 1 and the decisions of raise.md, sections 6 and 8."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.drive import plan
from planner.evaluations import parse_evaluations
from planner.planner import Evaluate, Rank
from planner.recommend import best
from planner.rules import RULES
from planner.search import SearchPlanner
from planner.settings import PlannerSettings, make_planner
from planner.subsets import mask_of, members
from planner.trace import FAILED, pack
from planner.tree import replay
from tests.planner.games import Game, reference_search, run, run_planner, sampler

games = st.builds(
    Game,
    n=st.integers(1, 6),
    seed=st.integers(0, 10**6),
    noise=st.sampled_from([0.0, 0.3]),
    levels=st.sampled_from([0, 0, 3]),
    broken=st.frozensets(st.integers(1, 63), max_size=12),
    flaky=st.frozensets(st.integers(1, 63), max_size=6),
)
searches = st.builds(
    PlannerSettings,
    rule=st.sampled_from(sorted(RULES)),
    rollouts=st.integers(1, 60),
    depth=st.integers(1, 5),
    c=st.sampled_from([0.0, 0.5, 2.0]),
    decay=st.sampled_from([0.0, 0.3, 2.0]),
    recommend=st.sampled_from(["q", "visits"]),
)
policies = st.sampled_from(["fresh", "cache:1", "cache:3"])


def masks(seed: int, n: int) -> int:
    """Derive a non-empty mask of available attributes."""
    return seed % ((1 << n) - 1) + 1


@given(game=games, wanted=searches, policy=policies)
@settings(max_examples=150, deadline=None)
def test_equals_the_slow_reference(game: Game, wanted: PlannerSettings, policy: str) -> None:
    available = masks(game.seed, game.n)
    trace = run(game, wanted, policy, available)

    def prior(state: frozenset[int]) -> dict[int, float]:
        ranking = game.rank(mask_of(state), available)
        weights = [math.exp(-wanted.decay * rank) for rank in range(len(ranking))]
        return {a: weight / math.fsum(weights) for a, weight in zip(ranking, weights, strict=True)}

    evaluations = parse_evaluations(policy)
    slow = reference_search(
        members(available),
        prior,
        sampler(game, evaluations),
        rule=wanted.rule,
        rollouts=wanted.rollouts,
        depth=min(wanted.depth, available.bit_count()),
        c=wanted.c,
    )
    assert [tuple(path) for path in trace.path.tolist()] == slow.paths
    assert [None if math.isnan(r) else r for r in trace.reward.tolist()] == slow.rewards
    tree = replay(trace)
    visited = {frozenset(members(int(m))): i for i, m in enumerate(tree.masks) if tree.visits[i]}
    assert {state: int(tree.visits[i]) for state, i in visited.items()} == slow.visits
    assert {state: float(tree.values[i]) for state, i in visited.items()} == slow.q
    assert trace.evaluations == evaluations.count


@given(game=games, wanted=searches, policy=policies)
@settings(max_examples=60, deadline=None)
def test_visits_of_every_size_add_up_and_paths_are_sets(game: Game, wanted: PlannerSettings, policy: str) -> None:
    trace = run(game, wanted, policy)
    tree = replay(trace)
    told = trace.rollouts - trace.failed
    sizes = np.array([mask.bit_count() for mask in tree.masks.tolist()])
    for size in range(trace.depth + 1):
        assert tree.visits[sizes == size].sum() == told
    assert all(len(set(path)) == trace.depth for path in trace.path.tolist())


@given(game=games, wanted=searches, policy=policies)
@settings(max_examples=40, deadline=None)
def test_last_tree_equals_the_live_one_and_runs_repeat(game: Game, wanted: PlannerSettings, policy: str) -> None:
    planner, trace = run_planner(game, wanted, policy)
    assert isinstance(planner, SearchPlanner)
    tree = replay(trace)
    live = {mask: planner.value(mask) for mask in range(1 << game.n) if planner.value(mask)[0]}
    assert live == {
        mask: (visits, value)
        for mask, visits, value in zip(tree.masks.tolist(), tree.visits.tolist(), tree.values.tolist(), strict=True)
        if visits
    }
    assert pack(run(game, wanted, policy)) == pack(trace)


def test_the_trace_knows_which_states_were_ranked() -> None:
    game, asked = Game(n=6, seed=4), []
    planner = make_planner(PlannerSettings(rollouts=40, depth=3), 63, n=6)

    def rank(mask: int) -> list[int]:
        asked.append((mask, planner.trace.rollouts))
        return game.rank(mask, 63)

    trace = plan(planner, game.evaluate, parse_evaluations("fresh"), rank=rank)
    assert list(zip(trace.states.tolist(), trace.first.tolist(), strict=True)) == asked
    for mask, ranks in zip(trace.states.tolist(), trace.prior.tolist(), strict=True):
        assert [ranks[a] for a in game.rank(mask, 63)] == list(range(len(members(63 & ~mask))))


def test_the_literal_rule_returns_the_top_of_the_prior() -> None:
    game = Game(seed=3)
    trace = run(game, PlannerSettings(rule="raise-literal"))
    path: list[int] = []
    while len(path) < 5:
        path.append(game.rank(mask_of(path), 1023)[0])
    assert trace.evaluations == 1
    assert {mask_of(p) for p in trace.path.tolist()} == {mask_of(path)}
    assert best(trace).mask == mask_of(path)


def test_first_play_makes_the_search_look_around() -> None:
    leaves = [run(Game(seed=seed), PlannerSettings()).evaluations for seed in range(5)]
    assert min(leaves) > 20


def test_all_tied_goes_by_canonical_order() -> None:
    planner = make_planner(PlannerSettings(rollouts=4, depth=2), 0b11010, n=5)
    paths = []
    while requests := planner.ask():
        (request,) = requests
        if isinstance(request, Rank):
            planner.tell_prior(request.mask, [0.0] * 5)
        else:
            paths.append(request.path)
            planner.tell(request, 3.0)
    assert paths == [(1, 3), (3, 4), (4, 1), (1, 3)]
    assert planner.best() == (0b1010, (1, 3), 3.0, 2)


def test_an_uneven_prior_breaks_ties_before_canonical_order() -> None:
    planner = make_planner(PlannerSettings(rollouts=1, depth=2), 0b1111, n=4)
    assert planner.ask() == [Rank(0)]
    planner.tell_prior(0, [1, 1, 2, 2])
    assert planner.ask() == [Rank(0b100)]
    planner.tell_prior(0b100, [3, 1, 9, 3])
    assert planner.ask() == [Evaluate(0b101, (2, 0))]


def test_one_attribute_and_more_depth_than_attributes() -> None:
    trace = run(Game(n=1), PlannerSettings(rollouts=4))
    assert trace.path.tolist() == [[0]] * 4
    assert best(trace).mask == 1
    trace = run(Game(n=4), PlannerSettings(rollouts=10, depth=5), available=0b1010)
    assert trace.depth == 2
    assert {mask_of(path) for path in trace.path.tolist()} == {0b1010}


def test_a_failed_subset_is_left_out_and_no_visit_counted() -> None:
    whole = Game(n=5, seed=1)
    first = mask_of(run(whole, PlannerSettings(rollouts=1, depth=3)).path[0].tolist())
    game = Game(n=5, seed=1, broken=frozenset({first}))
    trace = run(game, PlannerSettings(rollouts=40, depth=3))
    assert trace.failed == 1
    assert trace.flags[0] == FAILED
    assert [sample for mask, sample in game.asked if mask == first] == [0, 1]
    tree = replay(trace)
    assert tree.visits[tree.node_of[first]] == 0
    assert tree.left_out[tree.node_of[first]]
    assert tree.visits[0] == 39
    assert best(trace).mask != first


def test_a_second_try_saves_an_evaluation() -> None:
    game = Game(n=4, seed=2, flaky=frozenset(range(16)))
    trace = run(game, PlannerSettings(rollouts=10, depth=2))
    assert trace.failed == 0
    assert trace.evaluations == 2 * len({mask for mask, _ in game.asked})


def test_a_search_ends_when_everything_failed() -> None:
    planner, trace = run_planner(Game(n=4, broken=frozenset(range(16))), PlannerSettings(rollouts=50, depth=2))
    assert trace.rollouts == trace.failed == 6
    assert planner.ask() == []
    with pytest.raises(ValueError, match="no subset of size 2"):
        planner.best()


def test_asking_again_repeats_what_is_open() -> None:
    planner = make_planner(PlannerSettings(rollouts=1, depth=1), 0b11, n=2)
    assert planner.ask() == planner.ask() == [Rank(0)]
    planner.tell_ranking(0, [1, 0])
    assert planner.ask() == planner.ask() == [Evaluate(0b10, (1,))]


def test_wrong_answers_are_refused() -> None:
    planner = make_planner(PlannerSettings(depth=2), 0b111, n=3)
    with pytest.raises(ValueError, match="not asked for"):
        planner.tell(Evaluate(0b11, (0, 1)), 3.0)
    planner.ask()
    for ranking in ([0, 1], [0, 1, 1], [0, 1, 2, 3]):
        with pytest.raises(ValueError, match="a ranking of"):
            planner.tell_ranking(0, ranking)
    for weights in ([1.0, 1.0], [1, -1, 1], [math.nan, 1, 1], [1, math.inf, 1], [1e308, 1e308, 1]):
        with pytest.raises(ValueError, match="finite weights"):
            planner.tell_prior(0, weights)
    with pytest.raises(ValueError, match="not asked for"):
        planner.tell_ranking(1, [1, 2])
    planner.tell_ranking(0, [0, 1, 2])
    planner.ask()
    with pytest.raises(ValueError, match="not both"):
        planner.tell_prior(1, [1, 1, 1])
    planner.tell_ranking(1, [1, 2])
    (request,) = planner.ask()
    assert isinstance(request, Evaluate)
    for reward in (math.nan, math.inf):
        with pytest.raises(ValueError, match="a reward"):
            planner.tell(request, reward)
    planner.tell(request, 4)
    assert planner.best() == (0b11, (0, 1), 4.0, 1)


def test_the_trace_of_a_rollout_in_hand_waits_for_its_end() -> None:
    planner = make_planner(PlannerSettings(rollouts=2, depth=2), 0b111, n=3)
    for mask, ranking in ((0, [0, 1, 2]), (1, [1, 2])):
        planner.ask()
        planner.tell_ranking(mask, ranking)
    assert len(planner.trace.prior) == 0
    planner.ask()
    planner.tell(Evaluate(0b11, (0, 1)), 5.0)
    assert planner.trace.states.tolist() == [0, 1]
    assert planner.trace.first.tolist() == [0, 0]


def test_settings_are_checked() -> None:
    good = PlannerSettings()
    for bad, message in (
        ({"planner": "oracle"}, "unknown planner 'oracle'"),
        ({"rule": "ucb"}, "unknown rule"),
        ({"recommend": "mean"}, "unknown recommend"),
        ({"rollouts": 0}, "rollouts is 0"),
        ({"depth": 0}, "depth is 0"),
        ({"batch": 0}, "batch is 0"),
        ({"c": math.nan}, "c is nan"),
        ({"decay": -1.0}, "decay is -1.0"),
    ):
        with pytest.raises(ValueError, match=message):
            make_planner(replace(good, **bad), 1023)
    for available, n in ((0, 10), (1 << 10, 10), (-1, 10), (1, 17)):
        with pytest.raises(ValueError, match="attribute"):
            make_planner(good, available, n=n)
