"""What fails is recorded as failed, never as a number, and never stops the rest (experiments.md, One evaluation)."""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from planner.trace import FAILED, Trace, path_masks, unpack
from planner.tree import replay
from simulator.agent import TrialError
from simulator.scenario import Scenario
from simulator.world import DIMENSIONS, Draw, InvalidReplyError, JudgementError
from storage.database import open_readonly, open_writable
from storage.errors import StorageError
from storage.readers import find_run, score_rows, search_rows, search_trace, unit_rows
from tests.workbench.engine.running import FailingWorld, options, results, work


def read(path: Path) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the units and the score rows of the latest run."""
    db = open_readonly(path)
    try:
        run = find_run(db)["run"]
        return list(unit_rows(db, run)), list(score_rows(db, run))
    finally:
        db.conn.close()


def traces(path: Path) -> list[Trace]:
    db = open_readonly(path)
    found = [search_trace(db, row[0]) for row in db.execute("select unit from searches order by unit").fetchall()]
    db.conn.close()
    return found


def test_a_judge_that_fails_has_a_row_without_a_number(tmp_path: Path) -> None:
    path = tmp_path / "x.db"

    def judging(scenario: Scenario, judge: str, draw: Draw) -> Exception | None:
        return JudgementError("cut short") if judge == "b" and scenario.domain == "Health" else None

    chosen = options(synthetic=14, arms=("vanilla", "full"), judges=("a", "b"))
    outcome = work(path, chosen, FailingWorld(judging=judging))
    assert (outcome.state, outcome.done, outcome.failed) == ("done", 24, 4)
    _, rows = read(path)
    assert len(rows) == 14 * 2 * 2
    for row in rows:
        bad = row["judge"] == "b" and row["domain"] == "Health"
        assert row["failed"] == bad
        numbers = [row["score"], *(row[name] for name in DIMENSIONS)]
        if bad:
            assert numbers == [None] * 4
            assert "cut short" in row["error"]
            assert row["questions"] == 0  # the response was given all the same
        else:
            assert all(1 <= number <= 5 for number in numbers)
            assert row["score"] == pytest.approx(sum(numbers[1:]) / 3)


@pytest.mark.parametrize(("failing", "scored"), [(2, True), (3, False)])
def test_repeats_need_half_of_them_valid(tmp_path: Path, failing: int, scored: bool) -> None:
    path = tmp_path / "x.db"

    def judging(scenario: Scenario, judge: str, draw: Draw) -> Exception | None:
        return JudgementError("no") if draw.sample < failing else None

    work(path, options(synthetic=1, arms=("vanilla",), repeats=5), FailingWorld(judging=judging))
    _, (row,) = read(path)
    assert row["failed"] == (not scored)
    assert (row["score"] is None) == (not scored)
    if scored:
        assert (row["repeats"], row["valid"]) == (5, 3)


@pytest.mark.parametrize(
    "error", [InvalidReplyError("no answer"), TrialError("three unreadable decisions"), RuntimeError("a defect")]
)
def test_a_trial_that_fails_is_recorded_for_every_judge_and_the_others_go_on(tmp_path: Path, error: Exception) -> None:
    path = tmp_path / "x.db"

    def responding(scenario: Scenario, draw: Draw) -> Exception | None:
        return error if scenario.domain == "Life" and draw.owner == "full" else None

    chosen = options(synthetic=7, arms=("vanilla", "full"), judges=("a", "c"))
    outcome = work(path, chosen, FailingWorld(responding=responding))
    assert (outcome.state, outcome.done, outcome.failed) == ("done", 13, 1)
    units, rows = read(path)
    (unit,) = (unit for unit in units if unit["state"] == "failed")
    assert str(error) in unit["error"]
    failed = [row for row in rows if row["failed"]]
    assert [row["judge"] for row in failed] == ["a", "c"]
    for row in failed:
        assert (row["domain"], row["arm"], row["score"]) == ("Life", "full", None)
        assert all(row[name] is None for name in DIMENSIONS)
        assert str(error) in row["error"]


def test_failed_units_are_done_again_only_when_asked_and_then_equal_a_run_without_failure(tmp_path: Path) -> None:
    path, clean = tmp_path / "x.db", tmp_path / "clean.db"
    chosen = options(synthetic=7, arms=("vanilla", "agent"), judges=("a", "b"))

    def judging(scenario: Scenario, judge: str, draw: Draw) -> Exception | None:
        return JudgementError("busy") if scenario.domain in ("Life", "Health") else None

    first = work(path, chosen, FailingWorld(judging=judging))
    assert first.failed == 4
    before = results(path)
    again = work(path, chosen)
    assert (again.state, again.run, again.failed) == ("finished", first.run, 4)
    assert results(path) == before
    retried = work(path, chosen, retry_failed=True)
    assert (retried.state, retried.run, retried.failed) == ("done", first.run, 0)
    work(clean, chosen)
    assert results(path) == results(clean)


def test_a_failed_evaluation_is_tried_once_more_with_a_new_sample(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    samples: dict[int, list[int]] = {}

    def evaluating(scenario: Scenario, mask: int, draw: Draw) -> Exception | None:
        assert draw.purpose == "search"
        samples.setdefault(mask, []).append(draw.sample)
        return JudgementError("no") if draw.sample == 0 else None

    chosen = options(synthetic=1, arms=("planner",), rollouts=30, evaluations="cache:1")
    assert work(path, chosen, FailingWorld(evaluating=evaluating)).failed == 0
    assert set(map(tuple, samples.values())) == {(0, 1)}
    (trace,) = traces(path)
    assert trace.failed == 0
    assert trace.evaluations == 2 * len(samples)  # evaluations are counted, failed ones too


def test_a_subset_that_fails_twice_is_left_out_and_counts_no_visit(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    tried: Counter[int] = Counter()

    def evaluating(scenario: Scenario, mask: int, draw: Draw) -> Exception | None:
        tried[mask] += 1
        return JudgementError("no") if mask in (3, 5, 96) else None

    chosen = options(synthetic=1, arms=("planner",), planner="exhaustive", depth=2, evaluations="cache:1")
    assert work(path, chosen, FailingWorld(evaluating=evaluating)).failed == 0
    assert {tried[mask] for mask in (3, 5, 96)} == {2}
    (trace,) = traces(path)
    assert (trace.rollouts, trace.failed, trace.evaluations) == (45, 3, 48)
    failed = np.isnan(trace.reward)
    assert set(trace.flags[failed].tolist()) == {FAILED}
    assert {int(mask) for mask in path_masks(trace.path)[failed, -1]} == {3, 5, 96}
    tree = replay(trace)
    assert {mask for mask, node in tree.node_of.items() if not tree.visits[node]} == {3, 5, 96}


@pytest.mark.parametrize("every", [3, 20])
def test_a_search_with_over_a_fifth_of_its_rollouts_failed_fails(tmp_path: Path, every: int) -> None:
    path = tmp_path / "x.db"

    def evaluating(scenario: Scenario, mask: int, draw: Draw) -> Exception | None:
        return JudgementError("no") if mask % every == 1 else None

    chosen = options(synthetic=3, arms=("planner",), planner="exhaustive", depth=5, evaluations="cache:1")
    work(path, chosen, FailingWorld(evaluating=evaluating))
    units, rows = read(path)
    searches = {unit["state"] for unit in units if unit["kind"] == "search"}
    if every == 3:
        assert searches == {"failed"}
        assert all("rollouts failed; the last evaluation: no" in u["error"] for u in units if u["kind"] == "search")
        assert {row["neighbours"] for row in rows} == {0}
        assert traces(path) == []
    else:
        assert searches == {"done"}
        assert all(0 < trace.failed <= 0.2 * trace.rollouts for trace in traces(path))


def test_a_ranking_that_cannot_be_read_fails_its_search_only(tmp_path: Path) -> None:
    path = tmp_path / "x.db"

    def ranking(scenario: Scenario) -> Exception | None:
        return InvalidReplyError("no JSON") if scenario.domain == "Social" else None

    outcome = work(path, options(synthetic=7, arms=("planner",), rollouts=10), FailingWorld(ranking=ranking))
    assert (outcome.done, outcome.failed) == (13, 1)
    units, rows = read(path)
    assert [unit["error"] for unit in units if unit["state"] == "failed"] == ["no JSON"]
    assert all(not row["failed"] and row["neighbours"] == 5 for row in rows)


def test_a_full_disk_stops_the_run_with_a_line_and_the_same_command_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, clean = tmp_path / "x.db", tmp_path / "clean.db"
    chosen = options(synthetic=40, arms=("vanilla", "planner"), rollouts=20)

    def small(place: Path) -> Any:
        db = open_writable(place)
        (pages,) = db.execute("PRAGMA page_count").fetchone()  # of the empty tables
        db.execute(f"PRAGMA max_page_count = {pages + 25}")
        return db

    with monkeypatch.context() as patch:
        patch.setattr("workbench.engine.run.open_writable", small)
        with pytest.raises(StorageError, match=r"full.*make room"):
            work(path, chosen)
    units, _ = read(path)
    done = sum(unit["state"] == "done" for unit in units)
    assert 0 < done < len(units)
    assert work(path, chosen).state == "done"
    work(clean, chosen)
    assert results(path) == results(clean)


def test_a_search_under_way_is_shown_and_counted_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.db"
    monkeypatch.setattr("workbench.engine.search._SHOW_AFTER", 0.0)
    monkeypatch.setattr("workbench.engine.search._SHOW_EVERY", 0.0)
    seen: list[tuple[str, int, int, int]] = []

    def evaluating(scenario: Scenario, mask: int, draw: Draw) -> Exception | None:
        db = open_readonly(path)
        run = find_run(db)
        for row in db.execute("select units.state, searches.trace from searches join units on units.id = unit"):
            counted = len(list(search_rows(db, run["run"])))
            seen.append((row[0], unpack(row[1]).rollouts, counted, run["done"]))
        db.conn.close()
        return None

    work(path, options(synthetic=1, arms=("planner",), rollouts=12), FailingWorld(evaluating=evaluating))
    assert {(state, counted, done) for state, _, counted, done in seen} == {("running", 0, 0)}
    assert [rollouts for _, rollouts, _, _ in seen] == sorted(rollouts for _, rollouts, _, _ in seen)
    assert seen[-1][1] == 11
    (trace,) = traces(path)
    assert trace.rollouts == 12
