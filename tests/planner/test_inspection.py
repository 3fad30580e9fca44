"""A state under the glass: its actions, its last choice, and what would have to happen for another one."""

import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.inspection import HORIZON, Inspection, inspect, why_not
from planner.rules import RULES
from planner.settings import PLANNERS, PlannerSettings
from planner.subsets import mask_of, members
from planner.trace import Trace, path_masks
from planner.tree import ActionScore, replay, scores
from tests.planner.games import Game, run

GAME = Game(n=6, seed=11, levels=4, broken=frozenset({0b111, 0b10101}))
SEARCH = PlannerSettings(rollouts=80, depth=3)


@pytest.fixture(scope="module", params=sorted(RULES))
def trace(request: pytest.FixtureRequest) -> Trace:
    return run(GAME, replace(SEARCH, rule=request.param))


def test_what_is_next_is_what_the_next_rollout_took(trace: Trace) -> None:
    for t in range(trace.rollouts):
        tree = replay(trace, t)
        mask = 0
        for attribute in trace.path[t].tolist():
            seen = inspect(trace, mask, t, tree)
            if seen.next is not None:
                assert seen.next.attribute == attribute
                assert why_not(seen, attribute) == (seen.next, seen.next, 0.0, 1, False)
            mask |= 1 << attribute


def test_the_last_choice_is_told_with_the_scores_of_its_moment(trace: Trace) -> None:
    choices = [0, 0]
    for t in range(1, trace.rollouts + 1):
        mask = 0
        for attribute in trace.path[t - 1].tolist():
            seen = inspect(trace, mask, t)
            decision = seen.decision
            assert decision is not None
            assert (seen.taken, decision.rollout, decision.winner.attribute) == (attribute, t, attribute)
            assert decision.runner_up is not None
            second, first = decision.runner_up, decision.winner
            assert decision.margin == first.score - second.score >= 0
            assert math.isclose(sum(decision.terms.values()), decision.margin, abs_tol=1e-12)
            assert (decision.decided_by is None) == (decision.margin == 0) == bool(decision.tied)
            if decision.tied:
                choices[1] += 1
                assert {first.attribute, second.attribute} <= set(decision.tied)
                assert (-first.prior, first.attribute) < (-second.prior, second.attribute)
            choices[0] += 1
            mask |= 1 << attribute
    assert choices[0] > 200
    assert choices[1] >= 3


def test_a_choice_in_a_state_that_is_new_is_scored_too() -> None:
    trace = run(GAME, SEARCH)
    late = next(
        (int(mask), int(first))
        for mask, first in zip(trace.states, trace.first, strict=True)
        if any((replay(trace, int(first)).node_of.get(int(mask) | 1 << a) is not None) for a in range(6))
        and int(mask).bit_count() == 2
    )
    decision = inspect(trace, late[0], late[1] + 1).decision
    assert decision is not None
    assert not decision.untried  # its actions were taken in other orders, though nobody had been here
    assert decision.winner.q == 0.5 or not decision.winner.first_play


def test_a_state_that_is_new_altogether_goes_by_its_ranking() -> None:
    seen = inspect(run(GAME, SEARCH), 0, 1)
    assert seen.decision is not None
    assert seen.decision.untried
    assert seen.decision.tied == (0, 1, 2, 3, 4, 5)
    assert seen.decision.winner.attribute == seen.ranking[0] == GAME.rank(0, 0b111111)[0]
    assert (seen.asked, seen.ranked) == (1, True)


def test_the_ranking_is_the_one_that_was_asked(trace: Trace) -> None:
    for mask, first in zip(trace.states.tolist(), trace.first.tolist(), strict=True):
        seen = inspect(trace, mask)
        assert seen.ranking == tuple(GAME.rank(mask, 0b111111))
        assert seen.asked == first + 1
        assert not inspect(trace, mask, first).scored


def test_actions_stand_best_first_and_what_is_left_out_last(trace: Trace) -> None:
    for mask in trace.states.tolist():
        seen = inspect(trace, mask)
        assert sorted(seen.actions) == sorted(scores(replay(trace), mask))
        open_ = [a.score for a in seen.actions if not a.left_out]
        assert open_ == sorted(open_, reverse=True)
        assert [a.left_out for a in seen.actions] == sorted(a.left_out for a in seen.actions)


def test_the_last_passage_says_what_it_was_worth(trace: Trace) -> None:
    states = path_masks(trace.path)
    for mask in (0, 0b1, 0b11, 0b111, 0b10101):
        seen = inspect(trace, mask)
        rows = [t for t in range(trace.rollouts) if mask in states[t].tolist()]
        if not rows:
            assert seen.passage is None
            continue
        assert seen.passage is not None
        assert seen.passage.rollout == rows[-1] + 1
        assert seen.passage.mask == states[rows[-1], -1]
        assert seen.passage.reward == trace.reward[rows[-1]] or math.isnan(seen.passage.reward)
        assert (seen.passage.attribute is None) == (mask.bit_count() == 3)


def test_a_leaf_has_no_actions_and_no_choice(trace: Trace) -> None:
    seen = inspect(trace, mask_of(trace.path[-1].tolist()))
    assert (seen.actions, seen.scored, seen.decision, seen.next) == ((), False, None, None)
    assert seen.visits >= 1


