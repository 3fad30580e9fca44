"""Planners side by side: what they are compared on, and that each is read as it would have ended."""

import json
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import pytest

from planner.recommend import best
from planner.settings import PLANNERS, PlannerSettings
from simulator.attributes import N_ATTRIBUTES
from simulator.build import build
from simulator.scenario import Profile, Scenario
from simulator.surrogate.world import SurrogateWorld
from storage.database import open_writable
from storage.scenarios import add_scenarios
from workbench.cli.progress import QuietDisplay
from workbench.engine.bench import bench, contenders, read_budgets
from workbench.engine.errors import UsageError
from workbench.engine.ground import Ground, Prior, scenario_ground, table_ground
from workbench.engine.options import RunOptions, read_options
from workbench.engine.search import SearchUnit, run_search

EVERY = contenders(PLANNERS, ["raise", "raise-literal"])
SHALLOW = PlannerSettings(depth=3)


def options(**flags: Any) -> RunOptions:
    return read_options(None, flags)


def ground(n: int = 3, seeds: int = 1, *, noiseless: bool = False, prior: Prior = "belief") -> Ground:
    return scenario_ground(None, options(synthetic=n), range(seeds), noiseless=noiseless, prior=prior)


def rows(
    on: Ground,
    budgets: list[int],
    settings: PlannerSettings = SHALLOW,
    planners: list[str] | None = None,
    first: int | None = None,
) -> list[dict[str, Any]]:
    """Compare planners; return flat rows without the one figure that is a time."""
    running = EVERY if planners is None else contenders(planners, ["raise"])
    table = anyio.run(partial(bench, on, running, budgets, settings, QuietDisplay(), first))
    found: list[dict[str, Any]] = [dict(record) for record in table.records()]
    assert all(row.pop("per_second") > 0 for row in found)
    return found


def test_every_planner_is_compared_the_search_under_every_rule() -> None:
    found = rows(ground(2), [5, 20])
    assert [(row["planner"], row["rule"], row["budget"]) for row in found] == [
        *(("search", rule, budget) for rule in ("raise", "raise-literal") for budget in (5, 20)),
        *((planner, None, None) for planner in ("static", "random", "greedy")),
        *(("exhaustive", None, budget) for budget in (5, 20, None)),
    ]
    assert {(row["source"], row["judge"], row["samples"], row["depth"]) for row in found} == {
        ("surrogate", "a", "cache:3", 3)
    }
    assert found[-1]["evaluations"] == 360
    assert all(row["regret"] >= 0 for row in found)


def test_a_search_read_early_is_the_shorter_search() -> None:
    early, _ = rows(ground(), [8, 40], planners=["search"])
    (alone,) = rows(ground(), [8], planners=["search"])
    assert early == alone


def test_the_same_again_is_the_same_and_another_seed_is_not() -> None:
    assert rows(ground(), [10]) == rows(ground(), [10])
    other = scenario_ground(None, options(synthetic=3), [1], noiseless=False)
    assert rows(other, [10]) != rows(ground(), [10])


def test_a_task_is_planned_as_a_run_would_plan_it() -> None:
    (scenario,) = build(1, 0)
    world = SurrogateWorld()
    settings = replace(SHALLOW, rollouts=25)
    unit = SearchUnit(scenario, world.models[0], settings, "cache:3", "a", seed=0, world_seed=0)
    record = anyio.run(run_search, world, unit)
    true = world.open(scenario, world.models[0], 0).true_scores()
    sized = [mask for mask in range(len(true)) if mask.bit_count() == 3 and not mask & ~scenario.profile.known]
    (row,) = rows(ground(1), [25], planners=["search"])
    assert row["regret"] == pytest.approx(max(true[sized]) - true[best(record.trace).mask])
    assert row["evaluations"] == record.trace.evaluations


def test_who_sees_the_truth_of_everything_has_no_regret() -> None:
    whole = rows(ground(4, noiseless=True), [400], planners=["search", "exhaustive"])
    assert [row["budget"] for row in whole] == [400, None]  # the exhaustive one has ended by then
    for row in whole:
        assert (row["regret"], row["median"], row["found"]) == (0, 0, 1)
        assert (row["samples"], row["judge"]) == ("cache:1", "the truth")
    assert whole[0]["subsets"] < whole[1]["subsets"] == 120


def test_the_prior_decides_where_a_search_begins() -> None:
    regret = {
        prior: rows(ground(30, noiseless=True, prior=prior), [1], planners=["search"])[0]["regret"]
        for prior in ("true", "belief", "chance", "reversed")
    }
    assert regret["true"] < regret["belief"] < regret["chance"] < regret["reversed"]


