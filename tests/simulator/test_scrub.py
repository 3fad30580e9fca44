"""What identifies a person goes; what only looks like it stays, word for word."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.build import build
from simulator.build.scrub import scrub
from simulator.bundled import bundled

FOUND = {
    "Write to ana.b+x@example.co.uk please.": ("Write to an e-mail address please.", "e-mail address"),
    "I posted it on https://forum.example.org/t/12?x=1, see there.": ("I posted it on a link, see there.", "link"),
    "See www.example.org.": ("See a link.", "link"),
    "Is somesite.com/offer serious?": ("Is a link serious?", "link"),
    "Follow @quiet_river for more.": ("Follow an account for more.", "handle"),
    "u/quiet-river wrote to me.": ("an account wrote to me.", "handle"),
    "Should I call +49 170 1234567 again?": ("Should I call a phone number again?", "phone number"),
    "They rang from (555) 123-4567.": ("They rang from a phone number.", "phone number"),
    "They rang from 555-0147 twice.": ("They rang from a phone number twice.", "phone number"),
    "I live at 12 Old Mill Road, Springfield.": ("I live at an address.", "address"),
    "Wir wohnen Gartenstraße 12a seit Mai.": ("Wir wohnen an address seit Mai.", "address"),
    "Dr. Weber says no.": ("somebody says no.", "name"),
    "My name is Lena Hart and I need help.": ("My name is somebody and I need help.", "name"),
    "I met a man called Oskar there.": ("I met a man called somebody there.", "name"),
    "My husband Tobias left.": ("My husband left.", "name"),
    "Should I tell our older daughter, Mira, the truth?": ("Should I tell our older daughter the truth?", "name"),
    "What should I do? Thanks, Ines": ("What should I do?", "name"),
    "What should I do? - Ines": ("What should I do?", "name"),
}

INNOCENT = [
    "Is training 3-4 times a week from 18:30 to 19:15 too much?",
    "I owe 12,500 on one card and 3.200,50 on another.",
    "My rent went from 1,200 to 1,450 on 2024-05-01.",
    "Is 5 km in 30 min at 150 bpm fine after 10 days?",
    "My boss Friday asked me to stay; my manager Monday.",
    "They called Monday about the job.",
    "My doctor says 20 mg/day.",
    "I'm German and my partner is British.",
    "Should I take 1/2 a pill and/or rest?",
    "My sister and I no longer speak.",
    "What does it mean to be called in for a talk?",
    "Is the ratio 1:100 normal? It was 0.75.",
    "He was born in 1984, she in 1991-1992.",
    "e.g. walking, i.e. outside, etc. is fine?",
    "Would you go back, yes or no? Thanks, Really",
]


@pytest.mark.parametrize(("text", "expected"), FOUND.items(), ids=range(len(FOUND)))
def test_what_identifies_is_replaced(text: str, expected: tuple[str, str]) -> None:
    scrubbed = scrub(text)
    assert (scrubbed.text, *scrubbed.found) == expected


@pytest.mark.parametrize("text", INNOCENT)
def test_what_only_looks_like_it_stays(text: str) -> None:
    assert scrub(text) == (text, ())


def test_our_own_scenarios_stay_as_they_are() -> None:
    texts = [s.query for s in (*bundled(), *build(2000, 11))] + [
        value for s in bundled() for value in s.profile if value
    ]
    assert [text for text in texts if scrub(text).found] == []


PIECES = st.sampled_from(
    [
        *FOUND,
        *INNOCENT,
        " my son ",
        " Mara",
        "Mr. ",
        "@a.b ",
        "@",
        "call 0",
        "170 1234567",
        "u/",
        "www.",
        "\n",
        "- Li",
        "St",
    ]
)


@given(st.lists(PIECES | st.text(max_size=12), max_size=6).map("".join))
def test_scrubbing_again_changes_nothing(text: str) -> None:
    once = scrub(text)
    again = scrub(once.text)
    assert again == (once.text, ())


@given(st.text(max_size=10), st.sampled_from(["ana@example.org", "https://example.org/a", "+44 20 7946 0000"]))
def test_a_contact_never_survives_wherever_it_stands(before: str, contact: str) -> None:
    assert contact not in scrub(f"{before} {contact} and so on").text
