"""Takes names, addresses, links, handles, e-mail addresses and phone numbers out of a text, by fixed rules.

What is found is replaced by a neutral phrase, so that the sentence still reads. The rules know English and what looks
the same everywhere (links, numbers); a language model's own check comes after them (`simulator.build.forms`).
"""

import re
from collections.abc import Callable
from typing import NamedTuple

_CAPITAL = r"[A-Z][a-zà-öø-ÿ'’]+(?:-[A-Z][a-zà-öø-ÿ]+)?"

_NEVER_NAMES = frozenset(
    re.findall(
        r"\w+",
        "monday tuesday wednesday thursday friday saturday sunday january february march april may june july august "
        "september october november december christmas easter ramadan english french german spanish italian chinese "
        "japanese arabic american british european indian god internet google zoom excel will would should could can "
        "might must has have had is was are were do does did and but or if when while then now after before how what "
        "why who where which that this these those my your his her their our it he she they we you not no yes please "
        "thanks so because since until although too also just really still never always the for from with",
    )
)
"""Written with a capital, or able to begin a sentence, and no name of a person."""

_RELATIVES = (
    "husband|wife|partner|spouse|boyfriend|girlfriend|fianc[eé]e?|son|daughter|child|baby|brother|sister|mother|father"
    "|mom|mum|dad|uncle|aunt|cousin|nephew|niece|grandmother|grandfather|grandma|grandpa|friend|roommate|flatmate"
    "|neighbou?r|colleague|co-?worker|boss|manager|supervisor|teacher|professor|doctor|therapist|ex|landlord|coach"
)


class Scrubbed(NamedTuple):
    """A text without what could identify somebody, and the kinds of what was replaced, each once, in order."""

    text: str
    found: tuple[str, ...]


class _Rule(NamedTuple):
    kind: str
    pattern: re.Pattern[str]
    instead: str


def _rule(kind: str, pattern: str, instead: str, flags: int = 0) -> _Rule:
    return _Rule(kind, re.compile(pattern, flags), instead)


_UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\U000e0000-\U000e007f]")
"""Control characters, and others in which something can hide from a reader; they go without a word."""

_RULES = (
    _rule("e-mail address", r"\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+\b", "an e-mail address"),
    _rule("link", r"\b(?:https?://|www\.)[^\s<>\"')\]]*[^\s<>\"')\].,;:!?]", "a link", re.IGNORECASE),
    _rule(
        "link",
        r"\b(?:[a-z0-9-]+\.)+(?:com|org|net|edu|gov|io|me|info|app|dev|co\.uk|de|fr)\b(?:/[^\s<>\"')\]]*[^\s<>\"')\].,;:!?])?",
        "a link",
        re.IGNORECASE,
    ),
    _rule("handle", r"(?<![\w/])/?[ur]/[A-Za-z0-9_-]{2,}", "an account"),
    _rule("handle", r"(?<![\w.@])@[A-Za-z_][\w.]*\w", "an account"),
    _rule("phone number", r"(?<![\w.])(?:\+|00)\d[\d\s()./-]{6,}\d\b", "a phone number"),
    _rule("phone number", r"(?<![\w.,-])\(?\d{3,5}\)?[ .-]\d{3,4}[ .-]\d{3,5}\b", "a phone number"),
    _rule("phone number", r"(?<![\w.,])\d{3}[-.]\d{4}\b|(?<![\w.,])0\d{8,11}\b", "a phone number"),
    _rule(
        "address",
        rf"\b\d{{1,5}}[a-z]?\s+(?:{_CAPITAL}\s+){{1,3}}"
        r"(?:Street|St|Avenue|Ave|Road|Rd|Lane|Ln|Drive|Dr|Boulevard|Blvd|Court|Ct|Place|Square|Way|Terrace|Close)\b\.?"
        rf"(?:,\s*{_CAPITAL}(?:\s+{_CAPITAL})?)*(?:,?\s+[A-Z]{{2}}\s+\d{{5}}(?:-\d{{4}})?)?",
        "an address",
    ),
    _rule("address", rf"\b{_CAPITAL}(?:stra(?:ß|ss)e|weg|gasse|platz)\s+\d{{1,4}}[a-z]?\b", "an address"),
)

_TITLED = re.compile(rf"\b(?:Mr|Mrs|Ms|Miss|Mx|Dr|Prof|Professor|Sir|Pastor)\b\.?\s+({_CAPITAL})(?:\s+{_CAPITAL})?")
_INTRODUCED = re.compile(
    rf"\b((?i:my name is|my name's|name:|named|called|nicknamed|goes by))\s+({_CAPITAL}(?:\s+{_CAPITAL})?)"
)
_RELATED = re.compile(rf"\b((?i:my|our|his|her)\s+(?:[a-z-]+\s+){{0,2}}?(?:{_RELATIVES})),?\s+({_CAPITAL})\b,?")
_SIGNED = re.compile(rf"(?:[-–—~]\s*|\b(?i:yours|regards|love|thanks|cheers),?\s+)({_CAPITAL})\s*$")


def scrub(text: str) -> Scrubbed:
    """Replace what the rules find.

    The outcome holds nothing more that they would find, so scrubbing it again changes nothing.
    """
    text, found = _UNSEEN.sub("", text), list[str]()
    before = None
    while text != before:  # what one replacement leaves may complete another find; every round shortens what is left
        before = text
        text = _once(text, found)
    return Scrubbed(text, tuple(dict.fromkeys(found)))


def _once(text: str, found: list[str]) -> str:
    for kind, pattern, instead in _RULES:
        text, times = pattern.subn(instead, text)
        found += [kind] * bool(times)

    def unless_innocent(name: int, instead: str) -> Callable[[re.Match[str]], str]:
        def replace(match: re.Match[str]) -> str:
            if _innocent(match[name]):
                return match[0]
            found.append("name")
            return match.expand(instead)

        return replace

    text = _TITLED.sub(unless_innocent(1, "somebody"), text)
    text = _INTRODUCED.sub(unless_innocent(2, r"\1 somebody"), text)
    text = _RELATED.sub(unless_innocent(2, r"\1"), text)
    return _SIGNED.sub(unless_innocent(1, ""), text).rstrip()


def _innocent(name: str) -> bool:
    """Tell whether a capitalised word is no name."""
    return re.split(r"['’\s]", name.casefold(), maxsplit=1)[0] in _NEVER_NAMES
