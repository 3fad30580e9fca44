"""Two texts beside each other: the pieces are the texts, and what is common is common."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from workbench.app.state.scores.textdiff import Piece, compare_words

TEXTS = st.text(st.sampled_from("ab c\n\t.é"), max_size=60)


def common(pieces: tuple[Piece, ...]) -> list[str]:
    """Return the words that a text shares with the other."""
    return [word for piece in pieces if not piece.only for word in piece.text.split()]


@given(TEXTS, TEXTS)
def test_pieces_joined_are_the_texts_and_common_words_are_the_same(first: str, second: str) -> None:
    one, other = compare_words(first, second)
    assert "".join(piece.text for piece in one) == first
    assert "".join(piece.text for piece in other) == second
    assert common(one) == common(other)
    for pieces in (one, other):
        assert all(piece.text for piece in pieces)
        assert all(before.only != after.only for before, after in pairwise(pieces))


@given(TEXTS)
def test_equal_texts_differ_nowhere(text: str) -> None:
    assert not any(piece.only for side in compare_words(text, text) for piece in side)


@given(TEXTS)
def test_against_nothing_everything_is_different(text: str) -> None:
    one, other = compare_words(text, "")
    assert other == ()
    assert all(piece.only for piece in one)


def test_what_was_put_in_is_marked_and_single_words_in_common_are_not_taken_for_text() -> None:
    one, other = compare_words("Take your time with this.", "Take your time, dear friend, with this.")
    assert one == (Piece("Take your time with this.", True),)
    one, other = compare_words("Rest well. Take your time with this.", "Today rest. Take your time with this.")
    assert one == (Piece("Rest well.", True), Piece(" Take your time with this.", False))
    assert other == (Piece("Today rest.", True), Piece(" Take your time with this.", False))
