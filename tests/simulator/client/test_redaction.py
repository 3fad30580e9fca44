import base64
import json
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.client.redaction import REDACTED, one_line, redact
from tests.simulator.client.asking import KEY

TEXTS = [
    f"key {KEY} is wrong",
    f"GET /v1?key={quote(KEY, safe='')}",
    f"GET /v1?key={quote_plus(KEY)}",
    json.dumps({"given": KEY}),
    base64.b64encode(KEY.encode()).decode(),
    base64.b64encode(f"user:{KEY}".encode()).decode(),
    base64.b64encode(f"ab:{KEY}:more".encode()).decode(),
    base64.urlsafe_b64encode(KEY.encode()).decode(),
]


@pytest.mark.parametrize("text", TEXTS)
def test_a_known_key_is_taken_out_in_every_form(text: str) -> None:
    shown = redact(text, [KEY])
    assert REDACTED in shown
    for form in (KEY, KEY[3:-3], quote(KEY, safe="")[4:-4], base64.b64encode(KEY.encode()).decode()[4:-4]):
        assert form not in shown


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer abcdef123456",
        "{'authorization': 'Basic abcdef123456'}",
        "{b'Authorization': b'abcdef123456'}",
        '{"api-key": "abcdef123456"}',
        "(b'authorization', b'Bearer abcdef123456')",
        "sent bearer abcdef123456 to it",
        "Incorrect API key provided: sk-abcdef123456.",
        "no connection to http://user:abcdef123456@host/v1",
    ],
)
def test_credentials_are_taken_out_where_the_key_is_not_known(text: str) -> None:
    assert "abcdef" not in redact(text, [])


def test_other_text_stays() -> None:
    text = "HTTP 404: The model `x` does not exist at http://127.0.0.1:80/v1, bearer of bad news; risk-averse"
    assert redact(text, ["", "x", KEY]) == text


@given(st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), min_size=6), st.text(), st.text())
def test_no_key_survives(key: str, before: str, after: str) -> None:
    shown = redact(f"{before}{key}{after}", [key])
    # What is around it may spell the key again, or the mark may.
    assert key not in shown or key in before + after or key in REDACTED or key in f"{before}{REDACTED}{after}"


@given(st.text())
def test_a_line_can_be_printed(text: str) -> None:
    line = one_line(text, 50)
    assert line.isprintable()
    assert len(line) <= 50
