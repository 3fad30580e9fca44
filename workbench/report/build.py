"""A report of studies and runs, gathered: everything that the renderers write down."""

from collections.abc import Collection, Sequence

from simulator.attributes import NAMES
from simulator.scenario import Profile
from simulator.scenario import describe as known_values
from storage.errors import NotFoundError, OtherRunError
from storage.sqlite import Database
from storage.studies import list_studies
from workbench.report.figures import run_figures, search_figures
from workbench.report.method import READING, describe
from workbench.report.parts import Account, Examples, Report, RunReport, ShownDialogue, ShownSearch, StudyReport
from workbench.report.reading import Row, RunData, read_run
from workbench.report.sensitive import reason_to_fold
from workbench.report.studyreading import StudyData, read_study
from workbench.report.studysections import sections
from workbench.report.studytables import runs_table
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


def build(
    db: Database,
    names: Sequence[str | None],
    *,
    dialogues: int = 3,
    searches: int = 2,
    seed: int = 0,
    scenarios: Collection[str] = (),
) -> Report:
    """Gather a report of studies and runs, in the order named; the same database gives the same report.

    Args:
        names: studies by name, id or its beginning; runs by id or its beginning; None for the latest run. What is
            named twice is there once.
        dialogues, searches: how many to choose of each study and run. seed: of that choice.
        scenarios: ids or their beginnings: the dialogues and searches of these instead.

    Raises:
        NotFoundError: there is no such study or run, or nothing of a scenario in any of them.
        OtherRunError: a run has no responses of its own.
    """
    how = {"dialogues": dialogues, "searches": searches, "seed": seed}
    studies: dict[str, StudyData] = {}
    datas: dict[str, RunData] = {}
    for name in names:
        study = _study_id(db, name)
        if study is None:
            try:
                data = read_run(db, name, **how, scenarios=scenarios)
            except NotFoundError as error:
                if name is None or isinstance(error, OtherRunError):
                    raise
                raise NotFoundError(f"{error}, `workbench show studies` lists studies") from error
            datas.setdefault(data.row["run"], data)
        elif study not in studies:
            studies[study] = read_study(db, study, **how, scenarios=scenarios)
    shown = [*(study.main for study in studies.values()), *datas.values()]
    for scenario in scenarios:
        if not any(found.startswith(scenario) for data in shown for found in data.scenarios):
            raise NotFoundError(f"nothing here is of scenario {scenario!r}: `workbench scenarios list` has their ids")
    titles = [f"study {study.row['name']} ({name})" for name, study in studies.items()]
    titles += [f"run{'s' if len(datas) > 1 else ''} {', '.join(datas)}"] if datas else []
    worlds = dict.fromkeys([*(study.world for study in studies.values()), *(data.world for data in datas.values())])
    choice = "Of the scenarios asked for." if scenarios else f"Chosen by chance (seed {seed}), never by their scores."
    return Report(
        title=f"Report of {' and '.join(titles)} · world: {', '.join(worlds)}",
        studies=tuple(_study(data, f"study{i}", choice) for i, data in enumerate(studies.values(), 1)),
        runs=tuple(_run(data, f"run{i}", choice) for i, data in enumerate(datas.values(), 1)),
        overview=overview(tuple(datas.values())),
        code_version=__version__,
    )


def _study_id(db: Database, name: str | None) -> str | None:
    """Return the id of the study that a name means; None where it means a run.

    Raises:
        NotFoundError: several studies' ids begin so.
    """
    if not name:
        return None
    studies = list_studies(db)
    named = [row["study"] for row in studies if row["name"] == name][:1]
    found = named or [row["study"] for row in studies if row["study"].startswith(name)]
    if len(found) > 1:
        raise NotFoundError(f"several studies begin with {name!r}: give more of the id")
    return str(found[0]) if found else None


def _study(data: StudyData, key: str, choice: str) -> StudyReport:
    row = data.row
    done = row["runs"] == row["done"]
    return StudyReport(
        study=row["study"],
        name=row["name"],
        label=f"study {row['name']} ({row['study']}), world: {data.world}",
        state="done" if done else f"{row['done']} of {row['runs']} runs done",
        surrogate=data.surrogate,
        method=READING,
        sections=sections(data, key),
        examples=_examples(data.main, f"{key}-example", choice),
        runs=runs_table(data, f"{key}-runs-table"),
        accounts=tuple(_account(one, f"{key}-run{i}") for i, one in enumerate(data.accounts.values(), 1)),
    )


def _run(data: RunData, key: str, choice: str) -> RunReport:
    return RunReport(
        account=_account(data, key),
        scores=score_tables(data, key),
        figures=run_figures(data, key),
        examples=_examples(data, key, choice),
    )


def _account(data: RunData, key: str) -> Account:
    return Account(
        run=data.row["run"],
        label=label(data),
        state=data.row["state"],
        surrogate=data.surrogate,
        method=describe(data.row, data.experiment),
        settings=settings_table(data, key),
        failures=failure_table(data, key),
        provenance=provenance_table(data, key),
        ledger=ledger_table(data, key),
    )


def _examples(data: RunData, key: str, choice: str) -> Examples:
    return Examples(
        label=label(data),
        surrogate=data.surrogate,
        choice=choice,
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
