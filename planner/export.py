"""A search as plain data, the form that `workbench plan --format json` prints."""

import math
from collections.abc import Sequence
from typing import Any

from planner.recommend import best
from planner.trace import CACHED, PAD, Trace
from planner.tree import replay


def to_json(trace: Trace, names: Sequence[str]) -> dict[str, Any]:
    """Return a search as JSON types; rewards and q on 1-5 for every rule.

    `best` is null where no subset of the wanted size was evaluated. `subsets` holds the visited masks, ascending;
    `prior` is pi0(.|mask), `[n]`, null for what is acquired or unavailable, and null as a whole where none was asked.
    `path` is in acquisition order. A failed rollout has reward null and `"failed": true`.

    Args:
        trace: the search.
        names: `[n]`, what the attributes are called.

    Raises:
        ValueError: there is not one name per attribute.
    """
    if len(names) != trace.n:
        raise ValueError(f"the trace has {trace.n} attributes, but there are {len(names)} names")
    return {
        "best": _best(trace, names),
        "subsets": _subsets(trace),
        "rollouts": _rollouts(trace),
        "evaluations": trace.evaluations,
    }


def _best(trace: Trace, names: Sequence[str]) -> dict[str, Any] | None:
    try:
        found = best(trace)
    except ValueError:
        return None
    return {"mask": found.mask, "attributes": [names[a] for a in found.path], "q": found.q, "visits": found.visits}


def _subsets(trace: Trace) -> list[dict[str, Any]]:
    tree = replay(trace)
    rows = zip(tree.masks.tolist(), tree.visits.tolist(), tree.q.tolist(), tree.prior.tolist(), strict=True)
    return [
        {"mask": mask, "visits": visits, "q": q, "prior": _vector(prior)}
        for mask, visits, q, prior in sorted(rows, key=lambda row: row[0])
        if visits
    ]


def _vector(prior: list[float]) -> list[float | None] | None:
    values = [None if math.isnan(p) else p for p in prior]
    return None if all(p is None for p in values) else values


def _rollouts(trace: Trace) -> list[dict[str, Any]]:
    rows = []
    for path, reward, flags in zip(trace.path.tolist(), trace.reward.tolist(), trace.flags.tolist(), strict=True):
        row: dict[str, Any] = {"path": [a for a in path if a != PAD], "reward": reward, "cached": bool(flags & CACHED)}
        rows.append({**row, "reward": None, "failed": True} if math.isnan(reward) else row)
    return rows
