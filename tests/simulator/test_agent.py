"""The agent asks until it knows enough, and nothing else ends its questions by accident."""

from collections.abc import Sequence
from typing import Any

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.agent import AgentOptions, Asked, Conversation, TrialError, converse, noted_until
from simulator.attributes import N_ATTRIBUTES, SENSITIVITY_ORDER
from simulator.dialogue import Dialogue, Knowledge, Neighbour, Question
from simulator.world import Draw, InvalidReplyError, Session
from tests.simulator.fakes import PROFILE, FakeSession, unreadable


def talk(session: Session, neighbours: Sequence[Neighbour] = (), **options: Any) -> Dialogue:
    return anyio.run(converse, session, AgentOptions(**options), neighbours, "agent")


def asked(dialogue: Dialogue) -> list[int]:
    return [turn.question.attribute for turn in dialogue.turns]


def neighbour(path: tuple[int, ...], score: float | None, distance: float) -> Neighbour:
    return Neighbour("Should I rent?", path, score, distance, f"{path}")


def test_it_stops_when_it_knows_enough() -> None:
    dialogue = talk(FakeSession(ratings=[1, 3, 4], choices=[9, 7]))
    assert asked(dialogue) == [9, 7]
    assert [turn.completeness for turn in dialogue.turns] == [1, 3]
    assert (dialogue.completeness, dialogue.ending) == (4, "sufficient")
    assert dialogue.knowledge == Knowledge.from_profile(PROFILE, 1 << 9 | 1 << 7)
    assert [turn.score for turn in dialogue.turns] == [2.0, pytest.approx(3.1)]
    assert dialogue.score == pytest.approx(3.2)


def test_completeness_is_rated_before_the_first_question() -> None:
    dialogue = talk(FakeSession(ratings=[5]))
    assert (dialogue.turns, dialogue.completeness, dialogue.ending, dialogue.score) == ((), 5, "sufficient", 2.0)


def test_the_threshold_is_an_option() -> None:
    assert len(talk(FakeSession(ratings=[2, 3, 4]), threshold=3).turns) == 1


def test_values_are_passed_on() -> None:
    session = FakeSession(choices=[9, 7, 2], ratings=[0, 0, 0, 5])
    talk(session)
    assert [knowledge.values for knowledge, _, _ in session.seen] == [
        {},
        {9: PROFILE[9]},
        {9: PROFILE[9], 7: PROFILE[7]},
    ]


def test_questions_end_at_the_cap() -> None:
    session = FakeSession()
    dialogue = talk(session, max_questions=3)
    assert (len(dialogue.turns), dialogue.ending, dialogue.completeness) == (3, "limit", None)
    assert sum(what == "completeness" for what, _ in session.draws) == 3
    assert talk(FakeSession(), max_questions=0).ending == "limit"


def test_each_attribute_is_asked_once_until_none_is_left() -> None:
    dialogue = talk(FakeSession())
    assert sorted(asked(dialogue)) == list(range(N_ATTRIBUTES))
    assert dialogue.ending == "exhausted"
    assert dialogue.turns[2].reply.status == "unknown"
    assert dialogue.knowledge.mask == PROFILE.known


@pytest.mark.parametrize("persona", ["evasive", "refusing"])
def test_refusals_never_end_the_questions(persona: str) -> None:
    dialogue = talk(FakeSession(), persona=persona)
    statuses = [turn.reply.status for turn in dialogue.turns]
    assert len(statuses) == N_ATTRIBUTES
    assert {"evasive", "refused"} & set(statuses)


def test_partial_values_are_known_as_such() -> None:
    dialogue = talk(FakeSession(ratings=[0, 5], choices=[7]), persona="partial")
    assert (dialogue.knowledge.full, dialogue.knowledge.partial) == (0, 1 << 7)
    assert dialogue.knowledge.values == {7: "something with stress"}


@pytest.mark.parametrize("rating", [unreadable(), 6, -1])
def test_an_invalid_rating_is_not_sufficient(rating: int | Exception) -> None:
    dialogue = talk(FakeSession(ratings=[rating, 5]))
    assert (len(dialogue.turns), dialogue.turns[0].completeness, dialogue.ending) == (1, None, "sufficient")
    assert len(dialogue.invalid) == 1
    assert dialogue.invalid[0].startswith("completeness before question 1: ")


