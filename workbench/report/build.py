"""A report of some runs, gathered: everything that the renderers write down."""

from collections.abc import Sequence

from sqlite_utils import Database

from simulator.attributes import NAMES
from simulator.scenario import Profile
from simulator.scenario import describe as known_values
from workbench.report.figures import run_figures, search_figures
from workbench.report.method import describe
from workbench.report.parts import Report, RunReport, ShownDialogue, ShownSearch
from workbench.report.reading import Row, RunData, read_run
from workbench.report.sensitive import reason_to_fold
from workbench.report.tables import (
    failure_table,
    label,
    ledger_table,
    overview,
    provenance_table,
    score_tables,
    settings_table,
)
from workbench.version import __version__

_EVERYTHING = (1 << len(NAMES)) - 1


def build(db: Database, runs: Sequence[str | None], *, dialogues: int = 3, searches: int = 2, seed: int = 0) -> Report:
    """Gather a report of runs, in the order named; the same database gives the same report.

    Args:
        runs: ids or their beginnings, None for the latest run; one named twice is there once.
        dialogues, searches: how many to choose of each run. seed: of that choice.

    Raises:
        NotFoundError: there is no such run.
    """
    datas: dict[str, RunData] = {}
    for run in runs:
        data = read_run(db, run, dialogues=dialogues, searches=searches, seed=seed)
        datas.setdefault(data.row["run"], data)
    ids = ", ".join(datas)
    worlds = ", ".join(dict.fromkeys(data.world for data in datas.values()))
    return Report(
        title=f"Report of {'run' if len(datas) == 1 else 'runs'} {ids} · world: {worlds}",
        runs=tuple(_run(data, f"run{i}", seed) for i, data in enumerate(datas.values(), 1)),
        overview=overview(tuple(datas.values())),
        code_version=__version__,
    )


def _run(data: RunData, key: str, seed: int) -> RunReport:
    return RunReport(
        run=data.row["run"],
        label=label(data),
        state=data.row["state"],
        surrogate=data.surrogate,
        method=describe(data.row, data.experiment),
        settings=settings_table(data, key),
        scores=score_tables(data, key),
        figures=run_figures(data, key),
        choice=f"Chosen by chance (seed {seed}), never by their scores.",
        searches=tuple(
            ShownSearch(
                heading=f"{row['domain']} · scenario {row['scenario_id']} · model {row['model']} · {label(data)}",
                query=row["query"],
                summary=_summary(row),
                folded=reason_to_fold(_profile(data, row), [row["query"]]),
                figures=search_figures(data, row, trace, f"{key}-search{i}"),
            )
            for i, (row, trace) in enumerate(data.chosen_searches, 1)
        ),
        dialogues=tuple(_dialogue(data, row) for row in data.chosen_dialogues),
        failures=failure_table(data, key),
        provenance=provenance_table(data, key),
        ledger=ledger_table(data, key),
    )


def _dialogue(data: RunData, row: Row) -> ShownDialogue:
    profile = _profile(data, row)
    said = [turn[name] for turn in row["turns"] for name in ("question", "reason", "reply", "known", "truth")]
    known = known_values(profile, _EVERYTHING) if profile is not None else []
    texts = [row["query"], row["response"], *said, *(value for _, value in known)]
    return ShownDialogue(row, row["verdicts"], tuple(known), reason_to_fold(profile, texts))


def _profile(data: RunData, row: Row) -> Profile | None:
    scenario = data.scenarios.get(row["scenario_id"])
    return None if scenario is None else scenario.profile


def _summary(row: Row) -> str:
    path = " > ".join(row["best_path"]) or "none"
    return (
        f"{row['planner']}, rule {row['rule']}, judge {row['judge']}: {row['rollouts']:,} rollouts "
        f"({row['failed_rollouts']:,} failed), {row['evaluations']:,} evaluations, {row['rankings']:,} rankings. "
        f"Best path: {path}" + (f" (Q {row['best_q']:.2f})." if row["best_q"] is not None else ".")
    )
