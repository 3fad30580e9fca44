"""What gives a profile away is found, attribute by attribute; what speaks of others or in figures is not."""

from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.attributes import NAMES
from simulator.build import build
from simulator.build.leaks import leaks
from simulator.bundled import bundled
from simulator.scenario import Profile

WHOLE = {
    "Age": "25-34",
    "Gender": "Female",
    "Marital Status": "Married",
    "Profession": "Teacher",
    "Economic Status": "Difficult",
    "Health Status": "Type 2 diabetes",
    "Education Level": "PhD",
    "Mental Health Status": "Anxiety",
    "Past Self-Harm History": "Yes",
    "Emotional State": "Exhausted after the winter, ashamed of asking and frightened of losing the flat.",
}

TOLD = [
    ("Age", {}, "I'm 28 and wonder whether to move abroad."),
    ("Age", {}, "As a 31-year-old, is it too late to change careers?"),
    ("Age", {}, "Me (29F) and a colleague disagree. Who is right?"),
    ("Age", {}, "I am in my late twenties. Should I freeze my savings plan?"),
    ("Age", {}, "I just turned 33, should I lift heavier weights?"),
    ("Gender", {}, "As a woman, how should I negotiate this?"),
    ("Gender", {"Gender": "Male"}, "I'm a new dad. Is four hours of sleep enough?"),
    ("Gender", {}, "I'm newly pregnant, may I fly?"),
    ("Marital Status", {}, "Should I tell my husband about the debt?"),
    ("Marital Status", {"Marital Status": "Divorced"}, "How do I split the holidays with my ex-wife?"),
    ("Marital Status", {"Marital Status": "Widowed"}, "What do I do with my late husband's letters?"),
    ("Marital Status", {"Marital Status": "Single"}, "I'm still single, should I book the trip alone?"),
    ("Profession", {}, "I teach all day and lose my voice. What helps?"),
    ("Profession", {}, "As a primary school teacher, may I say no to this?"),
    ("Profession", {"Profession": "Nurse on night shifts"}, "I'm a nurse, is it fine to skip breakfast?"),
    ("Profession", {"Profession": "Unemployed"}, "I've just lost my job. Should I tell my parents?"),
    ("Health Status", {}, "Can I fast for a day with my diabetes?"),
    ("Health Status", {"Health Status": "Chronic Disease"}, "I have a chronic illness, can I travel?"),
    ("Health Status", {"Health Status": "Serious Illness"}, "Should I go to work during my chemo?"),
    ("Health Status", {"Health Status": "Lupus"}, "Is sunbathing fine, as I have lupus?"),
    ("Mental Health Status", {}, "How do I hide my anxiety at the interview?"),
    (
        "Mental Health Status",
        {"Mental Health Status": "Severe Depression"},
        "I'm very depressed, should I go out more?",
    ),
    ("Past Self-Harm History", {}, "I used to self-harm. Should I get a tattoo there?"),
    ("Past Self-Harm History", {}, "How do I cover my scars at the pool?"),
    ("Past Self-Harm History", {}, "I feel like hurting myself again when it is quiet. What now?"),
    ("Education Level", {}, "Does my PhD make me look overqualified?"),
    ("Emotional State", {}, "I'm exhausted, ashamed and frightened of losing it all. Should I call them?"),
]

INNOCENT = [
    "Is 30 minutes of running a day enough? I was 20 minutes late today.",
    "My mother is 64 and wants to move in. Is that wise?",
    "My 12-year-old wants a phone. Should I buy one?",
    "I'm 10 kg heavier than last year. How fast may I lose it?",
    "The woman next door shouts at night. What can I do?",
    "Should I report the man who follows people home?",
    "Can every single payment be reversed?",
    "How do I help my parents through their divorce?",
    "My brother's wife borrowed my car. How do I ask for it back?",
    "My son's teacher called. What should I answer?",
    "Should I teach myself to swim?",
    "My father has diabetes. What should I cook for him?",
    "Is sugar as bad as they say?",
    "My friend has anxiety before exams. How can I calm him?",
    "Should I cut myself some slack and skip the gym?",
    "I cut myself while cooking. How do I clean the cut?",
    "Does the health insurance pay for glasses?",
    "Is a doctor's note needed after three days?",
    "I was married to the idea of a garden. Should I let it go?",
    "My neighbour lost his job. Should I offer him money?",
    "Is the winter a bad time to move flats?",
]


@pytest.mark.parametrize(("attribute", "change", "query"), TOLD, ids=[query for _, _, query in TOLD])
def test_what_gives_it_away_is_found(attribute: str, change: dict[str, str], query: str) -> None:
    found = leaks(query, Profile.from_mapping(WHOLE | change))
    assert NAMES.index(attribute) in [leak.attribute for leak in found]
    without = Profile.from_mapping({**WHOLE, **change, attribute: "Unknown"})
    assert NAMES.index(attribute) not in [leak.attribute for leak in leaks(query, without)], "nothing is known of it"


@pytest.mark.parametrize("query", INNOCENT)
def test_others_and_figures_of_speech_give_nothing_away(query: str) -> None:
    assert leaks(query, Profile.from_mapping(WHOLE)) == ()


def test_no_history_is_not_given_away_by_speaking_of_it() -> None:
    profile = Profile.from_mapping({"Past Self-Harm History": "None", "Mental Health Status": "None"})
    assert leaks("How do I talk with my sister about my scars from the accident and her depression?", profile) == ()


def test_our_own_scenarios_hardly_give_anything_away() -> None:
    """A query that was written to tell nothing is rarely flagged: less than one in two hundred."""
    scenarios = list(chain(bundled(), build(3000, 5)))
    flagged = [scenario for scenario in scenarios if leaks(scenario.query, scenario.profile)]
    assert len(flagged) < len(scenarios) / 200


@given(st.text(max_size=200), st.lists(st.none() | st.text(max_size=60), min_size=10, max_size=10))
def test_no_text_is_too_strange(query: str, values: list[str | None]) -> None:
    profile = Profile(tuple(values))
    assert all(profile[leak.attribute] is not None and leak.words for leak in leaks(query, profile))


@given(st.sampled_from([query for _, _, query in TOLD]), st.sampled_from([str.upper, str.casefold, str.title]))
def test_case_hides_nothing(query: str, case: object) -> None:
    profile = Profile.from_mapping(WHOLE)
    changed = case(query.replace("'", "’"))  # type: ignore[operator]  # a method of str
    assert [leak.attribute for leak in leaks(changed, profile)] == [leak.attribute for leak in leaks(query, profile)]
