"""Arms of the paper's experiments in whole runs: what each is given, and what of them belongs to a run's identity."""

import json
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from planner.subsets import members
from simulator.agent import AgentOptions
from simulator.attributes import NAMES
from storage.database import open_readonly
from storage.studies import measured_rows
from tests.workbench.engine.running import options, work
from tests.workbench.engine.test_experiment import FIXED
from workbench.engine.experiment import Experiment
from workbench.engine.prepare import prepare

EXPERIMENT = options(
    synthetic=6,
    seed=2,
    arms=("vanilla", "only:*", "random:1..3", "random", "static", "path:0..5", "path", "oracle", "oracle-judged"),
    rollouts=25,
)


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    path = tmp_path_factory.mktemp("families") / "x.db"
    outcome = work(path, EXPERIMENT)
    assert (outcome.state, outcome.failed) == ("done", 0)
    return path, outcome.run


def given(path: Path, run: str) -> dict[str, dict[str, tuple[int, str]]]:
    """Return scenario -> arm -> (mask of what was given, style of the prompt)."""
    found: dict[str, dict[str, tuple[int, str]]] = defaultdict(dict)
    db = open_readonly(path)
    for scenario, arm, mask, style in db.execute(
        "select scenario, arm, full, style from units join responses on unit = id where run = ?", [run]
    ):
        found[scenario][arm] = mask, style
    db.conn.close()
    return found


def test_each_arm_is_given_what_its_name_says(done: tuple[Path, str]) -> None:
    path, run = done
    db = open_readonly(path)
    paths = {
        scenario: json.loads(best)
        for scenario, best in db.execute("select scenario, best_path from units join searches on unit = id")
    }
    known = dict(db.execute("select id, known from scenarios").fetchall())
    db.conn.close()
    for scenario, arms in given(path, run).items():
        for i, name in enumerate(NAMES):
            if known[scenario] >> i & 1:
                assert arms[f"only:{name}"] == (1 << i, "instruction")
            else:
                assert f"only:{name}" not in arms  # what is not known can't be given
        for length in range(6):
            mask, style = arms[f"path:{length}"]
            assert set(members(mask)) == set(paths[scenario][:length])
            assert style == ("instruction" if length else "plain")
        assert arms["path"] == arms["path:3"]
        for arm in ("random", "random:1", "random:2", "static", "oracle", "oracle-judged"):
            assert arms[arm][0].bit_count() == 3
    draws = [tuple(arms[f"random:{i}"] for arms in given(path, run).values()) for i in (1, 2, 3)]
    assert len(set(draws)) == 3


def test_the_judged_oracle_keeps_what_won_and_is_judged_again(done: tuple[Path, str]) -> None:
    path, run = done
    db = open_readonly(path)
    rows = list(measured_rows(db, run))
    choices = db.execute("select candidates, judged, naive from choices").fetchall()
    db.conn.close()
    judged = [row for row in rows if row["arm"] == "oracle-judged"]
    assert len(judged) == len(choices) == 6
    assert all(candidates == count > 1 for candidates, count, _ in choices)
    assert all(row["naive"] is None for row in rows if row["arm"] != "oracle-judged")
    naive, again = (sum(row[key] for row in judged) / 6 for key in ("naive", "score"))
    assert naive > again  # the winner's curse


def test_paths_of_another_run_are_followed_without_a_search(done: tuple[Path, str]) -> None:
    path, run = done
    again = work(path, options(synthetic=6, seed=2, arms=("path:2",), index=run))
    assert (again.state, again.done, again.failed) == ("done", 6, 0)
    assert {s: arms["path:2"] for s, arms in given(path, again.run).items()} == {
        s: arms["path:2"] for s, arms in given(path, run).items()
    }


def test_a_scenario_without_a_path_fails_with_a_line(done: tuple[Path, str]) -> None:
    path, run = done
    outcome = work(path, options(synthetic=7, seed=3, arms=("path:1",), index=run))
    assert (outcome.done, outcome.failed) == (0, 7)
    db = open_readonly(path)
    errors = {error for (error,) in db.execute("select error from units where run = ?", [outcome.run])}
    db.conn.close()
    assert errors == {"no path was planned for this scenario and model"}


def test_only_profiles_that_are_planned_for_follow_a_path(tmp_path: Path) -> None:
    prepared = prepare(tmp_path / "x.db", options(synthetic=9, arms=("vanilla", "path:1"), index_size=4))
    arms = [unit.arm for unit in prepared.experiment.units()]
    assert (arms.count("vanilla"), arms.count("path:1"), arms.count("search")) == (9, 4, 4)


def changed(**changes: Any) -> Experiment:
    return replace(FIXED, **changes)


def test_what_is_new_belongs_to_the_identity_only_where_it_is_used() -> None:
    paths = changed(arms=("path:1",))
    assert paths.plans
    assert not changed(arms=("path:1",), index="ab" * 32).plans
    assert paths.identity != changed(arms=("path:2",)).identity
    assert paths.identity == changed(arms=("path:1",), k=5, neighbours=1).identity
    assert changed(arms=("path",)).identity != changed(arms=("path",), k=5).identity
    assert changed(arms=("only:Age",)).identity != changed(arms=("only:Gender",)).identity
    judged = changed(arms=("oracle-judged",))
    assert judged.identity != changed(arms=("oracle-judged",), search_judge="b").identity


@pytest.mark.parametrize("abstention", ["binary", "basic"])
def test_a_way_of_abstention_is_part_of_the_identity_of_dialogues(abstention: Any) -> None:
    assert changed(agent=AgentOptions(abstention=abstention)).identity != FIXED.identity
    assert changed(agent=AgentOptions(abstention="scale")).identity == FIXED.identity
    vanilla = changed(arms=("vanilla",))
    assert replace(vanilla, agent=AgentOptions(abstention=abstention)).identity == vanilla.identity


def test_ways_of_abstention_ask_differently_and_each_dialogue_ends_by_a_yes(tmp_path: Path) -> None:
    asked = {}
    for way in ("scale", "binary", "basic"):
        path = tmp_path / f"{way}.db"
        outcome = work(path, options(synthetic=40, arms=("agent",), abstention=way, crisis="off"))
        assert (outcome.done, outcome.failed) == (40, 0)
        db = open_readonly(path)
        asked[way] = [row[0] for row in db.execute("select questions from dialogues order by unit")]
        endings = set(db.execute("select ending, completeness, threshold from dialogues").fetchall())
        ratings = {row[0] for row in db.execute("select completeness from turns")}
        db.conn.close()
        if way != "scale":
            assert endings <= {("sufficient", 5, 5), ("exhausted", None, 5)}
            assert ratings == {0}
    assert len({tuple(counts) for counts in asked.values()}) == 3
    assert sum(asked["basic"]) < sum(asked["scale"])
