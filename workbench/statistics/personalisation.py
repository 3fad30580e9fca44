"""Over-personalisation: how much of what was given responses use, what they make up, and what is beside the point."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from workbench.arms import arm_place
from workbench.statistics.bootstrap import Interval, interval


@dataclass(frozen=True, slots=True)
class Rates:
    """What the responses of an arm do with attributes; intervals are 95 %, clustered by profile.

    Fields:
        given: attributes that a response was made from, on average.
        used: share of them that it mentions, 0-1, among responses that were given any.
        invented: attributes whose value it states though nobody told it, on average.
        inventing: share of responses that invent any.
        unneeded: attributes that it mentions though they do not matter, on average; None where nobody knows what does.
        unknown: responses left out, since what they were given is not known.
    """

    model: str
    arm: str
    given: Interval | None
    used: Interval | None
    invented: Interval | None
    inventing: Interval | None
    unneeded: Interval | None
    unknown: int


def personalisation_rates(rows: Iterable[Mapping[str, Any]]) -> tuple[Rates, ...]:
    """Gather the rates of each model and arm, from knowing nothing to knowing everything.

    Args:
        rows: mappings with `model, arm, profile_id` and the numbers of attributes `given` (None = not known), `used`,
            `invented` and `unneeded` (None = not known).

    Raises:
        KeyError: a row lacks one of these.
    """
    groups: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for row in rows:
        groups.setdefault((row["model"], row["arm"]), []).append(row)
    return tuple(_rates(*key, groups[key]) for key in sorted(groups, key=lambda key: (key[0], *arm_place(key[1]))))


def _rates(model: str, arm: str, rows: list[Mapping[str, Any]]) -> Rates:
    known = [row for row in rows if row["given"] is not None]
    told = [row for row in known if row["given"]]
    judged = [row for row in known if row["unneeded"] is not None]

    def mean(values: list[float], of: list[Mapping[str, Any]]) -> Interval | None:
        return interval(values, [row["profile_id"] for row in of])

    return Rates(
        model,
        arm,
        given=mean([row["given"] for row in known], known),
        used=mean([row["used"] / row["given"] for row in told], told),
        invented=mean([row["invented"] for row in known], known),
        inventing=mean([float(row["invented"] > 0) for row in known], known),
        unneeded=mean([row["unneeded"] for row in judged], judged),
        unknown=len(rows) - len(known),
    )
