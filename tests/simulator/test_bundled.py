"""The bundled scenarios hold what docs/scenarios.md promises about them."""

import json
import re
from collections import Counter
from importlib.resources import files

import pytest

from simulator.attributes import ATTRIBUTES, N_ATTRIBUTES, NAMES
from simulator.bundled import bundled
from simulator.crisis import signals_immediate_danger
from simulator.domains import DOMAINS, domain_of
from simulator.scenario import Scenario, query_key

EMOTIONAL_STATE = NAMES.index("Emotional State")
SELF_HARM = NAMES.index("Past Self-Harm History")

every_scenario = pytest.mark.parametrize("scenario", bundled(), ids=lambda s: s.id)


def test_seventy_ten_a_domain_in_the_order_of_the_paper() -> None:
    assert [s.domain for s in bundled()] == [domain for domain in DOMAINS for _ in range(10)]
    assert {s.source for s in bundled()} == {"bundled"}


def test_file_holds_what_to_dict_writes() -> None:
    lines = files("simulator").joinpath("data/bundled.jsonl").read_text("utf-8").splitlines()
    assert [json.loads(line) for line in lines] == [s.to_dict() for s in bundled()]


def test_nobody_and_nothing_is_there_twice() -> None:
    scenarios = bundled()
    for distinct in ({s.id for s in scenarios}, {s.profile.id for s in scenarios}, {s.issue for s in scenarios}):
        assert len(distinct) == len(scenarios)
    assert len({query_key(s.query) for s in scenarios}) == len(scenarios)


@every_scenario
def test_issue_is_a_published_one_of_its_domain(scenario: Scenario) -> None:
    assert domain_of(scenario.issue) == scenario.domain


@every_scenario
def test_query_is_one_or_a_few_sentences(scenario: Scenario) -> None:
    assert 8 <= len(scenario.query.split()) <= 45
    assert scenario.query == " ".join(scenario.query.split())


@every_scenario
def test_query_does_not_state_a_value_of_its_profile(scenario: Scenario) -> None:
    for value in filter(None, scenario.profile):
        assert not re.search(rf"(?<!\w){re.escape(value.casefold())}(?!\w)", scenario.query.casefold())


@every_scenario
def test_query_is_not_a_crisis_by_itself(scenario: Scenario) -> None:
    assert not signals_immediate_danger(scenario.query)


@every_scenario
def test_values_are_of_the_closed_vocabulary_or_a_short_text(scenario: Scenario) -> None:
    profile = scenario.profile
    for attribute, value in zip(ATTRIBUTES, profile, strict=True):
        if value is not None and value not in attribute.vocabulary:
            assert 2 <= len(value) <= 300
            assert re.search(r"\w", value)
    assert profile[SELF_HARM] in (None, "None", "Yes")
    if (state := profile[EMOTIONAL_STATE]) is not None:
        assert 1 <= len(re.findall(r"[.!?](?:\s|$)", state)) <= 3
        assert state[0].isupper()
        assert state.endswith(".")


def test_unknown_attributes_are_there_but_not_the_rule() -> None:
    missing = [N_ATTRIBUTES - s.profile.known.bit_count() for s in bundled()]
    assert max(missing) == 3
    assert 0.2 <= sum(m > 0 for m in missing) / len(missing) <= 0.5
    assert all(any(s.profile[i] is None for s in bundled()) for i in range(N_ATTRIBUTES) if NAMES[i] != "Health Status")


def test_people_are_varied() -> None:
    def counts(name: str) -> Counter[str | None]:
        return Counter(s.profile[NAMES.index(name)] for s in bundled())

    gender, mental = counts("Gender"), counts("Mental Health Status")
    assert gender["Non-binary/Other"] >= 5
    assert abs(gender["Male"] - gender["Female"]) <= 7
    assert mental["None"] >= 7, "risk is not always one of mental health"
    assert counts("Health Status")["Good"] <= 40
    assert len(counts("Profession")) >= 50
    assert counts("Past Self-Harm History")["Yes"] <= 14
    assert min(counts("Economic Status")[v] for v in ("Stable", "Moderate", "Difficult", "Severe Difficulty")) >= 10
