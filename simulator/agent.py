"""The online agent: asks until it knows enough (raise.md, section 7; experiments.md, "The online loop").

Refusals, unknown values and unreadable answers of the world never end the questioning; only a sufficient rating, the
cap on questions, having asked everything, or immediate danger do.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Literal, get_args

from simulator.attributes import N_ATTRIBUTES, NAMES, SENSITIVITY_ORDER
from simulator.dialogue import ChosenBy, Dialogue, Ending, Knowledge, Neighbour, Question, Reply, Turn
from simulator.world import Draw, InvalidReplyError, Persona, Session, Style

Retrieval = Literal["few-shot", "follow"]
"""How neighbours' paths are used: shown to the model as examples, or the best one followed in its order."""

Abstention = Literal["scale", "binary", "basic"]
"""How the agent decides that it knows enough (raise.md, section 7): a completeness of 0-5 against a threshold, a plain
yes or no, or one prompt in which it answers or asks."""

_EVERYTHING = (1 << N_ATTRIBUTES) - 1

_DECISIONS = ("completeness", "choice")
"""What counts as an invalid decision; a ranking or a wording only serves one."""

_NOTED = re.compile(r"\w+ before question (\d+): ")
"""How a line about what could not be read begins."""

MAX_COMPLETENESS = 5
"""What we know can't be more sufficient than this."""


class TrialError(Exception):
    """A trial failed; the message says why."""


@dataclass(frozen=True, slots=True)
class AgentOptions:
    """How the agent asks, and whom.

    Fields:
        threshold: 0-5; a completeness of at least this is sufficient, on the scale.
        max_questions: 0-10, the cap on questions, refused and unanswered ones included.
        persona: the simulated user's manner.
        retrieval: how neighbours' paths are used.
        crisis: whether immediate danger in the query skips the questions.
        max_invalid: >= 1; this many unreadable decisions fail the trial.
        abstention: how the agent decides that it knows enough. `binary` and `basic` rate nothing: a yes, or leaving
            off asking, counts as `MAX_COMPLETENESS`, a no, or asking on, as 0.

    Raises:
        ValueError: a field is out of its range.
    """

    threshold: int = 4
    max_questions: int = 10
    persona: Persona = "cooperative"
    retrieval: Retrieval = "few-shot"
    crisis: bool = True
    max_invalid: int = 3
    abstention: Abstention = "scale"

    @property
    def enough(self) -> int:
        """The completeness that is sufficient: the threshold on the scale, else a plain yes."""
        return self.threshold if self.abstention == "scale" else MAX_COMPLETENESS

    def __post_init__(self) -> None:
        if not 0 <= self.threshold <= MAX_COMPLETENESS:
            raise ValueError(f"the completeness threshold is 0 to {MAX_COMPLETENESS}, not {self.threshold}")
        if not 0 <= self.max_questions <= N_ATTRIBUTES:
            raise ValueError(f"the cap on questions is 0 to {N_ATTRIBUTES}, not {self.max_questions}")
        if self.max_invalid < 1:
            raise ValueError(f"the cap on invalid decisions is at least 1, not {self.max_invalid}")
        if self.persona not in get_args(Persona):
            raise ValueError(f"no persona {self.persona!r}; there are {', '.join(get_args(Persona))}")
        if self.retrieval not in get_args(Retrieval):
            raise ValueError(f"no retrieval {self.retrieval!r}; there are {', '.join(get_args(Retrieval))}")
        if self.abstention not in get_args(Abstention):
            raise ValueError(f"no abstention {self.abstention!r}; there are {', '.join(get_args(Abstention))}")


async def converse(session: Session, options: AgentOptions, neighbours: Sequence[Neighbour], owner: str) -> Dialogue:
    """Lead one dialogue up to the moment of answering.

    Completeness is rated before the first question and before each further one; a rating that can't be read counts as
    not sufficient. Each attribute is asked about once, at most. A choice that can't be read, or that names what was
    asked before, is replaced by the next by prior. No completeness is rated once the questions are used up.

    Args:
        neighbours: planned paths of similar queries, nearest first; empty for the agent arm.
        owner: the arm, which keys the draws; the sample number of a draw is the number of questions before it.

    Raises:
        TrialError: `options.max_invalid` decisions could not be read.
    """
    if options.crisis and await session.in_crisis():
        return crisis_dialogue(session)
    conversation = Conversation(session, options, tuple(neighbours), owner)
    while (asked := await conversation.ask()) is not None:
        conversation.hear(asked, await conversation.simulate(asked))
    return conversation.end()


