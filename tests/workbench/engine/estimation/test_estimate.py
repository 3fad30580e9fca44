"""Estimates: what was measured counts first, what was not is assumed and said to be, and every figure has bounds."""

import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.database import open_readonly, open_writable, transaction
from storage.unitcosts import UnitCost, unit_costs
from tests.workbench.engine.running import options
from workbench.engine.errors import UsageError
from workbench.engine.estimation.estimate import Estimate, count_units, estimate, in_turn
from workbench.engine.estimation.measures import History, Range, Sample, history
from workbench.engine.options import ARMS, read_options
from workbench.engine.plans.template import experiment_as_toml
from workbench.engine.prepare import prepare
from workbench.engine.worlds import names

MODEL = "surrogate/LLaMA-3.1-8B"


def guess(scenarios: int = 10, past: History | None = None, known: int = 10, **values: Any) -> Estimate:
    chosen = options(**values)
    models, judges = names(chosen)
    units = count_units(chosen, {(1 << known) - 1: scenarios}, models)
    return estimate(chosen, units, {known: scenarios}, past or History(), judges=judges)


def measured(path: Path) -> History:
    db = open_readonly(path)
    try:
        return history(unit_costs(db))
    finally:
        db.conn.close()


def cost(seconds: float, *, at: float = 0.0, **values: Any) -> UnitCost:
    fields: dict[str, Any] = {"run": "r", "world": "model", "kind": "trial", "arm": "full", "model": "m"}
    fields |= {"rollouts": 300, "judgements": 1, "roles": {}} | values
    return UnitCost(seconds=seconds, finished=at, **fields)


def test_the_interval_of_a_total_covers_what_comes_as_often_as_it_says() -> None:
    rng = np.random.default_rng(5)
    hits = 0
    for _ in range(600):
        seen = rng.gamma(2.0, 3.0, 60)
        total = Sample(60, float(seen.mean()), float(seen.std(ddof=1))).total(200)
        hits += total.low <= rng.gamma(2.0, 3.0, 200).sum() <= total.high
    assert 0.92 <= hits / 600 <= 0.98


def test_a_single_measurement_or_none_lies_between_half_and_double() -> None:
    assert Sample(1, 3.0).total(10) == Sample(0, 3.0).total(10) == Range(15, 30, 60)


@given(st.integers(0, 50), st.floats(0, 100), st.floats(0, 50), st.integers(0, 10_000))
def test_a_range_is_always_in_order(n: int, mean: float, sd: float, units: int) -> None:
    total = Sample(n, mean, sd).total(units)
    assert 0 <= total.low <= total.mid <= total.high


def test_the_units_are_exact(prepared: Path) -> None:
    found = guess(14, arms=ARMS, models=("all",))
    assert (found.searches, found.trials, found.units) == (14 * 6, 14 * 8 * 6, 14 * 6 * 9)
    assert guess(14, arms=("vanilla", "agent")).searches == 0
    assert guess(14, index="some-run").searches == 0
    assert guess(14, index_size=5).searches == 5
    assert guess(0).units == 0


@pytest.mark.parametrize(
    "values",
    [
        {"arms": ("vanilla", "only:*", "random:1..3", "path:0..2", "planner")},
        {"arms": ("path",), "index_size": 4},
        {"arms": ("agent", "oracle-judged"), "models": ("all",)},
        {"arms": ("only:Age", "full"), "limit": 6},
    ],
)
def test_units_are_counted_as_the_experiment_lists_them(tmp_path: Path, values: dict[str, Any]) -> None:
    chosen = options(**values)
    experiment = prepare(tmp_path / "w.db", options(synthetic=20, build_seed=3, **values)).experiment
    masks = Counter(scenario.profile.known for scenario in experiment.scenarios)
    listed = Counter((unit.kind, unit.arm, unit.model) for unit in experiment.units())
    assert count_units(chosen, masks, experiment.models) == listed


def test_arms_of_a_family_are_estimated_by_what_their_like_took(prepared: Path) -> None:
    found = guess(14, measured(prepared), arms=("only:Age", "random:1..3", "path"), rollouts=40)
    assert (found.searches, found.trials) == (14, 14 * 5)
    assert found.assumed == ()


def test_runs_in_turn_take_what_they_take_together(prepared: Path) -> None:
    past = measured(prepared)
    first, second = guess(14, past, arms=("vanilla",)), guess(14, past, arms=("vanilla", "agent"))
    both = in_turn([first, second])
    assert both.units == 14 * 3
    assert both.seconds == first.seconds + second.seconds
    assert both.measured == second.measured  # the same units of an earlier run count once
    assert both.cost is None
    assert in_turn([]) == Estimate()


