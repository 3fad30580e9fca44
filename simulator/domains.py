"""The seven domains and the 140 issue names that map to them (raise.md, section 2)."""

import csv
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import NamedTuple

DOMAINS: tuple[str, ...] = ("Relationship", "Career", "Financial", "Social", "Health", "Life", "Education")
"""In the order of the paper's tables."""

UNKNOWN_DOMAIN = "unknown"
"""The domain of a scenario whose issue is none of the 140 known ones."""


class Issue(NamedTuple):
    """One of PENGUIN's 140 issues: 7 domains x 2 sub-categories x 10."""

    domain: str
    sub_category: str
    name: str


def spell_domains(names: Iterable[str]) -> tuple[str, ...]:
    """Return domains as they are spelt, whatever the case they were asked for in.

    Raises:
        ValueError: there is no such domain.
    """
    spelt = {domain.casefold(): domain for domain in (*DOMAINS, UNKNOWN_DOMAIN)}
    for name in names:
        if name.casefold() not in spelt:
            raise ValueError(f"there is no domain {name!r}: there are {', '.join(spelt.values())}")
    return tuple(dict.fromkeys(spelt[name.casefold()] for name in names))


@cache
def issues() -> tuple[Issue, ...]:
    """Read the 140 issues, in published order (`data/issues.csv`)."""
    text = files("simulator").joinpath("data/issues.csv").read_text("utf-8")
    return tuple(Issue(*row) for row in list(csv.reader(text.splitlines()))[1:])


@cache
def _domains() -> dict[str, str]:
    return {_fold(issue.name): issue.domain for issue in issues()}


def _fold(name: str) -> str:
    return " ".join(name.split()).casefold()


def domain_of(issue: str) -> str | None:
    """Return the domain of a published issue name (case and white space folded), or None where it is not one."""
    return _domains().get(_fold(issue))
