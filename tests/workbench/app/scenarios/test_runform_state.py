"""The run form's state, without an event loop."""

from pathlib import Path

import pytest

from storage.database import open_readonly
from storage.unitcosts import unit_costs
from workbench.app.state.runform import RunFormState, estimate_lines
from workbench.app.state.spans import text_of
from workbench.engine.measures import history


def form(scenarios: int = 3) -> RunFormState:
    return RunFormState([f"{number:016x}" for number in range(scenarios)], {10: scenarios})


def test_the_form_begins_with_the_defaults_and_is_right() -> None:
    state = form()
    found = state.outlook()
    assert found.errors == {}
    assert found.options is not None
    assert found.options.scenarios == state.scenarios
    assert found.options.arms == ("vanilla", "agent", "planner", "full")
    assert found.options.rollouts == 300
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
        ("file", "", ""),
    ],
)
def test_what_is_wrong_stands_beside_its_field(field: str, text: str, said: str) -> None:
    state = form()
    state.values[field] = text
    found = state.outlook()
    if not said:
        assert found.errors == {}
        return
    assert list(found.errors) == [field]
    assert said in found.errors[field]
    assert found.options is None
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
    state.read_file(str(path))
    assert (state.values["models"], state.values["rollouts"], state.arms) == ("m", "20", ("vanilla",))
    found = state.outlook()
    assert found.options is not None
    assert (found.options.limit, found.options.source, found.options.repeats) == (None, None, 2)
    assert found.options.scenarios == state.scenarios
    assert found.estimate is not None
    assert found.estimate.cost is not None
    state.values["models"] = "other"  # what is typed wins
    assert state.outlook().options is not None
    state.read_file("")
    found = state.outlook()
    assert found.options is None or found.options.repeats == 1


def test_a_settings_file_that_can_not_be_read_is_said_at_its_field(tmp_path: Path) -> None:
    state = form()
    state.read_file(str(tmp_path / "nowhere.toml"))
    assert "nowhere.toml" in state.outlook().errors["file"]
    bad = tmp_path / "bad.toml"
    bad.write_text("rollouts = -1")
    state.read_file(str(bad))
    assert "rollouts" in state.outlook().errors["file"]


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
