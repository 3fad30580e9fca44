"""How figures are written for people."""

import pytest

from workbench.figures import mean_and_half, p_value, places, two_digits


def test_means_stand_with_half_their_interval() -> None:
    assert mean_and_half(4.234, 4.1, 4.32) == "4.23±.11"
    assert mean_and_half(0.5, -1.5, 1.5, sign="+") == "+0.50±1.50"
    assert mean_and_half(3, None, None) == "3.00"
    assert (places(3.456), places(None)) == ("3.46", None)


@pytest.mark.parametrize(("p", "text"), [(None, None), (0.0004, "<.001"), (0.25, ".250"), (1.0, "1.000")])
def test_a_p_has_three_places(p: float | None, text: str | None) -> None:
    assert p_value(p) == text


@pytest.mark.parametrize(("count", "text"), [(7, "about 7"), (99, "about 99"), (1234, "about 1,300")])
def test_estimated_counts_are_rounded_up_to_two_digits(count: int, text: str) -> None:
    assert two_digits(count) == text