def test_what_runs_here_before_is_measured(prepared: Path) -> None:
    found = guess(14, measured(prepared), arms=ARMS, judges=("a", "b"), rollouts=40)
    assert found.assumed == ()
    assert found.measured >= 14 * 9 - 14  # those without a dialogue may stand in for each other
    assert found.basis.endswith("units of earlier runs in this database")
    assert 0 < found.seconds.low <= found.seconds.mid <= found.seconds.high
    assert found.calls == Range(0, 0, 0)
    assert found.cost is None


def test_calls_are_found_by_their_unit(prepared: Path) -> None:
    statements: list[str] = []
    db = open_readonly(prepared)
    db.conn.set_trace_callback(statements.append)
    assert list(unit_costs(db))
    db.conn.set_trace_callback(None)
    (reads, *_) = [statement for statement in statements if "from calls" in statement]
    plan = db.conn.execute(f"explain query plan {reads}").fetchone()
    assert "idx_calls_unit" in plan[3]  # by the index on runs it would read a million calls of a run for 200 units
    db.conn.close()


def test_other_settings_of_a_search_are_not_taken_for_the_same(prepared: Path) -> None:
    found = guess(14, measured(prepared), arms=("full", "planner"), rollouts=41)
    assert found.assumed == ("searches",)
    assert "documented counts for searches" in found.basis
    assert guess(14, measured(prepared), arms=("full",), world="model", models=("m",)).measured == 0


def test_nothing_measured_means_the_documented_counts() -> None:
    common: dict[str, Any] = {"world": "model", "models": ("m",), "crisis": "off"}
    assert guess(1, arms=("vanilla",), **common).calls.mid == 2
    assert guess(1, arms=("agent",), **common).calls.mid == pytest.approx(21.3, rel=0.05)
    assert guess(1, arms=("planner",), index="x", **common).calls.mid == pytest.approx(19.3, rel=0.05)
    search = (
        guess(1, arms=("planner",), **common).calls.mid - guess(1, arms=("planner",), index="x", **common).calls.mid
    )
    assert search == pytest.approx(620, rel=0.02)
    assert guess(1, **common).basis.startswith("documented counts")


@pytest.mark.parametrize(
    ("planner", "evaluations", "calls"),
    [
        ("exhaustive", "cache:3", 2 * 3 * 252),
        ("greedy", "cache:1", 2 * (10 + 9 + 8 + 7 + 6)),
        ("static", "cache:2", 2 * 2),
        ("random", "cache:2", 2 * 2),
    ],
)
def test_what_the_other_planners_evaluate_follows_from_the_subsets(planner: str, evaluations: str, calls: int) -> None:
    common: dict[str, Any] = {
        "world": "model",
        "models": ("m",),
        "arms": ("planner",),
        "planner": planner,
        "evaluations": evaluations,
    }
    assert guess(1, **common).calls.mid - guess(1, index="x", **common).calls.mid == calls


def test_a_search_never_takes_more_than_there_is_to_evaluate() -> None:
    common: dict[str, Any] = {"world": "model", "models": ("m",), "arms": ("planner",), "rollouts": 100_000}
    few = guess(1, known=3, **common).calls.mid - guess(1, known=3, index="x", **common).calls.mid
    assert few == 2 * 3 + 7  # three samples of the one subset; rankings at the 7 states above it


def test_judges_repeats_crisis_and_questions_count() -> None:
    common: dict[str, Any] = {"world": "model", "models": ("m",), "arms": ("vanilla",)}
    assert guess(1, judges=("x", "y"), repeats=3, **common).calls.mid == 1 + 6
    agent = common | {"arms": ("agent",)}
    assert guess(1, max_questions=0, **agent).calls.mid == 3  # crisis, response, judgement
    oracle = common | {"arms": ("oracle",), "k": 3}
    assert guess(1, **oracle).calls.mid == 2 + 2 * 120


