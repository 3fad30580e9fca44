import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.client.failures import TryError
from simulator.client.types import ChatRequest, Completion, Message, Sampling, Usage
from simulator.client.wire import FALLBACK, Dialect, adapted, clean, read_completion, request_body, split_thought
from tests.simulator.client.asking import SCHEMA, request


def body(message: dict[str, Any], **rest: Any) -> bytes:
    return json.dumps({"choices": [{"message": message, "finish_reason": "stop"}], **rest}).encode()


def test_a_request_says_everything_that_decides_the_reply() -> None:
    asked = ChatRequest("m", (Message("system", "s"), Message("user", "u")), Sampling(0.5, 0.9, 100), 7, schema=SCHEMA)
    form = {"name": "rating", "schema": SCHEMA.json, "strict": True}
    assert request_body(asked, "theirs", Dialect()) == {
        "model": "theirs",
        "messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "u"}],
        "temperature": 0.5,
        "top_p": 0.9,
        "max_tokens": 100,
        "seed": 7,
        "response_format": {"type": "json_schema", "json_schema": form},
    }


def test_a_schema_put_as_text_stands_at_the_very_end() -> None:
    asked = request("what is shared first", schema=SCHEMA)
    with_object = request_body(asked, "m", Dialect(form="json_object"))
    assert with_object["response_format"] == {"type": "json_object"}
    content = with_object["messages"][-1]["content"]
    assert content == f"what is shared first\n\n{FALLBACK}{json.dumps(SCHEMA.json)}"
    as_text = request_body(asked, "m", Dialect(form="text"))
    assert "response_format" not in as_text
    assert as_text["messages"] == with_object["messages"]
    after_assistant = ChatRequest("m", (Message("assistant", "x"),), schema=SCHEMA)
    assert [m["role"] for m in request_body(after_assistant, "m", Dialect(form="text"))["messages"]] == [
        "assistant",
        "user",
    ]


def refused(text: str, status: int = 400) -> TryError:
    return TryError("status", text, status=status)


@pytest.mark.parametrize(
    ("used", "error", "better"),
    [
        (Dialect(), refused("'response_format' of type 'json_schema' is not supported"), Dialect(form="json_object")),
        (Dialect(form="json_object"), refused("response_format is unknown"), Dialect(form="text")),
        (Dialect(form="text"), refused("response_format is unknown"), None),
        (Dialect(), refused("Unsupported parameter: 'max_tokens'"), Dialect("max_completion_tokens")),
        (Dialect("max_completion_tokens"), refused("Unrecognized argument: max_completion_tokens"), Dialect()),
        (Dialect(), refused("Invalid schema for response_format 'rating'"), None),
        (Dialect(), refused("max_tokens is too large: the context has 2048"), None),
        (Dialect(), refused("response_format", 500), None),
    ],
)
def test_a_server_that_refuses_a_form_is_asked_in_another(used: Dialect, error: TryError, better: Dialect) -> None:
    assert adapted(used, error, structured=True) == better


def test_the_form_of_replies_is_no_matter_where_none_was_asked_for() -> None:
    assert adapted(Dialect(), refused("response_format is unknown"), structured=False) is None


@pytest.mark.parametrize("field", ["reasoning", "reasoning_content"])
def test_reasoning_in_a_field_of_its_own(field: str) -> None:
    assert read_completion(body({"content": "yes", field: "since"})) == Completion("yes", "since")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<think>\nsince\n</think>\n\nyes", ("yes", "since")),
        ("  <think>since</think>yes</think>", ("yes</think>", "since")),
        ("<think>never closed", ("", "never closed")),
        ("since\n</think>\nyes", ("yes", "since")),
        ("yes, <think>as I</think> said", ("yes, <think>as I</think> said", "")),
        ('{"text": "a </think> b"}', ('{"text": "a </think> b"}', "")),
        ("yes", ("yes", "")),
    ],
)
def test_reasoning_in_think_tags(text: str, expected: tuple[str, str]) -> None:
    assert split_thought(text) == expected


def test_tokens_are_counted_as_far_as_the_server_counts() -> None:
    usage = {"prompt_tokens": 9, "prompt_tokens_details": {"cached_tokens": 4}, "completion_tokens": 3}
    assert read_completion(body({"content": "x"}, usage=usage)).usage == Usage(9, 4, 3, 0)
    odd = {"prompt_tokens": -1, "prompt_tokens_details": None, "completion_tokens": "many"}
    assert read_completion(body({"content": "x"}, usage=odd)).usage == Usage()
    assert read_completion(body({"content": "x"})).usage == Usage()


def test_content_may_be_missing_refused_or_in_parts() -> None:
    assert read_completion(body({"content": None, "reasoning": "cut"})) == Completion("", "cut")
    assert read_completion(body({"content": None, "refusal": "no"})).text == "no"
    assert read_completion(body({"content": [{"type": "text", "text": "a"}, {"text": "b"}, 3]})).text == "ab"


_ODD = [b"", b"{", b"\xff", b"null", b"[]", b'{"choices": []}', b'{"choices": [{"message": 3}]}', b'{"choices": 3}']


@pytest.mark.parametrize("raw", [*_ODD, b"[" * 100_000], ids=range(len(_ODD) + 1))
def test_what_is_no_completion_is_an_error_that_another_try_may_help(raw: bytes) -> None:
    with pytest.raises(TryError) as caught:
        read_completion(raw)
    assert (caught.value.kind, caught.value.consequence) == ("body", "retry")


@given(st.text(st.characters(codec=None)))
def test_texts_can_always_be_sent_and_stored(text: str) -> None:
    assert clean(text).encode("utf-8").decode("utf-8") == clean(text)
    assert read_completion(body({"content": text, "reasoning": "r"})).text == clean(text)


_NAMES = st.sampled_from(["choices", "message", "content", "usage", "prompt_tokens", "error"])
_LEAVES = st.none() | st.booleans() | st.integers() | st.text()


@given(st.recursive(_LEAVES, lambda inner: st.lists(inner) | st.dictionaries(_NAMES, inner), max_leaves=8))
def test_no_reply_breaks_the_reader(payload: Any) -> None:
    with contextlib.suppress(TryError):
        assert isinstance(read_completion(json.dumps(payload).encode()), Completion)
