"""A scripted session: answers what the test told it to, and remembers what it was asked."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from simulator.dialogue import Knowledge, Neighbour, Question, Reply
from simulator.scenario import Profile, Scenario
from simulator.user import simulate_reply
from simulator.world import Draw, InvalidReplyError, JudgementError, Persona, Response, Style, Verdict

T = TypeVar("T")

PROFILE = Profile(
    ("28 years", "Female", None, "Teacher", "Difficult", "Good", "PhD", "Anxiety", "None", "Tired, and unsure of all.")
)


@dataclass
class FakeSession:
    """Fields are scripts, used up from the front; the last item stays. An exception in a script is raised."""

    scenario: Scenario = field(default_factory=lambda: Scenario("Should I move house?", PROFILE))
    model: str = "fake"
    ratings: list[int | Exception] = field(default_factory=lambda: [0])
    choices: list[int | Exception] = field(default_factory=list)
    rankings: list[Sequence[int] | Exception] = field(default_factory=lambda: [list(range(10))])
    wordings: list[Exception] = field(default_factory=list)
    verdicts: list[tuple[float, float, float] | Exception] = field(default_factory=list)
    crisis: bool = False
    draws: list[tuple[str, Draw]] = field(default_factory=list)
    seen: list[tuple[Knowledge, int, tuple[Neighbour, ...]]] = field(default_factory=list)
    ranked: list[tuple[int, int]] = field(default_factory=list)

    async def rank(self, mask: int, available: int) -> Sequence[int]:
        self.ranked.append((mask, available))
        return _next(self.rankings)

    async def evaluate(self, mask: int, judge: str, draw: Draw) -> Verdict:
        raise JudgementError("the fake evaluates nothing")

    async def respond(self, knowledge: Knowledge, style: Style, draw: Draw) -> Response:
        return Response("An answer.", style, knowledge.full, knowledge.partial, draw)

    async def judge(self, response: Response, judge: str, draw: Draw) -> Verdict:
        self.draws.append(("judge", draw))
        return Verdict(judge, _next(self.verdicts), rationale=f"sample {draw.sample}")

    async def completeness(self, knowledge: Knowledge, asked: int, draw: Draw) -> int:
        self.draws.append(("completeness", draw))
        return _next(self.ratings)

    async def sufficient(self, knowledge: Knowledge, asked: int, draw: Draw) -> bool:
        self.draws.append(("sufficient", draw))
        return _next(self.ratings) >= 4

    async def answer_or_ask(
        self, knowledge: Knowledge, asked: int, neighbours: Sequence[Neighbour], draw: Draw
    ) -> Question | None:
        return None if _next(self.ratings) >= 4 else await self.choose(knowledge, asked, neighbours, draw)

    async def choose(self, knowledge: Knowledge, asked: int, neighbours: Sequence[Neighbour], draw: Draw) -> Question:
        self.draws.append(("choose", draw))
        self.seen.append((knowledge, asked, tuple(neighbours)))
        first_open = next(i for i in range(10) if not asked >> i & 1)
        return Question(_next(self.choices) if self.choices else first_open, "Tell me?", "the model's reason")

    async def question(self, attribute: int, knowledge: Knowledge, draw: Draw) -> Question:
        self.draws.append(("question", draw))
        if self.wordings:
            raise self.wordings[0]
        return Question(attribute, "And this?")

    async def reply(self, question: Question, persona: Persona, draw: Draw) -> Reply:
        self.draws.append(("reply", draw))
        return simulate_reply(self.scenario.profile, question, persona, ("fake",))

    async def in_crisis(self) -> bool:
        return self.crisis

    def true_score(self, knowledge: Knowledge, style: Style = "instruction") -> float | None:
        return {"plain": 2.0, "crisis": 4.5, "instruction": 3.0 + 0.1 * knowledge.mask.bit_count()}[style]

    def true_scores(self) -> NDArray[np.float64] | None:
        return None


def unreadable(reason: str = "no JSON") -> InvalidReplyError:
    return InvalidReplyError(reason)


def _next(script: list[T | Exception]) -> T:
    item = script.pop(0) if len(script) > 1 else script[0]
    if isinstance(item, Exception):
        raise item
    return item
