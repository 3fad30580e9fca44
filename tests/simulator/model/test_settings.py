"""Wrong settings are refused in a line before anything is asked."""

from dataclasses import asdict
from typing import Any

import pytest

from simulator.client.types import Sampling
from simulator.model.settings import ModelSettings, RoleSettings


def settings(**changed: Any) -> ModelSettings:
    return ModelSettings(**{"models": ("m",), "judges": ("j",), **changed})


def test_responses_are_sampled_and_decisions_are_not() -> None:
    default = settings()
    assert (default.responses.temperature, default.responses.top_p) == (0.7, 0.95)
    assert {role: given.sampling.temperature for role, given in default.roles.items()} == {
        "agent": 0,
        "judge": 0,
        "planner": 0,
        "user": 0.7,
    }


def test_a_role_that_is_not_named_keeps_its_default() -> None:
    changed = settings(roles={"planner": RoleSettings("small")})
    assert changed.roles["planner"].model == "small"
    assert changed.roles["user"] == settings().roles["user"]


def test_they_can_be_written_and_read_back() -> None:
    given = settings(roles={"user": RoleSettings("u", Sampling(1.0))}, structured="fallback", reasoning_tokens=5)
    data = asdict(given)
    assert (
        ModelSettings(
            **{
                **data,
                "responses": Sampling(**data["responses"]),
                "roles": {k: RoleSettings(v["model"], Sampling(**v["sampling"])) for k, v in data["roles"].items()},
            }
        )
        == given
    )


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"models": ()}, "at least one model"),
        ({"judges": (" ",)}, "at least one judge"),
        ({"models": ("m", "m")}, "named twice"),
        ({"structured": "guided_json"}, "fallback"),
        ({"reasoning_tokens": -1}, "reasoning"),
        ({"roles": {"cook": RoleSettings()}}, "cook"),
        ({"roles": {"judge": RoleSettings("j")}}, "judge"),
        ({"responses": Sampling(temperature=float("nan"))}, "temperature"),
        ({"responses": Sampling(top_p=0)}, "top-p"),
        ({"roles": {"user": RoleSettings(sampling=Sampling(max_tokens=0))}}, "the user role: at least one token"),
    ],
)
def test_wrong_settings_are_refused(changed: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        settings(**changed)
