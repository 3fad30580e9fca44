from pathlib import Path
from typing import Any

import pytest

from workbench.engine.errors import UsageError
from workbench.engine.plans.presets import Plan, find_preset, presets, read_plan, read_recipe
from workbench.engine.plans.template import values_as_toml
from workbench.statistics.study import TABLES

NAMES = [preset.name for preset in presets()]


def plan_of(tmp_path: Path, text: str, preset: str | None = None, **flags: Any) -> Plan:
    file = tmp_path / "mine.toml"
    file.write_text(text)
    return read_plan(file, preset, flags)


@pytest.mark.parametrize("name", NAMES)
def test_every_preset_is_a_plan_with_a_line_about_it_and_tables_that_there_are(name: str) -> None:
    assert find_preset(name).about
    plan = read_plan(None, name, {})
    assert plan.name == name
    assert plan.parts
    assert {table for part in plan.parts for table in part.tables} <= set(TABLES)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("flags", [{}, {"rollouts": 20}, {"persona": "terse", "models": ["all"], "arms": ["path"]}])
def test_a_preset_with_flags_is_the_same_plan_written_down(tmp_path: Path, name: str, flags: dict[str, Any]) -> None:
    recipe = read_recipe(None, name)
    written = values_as_toml(recipe.values(flags))
    assert plan_of(tmp_path, written) == recipe.plan(flags)


@pytest.mark.parametrize(
    "text",
    [
        'arms = ["agent"]\nthreshold = 3\n[sweep]\nmax-questions = [1, 2, 3]\n',
        'arms = ["agent"]\n[sweep]\nthreshold = [2, 3]\n',
        'seed = 4\n[[parts]]\npreset = "domains"\nlimit = 9\n[[parts]]\npreset = "gains"\nthreshold = 5\n',
        'preset = "thresholds"\nthreshold = 1\n[sweep]\nmax-questions = [1, 2]\n',
        "rollouts = 7\n",
    ],
)
def test_a_file_with_flags_is_the_same_plan_written_down(tmp_path: Path, text: str) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(text)
    recipe, flags = read_recipe(file, None), {"threshold": 4, "seed": 1}
    expected = recipe.plan(flags)
    assert plan_of(tmp_path, values_as_toml(recipe.values(flags))) == expected


def test_a_recipe_can_leave_out_which_scenarios_its_file_names(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('limit = 3\nrollouts = 9\n[[parts]]\npreset = "domains"\nlimit = 2\n')
    (part,) = read_recipe(file, None).without(("limit",)).plan({}).parts
    assert (part.options.limit, part.options.rollouts) == (None, 9)


def test_the_study_makes_every_table() -> None:
    assert {table for part in read_plan(None, "study", {}).parts for table in part.tables} == set(TABLES)


def test_a_plain_experiment_is_one_run_without_a_name(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, "rollouts = 7\n", seed=3)
    assert plan.name == ""
    (part,) = plan.parts
    assert (part.options.rollouts, part.options.seed, dict(part.setting)) == (7, 3, {})


def test_what_is_said_later_wins(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, 'preset = "paper"\nrollouts = 7\ncrisis = "on"\n', crisis="off", c=None)
    (part,) = plan.parts
    assert (plan.name, part.options.rollouts, part.options.crisis) == ("paper", 7, "off")
    assert part.options.evaluations == "fresh"


def test_the_paper_is_sampled_as_it_says() -> None:
    for name in ("paper", "paper-leaky"):
        (part,) = read_plan(None, name, {}).parts
        roles = part.options.roles
        assert set(roles) == {"responses", "agent", "judge", "planner", "user"}
        assert {(r.temperature, r.top_p, r.max_tokens) for r in roles.values()} == {(0.7, 0.95, 4096)}
        assert (part.options.rollouts, part.options.depth, part.options.c, part.options.crisis) == (300, 5, 0.5, "off")
        assert (part.options.leaky_index, part.options.index_size) == (
            (name == "paper-leaky"),
            103 if "-" in name else None,
        )


def test_a_sweep_is_a_run_for_every_combination(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, 'arms = ["agent"]\n[sweep]\nthreshold = [3, 4]\nmax-questions = [1, 2, 3]\n')
    assert plan.name == "mine"
    settings = [tuple(part.setting.values()) for part in plan.parts]
    assert settings == [(3, 1), (3, 2), (3, 3), (4, 1), (4, 2), (4, 3)]
    assert [(p.options.threshold, p.options.max_questions) for p in plan.parts] == settings
    assert plan.parts[0].tables == ("sweep",)
    assert plan.parts[0].label == "mine (threshold 3, max_questions 1)"


def test_a_flag_fixes_what_is_swept_and_so_does_a_file(tmp_path: Path) -> None:
    assert [p.options.k for p in read_plan(None, "subset-sizes", {"k": 4}).parts] == [4]
    assert [p.options.k for p in plan_of(tmp_path, 'preset = "subset-sizes"\nk = 2\n').parts] == [2]
    assert [p.options.k for p in plan_of(tmp_path, 'preset = "subsets"\n[sweep]\nk = [1, 2]\n').parts] == [1, 2]


def test_parts_take_limits_and_earlier_paths(tmp_path: Path) -> None:
    text = """
    seed = 5
    [[parts]]
    preset = "domains"
    [[parts]]
    preset = "gains"
    index = "@domains"
    at_most = 20
    """
    first, second = plan_of(tmp_path, text).parts
    assert (first.options.limit, second.options.limit, first.options.seed, second.options.seed) == (None, 20, 5, 5)
    assert (first.reuses, second.reuses) == (None, "domains")
    assert plan_of(tmp_path, text, limit=7).parts[1].options.limit == 7
    assert plan_of(tmp_path, text, limit=70).parts[1].options.limit == 20
    assert plan_of(tmp_path, text, index="abc").parts[1].reuses is None


def test_the_first_run_of_a_sweep_may_plan_for_all() -> None:
    parts = read_plan(None, "personas", {}).parts
    assert [part.reuses for part in parts] == [None, *["personas"] * 4]
    assert [part.reuses for part in read_plan(None, "personas", {"persona": "terse"}).parts] == [None]
    assert {part.options.index for part in read_plan(None, "personas", {"index": "abc"}).parts} == {"abc"}
    assert {part.options.index for part in read_plan(None, "personas", {"arms": ("agent",)}).parts} == {None}
    study = [part for part in read_plan(None, "study", {}).parts if part.name == "personas"]
    assert {part.reuses for part in study} == {"models"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('preset = "nonsense"', "there is no preset 'nonsense'"),
        ("[sweep]\nk = 3", "list of values"),
        ("[sweep]\nk = []", "list of values"),
        ("[sweep]\nk = [3, 99]", "k: input should be less"),
        ("[sweep]\nnonsense = [1]", "nonsense: there is no such option"),
        ("[[parts]]\nk = 3", "each names a preset"),
        ('[[parts]]\npreset = "study"', "itself made of parts"),
        ('[[parts]]\npreset = "gains"\nindex = "@domains"', "no earlier part"),
        ('[[parts]]\npreset = "gains"\nat_most = 0', "at_most"),
        ("[sweep]\nseed = [" + ", ".join(map(str, range(501))) + "]", "at most 500"),
    ],
)
def test_what_makes_no_plan_is_refused_in_a_line(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words) as error:
        plan_of(tmp_path, text)
    assert "\n" not in str(error.value)


def test_flags_are_named_as_flags_in_what_goes_wrong() -> None:
    with pytest.raises(UsageError, match="--k: "):
        read_plan(None, "subsets", {"k": 99})
