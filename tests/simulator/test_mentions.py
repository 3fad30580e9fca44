"""What responses say of the person: measured on the surrogate's own words, and on sentences labelled by hand."""

import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from planner.keyed import generator
from planner.subsets import members
from simulator.attributes import KEYS, N_ATTRIBUTES
from simulator.bundled import bundled
from simulator.dialogue import Knowledge
from simulator.mentions import find_mentions
from simulator.scenario import Profile
from simulator.surrogate.texts import response_text

CASES: list[dict[str, Any]] = tomllib.loads((Path(__file__).parent / "data" / "mentions.toml").read_text("utf-8"))[
    "case"
]


def counted(cases: list[dict[str, Any]]) -> Counter[str]:
    """Count what was rightly found, wrongly found and missed."""
    counts: Counter[str] = Counter()
    for case in cases:
        profile = Profile.from_mapping(case.get("given", {}))
        query = case.get("query", "How do I go on?")
        found = find_mentions(case["text"], profile, profile.known, query=query)
        for what, mask in (("used", found.used), ("invented", found.invented)):
            said, wanted = {KEYS[i] for i in members(mask)}, set(case.get(what, ()))
            counts["right"] += len(said & wanted)
            counts["wrong"] += len(said - wanted)
            counts["missed"] += len(wanted - said)
    return counts


def test_rules_are_right_where_they_were_made_and_precise_where_they_were_not() -> None:
    seen = counted([case for case in CASES if case["set"] == "seen"])
    assert (seen["wrong"], seen["missed"]) == (0, 0)
    held_out = counted([case for case in CASES if case["set"] == "held-out"])
    # docs/judges.md quotes these figures: precision 9 of 9, recall 9 of 15
    assert held_out == {"right": 9, "missed": 6, "wrong": 0}


@pytest.mark.parametrize("style", ["instruction", "crisis"])
def test_the_surrogates_responses_use_what_they_were_given_and_invent_nothing(style: Any) -> None:
    rng = generator("mentions")
    for scenario in bundled():
        mask = int(rng.integers(1 << N_ATTRIBUTES)) & scenario.profile.known
        knowledge = Knowledge.from_profile(scenario.profile, mask)
        text = response_text(scenario.domain, knowledge, style, (scenario.id,))
        found = find_mentions(text, scenario.profile, mask, query=scenario.query)
        assert (found.used, found.invented) == (mask, 0), text


def test_a_response_that_claims_what_was_given_to_another_invents_it() -> None:
    profile = Profile.from_mapping({"Age": "55+", "Marital Status": "Widowed"})
    text = "At 58, you have time. Your late wife would want that. As a nurse, you know it."
    nothing = find_mentions(text, profile, 0, query="What now?")
    assert [KEYS[mention.attribute] for mention in nothing.found] == ["age", "marital_status", "profession"]
    assert nothing.invented == sum(1 << mention.attribute for mention in nothing.found)
    both = find_mentions(text, profile, profile.known, query="What now?")
    assert both.used == profile.known
    assert [KEYS[i] for i in members(both.invented)] == ["profession"]


def test_what_a_reply_or_another_value_told_is_no_invention() -> None:
    profile = Profile.from_mapping({"Emotional State": "Tired since the divorce was final."})
    given, text = profile.known, "Your divorce is still fresh."
    assert find_mentions(text, profile, given, query="And now?").invented == 0
    assert find_mentions(text, profile, 0, query="And now?").invented != 0
    assert find_mentions(text, profile, 0, query="And now?", told=("We got divorced in May.",)).invented == 0


def test_hostile_text_is_read_in_time() -> None:
    text = "you are a " * 5000 + "your " * 5000 + "as an " * 5000
    assert find_mentions(text, Profile((None,) * N_ATTRIBUTES), 0, query="?").found == ()
