"""Which texts a report folds away at first, since they speak of self-harm.

A rule on words, made to fold too much rather than too little: it knows English only, finds no meaning, and hides
nothing for good. People who read such texts for hours should choose when to.
"""

import re
from collections.abc import Iterable

from simulator.attributes import attribute_index
from simulator.scenario import Profile

WORDS: tuple[str, ...] = (
    r"self[\s-]*(?:harm|injur|hurt|mutilat|destruct)\w*",
    r"suicid\w*",
    r"(?:kill|hang|shoot|drown|poison|starve|cut|cutting|hurt|harm|burn)(?:ing|ed)?\s+(?:my|your|him|her|them)sel(?:f|ves)",
    r"(?:end|ending|take|taking|took)\s+(?:my|your|his|her|their)(?:\s+own)?\s+li(?:fe|ves)",
    r"end(?:ing)?\s+it\s+all",
    r"over\s*dos\w*",
    r"(?:want|wish|ready|going)\w*\s+to\s+(?:die|be\s+dead|disappear)",
    r"(?:not|never|\w+n't|dont)\s+(?:want\s+to\s+)?(?:live|be\s+alive|wake\s+up|exist)",
    r"(?:better\s+off|rather\s+be)\s+(?:dead|without\s+me)",
    r"(?:no|any)\s+reason\s+to\s+(?:live|go\s+on)",
    r"(?:slit|cut)\w*\s+(?:my|your|his|her|their)\s+(?:wrist|arm|thigh|vein)s?",
    r"unaliv\w*",
)
"""What folds a text, whole words, case and dashes folded."""

_ANY = re.compile(rf"\b(?:{'|'.join(WORDS)})", re.IGNORECASE)
_DASHES = str.maketrans("‐‑‒–—’", "-----'")
_NO_HISTORY = frozenset({"none", "no", "never", "no history"})
_SELF_HARM, _MENTAL = (attribute_index(name) or 0 for name in ("Past Self-Harm History", "Mental Health Status"))


def speaks_of_self_harm(texts: Iterable[str | None]) -> bool:
    """Tell whether one of the texts holds one of `WORDS`."""
    return any(_ANY.search(text.translate(_DASHES)) for text in texts if text)


def reason_to_fold(profile: Profile | None, texts: Iterable[str | None]) -> str:
    """Return why texts are to be folded away at first, or an empty text.

    A person's own history counts too: a Past Self-Harm History other than none, or a Mental Health Status that is
    called severe or holds one of `WORDS`, since such texts are hard to read whatever their words are.
    """
    if speaks_of_self_harm(texts):
        return "speaks of self-harm"
    if profile is not None:
        history, mental = profile[_SELF_HARM], profile[_MENTAL]
        if history is not None and history.casefold().strip(" .") not in _NO_HISTORY:
            return "the person has a history of self-harm"
        if mental is not None and ("severe" in mental.casefold() or speaks_of_self_harm([mental])):
            return "the person is in severe distress"
    return ""
