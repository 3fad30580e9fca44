"""Dialogues side by side: nothing lost, nothing out of order, and as much beside its like as can be."""

from functools import cache

from hypothesis import given
from hypothesis import strategies as st

from workbench.app.state.dialogues.alignment import align

paths = st.lists(st.lists(st.sampled_from("abcdefghij"), max_size=8), min_size=1, max_size=3)


@given(paths)
def test_every_turn_stands_in_one_row_in_its_order(asked: list[list[str]]) -> None:
    alignment = align(asked)
    for dialogue, path in enumerate(asked):
        turns = [cells[dialogue] for cells in alignment.rows if cells[dialogue] is not None]
        assert turns == list(range(len(path)))
        assert alignment.said(dialogue, len(alignment.rows)) == len(path)
        for turn in range(len(path)):
            row = alignment.row_of(dialogue, turn)
            assert alignment.said(dialogue, row) == turn
    assert all(any(turn is not None for turn in cells) for cells in alignment.rows)


@given(st.lists(st.sampled_from("abcde"), max_size=7), st.lists(st.sampled_from("abcde"), max_size=7))
def test_two_dialogues_share_as_many_rows_as_their_longest_common_subsequence(one: list[str], two: list[str]) -> None:
    @cache
    def longest(i: int, j: int) -> int:
        if i == len(one) or j == len(two):
            return 0
        if one[i] == two[j]:
            return 1 + longest(i + 1, j + 1)
        return max(longest(i + 1, j), longest(i, j + 1))

    same = sum(i is not None and j is not None and one[i] == two[j] for i, j in align([one, two]).rows)
    assert same >= longest(0, 0)


def test_what_differs_between_two_common_turns_stands_side_by_side() -> None:
    rows = align([["Age", "Gender", "Health"], ["Age", "Profession", "Education", "Health"]]).rows
    assert rows == ((0, 0), (1, 1), (None, 2), (2, 3))


def test_a_third_dialogue_joins_the_row_that_holds_its_attribute_most_often() -> None:
    assert align([["a", "b"], ["b"], ["b", "c"]]).rows == ((0, None, None), (1, 0, 0), (None, None, 1))


def test_a_dialogue_without_turns_takes_no_rows() -> None:
    assert align([[], []]).rows == ()
    assert align([]).rows == ()
    assert align([["a"], []]).rows == ((0, None),)
