"""Static, random, greedy and exhaustive behind the planner interface."""

from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.planner import Evaluate
from planner.settings import PlannerSettings, make_planner
from planner.subsets import mask_of, members
from planner.tree import replay
from tests.planner.games import Game, run, run_planner


def test_static_takes_the_first_that_are_available() -> None:
    planner = make_planner(PlannerSettings("static", depth=3), 0b1101110100, static_order=(9, 7, 8, 5, 6))
    assert planner.ask() == (Evaluate(mask_of([9, 8, 5]), (9, 8, 5)),)
    planner = make_planner(PlannerSettings("static", depth=3), 0b1011, n=4, static_order=(3,))
    (request,) = planner.ask()
    planner.tell(request, 2.5)  # type: ignore[arg-type]
    assert planner.best() == (0b1011, (3, 0, 1), 2.5, 1)
    assert planner.ask() == ()


def test_random_is_keyed() -> None:
    def draw(*key: str | int) -> int:
        return make_planner(PlannerSettings("random", depth=3), 0b1111111010, key=key).ask()[0].mask

    draws = [draw("run", seed) for seed in range(60)]
    assert draws == [draw("run", seed) for seed in range(60)]
    assert len(set(draws)) > 20
    assert all(mask.bit_count() == 3 and not mask & 0b101 for mask in draws)


@given(seed=st.integers(0, 999), levels=st.sampled_from([0, 2]), available=st.integers(1, 63), depth=st.integers(1, 6))
@settings(max_examples=50, deadline=None)
def test_exhaustive_finds_the_best_of_all(seed: int, levels: int, available: int, depth: int) -> None:
    game = Game(n=6, seed=seed, levels=levels)
    planner, trace = run_planner(game, PlannerSettings("exhaustive", depth=depth), available=available)
    depth = min(depth, available.bit_count())
    rewards = {mask_of(s): game.evaluate(mask_of(s), 0) for s in combinations(members(available), depth)}
    assert trace.rollouts == trace.evaluations == len(rewards)
    mask = max(sorted(rewards), key=lambda m: rewards[m] or 0)
    assert planner.best().mask == mask
    assert planner.best().path == members(mask)
    assert replay(trace).masks.tolist() == sorted(rewards)


@given(seed=st.integers(0, 999), levels=st.sampled_from([0, 2]), depth=st.integers(1, 6))
@settings(max_examples=50, deadline=None)
def test_greedy_adds_the_best_at_each_step(seed: int, levels: int, depth: int) -> None:
    game = Game(n=6, seed=seed, levels=levels)
    planner, trace = run_planner(game, PlannerSettings("greedy", depth=depth), available=0b110111)
    path: list[int] = []
    while len(path) < trace.depth:
        left = [a for a in members(0b110111) if a not in path]
        path.append(max(left, key=lambda a: game.evaluate(mask_of([*path, a]), 0) or 0))
    assert planner.best().path == tuple(path)
    assert trace.rollouts == sum(5 - size for size in range(trace.depth))


def test_replicates_are_asked_together_and_averaged() -> None:
    game = Game(n=4, seed=5, noise=0.5)
    planner, trace = run_planner(game, PlannerSettings("exhaustive", depth=2), "cache:3")
    assert trace.evaluations == trace.rollouts == 18
    assert not trace.flags.any()
    means = {m: sum(game.evaluate(m, i) or 0 for i in range(3)) / 3 for m in replay(trace).masks.tolist()}
    assert planner.best().mask == max(means, key=means.__getitem__)
    assert planner.best().q == pytest.approx(max(means.values()))
    assert planner.best().visits == 3


def test_greedy_leaves_out_what_failed_and_stops_when_all_failed() -> None:
    game = Game(n=4, seed=1)
    top = make_top(game)
    assert run(Game(n=4, seed=1, broken=frozenset({1 << top})), PlannerSettings("greedy", depth=1)).failed == 1
    planner, _ = run_planner(Game(n=4, seed=1, broken=frozenset({1 << top})), PlannerSettings("greedy", depth=1))
    assert planner.best().mask != 1 << top
    planner, trace = run_planner(
        Game(n=4, broken=frozenset(range(16)) - {1, 2, 4, 8}), PlannerSettings("greedy", depth=3)
    )
    assert trace.rollouts == 4 + 3
    with pytest.raises(ValueError, match="no subset of size 3"):
        planner.best()


def make_top(game: Game) -> int:
    """Return the attribute that is worth most on its own."""
    return max(range(game.n), key=lambda a: game.evaluate(1 << a, 0) or 0)


def test_baselines_refuse_what_they_did_not_ask() -> None:
    planner = make_planner(PlannerSettings("exhaustive", depth=1), 0b11, n=2)
    with pytest.raises(ValueError, match="not asked for"):
        planner.tell_ranking(0, [0, 1])
    with pytest.raises(ValueError, match="not asked for"):
        planner.tell_prior(0, [1, 1])
    with pytest.raises(ValueError, match="not next"):
        planner.tell(Evaluate(0b10, (1,)), 3.0)
    with pytest.raises(ValueError, match="replicates is 0"):
        make_planner(PlannerSettings("greedy"), 0b11, n=2, replicates=0)
