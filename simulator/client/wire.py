"""A chat call as JSON: the request's body in the dialect that a server takes, and its reply as a completion."""

import json
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple, Protocol

from simulator.client.failures import TryError
from simulator.client.types import ChatRequest, Completion, Schema, Usage

OPEN, CLOSE = "<think>", "</think>"

FALLBACK = "Reply with one JSON object and nothing else. It must be valid for this JSON schema:\n"
"""What goes before the schema at the end of the messages where a server does not take json_schema."""


class Dialect(NamedTuple):
    """What one server takes for one model; the best is assumed until it refuses.

    Fields:
        tokens: the name of the token limit. form: how a structured reply is asked for.
    """

    tokens: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    form: Literal["json_schema", "json_object", "text"] = "json_schema"


class Reply(NamedTuple):
    """An HTTP answer, whole; names of headers in small letters."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Transport(Protocol):
    """The way to one endpoint. Time limits are the caller's; what is cancelled leaves nothing behind."""

    async def send(self, body: Mapping[str, Any]) -> Reply:
        """Post a chat call and return the answer, whatever its status.

        Raises:
            TryError: there was no whole answer.
        """
        ...

    async def health(self) -> int:
        """Return the status that the endpoint's health URL answers with.

        Raises:
            TryError: there was no answer.
        """
        ...


def request_body(request: ChatRequest, model: str, dialect: Dialect) -> dict[str, Any]:
    """Return the body of a call; `model` is what the server calls it."""
    sampling = request.sampling
    messages = [{"role": role, "content": clean(content)} for role, content in request.messages]
    body: dict[str, Any] = {
        "model": model,
        "messages": messages,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        dialect.tokens: sampling.max_tokens,
        "seed": request.seed,
    }
    if (schema := request.schema) is not None:
        if dialect.form == "json_schema":
            form = {"name": schema.name, "schema": schema.json, "strict": True}
            body["response_format"] = {"type": "json_schema", "json_schema": form}
        else:
            _append(messages, schema)
            if dialect.form == "json_object":
                body["response_format"] = {"type": "json_object"}
    return body


def _append(messages: list[dict[str, str]], schema: Schema) -> None:
    # At the end, so that what calls share stays at the start; into the last message, since many chat templates
    # take no two messages of the same role in a row.
    text = FALLBACK + json.dumps(schema.json)
    if messages and messages[-1]["role"] == "user":
        messages[-1]["content"] += "\n\n" + text
    else:
        messages.append({"role": "user", "content": text})


def adapted(used: Dialect, error: TryError, structured: bool) -> Dialect | None:
    """Return the dialect to try after a server refused a request for its form, or None if that was not the reason."""
    if error.status not in {400, 415, 422}:
        return None
    text = str(error).lower()
    if structured and used.form != "text" and "invalid schema" not in text:
        if used.form == "json_schema" and ("response_format" in text or "json_schema" in text):
            return used._replace(form="json_object")
        if used.form == "json_object" and ("response_format" in text or "json_object" in text):
            return used._replace(form="text")
    if used.tokens in text and any(word in text for word in ("support", "unrecognized", "unknown", "extra")):
        return used._replace(tokens="max_completion_tokens" if used.tokens == "max_tokens" else "max_tokens")
    return None


def read_completion(body: bytes) -> Completion:
    """Read the reply to a chat call.

    Raises:
        TryError: it is no JSON, or not a completion (kind `body`).
    """
    try:
        payload = json.loads(body)
    except (ValueError, RecursionError):  # no JSON, no UTF-8, or nested without end
        raise TryError("body", "the body of the reply is not JSON") from None
    try:
        choice = payload["choices"][0]
        message = choice["message"]
        text = _text(message.get("content")) or _text(message.get("refusal"))
        reasoning = _text(message.get("reasoning")) or _text(message.get("reasoning_content"))
    except (KeyError, IndexError, TypeError, AttributeError):
        said = payload.get("error") if isinstance(payload, dict) else None
        raise TryError("body", f"the reply is not a chat completion{f': {said}' if said else ''}") from None
    if not reasoning:
        text, reasoning = split_thought(text)
    finish = choice.get("finish_reason")
    return Completion(text, reasoning, finish if isinstance(finish, str) else "stop", _usage(payload.get("usage")))


def split_thought(text: str) -> tuple[str, str]:
    """Split a text into the reply and the thought before it, in think tags.

    A tag that is never closed makes all of it a thought. Some chat templates put the opening tag into the prompt, so
    that only the closing one comes back; in a JSON reply, though, it is just text.
    """
    start = text.lstrip()
    if start.startswith(OPEN):
        thought, _, rest = start.removeprefix(OPEN).partition(CLOSE)
        return rest.strip(), thought.strip()
    thought, closed, rest = text.partition(CLOSE)
    if closed and OPEN not in thought and not start.startswith(("{", "[")):
        return rest.strip(), thought.strip()
    return text, ""


def clean(text: str) -> str:
    """Return the text with halves of surrogate pairs replaced: they can be neither sent nor stored."""
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _text(content: Any) -> str:
    if isinstance(content, str):
        return clean(content)
    if isinstance(content, list):  # content in parts
        return "".join(_text(part.get("text")) for part in content if isinstance(part, dict))
    return ""


def _usage(usage: Any) -> Usage:
    return Usage(
        _count(usage, "prompt_tokens"),
        _count(usage, "prompt_tokens_details", "cached_tokens"),
        _count(usage, "completion_tokens"),
        _count(usage, "completion_tokens_details", "reasoning_tokens"),
    )


def _count(found: Any, *path: str) -> int:
    for name in path:
        found = found.get(name) if isinstance(found, dict) else None
    return found if type(found) is int and 0 <= found < 2**53 else 0
