"""`show tree --inspect` and `--why`: one state of a search, from the store and from a file."""

import json
from pathlib import Path

import pytest

from planner.inspection import inspect, why_not
from planner.subsets import mask_of
from simulator.attributes import NAMES, attribute_index
from storage.database import open_readonly
from storage.readers import search_trace
from tests.workbench.cli.conftest import Cli
from tests.workbench.cli.program import complaint

BUNDLED = "801dd977df3346ea"


@pytest.fixture
def search(cli: Cli, prepared: Path) -> tuple[str, int]:
    """Return the scenario and the unit of a stored search."""
    row = json.loads(cli("show", "searches", "--db", prepared, "--format", "json").stdout)[3]
    return row["scenario_id"], row["unit"]


def test_a_state_in_full_for_machines(cli: Cli, prepared: Path, search: tuple[str, int]) -> None:
    scenario, unit = search
    trace = search_trace(open_readonly(prepared), unit)
    mask = int(trace.states[1])
    state = ",".join(NAMES[a] for a in range(10) if mask >> a & 1)
    seen = inspect(trace, mask, 30)
    wanted = NAMES[seen.actions[2].attribute]
    told = cli("show", "tree", scenario, "--db", prepared, "--inspect", state, "--why", wanted, "--at", "30",
               "--format", "json")  # fmt: skip
    data = json.loads(told.stdout)
    assert (data["world"], data["scenario"], data["t"]) == ("surrogate", scenario, 30)
    assert mask_of(attribute_index(name) or 0 for name in data["state"]) == mask
    assert [row["attribute"] for row in data["actions"]] == [NAMES[a.attribute] for a in seen.actions]
    assert [row["score"] for row in data["actions"]] == [a.score for a in seen.actions]
    assert data["ranking"] == [NAMES[a] for a in seen.ranking]
    answer = why_not(seen, seen.actions[2].attribute)
    assert (data["why_not"]["rollouts"], data["why_not"]["gap"]) == (answer.rollouts, answer.gap)
    assert seen.decision is not None
    assert data["last_choice"]["rollout"] == seen.decision.rollout
    assert data["last_choice"]["margin"] == pytest.approx(sum(data["last_choice"]["terms"].values()))
    samples = data["last_reward"]["evidence"]["samples"]
    scores = [sum(s[d] for d in ("risk_sensitivity", "emotional_empathy", "user_alignment")) / 3 for s in samples]
    assert sum(scores) / len(scores) == pytest.approx(data["last_reward"]["reward"])
    assert samples[0]["response"].startswith("[surrogate]")


def test_a_state_for_people(cli: Cli, prepared: Path, search: tuple[str, int]) -> None:
    told = cli("show", "tree", search[0], "--db", prepared, "--why", "gender").stdout
    assert "nothing known: N 40" in told
    assert "why not Gender?" in told
    assert "last choice: rollout 40 took" in told
    assert "ranking asked at rollout 1:" in told
    assert "surrogate, true" in told
    assert "Q + bonus on 0-1" in told
    assert "◀" in told
    assert "| next attribute |" in cli("show", "tree", search[0], "--db", prepared, "--inspect", "nothing",
                                       "--format", "md").stdout  # fmt: skip


def test_a_search_from_a_file_has_no_texts(cli: Cli) -> None:
    assert cli("plan", BUNDLED, "--rollouts", "20", "--save", "search.json").returncode == 0
    data = json.loads(cli("show", "tree", "--trace", "search.json", "--inspect", "nothing", "--format", "json").stdout)
    assert data["last_reward"]["evidence"] is None
    assert data["world"] == "surrogate"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--why", "foo"), "there is no attribute 'foo'"),
        (("--why", "e"), "several attributes begin with 'e'"),
        (("--inspect", "age, nonsense"), "there is no attribute 'nonsense'"),
        (("--inspect", "age", "--why", "Age"), "--why Age: it is no action of {Age}"),
        (("--at", "0", "--why", "Age"), "have no scores: no prior was asked there"),
    ],
)
def test_what_can_not_be_asked(
    cli: Cli, prepared: Path, search: tuple[str, int], arguments: tuple[str, ...], said: str
) -> None:
    line = complaint(cli("show", "tree", search[0], "--db", prepared, *arguments))
    assert said in line
