"""Scenarios from public posts (raise.md, section 2, "Real construction"): nothing in them that no post tells.

A post is data: it stands fenced in every prompt, replies have a form, a value has to quote its evidence, and identities
are taken out by rule before the post is shown and looked for by the model in what it wrote. A post that tries to steer
all this comes to a scenario that rests on its own words, or is rejected.
"""

import re
import unicodedata
from dataclasses import dataclass, replace

from planner.subsets import members
from simulator.attributes import ATTRIBUTES, N_ATTRIBUTES, NAMES
from simulator.build.forms import DOMAIN, OTHER, PRESENCE, Extraction, extraction_form, issue_form
from simulator.build.making import IDENTIFIES, Draft, Made, Maker, Rejection, replaced, without
from simulator.build.posts import Post
from simulator.build.scrub import scrub
from simulator.domains import DOMAINS, UNKNOWN_DOMAIN, issues
from simulator.embed import telling_words
from simulator.prompts import render
from simulator.scenario import Profile, is_missing

SOURCE = "real"
"""The source of every scenario built here, in the published data's word."""

PRESENCE_NEEDED = 7
"""Attributes of ten that a post has to tell, in the paper."""

_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Extractor:
    """Makes at most one scenario of a post.

    Fields:
        needed: attributes that the post has to tell, 1 to 10.
    """

    maker: Maker
    needed: int = PRESENCE_NEEDED

    async def make(self, post: Post) -> Made:
        """Ask what it takes.

        Raises:
            RefusedError: the server refuses the post.
            InvalidReplyError, ChatError: a reply could not be read, or there was none.
        """
        text, key = scrub(post.text).text, (post.hash,)
        present = await self.maker.decide(
            "a presence check", render("build_presence", post=text), PRESENCE, (*key, "presence")
        )
        if present.bit_count() < self.needed:
            reason = f"it tells {present.bit_count()} of {N_ATTRIBUTES} attributes, fewer than {self.needed}"
            return Made(rejections=(Rejection("presence", reason),))
        extraction = await self.maker.decide(
            "an extraction",
            render("build_extraction", post=text, present=members(present), guidance=_guidance(present)),
            extraction_form(present),
            (*key, "extraction"),
        )
        profile, dropped = supported(extraction, text)
        if not profile.known:
            return Made(rejections=(*dropped, Rejection("evidence", "no value rests on words of the post")))
        draft, left_out = self.maker.draft(extraction.query, profile)
        if draft is None:
            return Made(rejections=(*dropped, *left_out))
        return await self._publishable(draft, post, text, [*dropped, *left_out])

    async def _publishable(self, draft: Draft, post: Post, text: str, left_out: list[Rejection]) -> Made:
        """Have the model look for identities, drop the values that hold one, and place what is left."""
        scenario, known = draft.scenario, members(draft.scenario.profile.known)
        texts = [scenario.query, *(value for value in scenario.profile if value is not None)]
        query, *values = await self.maker.identifying(texts, (post.hash,))
        if query:
            return Made(rejections=(*left_out, Rejection("identity", IDENTIFIES)))
        telling = [i for i, identifies in zip(known, values, strict=True) if identifies]
        left_out += [Rejection("identity", IDENTIFIES, NAMES[i]) for i in telling]
        profile = without(scenario.profile, telling)
        if not profile.known:
            return Made(rejections=(*left_out, Rejection("identity", "no value is left")))
        domain, issue = await self._place(post, text)
        whole = replace(draft, scenario=replace(scenario, profile=profile, domain=domain, issue=issue, source=SOURCE))
        return Made((whole,), tuple(left_out))

    async def _place(self, post: Post, text: str) -> tuple[str, str]:
        """Return domain and issue, asked for where the file does not say them."""
        domain, issue, key = post.domain, post.issue, (post.hash,)
        if domain == UNKNOWN_DOMAIN:
            groups = [(d, ", ".join(dict.fromkeys(i.sub_category for i in issues() if i.domain == d))) for d in DOMAINS]
            prompt = render("build_domain", post=text, domains=groups)
            domain = await self.maker.decide("a domain", prompt, DOMAIN, (*key, "domain"))
        if not issue:
            by_group: dict[str, list[str]] = {}
            for known in issues():
                if known.domain == domain:
                    by_group.setdefault(known.sub_category, []).append(known.name)
            listed = [(group, ", ".join(names)) for group, names in by_group.items()]
            prompt = render("build_issue", post=text, issues=listed)
            named = await self.maker.decide("an issue", prompt, issue_form(domain), (*key, "issue"))
            issue = "" if named == OTHER else named
        return domain, issue


def supported(extraction: Extraction, post: str) -> tuple[Profile, list[Rejection]]:
    """Return the profile of the values whose evidence stands in the post, and why others were dropped.

    Words count, not case, punctuation or white space; evidence of nothing but function words is none.
    """
    values: list[str | None] = [None] * N_ATTRIBUTES
    dropped: list[Rejection] = []
    words = _folded(post)
    for i, told in extraction.told.items():
        if is_missing(told.value):
            continue
        quoted = _folded(told.quote)
        value, found = scrub(told.value)
        if is_missing(told.quote) or quoted not in words:
            dropped.append(Rejection("evidence", "the words quoted for it are not in the post", NAMES[i]))
        elif not telling_words(told.quote):
            dropped.append(Rejection("evidence", "the words quoted for it say nothing", NAMES[i]))
        else:
            values[i] = value
            dropped += replaced(found, NAMES[i])
    return Profile(tuple(values)), dropped


def _folded(text: str) -> str:
    """Return the words of a text, each between spaces, so that a quote is found at whole words only."""
    return f" {' '.join(_WORD.findall(unicodedata.normalize('NFKC', text).casefold()))} "


def _guidance(present: int) -> list[tuple[str, str]]:
    return [
        (ATTRIBUTES[i].name, ", ".join(ATTRIBUTES[i].vocabulary) or "one to three sentences") for i in members(present)
    ]