@pytest.mark.parametrize("choice", [unreadable(), 9, 10, -1])
def test_an_invalid_choice_becomes_the_next_by_prior(choice: int | Exception) -> None:
    session = FakeSession(ratings=[0, 0, 5], choices=[9, choice], rankings=[[9, 4, 7]])
    dialogue = talk(session)
    assert asked(dialogue) == [9, 4]
    assert [turn.chosen_by for turn in dialogue.turns] == ["model", "prior"]
    assert session.ranked == [(1 << 9, (1 << 10) - 1)]
    assert dialogue.invalid[0].startswith("choice before question 2: ")


@pytest.mark.parametrize("ranking", [unreadable(), []])
def test_without_a_ranking_the_most_sensitive_comes_next(ranking: list[int] | Exception) -> None:
    session = FakeSession(ratings=[0, 0, 5], choices=[SENSITIVITY_ORDER[0], unreadable()], rankings=[ranking])
    assert asked(talk(session)) == list(SENSITIVITY_ORDER[:2])


def test_a_question_without_words_is_asked_all_the_same() -> None:
    session = FakeSession(ratings=[0, 5], choices=[unreadable()], wordings=[unreadable()])
    dialogue = talk(session)
    assert dialogue.ending == "sufficient"
    assert "Age" in dialogue.turns[0].question.text
    assert len(dialogue.invalid) == 2


def test_three_invalid_decisions_fail_the_trial() -> None:
    session = FakeSession(ratings=[unreadable("one"), unreadable("two"), 0], choices=[unreadable("three"), 8])
    with pytest.raises(TrialError, match=r"^three invalid decisions: .*one.*three.*two"):
        talk(session)
    assert talk(FakeSession(ratings=[unreadable(), 0, unreadable(), 4])).ending == "sufficient"


def test_what_else_goes_wrong_passes_through() -> None:
    with pytest.raises(ConnectionError):
        talk(FakeSession(ratings=[ConnectionError("the server is gone")]))


def test_immediate_danger_skips_the_questions() -> None:
    session = FakeSession(crisis=True)
    dialogue = talk(session, [neighbour((1,), 4.0, 0.1)])
    assert dialogue == Dialogue((), None, "crisis", Knowledge(), crisis=True, score=4.5)
    assert not session.draws
    off = talk(session, crisis=False, max_questions=1)
    assert (off.crisis, len(off.turns)) == (False, 1)


def test_neighbours_are_examples_unless_they_are_followed() -> None:
    near = (neighbour((3, 5), 4.0, 0.1),)
    session = FakeSession(ratings=[0, 5], choices=[1])
    dialogue = talk(session, near)
    assert session.seen[0][2] == dialogue.neighbours == near
    assert dialogue.turns[0].chosen_by == "model"


@pytest.mark.parametrize(
    ("neighbours", "followed"),
    [
        ([neighbour((1,), 3.0, 0.1), neighbour((2,), 4.0, 0.3)], 2),
        ([neighbour((1,), None, 0.1), neighbour((2,), 2.0, 0.3)], 2),
        ([neighbour((1,), 4.0, 0.2), neighbour((2,), 4.0, 0.1)], 2),
        ([neighbour((1,), None, 0.2), neighbour((2,), None, 0.1)], 2),
    ],
)
def test_the_best_neighbour_is_followed(neighbours: list[Neighbour], followed: int) -> None:
    dialogue = talk(FakeSession(ratings=[0, 5]), neighbours, retrieval="follow")
    assert asked(dialogue) == [followed]


def test_after_the_path_the_model_chooses() -> None:
    path = neighbour((6, 99, 6, 8), 4.0, 0.1)
    dialogue = talk(FakeSession(ratings=[0, 0, 0, 5], choices=[4]), [path], retrieval="follow")
    assert asked(dialogue) == [6, 8, 4]
    assert [turn.chosen_by for turn in dialogue.turns] == ["follow", "follow", "model"]


