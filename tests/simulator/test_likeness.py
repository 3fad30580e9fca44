"""The same query in other clothes is found; another question in the same words is not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.build.likeness import Queries
from simulator.bundled import bundled

BASE = "Should I take out a loan to pay off my credit cards before the summer?"


@pytest.mark.parametrize(
    "query", [BASE.upper(), f"  {BASE.replace(' ', '  ')}\n", BASE.casefold()], ids=["case", "space", "lower"]
)
def test_case_and_white_space_make_no_new_query(query: str) -> None:
    assert Queries([BASE]).find(query) == "duplicate"


@pytest.mark.parametrize(
    "query",
    [
        "Should I take a loan to pay off my credit cards before summer?",
        "Could I take out a loan and pay off the credit cards before the summer?",
        "Should I take out loans to pay off my credit card before the summer?!",
    ],
)
def test_rewordings_are_near(query: str) -> None:
    assert Queries([BASE]).find(query) == "near-duplicate"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("How do I tell my parents that I failed the exam?", "How do I tell my parents that I passed the exam?"),
        ("Should I lend my brother money?", "Should I lend my sister money?"),
        ("Is it safe to fast for three days?", "Is it safe to run for three days?"),
        ("How do I tell my parents that I am leaving?", "How do I tell my boss that I am leaving?"),
        ("Should I move in with my partner this year?", "Should I move out of my parents' home this year?"),
        ("Is a glass of wine each evening harmless?", "Is an hour of running each evening harmless?"),
    ],
)
def test_another_question_is_another_question(one: str, other: str) -> None:
    assert Queries([one]).find(other) is None


def test_the_bundled_queries_are_all_different() -> None:
    queries = Queries()
    for scenario in bundled():
        assert queries.find(scenario.query) is None
        queries.add(scenario.query)
        assert queries.find(scenario.query) == "duplicate"


@given(st.lists(st.text(min_size=1), max_size=30))
def test_whatever_was_taken_in_is_found_again(texts: list[str]) -> None:
    together, one_by_one = Queries(texts), Queries()
    for text in texts:
        one_by_one.add(text)
    for text in texts:
        assert together.find(text) == one_by_one.find(text) == "duplicate"


def test_it_grows_without_bounds() -> None:
    queries = Queries(f"query {n} about number {n * 7919}" for n in range(2500))
    queries.add(BASE)
    assert queries.find(BASE) == "duplicate"
    assert queries.find("query 2499 about number 19789581") == "duplicate"
