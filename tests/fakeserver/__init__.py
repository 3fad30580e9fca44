"""A small OpenAI-compatible server of our own, with faults on demand."""

from tests.fakeserver.answers import Behaviour
from tests.fakeserver.faults import (
    CLOSE,
    CUT,
    LENGTH,
    NO_USAGE,
    NOT_CHAT,
    NOT_JSON,
    STALL,
    WRONG_SCHEMA,
    Fault,
    reply,
    status,
)
from tests.fakeserver.server import FakeServer

__all__ = [
    "CLOSE",
    "CUT",
    "LENGTH",
    "NOT_CHAT",
    "NOT_JSON",
    "NO_USAGE",
    "STALL",
    "WRONG_SCHEMA",
    "Behaviour",
    "FakeServer",
    "Fault",
    "reply",
    "status",
]
