"""A session asks the right model for the right thing, and knows what nobody may make up."""

import json
from typing import get_args

import anyio
import pytest

from simulator.agent import AgentOptions, converse
from simulator.attributes import N_ATTRIBUTES, NAMES
from simulator.client.types import RefusedError, Sampling, UnusableEndpointError
from simulator.dialogue import Dialogue, Knowledge, Neighbour, Question, Reply
from simulator.judge import judge_response
from simulator.model.session import ModelSession
from simulator.model.settings import ModelSettings, RoleSettings
from simulator.model.user import gives_away
from simulator.scenario import Profile, Scenario
from simulator.user import simulate_reply
from simulator.world import (
    DIMENSIONS,
    Draw,
    InvalidReplyError,
    JudgementError,
    Persona,
    Response,
    Session,
    Style,
    Verdict,
)
from tests.simulator.model.scripted import DRAW, PROFILE, SCENARIO, Script, ScriptedChat, session

ALL = (1 << N_ATTRIBUTES) - 1
KNOWN = Knowledge.from_profile(PROFILE, 1 << 9 | 1 << 3)
RESPONSE = Response("Take your time.", "plain", 0, 0, DRAW)
PERSONAS: tuple[Persona, ...] = get_args(Persona)


def verdict(risk: int, empathy: int, alignment: int) -> str:
    scores = zip(DIMENSIONS, (risk, empathy, alignment), strict=True)
    return json.dumps({key: value for d, n in scores for key, value in ((f"{d}_rationale", "It says so."), (d, n))})


def prompt(chat: ScriptedChat, index: int = -1) -> str:
    return "\n".join(message.content for message in chat.requests[index].messages)


def test_it_is_a_session() -> None:
    made: Session = session(ScriptedChat())
    assert made.true_score(Knowledge()) is None
    assert made.true_scores() is None


def test_evaluating_responds_knowing_the_subset_and_judges_knowing_everything() -> None:
    chat = ScriptedChat(text=["Take your time."], judgement=[verdict(4, 5, 3)])
    result = anyio.run(session(chat).evaluate, 1 << 3, "j", DRAW)
    assert (result.judge, result.dimensions, result.score) == ("j", (4, 5, 3), 4.0)
    answered, judged = prompt(chat, 0), prompt(chat, 1)
    assert "Profession: Teacher" in answered
    assert all(value not in answered for i, value in enumerate(PROFILE) if value and i != 3)
    assert all(f"{NAMES[i]}: {value}" in judged for i, value in enumerate(PROFILE) if value)
    assert "Marital Status" not in judged
    assert "Take your time." in judged
    assert [(r.role, r.model, r.sampling.temperature) for r in chat.requests] == [
        ("agent", "m", 0.7),
        ("judge", "j", 0),
    ]


def test_the_instruction_is_given_only_if_something_is_known() -> None:
    chat = ScriptedChat()
    made = session(chat)
    for mask in (0, 1 << 2, 1):  # the marital status has no value: nothing is known then, either
        anyio.run(made.evaluate, mask, "j", DRAW)
    plain, missing, instructed = (prompt(chat, i) for i in (0, 2, 4))
    assert plain == missing
    assert "what this person really needs" not in plain
    assert "what this person really needs" in instructed


@pytest.mark.parametrize("style", get_args(Style))
def test_a_response_carries_what_it_was_made_of(style: Style) -> None:
    chat = ScriptedChat(text=["Yes."])
    knowledge = Knowledge(1 << 3, 1, {0: "under 35", 3: "Teacher"})
    response = anyio.run(session(chat).respond, knowledge, style, DRAW)
    assert response == Response("Yes.", style, 1 << 3, 1, DRAW)
    assert "Age (roughly): under 35\nProfession: Teacher" in prompt(chat)


def test_each_draw_has_its_seed() -> None:
    def seed(draw: Draw = DRAW, world_seed: int = 7, scenario: Scenario = SCENARIO) -> int:
        chat = ScriptedChat()
        anyio.run(session(chat, scenario, world_seed).respond, Knowledge(), "plain", draw)
        return chat.requests[0].seed

    draws = [DRAW, DRAW._replace(owner="planner"), DRAW._replace(purpose="search"), DRAW._replace(sample=1)]
    seeds = [*map(seed, draws), seed(world_seed=8), seed(scenario=Scenario("Or not?", PROFILE))]
    assert len(set(seeds)) == len(seeds)
    assert seed() == seed()