def crisis_dialogue(session: Session) -> Dialogue:
    """Return the dialogue of a query that signals immediate danger: nothing is asked."""
    nothing = Knowledge()
    return Dialogue((), None, "crisis", nothing, crisis=True, score=session.true_score(nothing, "crisis"))


@dataclass(frozen=True, slots=True)
class Asked:
    """A question that waits for its reply; the fields are those of `Turn`."""

    completeness: int | None
    question: Question
    chosen_by: ChosenBy
    score: float | None


@dataclass
class Conversation:
    """One dialogue while it goes on: `ask`, `hear` the reply, and so on until `ask` returns None; then `end`.

    It may start from the first turns of another dialogue. A draw is keyed by the number of questions before it, so
    what follows is what followed there, unless something else is heard or asked.

    Fields:
        turns: what was said so far. invalid: what could not be read so far; `noted_until` cuts another dialogue's.
        knowledge: what was learned. asked: mask of the attributes asked about.
    """

    session: Session
    options: AgentOptions
    neighbours: tuple[Neighbour, ...]
    owner: str
    turns: list[Turn] = field(default_factory=list)
    invalid: list[str] = field(default_factory=list)
    knowledge: Knowledge = field(init=False)
    asked: int = field(init=False)
    _ended: tuple[Ending, int | None] | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self.asked = sum(1 << turn.question.attribute for turn in self.turns)
        self.knowledge = learned(self.turns)

    async def ask(self) -> Asked | None:
        """Decide what to ask next, and word it; None once the agent would rather answer, or must.

        Raises:
            TrialError: too many decisions could not be read.
        """
        if ending := self._used_up():
            self._ended = ending, None
            return None
        if self.options.abstention == "basic":
            return await self._answer_or_ask()
        completeness = await self._completeness()
        if completeness is not None and completeness >= self.options.enough:
            self._ended = "sufficient", completeness
            return None
        question, chosen_by = await self._next_question()
        return self._asked(completeness, question, chosen_by)

    async def ask_about(self, attribute: int, instead_of: Asked | None = None) -> Asked:
        """Word the question for an attribute that a person wants asked, whether or not the agent would ask on.

        Args:
            instead_of: the question that it takes the place of, if the agent has one.

        Raises:
            ValueError: the attribute was asked about before, or there is no such attribute.
            TrialError: too many decisions could not be read.
        """
        if not self._open(attribute):
            raise ValueError("there is no such attribute, or it was asked about before")
        completeness = instead_of.completeness if instead_of else await self._completeness()
        return self._asked(completeness, await self._word(attribute), "person")

    async def simulate(self, asked: Asked) -> Reply:
        """Let the simulated user answer."""
        return await self.session.reply(asked.question, self.options.persona, self._draw)

    def hear(self, asked: Asked, reply: Reply) -> None:
        """Take a question and its reply into the dialogue."""
        self.turns.append(Turn(asked.completeness, asked.question, reply, asked.chosen_by, asked.score))
        self.asked |= 1 << asked.question.attribute
        self.knowledge = self.knowledge.having(reply)

    def end(self) -> Dialogue:
        """Return the dialogue: as the agent ended it, else as ended by a person."""
        ending, completeness = self._ended or ("person", None)
        return Dialogue(
            turns=tuple(self.turns),
            completeness=completeness,
            ending=ending,
            knowledge=self.knowledge,
            neighbours=self.neighbours,
            invalid=tuple(self.invalid),
            score=_true_score(self.session, self.knowledge),
        )

    def _asked(self, completeness: int | None, question: Question, chosen_by: ChosenBy) -> Asked:
        return Asked(completeness, question, chosen_by, _true_score(self.session, self.knowledge))

    @property
    def _draw(self) -> Draw:
        return Draw(self.owner, "final", len(self.turns))

    def _used_up(self) -> Ending | None:
        if self.asked == _EVERYTHING:
            return "exhausted"
        return "limit" if len(self.turns) >= self.options.max_questions else None

    async def _completeness(self) -> int | None:
        try:
            if self.options.abstention == "basic":
                return None  # it rates nothing on its own
            if self.options.abstention == "binary":
                sufficient = await self.session.sufficient(self.knowledge, self.asked, self._draw)
                return MAX_COMPLETENESS if sufficient else 0
            completeness = await self.session.completeness(self.knowledge, self.asked, self._draw)
            if not 0 <= completeness <= MAX_COMPLETENESS:
                raise InvalidReplyError(f"{completeness} is not 0 to {MAX_COMPLETENESS}")
            return completeness
        except InvalidReplyError as error:
            self._count("completeness", error)
            return None

    async def _answer_or_ask(self) -> Asked | None:
        """Decide both at once; what can't be read counts as not sufficient, as on the scale."""
        try:
            question = await self.session.answer_or_ask(self.knowledge, self.asked, self.neighbours, self._draw)
            if question is None:
                self._ended = "sufficient", MAX_COMPLETENESS
                return None
            self._check(question)
        except InvalidReplyError as error:
            self._count("choice", error)
            return self._asked(None, await self._word(await self._next_by_prior()), "prior")
        if (followed := self._followed()) is not None:
            return self._asked(0, await self._word(followed), "follow")
        return self._asked(0, question, "model")

    async def _next_question(self) -> tuple[Question, ChosenBy]:
        followed = self._followed()
        if followed is not None:
            return await self._word(followed), "follow"
        try:
            question = await self.session.choose(self.knowledge, self.asked, self.neighbours, self._draw)
            self._check(question)
            return question, "model"
        except InvalidReplyError as error:
            self._count("choice", error)
            return await self._word(await self._next_by_prior()), "prior"

    def _followed(self) -> int | None:
        """Return the next attribute of the best neighbour's path, or None where there is nothing left to follow."""
        if self.options.retrieval != "follow" or not self.neighbours:
            return None
        best = min(self.neighbours, key=lambda n: (inf if n.score is None else -n.score, n.distance))
        return next((attribute for attribute in best.path if self._open(attribute)), None)

    async def _next_by_prior(self) -> int:
        try:
            ranking = await self.session.rank(self.asked, _EVERYTHING)
        except InvalidReplyError as error:
            # It stands in for a choice that was counted already.
            self._note("ranking", error)
            ranking = ()
        return next(attribute for attribute in (*ranking, *SENSITIVITY_ORDER) if self._open(attribute))

    async def _word(self, attribute: int) -> Question:
        try:
            return await self.session.question(attribute, self.knowledge, self._draw)
        except InvalidReplyError as error:
            # What to ask is decided; only the words are missing.
            self._note("wording", error)
            return Question(attribute, f"Would you tell me about this: {NAMES[attribute]}?")

    def _check(self, question: Question) -> None:
        if not self._open(question.attribute):
            raise InvalidReplyError(f"attribute {question.attribute} was asked about before or does not exist")

    def _open(self, attribute: int) -> bool:
        return 0 <= attribute < N_ATTRIBUTES and not self.asked >> attribute & 1

    def _note(self, what: str, error: InvalidReplyError) -> None:
        self.invalid.append(f"{what} before question {len(self.turns) + 1}: {error}")

    def _count(self, decision: str, error: InvalidReplyError) -> None:
        """Record a decision that could not be read; too many of them fail the trial."""
        self._note(decision, error)
        count = sum(line.startswith(_DECISIONS) for line in self.invalid)
        if count >= self.options.max_invalid:
            number = "three" if count == 3 else count
            raise TrialError(f"{number} invalid decisions: {'; '.join(self.invalid)}") from error


def learned(turns: Iterable[Turn]) -> Knowledge:
    """Return what is known after these turns."""
    knowledge = Knowledge()
    for turn in turns:
        knowledge = knowledge.having(turn.reply)
    return knowledge


def noted_until(invalid: Iterable[str], questions: int) -> list[str]:
    """Return those lines of a dialogue's `invalid` that are about its first so many questions."""
    found = ((line, _NOTED.match(line)) for line in invalid)
    return [line for line, match in found if match and int(match[1]) <= questions]


def _true_score(session: Session, knowledge: Knowledge) -> float | None:
    return session.true_score(knowledge, response_style(knowledge))


def response_style(knowledge: Knowledge) -> Style:
    """Return the prompt of the agent's and the planner's answer: the instruction only if anything is known."""
    return "instruction" if knowledge.mask else "plain"


def dialogue_style(dialogue: Dialogue) -> Style:
    """Return the prompt of the answer that ends a dialogue."""
    return "crisis" if dialogue.crisis else response_style(dialogue.knowledge)
