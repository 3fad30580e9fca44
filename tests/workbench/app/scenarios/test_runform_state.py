"""The run form's state, without an event loop."""

from pathlib import Path

import pytest

from storage.database import open_readonly
from storage.unitcosts import unit_costs
from workbench.app.state.scenarios.estimatelines import estimate_lines
from workbench.app.state.scenarios.runform import RunFormState
from workbench.app.state.spans import text_of
from workbench.engine.estimation.measures import history
from workbench.engine.plans.presets import presets, read_plan


def form(scenarios: int = 3) -> RunFormState:
    return RunFormState([f"{number:016x}" for number in range(scenarios)], {1023: scenarios})


def arms(state: RunFormState) -> str:
    return f"{' '.join(state.arms)} | {state.values['more']}"


def test_the_form_begins_with_the_defaults_and_is_right() -> None:
    state = form()
    found = state.outlook()
    assert found.errors == {}
    assert found.plan is not None
    assert found.plan.parts[0].options.scenarios == state.scenarios
    assert found.plan.parts[0].options.arms == ("vanilla", "agent", "planner", "full")
    assert found.plan.parts[0].options.rollouts == 300
    assert found.estimate is not None
    assert (found.estimate.searches, found.estimate.trials) == (3, 12)


@pytest.mark.parametrize(
    ("field", "text", "said"),
    [
        ("rollouts", "many", "integer"),
        ("rollouts", "0", "greater than or equal to 1"),
        ("seed", "1.5", "integer"),
        ("models", "nobody", "no model 'nobody'"),
        ("judges", "a, nobody", "no judge 'nobody'"),
    ],
)
def test_what_is_wrong_stands_beside_its_field(field: str, text: str, said: str) -> None:
    state = form()
    state.values[field] = text
    found = state.outlook()
    assert list(found.errors) == [field]
    assert said in found.errors[field]
    assert found.plan is None
    assert found.estimate is None


def test_at_least_one_arm_has_to_be_chosen() -> None:
    state = form()
    state.arms = ()
    assert state.outlook().errors == {"arms": "name at least one"}


def test_a_language_model_needs_a_name_and_a_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    state = form()
    state.values["world"] = "model"
    assert list(state.outlook().errors) == ["models"]
    state.values["models"] = "some-model"
    assert list(state.outlook().errors) == ["base_url"]
    state.served = ("some-model",)
    assert state.outlook().errors == {}
    state.served = ()
    state.values["base_url"] = "http://127.0.0.1:8000/v1"
    found = state.outlook()
    assert found.estimate is not None
    assert found.estimate.calls.mid > 0


