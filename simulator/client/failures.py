"""Why a try came to nothing, and what follows from it: try again, or give up with a line that helps."""

import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Literal

from planner.keyed import digest

Kind = Literal["status", "timeout", "connection", "body", "dead"]
Consequence = Literal["retry", "refused", "unusable"]

OVERLOADED = frozenset({429, 503})
"""Statuses by which a server says that it has too much to do."""

_RETRIED = frozenset({408, 409, 429, 500, 502, 503, 504})


class TryError(Exception):
    """One try came to nothing.

    Fields:
        kind: an error status; no answer in time; no connection, or one that was cut; an unreadable body; or the health
            check found the server dead meanwhile.
        status: of the answer, 0 where there is none. code: the server's word for the error.
        retry_after: seconds that the server asks to wait, or None.
    """

    def __init__(
        self, kind: Kind, message: str, *, status: int = 0, code: str = "", retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.kind, self.status, self.code, self.retry_after = kind, status, code, retry_after

    @property
    def consequence(self) -> Consequence:
        """What follows: another try may help, this request is refused, or nothing will go through."""
        if self.kind != "status":
            return "retry"
        text = str(self).lower()
        if self.status in {401, 403} or self.code == "insufficient_quota":
            return "unusable"
        if self.status == 404 and ("model" in text or "deployment" in text):
            return "unusable"
        return "retry" if self.status in _RETRIED else "refused"

    @property
    def advice(self) -> str:
        """What to do about it, or nothing where there is nothing to say."""
        if self.kind == "status":
            if self.code == "insufficient_quota":
                return "the account has no credit left"
            if self.status in {401, 403}:
                return "check the key"
            if self.status == 404:
                return "check the name of the model and the base URL (it ends with /v1)"
            if self.status == 429:
                return "lower the calls in flight, or ask for a higher limit"
        return "raise the timeout or lower the calls in flight" if self.kind == "timeout" else ""

    @property
    def suspicious(self) -> bool:
        """Whether the server may be dead: no answer at all, or one that a dying server gives."""
        return self.kind in {"timeout", "connection"} or self.status >= 500


def failure(status: int, headers: Mapping[str, str], body: bytes, now: datetime | None = None) -> TryError:
    """Return what an answer with an error status means; `now` is the time that HTTP dates are compared with."""
    try:
        payload: Any = json.loads(body)
    except (ValueError, RecursionError):
        payload = body.decode("utf-8", "replace")
    inner = payload.get("error", payload) if isinstance(payload, dict) else payload
    text, code = inner, ""
    if isinstance(inner, dict):
        text = inner.get("message") or inner.get("detail") or json.dumps(inner)
        code = str(inner.get("code") or "")
    text = text if isinstance(text, str) else json.dumps(text)
    wait = retry_after(headers, now or datetime.now(UTC))
    line = f"HTTP {status}: {text}" if text else f"HTTP {status}"
    return TryError("status", line, status=status, code=code, retry_after=wait)


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Read Retry-After (seconds or an HTTP date) or Azure's retry-after-ms: seconds from now, never negative."""
    try:
        if ms := headers.get("retry-after-ms"):
            seconds = float(ms) / 1000
        else:
            seconds = float(headers.get("retry-after") or "nan")
    except ValueError:
        try:
            at = parsedate_to_datetime(headers["retry-after"])
        except (ValueError, KeyError):
            return None
        seconds = ((at if at.tzinfo else at.replace(tzinfo=UTC)) - now).total_seconds()
    return max(0.0, seconds) if math.isfinite(seconds) else None


def backoff(key: str, tries: int, asked: float | None, *, base: float, ceiling: float, longest: float) -> float:
    """Return the seconds to wait before the next try: exponential with full jitter, never less than was asked for.

    Args:
        key: of the request; the jitter is drawn from it, so that calls refused together do not come back together.
        tries: made so far, from 1. asked: Retry-After. longest: what is waited at most, whatever is asked for.
    """
    jitter = digest("jitter", key, tries) / 2.0**128
    return min(longest, max(asked or 0.0, jitter * min(ceiling, base * 2.0 ** (tries - 1))))