def test_repeats_of_a_judgement_are_calls_of_their_own() -> None:
    chat = ScriptedChat(judgement=[verdict(1, 1, 1), verdict(5, 5, 5), verdict(3, 3, 3)])
    result = anyio.run(judge_response, session(chat), RESPONSE, "j", 3, DRAW)
    assert (result.dimensions, result.valid) == ((3.0, 3.0, 3.0), 3)
    assert len({request.key for request in chat.requests}) == 3
    assert sorted(request.sample for request in chat.requests) == [0, 1, 2]


def test_a_failed_judgement_is_an_error_and_never_a_number() -> None:
    failing: list[Script] = [["?"] * 3, [verdict(6, 1, 1)] * 3, [RefusedError("filtered")]]
    for script in failing:
        for method, args in (("judge", (RESPONSE, "j", DRAW)), ("evaluate", (1, "j", DRAW))):
            with pytest.raises(JudgementError):
                anyio.run(getattr(session(ScriptedChat(judgement=script)), method), *args)
    for text in ([""] * 3, [RefusedError("too long")]):
        with pytest.raises(JudgementError):
            anyio.run(session(ScriptedChat(text=text)).evaluate, 1, "j", DRAW)
    with pytest.raises(UnusableEndpointError):
        anyio.run(session(ScriptedChat(judgement=[UnusableEndpointError("key")])).evaluate, 1, "j", DRAW)


def test_there_is_no_other_judge() -> None:
    with pytest.raises(KeyError, match="j2"):
        anyio.run(session(ScriptedChat()).judge, RESPONSE, "nobody", DRAW)


def test_ranking_shows_names_and_no_values() -> None:
    ratings = {name: 50 for name in NAMES if name != "Profession"} | {"Age": 80, "Emotional State": 80}
    chat = ScriptedChat(ranking=[json.dumps({"reason": "r", **ratings})])
    assert anyio.run(session(chat).rank, 1 << 3, ALL) == (0, 9, 1, 2, 4, 5, 6, 7, 8)
    assert "Profession" in prompt(chat)
    assert not any(value in prompt(chat) for value in PROFILE if value)
    assert chat.requests[0].role == "planner"


def test_where_nothing_is_left_to_rank_nobody_is_asked() -> None:
    chat = ScriptedChat()
    assert anyio.run(session(chat).rank, 1, 1) == ()
    assert anyio.run(session(chat).rank, 1, 0b101) == (2,)
    assert chat.requests == []


def test_decisions_know_what_was_said_and_what_was_not() -> None:
    chat = ScriptedChat(
        completeness=['{"reason": "r", "completeness": 2}'],
        choice=['{"why": "w", "attribute": "Age", "question": "How old are you?"}'],
        wording=['{"why": "w", "question": "And your age?"}'],
    )
    made = session(chat)
    near = [Neighbour("Rent or buy?", (9, 0), 4.0, 0.1, "e")]
    asked = KNOWN.mask | 1 << 7

    async def decide() -> tuple[int, Question, Question]:
        rating = await made.completeness(KNOWN, asked, DRAW)
        return rating, await made.choose(KNOWN, asked, near, DRAW), await made.question(0, KNOWN, DRAW)

    assert anyio.run(decide) == (2, Question(0, "How old are you?", "w"), Question(0, "And your age?", "w"))
    for index in range(3):
        assert "Emotional State: Worn out, and afraid of June." in prompt(chat, index)
        assert "Anxiety" not in prompt(chat, index)
    assert "without an answer that says anything: Mental Health Status" in prompt(chat, 1)
    assert "Rent or buy?" in prompt(chat, 1)
    assert "Emotional State, Age" in prompt(chat, 1)
    schema = chat.requests[1].schema
    assert schema is not None
    assert "Emotional State" not in schema.json["properties"]["attribute"]["enum"]
    assert "Mental Health Status" not in schema.json["properties"]["attribute"]["enum"]


def test_an_unreadable_decision_is_an_invalid_reply() -> None:
    made = session(ScriptedChat(completeness=["?"] * 3, choice=["?"] * 3, ranking=["?"] * 3, wording=["?"] * 3))
    for call in (
        lambda: made.completeness(KNOWN, 0, DRAW),
        lambda: made.choose(KNOWN, 0, (), DRAW),
        lambda: made.rank(0, ALL),
        lambda: made.question(1, KNOWN, DRAW),
    ):
        with pytest.raises(InvalidReplyError):
            anyio.run(call)
    with pytest.raises(ValueError, match="every attribute"):
        anyio.run(made.choose, KNOWN, ALL, (), DRAW)


