"""Evaluation policies, and the loop that answers a planner."""

import pytest

from planner.drive import Round, plan
from planner.evaluations import Evaluations, parse_evaluations
from planner.planner import Evaluate
from planner.settings import PlannerSettings, make_planner
from tests.planner.games import Game, run


def test_cache_takes_r_samples_and_then_their_mean() -> None:
    evaluations = parse_evaluations("cache:3")
    for number, reward in enumerate((2.0, 3.0, 5.0)):
        assert evaluations.mean(7) is None
        assert evaluations.take(7) == number
        evaluations.add(7, reward)
    assert evaluations.mean(7) == pytest.approx(10 / 3)
    assert evaluations.mean(8) is None
    assert evaluations.count == 3
    assert str(evaluations) == "cache:3"


def test_a_failed_sample_is_replaced_by_the_next_number() -> None:
    evaluations = Evaluations(1)
    assert [evaluations.take(1), evaluations.take(1)] == [0, 1]
    evaluations.add(1, 4.0)
    assert evaluations.mean(1) == 4.0
    assert evaluations.count == 2


def test_fresh_never_keeps_a_mean() -> None:
    evaluations = parse_evaluations("fresh")
    for number in range(5):
        assert evaluations.take(1) == number
        evaluations.add(1, 3.0)
        assert evaluations.mean(1) is None
    assert evaluations.replicates == 1
    assert str(evaluations) == "fresh"


@pytest.mark.parametrize(
    "text", ["", "cache", "cache:0", "cache:-1", "cache:1001", "cache:x", "Fresh", "cache:3 ", "cache:٣"]
)
def test_unknown_policies_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="fresh or cache:r"):
        parse_evaluations(text)


def test_visits_after_the_first_are_cached_in_the_trace() -> None:
    game = Game(n=5, seed=2, noise=0.4)
    trace = run(game, PlannerSettings(rollouts=80, depth=2), "cache:2")
    samples: dict[int, list[float]] = {}
    for path, reward, flag in zip(trace.path.tolist(), trace.reward.tolist(), trace.flags.tolist(), strict=True):
        known = samples.setdefault(sum(1 << a for a in path), [])
        assert flag == (len(known) >= 2)
        if flag:
            assert reward == sum(known) / 2
        else:
            known.append(reward)
    assert trace.evaluations == (trace.flags == 0).sum() == len(game.asked) == len(set(game.asked))
    assert (trace.flags == 1).any()


def test_second_tries_are_numbered_after_all_first_ones() -> None:
    evaluations = Evaluations(3)
    work = Round([Evaluate(1, (0,))] * 3, evaluations)
    assert work.wanted == [(1, 0), (1, 1), (1, 2)]
    work.add([None, 3.0, None])
    assert work.wanted == [(1, 3), (1, 4)]
    work.add([4.0, None])
    assert work.wanted == []
    planner = make_planner(PlannerSettings("static", depth=1), 1, n=1, replicates=3)
    work.tell(planner)
    assert planner.trace.flags.tolist() == [0, 0, 2]
    assert planner.best() == (1, (0,), 3.5, 2)
    assert evaluations.count == 5


def test_a_search_needs_a_prior() -> None:
    with pytest.raises(ValueError, match="needs a prior"):
        plan(make_planner(PlannerSettings(), 1023), lambda mask, sample: 3.0, Evaluations(1))
