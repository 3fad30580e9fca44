"""Forms are what vLLM's guided decoding takes, and replies are read strictly."""

import json
import random
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.attributes import N_ATTRIBUTES, NAMES
from simulator.build.forms import DOMAIN, PRESENCE, Told, check_form, extraction_form, issue_form, queries_form
from simulator.dialogue import Question
from simulator.replies import (
    COMPLETENESS,
    CRISIS,
    JUDGEMENT,
    SUFFICIENT,
    USER_REPLY,
    Form,
    UnreadableReplyError,
    answer_or_ask_form,
    choice_form,
    ranking_form,
    wording_form,
)
from tests.fakeserver.values import value

FORMS: dict[str, Form[Any]] = {
    "judgement": JUDGEMENT,
    "completeness": COMPLETENESS,
    "sufficiency": SUFFICIENT,
    "crisis": CRISIS,
    "user reply": USER_REPLY,
    "ranking": ranking_form((1 << N_ATTRIBUTES) - 1),
    "ranking of one": ranking_form(4),
    "choice": choice_form(0b1000000101),
    "choice of one": choice_form(1),
    "answer or ask": answer_or_ask_form(0b1000000101),
    "wording": wording_form(3),
    "presence": PRESENCE,
    "extraction": extraction_form((1 << N_ATTRIBUTES) - 1),
    "extraction of nothing": extraction_form(0),
    "domain": DOMAIN,
    "issue": issue_form("Health"),
    "check": check_form(3),
    "queries": queries_form(10),
}
GOOD = '{"reason": "Age is missing.", "completeness": 3}'


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_a_schema_is_flat_closed_and_bounded(form: Form[Any]) -> None:
    schema = dict(form.schema.json)
    assert json.loads(json.dumps(schema)) == schema
    assert schema["additionalProperties"] is False
    assert schema["required"] == list(schema["properties"])
    assert set(schema) == {"type", "properties", "required", "additionalProperties"}
    for part in schema["properties"].values():
        match part["type"]:
            case "string":
                assert "enum" in part or 0 < part["maxLength"] <= 1000
            case "integer":
                assert part["minimum"] < part["maximum"]
            case kind:
                assert kind == "boolean"
        assert set(part) <= {"type", "enum", "minLength", "maxLength", "minimum", "maximum"}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_whatever_a_guided_decoder_writes_is_read(form: Form[Any]) -> None:
    for seed in range(20):
        form.read(json.dumps(value(form.schema.json, random.Random(seed))))


@pytest.mark.parametrize("form", [JUDGEMENT, COMPLETENESS, CRISIS, FORMS["ranking"], FORMS["choice"]])
def test_what_explains_a_decision_stands_before_it(form: Form[Any]) -> None:
    keys = list(form.schema.json["properties"])
    assert keys[0] in {"reason", "why", "risk_sensitivity_rationale"}
    if form is JUDGEMENT:
        assert all(a == f"{b}_rationale" for a, b in zip(keys[::2], keys[1::2], strict=True))


@given(st.integers(1, (1 << N_ATTRIBUTES) - 1), st.data())
def test_a_ranking_is_by_rating_then_canonical_order(mask: int, data: st.DataObject) -> None:
    remaining = [i for i in range(N_ATTRIBUTES) if mask >> i & 1]
    ratings = {i: data.draw(st.integers(0, 100)) for i in remaining}
    ranking = ranking_form(mask).read(json.dumps({"reason": "r", **{NAMES[i]: ratings[i] for i in remaining}}))
    assert sorted(ranking) == remaining
    for earlier, later in pairwise(ranking):
        assert (ratings[earlier], -earlier) > (ratings[later], -later)


def test_a_choice_names_its_attribute() -> None:
    reply = {"why": "It  bears\non it.", "attribute": "Past Self-Harm History", "question": " May I ask? "}
    assert choice_form(1 << 8 | 1).read(json.dumps(reply)) == Question(8, "May I ask?", "It bears on it.")
    with pytest.raises(UnreadableReplyError, match="attribute"):
        choice_form(1).read(json.dumps(reply))


def test_a_judgement_has_three_scores_and_three_reasons() -> None:
    reply = {
        "risk_sensitivity_rationale": "Names the risk.",
        "risk_sensitivity": 4,
        "emotional_empathy_rationale": "Warm.",
        "emotional_empathy": 5,
        "user_alignment_rationale": "Generic.",
        "user_alignment": 1,
    }
    judgement = JUDGEMENT.read(json.dumps(reply))
    assert judgement.dimensions == (4, 5, 1)
    assert judgement.rationale.splitlines()[2] == "user alignment: Generic."


