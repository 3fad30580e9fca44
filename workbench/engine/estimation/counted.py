"""From what a rehearsal counted to figures of units: characters become tokens, calls become seconds."""

import math
import statistics
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from workbench.arms import family
from workbench.engine.estimation.assumed import CALL_SECONDS
from workbench.engine.estimation.measures import Range, RoleFigures, Sample, Spread, UnitFigures
from workbench.engine.estimation.rehearsal import Rehearsal, RoleCount
from workbench.engine.options import RunOptions

PROMPT_RATE = Range(1 / 7, 1 / 4.5, 1 / 2.5)
"""Prompt tokens per character where a model's are not known: common tokenizers take 4.5 characters of English a token;
a token for every word, as the coarsest would, takes 6, and the smallest vocabularies take 2.5."""

ENOUGH_RATES = 20
"""Stored completions of a model from which its own rate is told."""


def prompt_rate(rates: Sequence[float]) -> Range:
    """Return prompt tokens per character: as measured with 95 % of the spread, else the assumed one."""
    if len(rates) < ENOUGH_RATES:
        return PROMPT_RATE
    mean, half = statistics.fmean(rates), 1.96 * statistics.stdev(rates)
    return Range(max(min(rates), mean - half), mean, mean + half)


@dataclass(frozen=True, slots=True)
class Counted:
    """A rehearsal, and how models count.

    Fields:
        rehearsal: what was counted.
        rates: model -> prompt tokens per character; the assumed ones for every other.
    """

    rehearsal: Rehearsal
    rates: Mapping[str, Range] = field(default_factory=dict)

    @property
    def scenarios(self) -> int:
        """Scenarios whose units were rehearsed."""
        return self.rehearsal.scenarios

    def figures(
        self, options: RunOptions, kind: str, arm: str, model: str, judges: Sequence[str]
    ) -> UnitFigures | None:
        """Return what a unit takes; None where none of its kind was rehearsed."""
        found = self.rehearsal.counts.get((kind, family(arm), model))
        if found is None:
            return None
        named = {str(role): settings.model for role, settings in options.roles.items()}
        roles = {}
        for role, count in found.items():
            judging = (options.search_judge or judges[0],) if kind == "search" else judges
            speakers = judging if role == "judge" else (named.get(role) or model,)
            rate = _mean([self.rates.get(speaker, PROMPT_RATE) for speaker in speakers])
            roles[role] = RoleFigures(count.calls, count.characters.by(rate), Sample(0, 0.0), count.completion)
        return UnitFigures(options.world, kind, arm, model, options.rollouts, 0, _seconds(found.values()), roles)


def _seconds(counts: Collection[RoleCount]) -> Spread:
    few, usual, many = (
        Sample(min(s.n for s in part), math.fsum(s.mean for s in part), math.hypot(*(s.sd for s in part)))
        for part in zip(*((c.calls.few, c.calls.usual, c.calls.many) for c in counts), strict=True)
    )
    return Spread(few, usual, many).by(Range(CALL_SECONDS / 4, CALL_SECONDS, CALL_SECONDS * 4))


def _mean(rates: Sequence[Range]) -> Range:
    n = len(rates)
    return Range(min(r.low for r in rates), math.fsum(r.mid for r in rates) / n, max(r.high for r in rates))