def test_each_step_has_its_own_sample() -> None:
    session = FakeSession(ratings=[0, 0, 5])
    talk(session)
    draws = [draw for what, draw in session.draws if what == "completeness"]
    assert draws == [Draw("agent", "final", step) for step in range(3)]
    assert {draw for what, draw in session.draws if what != "completeness"} == set(draws[:2])


@pytest.mark.parametrize(
    "wrong",
    [{"threshold": 6}, {"max_questions": 11}, {"max_invalid": 0}, {"persona": "kind"}, {"retrieval": "copy"}],
)
def test_options_out_of_range_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=str(next(iter(wrong.values())))):
        AgentOptions(**wrong)


steps = st.one_of(st.integers(-1, 11), st.builds(InvalidReplyError))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(steps, min_size=1, max_size=12),
    st.lists(steps, min_size=1, max_size=12),
    st.integers(0, 10),
    st.sampled_from(["few-shot", "follow"]),
)
def test_whatever_the_world_says_the_dialogue_is_sound(
    ratings: list[int | Exception], choices: list[int | Exception], cap: int, retrieval: str
) -> None:
    session = FakeSession(ratings=ratings, choices=choices)
    path = neighbour((5, 0), 4.0, 0.1)
    dialogue = talk(session, [path], max_questions=cap, retrieval=retrieval, max_invalid=99)
    assert len(dialogue.turns) <= cap
    assert len(set(asked(dialogue))) == len(dialogue.turns)
    assert (dialogue.ending == "sufficient") == (dialogue.completeness is not None and dialogue.completeness >= 4)
    assert all(PROFILE[i] == value for i, value in dialogue.knowledge.values.items())


class Unreliable(FakeSession):
    """Some of its answers can't be read, and which ones depends on nothing but the question's number."""

    broken: frozenset[tuple[str, int]] = frozenset()

    async def completeness(self, knowledge: Knowledge, asked: int, draw: Draw) -> int:
        if ("completeness", draw.sample) in self.broken:
            raise unreadable()
        return 3 if draw.sample < 6 else 4

    async def choose(self, knowledge: Knowledge, asked: int, neighbours: Sequence[Neighbour], draw: Draw) -> Question:
        if ("choice", draw.sample) in self.broken:
            raise unreadable("before question 1: nothing")
        return await super().choose(knowledge, asked, neighbours, draw)

    async def question(self, attribute: int, knowledge: Knowledge, draw: Draw) -> Question:
        if ("wording", draw.sample) in self.broken:
            raise unreadable()
        return await super().question(attribute, knowledge, draw)


def run_on(session: Session, dialogue: Dialogue, step: int, **options: Any) -> Dialogue:
    """Keep the first turns of a dialogue and let the agent go on."""

    async def go_on() -> Dialogue:
        kept, noted = list(dialogue.turns[:step]), noted_until(dialogue.invalid, step)
        conversation = Conversation(session, AgentOptions(**options), dialogue.neighbours, "agent", kept, noted)
        while (waiting := await conversation.ask()) is not None:
            conversation.hear(waiting, await conversation.simulate(waiting))
        return conversation.end()

    return anyio.run(go_on)


@given(
    st.frozensets(st.tuples(st.sampled_from(["completeness", "choice", "wording"]), st.integers(0, 6)), max_size=6),
    st.sampled_from(["cooperative", "partial", "refusing"]),
    st.sampled_from(["few-shot", "follow"]),
    st.integers(0, 8),
)
@settings(max_examples=60)
def test_from_any_turn_on_it_goes_as_it_went(
    broken: frozenset[tuple[str, int]], persona: str, retrieval: str, most: int
) -> None:
    session = Unreliable()
    session.broken = broken
    how = {"persona": persona, "retrieval": retrieval, "max_questions": most}
    try:
        dialogue = talk(session, [neighbour((9, 2, 7), 4.0, 0.1)], **how)
    except TrialError:
        return
    for step in range(len(dialogue.turns) + 1):
        assert run_on(session, dialogue, step, **how) == dialogue


def test_what_could_not_be_read_before_counts_on() -> None:
    session = Unreliable()
    session.broken = frozenset({("completeness", 0), ("completeness", 1)})
    dialogue = talk(session)
    session.broken |= {("completeness", 2)}
    with pytest.raises(TrialError, match="three invalid decisions"):
        run_on(session, dialogue, 2)
    assert len(run_on(session, dialogue, 1, max_invalid=4).invalid) == 3


