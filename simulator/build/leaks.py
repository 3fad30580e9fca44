"""Whether a query tells what the profile is to tell: values, or coarse paraphrases of them, said of oneself.

A scenario measures what an answer is worth with and without knowing the person, so its query must not give the person
away. The rules (`leaks.toml`) are words of English, per attribute: they find what the writer says of themselves, and
let pass what is said of others ("my son's teacher", "my parents' divorce") and figures of speech ("cut myself some
slack").
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from simulator.attributes import ATTRIBUTES, KEYS
from simulator.scenario import Profile

ALWAYS = "always"
"""The key of the rules that hold whatever the value is."""

RULES_VERSION = 1
"""Goes up whenever what counts as a leak changes: part of a build's identity."""

_SHARE, _LEAST = 0.5, 3
"""An emotional state is given away where this share of its telling words stands in the query, and at least so many."""

_STEM = 5
"""Letters by which a longer word is known again in another form."""

_OWN_RULES = frozenset({"age", "gender", "marital_status", "past_self_harm_history"})
"""Attributes whose values' own words say nothing ("25-34", "Yes") or too much ("married to the idea")."""

_OF_ME = r"\b(?:im|i am|i was|ive been|being|as|my|i work as|ive got|i have|i feel|i suffer from|i live with)"
_OTHERS = (
    r"mothers?|fathers?|moms?|mums?|dads?|parents?|sons?|daughters?|kids?|child(?:ren)?s?|bab(?:y|ys|ies)|brothers?"
    r"|sisters?|siblings?|friends?|partners?|husbands?|wifes?|spouses?|boyfriends?|girlfriends?|uncles?|aunts?|cousins?"
    r"|nephews?|nieces?|grand\w+|neighbou?rs?|colleagues?|co-?workers?|boss|managers?|roommates?|flatmates?"
)
_WORD = re.compile(r"[^\W\d_]{3,}")
_EMPTY = frozenset(
    _WORD.findall(
        "and the for with without was has have had been very quite rather feel feels feeling felt status state level "
        "history past other none yes good fair stable moderate mild severe difficult difficulty serious chronic "
        "disease illness health mental worker working work job about this that its from after since but not "
        "more less than they their her his she person years year old still also both some high school"
    )
)
"""Words of values that give nothing away by themselves."""


class Leak(NamedTuple):
    """An attribute whose value a query gives away, and the words that do it (in lower case, without apostrophes)."""

    attribute: int
    words: str


def leaks(query: str, profile: Profile) -> tuple[Leak, ...]:
    """Return what a query gives away of a profile, at most one leak an attribute, in canonical order.

    An attribute that is not known can't be given away.
    """
    text = re.sub(r"['’]", "", " ".join(query.split()).casefold())
    return tuple(
        Leak(index, words)
        for index, value in enumerate(profile)
        if value is not None and (words := _told(text, ATTRIBUTES[index].key, value.casefold()))
    )


def _told(text: str, key: str, value: str) -> str:
    for word, patterns in _rules().get(key, {}).items():
        if word == ALWAYS or word in value:
            for pattern in patterns:
                if match := pattern.search(text):
                    return match[0].strip()
    if key == "emotional_state":
        return _felt(text, value)
    return "" if key in _OWN_RULES else _named(text, value)


def _named(text: str, value: str) -> str:
    """Find a telling word of the value, said of oneself and of nobody else."""
    for word in _telling(value):
        stem = re.escape(word[:_STEM])
        match = re.search(rf"{_OF_ME} (?:[a-z-]+ ){{0,3}}?{stem}{_ENDING if len(word) < _STEM else r'[a-z]*'}\b", text)
        if match and not re.search(rf"\bmy (?:[a-z]+ )?(?:{_OTHERS})\b", match[0]):
            return match[0]
    return ""


_ENDING = "(?:s|es|ed|ing)?"
"""How a short word may go on, which says more than the beginning of a long one."""


def _felt(text: str, value: str) -> str:
    telling, words = set(_telling(value)), set(_WORD.findall(text))
    said = {word for word in telling if any(_same(word, other) for other in words)}
    return " ".join(sorted(said)) if len(said) >= max(_LEAST, _SHARE * len(telling)) else ""


def _telling(value: str) -> Iterator[str]:
    return (word for word in _WORD.findall(value) if word not in _EMPTY)


def _same(one: str, other: str) -> bool:
    return one == other or (len(one) > _STEM and other.startswith(one[:_STEM]))


@cache
def _rules() -> Mapping[str, Mapping[str, tuple[re.Pattern[str], ...]]]:
    """Read the rules: attribute key -> word of a value, or `ALWAYS` -> patterns."""
    data = tomllib.loads(files("simulator.build").joinpath("leaks.toml").read_text("utf-8"))
    me, conditions = data.pop("me"), data.pop("conditions")
    if unknown := set(data) - set(KEYS):
        raise ValueError(f"leaks.toml: {sorted(unknown)} are no attributes")

    def compiled(pattern: str) -> re.Pattern[str]:
        return re.compile(pattern.replace("{me}", me).replace("{conditions}", conditions))

    return {key: {word: tuple(map(compiled, given)) for word, given in by.items()} for key, by in data.items()}
