"""A study: the runs of a plan, one after the other, stored together, so that the same command goes on with it."""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from storage.database import explained, open_writable, transaction
from storage.readers import find_run
from storage.runs import set_log
from storage.sqlite import Database
from storage.studies import (
    StoredPart,
    begin_study,
    find_study,
    finish_study,
    measured_rows,
    set_part_run,
    study_finished,
    study_parts,
)
from workbench.engine.errors import UsageError
from workbench.engine.options import RunOptions
from workbench.engine.plans.presets import Part, Plan
from workbench.engine.run import Outcome
from workbench.engine.scenarios.selection import select_scenarios
from workbench.engine.steering.launch import own_log
from workbench.engine.worlds import open_world
from workbench.statistics.study import TABLES
from workbench.statistics.studytable import RunScores, StudyTable


@dataclass(frozen=True, slots=True)
class StudyOutcome:
    """How a study ended.

    Fields:
        study: its id.
        state: done, interrupted (the same command goes on), or finished before.
        runs: those of its parts, as far as it came.
        failed: units.
    """

    study: str
    state: Literal["done", "interrupted", "finished"]
    runs: tuple[str, ...]
    failed: int


def work_study(
    path: Path,
    plan: Plan,
    work: Callable[[RunOptions], Outcome],
    say: Callable[[str], None] = lambda _: None,
    *,
    again: bool = False,
) -> StudyOutcome:
    """Do every part of a plan that is not done yet.

    A finished study is not even looked through, as long as its scenarios and its world are the same.

    Args:
        work: does one run; runs that are finished return at once.
        say: hears which part begins.
        again: go through every part, though the study is finished (`--new`, `--retry-failed`).

    Raises:
        UsageError: something in a part can't be done. What `work` raises; what was done stays.
    """
    check_tables(table for part in plan.parts for table in part.tables)
    first = plan.parts[0].options
    db = open_writable(path)
    try:
        with explained(path):
            study = _identity(db, path, plan)
            if not again and study_finished(db, study):
                before = tuple(part.run or "" for part in study_parts(db, study))
                if (log := own_log()) is not None:  # whoever launched this process finds its run by that
                    with transaction(db):
                        set_log(db, before[-1], log)
                return StudyOutcome(study, "finished", before, _failed(db, before))
            with transaction(db):
                begin_study(db, study, plan.name, first.world, [_stored(part) for part in plan.parts])
    finally:
        db.conn.close()
    of_part: dict[str, str] = {}
    runs: tuple[str, ...] = ()
    failed = 0
    for place, part in enumerate(plan.parts):
        say(f"{place + 1} of {len(plan.parts)}: {part.label}")
        options = part.options
        if part.reuses is not None:
            options = options.model_copy(update={"index": of_part[part.reuses]})
        outcome = work(options)
        of_part.setdefault(part.name, outcome.run)
        runs, failed = (*runs, outcome.run), failed + outcome.failed
        last = place == len(plan.parts) - 1 and outcome.state != "interrupted"
        _note(path, study, place, outcome.run, last)
        if outcome.state == "interrupted":
            return StudyOutcome(study, "interrupted", runs, failed)
    return StudyOutcome(study, "done", runs, failed)


def stored_plan(db: Database, study: str) -> Plan:
    """Return the plan of a stored study (by name, id or the beginning of one), to go on with it.

    Raises:
        NotFoundError: there is no such study. UsageError: this version can't use its options.
    """
    found = find_study(db, study)
    try:
        parts = tuple(
            Part(part.part, part.setting, RunOptions.model_validate_json(part.options), part.tables)
            for part in study_parts(db, found["study"])
        )
    except ValidationError as error:
        why = error.errors()[0]["msg"]
        raise UsageError(f"study {found['study']}: this version can't use its options: {why}") from error
    return Plan(found["name"], parts)


def study_tables(db: Database, name: str | None = None, only: str | None = None) -> Iterator[StudyTable]:
    """Compute the tables of a stored study one after the other, each from the parts that are for it.

    Args:
        name: of the study, or its id; None = the latest.
        only: compute this table alone.

    Raises:
        NotFoundError: there is no such study.
    """
    found = find_study(db, name)
    parts = [part for part in study_parts(db, found["study"]) if part.run is not None]
    for table in TABLES if only is None else [only]:
        for name_of_part, mine in experiments(parts, table).items():
            made = make_table(table, name_of_part, [run_scores(db, part.run, part.setting) for part in mine])
            if made.rows:
                yield made


def experiments(parts: Iterable[StoredPart], table: str) -> dict[str, list[StoredPart]]:
    """Return the runs that a table is made of, name of the part -> its settings, in order.

    A sweep of its own for every part: settings of different options don't go into one table.
    """
    found: dict[str, list[StoredPart]] = {}
    for part in parts:
        if table in part.tables:
            found.setdefault(part.part, []).append(part)
    return found


def make_table(table: str, part: str, scores: Sequence[RunScores]) -> StudyTable:
    """Compute a table from the runs of a part; it may have no rows."""
    made = TABLES[table](scores)
    return replace(made, title=f"{made.title}: {part}") if table == "sweep" else made


def run_table(db: Database, table: str, run: str | None = None) -> StudyTable:
    """Compute one table from a single run.

    Raises:
        NotFoundError: there is no such run. UsageError: there is no such table, or the run has nothing for it.
    """
    check_tables([table])
    found = find_run(db, run)
    made = TABLES[table]([run_scores(db, found["run"], {})])
    if not made.rows:
        raise UsageError(f"run {found['run']} has no trials for the table {table}: see `workbench run --preset list`")
    return made


def run_scores(db: Database, run: str | None, setting: Mapping[str, object]) -> RunScores:
    """Read what one run contributes to a table.

    Raises:
        NotFoundError: there is no such run.
    """
    row = find_run(db, run)
    experiment = json.loads(row["experiment"] or "{}")
    experiment.pop("scenarios", None)
    return RunScores(row["run"], row["world"], setting, experiment, list(measured_rows(db, row["run"])))


def check_tables(names: Iterable[str]) -> None:
    """Check the names of tables.

    Raises:
        UsageError: there is no such table.
    """
    for name in names:
        if name not in TABLES:
            raise UsageError(f"there is no table {name!r}: there are {', '.join(TABLES)}")


def _identity(db: Database, path: Path, plan: Plan) -> str:
    """Hash everything that decides what the parts are: settings, scenarios, and the world's version."""
    first = plan.parts[0].options
    selection = first.model_copy(update={"limit": None})
    chosen = {
        "name": plan.name,
        "parts": [
            [part.name, dict(part.setting), part.tables, part.options.model_dump(mode="json", exclude_defaults=True)]
            for part in plan.parts
        ],
        "scenarios": sorted(scenario.id for scenario in select_scenarios(db, selection)),
        "world": open_world(first, path).world.version,
    }
    return hashlib.sha256(json.dumps(chosen, sort_keys=True).encode()).hexdigest()[:12]


def _stored(part: Part) -> StoredPart:
    options = part.options.model_dump_json(exclude_defaults=True)
    return StoredPart(part.name, part.setting, part.tables, options)


def _note(path: Path, study: str, place: int, run: str, last: bool) -> None:
    db = open_writable(path)
    try:
        with explained(path), transaction(db):
            set_part_run(db, study, place, run)
            if last:
                finish_study(db, study)
    finally:
        db.conn.close()


def _failed(db: Database, runs: Iterable[str]) -> int:
    count = "select count(*) from units where run = ? and state = 'failed'"
    return sum(int(db.conn.execute(count, [run]).fetchone()[0]) for run in dict.fromkeys(runs))
