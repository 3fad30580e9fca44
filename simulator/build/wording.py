"""The texts of the synthetic scenarios: templates with alternatives, read from `queries.toml` and `emotions.toml`."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from math import isclose, prod

from simulator.attributes import ATTRIBUTES
from simulator.build.graph import bundled_graph
from simulator.domains import DOMAINS, issues

MIN_TEMPLATES, MIN_VARIANTS = 6, 17
"""Per issue and per query template: 6 x 17 > 100, so 14,000 scenarios (100 per issue) never repeat a query."""

_CHOICE = re.compile(r"\[([^\[\]{}]*)\]|\{(\w+)\}")


@dataclass(frozen=True)
class Template:
    """A text with places where one of several phrases stands.

    Fields:
        parts: the phrases for each place in turn; fixed text is a place with one phrase.
    """

    parts: tuple[tuple[str, ...], ...]

    @property
    def variants(self) -> int:
        """How many ways there are to write it."""
        return prod(map(len, self.parts))

    def render(self, variant: int) -> str:
        """Write variant 0 <= variant < variants (the digits of a mixed-radix number choose the phrases)."""
        phrases = []
        for options in self.parts:
            variant, digit = divmod(variant, len(options))
            phrases.append(options[digit])
        return "".join(phrases)


@dataclass(frozen=True)
class Emotions:
    """How emotional states are worded (`emotions.toml`).

    Fields:
        sentences: `[3]`, P(one, two, three sentences).
        tones: tone -> first sentences.
        domains: domain -> what stands behind it, `light` for the tone `determined` and `heavy` for the others.
        education: education level -> last sentences.
    """

    sentences: tuple[float, ...]
    tones: Mapping[str, tuple[Template, ...]]
    domains: Mapping[str, Mapping[str, tuple[Template, ...]]]
    education: Mapping[str, tuple[Template, ...]]

    def write(self, tone: str, domain: str, education: str, uniforms: Sequence[float]) -> str:
        """Word an emotional state from four uniform numbers of [0, 1): its length, then a choice per sentence."""
        length, *choices = uniforms
        weight = "light" if tone == "determined" else "heavy"
        sources = (self.tones[tone], self.domains[domain][weight], self.education[education])
        one, two, _ = self.sentences
        count = 1 if length < one else 2 if length < one + two else 3
        return " ".join(pick(t, u) for t, u in zip(sources[:count], choices[:count], strict=True))


def pick(templates: Sequence[Template], uniform: float) -> str:
    """Choose a template and its variant, each evenly, with one uniform number of [0, 1)."""
    place, rest = divmod(uniform * len(templates), 1)
    template = templates[int(place)]
    return template.render(int(rest * template.variants))


def parse_template(text: str, slots: Mapping[str, Sequence[str]] | None = None) -> Template:
    """Read `[a|b]` (one of the alternatives), `{slot}` (a phrase of the slot) and `{Slot}` (with a capital).

    Raises:
        ValueError: for a slot that is not there or a bracket without its partner.
    """
    parts: list[tuple[str, ...]] = []
    end = 0
    for match in _CHOICE.finditer(text):
        parts.append((text[end : match.start()],))
        alternatives, slot = match.groups()
        if slot is None:
            parts.append(tuple(alternatives.split("|")))
        elif slots and slot.lower() in slots:
            phrases = slots[slot.lower()]
            parts.append(tuple(p[0].upper() + p[1:] if slot[0].isupper() else p for p in phrases))
        else:
            raise ValueError(f"unknown slot {{{slot}}} in the template: {text}")
        end = match.end()
    parts.append((text[end:],))
    if any(set(phrase) & set("[]{}|") for options in parts for phrase in options):
        raise ValueError(f"unbalanced brackets in the template: {text}")
    return Template(tuple(options for options in parts if options != ("",)))


@cache
def bundled_queries() -> dict[str, tuple[Template, ...]]:
    """Read the query templates that come with the project, by issue."""
    return read_queries(_bundled("queries.toml"))


@cache
def bundled_emotions() -> Emotions:
    """Read the wording of emotional states that comes with the project."""
    return read_emotions(_bundled("emotions.toml"), bundled_graph()["emotional_state"].values)


def read_queries(text: str) -> dict[str, tuple[Template, ...]]:
    """Read and check query templates: issue -> templates.

    Raises:
        ValueError: where the TOML is malformed, an issue is missing or unknown, an issue has too few templates or a
            template too few variants.
    """
    data = tomllib.loads(text)
    queries = {
        issue: tuple(parse_template(t, data["slots"]) for t in templates)
        for issue, templates in data["queries"].items()
    }
    wrong = set(queries) ^ {issue.name for issue in issues()}
    if wrong:
        raise ValueError(f"queries.toml: missing or unknown issues: {sorted(wrong)}")
    for issue, templates in queries.items():
        if len(templates) < MIN_TEMPLATES:
            raise ValueError(f"queries.toml: {issue} has {len(templates)} templates, not {MIN_TEMPLATES}")
        for template in templates:
            if template.variants < MIN_VARIANTS:
                raise ValueError(f"queries.toml: only {template.variants} variants ({issue}): {template.render(0)}")
    return queries


def read_emotions(text: str, tones: Sequence[str]) -> Emotions:
    """Read and check the wording of emotional states, for the tones that the graph draws.

    Raises:
        ValueError: where the TOML is malformed, a tone, domain or education level has no sentence, or the
            probabilities do not sum to 1.
    """
    data = tomllib.loads(text)
    emotions = Emotions(
        sentences=tuple(data["sentences"]),
        tones={tone: _templates(texts) for tone, texts in data["tones"].items()},
        domains={d: {weight: _templates(texts) for weight, texts in by.items()} for d, by in data["domains"].items()},
        education={level: _templates(texts) for level, texts in data["education"].items()},
    )
    levels = next(a.vocabulary for a in ATTRIBUTES if a.key == "education_level")
    if set(emotions.tones) != set(tones) or set(emotions.education) != set(levels):
        raise ValueError("emotions.toml: the tones or the education levels are not those of the graph")
    if set(emotions.domains) != set(DOMAINS) or any(set(by) != {"light", "heavy"} for by in emotions.domains.values()):
        raise ValueError("emotions.toml: every domain needs light and heavy sentences, and nothing else")
    if len(emotions.sentences) != 3 or min(emotions.sentences) < 0 or not isclose(sum(emotions.sentences), 1):
        raise ValueError("emotions.toml: sentences are not three probabilities that sum to 1")
    return emotions


def _templates(texts: Sequence[str]) -> tuple[Template, ...]:
    if not texts:
        raise ValueError("emotions.toml: an empty list of sentences")
    return tuple(map(parse_template, texts))


def _bundled(name: str) -> str:
    return files("simulator.build").joinpath(name).read_text("utf-8")
