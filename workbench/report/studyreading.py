"""What the report of a study needs, read from the database; a run is read once, whatever it is for."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from storage.errors import NotFoundError
from storage.sqlite import Database
from storage.studies import StoredPart, find_study, study_parts
from workbench.engine.plans.study import experiments, make_table, run_scores
from workbench.report.courses import Courses, read_courses
from workbench.report.reading import Row, RunData, read_account, read_run
from workbench.statistics.studytable import RunScores, StudyTable


@dataclass(frozen=True, slots=True)
class Setting:
    """Runs of one experiment: of a part with a sweep as many as it has settings, else one."""

    part: str
    runs: tuple[RunScores, ...]

    @property
    def options(self) -> tuple[str, ...]:
        """What was swept."""
        return tuple(dict.fromkeys(option for run in self.runs for option in run.setting))


@dataclass(slots=True)
class StudyData:
    """Everything read of one study.

    Fields:
        row: of `find_study`. parts: those that were begun. scores: run id -> what it contributes to tables.
        accounts: run id -> what it took, each run once, in order.
        main: the first run with dialogues, whole; the first run where none has any.
        courses: (part, setting, course) of searches with different settings, each once.
    """

    row: Row
    parts: tuple[StoredPart, ...]
    scores: Mapping[str, RunScores]
    accounts: Mapping[str, RunData]
    main: RunData
    courses: list[tuple[str, Mapping[str, object], Courses]] = field(default_factory=list)

    _made: dict[str, list[tuple[Setting, StudyTable]]] = field(default_factory=dict)

    @property
    def world(self) -> str:
        """The worlds of its runs."""
        return ", ".join(dict.fromkeys(account.world for account in self.accounts.values()))

    @property
    def surrogate(self) -> bool:
        """Whether results of the surrogate are in it."""
        return any(account.surrogate for account in self.accounts.values())

    def settings(self, table: str) -> list[Setting]:
        """Return the experiments that are for a table, in order."""
        return [
            Setting(name, tuple(replace(self.scores[str(part.run)], setting=part.setting) for part in parts))
            for name, parts in experiments(self.parts, table).items()
        ]

    def tables(self, name: str) -> list[tuple[Setting, StudyTable]]:
        """Compute a table for each of its experiments, once; those that have nothing for it are left out."""
        if name not in self._made:
            made = [(setting, make_table(name, setting.part, setting.runs)) for setting in self.settings(name)]
            self._made[name] = [(setting, table) for setting, table in made if table.rows]
        return self._made[name]


def read_study(
    db: Database, name: str | None, *, dialogues: int, searches: int, seed: int, scenarios: Collection[str] = ()
) -> StudyData:
    """Read a study (its name, id or an id's beginning, None for the latest one).

    Args:
        dialogues, searches, seed, scenarios: as in `read_run`, of the run that examples are taken from.

    Raises:
        NotFoundError: there is no such study, or none of its runs was begun.
    """
    row = find_study(db, name)
    parts = tuple(part for part in study_parts(db, row["study"]) if part.run is not None)
    if not parts:
        raise NotFoundError(f"study {row['study']} ({row['name']}) has no run yet: the same command goes on with it")
    accounts = {run: read_account(db, run) for run in dict.fromkeys(str(part.run) for part in parts)}
    main = next((run for run, data in accounts.items() if _asks(data)), next(iter(accounts)))
    data = StudyData(
        row=row,
        parts=parts,
        scores={run: run_scores(db, run, {}) for run in accounts},
        accounts=accounts,
        main=read_run(db, main, dialogues=dialogues, searches=searches, seed=seed, scenarios=scenarios),
    )
    data.courses += _courses(db, data, seed)
    return data


def _courses(db: Database, data: StudyData, seed: int) -> Iterator[tuple[str, Mapping[str, object], Courses]]:
    """Yield the courses of each part whose searches had other settings or models than those of the parts before."""
    seen: set[tuple[str, str]] = set()
    for name in dict.fromkeys(part.part for part in data.parts):
        searched: dict[tuple[str, str], tuple[StoredPart, RunData]] = {}
        for part in data.parts:
            account = data.accounts[str(part.run)]
            if part.part == name and account.row["searches"]:
                how = (str(account.row["models"]), str(account.experiment.get("planner")))
                searched.setdefault(how, (part, account))
        if set(searched) - seen:
            for part, account in searched.values():
                # What was swept says nothing of the searches where all of them were done in the same way.
                setting = part.setting if len(searched) > 1 else {}
                yield from ((name, setting, course) for course in read_courses(db, account.row, seed))
        seen |= set(searched)


def _asks(data: RunData) -> bool:
    arms: Sequence[str] = str(data.row["arms"] or "").split(",")
    return "agent" in arms or "planner" in arms
