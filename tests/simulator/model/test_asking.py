"""What can't be used is asked for again, a bounded number of times, and then it is a failure."""

import json
from typing import Any

import anyio
import pytest

from simulator.client.types import Completion, Message, RefusedError, Sampling, UnusableEndpointError
from simulator.model.asking import MAX_REPAIRS, MAX_TOKENS, Asker, Wish
from simulator.model.settings import ModelSettings
from simulator.replies import COMPLETENESS
from simulator.world import InvalidReplyError
from tests.simulator.model.scripted import Script, ScriptedChat

GOOD = '{"reason": "Enough is known.", "completeness": 4}'
WISH = Wish(
    what="a completeness",
    messages=(Message("system", "Rate it."), Message("user", "Now.")),
    role="agent",
    model="m",
    sampling=Sampling(0.0, 1.0, 100),
    key=(7, "scenario", "completeness"),
    sample=3,
    sticky="scenario",
)


def asker(chat: ScriptedChat, **settings: Any) -> Asker:
    made = Asker(ModelSettings(models=("m",), judges=("j",), **settings))
    made.chat = chat
    return made


def rate(
    *script: str | Completion | Exception, form: str = "completeness", **settings: Any
) -> tuple[int, ScriptedChat]:
    chat = ScriptedChat(**{form: script})
    return anyio.run(asker(chat, **settings).decide, WISH, COMPLETENESS), chat


def refused(*script: str | Completion | Exception, **settings: Any) -> tuple[str, ScriptedChat]:
    chat = ScriptedChat(completeness=script)
    with pytest.raises(InvalidReplyError) as caught:
        anyio.run(asker(chat, **settings).decide, WISH, COMPLETENESS)
    return str(caught.value), chat


def write(*script: str | Completion | Exception) -> tuple[str, ScriptedChat]:
    chat = ScriptedChat(text=script)
    return anyio.run(asker(chat).write, WISH), chat


def test_a_good_reply_takes_one_call() -> None:
    rating, chat = rate(GOOD)
    assert rating == 4
    (request,) = chat.requests
    assert request.messages == WISH.messages
    assert (request.model, request.role, request.sample, request.sticky) == ("m", "agent", 3, "scenario")
    assert request.schema is COMPLETENESS.schema
    assert 0 <= request.seed < 2**31


def test_a_repair_shows_the_reply_and_its_problem_and_has_a_seed_of_its_own() -> None:
    rating, chat = rate("Nine out of ten.", '{"reason": "r", "completeness": 9}', GOOD)
    assert rating == 4
    first, second, third = chat.requests
    assert [message.role for message in second.messages] == ["system", "user"]
    assert second.messages[0] == first.messages[0]
    added = second.messages[1].content.removeprefix(first.messages[1].content)
    assert "<earlier_reply>\nNine out of ten.\n</earlier_reply>" in added
    assert "not one JSON object" in added
    # The third shows the second reply only: requests do not grow with every failure.
    assert "Nine" not in third.messages[1].content
    assert "less than or equal to 5" in third.messages[1].content
    assert len({request.seed for request in chat.requests}) == 3
    assert all(request.schema is COMPLETENESS.schema for request in chat.requests)


def test_repairs_end() -> None:
    problem, chat = refused(*["no"] * 10)
    assert len(chat.requests) == 1 + MAX_REPAIRS
    assert problem.startswith("a completeness by m is unusable after 2 repairs: ")


def test_the_same_failure_gives_the_same_requests() -> None:
    first, second = refused("a", "b", "c")[1], refused("a", "b", "c")[1]
    assert [request.key for request in first.requests] == [request.key for request in second.requests]


def test_a_reply_that_was_cut_short_is_invalid_even_if_it_can_be_read() -> None:
    rating, chat = rate(Completion(GOOD, finish_reason="length"), GOOD)
    assert rating == 4
    assert [request.sampling.max_tokens for request in chat.requests] == [100, 200]
    assert "shorter" in chat.requests[1].messages[-1].content


