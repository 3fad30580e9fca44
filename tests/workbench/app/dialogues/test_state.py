"""The replay without a screen: steps, differences, what is known, and where a branch leaves."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.attributes import NAMES
from tests.workbench.app.dialogues.rows import dialogue, row, turn
from workbench.app.state.dialogues.dialogues import (
    Replay,
    column,
    describe_change,
    first_columns,
    listed_title,
    same_choice,
)
from workbench.app.state.dialogues.takeover import Change, leave, probe_arguments

asked = st.lists(st.sampled_from(NAMES), max_size=5, unique=True)


@given(asked, asked, st.lists(st.integers(-3, 3), max_size=8))
def test_steps_stay_within_the_replay_and_say_never_less_going_on(
    one: list[str], two: list[str], moves: list[int]
) -> None:
    replay = Replay([dialogue(*one), dialogue(*two, unit=2)])
    for move in moves:
        before = replay.step, [replay.said(0), replay.said(1)]
        replay.go_to(replay.step + move)
        assert 0 <= replay.step <= replay.last
        if replay.step >= before[0]:
            assert all(now >= then for now, then in zip([replay.said(0), replay.said(1)], before[1], strict=True))
    replay.go_to(replay.last)
    assert [replay.said(0), replay.said(1)] == [len(one), len(two)]


@given(asked, asked)
def test_next_difference_visits_every_row_that_differs_and_no_other(one: list[str], two: list[str]) -> None:
    replay = Replay([dialogue(*one), dialogue(*two, unit=2)])
    wanted = [step + 1 for step in range(replay.rows) if replay.differs(step)]
    forth = []
    while replay.next_difference():
        forth.append(replay.step)
    replay.go_to(replay.last)
    back = []
    while replay.next_difference(-1):
        back.append(replay.step)
    assert forth == wanted == back[::-1]


def test_marks_say_how_turns_stand_to_each_other() -> None:
    one = column(row(turn("Age"), turn("Gender"), turn("Profession")))
    other = column(row(turn("Age"), turn("Gender", known=None, status="refused"), turn("Health Status"), unit=2))
    replay = Replay([one, other])
    assert [replay.mark(r, 0) for r in range(3)] == ["same", "reply", "differs"]
    assert Replay([one]).mark(0, 0) == ""
    assert Replay([dialogue("Age"), dialogue(unit=2)]).mark(0, 0) == "only"
    assert [replay.differs(r) for r in range(3)] == [False, True, True]


def test_what_is_known_fills_in_with_completeness_and_score() -> None:
    told = turn("Age", completeness=0, score=3.1)
    refused = turn("Gender", completeness=2, score=3.4, status="refused", known=None)
    each = column(row(told, refused, completeness=4, score=3.9))
    assert [each.learned(said) for said in range(3)] == [0, 1, 1]
    assert [each.completeness(said) for said in range(3)] == [0, 2, 4]
    assert [each.score(said) for said in range(3)] == [3.1, 3.4, 3.9]
    assert [turn.status for turn in each.known(2)] == ["answered", "refused"]


def test_a_running_branch_has_no_ending_yet_and_may_wait() -> None:
    waiting = turn("Age", status=None, reply=None, known=None, said_by=None)
    branch = {"parent": 1, "step": 0, "change": {"interactive": True}}
    each = column(row(waiting, state="running", branch=branch, unit=2, completeness=5, ending=None))
    assert each.running
    assert each.waiting
    assert each.interactive
    assert each.completeness(1) is None  # what stands there is its parent's
    assert each.known(1) == []


@pytest.mark.parametrize(
    ("known", "truth", "departs"), [("Single", "single.", False), ("Single", "Married", True), ("x", None, True)]
)
def test_a_reply_departs_where_it_claims_what_is_not_so(known: str, truth: str | None, departs: bool) -> None:
    each = column(row(turn("Marital Status", known=known, truth=truth)))
    assert each.turns[0].departs == departs
    partial = column(row(turn("Marital Status", known=known, truth=truth, status="partial")))
    assert not partial.turns[0].departs


def test_the_step_stays_at_its_turn_when_columns_come_and_go() -> None:
    replay = Replay([dialogue("Age", "Gender")])
    replay.go_to_turn(1, 2)
    assert replay.name_of_step() == "step 2 of 2"
    replay.show([dialogue("Profession", "Health Status", "Age", unit=2), dialogue("Age", "Gender")])
    assert replay.turn(1, replay.step - 1) == dialogue("Gender").turns[0]
    replay.go_to(replay.last)
    replay.show([dialogue("Age")])
    assert replay.name_of_step() == "answer"
    replay.go_to(0)
    assert replay.name_of_step() == "query"
    replay.go_to_turn(1, 7)
    assert replay.name_of_step() == "answer"


def test_an_empty_replay_has_two_steps_and_nothing_to_say() -> None:
    replay = Replay()
    assert (replay.rows, replay.last) == (0, 1)
    assert not replay.next_difference()
    assert replay.titles() == []


def family(*kinds: tuple[int, str, str, int | None]) -> list[dict[str, Any]]:
    return [
        {"unit": u, "run": "r", "arm": arm, "model": m, "state": "done", "parent": p, "step": 1, "change": {"say": "x"}}
        for u, arm, m, p in kinds
    ]


def test_first_columns_are_agent_and_planner_of_one_model_or_branch_and_parent() -> None:
    all_of_it = family(
        (1, "agent", "m", None), (2, "planner", "m", None), (3, "agent", "n", None), (4, "agent", "m", 1)
    )
    assert first_columns(all_of_it, 2) == [1, 2]
    assert first_columns(all_of_it, 3) == [3]
    assert first_columns(all_of_it, 4) == [1, 4]
    other = family((11, "agent", "m", None), (12, "planner", "m", None), (13, "agent", "n", None))
    assert same_choice(other, [all_of_it[1], all_of_it[2], all_of_it[3]]) == [12, 13]


def test_titles_name_models_only_where_they_differ_and_branches_by_where_they_left() -> None:
    left = {"parent": 1, "step": 1, "change": {"ask": "Age"}}
    assert Replay([dialogue("Age"), dialogue("Age", unit=2, branch=left)]).titles() == [
        "agent arm",
        "⑂ branch 2 of agent arm, from question 2",
    ]
    assert Replay([dialogue(), dialogue(unit=2, model="n")]).titles() == ["agent · m", "agent · n"]
    assert Replay([dialogue()]).titles(["m", "n"]) == ["agent · m"]
    assert listed_title(family((4, "agent", "m", 1))[0], model=True).endswith("from question 2: said “x”")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"say": "hello"}, "said “hello”"),
        ({"attribute": "Age", "value": "20"}, "Age = 20"),
        ({"attribute": "Age", "value": None}, "Age = unknown"),
        ({"ask": "Gender"}, "asked about Gender"),
        ({"interactive": True}, "a person answers"),
        ({}, "run on"),
    ],
)
def test_a_change_is_said_in_words(change: dict[str, Any], said: str) -> None:
    assert describe_change(change) == said


def test_a_branch_leaves_before_the_turn_that_is_shown_or_after_it() -> None:
    replay = Replay([dialogue("Age", "Gender")])
    replay.go_to(2)
    here = leave(replay, 0)
    assert (here.at, here.question) == (1, "What about Gender?")
    assert "Age" not in here.free
    assert "Gender" in here.free
    assert here.choices == ("say", "ask", "attribute", "run on")
    assert leave(replay, 0, after=True).at == 2
    replay.go_to(replay.last)
    end = leave(replay, 0)
    assert (end.at, end.question) == (2, None)
    assert "say" not in end.choices
    replay.go_to(0)
    assert leave(replay, 0).at == 0


def test_a_change_becomes_a_command_line_in_which_text_stays_text() -> None:
    place = leave(Replay([dialogue("Age")]), 0)
    assert Change("say", "--probe; rm").arguments(place) == ["branch", "1", "--at", "0", "--say=--probe; rm"]
    assert Change("ask", attribute="Gender").arguments(place)[-1] == "--ask=Gender"
    assert Change("attribute", "20", "Age").arguments(place)[-1] == "--attribute=Age=20"
    assert Change("run on", interactive=True).arguments(place) == ["branch", "1", "--at", "0", "--interactive"]
    assert probe_arguments(dialogue("Age"), 1) == ["branch", "1", "--at", "1", "--probe"]


@pytest.mark.parametrize("what", ["say", "ask", "attribute"])
def test_a_change_that_misses_something_says_what(what: Any) -> None:
    with pytest.raises(ValueError, match=r"write|choose"):
        Change(what, " ")