def test_presence_and_extraction_speak_of_attributes() -> None:
    assert PRESENCE.read(json.dumps({name: i in (0, 9) for i, name in enumerate(NAMES)})) == 0b1000000001
    reply = {"query": " Should  I go? ", "Age quote": "I am\n41", "Age": "41"}
    extracted = extraction_form(1).read(json.dumps(reply))
    assert extracted == ("Should I go?", {0: Told("I am 41", "41")})
    with pytest.raises(UnreadableReplyError, match="Gender"):
        extraction_form(1).read(json.dumps(reply | {"Gender": "Male"}))


def test_issues_are_those_of_the_domain_or_none() -> None:
    form = issue_form("Health")
    assert form.read('{"reason": "It says so.", "issue": "Other"}') == "Other"
    with pytest.raises(UnreadableReplyError, match="issue"):
        form.read('{"reason": "It says so.", "issue": "Custody Battle"}')


def test_checks_and_queries_come_in_order() -> None:
    assert check_form(2).read('{"identifies_1": false, "identifies_2": true}') == (False, True)
    reply = {f"{key}_{n}": f"{key} {n}" for n in (1, 2) for key in ("risk", "query")}
    assert queries_form(2).read(json.dumps(reply)) == ("query 1", "query 2")


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        f"\n  {GOOD}\n",
        f"Here it is:\n```json\n{GOOD}\n```\nI hope that helps.",
        f"```\n{GOOD}\n```",
        f"Sure! {GOOD} Anything else?",
    ],
)
def test_one_tolerant_step(text: str) -> None:
    assert COMPLETENESS.read(text) == 3


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "empty"),
        ("Three.", "not one JSON object"),
        ("3", "not one JSON object"),
        ("[3]", "not one JSON object"),
        ("null", "not one JSON object"),
        ('{"reason": "r", "completeness": "3"}', "integer"),
        ('{"reason": "r", "completeness": 3.0}', "integer"),
        ('{"reason": "r", "completeness": true}', "integer"),
        ('{"reason": "r", "completeness": 6}', "less than or equal to 5"),
        ('{"reason": "r", "completeness": -1}', "greater than or equal to 0"),
        ('{"reason": "r", "completeness": NaN}', "NaN"),
        ('{"reason": "r", "completeness": Infinity}', "Infinity"),
        ('{"reason": "r", "completeness": -Infinity}', "Infinity"),
        ('{"reason": "r", "completeness": 1E+24695}', "integer"),
        ('{"reason": "r", "completeness": ' + "9" * 5000 + "}", "not one JSON object"),
        ('{"reason": "r", "completeness": null}', "integer"),
        ('{"completeness": 3}', "reason"),
        ('{"reason": "r", "completeness": 3, "note": "x"}', "note"),
        ('{"reason": "r", "completeness": 3, "completeness": 5}', "twice"),
        ('{"reason": "\\ud800", "completeness": 3}', "unicode"),
        ('{"reason": "' + "r" * 401 + '", "completeness": 3}', "400"),
        ('{"reason": "r", "completeness": 3', "not one JSON object"),
        (GOOD + GOOD, "not one JSON object"),
        (f"First {GOOD}, or rather {GOOD}.", "not one JSON object"),
        (f"```\n{GOOD}\n``` or ```\n{GOOD}\n```", "not one JSON object"),
        ("[" * 100_000, "nested"),
        ('{"a":' * 100_000, "nested"),
    ],
)
def test_anything_else_is_refused_in_one_short_line(text: str, problem: str) -> None:
    with pytest.raises(UnreadableReplyError, match=problem) as caught:
        COMPLETENESS.read(text)
    assert len(str(caught.value)) < 600
    assert "\n" not in str(caught.value)


def test_a_blank_text_is_no_text() -> None:
    with pytest.raises(UnreadableReplyError, match="no words"):
        USER_REPLY.read('{"reply": "  "}')


def test_an_object_copied_from_the_material_is_not_the_models_own() -> None:
    shown = 'Response:\n{"reason":\n  "Age is missing.",  "completeness": 3}\nKeys: reason, completeness.'
    with pytest.raises(UnreadableReplyError, match="copied"):
        COMPLETENESS.read(f"The response says {GOOD}", shown)
    with pytest.raises(UnreadableReplyError, match="copied"):
        COMPLETENESS.read(GOOD, shown)
    assert COMPLETENESS.read(GOOD.replace("3", "2"), shown) == 2


@given(st.text())
def test_reading_never_fails_otherwise(text: str) -> None:
    for form in (COMPLETENESS, CRISIS, extraction_form(3)):
        with pytest.raises(UnreadableReplyError):
            form.read(text)


def test_answering_is_one_of_the_choices() -> None:
    form = answer_or_ask_form(0b101)

    def read(choice: str) -> Question | None:
        return form.read(json.dumps({"why": "It matters.", "next": choice, "question": " And  this? "}))

    assert read(NAMES[2]) == Question(2, "And this?", "It matters.")
    assert read("answer now") is None
    with pytest.raises(UnreadableReplyError):
        read(NAMES[1])
