"""Searches on the command line: planned, kept, passed on."""

import json
from pathlib import Path

import pytest

from simulator.attributes import NAMES
from simulator.scenario import Profile, Scenario
from storage.database import open_writable
from storage.scenarios import add_scenarios
from tests.workbench.cli.conftest import Cli
from tests.workbench.cli.program import complaint

SCENARIO = "801dd977df3346ea"
RUN = ("run", "--synthetic", "7", "--seed", "3", "--arms", "vanilla,planner", "--rollouts", "20")

REWARDS = [1, 2, 3, 3, 5, 4, 3, 2]
TABLE = {"attributes": ["x", "y", "z"], "reward": REWARDS, "prior": [2, 1, 1]}
PLAN = ("plan", "--world", "table:t.json", "--rule", "raise", "--rollouts", "30", "--depth", "2", "--c", "0.5")


def test_a_plan_of_a_table_has_exactly_the_promised_form(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "t.json").write_text(json.dumps(TABLE))
    ended = cli(*PLAN, "--seed", "0", "--format", "json")
    assert (ended.returncode, ended.stderr) == (0, "")
    found = json.loads(ended.stdout)
    assert list(found) == ["best", "subsets", "rollouts", "evaluations"]
    assert list(found["best"]) == ["mask", "attributes", "q", "visits"]
    assert (found["best"]["mask"], found["best"]["q"]) == (0b101, 4.0)
    assert set(found["best"]["attributes"]) == {"x", "z"}
    assert found["evaluations"] == 3  # cache:1, as there is no noise
    assert len(found["rollouts"]) == 30
    for rollout in found["rollouts"]:
        assert list(rollout) == ["path", "reward", "cached"]
        assert len(set(rollout["path"])) == 2
        assert rollout["reward"] == REWARDS[sum(1 << i for i in rollout["path"])]
    for subset in found["subsets"]:
        assert list(subset) == ["mask", "visits", "q", "prior"]
        mask, prior = subset["mask"], subset["prior"]
        if mask.bit_count() == 2:
            assert prior is None
        else:
            assert [p is None for p in prior] == [bool(mask >> i & 1) for i in range(3)]
            assert sum(p for p in prior if p is not None) == pytest.approx(1)
    for size in range(3):
        assert sum(s["visits"] for s in found["subsets"] if s["mask"].bit_count() == size) == 30
    assert {s["mask"]: s["prior"] for s in found["subsets"]}[0] == pytest.approx([0.5, 0.25, 0.25])
    assert cli(*PLAN, "--seed", "0", "--format", "json").stdout == ended.stdout


def test_a_noisy_table_depends_on_the_seed_alone(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "t.json").write_text(json.dumps({**TABLE, "noise_sd": 0.4}))
    found = [cli(*PLAN, "--seed", seed, "--format", "json").stdout for seed in (1, 1, 2)]
    assert found[0] == found[1] != found[2]
    visited = {tuple(sorted(rollout["path"])) for rollout in json.loads(found[0])["rollouts"]}
    assert len(visited) < json.loads(found[0])["evaluations"] <= 3 * len(visited)  # cache:3


@pytest.mark.parametrize("planner", ["search", "static", "random", "greedy", "exhaustive"])
@pytest.mark.parametrize("rule", ["raise", "raise-literal"])
def test_every_planner_plans_a_scenario_and_rewards_are_on_1_to_5(cli: Cli, planner: str, rule: str) -> None:
    command = ("plan", SCENARIO[:8], "--planner", planner, "--rule", rule, "--rollouts", "25", "--depth", "2")
    found = json.loads(cli(*command, "--format", "json").stdout)
    assert 1 <= found["best"]["q"] <= 5
    assert all(1 <= rollout["reward"] <= 5 for rollout in found["rollouts"])
    assert all(1 <= subset["q"] <= 5 for subset in found["subsets"])
    assert set(found["best"]["attributes"]) <= set(NAMES)
    table = cli(*command).stdout
    assert "world: surrogate" in table
    assert "Q " in table