def test_a_person_may_ask_what_the_agent_would_not() -> None:
    async def forced() -> tuple[Asked, Dialogue]:
        conversation = Conversation(FakeSession(ratings=[5]), AgentOptions(), (), "agent")
        assert await conversation.ask() is None
        asked = await conversation.ask_about(4)
        conversation.hear(asked, await conversation.simulate(asked))
        with pytest.raises(ValueError, match="asked about before"):
            await conversation.ask_about(4)
        return asked, conversation.end()

    question, dialogue = anyio.run(forced)
    assert (question.chosen_by, question.completeness, question.question.attribute) == ("person", 5, 4)
    assert dialogue.knowledge == Knowledge.from_profile(PROFILE, 1 << 4)


def test_a_person_may_end_it() -> None:
    async def ended() -> Dialogue:
        conversation = Conversation(FakeSession(), AgentOptions(), (), "agent")
        assert await conversation.ask() is not None
        return conversation.end()

    dialogue = anyio.run(ended)
    assert (dialogue.turns, dialogue.ending, dialogue.completeness) == ((), "person", None)


def test_a_plain_yes_is_enough_whatever_the_threshold() -> None:
    session = FakeSession(ratings=[0, 1, 4], choices=[9, 7])
    dialogue = talk(session, abstention="binary", threshold=0)
    assert asked(dialogue) == [9, 7]
    assert [turn.completeness for turn in dialogue.turns] == [0, 0]
    assert (dialogue.completeness, dialogue.ending) == (5, "sufficient")
    assert [what for what, _ in session.draws if what in ("sufficient", "completeness")] == ["sufficient"] * 3


def test_a_yes_or_no_that_cannot_be_read_counts_as_no() -> None:
    dialogue = talk(FakeSession(ratings=[unreadable(), 5], choices=[9]), abstention="binary")
    assert [turn.completeness for turn in dialogue.turns] == [None]
    assert dialogue.invalid == ("completeness before question 1: no JSON",)


def test_answering_or_asking_is_one_decision() -> None:
    session = FakeSession(ratings=[0, 0, 4], choices=[9, 7])
    dialogue = talk(session, [neighbour((3,), 4.0, 0.1)], abstention="basic")
    assert asked(dialogue) == [9, 7]
    assert [turn.chosen_by for turn in dialogue.turns] == ["model", "model"]
    assert (dialogue.completeness, dialogue.ending) == (5, "sufficient")
    assert not [what for what, _ in session.draws if what in ("sufficient", "completeness")]
    assert all(seen == (neighbour((3,), 4.0, 0.1),) for _, _, seen in session.seen)


def test_a_decision_that_cannot_be_read_asks_by_prior() -> None:
    session = FakeSession(ratings=[unreadable(), 0, 4], choices=[9], rankings=[[4, 3]])
    dialogue = talk(session, abstention="basic")
    assert [(t.question.attribute, t.chosen_by) for t in dialogue.turns] == [(4, "prior"), (9, "model")]
    assert dialogue.invalid == ("choice before question 1: no JSON",)
    with pytest.raises(TrialError, match="three invalid decisions"):
        talk(FakeSession(ratings=[unreadable()]), abstention="basic")


def test_an_attribute_that_was_asked_before_is_refused_at_once_too() -> None:
    dialogue = talk(FakeSession(ratings=[0, 0, 4], choices=[9, 9], rankings=[[9, 4]]), abstention="basic")
    assert [(t.question.attribute, t.chosen_by) for t in dialogue.turns] == [(9, "model"), (4, "prior")]


def test_a_path_is_followed_until_it_would_answer() -> None:
    dialogue = talk(
        FakeSession(ratings=[0, 0, 4], choices=[9, 8]),
        [neighbour((3, 5), 4.0, 0.1)],
        abstention="basic",
        retrieval="follow",
    )
    assert [(t.question.attribute, t.chosen_by) for t in dialogue.turns] == [(3, "follow"), (5, "follow")]


def test_there_is_no_other_way_of_abstention() -> None:
    with pytest.raises(ValueError, match="no abstention"):
        talk(FakeSession(), abstention="never")
