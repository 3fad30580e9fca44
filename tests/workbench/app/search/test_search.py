"""A search at a position: moving, following, and what is derived."""

from typing import Any

import numpy as np
import pytest

from planner.recommend import best
from planner.tree import replay, replay_orders
from tests.workbench.app.search.searches import state_of, trace_of


def test_what_is_derived_is_that_of_the_position() -> None:
    state, trace = state_of(), trace_of()
    for t in (trace.rollouts, 0, 1, 40, 40, trace.rollouts):
        state.move_to(t)
        assert state.tree.rollouts == t
        assert np.array_equal(state.tree.visits, replay(trace, t).visits)
        assert np.array_equal(state.orders.visits, replay_orders(trace, t).visits)
        assert state.best == (best(trace, t) if t else None)


def test_the_position_stays_within_the_search() -> None:
    state = state_of()
    state.move_to(10**6)
    assert state.t == state.trace.rollouts
    state.move_to(-4)
    assert state.t == 0


def test_a_growing_search_is_followed_until_one_moves_away() -> None:
    trace = trace_of()
    state = state_of(trace.until(10), state="running")
    state.load(trace.until(20), running=True)
    assert state.t == 20
    state.move_to(15)
    state.load(trace.until(30), running=True)
    assert (state.t, state.following, state.at_end) == (15, False, False)
    state.follow(on=True)
    assert state.t == 30
    state.load(trace, running=False)
    assert (state.t, state.running) == (trace.rollouts, False)


def test_a_search_that_begins_anew_is_shorter() -> None:
    state = state_of(state="running")
    state.move_to(50)
    state.load(trace_of().until(5), running=True)
    assert state.t == 5
    assert state.tree.rollouts == 5


def test_choice_changes_are_where_the_best_changes() -> None:
    state = state_of()
    found = []
    before = None
    for t in range(1, state.trace.rollouts + 1):
        state.move_to(t)
        now = state.best.mask if state.best else None
        if now != before:
            found.append(t)
        before = now
    assert state.choice_changes == found
    assert len(found) > 2


@pytest.mark.parametrize(("row", "paused"), [({"state": "running", "paused": 1}, True), ({"paused": 1}, False)])
def test_only_a_search_under_way_is_paused(row: dict[str, Any], paused: bool) -> None:
    assert state_of(**row).paused is paused


def test_names() -> None:
    state = state_of()
    assert state.label(()) == "nothing known"
    assert state.label((2, 0)) == f"{state.names[2]} > {state.names[0]}"
    state.cursor = (2, 0)
    assert state.cursor_mask == 0b101
