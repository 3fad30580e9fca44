"""How good subsets of k attributes are by who chooses them: chance, a fixed list, the planner, an oracle."""

from collections.abc import Mapping, Sequence

import numpy as np

from workbench.arms import arm_place, family
from workbench.statistics.models import about
from workbench.statistics.studytable import Group, Item, RunScores, StudyTable, Value, beats, group

_RANDOM = "random"
_PATH = "path"
CHOICES = {
    "vanilla": "nothing",
    _RANDOM: "random",
    "static": "static",
    _PATH: "planned path",
    "oracle": "oracle",
    "oracle-judged": "oracle by single judgements",
    "full": "everything",
}
"""What the arms of this table are called."""


def subsets_table(runs: Sequence[RunScores]) -> StudyTable:
    """Return a row per k and way of choosing.

    Random draws count as their mean per scenario; `draw_sd` is the standard deviation between the draws of one
    scenario, averaged over scenarios, and `low_draw`, `high_draw` the means of each scenario's worst and best draw.
    `naive` is what the judged oracle's choice scored when it won, `curse` how much of that was luck: naive minus the
    score when judged again, paired. `over_random` and `over_static` are paired differences.
    """
    rows: list[Mapping[str, Value]] = []
    notes = []
    for k in sorted({int(run.experiment["k"]) for run in runs if "k" in run.experiment}):
        of_k = [run for run in runs if run.experiment.get("k") == k]
        for (world, model, judge), mine in group(of_k, lambda arm: family(arm) in CHOICES).items():
            draws = _merge_draws(mine)
            for arm in sorted(mine.arms, key=arm_place):
                choice = {s: item.naive for s, item in mine.arms[arm].items() if item.naive is not None}
                again = mine.scores(arm)
                row: dict[str, Value] = {
                    **about(world, model, judge),
                    "k": k,
                    "choice": CHOICES[arm],
                    "arm": arm,
                    "n": len(again),
                    "score": mine.arm(arm),
                    "over_random": None if arm == _RANDOM else mine.gain(arm, _RANDOM),
                    "over_static": None if arm == "static" else mine.gain(arm, "static"),
                    "naive": mine.mean(choice),
                    "curse": mine.mean({s: naive - again[s] for s, naive in choice.items()}),
                    **(_spread(mine, draws) if arm == _RANDOM and draws else _NO_SPREAD),
                }
                rows.append(row)
            where = f"k = {k}, {rows[-1]['model']}, {world} judge {judge}" if rows else ""
            if _PATH in mine.arms and "static" in mine.arms:
                notes.append(f"{where}: {beats('the planned path', 'static', mine.gain(_PATH, 'static'))}")
    columns = {"model": "model", "source": "source", "judge": "judge", "k": "k", "choice": "choice", "n": "n"}
    columns |= {"score": "score", "over_random": "over random", "over_static": "over static"}
    columns |= {"draw_sd": "sd of draws", "low_draw": "worst draw", "high_draw": "best draw"}
    columns |= {"naive": "as it won", "curse": "winner's curse"}
    paper = "published without figures: oracle over the 120 subsets > static > random, k = 3, 50 scenarios"
    return StudyTable("subsets", "Which k attributes are known", columns, tuple(rows), (*notes, paper))


_NO_SPREAD: dict[str, Value] = {"draws": None, "draw_sd": None, "low_draw": None, "high_draw": None}


def _merge_draws(mine: Group) -> dict[str, list[float]]:
    """Replace the arms `random:1`, `random:2` ... by one, the mean of each scenario's draws; return the draws."""
    arms = [arm for arm in mine.arms if family(arm) == _RANDOM]
    draws: dict[str, list[float]] = {}
    for arm in arms:
        for scenario, item in mine.arms.pop(arm).items():
            draws.setdefault(scenario, []).append(item.score)
    if draws:
        mine.arms[_RANDOM] = {s: Item(sum(scores) / len(scores), 0, None) for s, scores in draws.items()}
    return draws if len(arms) > 1 else {}


def _spread(mine: Group, draws: Mapping[str, Sequence[float]]) -> dict[str, Value]:
    several = {s: scores for s, scores in draws.items() if len(scores) > 1}
    return {
        "draws": max(map(len, several.values()), default=0),
        "draw_sd": mine.mean({s: float(np.std(scores, ddof=1)) for s, scores in several.items()}),
        "low_draw": mine.mean({s: min(scores) for s, scores in several.items()}),
        "high_draw": mine.mean({s: max(scores) for s, scores in several.items()}),
    }
