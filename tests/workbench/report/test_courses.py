"""Courses of searches: regrets against the world's own table, summed up over searches."""

from pathlib import Path

import numpy as np
import pytest

from planner.recommend import best
from storage.database import open_readonly
from storage.readers import find_run, search_rows, search_trace
from storage.scenarios import scenarios_by_id
from workbench.report import courses
from workbench.report.courses import read_courses, true_scores
from workbench.statistics.regret import optimum


def test_the_end_of_a_course_is_the_regret_of_what_the_searches_returned(prepared: Path) -> None:
    db = open_readonly(prepared)
    try:
        run = find_run(db)
        (course,) = read_courses(db, run, 0)
        regrets, spent = [], []
        for row in search_rows(db, run["run"]):
            trace = search_trace(db, row["unit"])
            scenario = scenarios_by_id(db, [row["scenario_id"]])[row["scenario_id"]]
            true = true_scores(run, scenario, row["model"])
            assert true is not None
            regrets.append(optimum(true, trace) - true[best(trace).mask])
            spent.append(row["evaluations"])
    finally:
        db.conn.close()
    assert course.true
    assert (course.searches, course.of) == (14, 14)
    assert min(regrets) >= 0
    assert course.last == pytest.approx(tuple(np.quantile(regrets, (0.25, 0.5, 0.75))))
    assert course.quartiles[:, -1] == pytest.approx(np.array(course.last))
    assert course.spent == np.median(spent)
    assert course.evaluations[-1] == max(spent)
    assert (np.diff(course.evaluations) > 0).all()
    assert (np.diff(course.quartiles, axis=0) >= 0).all()


def test_without_the_truth_a_course_is_of_mean_rewards(prepared: Path) -> None:
    db = open_readonly(prepared)
    try:
        (course,) = read_courses(db, {**find_run(db), "world_version": "another"}, 0)
    finally:
        db.conn.close()
    assert not course.true
    assert course.found is None
    assert 1 <= course.last[0] <= course.last[2] <= 5


def test_of_very_many_searches_a_keyed_draw_is_taken(prepared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(courses, "MOST_SEARCHES", 3)
    db = open_readonly(prepared)
    try:
        drawn = [read_courses(db, find_run(db), seed)[0] for seed in (0, 0, 1, 2)]
    finally:
        db.conn.close()
    assert {(course.searches, course.of) for course in drawn} == {(3, 14)}
    assert drawn[0].last == drawn[1].last
    assert len({course.last for course in drawn}) > 1
