"""What an experiment will take before it starts: units, calls, tokens, time and money, each with an interval.

What earlier runs in the database measured counts first: the newest run in the same world that holds such units. Then
what a rehearsal of the run counted (`rehearsal`); where neither is at hand, documented counts are assumed (`assumed`),
and said to be. Intervals are 95 % prediction intervals by the normal approximation over units (`Sample.total`), between
the bounds of the algorithm where it was rehearsed (`Spread.total`); those of different kinds of units are added end to
end, so they are too wide rather than too narrow.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import median

from storage.calls import Price
from workbench.arms import family, follows_path, only_attribute
from workbench.engine.estimation.assumed import assumed_figures
from workbench.engine.estimation.counted import Counted
from workbench.engine.estimation.measures import History, Range, RoleFigures, Spread, UnitFigures
from workbench.engine.experiment import needs_paths
from workbench.engine.options import RunOptions
from workbench.engine.pricing import prices
from workbench.text import counted

Units = Mapping[tuple[str, str, str], int]
"""(kind, arm, model) -> how many units; the arm of a search is its planner."""

NOTHING = Range(0, 0, 0)

MEASURED, COUNTED, DOCUMENTED = "earlier runs", "counted prompts", "documented counts"
"""What an estimate may rest on."""

_SLACK = 1.2
"""Calls that repairs and failures may add to what a rehearsal counted."""

_ALIKE = ("vanilla", "control", "full", "static", "random", "only", "path")
"""Arms and families that take the same: one response and its judgements."""


@dataclass(frozen=True, slots=True)
class RoleEstimate:
    """What one role takes in the units of one kind, arm and model.

    Fields:
        kind, arm, model: of the units; the arm of a search is its planner.
        role: who asks.
        calls, prompt_tokens, completion_tokens: of all these units together.
        basis: earlier runs, counted prompts, or documented counts.
    """

    kind: str
    arm: str
    model: str
    role: str
    calls: Range
    prompt_tokens: Range
    completion_tokens: Range
    basis: str


@dataclass(frozen=True, slots=True)
class Estimate:
    """What an experiment will take; everything but the numbers of units is an estimate.

    Fields:
        searches, trials: units.
        calls: to language models; those that the response cache will answer count too.
        prompt_tokens, completion_tokens: of these calls.
        seconds: from start to end.
        cost: in the currency of the prices; None where none of the models has one.
        rests_on: units of earlier runs that it rests on, (kind, arm, model) -> how many.
        assumed: kinds of units that were never measured here.
        unpriced: models without a price, where others have one.
        rehearsed: scenarios of this run whose prompts were counted. roles: the calls, role by role.
    """

    searches: int = 0
    trials: int = 0
    calls: Range = NOTHING
    prompt_tokens: Range = NOTHING
    completion_tokens: Range = NOTHING
    seconds: Range = NOTHING
    cost: Range | None = None
    rests_on: Mapping[tuple[str, str, str], int] = field(default_factory=dict)
    assumed: tuple[str, ...] = ()
    unpriced: tuple[str, ...] = ()
    rehearsed: int = 0
    roles: tuple[RoleEstimate, ...] = ()

    @property
    def units(self) -> int:
        """Searches and trials together."""
        return self.searches + self.trials

    @property
    def measured(self) -> int:
        """Units of earlier runs that it rests on."""
        return sum(self.rests_on.values())

    @property
    def basis(self) -> str:
        """What it rests on, in a line."""
        parts = [f"{counted(self.measured, 'unit')} of earlier runs in this database"] if self.measured else []
        if self.rehearsed:
            parts.append(f"prompts of this run, counted for {self.rehearsed:,} of its scenarios")
        if not parts:
            return "documented counts: nothing like it was run in this database yet"
        if self.assumed:
            parts.append(f"documented counts for {', '.join(self.assumed)}")
        return "; ".join(parts)


@dataclass(frozen=True, slots=True)
class _Part:
    """The units of one kind, arm and model that are to be done."""

    kind: str
    arm: str
    model: str
    units: int

    @property
    def name(self) -> str:
        """What people call them."""
        return "searches" if self.kind == "search" else family(self.arm)


def estimate(
    options: RunOptions,
    units: Units,
    known: Mapping[int, int],
    past: History,
    *,
    judges: Sequence[str],
    counted: Counted | None = None,
) -> Estimate:
    """Estimate what a run of these options will take.

    Args:
        units: that are to be done; `count_units` counts them where no experiment lists them.
        known: number of known attributes (0-10) -> number of scenarios that have so many.
        past: what earlier runs measured.
        judges: in full, at least one.
        counted: what a rehearsal of this run counted.
    """
    parts = [_Part(*part, count) for part, count in units.items()]
    price = prices(options)
    judgements = len(judges) * options.repeats
    calls = prompt = completion = seconds = cost = NOTHING
    used: dict[tuple[str, str, str], UnitFigures] = {}
    assumed, spoken, roles = list[str](), set[str](), list[RoleEstimate]()
    rehearsed = False
    for part in parts:
        documented = assumed_figures(options, part.kind, part.arm, known, judgements)
        own = counted.figures(options, part.kind, part.arm, part.model, judges) if counted is not None else None
        figures = _measured(options, part, past, judgements)
        if figures is not None and (own is None or _possible(figures, own)):
            basis = MEASURED
            used[figures.kind, figures.arm, figures.model] = figures
        elif own is not None:
            basis, figures, rehearsed = COUNTED, own, True
        else:
            basis, figures = DOCUMENTED, documented
            assumed.append(part.name)
        for role, of_role in figures.roles.items():
            c, p, w = (figure.total(part.units) for figure in (of_role.calls, of_role.prompt, of_role.completion))
            calls, prompt, completion = calls + c, prompt + p, completion + w
            roles.append(RoleEstimate(part.kind, part.arm, part.model, role, c, p, w, basis))
            speakers = _speakers(options, part, role, judges)
            spoken.update(speakers)
            for speaker in set(speakers) & set(price):
                cost += _money(of_role.scaled(1 / len(speakers)), price[speaker], part.units)
        seconds += figures.seconds.total(part.units) / _together(options, part, past)
    priced = bool(spoken & set(price))
    return Estimate(
        searches=sum(part.units for part in parts if part.kind == "search"),
        trials=sum(part.units for part in parts if part.kind == "trial"),
        calls=calls,
        prompt_tokens=prompt,
        completion_tokens=completion,
        seconds=seconds,
        cost=cost if priced else None,
        rests_on={whose: figures.seconds.n for whose, figures in used.items()},
        assumed=tuple(dict.fromkeys(assumed)),
        unpriced=tuple(sorted(spoken - set(price))) if priced else (),
        rehearsed=counted.scenarios if counted is not None and rehearsed else 0,
        roles=tuple(roles),
    )


def count_units(options: RunOptions, masks: Mapping[int, int], models: Sequence[str], *, plans: bool = True) -> Units:
    """Count the units of a run that is not prepared yet.

    Exact, but for arms that some scenarios do not have where `--limit` leaves only a part of the scenarios, and for
    `--index-size` where profiles have several scenarios.

    Args:
        masks: known attributes (a bit mask) -> number of scenarios that have exactly these.
        models: in full.
        plans: False where another run has planned the paths.
    """
    total = sum(masks.values())
    if not total:
        return {}
    scenarios = min(total, options.limit or total)
    planned = min(scenarios, options.index_size or scenarios)

    def trials(arm: str) -> int:
        if follows_path(arm):
            return planned if options.index is None and plans else scenarios
        attribute = only_attribute(arm)
        if attribute is None:
            return scenarios
        return round(sum(n for mask, n in masks.items() if mask >> attribute & 1) * scenarios / total)

    units = {("trial", arm, model): trials(arm) for model in models for arm in options.arms}
    if not plans or options.index is not None or not any(map(needs_paths, options.arms)):
        return units
    return {("search", options.planner, model): planned for model in models} | units


def in_turn(estimates: Sequence[Estimate]) -> Estimate:
    """Return what several runs take, one after the other; an interval is the sum of theirs."""
    total = Estimate()
    for found in estimates:
        costs = [cost for cost in (total.cost, found.cost) if cost is not None]
        total = Estimate(
            searches=total.searches + found.searches,
            trials=total.trials + found.trials,
            calls=total.calls + found.calls,
            prompt_tokens=total.prompt_tokens + found.prompt_tokens,
            completion_tokens=total.completion_tokens + found.completion_tokens,
            seconds=total.seconds + found.seconds,
            cost=sum(costs, NOTHING) if costs else None,
            rests_on={**total.rests_on, **found.rests_on},
            assumed=tuple(dict.fromkeys(total.assumed + found.assumed)),
            unpriced=tuple(sorted({*total.unpriced, *found.unpriced})),
            rehearsed=max(total.rehearsed, found.rehearsed),
            roles=total.roles + found.roles,
        )
    return total


def _possible(measured: UnitFigures, counted: UnitFigures) -> bool:
    """Tell whether units that were measured can be like those to come: not if they had other settings, mostly."""
    for role, figures in counted.roles.items():
        bounds = figures.calls
        of_role = measured.roles.get(role)
        calls = of_role.calls.mean if of_role is not None else 0.0
        if isinstance(bounds, Spread) and not bounds.few.mean / _SLACK <= calls <= bounds.many.mean * _SLACK:
            return False
    return True


def _measured(options: RunOptions, part: _Part, past: History, judgements: int) -> UnitFigures | None:
    """Return what such units took: of the same model and arm if there are any, of the newest run among those."""
    own = family(part.arm)
    alike = _ALIKE if part.kind == "trial" and own in _ALIKE else (own,)
    found = [
        figures
        for figures in past.units
        if figures.world == options.world
        and figures.kind == part.kind
        and family(figures.arm) in alike
        and (part.arm != "search" or figures.rollouts == options.rollouts)
    ]
    if not found:
        return None
    best = min(found, key=lambda figures: (figures.model != part.model, figures.arm != part.arm))
    if part.kind == "search" or best.judgements == judgements or "judge" not in best.roles:
        return best
    return replace(best, roles={**best.roles, "judge": best.roles["judge"].scaled(judgements / best.judgements)})


def _speakers(options: RunOptions, part: _Part, role: str, judges: Sequence[str]) -> tuple[str, ...]:
    """Return the models that share a role's calls."""
    if role == "judge":
        return tuple(judges) if part.kind == "trial" else (options.search_judge or judges[0],)
    given = {str(name): settings.model for name, settings in options.roles.items()}.get(role)
    return (given or part.model,)


def _money(figures: RoleFigures, price: Price, units: int) -> Range:
    cached = min(1.0, figures.cached.mean / figures.prompt.mean) if figures.prompt.mean else 0.0
    per_prompt_token = price.prompt * (1 - cached) + (price.prompt if price.cached is None else price.cached) * cached
    prompt, completion = figures.prompt.total(units), figures.completion.total(units)
    return (prompt * per_prompt_token + completion * price.completion) * 1e-6


def _together(options: RunOptions, part: _Part, past: History) -> Range:
    """Return how many seconds of units go into a second, as earlier runs in this world had it."""
    if measured := past.parallel.get((options.world, part.kind)):
        return Range(min(measured), median(measured), max(measured))
    if options.world != "model":
        return Range(1, 1, 1)  # one process computes
    most = min(part.units, options.concurrency or 64, options.max_in_flight)
    return Range(max(1.0, most / 4), max(1.0, most / 2), most)
