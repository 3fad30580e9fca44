"""The forms of replies that construction asks for (`simulator.replies` says what a form is)."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import AfterValidator, Field, StringConstraints, create_model

from planner.subsets import members
from simulator.attributes import ATTRIBUTES, N_ATTRIBUTES, NAMES
from simulator.domains import DOMAINS, issues
from simulator.replies import Form, Reason, StrictReply, by_attribute, make_form, one_line, with_words

MAX_QUERIES = 10
"""Queries that can be asked for at once, for one profile: as many as the published benchmark has."""

OTHER = "Other"
"""Stands in the issue's place where none fits."""

_Query = Annotated[str, StringConstraints(min_length=1, max_length=1000), AfterValidator(with_words)]
_Quote = Annotated[str, StringConstraints(min_length=1, max_length=300)]
_Value = Annotated[str, StringConstraints(min_length=1, max_length=300)]


class Told(NamedTuple):
    """What a post is said to tell about an attribute: the words that it rests on, and the value."""

    quote: str
    value: str


class Extraction(NamedTuple):
    """A query, and attribute index -> what the post tells about it."""

    query: str
    told: Mapping[int, Told]


def _presence(reply: Any) -> int:
    return sum(1 << i for i, attribute in enumerate(ATTRIBUTES) if getattr(reply, attribute.key))


PRESENCE: Form[int] = make_form("presence", by_attribute("Presence", bool, range(N_ATTRIBUTES), {}), _presence)
"""The ten yes/no checks of a post (raise.md, section 2): the mask of the attributes that it tells."""


@lru_cache(maxsize=1 << N_ATTRIBUTES)
def extraction_form(present: int) -> Form[Extraction]:
    """Return the form of a query and of a quote and a value for each attribute of a mask."""
    fields: dict[str, Any] = {"query": (_Query, ...)}
    for i in members(present):
        fields[f"quote_{i}"] = (_Quote, Field(alias=f"{NAMES[i]} quote"))
        fields[f"value_{i}"] = (_Value, Field(alias=NAMES[i]))

    def extracted(reply: Any) -> Extraction:
        told = {
            i: Told(one_line(getattr(reply, f"quote_{i}")), one_line(getattr(reply, f"value_{i}")))
            for i in members(present)
        }
        return Extraction(one_line(reply.query), told)

    return make_form("extraction", create_model("Extraction", __base__=StrictReply, **fields), extracted)


def _choice_form(what: str, choices: tuple[str, ...]) -> Form[str]:
    """Return the form of one of several names, after why it is the one."""
    fields: dict[str, Any] = {"reason": (Reason, ...), what: (Literal[choices], ...)}
    model = create_model(what.capitalize(), __base__=StrictReply, **fields)
    return make_form(what, model, lambda reply: str(getattr(reply, what)))


DOMAIN: Form[str] = _choice_form("domain", DOMAINS)


@lru_cache(maxsize=len(DOMAINS))
def issue_form(domain: str) -> Form[str]:
    """Return the form of a choice among a domain's issues, or `OTHER`."""
    return _choice_form("issue", (*(issue.name for issue in issues() if issue.domain == domain), OTHER))


@lru_cache
def check_form(texts: int) -> Form[tuple[bool, ...]]:
    """Return the form of a check of so many texts: whether each could tell who somebody is."""
    names = [f"identifies_{n}" for n in range(1, texts + 1)]
    fields: dict[str, Any] = dict.fromkeys(names, (bool, ...))
    model = create_model("Check", __base__=StrictReply, **fields)
    return make_form("identity_check", model, lambda reply: tuple(getattr(reply, name) for name in names))


@lru_cache(maxsize=MAX_QUERIES)
def queries_form(count: int) -> Form[tuple[str, ...]]:
    """Return the form of so many queries, each after what makes it risky."""
    fields: dict[str, Any] = {}
    for n in range(1, count + 1):
        fields |= {f"risk_{n}": (Reason, ...), f"query_{n}": (_Query, ...)}
    model = create_model("Queries", __base__=StrictReply, **fields)
    return make_form(
        "queries", model, lambda reply: tuple(one_line(getattr(reply, f"query_{n}")) for n in range(1, count + 1))
    )
