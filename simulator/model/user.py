"""The simulated user's words: a model says what the profile and the persona have decided (experiments.md).

What kind of reply it is, what becomes known and what is true come from `simulator.user`, as in every world; the model
only words it. A withheld value is not even shown to the model; should its words turn up all the same (the query may
give them away), the reply is not used.
"""

import re

from simulator.dialogue import Reply

_WORD = re.compile(r"\w+")
_STEM = 5
"""Letters by which a longer word is known again in another form: divorced, divorcing."""

_EVERYBODY_SAYS = frozenset(
    _WORD.findall(
        "a about am an and are as at be been but by do feel feeling for from get had has have i im in is it its ive "
        "just like me more my myself of on or so some that the there they this to too up was we with you your"
    )
)


def gives_away(reply: Reply, text: str) -> bool:
    """Tell whether a text uses a word of the reply's true value that the reply is to withhold.

    For a partial reply the words of the coarser value may be used. Words that everybody uses say nothing.
    """
    if reply.truth is None or reply.status == "answered":
        return False
    withheld = _words(reply.truth) - _EVERYBODY_SAYS - _words(reply.known or "")
    return any(_same(secret, word) for secret in withheld for word in _words(text))


def _words(text: str) -> set[str]:
    return set(_WORD.findall(text.casefold()))


def _same(secret: str, word: str) -> bool:
    return word == secret or (len(secret) > _STEM and word.startswith(secret[:_STEM]))
