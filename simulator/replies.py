"""The forms of structured replies: a JSON schema to ask with, and a strict reader of what comes back.

A schema is flat and bounded, as vLLM's guided decoding needs it: each text has a `maxLength`, each number its bounds,
no other key may stand in it, nothing refers to a definition elsewhere, and `uniqueItems`, which vLLM refuses, is not
used. What explains a decision stands before it, so that the model writes it first.

A ranking is therefore an object with a rating for each attribute (0-100: how much knowing it would improve the answer),
sorted by rating, ties in canonical order: under guided decoding whatever the model replies is a ranking.
"""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Any, Generic, Literal, NamedTuple, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError, create_model

from planner.subsets import members
from simulator.attributes import ATTRIBUTES, N_ATTRIBUTES, NAMES
from simulator.client.types import Schema
from simulator.dialogue import Question
from simulator.world import DIMENSIONS

FORMS_VERSION = 1
"""Goes up whenever a form changes, or what is read from a reply: part of the model world's version."""

T = TypeVar("T")

_ANSWER = "answer now"
"""Stands in the attribute's place where nothing is asked."""

_BLOCK = re.compile(r"```(?:json)?(.*?)```", re.DOTALL | re.IGNORECASE)
_MAX_PROBLEMS = 3
_MAX_PROBLEM_LENGTH = 160


class UnreadableReplyError(ValueError):
    """A reply has not the form that was asked for; the message says what is wrong, for people and for a repair."""


@dataclass(frozen=True)
class Form(Generic[T]):
    """The form of one kind of reply.

    Fields:
        schema: goes with the request.
        model: checks the object; strict, nothing is converted.
        take: what a checked object means.
    """

    schema: Schema
    model: type[BaseModel]
    take: Callable[[Any], T]

    def read(self, text: str, shown: str = "") -> T:
        """Read a reply.

        The reply is one JSON object. Where the whole is not JSON, one tolerant step: what stands in its only fenced
        block, or, without any, from its first brace to its last.

        Args:
            shown: what the model was shown. An object that stands there word for word (white space aside) is refused:
                it is the material's, not the model's own.

        Raises:
            UnreadableReplyError: not such an object, or not the model's own.
        """
        source, value = _find_object(text)
        if not isinstance(value, dict):
            raise UnreadableReplyError("it is not one JSON object")
        try:
            reply = self.model.model_validate(value)
        except ValidationError as error:
            raise UnreadableReplyError(_describe(error)) from None
        if "{" in shown and _folded(source) in _folded(shown):
            raise UnreadableReplyError("it is copied from the material that was shown")
        return self.take(reply)


class StrictReply(BaseModel):
    """What every reply's object is: closed, nothing converted."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


def with_words(text: str) -> str:
    """Refuse a text of white space (a validator of fields)."""
    if not text.strip():
        raise ValueError("it has no words")
    return text


Reason = Annotated[str, StringConstraints(min_length=1, max_length=400)]
_Words = Annotated[str, StringConstraints(min_length=1, max_length=500), AfterValidator(with_words)]
_Score = Annotated[int, Field(ge=1, le=5)]
_Rating = Annotated[int, Field(ge=0, le=100)]


class Judgement(NamedTuple):
    """A judge's three scores, integers 1-5 in the order of `DIMENSIONS`, and why, a line each."""

    dimensions: tuple[int, int, int]
    rationale: str


class _Judgement(StrictReply):
    risk_sensitivity_rationale: Reason
    risk_sensitivity: _Score
    emotional_empathy_rationale: Reason
    emotional_empathy: _Score
    user_alignment_rationale: Reason
    user_alignment: _Score


class _Completeness(StrictReply):
    reason: Reason
    completeness: Annotated[int, Field(ge=0, le=5)]


class _Sufficient(StrictReply):
    reason: Reason
    sufficient: bool


class _Crisis(StrictReply):
    reason: Reason
    immediate_danger: bool


class _Wording(StrictReply):
    why: Reason
    question: _Words


class _UserReply(StrictReply):
    reply: _Words


def make_form(name: str, model: type[BaseModel], take: Callable[[Any], T]) -> Form[T]:
    """Return the form of the objects that a model checks (a subclass of `StrictReply`); `take` says what one means."""
    return Form(Schema(name, _plain(model.model_json_schema())), model, take)


def _plain(schema: Any) -> Any:
    """Drop titles and descriptions from a schema, and write a single choice like several ones."""
    if isinstance(schema, dict):
        kept = {k: _plain(v) for k, v in schema.items() if not (k in ("title", "description") and isinstance(v, str))}
        return {("enum" if k == "const" else k): ([v] if k == "const" else v) for k, v in kept.items()}
    return [_plain(item) for item in schema] if isinstance(schema, list) else schema


def _judgement(reply: _Judgement) -> Judgement:
    lines = (f"{d.replace('_', ' ')}: {one_line(getattr(reply, d + '_rationale'))}" for d in DIMENSIONS)
    scores = (reply.risk_sensitivity, reply.emotional_empathy, reply.user_alignment)
    return Judgement(scores, "\n".join(lines))


JUDGEMENT: Form[Judgement] = make_form("judgement", _Judgement, _judgement)
COMPLETENESS: Form[int] = make_form("completeness", _Completeness, lambda reply: reply.completeness)
SUFFICIENT: Form[bool] = make_form("sufficiency", _Sufficient, lambda reply: reply.sufficient)
CRISIS: Form[bool] = make_form("crisis_check", _Crisis, lambda reply: reply.immediate_danger)
USER_REPLY: Form[str] = make_form("user_reply", _UserReply, lambda reply: one_line(reply.reply))


