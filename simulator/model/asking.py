"""Asking a model for something that can be used: forms, the fallback without them, and repairs.

A reply that can't be used is shown to the model again with what is wrong with it, a bounded number of times; then the
failure is an error, never a number. Every try has a seed of its own, keyed by what is asked.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

from planner.keyed import Key, digest
from simulator.client.types import ChatRequest, Completion, Message, RefusedError, Role, Sampling, Schema
from simulator.model.settings import ModelSettings
from simulator.prompts import encodable, render
from simulator.replies import Form, UnreadableReplyError
from simulator.world import InvalidReplyError

T = TypeVar("T")

MAX_REPAIRS = 2
MAX_TOKENS = 16_384
"""Repairs of replies that were cut short double the limit on tokens, up to here."""

_QUOTED_CHARACTERS = 1000
"""How much of an unusable reply is shown again: one that never ended would fill the context."""

_CUT_OFF = {
    "content_filter": "the server's content filter cut it off",
    "abort": "the server gave it up",
    "error": "the server gave it up",
}
_ABOUT_FORMS = re.compile(r"response_format|json|schema|structured|guided|grammar", re.IGNORECASE)


class Chat(Protocol):
    """Whoever answers a request: `simulator.client.client.ChatClient`."""

    async def complete(self, request: ChatRequest) -> Completion:
        """Answer a request. Raises: ChatError."""
        ...


@dataclass(frozen=True, slots=True)
class Wish:
    """What is wanted from a model.

    Fields:
        what: in words, for errors ("a judgement").
        messages: the prompt.
        role, model, sampling, sticky: as in `ChatRequest`.
        key: of the draw: the seed is its digest.
        sample: keeps repeats apart.
    """

    what: str
    messages: tuple[Message, ...]
    role: Role
    model: str
    sampling: Sampling
    key: tuple[Key, ...]
    sample: int = 0
    sticky: str = ""


class Asker:
    """Asks until the reply can be used.

    Fields:
        chat: who answers; None while nothing is served.
    """

    def __init__(self, settings: ModelSettings) -> None:
        self.chat: Chat | None = None
        self._settings = settings
        self._without_forms: set[str] = set()

    async def decide(self, wish: Wish, form: Form[T]) -> T:
        """Ask for a reply of a form.

        Raises:
            InvalidReplyError: it could not be read after `MAX_REPAIRS` repairs.
            ChatError: there was no reply.
        """
        shown = "\n".join(message.content for message in wish.messages)
        return await self._usable(wish, form.schema, lambda completion: form.read(_whole(completion), shown))

    async def write(self, wish: Wish) -> str:
        """Ask for free text; one that ran into the limit on tokens stands as it is, since that is what was answered.

        Raises:
            InvalidReplyError: it was empty, or cut off by the server, after `MAX_REPAIRS` repairs.
            ChatError: there was no reply.
        """
        return await self._usable(wish, None, lambda completion: encodable(_said(completion)))

    async def _usable(self, wish: Wish, schema: Schema | None, read: Callable[[Completion], T]) -> T:
        first = request = self._request(wish, schema)
        problem = ""
        for repair in range(1, MAX_REPAIRS + 2):
            try:
                completion = await self._complete(request)
            except RefusedError as refusal:
                if request is first:
                    raise
                raise InvalidReplyError(f"{wish.what} by {wish.model}: {problem}; its repair: {refusal}") from refusal
            try:
                return read(completion)
            except UnreadableReplyError as error:
                problem = str(error)
            request = _repaired(request, first, completion, problem, digest(*wish.key, "repair", repair))
        raise InvalidReplyError(f"{wish.what} by {wish.model} is unusable after {MAX_REPAIRS} repairs: {problem}")

    def _request(self, wish: Wish, schema: Schema | None) -> ChatRequest:
        settings = self._settings
        messages = wish.messages
        if not settings.system_messages:
            messages = (Message("user", "\n\n".join(message.content for message in messages)),)
        return ChatRequest(
            model=wish.model,
            messages=messages,
            sampling=replace(wish.sampling, max_tokens=wish.sampling.max_tokens + settings.reasoning_tokens),
            seed=_seed(digest(*wish.key)),
            sample=wish.sample,
            schema=schema,
            role=wish.role,
            sticky=wish.sticky,
        )

    async def _complete(self, request: ChatRequest) -> Completion:
        """Send a request, without its form where the server can't be held to one.

        In `auto` a refusal that speaks of forms is remembered for the model, so that it is not asked for again.
        """
        if self.chat is None:
            raise RuntimeError("the model world is not being served: enter `serving` first")
        mode = self._settings.structured
        if request.schema is None or mode == "json_schema":
            return await self.chat.complete(request)
        if mode == "fallback" or request.model in self._without_forms:
            return await self.chat.complete(_spelled_out(request, request.schema))
        try:
            return await self.chat.complete(request)
        except RefusedError as refusal:
            try:
                completion = await self.chat.complete(_spelled_out(request, request.schema))
            except RefusedError:
                raise refusal from None
            if _ABOUT_FORMS.search(str(refusal)):
                self._without_forms.add(request.model)
            return completion


def _spelled_out(request: ChatRequest, schema: Schema) -> ChatRequest:
    added = render("schema", schema=schema.json)
    return replace(request, messages=_with(request.messages, added), schema=None)


def _repaired(request: ChatRequest, first: ChatRequest, completion: Completion, problem: str, key: int) -> ChatRequest:
    """Return the first request with the last reply and its problem added, another seed, and more room if it was cut."""
    cut = completion.finish_reason == "length"
    sampling = request.sampling
    if cut:
        sampling = replace(sampling, max_tokens=max(sampling.max_tokens, min(2 * sampling.max_tokens, MAX_TOKENS)))
    added = render(
        "repair",
        reply=completion.text.strip()[:_QUOTED_CHARACTERS],
        problem=problem,
        shorter=cut,
        structured=request.schema is not None,
    )
    return replace(first, messages=_with(first.messages, added), sampling=sampling, seed=_seed(key))


def _with(messages: tuple[Message, ...], added: tuple[Message, ...]) -> tuple[Message, ...]:
    """Add to the last message: many chat templates refuse two messages of one role in a row."""
    last = messages[-1]
    text = "\n\n".join((last.content, *(message.content for message in added)))
    return (*messages[:-1], Message(last.role, text))


def _seed(key: int) -> int:
    return key % 2**31


def _said(completion: Completion) -> str:
    """Return what was said, if anything was and the server did not cut it off."""
    if completion.finish_reason in _CUT_OFF:
        raise UnreadableReplyError(_CUT_OFF[completion.finish_reason])
    if text := completion.text.strip():
        return text
    if completion.finish_reason == "length":
        raise UnreadableReplyError("the limit on tokens was reached before the reply began")
    raise UnreadableReplyError("it is empty" + (" after the reasoning" if completion.reasoning else ""))


def _whole(completion: Completion) -> str:
    text = _said(completion)
    if completion.finish_reason == "length":
        raise UnreadableReplyError("it was cut short by the limit on tokens")
    return text
