"""The simulated user says what is true of the person, as its persona does, and the same again."""

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.attributes import ATTRIBUTES, KEYS, N_ATTRIBUTES
from simulator.dialogue import Question, Reply
from simulator.scenario import Profile
from simulator.user import coarsen, declined, simulate_reply, spoken
from simulator.world import Persona

PERSONAS: tuple[Persona, ...] = get_args(Persona)
PERSON = Profile(
    (
        "28 years",
        "Female",
        "Divorced",
        "IT Engineer",
        "Severe Difficulty",
        "Chronic Disease",
        "Master's",
        "Severe Depression",
        "Yes",
        "Feels worn out after the move, and is not sure whom to call.",
    )
)
NOBODY = Profile((None,) * N_ATTRIBUTES)
values = st.none() | st.text(max_size=60)


def ask(profile: Profile, attribute: int, persona: Persona = "cooperative", seed: int = 0) -> Reply:
    return simulate_reply(profile, Question(attribute, "Would you tell me?"), persona, (seed, "scenario"))


@pytest.mark.parametrize("attribute", range(N_ATTRIBUTES))
def test_cooperative_tells_the_truth(attribute: int) -> None:
    reply = ask(PERSON, attribute)
    assert (reply.status, reply.known, reply.truth) == ("answered", PERSON[attribute], PERSON[attribute])
    assert "{" not in reply.text


@pytest.mark.parametrize("attribute", range(N_ATTRIBUTES))
def test_terse_says_the_value_and_nothing_else(attribute: int) -> None:
    reply = ask(PERSON, attribute, "terse")
    assert reply.text == reply.known == PERSON[attribute]


@pytest.mark.parametrize("persona", PERSONAS)
@pytest.mark.parametrize("attribute", range(N_ATTRIBUTES))
def test_a_missing_value_is_not_known_to_the_user(persona: Persona, attribute: int) -> None:
    reply = ask(NOBODY, attribute, persona)
    assert (reply.status, reply.known, reply.truth) == ("unknown", None, None)
    assert "know" in reply.text


@pytest.mark.parametrize(
    ("key", "value", "coarser"),
    [
        ("age", "28 years", "under 35"),
        ("age", "25-34", "under 35"),
        ("age", "55+", "55 or older"),
        ("age", "30-39 years", "an adult"),
        ("age", "13-17 years", "under 35"),
        ("age", "late twenties", None),
        ("age", "9999", None),
        ("gender", "Female", None),
        ("marital_status", "Widowed", "not with a partner at the moment"),
        ("marital_status", "Married", "with somebody"),
        ("profession", "Teacher", "something in education"),
        ("profession", "Astronaut", "I work"),
        ("economic_status", "Severe Difficulty", "money is tight"),
        ("health_status", "Good", "mostly fine"),
        ("education_level", "High School", "I went to school"),
        ("education_level", "PhD", "some higher education"),
        ("mental_health_status", "Severe Depression", "something with low mood"),
        ("mental_health_status", "None", "nothing that stands out"),
        ("mental_health_status", "Other", "some difficulties"),
        ("past_self_harm_history", "Yes", "some hard times in the past"),
        ("past_self_harm_history", "None", "nothing I would dwell on"),
        ("emotional_state", "Tired and alone. Hopes for help.", "Tired"),
        ("emotional_state", "Numb.", "a bit up and down"),
    ],
)
def test_coarser_values(key: str, value: str, coarser: str | None) -> None:
    assert coarsen(KEYS.index(key), value) == coarser


def test_every_listed_value_but_gender_has_a_coarser_one() -> None:
    for index, attribute in enumerate(ATTRIBUTES):
        for value in attribute.vocabulary:
            coarser = coarsen(index, value)
            assert (coarser is None) == (attribute.key == "gender"), (attribute.name, value)
            assert coarser != value


def test_partial_is_coarser_and_marked() -> None:
    reply = ask(PERSON, KEYS.index("mental_health_status"), "partial")
    assert (reply.status, reply.known) == ("partial", "something with low mood")
    assert "something with low mood" in reply.text
    assert "Severe" not in reply.text
    assert ask(PERSON, KEYS.index("gender"), "partial").status == "answered"


