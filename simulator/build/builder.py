"""Build synthetic scenarios: any number, reproducible, spread evenly over domains and issues (raise.md, section 2)."""

from collections.abc import Iterator
from itertools import count, islice
from typing import NamedTuple

from planner.keyed import generator
from simulator.attributes import KEYS, N_ATTRIBUTES
from simulator.build.graph import bundled_graph
from simulator.build.wording import Template, bundled_emotions, bundled_queries
from simulator.domains import DOMAINS, Issue, issues
from simulator.scenario import Profile, Scenario

SOURCE = "synthetic"
"""The source of every scenario built here."""

MAX_DRAWS = 1000
"""Draws for one scenario until it differs from all before it; only many scenarios with few values need a second."""


class Person(NamedTuple):
    """Somebody drawn from the graph, and the issue that they are about."""

    profile: Profile
    issue: Issue


def build(n: int, seed: int, *, missing: float = 0.0) -> Iterator[Scenario]:
    """Build the first n synthetic scenarios of a seed, one by one.

    Scenario i is the same whatever n is. Domains take turns, and every 140 scenarios take each issue once (in an order
    that the seed decides). No two have the same profile and query, and up to 14,000 no two have the same query.

    Args:
        n: how many, >= 0.
        seed: another seed, other scenarios.
        missing: share of attribute values taken away at random, 0 to 1; nothing else changes.

    Raises:
        ValueError: for n or missing out of range; while building, where no new scenario can be found (only for very
            many with hardly any value).
    """
    _check(n, missing)
    return _scenarios(n, seed, missing)


def people(n: int, seed: int, *, missing: float = 0.0) -> Iterator[Person]:
    """Draw the first n profiles of a seed, one by one, with the issues in the same turns as `build` takes them.

    Person i is the same whatever n is. The arguments and errors are those of `build`.
    """
    _check(n, missing)
    turns = enumerate(islice(_turns(seed), n))
    return (Person(_profile(seed, i, 0, issue, missing), issue) for i, issue in turns)


def _check(n: int, missing: float) -> None:
    if n < 0:
        raise ValueError(f"cannot build {n} scenarios")
    if not 0 <= missing <= 1:
        raise ValueError(f"the share of missing values is {missing}, not between 0 and 1")


def _scenarios(n: int, seed: int, missing: float) -> Iterator[Scenario]:
    decks = {issue: _deal(seed, issue, templates) for issue, templates in bundled_queries().items()}
    seen: set[str] = set()
    for i, issue in zip(range(n), _turns(seed), strict=False):
        for draw in range(MAX_DRAWS):
            profile = _profile(seed, i, draw, issue, missing)
            scenario = Scenario(next(decks[issue.name]), profile, issue.domain, issue.name, SOURCE)
            if scenario.id not in seen:
                break
        else:
            raise ValueError(f"no scenario {i} that differs from those before: too many with too few values")
        seen.add(scenario.id)
        yield scenario


def _turns(seed: int) -> Iterator[Issue]:
    """Give the issues in rounds of 140: the domains take turns, each goes through its issues in a shuffled order."""
    by_domain = {domain: [i for i in issues() if i.domain == domain] for domain in DOMAINS}
    for turn in count():
        orders = [generator(seed, "issues", domain, turn).permutation(len(by_domain[domain])) for domain in DOMAINS]
        for places in zip(*orders, strict=True):
            for domain, place in zip(DOMAINS, places, strict=True):
                yield by_domain[domain][place]


def _deal(seed: int, issue: str, templates: tuple[Template, ...]) -> Iterator[str]:
    """Deal the queries of an issue like cards: templates in turn, each variant once before any comes again."""
    order = generator(seed, "templates", issue).permutation(len(templates))
    decks = {t: generator(seed, "variants", issue, int(t)).permutation(templates[t].variants) for t in order}
    for turn in count():
        for t in order:
            yield templates[t].render(int(decks[t][turn % len(decks[t])]))


def _profile(seed: int, i: int, draw: int, issue: Issue, missing: float) -> Profile:
    uniforms = generator(seed, "profile", i, draw).random(N_ATTRIBUTES + 4).tolist()
    drawn = bundled_graph().draw(issue.name, uniforms)
    drawn["emotional_state"] = bundled_emotions().write(
        drawn["emotional_state"], issue.domain, drawn["education_level"], uniforms[N_ATTRIBUTES:]
    )
    gone = generator(seed, "missing", i).random(N_ATTRIBUTES) < missing if missing else [False] * N_ATTRIBUTES
    return Profile(tuple(None if g else drawn[key] for key, g in zip(KEYS, gone, strict=True)))
