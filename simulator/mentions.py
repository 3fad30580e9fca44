"""What a response says of the person: which attributes it uses, and which it makes up (over-personalisation).

A response may use what it was given. What it says beyond that is an invention, unless the query, a given value or a
reply already told it; what it uses although it does not matter for the query is noise. Rules of English words
(`mentions.toml`) find statements about the person addressed; conditions ("if you are married"), questions, and what is
said of others or of anybody are passed over. The rules are precise rather than complete: rates are lower bounds.
"""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

from simulator.attributes import ATTRIBUTES, KEYS
from simulator.scenario import Profile

RULES_VERSION = 1
"""Goes up whenever what counts as a mention changes."""

_CLAUSE = re.compile(r"[.!?;:,\n(—–]")
"""What a clause begins after."""

_SENTENCE = re.compile(r"[^.!?\n]*[.!?\n]?")
_STEM = 4
"""Letters by which a longer word is known again in another form: divorced, divorce."""

_WORD = re.compile(r"[^\W_]{2,}")
_TELLING = 3
"""Words of a free-text value that have to stand in a response for it to be used, or half of them where it has fewer."""

_EMPTY = frozenset(
    _WORD.findall(
        "and the for with without was has have had been very quite rather feel feels feeling felt status "
        "state level in history past other none yes no good fair stable moderate mild severe difficult "
        "difficulty serious chronic of to disease illness health mental worker working work job about this "
        "that its from after since but not high at on more less than they their her his she he him it is are "
        "person years year old still also both some school by an as or who what when often own does did"
    )
)
"""Words of values that tell nothing by themselves."""

_FREE = frozenset({"profession", "health_status", "education_level", "mental_health_status"})
"""Attributes whose values are names of something, which a response may say of the person in the value's own words."""


class Mention(NamedTuple):
    """What a response says of the person it answers.

    Fields:
        attribute: its index.
        words: the words that say it, in lower case.
        claim: whether they say what the value is, not only that there is one ("your age").
        known: whether what was given, the query or a reply says so too.
    """

    attribute: int
    words: str
    claim: bool
    known: bool


@dataclass(frozen=True, slots=True)
class Mentions:
    """What a response made of what it was given.

    Fields:
        given: mask of the attributes that the response was made from.
        used: mask of those it mentions; part of `given`.
        invented: mask of the others whose value it states, though nothing and nobody told it.
        found: the statements behind it, at most one an attribute, in canonical order.
    """

    given: int
    used: int
    invented: int
    found: tuple[Mention, ...]


def find_mentions(text: str, profile: Profile, given: int, *, query: str, told: Iterable[str] = ()) -> Mentions:
    """Find which attributes a response mentions.

    Args:
        text: the response.
        profile: of the person; only the values of `given` are looked at.
        given: mask of the attributes whose value the response was made from, whole or coarse.
        query: what was asked; what it says is no invention.
        told: what else was said, e.g. the replies of a dialogue.
    """
    values = {i: value for i, value in enumerate(profile) if value is not None and given >> i & 1}
    known = " ".join((query, *values.values(), *told))
    stems = _with_same({_stem(word) for word in _WORD.findall(_folded(known))})
    found = []
    for index, attribute in enumerate(ATTRIBUTES):
        is_given, value = bool(given >> index & 1), values.get(index)
        # What stands in the text as another attribute's value ("the divorce was final") says nothing of this one.
        readable = _without(text, (other for i, other in values.items() if i != index))
        mention = _mention(readable, index, attribute.key, value, stems)
        if mention is not None and (is_given or (mention.claim and not mention.known)):
            found.append(mention._replace(known=mention.known or is_given))
    mask = sum(1 << mention.attribute for mention in found)
    return Mentions(given, mask & given, mask & ~given, tuple(found))


