"""What is said between agent and simulated user, and what is known from it (experiments.md, "The online loop")."""

from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from planner.subsets import members
from simulator.scenario import Profile

ReplyStatus = Literal["answered", "partial", "evasive", "refused", "unknown"]
"""answered: the true value; partial: a coarser value; evasive, refused: nothing, though there is a value;
unknown: the profile has no value and the user says that they don't know."""

Ending = Literal["sufficient", "limit", "exhausted", "crisis", "person"]
"""Why the questions ended: completeness reached the threshold, the cap on questions was reached, every attribute
was asked, the query signals immediate danger, or a person who took the dialogue over wanted the answer now."""

ChosenBy = Literal["model", "follow", "prior", "person"]
"""Who picked the attribute of a question: the model, a neighbour's path, the prior after an invalid choice, or a
person who took the dialogue over."""

Speaker = Literal["user", "person"]
"""Who replied: the simulated user, or a person who took the dialogue over."""


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What the answering model is told about a person.

    Fields:
        full: mask of the attributes whose true value is known.
        partial: mask of those known only coarsely; disjoint from `full`.
        values: attribute index -> the text that is known, for every attribute of both masks.
    """

    full: int = 0
    partial: int = 0
    values: dict[int, str] = field(default_factory=dict)

    @classmethod
    def from_profile(cls, profile: Profile, mask: int) -> "Knowledge":
        """Know the true values of the attributes of `mask`; those without a value stay unknown."""
        values = {i: value for i in members(mask) if (value := profile[i]) is not None}
        return cls(sum(1 << i for i in values), 0, values)

    @property
    def mask(self) -> int:
        """Every attribute of which anything is known."""
        return self.full | self.partial

    def having(self, reply: "Reply") -> "Knowledge":
        """Return what is known after a reply; only answered and partial replies add anything."""
        if reply.known is None:
            return self
        bit = 1 << reply.attribute
        if reply.status == "partial":
            return Knowledge(self.full & ~bit, self.partial | bit, {**self.values, reply.attribute: reply.known})
        return Knowledge(self.full | bit, self.partial & ~bit, {**self.values, reply.attribute: reply.known})


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply of the simulated user.

    Fields:
        attribute: index of the attribute that was asked about.
        status: what kind of reply it is.
        text: what the user said.
        known: the value that the agent may use from now on: the true one, a coarser one, or None.
        truth: the profile's own value, which the reply came from (None where the profile has none).
        said_by: the simulated user, or a person. What a person says is `answered` with their words as `known`, and
            departs from the profile where that is not `truth`.
    """

    attribute: int
    status: ReplyStatus
    text: str
    known: str | None = None
    truth: str | None = None
    said_by: Speaker = "user"


@dataclass(frozen=True, slots=True)
class Question:
    """What the agent chose to ask next: the attribute, the words to the user, and why it is asked."""

    attribute: int
    text: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Turn:
    """One question and its reply.

    Fields:
        completeness: 0-5, rated before this question; None where the rating was invalid (= not sufficient).
        question, reply: what was said.
        chosen_by: who picked the attribute.
        score: the true mean score (1-5) of answering before this question, where the world knows it, else None.
    """

    completeness: int | None
    question: Question
    reply: Reply
    chosen_by: ChosenBy = "model"
    score: float | None = None


class Neighbour(NamedTuple):
    """A planned path of a similar query, as the agent sees it.

    Fields:
        query: the neighbour's query.
        path: attribute indices in the order to ask.
        score: 1-5, what its subset was worth; None for published paths, which carry none.
        distance: cosine distance of the queries, 0-2.
        entry: id of the library entry.
    """

    query: str
    path: tuple[int, ...]
    score: float | None
    distance: float
    entry: str


@dataclass(frozen=True, slots=True)
class Dialogue:
    """A whole dialogue, up to the moment of answering.

    Fields:
        turns: one per question asked, refused and unanswered ones included.
        completeness: 0-5, the last rating, taken when no further question followed; None if none was valid or made.
        ending: why the questions ended.
        crisis: the query signals immediate danger; there are no turns then.
        knowledge: what was learned.
        neighbours: the planned paths shown to the agent, nearest first (empty in the agent arm).
        invalid: what the world answered unreadably, a line each; never ends the questioning by itself.
        score: the true mean score (1-5) of answering now, where the world knows it, else None.
    """

    turns: tuple[Turn, ...]
    completeness: int | None
    ending: Ending
    knowledge: Knowledge
    crisis: bool = False
    neighbours: tuple[Neighbour, ...] = ()
    invalid: tuple[str, ...] = ()
    score: float | None = None
