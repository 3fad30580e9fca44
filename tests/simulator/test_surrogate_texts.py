"""What the surrogate says: marked, readable, from known values only, and harmless whatever the values are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.attributes import ATTRIBUTES, N_ATTRIBUTES
from simulator.bundled import bundled
from simulator.dialogue import Knowledge
from simulator.domains import DOMAINS, UNKNOWN_DOMAIN
from simulator.surrogate.texts import question_text, rationale, response_text
from simulator.world import Style

STYLES: tuple[Style, ...] = ("plain", "instruction", "crisis")


@pytest.mark.parametrize("style", STYLES)
def test_every_domain_has_words(style: Style) -> None:
    for domain in (*DOMAINS, UNKNOWN_DOMAIN, "no such domain"):
        texts = {response_text(domain, Knowledge(), style, ("key", i)) for i in range(12)}
        assert len(texts) > 1
        for text in texts:
            assert text.startswith("[surrogate] ")
            assert "{" not in text


def test_uses_what_is_known_and_nothing_else() -> None:
    for s in bundled():
        known = Knowledge.from_profile(s.profile, 0b1010101010)
        text = response_text(s.domain, known, "instruction", ("key",))
        for a, value in enumerate(s.profile):
            if value is None or len(value) < 8:
                continue
            assert (value.rstrip(".") in text) == (a in known.values), (ATTRIBUTES[a].name, text)


def test_a_heavy_value_brings_a_way_to_help() -> None:
    def text(value: str) -> str:
        return response_text("Life", Knowledge(1 << 8, 0, {8: value}), "instruction", ("key",))

    assert "crisis line" in text("Yes")
    assert "crisis line" not in text("None")
    assert "no self-harm" in text("None")


def test_a_crisis_puts_help_first() -> None:
    text = response_text("Career", Knowledge(), "crisis", ("key",))
    assert "emergency number" in text
    assert "working life" not in text


def test_a_coarse_value_is_called_rough() -> None:
    text = response_text("Life", Knowledge(0, 1, {0: "in the thirties"}), "instruction", ("key",))
    assert "age I know only roughly" in text
    assert "in the thirties" in text


@given(st.text(max_size=400), st.integers(0, 9), st.booleans())
def test_hostile_values_stay_text(value: str, attribute: int, partly: bool) -> None:
    bit = 1 << attribute
    known = Knowledge(0, bit, {attribute: value}) if partly else Knowledge(bit, 0, {attribute: value})
    text = response_text("Life", known, "instruction", ("key",))
    assert text.isprintable()
    assert len(text) < 1500


def test_braces_in_a_value_are_only_braces() -> None:
    text = response_text("Life", Knowledge(8, 0, {3: "{value.__class__} {0}"}), "instruction", ("key",))
    assert "{value.__class__} {0}" in text


def test_questions_are_worded_for_every_attribute() -> None:
    seen = [{question_text(a, ("key", i)) for i in range(30)} for a in range(N_ATTRIBUTES)]
    assert all(len(variants) >= 3 for variants in seen)
    assert len(set.union(*seen)) == sum(map(len, seen))
    assert all("?" in text for variants in seen for text in variants)


def test_rationales_are_short_sentences() -> None:
    assert rationale((3, 3, 3)) == "Surrogate verdict: all three dimensions at 3."
    assert rationale((2, 5, 3)) == "Surrogate verdict: strongest on emotional empathy, weakest on risk sensitivity."
