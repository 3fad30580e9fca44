"""What units of earlier runs took, summarised: the figures that an estimate is made of."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from storage.unitcosts import UnitCost

_LEVEL = 1.96
"""Standard deviations of a 95 % interval."""


@dataclass(frozen=True, slots=True)
class Range:
    """An expected figure with its interval: 0 <= low <= mid <= high."""

    low: float
    mid: float
    high: float

    def __add__(self, other: "Range") -> "Range":
        return Range(self.low + other.low, self.mid + other.mid, self.high + other.high)

    def __mul__(self, factor: float) -> "Range":
        return Range(self.low * factor, self.mid * factor, self.high * factor)

    def __truediv__(self, other: "Range") -> "Range":
        return Range(self.low / other.high, self.mid / other.mid, self.high / other.low)


@dataclass(frozen=True, slots=True)
class Sample:
    """One figure over units: how many were measured (0 = assumed), their mean and standard deviation."""

    n: int
    mean: float
    sd: float = 0.0

    def total(self, units: int) -> Range:
        """Return what so many units will come to, with a 95 % prediction interval (normal approximation).

        The spread of the units to come and the uncertainty of the mean both count. What was assumed, or measured once
        only, lies between half and double.
        """
        mid = units * self.mean
        if self.n < 2:
            return Range(mid / 2, mid, mid * 2)
        half = _LEVEL * self.sd * math.sqrt(units + units**2 / self.n)
        return Range(max(0.0, mid - half), mid, mid + half)

    def scaled(self, factor: float) -> "Sample":
        """Return the figure of units that do so many times as much of the same."""
        return Sample(self.n, self.mean * factor, self.sd * factor)


@dataclass(frozen=True, slots=True)
class Spread:
    """One figure over units that were counted beforehand, for replies that lead to little, usual and much of it."""

    few: Sample
    usual: Sample
    many: Sample

    @property
    def n(self) -> int:
        """Units that were counted."""
        return self.usual.n

    @property
    def mean(self) -> float:
        """The usual one."""
        return self.usual.mean

    def total(self, units: int) -> Range:
        """Return what so many units will come to: exact bounds where all of them were counted, else as `Sample`."""
        whole = self.usual.n >= units
        low = units * self.few.mean if whole else self.few.total(units).low
        high = units * self.many.mean if whole else self.many.total(units).high
        mid = units * self.usual.mean
        return Range(min(low, mid), mid, max(mid, high))

    def scaled(self, factor: float) -> "Spread":
        """See `Sample.scaled`."""
        return self.by(Range(factor, factor, factor))

    def by(self, rate: Range) -> "Spread":
        """Return the figure in other units: times the lowest, expected and highest rate."""
        return Spread(self.few.scaled(rate.low), self.usual.scaled(rate.mid), self.many.scaled(rate.high))


Figure = Sample | Spread


@dataclass(frozen=True, slots=True)
class RoleFigures:
    """What one role adds to a unit: calls, and the tokens of all of them together."""

    calls: Figure
    prompt: Figure
    cached: Figure
    completion: Figure

    def scaled(self, factor: float) -> "RoleFigures":
        """See `Sample.scaled`."""
        return RoleFigures(*(s.scaled(factor) for s in (self.calls, self.prompt, self.cached, self.completion)))


@dataclass(frozen=True, slots=True)
class UnitFigures:
    """What units of one kind took.

    Fields:
        world, kind, arm, model: of the units; the arm of a search is its planner.
        rollouts, judgements: of their run: rollouts a search, and judgements (judges x repeats) a response.
        seconds: of a unit.
        roles: role -> what its calls come to; empty in worlds without language models.
    """

    world: str
    kind: str
    arm: str
    model: str
    rollouts: int
    judgements: int
    seconds: Figure
    roles: Mapping[str, RoleFigures]


@dataclass(frozen=True, slots=True)
class History:
    """What earlier runs measured.

    Fields:
        units: the newest run first.
        parallel: (world, kind) -> for each run, how many seconds of such units went into one second.
    """

    units: tuple[UnitFigures, ...] = ()
    parallel: Mapping[tuple[str, str], tuple[float, ...]] = field(default_factory=dict)


def history(costs: Iterable[UnitCost]) -> History:
    """Summarise what units of earlier runs took (`storage.unitcosts.unit_costs`: the newest run first)."""
    groups: dict[tuple[str, str, str, str, str], list[UnitCost]] = {}
    phases: dict[tuple[str, str, str], list[UnitCost]] = {}
    for cost in costs:
        groups.setdefault((cost.run, cost.world, cost.kind, cost.arm, cost.model), []).append(cost)
        phases.setdefault((cost.run, cost.world, cost.kind), []).append(cost)
    parallel: dict[tuple[str, str], list[float]] = {}
    for (_, world, kind), phase in phases.items():
        if (together := _parallel(phase)) is not None:
            parallel.setdefault((world, kind), []).append(together)
    return History(
        tuple(_figures(group) for group in groups.values()),
        {phase: tuple(values) for phase, values in parallel.items()},
    )


def _parallel(phase: Sequence[UnitCost]) -> float | None:
    """Return how many seconds of units went into a second of one phase of a run; None where too little is known."""
    ended = sorted(phase, key=lambda cost: cost.finished)
    span = ended[-1].finished - ended[0].finished
    seconds = math.fsum(cost.seconds for cost in ended[1:])
    return seconds / span if len(ended) > 2 and span > 0 and seconds > 0 else None


def _figures(group: Sequence[UnitCost]) -> UnitFigures:
    first = group[0]

    def of(role: str) -> RoleFigures:
        columns = zip(*(cost.roles.get(role, (0, 0, 0, 0)) for cost in group), strict=True)
        return RoleFigures(*(sample(column) for column in columns))

    return UnitFigures(
        first.world,
        first.kind,
        first.arm,
        first.model,
        first.rollouts,
        first.judgements,
        sample([cost.seconds for cost in group]),
        {role: of(role) for role in dict.fromkeys(role for cost in group for role in cost.roles)},
    )


def sample(values: Sequence[float]) -> Sample:
    """Summarise one figure of units, at least one."""
    mean = math.fsum(values) / len(values)
    variance = math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1) if len(values) > 1 else 0.0
    return Sample(len(values), mean, math.sqrt(variance))
