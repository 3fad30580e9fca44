"""The seven domains and the 140 issue names that map to them (raise.md, section 2)."""

import csv
from functools import cache
from importlib.resources import files
from typing import NamedTuple

DOMAINS: tuple[str, ...] = ("Relationship", "Career", "Financial", "Social", "Health", "Life", "Education")
"""In the order of the paper's tables."""


class Issue(NamedTuple):
    """One of PENGUIN's 140 issues: 7 domains x 2 sub-categories x 10."""

    domain: str
    sub_category: str
    name: str


@cache
def issues() -> tuple[Issue, ...]:
    """Read the 140 issues, in published order (`data/issues.csv`)."""
    text = files("simulator").joinpath("data/issues.csv").read_text("utf-8")
    return tuple(Issue(*row) for row in list(csv.reader(text.splitlines()))[1:])


@cache
def domain_of(issue: str) -> str | None:
    """Return the domain of a published issue name (case and white space folded), or None where it is not one."""
    return {" ".join(i.name.split()).casefold(): i.domain for i in issues()}.get(" ".join(issue.split()).casefold())
