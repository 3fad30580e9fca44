"""Public posts, one JSON object a line, as they are read before anything is built from them."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, NamedTuple

from simulator.domains import UNKNOWN_DOMAIN, domain_of, spell_domains
from simulator.formats import FormatError

MAX_CHARACTERS = 20_000
"""A longer post is left out: it would not fit where it is read."""

_MAX_LINE = 1 << 20
"""Bytes; whatever is longer is no post. Reading stays in bounded memory on any file."""


@dataclass(frozen=True, slots=True)
class Post:
    """One line that can be read.

    Fields:
        line: from 1. text: never stored anywhere.
        hash: SHA-256 of the text; what is kept of it.
        domain: as the file says, or `unknown`. issue: as the file says, or empty.
    """

    line: int
    text: str = field(repr=False)
    hash: str
    domain: str = UNKNOWN_DOMAIN
    issue: str = ""


class BadLine(NamedTuple):
    """A line that is no post, and why, in words that quote nothing of it."""

    line: int
    reason: str


class PostsFile(NamedTuple):
    """What a file of posts is: SHA-256 of its bytes, and the number of its lines that are not blank."""

    hash: str
    lines: int


def survey(path: Path) -> PostsFile:
    """Read a file once, to know it again and to know how much there is.

    Raises:
        FormatError: it can't be read.
    """
    digest, lines = hashlib.sha256(), 0
    with _open(path) as file:
        for _, raw in _lines(file):
            digest.update(raw)
            lines += bool(raw.strip())
    return PostsFile(digest.hexdigest(), lines)


def read_posts(path: Path) -> Iterator[Post | BadLine]:
    """Stream a file's posts in order; blank lines are passed over.

    Raises:
        FormatError: the file can't be read.
    """
    with _open(path) as file:
        for number, raw in _lines(file):
            if raw.strip():
                try:
                    yield _post(number, raw)
                except ValueError as error:
                    yield BadLine(number, str(error))


def _open(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise FormatError(path, f"{error.strerror or error}: name a file of posts, a JSON object a line") from error


def _lines(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Yield (number, line); of a line that is too long several parts with one number."""
    number, ended = 0, True
    while raw := file.readline(_MAX_LINE):
        number += ended
        ended = raw.endswith(b"\n")
        yield number, raw


def _post(number: int, raw: bytes) -> Post:
    if len(raw) == _MAX_LINE:
        raise ValueError("the line is too long for a post")
    try:
        data = json.loads(raw)
    except (ValueError, RecursionError):
        raise ValueError("it is not JSON") from None
    text = data.get("text") if isinstance(data, dict) else None
    if not isinstance(text, str) or not text.strip():
        raise ValueError("it is no object with a text")
    if len(text) > MAX_CHARACTERS:
        raise ValueError(f"the text has {len(text):,} characters, more than {MAX_CHARACTERS:,}")
    domain, issue = data.get("domain") or UNKNOWN_DOMAIN, data.get("issue") or ""
    if not isinstance(domain, str) or not isinstance(issue, str):
        raise ValueError("its domain or issue is no text")
    try:
        (domain,) = spell_domains([domain])
    except ValueError:
        raise ValueError("its domain is none of the seven") from None
    issue = " ".join(issue.split())
    if domain == UNKNOWN_DOMAIN:
        domain = domain_of(issue) or UNKNOWN_DOMAIN
    return Post(number, text, hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest(), domain, issue)
