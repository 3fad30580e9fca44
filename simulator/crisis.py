"""Tell whether a query signals immediate danger, by a short phrase list (experiments.md, "The online loop").

Such a person must get help at once, not a questionnaire (raise.md, section 9). The list (`data/crisis.toml`) looks for
explicit present intent, means or plan; most queries here are dark without being a crisis. It is a rule for the offline
world, not a clinical instrument: it knows English only, and only what its tests say.
"""

import re
import tomllib
import unicodedata
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files

MAX_CHARACTERS = 20_000
"""What is longer is read up to here: a query is a question, and time stays bounded on hostile text."""

_KEPT = 500
"""What was found in a longer clause is not kept: a thousand hostile ones would take 400 MB."""

_QUOTED = re.compile(r'"[^"]{1,400}"')
_CLAUSE_END = re.compile(
    r"[.!?;]+|\n\s*\n|,? \b(?:but|however|although|though|yet)\b|,? and (?=(?:now|tonight|today|this time)\b)"
    r"|(?<!say|aid|ays|oes),(?= (?:i am|i'm|im|i will|i'll|tonight|now|today)\b)"
)
_NO_WORD = re.compile(r"[^a-z0-9' ]+")
_SPELLED_OUT = tuple(
    (re.compile(rf"\b{short}\b"), full)
    for short, full in (
        ("can't|cant|cannot|can not", "cannot"),
        ("won't|wont", "will not"),
        ("(do|does|did|is|are|was|would|could|should|has|have|had)n'?t", r"\1 not"),
        ("i'?m", "i am"),
        ("i'?ve", "i have"),
        ("i'll|i'd 'll", "i will"),
        ("i'd", "i would"),
        ("(he|she|it|that|there|what|who|tonight|today)'s", r"\1 is"),
        ("they're", "they are"),
        ("gonna|gunna", "going to"),
        ("wanna", "want to"),
        ("gotta", "got to"),
        ("tonite|2nite", "tonight"),
        ("tmrw|tmr|tomorow", "tomorrow"),
        ("rn", "right now"),
    )
)


@dataclass(frozen=True)
class _Excuse:
    """What makes a match mean something else; empty patterns are None."""

    before: re.Pattern[str] | None
    after: re.Pattern[str] | None
    anywhere: re.Pattern[str] | None

    def holds(self, match: re.Match[str], query: str) -> bool:
        return bool(
            (self.before and self.before.search(match.string, 0, match.start()))
            or (self.after and self.after.search(match.string, match.end()))
            or (self.anywhere and self.anywhere.search(query))
        )


def signals_immediate_danger(query: str) -> bool:
    """Tell whether a query states present intent, means or a plan to die or to kill, or danger to life right now."""
    parts = _CLAUSE_END.split(_plain(query))
    clauses = [_read_once(part) if len(part) <= _KEPT else _read(part) for part in parts]
    whole = " ".join(words for words, _ in clauses)
    return any(
        not any(excuse.holds(match, whole) for excuse in excuses) for _, found in clauses for match, excuses in found
    )


def _read(clause: str) -> tuple[str, tuple[tuple[re.Match[str], tuple[_Excuse, ...]], ...]]:
    """Return a clause in plain words, and each match of a pattern of danger with the excuses that apply to it."""
    words = _words(clause)
    return words, tuple((match, excuses) for pattern, excuses in _groups() for match in pattern.finditer(words))


_read_once = lru_cache(maxsize=1024)(_read)
"""A run asks again for every arm, and queries that were built share their clauses."""


def _plain(query: str) -> str:
    """Fold case, compatibility forms and apostrophes; drop invisible characters and what stands in double quotes."""
    text = unicodedata.normalize("NFKC", query[:MAX_CHARACTERS]).casefold()
    text = "".join(c for c in text if unicodedata.category(c) != "Cf")
    text = text.translate(str.maketrans("‘’´`“”„«»", '\'\'\'\'"""""'))
    unquoted = _QUOTED.sub(" ", text)
    # A query that is a quotation as a whole is the person's own words.
    return unquoted if re.search(r"[a-z]", unquoted) else text


def _words(clause: str) -> str:
    text = _NO_WORD.sub(" ", clause)
    for short, full in _SPELLED_OUT:
        text = short.sub(full, text)
    return " ".join(text.replace("'", "").split())


@cache
def _groups() -> tuple[tuple[re.Pattern[str], tuple[_Excuse, ...]], ...]:
    """Read the phrase list: each pattern of danger with the excuses that apply to it."""
    data = tomllib.loads(files("simulator").joinpath("data/crisis.toml").read_text("utf-8"))
    fragments: dict[str, str] = data["fragments"]

    def compiled(pattern: str) -> re.Pattern[str]:
        while (filled := re.sub(r"<(\w+)>", lambda name: fragments[name[1]], pattern)) != pattern:
            pattern = filled
        return re.compile(pattern)

    excuses = {
        name: _Excuse(*(compiled(sides[side]) if side in sides else None for side in ("before", "after", "anywhere")))
        for name, sides in data["excuses"].items()
    }
    return tuple(
        (compiled(rf"\b(?:{pattern})(?!\w)"), tuple(excuses[name] for name in group["unless"]))
        for group in data["groups"].values()
        for pattern in group["patterns"]
    )