def test_a_plan_is_kept_and_shown_again(cli: Cli) -> None:
    first = cli("plan", SCENARIO[:8], "--rollouts", "25")
    again = cli("plan", SCENARIO, "--rollouts", "25")
    assert (first.returncode, first.stderr) == (0, "")
    assert (again.returncode, again.stdout) == (0, first.stdout)
    assert "finished before" in again.stderr
    assert cli("plan", SCENARIO, "--rollouts", "25", "--new").stdout == first.stdout
    assert cli("plan", SCENARIO, "--rollouts", "26").stdout != first.stdout
    runs = json.loads(cli("show", "runs", "--format", "json").stdout)
    assert [(row["state"], row["kind"], row["units"]) for row in runs] == [("done", "plan", 1)] * 3
    run = runs[-1]["run"]
    (row,) = json.loads(cli("show", "searches", "--run", run, "--format", "json").stdout)
    assert (row["scenario_id"], row["rollouts"]) == (SCENARIO, 25)
    tree = cli("show", "tree", SCENARIO, "--run", run)
    assert tree.stdout.splitlines()[1:] == first.stdout.splitlines()[1:]
    assert "no run yet" in complaint(cli("show", "scores"))  # a plan is never the latest run
    assert cli("run", "--limit", "2", "--arms", "planner", "--index", run).returncode == 0
    assert "is not running: it is done" in complaint(cli("control", run, "pause"))


def test_several_scenarios_are_planned_at_once(cli: Cli) -> None:
    ids = [row["id"] for row in json.loads(cli("scenarios", "list", "--limit", "3", "--format", "json").stdout)]
    table = cli("plan", *ids, "--rollouts", "20")
    assert [line.split()[2] for line in table.stdout.splitlines() if line.startswith("Search of")] == ids
    found = json.loads(cli("plan", *ids, "--rollouts", "20", "--format", "json").stdout)
    assert [row["scenario"] for row in found] == ids
    alone = json.loads(cli("plan", ids[1], "--rollouts", "20", "--format", "json").stdout)
    assert {"scenario": ids[1], "model": found[1]["model"], **alone} == found[1]


def test_a_plan_takes_the_rest_from_an_experiment(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_text('rollouts = 20\narms = ["vanilla", "agent"]\njudges = ["b", "a"]\nseed = 4\n')
    from_file = cli("plan", SCENARIO, "--experiment", "x.toml", "--format", "json")
    by_flags = cli("plan", SCENARIO, "--rollouts", "20", "--judge", "b", "--seed", "4", "--format", "json")
    assert from_file.stdout == by_flags.stdout
    assert "finished before" in by_flags.stderr  # one and the same search
    fewer = cli("plan", SCENARIO, "--experiment", "x.toml", "--rollouts", "9", "--format", "json")
    assert len(json.loads(fewer.stdout)["rollouts"]) == 9  # a flag wins


def test_of_several_searches_what_failed_is_said(cli: Cli, tmp_path: Path) -> None:
    unknown = Scenario("Is it late?", Profile((None,) * len(NAMES)))
    db = open_writable(tmp_path / "workbench.db")
    add_scenarios(db, [unknown])
    db.conn.close()
    line = complaint(cli("plan", unknown.id), 1)
    assert f"search of {unknown.id}: no attribute" in line
    both = cli("plan", SCENARIO, unknown.id, "--rollouts", "20")
    assert both.returncode == 3
    assert both.stdout.count("Search of") == 1
    assert f"search of {unknown.id}: no attribute" in both.stderr
    assert "--retry-failed" in both.stderr


def test_a_search_can_be_passed_on(cli: Cli, tmp_path: Path) -> None:
    planned = cli("plan", SCENARIO, "--rollouts", "60", "--save", "search.json", "--format", "json")
    assert "search.json" in planned.stderr
    shown = cli("show", "tree", "--trace", "search.json", "--format", "json")
    assert shown.stdout == planned.stdout
    assert "Hangs everything" not in (tmp_path / "search.json").read_text()  # nothing of the profile is passed on
    tree = cli("show", "tree", "--trace", "search.json")
    assert "surrogate" in tree.stdout
    assert "60" in tree.stdout
    assert tree.stdout != cli("show", "tree", "--trace", "search.json", "--at", "10").stdout
    assert cli("show", "tree", "--trace", "search.json", "--at", "0").returncode == 0
