"""What building scenarios with a language model has in common: how it is asked, what it makes, and what is left out."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeVar

from planner.keyed import Key
from simulator.attributes import NAMES
from simulator.build.forms import check_form
from simulator.build.leaks import leaks
from simulator.build.scrub import scrub
from simulator.client.types import Message, Sampling
from simulator.domains import UNKNOWN_DOMAIN
from simulator.model.asking import Asker, Wish
from simulator.model.settings import PAPER
from simulator.prompts import render
from simulator.replies import Form
from simulator.scenario import Profile, Scenario

T = TypeVar("T")

DECISIONS = Sampling(0.0, 1.0, PAPER.max_tokens)
"""Checks and extraction: as structured decisions everywhere, with the room that the paper gave."""

Stage = Literal["read", "presence", "extraction", "evidence", "identity", "leak", "duplicate", "refused", "model"]
"""Where something was left out, in the order of the work; `refused` and `model`: the server would not, or could not."""

LeakRule = Literal["reject", "keep"]

Effect = Literal["rejected", "replaced", "failed"]

IDENTIFIES = "the model says that it could tell who somebody is"


@dataclass(frozen=True, slots=True)
class Rejection:
    """Something that was left out, and why, in words that quote nothing of a post.

    Fields:
        part: empty for the whole item, else the query or the value that is meant.
        effect: left out for good; only something in it replaced by a neutral phrase; or left out until tried again.
    """

    stage: Stage
    reason: str
    part: str = ""
    effect: Effect = "rejected"


@dataclass(frozen=True, slots=True)
class Draft:
    """A scenario that is good but for what it may have in common with others.

    Fields:
        part: which query of its item it is; empty where there is only one.
        leaks: mask of the attributes that its query gives away.
    """

    scenario: Scenario
    part: str = ""
    leaks: int = 0


@dataclass(frozen=True, slots=True)
class Made:
    """What came of one item (a post, or a profile)."""

    drafts: tuple[Draft, ...] = ()
    rejections: tuple[Rejection, ...] = ()


@dataclass(frozen=True, slots=True)
class Maker:
    """Asks one model on behalf of a build.

    Fields:
        model: who is asked. seed: of the build; every call has a seed keyed by it and by what it is about.
        leaking: what becomes of queries that give the profile away.
    """

    asker: Asker
    model: str
    seed: int
    leaking: LeakRule = "reject"

    async def decide(
        self,
        what: str,
        prompt: tuple[Message, ...],
        form: Form[T],
        key: tuple[Key, ...],
        sampling: Sampling = DECISIONS,
    ) -> T:
        """Ask for a reply of a form; raises what `Asker.decide` does."""
        wish = Wish(what, prompt, "builder", self.model, sampling, (self.seed, "build", *key), sticky=str(key[0]))
        return await self.asker.decide(wish, form)

    async def identifying(self, texts: Sequence[str], key: tuple[Key, ...]) -> tuple[bool, ...]:
        """Return for each text whether the model says that it could tell who somebody is."""
        if not texts:
            return ()
        prompt = render("build_check", texts=texts)
        return await self.decide("a check for identities", prompt, check_form(len(texts)), (*key, "check"))

    def draft(
        self,
        raw: str,
        profile: Profile,
        domain: str = UNKNOWN_DOMAIN,
        issue: str = "",
        source: str = "",
        part: str = "",
    ) -> tuple[Draft | None, list[Rejection]]:
        """Take what identifies somebody out of a query, and look for what it gives away of the profile.

        Returns:
            The draft, or None where the query is rejected; and what was replaced or why it was rejected.
        """
        query, found = scrub(raw)
        notes = replaced(found, part or "query")
        if not query.strip():
            return None, [*notes, Rejection("identity", "nothing else is left of the query", part)]
        told = [leak.attribute for leak in leaks(query, profile)]
        if told and self.leaking == "reject":
            return None, [*notes, Rejection("leak", f"the query tells {', '.join(NAMES[i] for i in told)}", part)]
        return Draft(Scenario(query, profile, domain, issue, source), part, sum(1 << i for i in told)), notes


def replaced(kinds: Sequence[str], part: str) -> list[Rejection]:
    """Note what was replaced in a query or a value."""
    return [Rejection("identity", f"{kind} replaced by a neutral phrase", part, "replaced") for kind in kinds]


def without(profile: Profile, attributes: Sequence[int]) -> Profile:
    """Return a profile in which some attributes are unknown."""
    return replace(profile, values=tuple(None if i in attributes else v for i, v in enumerate(profile.values)))