def test_money_is_counted_where_there_are_prices() -> None:
    common: dict[str, Any] = {"world": "model", "models": ("m",), "judges": ("j",), "arms": ("vanilla",)}
    both = guess(10, prices={"m": {"prompt": 1, "completion": 2}, "j": {"prompt": 1, "completion": 2}}, **common)
    assert both.cost is not None
    assert both.unpriced == ()
    expected = (both.prompt_tokens.mid * 1 + both.completion_tokens.mid * 2) / 1e6
    assert both.cost.mid == pytest.approx(expected)
    one = guess(10, prices={"m": {"prompt": 1, "completion": 2}}, **common)
    assert one.cost is not None
    assert one.cost.mid < both.cost.mid
    assert one.unpriced == ("j",)
    assert guess(10, prices={"other": {"prompt": 1, "completion": 2}}, **common).cost is None


def test_calls_and_tokens_of_earlier_runs_are_measured(prepared: Path, tmp_path: Path) -> None:
    path = tmp_path / "calls.db"
    shutil.copy(prepared, path)
    db = open_writable(path)
    with transaction(db):
        db.execute("update runs set world = 'model'")
        for (unit,) in db.execute("select id from units where arm = 'vanilla'").fetchall():
            for role, prompt, cached, completion in (("agent", 500, 100, 300), ("judge", 700, 0, 200)):
                db.execute(
                    "insert into calls (run, unit, role, model, hit, prompt_tokens, cached_tokens, completion_tokens) "
                    "values ((select id from runs), ?, ?, 'm', 0, ?, ?, ?)",
                    [unit, role, prompt, cached, completion],
                )
    db.conn.close()
    past = measured(path)
    price = {"m": {"prompt": 2.0, "completion": 4.0, "cached": 1.0}}
    common: dict[str, Any] = {"world": "model", "models": ("m",), "arms": ("vanilla",), "prices": price}
    found = guess(100, past, judges=("m", "n"), **common)  # two judges, as in that run
    assert found.calls == Range(200, 200, 200)  # every unit took the same
    assert (found.prompt_tokens.mid, found.completion_tokens.mid) == (120_000, 50_000)
    assert found.measured == 14
    assert guess(100, past, judges=("m",), **common).calls.mid == 150  # half of the judgements
    answers = (400 * 2 + 100 * 1 + 300 * 4) / 1e6
    verdicts = (700 * 2 + 200 * 4) / 1e6
    assert found.cost is not None
    assert found.cost.mid == pytest.approx(100 * (answers + verdicts / 2))


def test_the_newest_run_of_the_same_model_counts() -> None:
    costs = [cost(9.0, run="new", model="other"), cost(2.0, run="mid"), cost(5.0, run="old")]
    past = history(costs)
    chosen = options(world="model", models=("m",), arms=("full",), concurrency=1)
    assert estimate(chosen, {("trial", "full", "m"): 1}, {10: 1}, past, judges=["m"]).seconds.mid == 2.0
    assert estimate(chosen, {("trial", "full", "other"): 1}, {10: 1}, past, judges=["m"]).seconds.mid == 9.0
    assert estimate(chosen, {("trial", "full", "third"): 1}, {10: 1}, past, judges=["m"]).seconds.mid == 9.0


def test_units_that_ran_together_take_less_time() -> None:
    together = history(cost(4.0, at=1000.0 + number) for number in range(9))  # one a second, four seconds each
    assert together.parallel == {("model", "trial"): (4.0,)}
    chosen = options(world="model", models=("m",), arms=("full",))
    units = {("trial", "full", "m"): 100}
    assert estimate(chosen, units, {10: 100}, together, judges=["m"]).seconds.mid == pytest.approx(100)


def test_names_are_those_of_the_world() -> None:
    assert names(options()) == ((MODEL,), ("a",))
    assert names(options(world="model", models=("x", "y"))) == (("x", "y"), ("x",))
    assert len(names(options(models=("all",), judges=("all",)))[0]) == 6
    with pytest.raises(UsageError, match="no judge"):
        names(options(judges=("nobody",)))


def test_an_experiment_written_down_is_read_as_the_same(tmp_path: Path) -> None:
    chosen = options(
        scenarios=("0a", "0b"),
        world="model",
        models=('a "quoted" \\ name\x7f', "späť"),
        rollouts=20,
        leaky_index=True,
        c=0.25,
        endpoints={"local": {"base_url": "http://127.0.0.1:8000/v1", "models": {"a b": "c"}}},
        roles={"judge": {"temperature": 0.5}},
        prices={"m": {"prompt": 1.5, "completion": 3}},
    )
    path = tmp_path / "experiment.toml"
    path.write_text(experiment_as_toml(chosen), "utf-8")
    assert read_options(path, {}) == chosen
