"""Two runs, arms or models side by side: a table of differences, and the scenarios that changed most."""

import heapq
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

from workbench.arms import arm_place
from workbench.statistics.bootstrap import Interval
from workbench.statistics.mcnemar import McNemar, mcnemar
from workbench.statistics.multiple import holm
from workbench.statistics.paired import Paired, paired
from workbench.statistics.power import detectable_difference, scenarios_needed
from workbench.statistics.unpaired import Unpaired, unpaired

ALPHA = 0.05
"""Two arms count as told apart when the Holm-corrected p is at or below this."""

POWER = 0.8
"""Share of runs that should find a difference, for "about N more scenarios"."""


class Compared(NamedTuple):
    """What a line compares: model and arm of each side, and the judge that both were judged by."""

    first_model: str
    second_model: str
    first_arm: str
    second_arm: str
    judge: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """One line of the table.

    Fields:
        compared: what is compared.
        result: the analysis; its `analysis` is the word to show.
        failed: scenarios (or scores, unpaired) left out because a judgement had failed.
        p_holm: p corrected over the whole table; None where there is none.
        threshold: scenarios at or above the threshold and McNemar's p; None unpaired.
        needed: shared scenarios that a run needs to tell the two apart if the difference is as seen, at `ALPHA` over
            the number of lines and with `POWER`; None unpaired, or where no number would do.
        detectable: smallest difference that as many scenarios as there are find with that power; None unpaired, or
            where the spread is not known.
    """

    compared: Compared
    result: Paired | Unpaired
    failed: int
    p_holm: float | None = None
    threshold: McNemar | None = None
    needed: int | None = None
    detectable: float | None = None

    @property
    def p(self) -> float | None:
        """The two-sided p of this line alone."""
        return self.result.test.p if isinstance(self.result, Paired) else self.result.p

    @property
    def told_apart(self) -> bool:
        """Whether the table as a whole allows to call this difference one."""
        return self.p_holm is not None and self.p_holm <= ALPHA

    @property
    def more(self) -> int | None:
        """About how many more shared scenarios are needed to tell the two apart; 0 where they are."""
        if self.told_apart:
            return 0
        return None if self.needed is None else max(1, self.needed - self.result.first.n)

    def difference(self) -> tuple[float, float | None, float | None]:
        """Return second - first with the bounds of its 95 % interval, None where there are none."""
        if isinstance(self.result, Paired):
            return self.result.difference.mean, self.result.difference.low, self.result.difference.high
        return self.result.difference, self.result.low, self.result.high


@dataclass(frozen=True, slots=True)
class Changed:
    """What a scenario scored on both sides.

    Fields:
        first_model, second_model, first_arm, second_arm: the sides, as in `Compared`.
        scenario_id, profile_id, domain: which.
        first, second: its scores, 1-5, the mean of the judges that scored both; change: second - first.
        judges: how many these were.
    """

    first_model: str
    second_model: str
    first_arm: str
    second_arm: str
    scenario_id: str
    profile_id: str
    domain: str
    first: float
    second: float
    change: float
    judges: int


@dataclass(frozen=True, slots=True)
class ComparisonTable:
    """Lines sorted by model, arm (from knowing nothing to knowing everything) and judge; scenarios by change."""

    rows: tuple[Comparison, ...]
    changed: tuple[Changed, ...]

    def records(self) -> Iterator[dict[str, object]]:
        """Yield one flat mapping per line, for exports."""
        yield from map(_record, self.rows)


def compare_pairs(rows: Iterable[Mapping[str, Any]], *, threshold: float = 4.0, most: int = 10) -> ComparisonTable:
    """Compare two sides on the scenarios they share.

    Each line: `paired` (clustered by profile), Holm's correction over all lines, `mcnemar` at `threshold`,
    `scenarios_needed`. A scenario with a failed judgement on either side is left out of the line and counted.

    Args:
        rows: mappings with the keys of `Compared` and `scenario_id, profile_id, domain, first, second`, all judges
            of a scenario one after the other. Read once, so a stream will do.
        threshold: score from which a response counts as good enough.
        most: scenarios to list of those that changed most.

    Raises:
        KeyError: a row lacks one of these.
    """
    gathered: dict[Compared, _Pairs] = {}
    changes = (one for one in scenario_changes(_gather(rows, gathered)) if one.first != one.second)
    changed = heapq.nsmallest(most, changes, key=change_rank)
    deque(changes, maxlen=0)  # nothing is left, unless `most` was 0; reading on is what fills `gathered`
    lines = []
    for compared in sorted(gathered, key=_place):
        pairs = gathered[compared]
        result = paired(pairs.first, pairs.second, pairs.profiles)
        if result is not None:
            passed = mcnemar(pairs.first, pairs.second, threshold)
            lines.append(Comparison(compared, result, pairs.failed, threshold=passed))
    return ComparisonTable(_corrected(lines), tuple(changed))


def compare_samples(
    first: Iterable[Mapping[str, Any]],
    second: Iterable[Mapping[str, Any]],
    *,
    same: Sequence[str] = ("model", "arm", "judge"),
) -> ComparisonTable:
    """Compare all scores of two sides as independent samples, shared scenarios or not (`unpaired`).

    Args:
        first, second: mappings with `model, arm, judge, profile_id, score` (None = failed).
        same: which of model, arm and judge must be equal for two samples to be set beside each other.

    Raises:
        KeyError: a row lacks one of these.
    """
    sides = [_samples(rows) for rows in (first, second)]
    lines = []
    for one, sample in sides[0].items():
        for other, beside in sides[1].items():
            if all(one[_NAMES.index(name)] == other[_NAMES.index(name)] for name in same):
                result = unpaired(sample.first, beside.first, sample.profiles, beside.profiles)
                if result is not None:
                    compared = Compared(one[0], other[0], one[1], other[1], one[2])
                    lines.append(Comparison(compared, result, sample.failed + beside.failed))
    return ComparisonTable(_corrected(sorted(lines, key=lambda line: _place(line.compared))), ())


