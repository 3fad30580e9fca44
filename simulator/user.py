"""The simulated user: answers the agent's questions from the profile's ground truth.

The personas and the kinds of reply are those of experiments.md, "The online loop". What the user says is templated
(`data/user.toml`); what the user knows is the profile, so nothing is invented.
"""

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

from planner.keyed import Key, digest
from simulator.attributes import ATTRIBUTES, KEYS, N_ATTRIBUTES
from simulator.dialogue import Question, Reply
from simulator.scenario import Profile
from simulator.world import Persona

_AGE = KEYS.index("age")
_OLDEST = 150
_CLAUSE_END = re.compile(
    r"[.,;:!?—]\s|\s[-–—(]|\s(?:and|but|because|due to|after|since|while|which|though)\s", re.IGNORECASE
)
_MAX_CLAUSE_WORDS = 12


@dataclass(frozen=True)
class _Manner:
    """How the user speaks about one attribute; `data/user.toml` explains the fields."""

    topic: str
    evade: float
    refuse: float
    answered: tuple[str, ...]
    special: dict[str, tuple[str, ...]] = field(default_factory=dict)
    coarse: tuple[tuple[re.Pattern[str], str], ...] = ()
    default: str | None = None


def simulate_reply(profile: Profile, question: Question, persona: Persona, key: tuple[Key, ...]) -> Reply:
    """Answer a question as the person of `profile` would.

    An attribute without a value gives the status `unknown`, whatever the persona. Otherwise: cooperative and terse
    answer with the true value; partial gives a coarser one (or the true one where none is coarser, as for gender);
    evasive and refusing withhold it with the attribute's probability and answer otherwise.

    Args:
        key: what makes this user this user (seed, scenario id …); the attribute is added here, so asking again
            gives the same reply, and the order of questions changes nothing.

    Raises:
        ValueError: the question's attribute is none of the ten.
    """
    attribute = question.attribute
    if not 0 <= attribute < N_ATTRIBUTES:
        raise ValueError(f"there is no attribute {attribute}; they are numbered 0 to {N_ATTRIBUTES - 1}")
    manner, general = _manners()[attribute], _general()
    truth = profile[attribute]

    def words(options: Sequence[str], value: str = "") -> str:
        template = options[digest(*key, "wording", attribute) % len(options)]
        # The value goes in as plain text: `format` never looks into what it inserts.
        return _capital(template.format(value=value.rstrip(" ."), topic=manner.topic))

    if truth is None:
        return Reply(attribute, "unknown", words(general["terse_unknown" if persona == "terse" else "unknown"]))
    if persona == "terse":
        return Reply(attribute, "answered", truth, truth, truth)
    if persona == "partial" and (coarser := coarsen(attribute, truth)) is not None:
        return Reply(attribute, "partial", words(general["partial"], coarser), coarser, truth)
    if persona == "evasive" and _chance(key, attribute) < manner.evade:
        return Reply(attribute, "evasive", words(general["evasive"]), None, truth)
    if persona == "refusing" and _chance(key, attribute) < manner.refuse:
        return Reply(attribute, "refused", words(general["refused"]), None, truth)
    return Reply(attribute, "answered", words(_templates(attribute, truth), truth), truth, truth)


def spoken(profile: Profile, question: Question, text: str) -> Reply:
    """Return the reply that a person gives in their own words.

    It counts as the true value only where it is that value, or what the simulated user says to give it (case, white
    space and a final mark folded). Anything else is known as it was said: nothing is read into it.

    Raises:
        ValueError: nothing was said.
    """
    said = " ".join(text.split())
    if not said:
        raise ValueError("nothing was said")
    attribute = question.attribute
    truth = profile[attribute]
    meant = truth is not None and _folded(said) in {_folded(truth), *map(_folded, _wordings(attribute, truth))}
    return Reply(attribute, "answered", said, truth if meant else said, truth, "person")


def declined(profile: Profile, question: Question) -> Reply:
    """Return the reply of a person who will not answer, in the words of the simulated user."""
    attribute = question.attribute
    text = _capital(_general()["refused"][0].format(topic=_manners()[attribute].topic))
    return Reply(attribute, "refused", text, None, profile[attribute], "person")


def coarsen(attribute: int, value: str) -> str | None:
    """Return a coarser text for a value, or None where nothing coarser can be said truthfully.

    In this order: a broad band for ages, the attribute's patterns, the first clause of a longer free text, the
    attribute's default.
    """
    if attribute == _AGE:
        return _age_band(value)
    manner = _manners()[attribute]
    for pattern, coarser in manner.coarse:
        if pattern.search(value):
            return coarser
    return _first_clause(value) or manner.default


def _age_band(value: str) -> str | None:
    """Return the broad band that holds every age in the text, or None where none does."""
    ages = [int(digits) for digits in re.findall(r"(?<!\d)\d{1,3}(?!\d)", value, re.ASCII)]
    if not ages or max(ages) > _OLDEST:
        return None
    low, high = min(ages), _OLDEST if "+" in value else max(ages)
    bands = (
        (0, 34, "under 35"),
        (35, 54, "between 35 and 54"),
        (55, _OLDEST, "55 or older"),
        (18, _OLDEST, "an adult"),
    )
    return next((band for least, most, band in bands if least <= low and high <= most), None)


def _first_clause(value: str) -> str | None:
    """Return the first clause of a text, at most 12 words of it, or None where that is the whole text."""
    end = _CLAUSE_END.search(value)
    words = (value[: end.start()] if end else value).split()[:_MAX_CLAUSE_WORDS]
    clause = " ".join(words).rstrip(" .,;:!?")
    return clause if clause and len(clause) < len(value.rstrip(" .,;:!?")) else None


def _templates(attribute: int, value: str) -> tuple[str, ...]:
    """Return the templates that give a value."""
    manner = _manners()[attribute]
    return manner.special.get(value.casefold(), manner.answered)


def _wordings(attribute: int, value: str) -> list[str]:
    """Return everything that the simulated user may say to give a value."""
    topic = _manners()[attribute].topic
    return [template.format(value=value.rstrip(" ."), topic=topic) for template in _templates(attribute, value)]


def _folded(text: str) -> str:
    return " ".join(text.split()).casefold().rstrip(" .!")


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _chance(key: tuple[Key, ...], attribute: int) -> float:
    """Return the user's number in [0, 1) that decides whether this question is answered."""
    return (digest(*key, "withhold", attribute) >> 75) / 2**53


@cache
def _general() -> dict[str, tuple[str, ...]]:
    return {status: tuple(options) for status, options in _data()["replies"].items()}


@cache
def _manners() -> tuple[_Manner, ...]:
    tables = (_data()[attribute.key] for attribute in ATTRIBUTES)
    return tuple(
        _Manner(
            topic=table["topic"],
            evade=table["evade"],
            refuse=table["refuse"],
            answered=tuple(table["answered"]),
            special={value: tuple(options) for value, options in table.get("special", {}).items()},
            coarse=tuple((re.compile(pattern, re.IGNORECASE), text) for pattern, text in table.get("coarse", ())),
            default=table.get("default"),
        )
        for table in tables
    )


@cache
def _data() -> dict[str, dict[str, Any]]:
    return tomllib.loads(files("simulator").joinpath("data/user.toml").read_text("utf-8"))