def test_the_room_for_a_reply_has_an_end() -> None:
    cut = Completion("{", finish_reason="length")
    chat = ScriptedChat(completeness=[cut, cut, cut])
    wish = Wish(**{**{f: getattr(WISH, f) for f in Wish.__slots__}, "sampling": Sampling(0, 1, MAX_TOKENS - 1)})
    with pytest.raises(InvalidReplyError, match="cut short"):
        anyio.run(asker(chat).decide, wish, COMPLETENESS)
    assert [request.sampling.max_tokens for request in chat.requests] == [MAX_TOKENS - 1, MAX_TOKENS, MAX_TOKENS]


def test_an_endless_reply_is_quoted_in_part() -> None:
    _, chat = rate(Completion("{" * 100_000, finish_reason="length"), GOOD)
    assert len(chat.requests[1].messages[-1].content) < 3000


@pytest.mark.parametrize(
    ("completion", "problem"),
    [
        (Completion("", "I wonder."), "empty after the reasoning"),
        (Completion("", "I wonder.", "length"), "before the reply began"),
        (Completion("  "), "empty"),
        (Completion(GOOD, finish_reason="content_filter"), "content filter"),
        (Completion(GOOD, finish_reason="abort"), "gave it up"),
    ],
)
def test_no_reply_is_invalid_too(completion: Completion, problem: str) -> None:
    assert problem in refused(completion, completion, completion)[0]
    with pytest.raises(InvalidReplyError, match=problem):
        write(completion, completion, completion)


def test_reasoning_beside_the_reply_changes_nothing() -> None:
    thought = '{"reason": "In thought only.", "completeness": 0}'
    assert rate(Completion(GOOD, reasoning=thought))[0] == 4


def test_free_text_stands_as_it_is_also_at_the_limit() -> None:
    assert write(Completion(" Take your time. \n"))[0] == "Take your time."
    assert write(Completion("Take your", finish_reason="length"))[0] == "Take your"
    text, chat = write("", "Take your time.")
    assert text == "Take your time."
    assert "gave no reply" in chat.requests[1].messages[-1].content
    assert "JSON" not in chat.requests[1].messages[-1].content


def test_what_the_client_raises_comes_through() -> None:
    for error in (RefusedError("too long"), UnusableEndpointError("no key")):
        with pytest.raises(type(error)):
            rate(error)


def test_a_repair_that_is_refused_leaves_the_reply_invalid() -> None:
    problem, _ = refused("no", RefusedError("the context is too long"))
    assert "not one JSON object" in problem
    assert "too long" in problem
    with pytest.raises(UnusableEndpointError):
        rate("no", UnusableEndpointError("dead"))


def test_the_fallback_says_the_schema_in_words_and_reads_as_strictly() -> None:
    script: Script = (f"Of course:\n```json\n{GOOD}\n```",)
    rating, chat = rate(*script, form="text", structured="fallback")
    assert rating == 4
    (request,) = chat.requests
    assert request.schema is None
    assert request.messages[-1].content.startswith("Now.")
    assert json.dumps(COMPLETENESS.schema.json) in request.messages[-1].content
    with pytest.raises(InvalidReplyError):
        rate(*['{"completeness": 4}'] * 3, form="text", structured="fallback")


def test_repairs_say_the_schema_where_a_server_may_ignore_it() -> None:
    words = json.dumps(COMPLETENESS.schema.json)
    assert words in rate("no", GOOD, structured="auto")[1].requests[1].messages[-1].content
    assert words not in rate("no", GOOD, structured="json_schema")[1].requests[1].messages[-1].content


def test_chat_templates_without_a_system_role_get_one_message() -> None:
    _, chat = rate("no", GOOD, system_messages=False)
    assert chat.requests[0].messages == (Message("user", "Rate it.\n\nNow."),)
    assert [message.role for message in chat.requests[1].messages] == ["user"]


def test_room_for_reasoning_is_added() -> None:
    assert rate(GOOD, reasoning_tokens=900)[1].requests[0].sampling.max_tokens == 1000


def test_nothing_is_asked_while_nothing_is_served() -> None:
    with pytest.raises(RuntimeError, match="serving"):
        anyio.run(Asker(ModelSettings(models=("m",), judges=("j",))).decide, WISH, COMPLETENESS)
