"""Judging stored responses again."""

from functools import partial
from pathlib import Path
from typing import Any

import anyio
import pytest

from simulator.surrogate.world import SurrogateWorld
from simulator.world import JudgementError
from storage.database import open_readonly
from storage.readers import find_run, score_rows
from tests.workbench.engine.running import FailingWorld, options, work
from workbench.cli.progress import QuietDisplay
from workbench.engine.errors import UsageError
from workbench.engine.revisit.rejudge import Rejudged, rejudge


def scores(path: Path, judge: str) -> list[Any]:
    db = open_readonly(path)
    try:
        return [row["score"] for row in score_rows(db, find_run(db)["run"]) if row["judge"] == judge]
    finally:
        db.conn.close()


def again(path: Path, run: str, *judges: str, world: SurrogateWorld | None = None, **how: Any) -> Rejudged:
    return anyio.run(partial(rejudge, path, run, world or SurrogateWorld(), judges, QuietDisplay(), **how))


@pytest.fixture
def run(tmp_path: Path) -> tuple[Path, str]:
    path = tmp_path / "run.db"
    outcome = work(path, options(synthetic=6, arms=("vanilla", "full"), judges=("a",)))
    return path, outcome.run


def test_a_new_judge_gets_its_own_rows_and_nothing_else_changes(run: tuple[Path, str]) -> None:
    before = scores(run[0], "a")
    result = again(*run, "b")
    assert (result.done, result.failed, result.labels) == (12, 0, ("b",))
    assert len(scores(run[0], "b")) == 12
    assert scores(run[0], "a") == before


def test_the_same_judge_again_judges_on_new_samples(run: tuple[Path, str]) -> None:
    assert again(*run, "a").labels == ("a#2",)
    assert again(*run, "a").labels == ("a#3",)
    first, second, third = (scores(run[0], label) for label in ("a", "a#2", "a#3"))
    assert first != second != third
    assert len(first) == len(second) == len(third) == 12


def test_it_is_the_same_whatever_runs_at_once(run: tuple[Path, str], tmp_path: Path) -> None:
    other = tmp_path / "other.db"
    twin = work(other, options(synthetic=6, arms=("vanilla", "full"), judges=("a",))).run
    again(*run, "b", concurrency=1)
    again(other, twin, "b", concurrency=50)
    assert scores(run[0], "b") == scores(other, "b")


def test_what_failed_is_judged_the_next_time(run: tuple[Path, str]) -> None:
    broken = FailingWorld(judging=lambda scenario, judge, draw: JudgementError("no") if draw.owner == "full" else None)
    result = again(*run, "b", world=broken)
    assert (result.done, result.failed) == (6, 6)
    assert scores(run[0], "b").count(None) == 6
    result = again(*run, "b")
    assert (result.done, result.failed, result.labels) == (6, 0, ("b",))
    assert None not in scores(run[0], "b")


def test_a_judgement_that_failed_in_the_run_is_mended(tmp_path: Path) -> None:
    path = tmp_path / "run.db"
    chosen = options(synthetic=4, arms=("vanilla",), judges=("a", "b"))
    broken = FailingWorld(judging=lambda scenario, judge, draw: JudgementError("no") if judge == "b" else None)
    outcome = work(path, chosen, broken)
    assert outcome.failed == 4
    again(path, outcome.run, "b")
    db = open_readonly(path)
    assert find_run(db)["failed"] == 0
    db.conn.close()


def test_nothing_to_judge_is_said(tmp_path: Path) -> None:
    path = tmp_path / "run.db"
    broken = FailingWorld(responding=lambda scenario, draw: JudgementError("silent"))
    outcome = work(path, options(synthetic=2, arms=("vanilla",)), broken)
    with pytest.raises(UsageError, match="no stored response"):
        again(path, outcome.run, "a")
