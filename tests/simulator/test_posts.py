"""Files of posts: whatever stands in a line, reading goes on, and a reason quotes nothing of it."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.build.posts import MAX_CHARACTERS, BadLine, Post, read_posts, survey
from simulator.formats import FormatError


def file(folder: Path, content: bytes) -> Path:
    path = folder / "posts.jsonl"
    path.write_bytes(content)
    return path


def test_posts_come_with_their_line_and_hash(tmp_path: Path) -> None:
    rows = [
        {"text": "One.", "id": "x"},
        {"text": "Two.", "domain": "HEALTH"},
        {"text": "3", "issue": " custody  battle"},
    ]
    path = file(tmp_path, b"\n".join(json.dumps(row).encode() for row in rows) + b"\n\n")
    one, two, three = list(read_posts(path))
    assert isinstance(one, Post)
    assert isinstance(two, Post)
    assert isinstance(three, Post)
    assert [post.line for post in (one, two, three)] == [1, 2, 3]
    assert (one.domain, two.domain, three.domain) == ("unknown", "Health", "Relationship")
    assert len({post.hash for post in (one, two, three)}) == 3
    assert "One." not in repr(one), "a post is in no traceback"
    assert survey(path).lines == 3


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"secret", "not JSON"),
        (b'"secret"', "no object with a text"),
        (b'{"text": 3}', "no object with a text"),
        (b'{"text": " "}', "no object with a text"),
        (b'{"body": "secret"}', "no object with a text"),
        (b'{"text": "secret", "domain": "Sport"}', "none of the seven"),
        (b'{"text": "secret", "domain": ["secret"]}', "no text"),
        (b'{"text": "secret\xff"}', "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (json.dumps({"text": "secret " * MAX_CHARACTERS}).encode(), "characters"),
        (b'{"text": "' + b"secret" * 300_000 + b'"}', "too long"),
    ],
)
def test_what_is_no_post_is_left_out_with_a_reason(tmp_path: Path, line: bytes, reason: str) -> None:
    first, *others = list(read_posts(file(tmp_path, line + b'\n{"text": "A good one."}\n')))
    assert isinstance(first, BadLine)
    assert reason in first.reason
    assert "secret" not in first.reason
    assert isinstance(others[-1], Post)
    assert others[-1].line == 2
    assert all(other.line == 1 for other in others[:-1])


def test_no_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"none\.jsonl"):
        survey(tmp_path / "none.jsonl")


@given(content=st.binary(max_size=400))
def test_no_bytes_are_too_strange(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = file(tmp_path_factory.mktemp("posts"), content)
    assert len(list(read_posts(path))) == survey(path).lines
