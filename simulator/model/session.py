"""One scenario and one answering model in the model world."""

from collections.abc import Sequence
from dataclasses import replace

from planner.keyed import Key
from planner.subsets import members
from simulator.attributes import N_ATTRIBUTES, NAMES
from simulator.client.types import Message, RefusedError, Role
from simulator.crisis import signals_immediate_danger
from simulator.dialogue import Knowledge, Neighbour, Question, Reply
from simulator.model.asking import Asker, Wish
from simulator.model.settings import ModelSettings
from simulator.model.user import gives_away
from simulator.prompts import render
from simulator.replies import (
    COMPLETENESS,
    CRISIS,
    JUDGEMENT,
    SUFFICIENT,
    USER_REPLY,
    answer_or_ask_form,
    choice_form,
    ranking_form,
    wording_form,
)
from simulator.scenario import Scenario, describe
from simulator.user import simulate_reply
from simulator.world import Draw, InvalidReplyError, JudgementError, Persona, Response, Style, Verdict

_EVERYTHING = (1 << N_ATTRIBUTES) - 1


class ModelSession:
    """One scenario and one model; the methods are those of `simulator.world.Session`.

    Beside the errors named there, each coroutine raises `ChatError` where the server gave no reply at all.
    """

    def __init__(self, scenario: Scenario, model: str, seed: int, settings: ModelSettings, asker: Asker) -> None:
        self.scenario = scenario
        self.model = model
        self._seed = seed
        self._settings = settings
        self._asker = asker

    async def rank(self, mask: int, available: int) -> Sequence[int]:
        """Rank by the planner role's ratings. It sees the names in `mask`, not their values: a user may withhold them.

        Raises:
            InvalidReplyError: the ranking could not be read.
        """
        remaining = available & ~mask
        if remaining.bit_count() < 2:
            return members(remaining)
        prompt = render("rank", query=self._query, settled=members(mask), remaining=members(remaining))
        wish = self._wish("a ranking", "planner", prompt, ("rank", mask, available))
        return await self._asker.decide(wish, ranking_form(remaining))

    async def evaluate(self, mask: int, judge: str, draw: Draw) -> Verdict:
        """Respond and judge, both with the same draw: two calls.

        Raises:
            JudgementError: no usable response, or no readable verdict.
        """
        knowledge = Knowledge.from_profile(self.scenario.profile, mask)
        try:
            response = await self.respond(knowledge, "instruction" if knowledge.mask else "plain", draw)
        except (InvalidReplyError, RefusedError) as error:
            raise JudgementError(str(error)) from error
        return await self.judge(response, judge, draw)

    async def respond(self, knowledge: Knowledge, style: Style, draw: Draw) -> Response:
        """Answer as the answering model, in free text.

        Raises:
            InvalidReplyError: the answer was empty after repairs.
        """
        prompt = render(f"response_{style}", query=self._query, facts=_facts(knowledge))
        wish = replace(
            self._wish("a response", "agent", prompt, ("respond", style), draw),
            model=self.model,
            sampling=self._settings.responses,
        )
        return Response(await self._asker.write(wish), style, knowledge.full, knowledge.partial, draw)

    async def judge(self, response: Response, judge: str, draw: Draw) -> Verdict:
        """Judge with the full profile in view.

        Raises:
            JudgementError: the judgement could not be read, or the server refused to make it.
            KeyError: there is no such judge.
        """
        if judge not in self._settings.judges:
            raise KeyError(f"the model world has no judge {judge!r}; it has {', '.join(self._settings.judges)}")
        profile = self.scenario.profile
        prompt = render("judge", profile=describe(profile, profile.known), query=self._query, response=response.text)
        key = ("judge", judge, response.style, response.full, response.partial, *response.draw)
        wish = replace(self._wish("a judgement", "judge", prompt, key, draw), model=judge)
        try:
            judgement = await self._asker.decide(wish, JUDGEMENT)
        except (InvalidReplyError, RefusedError) as error:
            raise JudgementError(str(error)) from error
        return Verdict(judge, judgement.dimensions, rationale=judgement.rationale)

    async def completeness(self, knowledge: Knowledge, asked: int, draw: Draw) -> int:
        """Rate as the agent.

        Raises:
            InvalidReplyError: the rating could not be read.
        """
        prompt = render("completeness", **self._known(knowledge, asked))
        wish = self._wish("a completeness", "agent", prompt, ("completeness",), draw)
        return await self._asker.decide(wish, COMPLETENESS)

    async def sufficient(self, knowledge: Knowledge, asked: int, draw: Draw) -> bool:
        """Say yes or no as the agent.

        Raises:
            InvalidReplyError: the answer could not be read.
        """
        prompt = render("sufficient", **self._known(knowledge, asked))
        wish = self._wish("a sufficiency", "agent", prompt, ("sufficient",), draw)
        return await self._asker.decide(wish, SUFFICIENT)

    async def answer_or_ask(
        self, knowledge: Knowledge, asked: int, neighbours: Sequence[Neighbour], draw: Draw
    ) -> Question | None:
        """Decide as the agent, in one call.

        Raises:
            InvalidReplyError: the decision could not be read.
            ValueError: everything was asked.
        """
        remaining = _open(asked)
        known = self._known(knowledge, asked)
        prompt = render("answer_or_ask", **known, remaining=members(remaining), neighbours=neighbours)
        wish = self._wish("a decision to answer or ask", "agent", prompt, ("answer_or_ask",), draw)
        return await self._asker.decide(wish, answer_or_ask_form(remaining))

    async def choose(self, knowledge: Knowledge, asked: int, neighbours: Sequence[Neighbour], draw: Draw) -> Question:
        """Choose as the agent.

        Raises:
            InvalidReplyError: the choice could not be read.
            ValueError: everything was asked.
        """
        remaining = _open(asked)
        prompt = render("choose", **self._known(knowledge, asked), remaining=members(remaining), neighbours=neighbours)
        wish = self._wish("a choice", "agent", prompt, ("choose",), draw)
        return await self._asker.decide(wish, choice_form(remaining))

    async def question(self, attribute: int, knowledge: Knowledge, draw: Draw) -> Question:
        """Word a question as the agent.

        Raises:
            InvalidReplyError: the wording could not be read.
        """
        prompt = render("question", **self._known(knowledge, knowledge.mask), attribute=(attribute,))
        wish = self._wish("a question", "agent", prompt, ("question", attribute), draw)
        return await self._asker.decide(wish, wording_form(attribute))

    async def reply(self, question: Question, persona: Persona, draw: Draw) -> Reply:  # noqa: ARG002
        """Answer as the simulated user: the profile decides, the user role's model words it.

        Where there are no usable words, or they give away what is withheld, the template's stand. The key leaves out
        model and draw, as in every world, so that all arms meet the same person.
        """
        person = (self._seed, self.scenario.id, "user")
        reply = simulate_reply(self.scenario.profile, question, persona, person)
        prompt = render(
            "reply",
            query=self._query,
            question=question.text,
            attribute=(question.attribute,),
            status=reply.status,
            value=reply.known or "",
            persona=persona,
        )
        wish = replace(self._wish("a user's reply", "user", prompt, ()), key=(*person, question.attribute, "words"))
        try:
            text = await self._asker.decide(wish, USER_REPLY)
        except (InvalidReplyError, RefusedError):
            return reply
        return reply if gives_away(reply, text) else replace(reply, text=text)

    async def in_crisis(self) -> bool:
        """Ask the agent; where it gives no readable answer or the server refuses the query, the phrase list decides.

        Hosted servers filter just such queries, and somebody in danger must get help all the same.
        """
        wish = self._wish("a crisis check", "agent", render("crisis", query=self._query), ("crisis",))
        try:
            return await self._asker.decide(wish, CRISIS)
        except (InvalidReplyError, RefusedError):
            return signals_immediate_danger(self._query)

    def true_score(self, knowledge: Knowledge, style: Style = "instruction") -> None:
        """Nobody knows."""

    def true_scores(self) -> None:
        """Nobody knows."""

    @property
    def _query(self) -> str:
        return self.scenario.query

    def _known(self, knowledge: Knowledge, asked: int) -> dict[str, object]:
        """Return what every prompt of a dialogue begins with."""
        silent = members(asked & ~knowledge.mask)
        return {"query": self._query, "facts": _facts(knowledge), "silent": silent}

    def _wish(
        self, what: str, role: Role, prompt: tuple[Message, ...], purpose: tuple[Key, ...], draw: Draw | None = None
    ) -> Wish:
        settings = self._settings.roles[role]
        return Wish(
            what=what,
            messages=prompt,
            role=role,
            model=settings.model or self.model,
            sampling=settings.sampling,
            key=(self._seed, self.scenario.id, self.model, *(draw or ()), *purpose),
            sample=draw.sample if draw else 0,
            sticky=self.scenario.id,
        )


def _open(asked: int) -> int:
    """Return the mask of the attributes that were not asked about.

    Raises:
        ValueError: all of them were.
    """
    remaining = _EVERYTHING & ~asked
    if not remaining:
        raise ValueError("every attribute was asked about before")
    return remaining


def _facts(knowledge: Knowledge) -> list[tuple[str, str]]:
    """List (name, value) of what is known; what is known only coarsely says so."""
    return [
        (f"{NAMES[i]} (roughly)" if knowledge.partial >> i & 1 else NAMES[i], knowledge.values[i])
        for i in members(knowledge.mask)
    ]
