"""The paper's own figures, to stand beside ours and always labelled as published (raise.md, section 5)."""

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from simulator.domains import DOMAINS

MEAN = "mean"
"""The model name of the paper's averages over its six models."""


@dataclass(frozen=True, slots=True)
class Published:
    """One row of the paper.

    Fields:
        model: the paper's name of the model, or `MEAN`.
        arm: vanilla, agent, planner or full, the paper's Vanilla, +Agent, +Planner and full context.
        domains: `[7]`, 1-5 each, in the order of `DOMAINS`; None where the paper gives the average only.
        average: 1-5.
        questions: asked on average, None where not published.
        source: where in the paper the row stands, and how exact it is.
        label: the word to show beside every one of these figures.
    """

    model: str
    arm: str
    domains: tuple[float, ...] | None
    average: float
    questions: float | None
    source: str
    label: str = "published"


@cache
def figures() -> tuple[Published, ...]:
    """Read every published row, in the paper's order of models and arms (`published.csv`)."""
    text = files("workbench.statistics").joinpath("published.csv").read_text("utf-8")
    return tuple(_row(record) for record in csv.DictReader(text.splitlines()))


def published(model: str, arm: str | None = None) -> tuple[Published, ...]:
    """Return the paper's rows for a model, all arms or one; empty where the paper has none.

    `surrogate/LLaMA-3.1-8B` and `LLaMA-3.1-8B` mean the same model; case is folded.
    """
    name = model.rpartition("/")[2].casefold()
    return tuple(row for row in figures() if row.model.casefold() == name and arm in (None, row.arm))


@cache
def figure(table: str, item: str) -> float | None:
    """Return a published figure that is no row of the table of results (`published_figures.csv`), None where none is.

    Args:
        table: sensitivity (an attribute, or none: scores with one attribute given), gains (attributes along the
            planned path: scores), questions (a way of abstention), or headline (`vanilla`, `full`, `full %` ...).
    """
    return _figures().get((table, item))


@cache
def _figures() -> dict[tuple[str, str], float]:
    text = files("workbench.statistics").joinpath("published_figures.csv").read_text("utf-8")
    return {(row["table"], row["item"]): float(row["value"]) for row in csv.DictReader(text.splitlines())}


def _row(record: dict[str, str]) -> Published:
    domains = tuple(float(record[domain]) for domain in DOMAINS if record[domain])
    return Published(
        model=record["model"],
        arm=record["arm"],
        domains=domains or None,
        average=float(record["Avg"]),
        questions=float(record["questions"]) if record["questions"] else None,
        source=record["source"],
    )
