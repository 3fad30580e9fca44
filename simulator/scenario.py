"""Profiles and scenarios: who asks, and what (raise.md, section 2; experiments.md, "Attributes that are missing")."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from simulator.attributes import ATTRIBUTES, N_ATTRIBUTES, NAMES, attribute_index
from simulator.domains import UNKNOWN_DOMAIN

_MISSING = frozenset({"", "unknown", "n/a", "na", "not specified"})


def is_missing(value: object) -> bool:
    """Tell whether a raw value says nothing: absent, null, empty, Unknown, N/A or Not specified (case folded).

    "None" is a value: for Mental Health Status and Past Self-Harm History it says that there is no history.
    """
    return value is None or (isinstance(value, str) and " ".join(value.split()).casefold() in _MISSING)


@dataclass(frozen=True)
class Profile:
    """What is true of one person: a text per attribute, or None where it is not known.

    Fields:
        values: `[10]`, in canonical order; white space is folded and missing values are None.
    """

    values: tuple[str | None, ...]

    def __post_init__(self) -> None:
        if len(self.values) != N_ATTRIBUTES:
            raise ValueError(f"a profile has {N_ATTRIBUTES} values, not {len(self.values)}")
        folded = tuple(None if is_missing(v) or v is None else " ".join(v.split()) for v in self.values)
        object.__setattr__(self, "values", folded)

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, object]) -> "Profile":
        """Read a profile from Title Case or snake_case keys; other keys are ignored.

        Raises:
            ValueError: where a value is neither text, a number nor null (a list, say).
        """
        values: list[str | None] = [None] * N_ATTRIBUTES
        for key, value in mapping.items():
            index = attribute_index(key)
            if index is None or is_missing(value):
                continue
            if isinstance(value, bool) or not isinstance(value, (str, int, float)):
                raise ValueError(f"{NAMES[index]} is {type(value).__name__}, not a text")
            values[index] = str(value)
        return cls(tuple(values))

    def __getitem__(self, index: int) -> str | None:
        return self.values[index]

    def __iter__(self) -> Iterator[str | None]:
        return iter(self.values)

    @cached_property
    def known(self) -> int:
        """The subset of attributes that have a value, as a bit mask."""
        return sum(1 << i for i, value in enumerate(self.values) if value is not None)

    @cached_property
    def id(self) -> str:
        """Hash of the values: the same person, the same id (16 hexadecimal digits)."""
        return _hash(self.values)

    def to_mapping(self) -> dict[str, str | None]:
        """Return all ten canonical Title Case keys, null where unknown."""
        return dict(zip(NAMES, self.values, strict=True))


@dataclass(frozen=True)
class Scenario:
    """One query of one person: the unit that everything else is measured on.

    Fields:
        query: what the person asks, as they wrote it.
        profile: what is true of them; only the judge and the simulated user ever see it whole.
        domain: one of the seven domains, or `unknown`.
        issue: one of PENGUIN's 140 issue names, or whatever the source called it; may be empty.
        source: where it came from (`bundled`, `synthetic`, `real`, a file's own word).
        id: hash of profile and query, so the same scenario has the same id wherever it came from.
    """

    query: str
    profile: Profile
    domain: str = UNKNOWN_DOMAIN
    issue: str = ""
    source: str = ""
    id: str = field(init=False)

    def __post_init__(self) -> None:
        if not self.query.strip():
            raise ValueError("a scenario needs a query")
        object.__setattr__(self, "id", _hash((*self.profile.values, self.query)))

    def to_dict(self) -> dict[str, object]:
        """Return the form that `scenarios show --format json` prints and `from_dict` reads."""
        return {
            "id": self.id,
            "query": self.query,
            "domain": self.domain,
            "issue": self.issue,
            "source": self.source,
            "profile": self.profile.to_mapping(),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, object]) -> "Scenario":
        """Read what `to_dict` wrote; the id is computed again, never trusted.

        Raises:
            ValueError: where the query or the profile is missing or malformed.
        """
        profile, query = data.get("profile"), data.get("query")
        if not isinstance(profile, Mapping):
            raise ValueError("no profile object")
        if not isinstance(query, str):
            raise ValueError("no query text")
        return cls(
            query=query,
            profile=Profile.from_mapping(profile),
            domain=str(data.get("domain") or UNKNOWN_DOMAIN),
            issue=str(data.get("issue") or ""),
            source=str(data.get("source") or ""),
        )


def query_key(query: str) -> str:
    """Fold case and white space: two queries with the same key count as the same text (library, joins)."""
    return " ".join(query.split()).casefold()


def describe(profile: Profile, mask: int) -> list[tuple[str, str]]:
    """List (name, value) of the attributes of a mask that have a value, in canonical order."""
    pairs = zip(ATTRIBUTES, profile.values, strict=True)
    return [(a.name, value) for i, (a, value) in enumerate(pairs) if mask >> i & 1 and value is not None]


def _hash(parts: tuple[str | None, ...]) -> str:
    return hashlib.sha256(json.dumps(parts, ensure_ascii=False).encode()).hexdigest()[:16]
