"""Studies: parts that use each other, going on after any end, and tables from what is stored."""

from pathlib import Path
from typing import Any

import pytest

from storage.database import open_readonly
from storage.errors import NotFoundError
from storage.studies import find_study, list_studies, study_parts
from tests.workbench.engine.running import work
from workbench.engine.errors import UsageError
from workbench.engine.options import RunOptions
from workbench.engine.plans.presets import Plan, read_plan
from workbench.engine.plans.study import StudyOutcome, run_table, stored_plan, study_tables, work_study
from workbench.engine.run import Outcome
from workbench.statistics.studytable import StudyTable

SMALL = {"synthetic": 7, "seed": 4, "rollouts": 15, "models": ("GPT-4o", "LLaMA-3.1-8B")}
TEXT = """
[[parts]]
preset = "models"
[[parts]]
preset = "gains"
index = "@models"
at_most = 5
[[parts]]
preset = "thresholds"
index = "@models"
"""


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    file = tmp_path / "mine.toml"
    file.write_text(TEXT)
    return read_plan(file, None, SMALL)


class Worker:
    """Does runs, and remembers which; may be interrupted before one of them."""

    def __init__(self, path: Path, stop_at: int | None = None) -> None:
        self.path, self.stop_at = path, stop_at
        self.done: list[RunOptions] = []

    def __call__(self, options: RunOptions) -> Outcome:
        if len(self.done) == self.stop_at:
            raise KeyboardInterrupt
        self.done.append(options)
        return work(self.path, options)


def tables(path: Path, name: str | None = None, only: str | None = None) -> list[StudyTable]:
    db = open_readonly(path)
    try:
        return list(study_tables(db, name, only))
    finally:
        db.conn.close()


def done(path: Path, plan: Plan, **how: Any) -> StudyOutcome:
    return work_study(path, plan, Worker(path), **how)


def test_parts_use_the_paths_of_earlier_ones_and_keep_to_their_limits(tmp_path: Path, plan: Plan) -> None:
    path, said = tmp_path / "x.db", list[str]()
    worker = Worker(path)
    outcome = work_study(path, plan, worker, said.append)
    assert (outcome.state, outcome.failed, len(outcome.runs)) == ("done", 0, 6)
    assert said[0] == "1 of 6: models"
    assert said[2] == "3 of 6: thresholds (threshold 2)"
    assert [options.index for options in worker.done] == [None, *[outcome.runs[0]] * 5]
    assert [options.limit for options in worker.done] == [None, 5, None, None, None, None]
    db = open_readonly(path)
    searches = db.execute("select run, count(*) from units where kind = 'search' group by run").fetchall()
    db.conn.close()
    assert searches == [(outcome.runs[0], 14)]


def test_a_finished_study_is_not_looked_through_and_its_tables_come_from_the_store(tmp_path: Path, plan: Plan) -> None:
    path = tmp_path / "x.db"
    first = done(path, plan)
    worker = Worker(path)
    again = work_study(path, plan, worker)
    assert (again.state, again.study, again.runs, worker.done) == ("finished", first.study, first.runs, [])
    found = {table.name: table for table in tables(path)}
    assert list(found) == ["headline", "domains", "models", "context", "gains", "sweep"]
    assert [row["threshold"] for row in found["sweep"].rows if row["arm"] == "agent"] == [2, 3, 4, 5] * 2
    assert tables(path, "mine", "gains") == [found["gains"]]
    assert found["sweep"].title.endswith("thresholds")
    assert work_study(path, plan, worker, again=True).state == "done"
    assert len(worker.done) == 6


@pytest.mark.parametrize("stop_at", [0, 1, 4])
def test_cut_off_anywhere_it_ends_like_one_that_was_not(tmp_path: Path, plan: Plan, stop_at: int) -> None:
    whole, cut = tmp_path / "whole.db", tmp_path / "cut.db"
    done(whole, plan)
    with pytest.raises(KeyboardInterrupt):
        work_study(cut, plan, Worker(cut, stop_at))
    assert done(cut, plan).state == "done"
    assert tables(cut) == tables(whole)


def test_other_scenarios_make_another_study(tmp_path: Path, plan: Plan) -> None:
    path = tmp_path / "x.db"
    first = done(path, plan)
    other = read_plan(tmp_path / "mine.toml", None, {**SMALL, "seed": 5})
    second = done(path, other)
    assert second.state == "done"
    assert first.study != second.study
    db = open_readonly(path)
    assert [row["study"] for row in list_studies(db)] == [second.study, first.study]
    assert find_study(db, "mine")["study"] == find_study(db)["study"] == second.study
    assert find_study(db, first.study[:6])["study"] == first.study
    assert [part.part for part in study_parts(db, first.study)] == ["models", "gains", *["thresholds"] * 4]
    for unknown in ("nonsense", ""):
        with pytest.raises(NotFoundError):
            find_study(db, unknown)
    db.conn.close()


def test_one_table_of_one_run(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    (part,) = read_plan(None, "sensitivity", SMALL).parts
    outcome = work(path, part.options)
    db = open_readonly(path)
    table = run_table(db, "sensitivity", outcome.run)
    assert len(table.rows) == 2 * 10
    assert run_table(db, "context").rows
    with pytest.raises(UsageError, match="no trials for the table gains"):
        run_table(db, "gains")
    with pytest.raises(UsageError, match="there is no table 'x'"):
        run_table(db, "x")
    db.conn.close()


@pytest.mark.slow
def test_every_experiment_of_the_paper_on_a_few_scenarios(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    plan = read_plan(None, "study", {"synthetic": 7, "rollouts": 10})
    outcome = done(path, plan)
    assert (outcome.state, outcome.failed) == ("done", 0)
    names = [table.name for table in tables(path)]
    assert list(dict.fromkeys(names)) == [
        *("headline", "domains", "models", "context", "sensitivity", "sensitivity-domains", "subsets", "gains"),
        *("abstention", "sweep"),
    ]


def test_presets_that_no_study_holds_run_too(tmp_path: Path) -> None:
    for name in ("paper", "paper-leaky", "domains", "context", "subset-sizes", "exploration", "depth"):
        plan = read_plan(None, name, {"limit": 3, "rollouts": 8})
        assert done(tmp_path / "x.db", plan).failed == 0


def test_a_stored_study_is_the_plan_that_it_was(tmp_path: Path, plan: Plan) -> None:
    path = tmp_path / "w.db"
    worker = Worker(path, stop_at=1)
    with pytest.raises(KeyboardInterrupt):
        work_study(path, plan, worker)
    db = open_readonly(path)
    try:
        (study,) = list_studies(db)
        stored = stored_plan(db, study["study"])
    finally:
        db.conn.close()
    assert stored == plan
    assert work_study(path, stored, Worker(path)).study == study["study"]