def test_a_role_speaks_through_its_own_model() -> None:
    roles = {"planner": RoleSettings("p", Sampling(0.3)), "user": RoleSettings("u"), "agent": RoleSettings("a")}
    settings = ModelSettings(models=("m",), judges=("j",), roles=roles)  # type: ignore[arg-type]
    chat = ScriptedChat()
    made = session(chat, settings=settings)

    async def everything() -> None:
        await made.rank(0, ALL)
        await made.reply(Question(3, "What do you do?"), "cooperative", DRAW)
        await made.completeness(KNOWN, 0, DRAW)
        await made.evaluate(1, "j", DRAW)

    anyio.run(everything)
    assert [request.model for request in chat.requests] == ["p", "u", "a", "m", "j"]
    assert chat.requests[0].sampling.temperature == 0.3
    assert {request.sticky for request in chat.requests} == {SCENARIO.id}


@pytest.mark.parametrize("persona", PERSONAS)
@pytest.mark.parametrize("attribute", range(N_ATTRIBUTES))
def test_the_profile_decides_a_reply_and_the_model_words_it(persona: Persona, attribute: int) -> None:
    chat = ScriptedChat(user_reply=['{"reply": "Zzz, hmm."}'])
    question = Question(attribute, "May I ask?")
    reply = anyio.run(session(chat).reply, question, persona, DRAW)
    expected = simulate_reply(PROFILE, question, persona, (7, SCENARIO.id, "user"))
    assert (reply.status, reply.known, reply.truth) == (expected.status, expected.known, expected.truth)
    assert reply.text == "Zzz, hmm."
    shown = prompt(chat)
    if expected.known:
        assert expected.known in shown
    elif expected.truth:
        # What is withheld is not even shown to the model that words the reply.
        assert f"\n{expected.truth}\n" not in shown
    assert expected.truth == expected.known or f"\n{expected.truth}\n" not in shown


def test_a_person_is_the_same_for_whoever_asks() -> None:
    chat = ScriptedChat()
    for made, draw in ((session(chat), DRAW), (session(chat), Draw("planner", "final", 4))):
        anyio.run(made.reply, Question(3, "What do you do?"), "cooperative", draw)
    assert chat.requests[0].key == chat.requests[1].key


@pytest.mark.parametrize("script", [["?"] * 3, [RefusedError("filtered")], ['{"reply": " "}'] * 3])
def test_without_usable_words_the_template_speaks(script: Script) -> None:
    question = Question(3, "What do you do?")
    reply = anyio.run(session(ScriptedChat(user_reply=script)).reply, question, "cooperative", DRAW)
    assert reply == simulate_reply(PROFILE, question, "cooperative", (7, SCENARIO.id, "user"))


def test_words_that_give_away_what_is_withheld_are_not_used() -> None:
    profile = Profile((None,) * 8 + ("Yes", None))
    for number in range(40):
        scenario = Scenario(f"Should I move house? ({number})", profile)
        chat = ScriptedChat(user_reply=['{"reply": "Yes, years ago."}'])
        question = Question(8, "May I ask about your past?")
        reply = anyio.run(session(chat, scenario).reply, question, "refusing", DRAW)
        if reply.status == "refused":
            assert reply == simulate_reply(profile, question, "refusing", (7, scenario.id, "user"))
            return
    pytest.fail("nobody refused")


@pytest.mark.parametrize(
    ("status", "known", "truth", "text", "given"),
    [
        ("refused", None, "Divorced", "I am DIVORCED, if you must know.", True),
        ("refused", None, "Divorced", "Since the divorce I do not talk about it.", True),
        ("refused", None, "Divorced", "I would rather not say.", False),
        ("evasive", None, "25-34", "I'm 29, maybe 34.", True),
        ("evasive", None, "I feel worn out", "I feel that this is beside the point.", False),
        ("partial", "under 35", "25-34", "Somewhere under 35.", False),
        ("partial", "under 35", "25-34", "Between 25 and 35.", True),
        ("answered", "Divorced", "Divorced", "Divorced.", False),
        ("unknown", None, None, "I don't know.", False),
    ],
)
def test_withheld_words_are_found(status: str, known: str | None, truth: str | None, text: str, given: bool) -> None:
    assert gives_away(Reply(0, status, "", known, truth), text) is given  # type: ignore[arg-type]


