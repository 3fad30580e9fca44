"""One option at several values: scores and questions by setting, each paired with the first setting."""

from collections.abc import Mapping, Sequence

from workbench.arms import arm_place
from workbench.statistics.models import about
from workbench.statistics.published import figure
from workbench.statistics.studytable import GroupKey, RunScores, StudyTable, Value, difference, group


def sweep_table(runs: Sequence[RunScores]) -> StudyTable:
    """Return a row per arm and setting; `difference` is paired, to the arm's first setting."""
    return _table("sweep", "Settings", runs)


def abstention_table(runs: Sequence[RunScores]) -> StudyTable:
    """Return how often each way of abstention asks, and what that comes to, beside the published counts."""
    table = _table("abstention", "Abstention: how the agent knows that it knows enough", runs)
    rows = tuple(
        {**row, "paper_questions": figure("questions", str(row.get("abstention"))) if row["arm"] == "planner" else None}
        for row in table.rows
    )
    note = "published: questions asked by +Planner; which model is not stated"
    return StudyTable(
        table.name, table.title, {**table.columns, "paper_questions": "paper: questions"}, rows, (*table.notes, note)
    )


def _table(name: str, title: str, runs: Sequence[RunScores]) -> StudyTable:
    options = list(dict.fromkeys(option for run in runs for option in run.setting))
    by_setting: dict[tuple[Value, ...], list[RunScores]] = {}
    for run in runs:
        by_setting.setdefault(tuple(_shown(run.setting.get(option)) for option in options), []).append(run)
    first: dict[tuple[GroupKey, str], dict[str, float]] = {}
    found: list[tuple[tuple[object, ...], Mapping[str, Value]]] = []
    for place, (setting, mine) in enumerate(by_setting.items()):
        for key, scores in group(mine).items():
            for arm in scores.arms:
                base = first.setdefault((key, arm), scores.scores(arm))
                row: dict[str, Value] = {
                    **about(*key),
                    "arm": arm,
                    **dict(zip(options, setting, strict=True)),
                    "score": scores.arm(arm),
                    "difference": scores.mean(difference(scores.scores(arm), base)) if place else None,
                    "questions": scores.questions(arm),
                    "failed": scores.failed.get(arm, 0),
                }
                found.append(((key, arm_place(arm), place), row))
    columns = {"model": "model", "source": "source", "judge": "judge", "arm": "arm"}
    columns |= {option: option.replace("_", " ") for option in options}
    columns |= {"score": "score", "difference": "to the first", "questions": "questions", "failed": "failed"}
    return StudyTable(name, title, columns, tuple(row for _, row in sorted(found, key=lambda item: item[0])))


def _shown(value: object) -> str | int | float | None:
    return value if value is None or isinstance(value, (str, int, float)) else str(value)
