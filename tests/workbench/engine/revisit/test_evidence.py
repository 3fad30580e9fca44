"""What stands behind a reward: had again from the surrogate and from the store, and never made up."""

import math
from pathlib import Path

import pytest

from planner.trace import CACHED, FAILED
from storage.database import open_readonly, open_writable
from storage.errors import NotFoundError
from storage.readers import search_trace
from storage.sqlite import Database
from tests.fakeserver import NOT_JSON, FakeServer
from tests.workbench.engine.running import FailingWorld, options, work
from workbench.engine.revisit.evidence import reward_evidence


def searches(db: Database) -> list[int]:
    return [row[0] for row in db.execute("select unit from searches order by unit").fetchall()]


def check(db: Database, unit: int) -> int:
    """Check every rollout of a search against its trace; return how many had more than one try."""
    trace, retried = search_trace(db, unit), 0
    for rollout in range(1, trace.rollouts + 1):
        found = reward_evidence(db, unit, rollout, trace)
        flags, reward = int(trace.flags[rollout - 1]), float(trace.reward[rollout - 1])
        assert found.missing == ""
        assert found.cached == bool(flags & CACHED)
        scores = [sample.verdict.score for sample in found.samples if sample.verdict is not None]
        assert (scores == []) == bool(flags & FAILED) == math.isnan(found.reward)
        if scores:
            assert sum(scores) / len(scores) == pytest.approx(reward)
            assert found.dimensions is not None
            assert sum(found.dimensions) / 3 == pytest.approx(reward)
        retried += not found.cached and len(found.samples) > 1
    return retried


@pytest.mark.parametrize("evaluations", ["cache:1", "cache:3", "fresh"])
def test_the_surrogate_answers_again_as_it_did(tmp_path: Path, evaluations: str) -> None:
    path = tmp_path / "run.db"
    work(path, options(synthetic=2, arms=("planner",), rollouts=25, depth=2, evaluations=evaluations, world_seed=9))
    db = open_readonly(path)
    for unit in searches(db):
        assert check(db, unit) == 0
    found = reward_evidence(db, searches(db)[0], 25)
    assert found.true_score is not None
    assert 1 <= found.true_score <= 5
    assert found.samples[0].response.startswith("[surrogate]")
    assert (found.world, found.judge) == ("surrogate", "a")


def test_a_language_models_replies_come_from_the_store(tmp_path: Path) -> None:
    path = tmp_path / "run.db"
    with FakeServer() as server:
        server.faults.extend([None] * 3 + [NOT_JSON] * 4)
        small = {"limit": 2, "rollouts": 8, "depth": 2, "arms": ("planner",), "judges": ("j",)}
        work(path, options(world="model", base_url=server.url, models=("m",), **small))
        asked = len(server.requests)
        db = open_readonly(path)
        units = searches(db)
        for unit in units:
            check(db, unit)
        assert len(server.requests) == asked
    assert units
    found = reward_evidence(db, units[0], 1)
    assert found.true_score is None
    assert found.samples[-1].response
    replies = {row[0] for row in db.execute("select text from completions").fetchall()}
    assert found.samples[-1].response in {reply.strip() for reply in replies}


def test_what_is_not_kept_is_said_and_never_replaced(tmp_path: Path) -> None:
    path = tmp_path / "run.db"
    with FakeServer() as server:
        small = {"limit": 1, "rollouts": 4, "depth": 2, "arms": ("planner",), "judges": ("j",)}
        work(path, options(world="model", base_url=server.url, models=("m",), **small))
    db = open_writable(path)
    (unit,) = searches(db)
    db.execute("delete from completions")
    found = reward_evidence(db, unit, 1)
    assert (found.samples, found.dimensions) == ((), None)
    assert found.missing == "not kept: the store does not hold this reply"
    db.execute("update runs set settings = '{\"no such\": 1}'")
    assert reward_evidence(db, unit, 1).missing == "not kept: the run's settings can't be read by this version"


def test_another_surrogate_than_the_one_of_the_run_is_not_asked(tmp_path: Path) -> None:
    path = tmp_path / "run.db"
    work(path, options(synthetic=1, arms=("planner",), rollouts=5, depth=2))
    db = open_writable(path)
    (unit,) = searches(db)
    db.execute("update runs set experiment = json_set(experiment, '$.world_seed', 77)")
    missing = {reward_evidence(db, unit, rollout).missing for rollout in range(1, 6)}
    assert "not kept: asked again, the world answers something else" in missing
    db.execute("update runs set world_version = 'older'")
    assert reward_evidence(db, unit, 1).missing == "not kept: the surrogate has changed since"


def test_a_world_that_failed_where_this_one_does_not_is_noticed(tmp_path: Path) -> None:
    from simulator.world import JudgementError

    path = tmp_path / "run.db"
    world = FailingWorld(evaluating=lambda _, __, draw: JudgementError("no") if draw.sample == 0 else None)
    work(path, options(synthetic=1, arms=("planner",), rollouts=5, depth=2), world)
    db = open_readonly(path)
    (unit,) = searches(db)
    trace = search_trace(db, unit)
    for rollout in range(1, trace.rollouts + 1):
        found = reward_evidence(db, unit, rollout)
        scores = [sample.verdict.score for sample in found.samples if sample.verdict is not None]
        assert found.missing or sum(scores) / len(scores) == pytest.approx(found.reward)


def test_rollouts_that_there_are_not(tmp_path: Path) -> None:
    path = tmp_path / "run.db"
    work(path, options(synthetic=1, arms=("planner",), rollouts=5, depth=2))
    db = open_readonly(path)
    (unit,) = searches(db)
    for rollout in (0, 6):
        with pytest.raises(NotFoundError, match="5 rollouts"):
            reward_evidence(db, unit, rollout)
    with pytest.raises(NotFoundError):
        reward_evidence(db, 999, 1)