def test_the_beginning_of_a_path_is_held_against_the_best_of_its_size() -> None:
    on = partial(ground, 10, noiseless=True)
    whole, beginning = (rows(on(), [400], planners=["search"], first=first)[0] for first in (None, 1))
    assert whole["regret"] == 0 < beginning["regret"]
    assert (whole["first"], beginning["first"]) == (None, 1)
    (greedy,) = rows(on(), [1], planners=["greedy"], first=1)
    assert greedy["regret"] == 0  # it takes what is best alone
    assert rows(on(), [400], planners=["search"], first=9)[0]["regret"] == 0  # longer than any path: all of it


def test_the_exhaustive_planner_before_its_end_is_the_best_of_subsets_by_chance() -> None:
    found = rows(ground(40, noiseless=True), [1, 10, 60], planners=["exhaustive", "random"])
    regret = [row["regret"] for row in found]
    assert regret[0] > regret[1] > regret[2] > regret[3] == 0
    assert regret[0] == pytest.approx(regret[4], abs=0.1)  # one subset by chance, and another
    assert [row["subsets"] for row in found] == [1, 10, 60, 120, 1]
    assert [row["rankings"] for row in found] == [0] * 5
    three = rows(ground(1), [7], planners=["exhaustive"])[0]
    assert (three["subsets"], three["evaluations"]) == (3, 7)  # a subset's three samples stay together


def test_seeds_repeat_scenarios_which_stay_clusters() -> None:
    (row,) = rows(ground(3, seeds=4), [5], planners=["static"])
    assert (row["searches"], row["regret_n"], row["regret_profiles"]) == (12, 12, 3)


def test_scenarios_come_from_the_database_and_those_without_a_profile_are_left_out(tmp_path: Path) -> None:
    db = open_writable(tmp_path / "w.db")
    try:
        unknown = Scenario("What now?", Profile((None,) * N_ATTRIBUTES), "Life", "", "mine")
        add_scenarios(db, [*build(2, 5), unknown])
        on = scenario_ground(db, options(), [0], noiseless=False)
        with pytest.raises(UsageError, match="no scenario fits"):
            scenario_ground(db, options(source="mine"), [0], noiseless=False)
    finally:
        db.conn.close()
    assert (on.size, on.left_out) == (2, 1)
    assert len(list(on.tasks)) == 2


def test_a_reward_table_is_a_task_per_seed(tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    path.write_text(json.dumps({"attributes": ["x", "y", "z"], "reward": [1, 2, 3, 3, 5, 4, 3, 2], "noise_sd": 0.5}))
    wanted = options(world=f"table:{path}")
    on = table_ground(wanted, range(6), noiseless=False)
    assert (on.world, on.evaluations, on.clusters, on.size) == ("table:t.json", "cache:3", "seed", 6)
    settings = PlannerSettings(depth=2)
    found = rows(on, [4, 9], settings)
    assert {row["searches"] for row in found} == {6}
    assert [row["evaluations"] for row in found if row["planner"] == "exhaustive"] == [4, 9]
    calm = rows(table_ground(wanted, [0], noiseless=True), [30], settings, ["search", "exhaustive"])
    assert [(row["regret"], row["found"], row["regret_low"]) for row in calm] == [(0, 1, None)] * 2
    with pytest.raises(UsageError, match="a prior of its own"):
        table_ground(wanted, [0], noiseless=False, prior="true")
    with pytest.raises(UsageError, match="its own scenario"):
        table_ground(options(world=f"table:{path}", synthetic=3), [0], noiseless=False)


@pytest.mark.parametrize("texts", [[], ["0"], ["10", "x"], ["-3"], ["1.5"], ["²"], ["1048577"], ["9" * 5000]])
def test_budgets_are_whole_numbers_that_a_search_may_have(texts: list[str]) -> None:
    with pytest.raises(UsageError, match="give whole numbers from 1 to 1,048,576"):
        read_budgets(texts)


def test_budgets_and_contenders_are_read() -> None:
    assert read_budgets(["300", "10", "300"]) == [10, 300]
    assert contenders(["static", "search", "static"], ["raise"]) == [("static", None), ("search", "raise")]
    for chosen, rules in ((["x"], ["raise"]), (["search"], ["x"]), ([], ["raise"]), (["search"], [])):
        with pytest.raises(UsageError, match=r"there is no|name at least one"):
            contenders(chosen, rules)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({"world": "model"}, "the best subset is known in the surrogate"),
        ({"judges": ("a", "b")}, "one judge"),
        ({"judges": ("x",)}, "no judge 'x'"),
        ({"models": ("x",)}, "no model 'x'"),
    ],
)
def test_what_the_truth_is_not_known_of_is_refused(flags: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        scenario_ground(None, options(synthetic=1, **flags), [0], noiseless=False)