@lru_cache(maxsize=1 << N_ATTRIBUTES)
def ranking_form(remaining: int) -> Form[tuple[int, ...]]:
    """Return the form of a ranking of the attributes of a mask: their indices, most worth asking first."""
    indices = members(remaining)
    model = by_attribute("Ranking", _Rating, indices, {"reason": (Reason, ...)})

    def ranked(reply: BaseModel) -> tuple[int, ...]:
        ratings = {i: getattr(reply, ATTRIBUTES[i].key) for i in indices}
        return tuple(sorted(indices, key=lambda i: (-ratings[i], i)))

    return make_form("ranking", model, ranked)


@lru_cache(maxsize=1 << N_ATTRIBUTES)
def choice_form(remaining: int) -> Form[Question]:
    """Return the form of a choice among the attributes of a mask, with its question and why it is asked."""
    choices = tuple(NAMES[i] for i in members(remaining))
    fields: dict[str, Any] = {"why": (Reason, ...), "attribute": (Literal[choices], ...), "question": (_Words, ...)}
    model = create_model("Choice", __base__=StrictReply, **fields)

    def question(reply: Any) -> Question:
        return Question(NAMES.index(reply.attribute), one_line(reply.question), one_line(reply.why))

    return make_form("choice", model, question)


@lru_cache(maxsize=1 << N_ATTRIBUTES)
def answer_or_ask_form(remaining: int) -> Form[Question | None]:
    """Return the form of a decision to answer (None) or to ask about one of the attributes of a mask.

    It is one choice, so that whatever is replied under guided decoding is a decision.
    """
    choices = (_ANSWER, *(NAMES[i] for i in members(remaining)))
    fields: dict[str, Any] = {"why": (Reason, ...), "next": (Literal[choices], ...), "question": (_Words, ...)}
    model = create_model("AnswerOrAsk", __base__=StrictReply, **fields)

    def decided(reply: Any) -> Question | None:
        if reply.next == _ANSWER:
            return None
        return Question(NAMES.index(reply.next), one_line(reply.question), one_line(reply.why))

    return make_form("answer_or_ask", model, decided)


@lru_cache(maxsize=N_ATTRIBUTES)
def wording_form(attribute: int) -> Form[Question]:
    """Return the form of a question whose attribute is settled."""
    return make_form("wording", _Wording, lambda r: Question(attribute, one_line(r.question), one_line(r.why)))


def by_attribute(name: str, kind: Any, indices: Sequence[int], first: dict[str, Any]) -> type[BaseModel]:
    """Make a model with a field for each attribute, called by its name, after the fields of `first`."""
    fields: dict[str, Any] = {ATTRIBUTES[i].key: (kind, Field(alias=NAMES[i])) for i in indices}
    return create_model(name, __base__=StrictReply, **first, **fields)


def one_line(text: str) -> str:
    """Fold white space: what a model says in a field is one line wherever it is shown."""
    return " ".join(text.split())


def _find_object(text: str) -> tuple[str, Any]:
    """Return the source of the object that a reply consists of, and its value."""
    source = text.strip()
    if not source:
        raise UnreadableReplyError("it is empty")
    try:
        return source, _load(source)
    except UnreadableReplyError as problem:
        inner = _inner(source)
        if inner is None or inner == source:
            raise problem from None
        return inner, _load(inner)


def _inner(text: str) -> str | None:
    blocks = _BLOCK.findall(text)
    if blocks:
        return str(blocks[0]).strip() if len(blocks) == 1 else None
    start, end = text.find("{"), text.rfind("}")
    return text[start : end + 1] if 0 <= start < end else None


def _load(source: str) -> Any:
    try:
        return json.loads(source, object_pairs_hook=_unique, parse_constant=_refuse_constant)
    except UnreadableReplyError:
        raise
    except RecursionError:
        raise UnreadableReplyError("it is nested too deeply") from None
    except ValueError as error:
        # The error's own text can quote megabytes; where it stopped is enough.
        where = f" at character {error.pos}" if isinstance(error, json.JSONDecodeError) else ""
        raise UnreadableReplyError(f"it is not one JSON object (unreadable{where})") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise UnreadableReplyError("a key stands in it twice")
    return found


def _refuse_constant(name: str) -> Any:
    raise UnreadableReplyError(f"{name} is not a number of JSON")


def _describe(error: ValidationError) -> str:
    """Name the first few problems by key, without quoting the reply beyond its keys."""
    problems = error.errors(include_input=False, include_url=False, include_context=False)
    lines = [one_line(f"{'.'.join(map(str, p['loc'])) or 'the reply'}: {p['msg']}") for p in problems[:_MAX_PROBLEMS]]
    more = f"; and {len(problems) - _MAX_PROBLEMS} more" if len(problems) > _MAX_PROBLEMS else ""
    return "; ".join(line[:_MAX_PROBLEM_LENGTH] for line in lines) + more


def _folded(text: str) -> str:
    return "".join(text.split())


__all__ = [
    "COMPLETENESS",
    "CRISIS",
    "FORMS_VERSION",
    "JUDGEMENT",
    "SUFFICIENT",
    "USER_REPLY",
    "Form",
    "Judgement",
    "Reason",
    "StrictReply",
    "UnreadableReplyError",
    "answer_or_ask_form",
    "by_attribute",
    "choice_form",
    "make_form",
    "one_line",
    "ranking_form",
    "with_words",
    "wording_form",
]
