"""Paired differences between arms and between models, with a test of each and Holm's correction over the table."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any

from workbench.arms import arm_place, family
from workbench.statistics.bootstrap import Interval
from workbench.statistics.comparison import Comparison, compare_pairs
from workbench.statistics.models import short
from workbench.statistics.paired import Paired
from workbench.statistics.published import published
from workbench.statistics.studytable import Group, GroupKey, RunScores, StudyTable, Value, group

_PAIRS = (("vanilla", "control"), ("vanilla", "agent"), ("agent", "planner"), ("planner", "full"), ("vanilla", "full"))
"""Arms that are compared, where a run has them."""

_MODELS_UNDER = ("planner", "full")
"""Arms under which models are compared with each other."""


def arm_differences(runs: Sequence[RunScores]) -> StudyTable:
    """Return, for every model, what one arm scores over another on the same scenarios, the paper's difference beside.

    `p` is of the sign-flip test (`paired`), `p_holm` is corrected over the whole table of a world.
    """
    rows: list[Mapping[str, Value]] = []
    for world, groups in _by_world(runs):
        pairs = [
            pair
            for key, mine in groups.items()
            for first, second in _PAIRS
            for pair in _pairs(key, key, first, second, mine, mine)
        ]
        for line in compare_pairs(pairs, most=0).rows:
            compared = line.compared
            papers = [published(compared.first_model, arm) for arm in (compared.first_arm, compared.second_arm)]
            paper = papers[1][0].average - papers[0][0].average if all(papers) else None
            names = {"model": short(compared.first_model), "source": world, "judge": compared.judge}
            arms = {"first": compared.first_arm, "second": compared.second_arm}
            rows.append({**names, **arms, **_measured(line), "paper_difference": paper})
    columns = {"model": "model", "source": "source", "judge": "judge", "second": "arm", "first": "against", **_COLUMNS}
    columns |= {"paper_difference": "paper: difference"}
    return StudyTable("arm-differences", "Paired differences between arms", columns, tuple(rows), (_NOTE,))


def model_differences(runs: Sequence[RunScores]) -> StudyTable:
    """Return, for every two models, what one scores over the other under the same arm on the same scenarios."""
    rows: list[Mapping[str, Value]] = []
    for world, groups in _by_world(runs):
        pairs = [
            pair
            for one, other in combinations(groups, 2)
            for arm in _MODELS_UNDER
            if one.judge == other.judge
            for pair in _pairs(one, other, arm, arm, groups[one], groups[other])
        ]
        for line in compare_pairs(pairs, most=0).rows:
            compared = line.compared
            names = {"arm": compared.first_arm, "source": world, "judge": compared.judge}
            models = {"first": short(compared.first_model), "second": short(compared.second_model)}
            rows.append({**names, **models, **_measured(line)})
    rows.sort(key=lambda row: arm_place(str(row["arm"])))
    columns = {"arm": "arm", "source": "source", "judge": "judge", "second": "model", "first": "against", **_COLUMNS}
    return StudyTable("model-differences", "Paired differences between models", columns, tuple(rows), (_NOTE,))


_COLUMNS = {"n": "n", "profiles": "profiles", "difference": "difference", "p": "p", "p_holm": "p (Holm)", "dz": "d_z"}
_NOTE = (
    "p: sign-flip test of the paired differences, whole profiles flipped together; p (Holm): corrected over this "
    "table; d_z: mean difference over the standard deviation of the differences"
)


def _by_world(runs: Sequence[RunScores]) -> Iterator[tuple[str, dict[GroupKey, Group]]]:
    groups = group(runs, lambda arm: family(arm) == arm)
    for world in dict.fromkeys(key.world for key in groups):
        yield world, {key: mine for key, mine in groups.items() if key.world == world}


def _pairs(
    one: GroupKey, other: GroupKey, first: str, second: str, mine: Group, theirs: Group
) -> Iterator[dict[str, Any]]:
    """Yield the scenarios that both sides scored, as `compare_pairs` takes them."""
    after = theirs.scores(second)
    for scenario, score in mine.scores(first).items():
        if scenario in after:
            case = mine.cases[scenario]
            yield {
                "first_model": one.model,
                "second_model": other.model,
                "first_arm": first,
                "second_arm": second,
                "judge": one.judge,
                "scenario_id": scenario,
                "profile_id": case.profile,
                "domain": case.domain,
                "first": score,
                "second": after[scenario],
            }


def _measured(line: Comparison) -> dict[str, Value]:
    result = line.result
    difference = Interval(*line.difference(), result.first.n, result.first.clusters)
    return {
        "n": result.first.n,
        "profiles": result.first.clusters,
        "difference": difference,
        "p": line.p,
        "p_holm": line.p_holm,
        "dz": result.dz if isinstance(result, Paired) else None,
    }
