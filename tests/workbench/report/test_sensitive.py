"""Which texts are folded away at first."""

import pytest

from simulator.scenario import Profile
from workbench.report.sensitive import reason_to_fold, speaks_of_self_harm


@pytest.mark.parametrize(
    "text",
    [
        "is there any self-harm in your past?",
        "Self‑Harm",
        "he is suicidal",
        "I could kill myself",
        "I wanted to end my life",
        "they want to die",
        "i don't want to live",
        "an overdose",
        "better off dead",
        "no reason to live any more",
        "cutting herself",
    ],
)
def test_words_of_self_harm_are_found(text: str) -> None:
    assert speaks_of_self_harm([None, "", text])


@pytest.mark.parametrize(
    "text",
    ["How do I end the lease early?", "I live alone", "a cutting board", "my life is busy", "time to kill", "harmless"],
)
def test_other_words_are_not(text: str) -> None:
    assert not speaks_of_self_harm([text])


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"Past Self-Harm History": "Yes"}, "the person has a history of self-harm"),
        ({"Past Self-Harm History": "one attempt"}, "the person has a history of self-harm"),
        ({"Past Self-Harm History": "None"}, ""),
        ({"Mental Health Status": "Severe Depression"}, "the person is in severe distress"),
        ({"Mental Health Status": "suicidal thoughts"}, "the person is in severe distress"),
        ({"Mental Health Status": "Anxiety"}, ""),
        ({}, ""),
    ],
)
def test_the_history_of_a_person_counts(values: dict[str, object], reason: str) -> None:
    assert reason_to_fold(Profile.from_mapping(values), ["What is a good book?"]) == reason


def test_words_come_first_and_an_unknown_person_folds_nothing() -> None:
    yes = Profile.from_mapping({"Past Self-Harm History": "Yes"})
    assert reason_to_fold(yes, ["suicide"]) == "speaks of self-harm"
    assert reason_to_fold(None, ["What is a good book?"]) == ""