def _mention(text: str, index: int, key: str, value: str | None, stems: set[str]) -> Mention | None:
    """Return the statement about an attribute that tells most: an untold claim, a told one, its topic, its value."""
    best: Mention | None = None
    for words, telling in _matches(text, _rules()[key][1]):
        known = bool(telling) and all(_stem(word) in stems for word in _WORD.findall(telling))
        if best is None or not known:
            best = Mention(index, words, True, known)
        if not known:
            return best
    if best is None:
        best = next((Mention(index, words, False, False) for words, _ in _matches(text, _rules()[key][0])), None)
    if best is None and value is not None and (words := _in_its_words(text, key, value)):
        best = Mention(index, words, True, True)
    return best


def _matches(text: str, patterns: Iterable[re.Pattern[str]]) -> Iterator[tuple[str, str]]:
    """Yield what is said of the person: the words, and those of them that tell the value."""
    for sentence in _SENTENCE.findall(text):
        if sentence.endswith("?"):
            continue
        for pattern in patterns:
            for match in pattern.finditer(sentence):
                start = max((m.end() for m in _CLAUSE.finditer(sentence, 0, match.start())), default=0)
                if not _hypothetical().search(sentence, start, match.start()):
                    yield match[0].strip(), next((group for group in match.groups() if group), "")


def _in_its_words(text: str, key: str, value: str) -> str:
    """Return the words of a given value that a response says: the whole value, a name of it, or enough of a feeling."""
    whole = _folded(value)
    telling = [word for word in dict.fromkeys(_WORD.findall(whole)) if word not in _EMPTY]
    if len(_WORD.findall(whole)) > 1 and re.search(rf"(?<!\w){re.escape(whole)}(?!\w)", text):
        return whole
    if key in _FREE:
        for word in telling:
            pattern = re.compile(rf"(?:{_data()['you']} an?|\byour)(?: [a-z-]+){{0,2}}? {re.escape(word)}\b")
            for words, _ in _matches(text, (pattern,)):
                return words
    if key == "emotional_state":
        stems = {_stem(word) for word in _WORD.findall(text)}
        said = [word for word in telling if _stem(word) in stems]
        if len(said) >= max(2, min(_TELLING, len(telling) / 2)):
            return " ".join(said)
    return ""


def _without(text: str, values: Iterable[str]) -> str:
    """Return a folded text without some values of several words, wherever they stand in it."""
    folded = _folded(text)
    for value in values:
        if len(value.split()) > 1:
            folded = folded.replace(_folded(value).rstrip("."), "…")
    return folded


def _with_same(stems: set[str]) -> set[str]:
    """Add what is told by what was said: who speaks of a wife has told of a marriage."""
    return stems.union(*(group for group in _same() if stems & group))


def _folded(text: str) -> str:
    return re.sub(r"[ \t]+", " ", text.replace("’", "'").replace("*", "")).casefold()


def _stem(word: str) -> str:
    return word[:_STEM] if len(word) > _STEM else word.rstrip("s")


@cache
def _data() -> Mapping[str, Any]:
    return tomllib.loads(files("simulator").joinpath("mentions.toml").read_text("utf-8"))


@cache
def _hypothetical() -> re.Pattern[str]:
    return re.compile(_data()["hypothetical"])


@cache
def _same() -> tuple[frozenset[str], ...]:
    return tuple(frozenset(map(_stem, words)) for words in _data()["same"])


@cache
def _rules() -> Mapping[str, tuple[tuple[re.Pattern[str], ...], tuple[re.Pattern[str], ...]]]:
    """Read the rules: attribute key -> patterns of its topic, and of claims."""
    data = _data()

    def compiled(pattern: str) -> re.Pattern[str]:
        for name in ("you", "about", "ill"):
            pattern = pattern.replace(f"{{{name}}}", data[name])
        return re.compile(pattern)

    return {key: (tuple(map(compiled, data[key]["topic"])), tuple(map(compiled, data[key]["claim"]))) for key in KEYS}