_NAMES = ("model", "arm", "judge")
_SIDES = ("first_model", "second_model", "first_arm", "second_arm")


@dataclass(slots=True)
class _Pairs:
    """Scores and the profile of each; `second` stays empty for a sample of one side."""

    first: list[float] = field(default_factory=list)
    second: list[float] = field(default_factory=list)
    profiles: list[str] = field(default_factory=list)
    failed: int = 0


def _gather(rows: Iterable[Mapping[str, Any]], into: dict[Compared, _Pairs]) -> Iterator[Mapping[str, Any]]:
    """Sort pairs into lines, and pass on those without a failure."""
    for row in rows:
        pairs = into.setdefault(Compared(*(row[name] for name in Compared._fields)), _Pairs())
        if row["first"] is None or row["second"] is None:
            pairs.failed += 1
            continue
        pairs.first.append(row["first"])
        pairs.second.append(row["second"])
        pairs.profiles.append(row["profile_id"])
        yield row


def scenario_changes(rows: Iterable[Mapping[str, Any]]) -> Iterator[Changed]:
    """Yield what each scenario scored on both sides, those included whose score is the same on both.

    Args:
        rows: as in `compare_pairs`, but without failed judgements.

    Raises:
        KeyError: a row lacks one of the keys.
    """
    for _, judged in groupby(rows, itemgetter(*_SIDES, "scenario_id")):
        verdicts = list(judged)
        first, second = (sum(row[side] for row in verdicts) / len(verdicts) for side in ("first", "second"))
        names = {name: verdicts[0][name] for name in (*_SIDES, "scenario_id", "profile_id", "domain")}
        yield Changed(**names, first=first, second=second, change=second - first, judges=len(verdicts))


def _samples(rows: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str, str], _Pairs]:
    samples: dict[tuple[str, str, str], _Pairs] = {}
    for row in rows:
        sample = samples.setdefault((row["model"], row["arm"], row["judge"]), _Pairs())
        if row["score"] is None:
            sample.failed += 1
        else:
            sample.first.append(row["score"])
            sample.profiles.append(row["profile_id"])
    return samples


def _corrected(lines: Sequence[Comparison]) -> tuple[Comparison, ...]:
    """Add what depends on the whole table: Holm's p, and the sample size at the p that it asks for at worst."""
    tested = sum(line.p is not None for line in lines)
    return tuple(
        replace(line, p_holm=p_holm, **_planned(line.result, ALPHA / max(1, tested)))
        for line, p_holm in zip(lines, holm([line.p for line in lines]), strict=True)
    )


def _planned(result: Paired | Unpaired, alpha: float) -> dict[str, Any]:
    if isinstance(result, Unpaired) or result.sd is None or result.first.clusters < 2:
        return {}
    spread = {"alpha": alpha, "power": POWER, "design_effect": result.design_effect or 1.0}
    return {
        "needed": scenarios_needed(result.difference.mean, result.sd, **spread),
        "detectable": detectable_difference(result.difference.n, result.sd, **spread),
    }


def _place(compared: Compared) -> tuple[object, ...]:
    one, other = arm_place(compared.first_arm), arm_place(compared.second_arm)
    return compared.first_model, compared.second_model, one, other, compared.judge


def change_rank(changed: Changed) -> tuple[float | str, ...]:
    """Largest change first; equal ones by name, so that the order never depends on the database."""
    sides = (changed.first_model, changed.second_model, changed.first_arm, changed.second_arm)
    return -round(abs(changed.change), 9), changed.scenario_id, *sides


def _record(line: Comparison) -> dict[str, object]:
    result, difference = line.result, line.difference()
    both = result if isinstance(result, Paired) else None
    passed = line.threshold
    return {
        **line.compared._asdict(),
        "analysis": result.analysis,
        "n": result.first.n if both else None,
        "profiles": result.first.clusters if both else None,
        "n_first": result.first.n,
        "n_second": result.second.n,
        "failed": line.failed,
        **_flat("first", result.first),
        **_flat("second", result.second),
        "difference": difference[0],
        "difference_low": difference[1],
        "difference_high": difference[2],
        "p": line.p,
        "p_holm": line.p_holm,
        "test": ("sign-flip, all" if both.test.exact else "sign-flip, random") if both else "Welch bootstrap",
        "told_apart": line.told_apart,
        "dz": both.dz if both else None,
        "hedges": both.hedges if both else None,
        "sd": both.sd if both else None,
        "design_effect": both.design_effect if both else None,
        "needed": line.needed,
        "more": line.more,
        "detectable": line.detectable,
        "reached_first": passed.both + passed.only_first if passed else None,
        "reached_second": passed.both + passed.only_second if passed else None,
        "mcnemar_exact": passed.exact if passed else None,
        "mcnemar_mid_p": passed.mid_p if passed else None,
    }


def _flat(name: str, mean: Interval) -> dict[str, float | None]:
    return {name: mean.mean, f"{name}_low": mean.low, f"{name}_high": mean.high}
