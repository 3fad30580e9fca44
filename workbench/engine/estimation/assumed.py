"""What a unit takes that was never run here: counts from docs/models.md ("What it costs"), and what they leave open.

Those counts were measured with a tiny model whose tokenizer takes 2.5 characters a token; common ones take about 4.5,
hence `_PROMPT`. Completions and latencies are assumed. Every total of these lies between half and double
(`Sample.total`), and an estimate that uses them says so.
"""

from collections.abc import Callable, Mapping
from math import comb

from planner.evaluations import parse_evaluations
from workbench.engine.estimation.measures import RoleFigures, Sample, UnitFigures
from workbench.engine.experiment import default_evaluations
from workbench.engine.options import RunOptions

QUESTIONS = {"agent": 6.3, "planner": 5.6}
"""Of a dialogue, by arm."""

_EVALUATED, _RANKED = 197 / 300, 227 / 300
"""Evaluations and rankings a rollout of the tree search."""

_PROMPT = 400
"""Prompt tokens of a call: 630 to 790 were measured, at 2.5 characters a token."""

RESPONSE, VERDICT, DECISION = 400, 250, 60
"""Tokens of a completion."""

CALL_SECONDS = 4.0
"""From a call to its whole reply."""

_SURROGATE_SEARCH, _SURROGATE_TRIAL = 3e-5, 2e-3
"""Seconds of a rollout and of a trial; README, Speed: 14,000 scenarios take minutes."""


def assumed_figures(options: RunOptions, kind: str, arm: str, known: Mapping[int, int], judgements: int) -> UnitFigures:
    """Return what is assumed of a search or trial.

    Args:
        arm: of a trial; the planner of a search.
        known: number of known attributes (0-10) -> number of scenarios that have so many.
        judgements: of a response: judges x repeats.
    """
    evaluations, rankings = _search_work(options, known) if kind == "search" else (0.0, 0.0)
    if options.world != "model":
        rollouts = options.rollouts if arm == "search" else evaluations
        seconds = _SURROGATE_SEARCH * max(1.0, rollouts) if kind == "search" else _SURROGATE_TRIAL
        roles: dict[str, RoleFigures] = {}
    else:
        roles = (
            {
                "agent": _role(evaluations, RESPONSE),
                "judge": _role(evaluations, VERDICT),
                "planner": _role(rankings, DECISION),
            }
            if kind == "search"
            else _trial_roles(options, arm, known, judgements)
        )
        roles = {role: figures for role, figures in roles.items() if figures.calls.mean}
        seconds = CALL_SECONDS * sum(figures.calls.mean for figures in roles.values())
    return UnitFigures(options.world, kind, arm, "", options.rollouts, judgements, Sample(0, seconds), roles)


def _trial_roles(options: RunOptions, arm: str, known: Mapping[int, int], judgements: int) -> dict[str, RoleFigures]:
    questions = min(QUESTIONS.get(arm, 0.0), options.max_questions)
    crisis = arm in QUESTIONS and options.crisis == "on"
    subsets = _mean(known, lambda n: comb(n, min(options.k, n))) if arm in ("oracle", "oracle-judged") else 0.0
    responses = 1 + subsets
    decisions = 2 * questions + crisis  # completeness and choice
    spoken = (responses * RESPONSE + decisions * DECISION) / (responses + decisions)
    return {
        "agent": _role(responses + decisions, spoken),
        "judge": _role(judgements + subsets, VERDICT),
        "user": _role(questions, DECISION),
    }


def _search_work(options: RunOptions, known: Mapping[int, int]) -> tuple[float, float]:
    """Return the evaluations and rankings of a search, averaged over scenarios by what is known of them."""
    policy = parse_evaluations(options.evaluations or default_evaluations(noisy=True))
    fresh, samples = str(policy) == "fresh", policy.replicates

    def evaluations(n: int) -> float:
        depth = min(options.depth, n)
        match options.planner:
            case "search" if fresh:
                return options.rollouts
            case "search":
                return min(options.rollouts * _EVALUATED, samples * comb(n, depth))
            case "exhaustive":
                return samples * comb(n, depth)
            case "greedy":
                return samples * sum(n - i for i in range(depth))
            case _:
                return samples

    def rankings(n: int) -> float:
        states = sum(comb(n, size) for size in range(min(options.depth, n)))
        return min(options.rollouts * _RANKED, states) if options.planner == "search" else 0.0

    return _mean(known, evaluations), _mean(known, rankings)


def _mean(known: Mapping[int, int], of: Callable[[int], float]) -> float:
    total = sum(known.values())
    return sum(of(n) * count for n, count in known.items()) / total if total else 0.0


def _role(calls: float, completion: float) -> RoleFigures:
    return RoleFigures(Sample(0, calls), Sample(0, calls * _PROMPT), Sample(0, 0.0), Sample(0, calls * completion))