@pytest.mark.parametrize(("persona", "status"), [("evasive", "evasive"), ("refusing", "refused")])
def test_what_is_sensitive_is_withheld_more_often(persona: Persona, status: str) -> None:
    def share(key: str) -> float:
        replies = [ask(PERSON, KEYS.index(key), persona, seed) for seed in range(400)]
        for reply in replies:
            assert reply.status in (status, "answered")
            assert (reply.known is None) == (reply.status == status)
            assert reply.truth == PERSON[reply.attribute]
        return sum(reply.status == status for reply in replies) / len(replies)

    shares = [share(k) for k in ("age", "economic_status", "mental_health_status", "past_self_harm_history")]
    assert shares == sorted(shares)
    assert shares[0] < 0.3
    assert 0.7 < shares[-1] < 1


def test_a_refusal_does_not_depend_on_the_value() -> None:
    index = KEYS.index("past_self_harm_history")
    other = Profile((*PERSON.values[:index], "None", *PERSON.values[index + 1 :]))
    for seed in range(50):
        assert ask(PERSON, index, "refusing", seed).status == ask(other, index, "refusing", seed).status


def test_wordings_vary_with_the_key_and_only_with_it() -> None:
    texts = [ask(PERSON, 3, seed=seed).text for seed in range(30)]
    assert len(set(texts)) > 1
    assert texts == [ask(PERSON, 3, seed=seed).text for seed in range(30)]


def test_an_attribute_that_does_not_exist_is_refused() -> None:
    for attribute in (-1, N_ATTRIBUTES):
        with pytest.raises(ValueError, match="no attribute"):
            ask(PERSON, attribute)


@given(st.lists(values, min_size=N_ATTRIBUTES, max_size=N_ATTRIBUTES), st.sampled_from(PERSONAS), st.integers(0, 9))
def test_any_text_is_answered_and_never_read_as_a_template(
    texts: list[str | None], persona: Persona, attribute: int
) -> None:
    profile = Profile(tuple(f"{{topic.__class__}} {text}" if text else text for text in texts))
    reply = ask(profile, attribute, persona)
    assert reply.text
    assert reply.truth == profile[attribute]
    assert (reply.known is not None) == (reply.status in ("answered", "partial"))
    assert reply.known is None or reply.status == "partial" or reply.known == reply.truth
    assert "<class" not in reply.text


def say(attribute: int, text: str, profile: Profile = PERSON) -> Reply:
    return spoken(profile, Question(attribute, "Would you tell me?"), text)


@pytest.mark.parametrize("attribute", range(N_ATTRIBUTES))
def test_what_the_simulated_user_says_means_the_true_value_when_a_person_says_it(attribute: int) -> None:
    for seed in range(20):
        reply = ask(PERSON, attribute, seed=seed)
        said = say(attribute, f"  {reply.text.upper()} ")
        assert (said.status, said.known, said.truth, said.said_by) == ("answered", reply.truth, reply.truth, "person")
    assert say(attribute, PERSON[attribute] or "").known == PERSON[attribute]


@pytest.mark.parametrize(
    "text", ["Not divorced.", "Divorced? No.", "Married", "none of your business", "divorce", "Divorced and married"]
)
def test_anything_else_is_known_as_it_was_said(text: str) -> None:
    reply = say(KEYS.index("marital_status"), text)
    assert (reply.text, reply.known, reply.truth) == (text, text, "Divorced")


def test_a_person_may_say_what_the_profile_does_not_hold() -> None:
    assert say(0, "I am 30", NOBODY) == Reply(0, "answered", "I am 30", "I am 30", None, "person")


def test_a_person_who_says_nothing_did_not_answer() -> None:
    with pytest.raises(ValueError, match="nothing was said"):
        say(0, " \n")


def test_a_person_may_decline() -> None:
    reply = declined(PERSON, Question(8, "Would you tell me?"))
    assert (reply.status, reply.known, reply.truth, reply.said_by) == ("refused", None, "Yes", "person")
    assert reply.text[:1].isupper()
    assert "{" not in reply.text
