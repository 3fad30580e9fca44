"""The phrase list finds immediate danger and leaves dark, past, reported and figurative texts alone."""

import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.bundled import bundled
from simulator.crisis import MAX_CHARACTERS, signals_immediate_danger


def read(name: str) -> list[str]:
    lines = (Path(__file__).parent / "data" / name).read_text("utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


POSITIVES = read("crisis_positive.txt")
NEGATIVES = read("crisis_negative.txt")


def test_there_are_enough_examples() -> None:
    assert len(set(POSITIVES)) >= 40
    assert len(set(NEGATIVES)) >= 200


def test_danger_is_found() -> None:
    missed = [query for query in POSITIVES if not signals_immediate_danger(query)]
    assert len(missed) <= 0.05 * len(POSITIVES), missed


def test_false_alarms_are_rare() -> None:
    alarms = [query for query in NEGATIVES if signals_immediate_danger(query)]
    assert len(alarms) <= 0.02 * len(NEGATIVES), alarms


@pytest.mark.parametrize(
    "query",
    [
        "I AM GOING TO END MY LIFE TONIGHT",
        "i’m  going\nto end my life",
        "“I am going to end my life tonight.”",
        "I am going to end\u200b my life",
        "Ｉ am going to end my life",
        "How do I cook rice? Never mind. I am going to end my life tonight. Thanks.",
    ],
)
def test_spelling_and_place_do_not_hide_danger(query: str) -> None:
    assert signals_immediate_danger(query)


def test_the_bundled_scenarios_are_dark_but_no_crisis() -> None:
    assert [scenario.query for scenario in bundled() if signals_immediate_danger(scenario.query)] == []


@pytest.mark.parametrize("word", ["not", "never", "no longer"])
def test_negation_is_read(word: str) -> None:
    assert signals_immediate_danger("I am going to kill myself")
    assert not signals_immediate_danger(f"I am {word} going to kill myself")


@given(st.text(max_size=200))
def test_any_text_gets_an_answer(text: str) -> None:
    assert signals_immediate_danger(f"I am going to end my life. {text}") or text
    assert signals_immediate_danger(text) in (True, False)


def test_only_the_beginning_of_an_endless_text_is_read() -> None:
    danger = "I am going to end my life tonight."
    assert signals_immediate_danger(danger + " and" * MAX_CHARACTERS)
    assert not signals_immediate_danger("and " * MAX_CHARACTERS + danger)


def test_nothing_is_kept_of_long_hostile_texts() -> None:
    assert not signals_immediate_danger("")  # the list itself stays
    tracemalloc.start()
    for i in range(5):
        assert signals_immediate_danger("tonight i will kill myself with a gun " * 500 + str(i))
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept < 200_000
