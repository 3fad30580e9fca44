"""What is opened from what the store says: searches to come, under way, just over, and long over."""

from tests.workbench.app.search.searches import ROW, trace_of
from workbench.app.nodes import matching_orders
from workbench.app.state.search.searchdesk import FRESH_SECONDS, SearchDesk
from workbench.app.state.search.searchlist import search_lines, waiting_lines
from workbench.app.state.spans import text_of
from workbench.engine.steering.breakpoints import Breakpoints

ENDED = "2026-01-02T03:04:05.000+00:00"
AT = 1_767_323_045.0


def test_an_old_search_is_shown_at_its_end_or_where_the_link_says() -> None:
    desk = SearchDesk()
    desk.open(7)
    assert desk.take(ROW | {"finished_at": ENDED}, (trace_of(), 1), AT + 1000)
    assert desk.state is not None
    assert (desk.state.t, desk.playback.playing) == (80, False)
    desk.open(7, t=12)
    desk.take(ROW | {"finished_at": ENDED}, (trace_of(), 1), AT)
    assert (desk.state.t, desk.playback.playing) == (12, False)


def test_what_nobody_has_seen_is_replayed() -> None:
    desk = SearchDesk()
    desk.open(7)
    desk.take(ROW | {"finished_at": ENDED}, (trace_of(), 1), AT + FRESH_SECONDS / 2)
    assert desk.playback.playing


def test_what_was_waited_for_is_replayed() -> None:
    desk = SearchDesk()
    desk.open(7)
    assert not desk.take(ROW | {"state": "pending"}, None, AT)
    assert desk.take(ROW | {"finished_at": ENDED}, (trace_of(), 1), AT + 1000)
    assert desk.playback.playing
    assert desk.state is not None
    assert desk.state.t == 0
    desk.open(7)
    assert (desk.playback.playing, desk.row) == (False, None)


def test_a_search_under_way_is_followed_to_its_end_without_a_replay() -> None:
    desk, trace = SearchDesk(), trace_of()
    desk.open(7)
    running = ROW | {"state": "running"}
    assert desk.take(running, (trace.until(5), 1), AT)
    assert not desk.take(running, (trace.until(20), 2), AT)
    assert not desk.take(running | {"paused": 1}, None, AT)
    assert desk.state is not None
    assert (desk.state.t, desk.state.paused, desk.seen) == (20, True, 2)
    assert not desk.take(ROW | {"finished_at": ENDED}, (trace, 3), AT)
    assert (desk.state.t, desk.state.running, desk.playback.playing) == (80, False, False)


def test_what_holds_a_search_is_known_while_it_is_held() -> None:
    desk, running = SearchDesk(), ROW | {"state": "running"}
    held = running | {"paused": 1, "held": "as the best subset changed at rollout 5"}
    desk.open(7)
    desk.take(running, (trace_of().until(5), 1), AT)
    assert desk.state is not None
    assert desk.state.held == ""
    desk.take(held, None, AT)
    assert desk.state.held == "as the best subset changed at rollout 5"
    desk.take(held | {"state": "done"}, (trace_of(), 2), AT)
    assert desk.state.held == ""


def test_the_breakpoints_of_a_run_are_those_that_it_says_whoever_set_them() -> None:
    desk, running = SearchDesk(), ROW | {"state": "running"}
    desk.playback.breakpoints = Breakpoints(best=True)  # of a replay before
    desk.open(7)
    desk.take(running, (trace_of().until(5), 1), AT)
    assert not desk.playback.breakpoints
    desk.take(running | {"breakpoints": "best,12"}, None, AT)
    assert desk.playback.breakpoints == Breakpoints(best=True, masks=frozenset({12}))
    desk.take(ROW, (trace_of(), 2), AT)
    assert str(desk.playback.breakpoints) == "best,12"


def test_a_search_that_failed_has_no_tree() -> None:
    desk = SearchDesk()
    desk.open(7)
    failed = ROW | {"state": "failed", "error": "no attribute is known\x1b[2J", "finished_at": ENDED}
    assert not desk.take(failed, None, AT)
    assert desk.state is None
    said = "\n".join(text_of(line) for line in waiting_lines(desk.row, 12))
    assert "no attribute\nis known" in said
    assert "Press 5, and R there on its run," in said
    assert "\x1b" not in said


def test_two_searches_move_together_and_are_compared() -> None:
    desk = SearchDesk()
    desk.open(7)
    desk.take(ROW | {"finished_at": ENDED}, (trace_of(), 1), AT + 1000)
    assert not desk.marks("left")
    desk.take_second(ROW | {"unit": 8}, (trace_of(c=0.1), 1))
    assert desk.state is not None
    assert desk.second is not None
    desk.state.cursor = (0,)
    desk.state.move_to(30)
    desk.match()
    assert (desk.second.t, desk.second.cursor) == (30, (0,))
    found = desk.difference
    assert found is not None
    assert found is desk.difference
    assert set(desk.marks("left").values()) <= {"lost", "reranked"}
    desk.state.move_to(31)
    assert desk.difference is not found
    desk.close()
    assert desk.marks("right") == {}


def test_nodes_are_found_by_words_in_any_order() -> None:
    desk = SearchDesk()
    desk.open(7)
    desk.take(ROW, (trace_of(), 1), AT)
    assert desk.state is not None
    found = matching_orders(desk.state, "gender AGE")
    assert found
    assert all({0, 1} <= set(order) for order in found)
    assert len(found[0]) == 2
    assert matching_orders(desk.state, "nothing such") == []
    assert matching_orders(desk.state, "  ") == []


def test_the_list_keeps_its_columns_and_shows_nothing_harmful() -> None:
    row = ROW | {
        "best_q": 4.5, "rollouts": 80, "rule": "raise", "created_at": ENDED, "finished_at": ENDED,
        "query": "\x1b]0;title\x07" + "a long question " * 20,
    }  # fmt: skip
    for width in (60, 80, 118):
        heading, lines = search_lines([row], width)
        assert len(text_of(lines[0])) <= width
        assert "\x1b" not in text_of(lines[0])
        assert "best Q" in text_of(heading)
        assert "4.50" in text_of(lines[0])
    assert "surrogate" in text_of(lines[0])
