"""Replays: how fast they go, and where they stop."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.trace import path_masks
from tests.workbench.app.search.searches import state_of, trace_of
from workbench.app.state.search.playback import SPEEDS, Playback
from workbench.engine.steering.breakpoints import Breakpoints


@settings(max_examples=60, deadline=None)
@given(speed=st.sampled_from(SPEEDS), ticks=st.lists(st.floats(0, 0.5), max_size=40))
def test_a_replay_moves_as_far_as_time_has_passed(speed: float, ticks: list[float]) -> None:
    state, playback = state_of(), Playback(speed=speed)
    state.move_to(0)
    playback.play(state)
    for seconds in ticks:
        before = state.t
        assert playback.advance(state, seconds) == (state.t != before)
    assert abs(state.t - min(sum(ticks) * speed, state.trace.rollouts)) <= 1
    assert playback.playing == (state.t < state.trace.rollouts)


def test_a_replay_from_the_end_begins_at_the_start() -> None:
    state, playback = state_of(), Playback()
    playback.play(state)
    assert state.t == 0


def test_a_replay_of_a_search_under_way_goes_on_at_its_end() -> None:
    state, playback = state_of(trace_of().until(5), state="running"), Playback(speed=1000)
    playback.play(state)
    playback.advance(state, 1)
    assert (state.t, playback.playing) == (5, True)


def test_a_whole_search_is_seen_to_grow_in_a_few_seconds() -> None:
    state, playback = state_of(), Playback()
    playback.grow(state)
    assert state.t == 0
    seconds = 0
    while playback.playing:
        playback.advance(state, 1)
        seconds += 1
    assert state.at_end
    assert 5 <= seconds <= 9


def test_speeds() -> None:
    playback = Playback(speed=50.5)
    playback.change_speed(1)
    assert playback.speed == 100
    playback.change_speed(-1)
    assert playback.speed == 50
    for _ in range(20):
        playback.change_speed(-1)
    assert playback.speed == SPEEDS[0]


def test_it_stops_where_the_best_changes() -> None:
    state, playback = state_of(), Playback(speed=1000, breakpoints=Breakpoints(best=True))
    changes = state.choice_changes[1:]
    state.move_to(0)
    for t in changes:
        playback.play(state)
        playback.advance(state, 10)
        assert (state.t, playback.playing) == (t, False)
        assert playback.stopped == f"the best subset changed at rollout {t}"
    playback.play(state)
    playback.advance(state, 10)
    assert (state.at_end, playback.stopped) == (True, "")


@pytest.mark.parametrize("step", [1, 3, 50])
def test_it_stops_where_a_path_passes_through_a_set(step: int) -> None:
    state = state_of()
    mask = int(state.whole.mask[2])
    passing = (path_masks(state.trace.path) == mask).any(axis=1).nonzero()[0] + 1
    playback = Playback(speed=step, breakpoints=Breakpoints(masks=frozenset({mask})))
    state.move_to(0)
    found = []
    while not state.at_end:
        playback.play(state)
        while playback.playing:
            playback.advance(state, 1)
        if playback.stopped:
            found.append(state.t)
    assert found == passing.tolist()
    assert "passed through {" in playback.stopped or not playback.stopped


def test_it_stops_wherever_any_of_several_breakpoints_is_met() -> None:
    state = state_of()
    masks = frozenset(state.whole.mask[[2, 5]].tolist())
    playback = Playback(speed=50, breakpoints=Breakpoints(best=True, masks=masks))
    passing = {t for t, visited in enumerate(path_masks(state.trace.path).tolist(), 1) if masks & set(visited)}
    wanted = passing | set(state.choice_changes[1:])
    state.move_to(0)
    found = {}
    while not state.at_end:
        playback.play(state)
        while playback.playing:
            playback.advance(state, 1)
        if playback.stopped:
            found[state.t] = playback.stopped
    assert set(found) == wanted
    for t, why in found.items():
        assert ("the best subset changed" in why) == (t in state.choice_changes[1:])
        assert ("a path passed through {" in why) == (t in passing)
        assert why.endswith(f" at rollout {t}")
