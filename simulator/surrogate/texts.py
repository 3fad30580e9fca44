"""Puts the surrogate into words: responses, questions and rationales from the templates in `texts.toml`.

A value goes into a text as it is, without what can't be printed (values are foreign text) and cut to a length that
people read. Templates are ours; `format` never looks into what it inserts.
"""

from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Any

from planner.keyed import Key, digest
from planner.subsets import members
from simulator.attributes import KEYS, NAMES
from simulator.dialogue import Knowledge
from simulator.domains import UNKNOWN_DOMAIN
from simulator.surrogate.parameters import content_digest, read_toml, severity
from simulator.world import DIMENSIONS, Style

_HEAVY = 1.25
"""From this severity on a known value adds its sentence on where to find help."""

_LONGEST_VALUE = 300


def response_text(domain: str, knowledge: Knowledge, style: Style, key: tuple[Key, ...]) -> str:
    """Write an answer from what is known, recognisable by its first word.

    Args:
        domain: one of the seven; anything else is worded for the unknown domain.
        key: what picks among the wordings.
    """
    texts = _texts()
    domain = domain if domain in texts["topic"] else UNKNOWN_DOMAIN
    parts = texts[style]

    def pick(options: Sequence[str], what: str) -> str:
        return options[digest(*key, "wording", what) % len(options)].format(topic=texts["topic"][domain])

    said = [texts["marker"], pick(parts["opening"], "opening")]
    if style == "crisis":
        said += [parts["help"], parts["steps"]]
    known = [_known_sentence(a, knowledge) for a in members(knowledge.mask)]
    said += known
    if style == "instruction" and not known:
        said.append(pick(parts["unknown"], "unknown"))
    if style != "crisis":
        said.append(pick(texts["advice"][domain], "advice"))
        said += [
            texts["heavy"][KEYS[a]]
            for a in members(knowledge.full)
            if KEYS[a] in texts["heavy"] and severity(a, knowledge.values[a]) >= _HEAVY
        ]
    said.append(pick(parts["closing"], "closing"))
    return " ".join(said)


def question_text(attribute: int, key: tuple[Key, ...]) -> str:
    """Word the question for an attribute."""
    options = _texts()["question"][KEYS[attribute]]
    return str(options[digest(*key, "question", attribute) % len(options)])


@lru_cache(maxsize=512)
def rationale(dimensions: tuple[int, ...]) -> str:
    """Say in a sentence what a verdict of three integers means."""
    low, high = min(dimensions), max(dimensions)
    names = [name.replace("_", " ") for name in DIMENSIONS]
    if low == high:
        return str(_texts()["rationale"]["even"].format(level=low))
    best, worst = names[dimensions.index(high)], names[dimensions.index(low)]
    return str(_texts()["rationale"]["uneven"].format(best=best, worst=worst))


@cache
def texts_digest() -> str:
    """Hash the templates: part of the world's version."""
    return content_digest(_texts())


def _known_sentence(attribute: int, knowledge: Knowledge) -> str:
    texts, key, raw = _texts(), KEYS[attribute], knowledge.values[attribute]
    value = "".join(c for c in raw if c.isprintable())[:_LONGEST_VALUE]
    if knowledge.partial >> attribute & 1:
        return str(texts["coarse"]["sentence"].format(name=NAMES[attribute].casefold(), value=value))
    if raw.casefold() == "none" and key in texts["none"]:
        return str(texts["none"][key])
    if key == "emotional_state" and value[-1:] not in {".", "!", "?"}:
        value += "."
    return str(texts["known"][key].format(value=value))


@cache
def _texts() -> dict[str, Any]:
    return read_toml("texts.toml")
