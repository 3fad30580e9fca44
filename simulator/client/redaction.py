"""Take keys out of texts that people will see: errors of servers and libraries may carry them in many forms."""

import base64
import json
import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus

REDACTED = "[redacted]"

_SHORTEST = 4
"""Keys below this length are no secrets, and replacing them would leave no text standing."""

_PATTERNS = (
    (
        re.compile(
            r"(?i)((?:authorization|api[-_]?key)['\"]?\s*[:=,]\s*(?:b?['\"])?)(?:(?:bearer|basic)\s+)?[^\s'\",;}]+"
        ),
        r"\1",
    ),
    (re.compile(r"(?i)\b(bearer\s+)[\w.~+/=-]{8,}"), r"\1"),
    (re.compile(r"\b(sk-)[\w*.-]{6,}"), r"\1"),
    (re.compile(r"(//)[^/\s:@]*:[^/\s@]+(?=@)"), r"\1"),
)
"""Headers, bearer tokens, keys that start like OpenAI's, and passwords in addresses: also of keys not known."""


def redact(text: str, keys: Iterable[str]) -> str:
    """Return the text without the keys: as they are, escaped, URL-encoded or in base64, and without any credentials."""
    forms = {form for key in keys if len(key) >= _SHORTEST for form in _forms(key)}
    for form in sorted(forms, key=len, reverse=True):
        text = text.replace(form, REDACTED)
    for pattern, kept in _PATTERNS:
        text = pattern.sub(kept + REDACTED, text)
    return text


def one_line(text: str, longest: int = 300) -> str:
    """Return a text from a server as one line that is safe to print: nothing unprintable, and not without end."""
    text = " ".join("".join(c if c.isprintable() else " " for c in text[: 4 * longest]).split())
    return text if len(text) <= longest else text[: longest - 1] + "…"


def _forms(key: str) -> Iterator[str]:
    yield key
    yield json.dumps(key)[1:-1]
    yield repr(key)[1:-1]
    yield quote(key, safe="")
    yield quote_plus(key)
    raw = key.encode("utf-8", "replace")
    for before in range(3):
        # What stands before the key shifts its base64 by up to two bytes; digits shared with neighbours are left off.
        coded = base64.b64encode(b"\0" * before + raw)
        whole = coded[(8 * before + 5) // 6 : (8 * (before + len(raw))) // 6].decode()
        if len(whole) >= _SHORTEST:
            yield whole
            yield whole.replace("+", "-").replace("/", "_")
