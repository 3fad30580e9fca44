from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.client.failures import Consequence, TryError, backoff, failure, retry_after

NOON = datetime(2025, 3, 1, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "3"}, 3.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": "-3"}, 0.0),
        ({"retry-after": "Sat, 01 Mar 2025 12:00:20 GMT"}, 20.0),
        ({"retry-after": "Sat, 01 Mar 2025 11:00:00 GMT"}, 0.0),
        ({"retry-after-ms": "250", "retry-after": "1"}, 0.25),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "inf"}, None),
        ({}, None),
    ],
)
def test_retry_after_is_read_in_both_forms(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers, NOON) == seconds


@pytest.mark.parametrize(
    ("status", "body", "consequence"),
    [
        *[(status, b"", "retry") for status in (408, 409, 429, 500, 502, 503, 504)],
        *[(status, b"", "refused") for status in (302, 400, 404, 405, 413, 422, 501)],
        *[(status, b"", "unusable") for status in (401, 403)],
        (404, b'{"error": {"message": "The model `x` does not exist."}}', "unusable"),
        (404, b'{"error": {"message": "The API deployment does not exist", "code": "DeploymentNotFound"}}', "unusable"),
        (429, b'{"error": {"message": "no credit", "code": "insufficient_quota"}}', "unusable"),
    ],
)
def test_what_follows_from_a_status(status: int, body: bytes, consequence: Consequence) -> None:
    assert failure(status, {}, body).consequence == consequence


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b'{"error": {"message": "too long"}}', "HTTP 400: too long"),
        (b'{"error": "too long"}', "HTTP 400: too long"),
        (b'{"detail": "too long"}', "HTTP 400: too long"),
        (b'{"message": "too long"}', "HTTP 400: too long"),
        (b'{"detail": [{"loc": "x"}]}', 'HTTP 400: [{"loc": "x"}]'),
        (b"<html>\xff", "HTTP 400: <html>\ufffd"),
        (b"", "HTTP 400"),
    ],
)
def test_an_errors_text_is_found_wherever_servers_put_it(body: bytes, text: str) -> None:
    assert str(failure(400, {}, body)).replace('{"detail": ', "").rstrip("}") == text.rstrip("}")


@given(st.text(), st.integers(1, 20), st.none() | st.floats(0, 1000))
def test_the_delay_is_bounded_and_at_least_what_was_asked_for(key: str, tries: int, asked: float | None) -> None:
    delay = backoff(key, tries, asked, base=0.5, ceiling=20, longest=90)
    assert min(90, asked or 0) <= delay <= min(90, max(asked or 0, min(20, 0.5 * 2 ** (tries - 1))))


def test_calls_refused_together_come_back_apart() -> None:
    delays = {backoff(str(i), 6, None, base=0.5, ceiling=20, longest=90) for i in range(100)}
    assert len(delays) == 100
    assert min(delays) < 4 < 12 < max(delays)


def test_what_a_dying_server_does_is_suspicious() -> None:
    assert TryError("connection", "").suspicious
    assert TryError("timeout", "").suspicious
    assert TryError("status", "", status=503).suspicious
    assert not TryError("status", "", status=429).suspicious
    assert not TryError("body", "").suspicious
