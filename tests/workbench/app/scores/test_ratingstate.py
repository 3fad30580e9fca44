"""Blind rating without a screen: order, resuming, and what is stored."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.ratings import Rating
from workbench.app.state.scores.rating import RatingSession

UNITS = range(10, 30)


def rated(*units: int) -> dict[int, Rating]:
    return {unit: Rating(unit, "R", (3, 3, 3), 3.0, "so") for unit in units}


def test_the_order_is_the_raters_own_and_shuffled() -> None:
    one, again, other = (RatingSession.begin("r", name, UNITS, {}) for name in ("R", "R", "S"))
    assert sorted(one.order) == list(UNITS)
    assert one.order == again.order
    assert one.order not in (other.order, tuple(UNITS))
    assert one.order != RatingSession.begin("r2", "R", UNITS, {}).order


@given(st.sets(st.sampled_from(UNITS)))
def test_whoever_stops_goes_on_with_the_first_unrated(done: set[int]) -> None:
    session = RatingSession.begin("r", "R", UNITS, rated(*done))
    assert session.progress == f"{len(done)} of 20 rated"
    if len(done) < 20:
        assert session.unit == next(unit for unit in session.order if unit not in done)
        assert session.values == [None, None, None]
    else:
        assert session.finished


def test_what_a_run_adds_later_leaves_the_order_of_the_rest() -> None:
    before, after = RatingSession.begin("r", "R", UNITS, {}), RatingSession.begin("r", "R", range(10, 40), {})
    assert [unit for unit in after.order if unit in UNITS] == list(before.order)


def test_keys_fill_the_dimensions_in_turn_and_nothing_is_stored_before_all_have_a_value() -> None:
    session = RatingSession.begin("r", "R", UNITS, {})
    session.rate(4)
    assert session.dimension == 1
    with pytest.raises(ValueError, match="emotional empathy, user alignment"):
        session.rating()
    session.move(1)
    session.rate(2)
    session.rate(5)
    assert session.values == [4, 5, 2]
    session.comment = " fine "
    rating = session.rating()
    assert (rating.dimensions, rating.comment, rating.source) == ((4, 5, 2), "fine", "app")
    assert rating.score == pytest.approx(11 / 3)
    first = session.unit
    session.stored(rating)
    assert session.unit != first
    assert session.values == [None, None, None]
    assert session.comment == ""
    session.back()
    assert (session.unit, session.values, session.comment) == (first, [4, 5, 2], "fine")
    with pytest.raises(ValueError, match="1 to 5"):
        session.rate(6)


def test_what_is_skipped_comes_again_after_the_rest() -> None:
    session = RatingSession.begin("r", "R", (1, 2), {})
    first, second = session.order
    session.skip()
    assert session.unit == second
    session.stored(Rating(second, "R", (1, 1, 1), 1.0))
    assert session.unit == first
    session.stored(Rating(first, "R", (1, 1, 1), 1.0))
    assert session.finished


def test_a_run_without_responses_has_nothing_to_rate() -> None:
    session = RatingSession.begin("r", "R", (), {})
    assert session.unit is None
    assert session.finished
    with pytest.raises(ValueError, match="not rated"):
        session.rating()
