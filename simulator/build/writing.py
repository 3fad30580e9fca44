"""Synthetic scenarios whose queries a language model writes (raise.md, section 2, "Synthetic construction")."""

from dataclasses import dataclass

from simulator.build.builder import SOURCE, Person
from simulator.build.forms import queries_form
from simulator.build.making import IDENTIFIES, Draft, Made, Maker, Rejection
from simulator.model.settings import PAPER
from simulator.prompts import render
from simulator.scenario import describe


@dataclass(frozen=True, slots=True)
class QueryWriter:
    """Writes the queries of one profile after the other.

    Fields:
        queries: a profile, 1 to `simulator.build.forms.MAX_QUERIES`.
    """

    maker: Maker
    queries: int = 1

    async def make(self, person: Person, number: int) -> Made:
        """Ask for the queries of the profile with this number, and for a check of them.

        Raises:
            RefusedError: the server refuses the profile.
            InvalidReplyError, ChatError: a reply could not be read, or there was none.
        """
        profile, issue = person.profile, person.issue
        key = (f"profile {number}", profile.id, issue.name)
        prompt = render(
            "build_queries",
            profile=describe(profile, profile.known),
            issue=[("Issue", issue.name), ("Domain", issue.domain)],
            count=self.queries,
        )
        form = queries_form(self.queries)
        written = await self.maker.decide("queries", prompt, form, (*key, "queries"), PAPER)
        drafts: list[Draft] = []
        left_out: list[Rejection] = []
        for place, raw in enumerate(written, 1):
            draft, notes = self.maker.draft(raw, profile, issue.domain, issue.name, SOURCE, f"query {place}")
            left_out += notes
            drafts += [draft] if draft else []
        identifying = await self.maker.identifying([draft.scenario.query for draft in drafts], key)
        checked = list(zip(drafts, identifying, strict=True))
        left_out += [Rejection("identity", IDENTIFIES, draft.part) for draft, identifies in checked if identifies]
        return Made(tuple(draft for draft, identifies in checked if not identifies), tuple(left_out))
