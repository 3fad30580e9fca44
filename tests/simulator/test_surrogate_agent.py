"""The surrogate's planner role and agent: an imperfect belief, and nothing but it."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.attributes import N_ATTRIBUTES
from simulator.bundled import bundled
from simulator.dialogue import Knowledge, Neighbour
from simulator.surrogate import SurrogateWorld, agent
from simulator.surrogate.latent import Belief, Latent
from simulator.surrogate.parameters import parameters
from simulator.world import Draw

T = TypeVar("T")
WORLD = SurrogateWorld()
MODEL = WORLD.models[0]
NAME = MODEL.partition("/")[2]
EVERYTHING = 1023
DRAW = Draw("agent", "final")


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(coroutine)


def neighbour(*path: int, score: float | None = 4.0, distance: float = 0.2) -> Neighbour:
    return Neighbour("A similar query?", path, score, distance, "entry")


@pytest.fixture
def blind(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make every look at the truth an error."""

    def refuse(*args: object) -> None:
        raise AssertionError("the truth was looked at")

    monkeypatch.setattr(Latent, "__init__", refuse)


@settings(max_examples=80, deadline=None)
@given(s=st.sampled_from(bundled()), mask=st.integers(0, 1023), available=st.integers(0, 1023))
def test_a_ranking_orders_what_is_left(s: Any, mask: int, available: int) -> None:
    ranking = run(WORLD.open(s, MODEL, 0).rank(mask, available))
    assert sorted(ranking) == [a for a in range(10) if available & ~mask & 1 << a]
    assert ranking == run(WORLD.open(s, MODEL, 9).rank(mask, available))


def test_ranking_and_deciding_never_look_at_the_truth(blind: None) -> None:
    session = WORLD.open(bundled()[0], MODEL, 0)
    run(session.rank(3, EVERYTHING))
    run(session.choose(Knowledge(), 0, [neighbour(1, 2)], DRAW))
    run(session.completeness(Knowledge(), 0, DRAW))
    run(session.sufficient(Knowledge(), 0, DRAW))
    run(session.answer_or_ask(Knowledge(), 0, [neighbour(1, 2)], DRAW))


def test_the_prior_is_imperfect_but_better_than_chance() -> None:
    places, first = [], []
    for s in bundled():
        session = WORLD.open(s, MODEL, 0)
        scores = session.true_scores()
        known = s.profile.known
        best = max(range(10), key=lambda a: scores[1 << a])
        ranking = list(run(session.rank(0, known)))
        places.append(ranking.index(best) / (len(ranking) - 1))
        first.append(ranking[0] == best)
    assert np.mean(places) < 0.3
    assert 0.15 < np.mean(first) < 0.8


def test_a_ranking_depends_on_what_is_known() -> None:
    moved = 0
    for s in bundled():
        session = WORLD.open(s, MODEL, 0)
        before = [a for a in run(session.rank(0, EVERYTHING)) if a not in (7, 8)]
        moved += before != run(session.rank(1 << 7 | 1 << 8, EVERYTHING))
    assert moved > len(bundled()) / 2


def test_the_belief_does_not_know_which_values_are_missing() -> None:
    s = next(s for s in bundled() if s.profile[8] is None)
    assert Belief(s, NAME, parameters()).relevance.min() > 0
    assert Latent(s, NAME, parameters()).relevance[8].max() == 0


def test_marginal_gains_are_differences_of_the_estimate() -> None:
    belief = Belief(bundled()[3], NAME, parameters())
    for known in (Knowledge(), Knowledge(full=5), Knowledge(full=129, partial=256)):
        gains = belief.marginal(known)
        for a in range(N_ATTRIBUTES):
            if not known.mask >> a & 1:
                more = Knowledge(known.full | 1 << a, known.partial)
                assert gains[a] == pytest.approx(belief.of(more) - belief.of(known))


@settings(max_examples=80, deadline=None)
@given(
    s=st.sampled_from(bundled()),
    asked=st.integers(0, 1022),
    paths=st.lists(st.permutations(range(10)).map(lambda p: tuple(p[:5])), max_size=5),
    score=st.none() | st.floats(1, 5),
    distance=st.floats(0, 2),
)
def test_a_choice_was_never_asked(
    s: Any, asked: int, paths: list[tuple[int, ...]], score: float | None, distance: float
) -> None:
    neighbours = [neighbour(*path, score=score, distance=distance) for path in paths]
    session = WORLD.open(s, MODEL, 0)
    question = run(session.choose(Knowledge(), asked, neighbours, DRAW))
    assert not asked >> question.attribute & 1
    assert question.text.endswith(("?", ".", "say."))
    assert question.reason