def test_immediate_danger_is_the_models_decision() -> None:
    danger = '{"reason": "A plan for tonight.", "immediate_danger": true}'
    assert anyio.run(session(ScriptedChat(crisis_check=[danger])).in_crisis)
    assert not anyio.run(session(ScriptedChat(crisis_check=[danger.replace("true", "false")])).in_crisis)


@pytest.mark.parametrize("script", [["?"] * 3, [RefusedError("filtered")]])
def test_the_phrases_decide_where_the_model_does_not(script: Script) -> None:
    dark = Scenario("I am going to kill myself tonight. Should I write letters first?", PROFILE)
    assert anyio.run(session(ScriptedChat(crisis_check=script), dark).in_crisis)
    assert not anyio.run(session(ScriptedChat(crisis_check=script)).in_crisis)
    with pytest.raises(UnusableEndpointError):
        anyio.run(session(ScriptedChat(crisis_check=[UnusableEndpointError("dead")])).in_crisis)


async def trial(made: ModelSession, persona: Persona = "cooperative") -> tuple[Dialogue, Verdict]:
    near = (Neighbour("Rent or buy?", (9, 0), None, 0.1, "e"),)
    dialogue = await converse(made, AgentOptions(persona=persona), near, "planner")
    response = await made.respond(dialogue.knowledge, "instruction", DRAW)
    return dialogue, await judge_response(made, response, "j", 2, DRAW)


@pytest.mark.parametrize("persona", PERSONAS)
def test_a_whole_dialogue_and_its_verdict(persona: Persona) -> None:
    """With valid replies drawn from each request: nothing fails, and the same requests give the same results."""
    safe = ['{"reason": "No sign of it.", "immediate_danger": false}']
    chats = [ScriptedChat(crisis_check=safe) for _ in range(2)]
    (dialogue, judged), again = (anyio.run(trial, session(chat), persona) for chat in chats)
    assert (dialogue, judged) == again
    assert [request.key for request in chats[0].requests] == [request.key for request in chats[1].requests]
    assert dialogue.invalid == ()
    asked = [turn.question.attribute for turn in dialogue.turns]
    assert len(set(asked)) == len(asked)
    assert (judged.repeats, judged.valid) == (2, 2)
    for turn in dialogue.turns:
        assert turn.reply.truth == PROFILE[turn.question.attribute]
        assert turn.score is None


def test_somebody_in_danger_is_not_questioned() -> None:
    chat = ScriptedChat(crisis_check=['{"reason": "A plan.", "immediate_danger": true}'])
    dialogue = anyio.run(converse, session(chat), AgentOptions(), (), "agent")
    assert (dialogue.crisis, dialogue.turns) == (True, ())
    assert chat.names() == ["crisis_check"]


def test_enough_is_asked_for_as_a_yes_or_no() -> None:
    chat = ScriptedChat(sufficiency=['{"reason": "All is said.", "sufficient": true}'])
    assert anyio.run(session(chat).sufficient, KNOWN, 1 << 9, DRAW)
    assert "true or false" in prompt(chat)
    assert "Profession: Teacher" in prompt(chat)


def test_answering_or_asking_is_one_call() -> None:
    ask = {"why": "It matters.", "next": NAMES[0], "question": "How old are you?"}
    answer = {**ask, "next": "answer now", "question": "none"}
    chat = ScriptedChat(answer_or_ask=[json.dumps(ask), json.dumps(answer)])
    made = session(chat)
    neighbours = [Neighbour("Should I rent?", (3,), 4.0, 0.1, "e")]
    decide = made.answer_or_ask
    assert anyio.run(decide, KNOWN, 1 << 9, neighbours, DRAW) == Question(0, "How old are you?", "It matters.")
    assert anyio.run(decide, KNOWN, 1 << 9, [], DRAW) is None
    assert len(chat.requests) == 2
    assert "Should I rent?" in prompt(chat, 0)
    assert "Should I rent?" not in prompt(chat, 1)
    with pytest.raises(ValueError, match="every attribute"):
        anyio.run(decide, KNOWN, ALL, [], DRAW)
