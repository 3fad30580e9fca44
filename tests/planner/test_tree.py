"""The tree at any rollout, its scores, and what would be returned then."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.planner import Rank
from planner.recommend import Leader, best, best_so_far
from planner.settings import PLANNERS, PlannerSettings, make_planner
from planner.subsets import mask_of
from planner.trace import Trace
from planner.tree import OrderTree, Tree, replay, replay_orders, scores
from tests.planner.games import Game, run

GAME = Game(n=6, seed=11, broken=frozenset({0b111, 0b10101}))
SEARCH = PlannerSettings(rollouts=60, depth=3)


def test_the_tree_of_sets_grows_by_appending() -> None:
    trace = run(GAME, SEARCH)
    last = replay(trace)
    assert replay(trace, 0).masks.tolist() == []
    for t in range(1, trace.rollouts + 1):
        tree = replay(trace, t)
        k = len(tree.masks)
        assert tree.masks.tolist() == last.masks[:k].tolist()
        assert tree.first.tolist() == last.first[:k].tolist()
        assert (tree.first < t).all()
        assert (last.first[k:] >= t).all()
        assert np.array_equal(tree.prior, last.prior[:k], equal_nan=True)
        assert tree.visits[0] == t - int((trace.flags[:t] & 2 > 0).sum())
        assert tree.path == tuple(trace.path[t - 1].tolist())


def test_a_tree_at_t_is_the_tree_of_a_search_of_t_rollouts() -> None:
    trace = run(GAME, SEARCH)
    short = replay(run(GAME, PlannerSettings(rollouts=25, depth=3)))
    tree = replay(trace, 25)
    for name in ("masks", "visits", "totals", "prior", "first", "left_out"):
        assert np.array_equal(getattr(tree, name), getattr(short, name), equal_nan=name == "prior")


def test_the_tree_of_orders_counts_exactly_this_order() -> None:
    trace = run(GAME, SEARCH)
    last = replay_orders(trace)
    for t in (0, 1, 7, trace.rollouts):
        tree = replay_orders(trace, t)
        k = len(tree.parent)
        for name in ("parent", "attribute", "mask", "first"):
            assert getattr(tree, name).tolist() == getattr(last, name)[:k].tolist()
        told = [path for path, flag in zip(trace.path[:t].tolist(), trace.flags[:t].tolist(), strict=True) if flag < 2]
        for node in range(k):
            order = prefix(tree, node)
            assert mask_of(order) == tree.mask[node]
            assert tree.visits[node] == sum(path[: len(order)] == order for path in told)
    assert (last.parent[1:] < np.arange(1, len(last.parent))).all()


def prefix(tree: OrderTree, node: int) -> list[int]:
    """Walk up to the root."""
    return [] if not node else [*prefix(tree, int(tree.parent[node])), int(tree.attribute[node])]


@pytest.mark.parametrize("rule", ["raise", "raise-literal"])
def test_scores_explain_every_choice(rule: str) -> None:
    trace = run(GAME, PlannerSettings(rule=rule, rollouts=60, depth=3))
    explained = 0
    for t in range(1, trace.rollouts):
        tree: Tree = replay(trace, t)
        chosen = trace.path[t].tolist()
        for size in range(3):
            state = mask_of(chosen[:size])
            if state not in tree.node_of:
                continue
            rows = scores(tree, state)
            open_rows = [row for row in rows if not row.left_out]
            pick = max(open_rows, key=lambda row: (row.score, row.prior, -row.attribute))
            assert pick.attribute == chosen[size]
            assert all(row.score == row.q + row.bonus for row in rows)
            assert all(row.first_play == (row.visits == 0) for row in rows)
            assert math.isclose(sum(row.prior for row in rows), 1)
            explained += 1
    assert explained > 60


def test_scores_need_a_prior() -> None:
    trace = run(GAME, SEARCH)
    tree = replay(trace)
    with pytest.raises(KeyError):
        scores(tree, mask_of(trace.path[0].tolist()))
    with pytest.raises(ValueError, match="60 rollouts, not 61"):
        replay(trace, 61)


@given(
    game=st.builds(
        Game,
        n=st.just(5),
        seed=st.integers(0, 999),
        noise=st.sampled_from([0.0, 1.0]),
        levels=st.sampled_from([0, 3]),
        broken=st.frozensets(st.integers(1, 31), max_size=8),
    ),
    name=st.sampled_from(PLANNERS),
    recommend=st.sampled_from(["q", "visits"]),
    policy=st.sampled_from(["fresh", "cache:2"]),
)
@settings(max_examples=60, deadline=None)
def test_best_so_far_is_the_best_of_every_prefix(game: Game, name: str, recommend: str, policy: str) -> None:
    wanted = PlannerSettings(planner=name, rollouts=30, depth=3, recommend=recommend)  # type: ignore[arg-type]
    trace = run(game, wanted, policy)
    course = best_so_far(trace)
    for t in range(1, trace.rollouts + 1):
        try:
            found = best(trace, t)
        except ValueError:
            assert course.mask[t - 1] == -1
            assert math.isnan(course.q[t - 1])
        else:
            assert (found.mask, found.q) == (course.mask[t - 1], course.q[t - 1])
        assert course.evaluations[t - 1] == (trace.flags[:t] == 0).sum()


def test_values_are_shown_on_one_to_five() -> None:
    for rule in ("raise", "raise-literal"):
        trace = run(Game(n=4, seed=1), PlannerSettings(rule=rule, rollouts=1, depth=2))
        assert np.allclose(replay(trace).q, trace.reward[0])
        assert best(trace).q == pytest.approx(float(trace.reward[0]))


def by_hand(paths: list[list[int]], rewards: list[float], ranks: list[list[int]]) -> Trace:
    """Write the trace of a search over three attributes, depth 2."""
    return Trace(
        planner="search",
        rule="raise",
        recommend="q",
        backup="path",
        n=3,
        available=0b111,
        depth=2,
        c=0.5,
        decay=0.3,
        evaluations=len(paths),
        path=np.array(paths, np.uint8),
        reward=np.array(rewards),
        flags=np.zeros(len(paths), np.uint8),
        prior=np.array(ranks, np.uint8),
    )


def test_the_path_goes_by_the_value_of_visited_prefixes() -> None:
    ranks = [[0, 1, 2], [255, 0, 1], [0, 255, 1]]
    trace = by_hand([[0, 1], [1, 2], [0, 2]], [2.0, 5.0, 4.0], ranks)
    assert best(trace) == (0b110, (1, 2), 5.0, 1)
    trace = by_hand([[0, 1], [0, 2], [1, 0]], [5.0, 1.0, 5.0], ranks)
    assert best(trace) == (0b011, (1, 0), 5.0, 2)  # Q of {0} is 3.67, of {1} 5: though 0 ranks higher, 1 comes first


def test_equal_subsets_go_by_visits_then_by_mask() -> None:
    ranks = [[0, 1, 2], [255, 0, 1], [0, 255, 1]]
    assert best(by_hand([[0, 1], [1, 2], [1, 2]], [4.0, 4.0, 4.0], ranks)).mask == 0b110
    assert best(by_hand([[1, 2], [0, 1]], [4.0, 4.0], [[0, 1, 2], [0, 255, 1], [255, 0, 1]])).mask == 0b011


def test_unvisited_prefixes_follow_the_prior() -> None:
    planner = make_planner(PlannerSettings(rollouts=1, depth=3), 0b1111, n=4)
    for ranking in ([3, 2, 1, 0], [0, 1, 2], [2, 1]):
        (request,) = planner.ask()
        assert isinstance(request, Rank)
        planner.tell_ranking(request.mask, ranking)
    (request,) = planner.ask()
    assert not isinstance(request, Rank)
    planner.tell(request, 2.0)
    assert planner.best().path == (3, 0, 2)


@given(cuts=st.lists(st.integers(0, 40), max_size=4), recommend=st.sampled_from(["q", "visits"]))
@settings(max_examples=20, deadline=None)
def test_a_leader_is_fed_piece_by_piece(cuts: list[int], recommend: str) -> None:
    wanted = PlannerSettings(rollouts=40, depth=3, recommend=recommend)  # type: ignore[arg-type]
    trace = run(Game(n=5, seed=1, noise=1.0, broken=frozenset({7})), wanted)
    course, leader = best_so_far(trace), Leader()
    assert leader.mask == -1
    for t in sorted(cuts):
        leader.feed(trace.until(t))
        assert leader.mask == (course.mask[t - 1] if t else -1)
    leader.feed(trace)
    leader.feed(trace)
    assert (leader.mask, leader.rollouts) == (course.mask[-1], trace.rollouts)
