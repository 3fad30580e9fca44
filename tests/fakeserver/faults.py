"""What a fake server does wrong on demand."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["status", "stall", "close", "cut", "not_json", "not_chat", "wrong_schema", "no_usage", "length", "reply"]


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong with one request; make them with the functions below.

    Kinds:
        status: an HTTP error with `message`. stall: no answer until `FakeServer.release()`.
        close: the connection ends before any answer; cut: in the middle of the body.
        not_json: status 200, a body that is no JSON; not_chat: JSON, but no completion.
        wrong_schema: a reply that is JSON but not of the form asked for. no_usage: no token counts.
        length: the reply is cut off half-way, finish_reason is `length`. reply: `message` is the reply's text.
    """

    kind: Kind
    status: int = 200
    message: str = ""
    retry_after: str = ""
    reasoning: str = ""
    code: str = ""


STALL, CLOSE, CUT = Fault("stall"), Fault("close"), Fault("cut")
NOT_JSON, NOT_CHAT, WRONG_SCHEMA = Fault("not_json"), Fault("not_chat"), Fault("wrong_schema")
NO_USAGE, LENGTH = Fault("no_usage"), Fault("length")


def status(code: int, message: str = "the fake server says no", *, retry_after: str = "", error: str = "") -> Fault:
    """Answer with an HTTP error; `retry_after` is the header, seconds or an HTTP date, `error` the error's code."""
    return Fault("status", code, message, retry_after, code=error)


def reply(text: str, *, reasoning: str = "") -> Fault:
    """Answer with exactly this text (and reasoning, in its own field), whatever was asked."""
    return Fault("reply", message=text, reasoning=reasoning)