@pytest.mark.parametrize("planner", [name for name in PLANNERS if name != "search"])
def test_planners_without_a_prior_show_counts_and_no_scores(planner: str) -> None:
    trace = run(Game(n=5, seed=2), PlannerSettings(planner=planner, depth=2))
    seen = inspect(trace, 0b1)
    assert [a.attribute for a in sorted(seen.actions)] == [1, 2, 3, 4]
    assert not seen.scored
    assert all(math.isnan(a.score) and math.isnan(a.q) == a.first_play for a in seen.actions)
    assert (seen.decision, seen.asked, seen.next, seen.ranking) == (None, None, None, ())
    with pytest.raises(KeyError):
        why_not(seen, 1)


def test_states_and_actions_that_there_are_not() -> None:
    trace = run(GAME, SEARCH, available=0b1111)
    with pytest.raises(ValueError, match="not available"):
        inspect(trace, 0b10000)
    with pytest.raises(ValueError, match="rollouts"):
        inspect(trace, 0, 81)
    with pytest.raises(KeyError):
        why_not(inspect(trace, 0b1), 0)


def state(actions: list[ActionScore], c: float) -> Inspection:
    """Return a state with these actions, as if it had been visited as often as they were."""
    total = sum(a.visits for a in actions)
    ordered = tuple(sorted(actions, key=lambda a: (a.left_out, -a.score, -a.prior, a.attribute)))
    return Inspection(total, total, 0, total, 3.0, RULES["raise"], c, ordered, True, 1, True, None, None, None)


@st.composite
def states(draw: st.DrawFn) -> Inspection:
    """Draw a state with equal values and priors often enough that ties happen, some of it left out."""
    c = draw(st.sampled_from([0.0, 0.1, 0.5, 2.0]))
    count = draw(st.integers(1, 6))
    visits = draw(st.lists(st.integers(0, 30), min_size=count, max_size=count))
    values = draw(st.lists(st.integers(0, 8), min_size=count, max_size=count))
    shares = draw(st.lists(st.integers(0, 4), min_size=count, max_size=count))
    root = math.sqrt(sum(visits))
    actions = []
    for a, (n, value, share) in enumerate(zip(visits, values, shares, strict=True)):
        prior, q = share / (sum(shares) or 1), value / 8
        bonus = c * prior * root / (1 + n)
        actions.append(ActionScore(a, 1 << a, n, q, prior, bonus, q + bonus, not n, draw(st.integers(0, 9)) == 0))
    return state(actions, c)


def brute_force(seen: Inspection, attribute: int, most: int) -> int | None:
    """Play rollouts on, one by one, in the plainest way."""
    visits = {a.attribute: a.visits for a in seen.actions}
    for rollout in range(1, most + 1):
        best: tuple[float, float, int] | None = None
        for a in seen.actions:
            if not a.left_out:
                bonus = seen.c * a.prior * math.sqrt(sum(visits.values())) / (1 + visits[a.attribute])
                key = (-(a.q + bonus), -a.prior, a.attribute)
                best = key if best is None else min(best, key)
        if best is None:
            return None
        if best[2] == attribute:
            return rollout
        visits[best[2]] += 1
    return None


@settings(max_examples=300)
@given(states())
def test_why_not_counts_what_a_simulation_counts(seen: Inspection) -> None:
    for action in seen.actions:
        told = why_not(seen, action.attribute, horizon=200)
        assert told.rollouts == brute_force(seen, action.attribute, 200)
        assert told.gap >= 0
        if told.never:
            assert brute_force(seen, action.attribute, 2000) is None
        if told.rollouts == 1:
            assert told.leader is action


def test_never_is_said_only_of_what_can_not_be() -> None:
    one = ActionScore(0, 1, 3, 0.8, 1.0, 0.25, 1.05, False, False)
    without_prior = ActionScore(1, 2, 3, 0.7, 0.0, 0.0, 0.7, False, False)
    behind = why_not(state([one, without_prior], 0.5), 1)
    assert (behind.leader, behind.rollouts, behind.never) == (one, None, True)
    assert behind.gap == pytest.approx(0.35)
    left = ActionScore(1, 2, 3, 0.7, 0.3, 0.1, 0.8, False, True)
    assert why_not(state([one, left], 0.5), 1).never
    ahead = without_prior._replace(q=0.9, score=0.9)
    waiting = why_not(state([one, ahead], 0.5), 1)
    assert (waiting.never, waiting.rollouts) == (False, brute_force(state([one, ahead], 0.5), 1, 1000))


def test_the_published_rule_keeps_unvisited_actions_waiting_for_longer_than_any_search() -> None:
    trace = run(Game(n=6, seed=5), PlannerSettings(rule="raise-literal", rollouts=60, depth=3))
    seen = inspect(trace, 0)
    last = why_not(seen, seen.ranking[-1])
    assert not last.never
    assert last.rollouts is None or last.rollouts > 300
    assert why_not(seen, seen.ranking[-1], horizon=100).rollouts is None
    assert HORIZON >= 10_000


def test_every_state_of_a_search_can_be_asked_about(trace: Trace) -> None:
    for mask in trace.states.tolist():
        seen = inspect(trace, mask)
        for attribute in members(0b111111 & ~mask):
            told = why_not(seen, attribute, horizon=300)
            assert told.never <= (seen.action(attribute).left_out or seen.next is None)
