"""Asking a model for something that can be used: forms, or their words instead, and repairs.

A reply that can't be used is shown to the model again with what is wrong with it, a bounded number of times; then the
failure is an error, never a number. Every try has a seed of its own, keyed by what is asked.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

from planner.keyed import Key, digest
from simulator.client.types import Caller, ChatRequest, Completion, Message, RefusedError, Sampling, Schema
from simulator.model.settings import ModelSettings
from simulator.prompts import render
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


class Chat(Protocol):
    """Whoever answers a request: `simulator.client.client.ChatClient`."""

    async def complete(self, request: ChatRequest) -> Completion:
        """Answer a request. Raises: ChatError."""
        ...

    def forget(self, request: ChatRequest) -> None:
        """Ask anew the next time."""
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
    role: Caller
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
        return await self._usable(wish, None, _said)

    async def _usable(self, wish: Wish, schema: Schema | None, read: Callable[[Completion], T]) -> T:
        if self.chat is None:
            raise RuntimeError("the model world is not being served: enter `serving` first")
        first = request = self._request(wish, schema)
        asked = [first]
        problem = ""
        for repair in range(1, MAX_REPAIRS + 2):
            try:
                completion = await self.chat.complete(request)
            except RefusedError as refusal:
                if request is first:
                    raise
                self._forget(asked[:-1])
                raise InvalidReplyError(f"{wish.what} by {wish.model}: {problem}; its repair: {refusal}") from refusal
            try:
                return read(completion)
            except UnreadableReplyError as error:
                problem = str(error)
            added = self._repair(schema, completion, problem)
            sampling = _roomier(request.sampling) if _cut_short(completion) else request.sampling
            seed = _seed(*wish.key, "repair", repair)
            request = replace(first, messages=_with(first.messages, added), sampling=sampling, seed=seed)
            asked.append(request)
        self._forget(asked[:-1])
        raise InvalidReplyError(f"{wish.what} by {wish.model} is unusable after {MAX_REPAIRS} repairs: {problem}")

    def _forget(self, useless: Sequence[ChatRequest]) -> None:
        """See to it that whoever tries the failed unit again does not meet the same replies."""
        if self.chat is not None:
            for request in useless:
                self.chat.forget(request)

    def _request(self, wish: Wish, schema: Schema | None) -> ChatRequest:
        settings = self._settings
        messages = wish.messages
        if not settings.system_messages:
            messages = (Message("user", "\n\n".join(message.content for message in messages)),)
        if schema is not None and settings.structured == "fallback":
            messages, schema = _with(messages, render("schema", schema=schema.json)), None
        return ChatRequest(
            model=wish.model,
            messages=messages,
            sampling=replace(wish.sampling, max_tokens=wish.sampling.max_tokens + settings.reasoning_tokens),
            seed=_seed(*wish.key),
            sample=wish.sample,
            schema=schema,
            role=wish.role,
            sticky=wish.sticky,
        )

    def _repair(self, schema: Schema | None, completion: Completion, problem: str) -> tuple[Message, ...]:
        """Return what is added to a request whose reply can't be used."""
        added = render(
            "repair",
            reply=completion.text.strip()[:_QUOTED_CHARACTERS],
            problem=problem,
            shorter=_cut_short(completion),
            structured=schema is not None,
        )
        if schema is not None and self._settings.structured == "auto":
            added += render("schema", schema=schema.json)
        return added


def _cut_short(completion: Completion) -> bool:
    return completion.finish_reason == "length"


def _roomier(sampling: Sampling) -> Sampling:
    return replace(sampling, max_tokens=max(sampling.max_tokens, min(2 * sampling.max_tokens, MAX_TOKENS)))


def _with(messages: tuple[Message, ...], added: tuple[Message, ...]) -> tuple[Message, ...]:
    """Add to the last message: many chat templates refuse two messages of one role in a row."""
    last = messages[-1]
    text = "\n\n".join((last.content, *(message.content for message in added)))
    return (*messages[:-1], Message(last.role, text))


def _seed(*key: Key) -> int:
    return digest(*key) % 2**31


def _said(completion: Completion) -> str:
    """Return what was said, if anything was and the server did not cut it off."""
    if completion.finish_reason in _CUT_OFF:
        raise UnreadableReplyError(_CUT_OFF[completion.finish_reason])
    if text := completion.text.strip():
        return text
    if _cut_short(completion):
        raise UnreadableReplyError("the limit on tokens was reached before the reply began")
    raise UnreadableReplyError("it is empty" + (" after the reasoning" if completion.reasoning else ""))


def _whole(completion: Completion) -> str:
    text = _said(completion)
    if _cut_short(completion):
        raise UnreadableReplyError("it was cut short by the limit on tokens")
    return text