def test_a_settings_file_fills_the_form_and_brings_what_the_form_has_no_field_for(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(
        'world = "model"\nmodels = ["m"]\nrollouts = 20\narms = ["vanilla"]\nlimit = 3\nsource = "real"\nrepeats = 2\n'
        'base_url = "http://127.0.0.1:1/v1"\n[prices.m]\nprompt = 1\ncompletion = 2\n'
    )
    state = form()
    state.fill("", str(path))
    assert (state.values["models"], state.values["rollouts"], state.arms) == ("m", "20", ("vanilla",))
    found = state.outlook()
    assert found.plan is not None
    assert (
        found.plan.parts[0].options.limit,
        found.plan.parts[0].options.source,
        found.plan.parts[0].options.repeats,
    ) == (None, None, 2)
    assert found.plan.parts[0].options.scenarios == state.scenarios
    assert found.estimate is not None
    assert found.estimate.cost is not None
    state.values["models"] = "other"  # what is typed wins
    assert state.outlook().plan is not None
    state.fill("", "")
    found = state.outlook()
    assert found.plan is None or found.plan.parts[0].options.repeats == 1


def test_a_settings_file_that_can_not_be_read_is_said_at_its_field(tmp_path: Path) -> None:
    state = form()
    state.fill("", str(tmp_path / "nowhere.toml"))
    assert "nowhere.toml" in state.outlook().errors["file"]
    bad = tmp_path / "bad.toml"
    bad.write_text("rollouts = -1")
    state.fill("", str(bad))
    assert "rollouts" in state.outlook().errors["file"]


def test_a_preset_fills_what_it_says_and_leaves_what_was_typed() -> None:
    state = form()
    state.values["seed"], state.values["models"], state.values["persona"] = "7", "LLaMA-3.1-8B", "terse"
    state.fill("subsets", "")
    assert arms(state) == "vanilla full static oracle | random:1..20, path, oracle-judged"
    assert (state.values["seed"], state.values["models"], state.values["persona"]) == ("7", "LLaMA-3.1-8B", "terse")
    state.fill("models", "")
    assert state.values["models"] == "all"
    assert arms(state) == "vanilla control full agent planner | "
    state.fill("", "")
    assert (state.values["models"], state.values["seed"]) == ("", "7")
    assert arms(state) == "vanilla full agent planner | "


@pytest.mark.parametrize("preset", [preset.name for preset in presets()])
def test_a_preset_means_the_runs_that_the_command_line_would_start(preset: str, tmp_path: Path) -> None:
    state = form()
    state.fill(preset, "")
    state.values["seed"] = "5"
    found = state.outlook()
    assert found.errors == {}
    assert found.plan == read_plan(None, preset, {"seed": 5, "scenarios": state.scenarios})
    name, text = state.written()
    (tmp_path / name).write_text(text)
    assert read_plan(tmp_path / name, None, {}) == found.plan


def test_what_a_preset_sweeps_can_be_fixed() -> None:
    state = form()
    state.fill("personas", "")
    assert state.values["persona"] == ""
    assert state.various["persona"].startswith("each run's own: cooperative, terse, partial")
    assert state.about() == ["5 runs: persona cooperative, terse, partial, evasive, refusing"]
    found = state.outlook()
    assert found.plan is not None
    assert found.estimate is not None
    assert (len(found.plan.parts), found.estimate.searches, found.estimate.trials) == (5, 3, 30)  # one plans for all
    state.values["persona"] = "terse"
    found = state.outlook()
    assert found.plan is not None
    assert [part.options.persona for part in found.plan.parts] == ["terse"]


def test_the_study_leaves_each_run_its_own_arms() -> None:
    state = form()
    state.fill("study", "")
    assert (state.arms, state.values["more"], state.hint("models")) == ((), "", "each run's own: all, the default")
    found = state.outlook()
    assert found.plan is not None
    assert len(found.plan.parts) == 33
    assert state.about()[0].startswith("33 runs: models, sensitivity, subsets")
    state.arms = ("vanilla",)
    found = state.outlook()
    assert found.plan is not None
    assert {part.options.arms for part in found.plan.parts} == {("vanilla",)}


def test_what_a_preset_sets_without_a_field_is_kept_and_told() -> None:
    state = form()
    state.fill("paper", "")
    assert state.about() == ["sets besides: evaluations fresh, crisis off, roles"]
    state.values["rollouts"] = ""  # as the preset has it
    found = state.outlook()
    assert found.plan is not None
    (part,) = found.plan.parts
    assert (part.options.crisis, part.options.rollouts, set(part.options.roles)) == (
        "off",
        300,
        {"responses", "agent", "judge", "planner", "user"},
    )


@pytest.mark.parametrize(
    ("typed", "arms"),
    [
        ("path:0..2, oracle-judged", ("vanilla", "path:0", "path:1", "path:2", "oracle-judged")),
        ("only:emotional_state", ("vanilla", "only:Emotional State")),
        (" , ", ("vanilla",)),
    ],
)
def test_arms_of_families_are_typed(typed: str, arms: tuple[str, ...]) -> None:
    state = form()
    state.arms, state.values["more"] = ("vanilla",), typed
    found = state.outlook()
    assert found.plan is not None
    assert found.plan.parts[0].options.arms == arms


@pytest.mark.parametrize(
    ("typed", "said"),
    [("nix", "there is no arm 'nix'"), ("only:Shoe", "there is no attribute 'Shoe'"), ("random:0", "from 1 to 1000")],
)
def test_an_arm_that_is_not_there_is_said_beside_where_it_is_typed(typed: str, said: str) -> None:
    state = form()
    state.values["more"] = typed
    found = state.outlook()
    assert list(found.errors) == ["more"]
    assert said in found.errors["more"]


def test_runs_of_a_file_with_a_sweep_keep_its_name(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('arms = ["agent"]\nlimit = 2\n[sweep]\nthreshold = [2, 3]\n')
    state = form()
    state.fill("", str(file))
    found = state.outlook()
    assert found.plan is not None
    assert (found.plan.name, len(found.plan.parts)) == ("mine", 2)
    name, text = state.written()
    assert name.name == "mine.toml"
    (tmp_path / name).parent.mkdir()
    (tmp_path / name).write_text(text)
    assert read_plan(tmp_path / name, None, {}) == found.plan


def test_the_estimate_says_what_it_is_and_where_it_comes_from(prepared: Path) -> None:
    db = open_readonly(prepared)
    state = form(14)
    state.past = history(unit_costs(db))
    db.conn.close()
    state.values["rollouts"] = "40"
    found = state.outlook().estimate
    assert found is not None
    lines = [text_of(line) for line in estimate_lines(found, "surrogate")]
    assert lines[0].startswith("≈ estimate")
    assert "units of earlier runs" in lines[0]
    assert "14 searches, 56 trials" in lines[1]
    assert any("calls no language model" in line for line in lines)
    assert any(line.strip().startswith("time") and "[" in line for line in lines)


def test_the_estimate_of_a_priced_model_names_money_with_its_interval() -> None:
    state = form(70)
    state.values |= {"world": "model", "models": "m", "base_url": "http://127.0.0.1:1/v1"}
    found = state.outlook().estimate
    assert found is not None
    lines = [text_of(line) for line in estimate_lines(found, "model")]
    assert any("a file with [prices]" in line for line in lines)
    assert any("in completions" in line for line in lines)
