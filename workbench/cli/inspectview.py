"""One state of a search as text or data: how its actions stand, and why (the inspector of the Search screen)."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from planner.inspection import Inspection, WhyNot, inspect, why_not
from planner.subsets import mask_of, members
from planner.trace import Trace
from planner.tree import ActionScore
from simulator.world import DIMENSIONS
from workbench.cli.output import ABSENT, Column, Format, emit, emit_one, gap
from workbench.engine.errors import UsageError
from workbench.engine.revisit.evidence import Evidence
from workbench.explain import (
    decision_words,
    evidence_words,
    passage_words,
    ranking_words,
    scale_words,
    set_words,
    short_names,
    why_not_words,
)

NOTHING = "nothing"
"""Names the empty set, of which nothing is known."""

_COLUMNS = (
    Column("attribute", "next attribute"),
    Column("visits", "N"),
    Column("q", "Q"),
    Column("prior"),
    Column("bonus"),
    Column("score"),
    Column("mark", ""),
)


def inspect_state(trace: Trace, state: str, names: Sequence[str]) -> Inspection:
    """Look at a state, after all rollouts of the trace.

    Args:
        state: names of attributes between commas, or `nothing`.

    Raises:
        UsageError: an attribute that there is not, or that could not be asked.
    """
    wanted = [name for name in state.split(",") if name.strip()]
    if [name.strip().casefold() for name in wanted] == [NOTHING]:
        wanted = []
    mask = mask_of(find_attribute(name, names) for name in wanted)
    if unknown := members(mask & ~trace.available):
        raise UsageError(f"{names[unknown[0]]} is not known of this person, so the search could not ask for it")
    return inspect(trace, mask)


def find_attribute(name: str, names: Sequence[str]) -> int:
    """Return the index of an attribute from its name, its short name, or the only beginning of one.

    Raises:
        UsageError: there is none, or there are several.
    """
    wanted = " ".join(name.replace("_", " ").split()).casefold()
    spelled = [[one.casefold() for one in both] for both in zip(names, short_names(names), strict=True)]
    exact = [i for i, both in enumerate(spelled) if wanted in both]
    found = exact or [i for i, both in enumerate(spelled) if wanted and any(one.startswith(wanted) for one in both)]
    if len(found) != 1:
        what = "several attributes begin with" if found else "there is no attribute"
        raise UsageError(f"{what} {name.strip()!r}: choose from {', '.join(names)}")
    return found[0]


def emit_inspection(
    seen: Inspection,
    names: Sequence[str],
    format: Format,
    *,
    title: str,
    origin: Mapping[str, str],
    why: str | None = None,
    evidence: Evidence | None = None,
) -> None:
    """Print a state: its actions and what explains them, or all of it for machines.

    Args:
        title: stands above it for people. origin: where the search comes from, for machines.
        why: the attribute that is asked about.
        evidence: what stands behind the reward of the last rollout through here, where it is known.

    Raises:
        UsageError: `why` names what is no action here, or the planner scores no actions.
    """
    answer = None if why is None else _answer(seen, why, names)
    if format not in ("table", "md"):
        emit_one({**origin, **_data(seen, names, answer, evidence)}, format)
        return
    q = ABSENT if math.isnan(seen.q) else f"{seen.q:.2f}"
    lines = [title, f"{set_words(seen.mask, names)}: N {seen.visits}, Q {q}"]
    if answer is not None:
        lines.append(f"why not {names[answer.action.attribute]}? {why_not_words(answer, seen, names)}")
    if seen.decision is not None:
        lines.append(f"last choice: {decision_words(seen.decision, names)}")
    lines.append(ranking_words(seen, names))
    if seen.passage is not None:
        lines.append(passage_words(seen) + (f" · {evidence_words(evidence)}" if evidence is not None else ""))
    if seen.scored:
        lines.append(scale_words(seen.rule))
    # Markdown would run lines together; a list keeps them apart.
    text = "\n".join(lines) if format == "table" else " · ".join(lines)
    emit([_row(seen, action, names) for action in seen.actions], format, _COLUMNS, title=text)
    if not seen.actions and format == "md":
        gap()


def _answer(seen: Inspection, why: str, names: Sequence[str]) -> WhyNot:
    attribute = find_attribute(why, names)
    try:
        return why_not(seen, attribute)
    except KeyError:
        pass
    if not seen.scored:
        raise UsageError(
            f"--why: the actions of {set_words(seen.mask, names)} have no scores: no prior was asked there"
        )
    raise UsageError(f"--why {names[attribute]}: it is no action of {set_words(seen.mask, names)}")


def _row(seen: Inspection, action: ActionScore, names: Sequence[str]) -> dict[str, object]:
    q = seen.rule.shown(action.q)
    marks = (("next", action is seen.next), ("◀", action.attribute == seen.taken), ("⊘", action.left_out))
    return {
        "attribute": names[action.attribute],
        "visits": action.visits,
        "q": ABSENT if math.isnan(q) else f"({q:.2f})" if action.first_play else f" {q:.2f}",
        "prior": None if math.isnan(action.prior) else action.prior,
        "bonus": ABSENT if math.isnan(action.bonus) else f"{action.bonus:.3f}",
        "score": ABSENT if math.isnan(action.score) else f"{action.score:.3f}",
        "mark": " ".join(mark for mark, applies in marks if applies),
    }


def _data(seen: Inspection, names: Sequence[str], answer: WhyNot | None, evidence: Evidence | None) -> dict[str, Any]:
    passage, decision = seen.passage, seen.decision
    return {
        "state": [names[a] for a in members(seen.mask)],
        "t": seen.t,
        "visits": seen.visits,
        "q": seen.q,
        "rule": seen.rule.name,
        "prior_asked_at": seen.asked,
        "ranking": [names[a] for a in seen.ranking],
        "next": None if seen.next is None else names[seen.next.attribute],
        "actions": [_action(seen, action, names) for action in seen.actions],
        "last_choice": decision
        and {
            "rollout": decision.rollout,
            "winner": _action(seen, decision.winner, names),
            "runner_up": decision.runner_up and _action(seen, decision.runner_up, names),
            "margin": decision.margin,
            "decided_by": decision.decided_by,
            "terms": decision.terms,
            "tied": [names[a] for a in decision.tied],
        },
        "last_reward": passage
        and {
            "rollout": passage.rollout,
            "subset": [names[a] for a in members(passage.mask)],
            "reward": passage.reward,
            "cached": passage.cached,
            "evidence": evidence and _evidence(evidence),
        },
        "why_not": answer
        and {
            "attribute": names[answer.action.attribute],
            "behind": None if answer.leader is None else names[answer.leader.attribute],
            "gap": answer.gap,
            "rollouts": answer.rollouts,
            "never": answer.never,
        },
    }


def _action(seen: Inspection, action: ActionScore, names: Sequence[str]) -> dict[str, Any]:
    fields: dict[str, Any] = {**action._asdict(), "attribute": names[action.attribute], "q": seen.rule.shown(action.q)}
    del fields["mask"]
    return fields


def _evidence(evidence: Evidence) -> dict[str, Any]:
    return {
        "world": evidence.world,
        "judge": evidence.judge,
        "true_score": evidence.true_score,
        "missing": evidence.missing,
        "samples": [
            {
                "sample": sample.number,
                "response": sample.response,
                **dict(zip(DIMENSIONS, sample.verdict.dimensions if sample.verdict else (None,) * 3, strict=True)),
                "rationale": sample.verdict.rationale if sample.verdict else "",
                "error": sample.error,
            }
            for sample in evidence.samples
        ],
    }