def test_nothing_left_to_choose_is_refused() -> None:
    with pytest.raises(ValueError, match="all ten"):
        run(WORLD.open(bundled()[0], MODEL, 0).choose(Knowledge(), EVERYTHING, [], DRAW))


def test_without_neighbours_the_choice_is_the_prior_s_first() -> None:
    for s in bundled()[::7]:
        session = WORLD.open(s, MODEL, 0)
        for asked in (0, 128, 900):
            chosen = run(session.choose(Knowledge(full=asked), asked, [], DRAW)).attribute
            assert chosen == run(session.rank(asked, EVERYTHING))[0]


def test_agreeing_neighbours_outweigh_the_prior() -> None:
    for s in bundled()[::7]:
        session = WORLD.open(s, MODEL, 0)
        last = run(session.rank(0, EVERYTHING))[-1]
        assert run(session.choose(Knowledge(), 0, [neighbour(last)] * 5, DRAW)).attribute == last
        assert run(session.choose(Knowledge(), 1 << last, [neighbour(last)] * 5, DRAW)).attribute != last


def test_shares_weigh_similarity_and_score() -> None:
    assert agent.shares([]) == [0.0] * 10
    assert agent.shares([neighbour(0, 1), neighbour(1, 2)])[:4] == pytest.approx([0.5, 1, 0.5, 0])
    near, far = neighbour(0, distance=0.0), neighbour(1, distance=0.75)
    assert agent.shares([near, far])[:2] == pytest.approx([0.8, 0.2])
    good, poor = neighbour(0, score=5), neighbour(1, score=2)
    assert agent.shares([good, poor])[:2] == pytest.approx([0.8, 0.2])
    assert agent.shares([good, poor, neighbour(2, score=None)])[2] == pytest.approx(1 / 3)
    assert agent.shares([neighbour(0, score=None), neighbour(1, score=None)])[:2] == [0.5, 0.5]
    assert agent.shares([neighbour(0, distance=1.4)]) == [0.0] * 10


def test_completeness_rises_with_what_is_known() -> None:
    async def ratings(mask: int) -> list[int]:
        sessions = [WORLD.open(s, MODEL, 0) for s in bundled()]
        return [await x.completeness(Knowledge(full=mask), mask, DRAW) for x in sessions]

    nothing, some, everything = (run(ratings(mask)) for mask in (0, 1 << 7, EVERYTHING))
    assert set(nothing + some + everything) <= set(range(6))
    assert np.mean(nothing) < 1 < np.mean(some) < 4.5 < np.mean(everything)
    assert len(set(some)) > 1


def test_completeness_is_rounded_and_clipped() -> None:
    belief = Belief(bundled()[0], NAME, parameters())
    assert agent.completeness(belief, Knowledge(), -3.0) == 0
    assert agent.completeness(belief, Knowledge(), 0.5) == 1
    assert agent.completeness(belief, Knowledge(), 0.49) == 0
    assert agent.completeness(belief, Knowledge(full=EVERYTHING), 3.0) == 5
    half, whole = Knowledge(partial=1 << 7), Knowledge(full=1 << 7)
    assert 0 < belief.of(half) < belief.of(whole)


def test_a_yes_or_no_and_answering_at_once_rest_on_the_same_estimate_seen_less_clearly() -> None:
    """Where a rating is sure, so is a yes; answering at once, the laxest, leaves off at least as often in all."""
    yes = {"scale": 0, "binary": 0, "basic": 0}
    for s in bundled():
        session = WORLD.open(s, MODEL, 0)
        for mask in (0, 1 << 9, 1 << 9 | 1 << 7, EVERYTHING):
            known = Knowledge(full=mask)
            yes["scale"] += run(session.completeness(known, mask, DRAW)) >= 4
            yes["binary"] += run(session.sufficient(known, mask, DRAW))
            if mask != EVERYTHING:
                question = run(session.answer_or_ask(known, mask, [], DRAW))
                yes["basic"] += question is None
                assert question is None or not mask >> question.attribute & 1
    assert yes["basic"] > 70  # of 210
    assert 0.8 < yes["binary"] / yes["scale"] < 1.25
    assert agent.sufficient(Belief(bundled()[0], NAME, parameters()), Knowledge(full=EVERYTHING), 0.0, agent.BINARY)
    assert not agent.sufficient(Belief(bundled()[0], NAME, parameters()), Knowledge(), 0.0, agent.BASIC)


def test_without_an_error_a_yes_is_what_the_scale_calls_four() -> None:
    for s in bundled():
        belief = Belief(s, NAME, parameters())
        for mask in range(0, 1024, 37):
            known = Knowledge(full=mask)
            assert agent.sufficient(belief, known, 0.0, agent.BINARY) == (agent.completeness(belief, known, 0.0) >= 4)
