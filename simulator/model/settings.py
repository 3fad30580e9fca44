"""What the model world is set up with: who speaks in which role, how it is sampled, and what servers can do."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

from simulator.agent import Abstention
from simulator.client.types import ROLES, Role, Sampling

Structured = Literal["auto", "json_schema", "fallback"]
"""How a form is asked for. `json_schema`: the server holds the reply to a schema (the client puts it in words for a
server that refuses that). `auto`: the same, and repairs put it in words as well, for a server that ignores schemas.
`fallback`: in words only. Replies are read equally strictly in all three."""

RESPONSES = Sampling(0.7, 0.95, 1024)
DECISIONS = Sampling(0.0, 1.0, 1024)
PAPER = Sampling(0.7, 0.95, 4096)
"""What the paper sampled everything with (raise.md, sections 2 and 4)."""


@dataclass(frozen=True, slots=True)
class RoleSettings:
    """How one role speaks.

    Fields:
        model: its model; None: the answering model (for a judge always None: a judge's name is its model).
        sampling: of everything it says but responses.
    """

    model: str | None = None
    sampling: Sampling = DECISIONS


DEFAULT_ROLES: Mapping[Role, RoleSettings] = {
    "agent": RoleSettings(),
    "judge": RoleSettings(),
    "planner": RoleSettings(),
    "user": RoleSettings(sampling=RESPONSES),
}


@dataclass(frozen=True)
class ModelSettings:
    """The model world's settings; what can be changed without changing an answer (endpoints, limits) is not here.

    Fields:
        models: the answering models. judges: the models that judge. At least one each.
        responses: sampling of the responses.
        roles: roles that differ from `DEFAULT_ROLES`; all four stand here afterwards.
        structured: how a form is asked for.
        reasoning_tokens: room that is added to `max_tokens` of each call for models that think before they reply.
        abstention: how agents decide that they know enough: which prompt they are asked with.
        system_messages: False: the system part is put before the user's, for chat templates without a system role.

    Raises:
        ValueError: a field is out of its range.
    """

    models: tuple[str, ...]
    judges: tuple[str, ...]
    responses: Sampling = RESPONSES
    roles: Mapping[Role, RoleSettings] = field(default_factory=dict)
    structured: Structured = "auto"
    reasoning_tokens: int = 0
    system_messages: bool = True
    abstention: Abstention = "scale"

    def __post_init__(self) -> None:
        for what, given in (("model", self.models), ("judge", self.judges)):
            if not given or not all(name.strip() for name in given):
                raise ValueError(f"the model world needs the name of at least one {what}")
            if len(set(given)) != len(given):
                raise ValueError(f"a {what} is named twice: {', '.join(given)}")
        if unknown := set(self.roles) - set(ROLES):
            raise ValueError(f"no role {sorted(unknown)[0]!r}; there are {', '.join(ROLES)}")
        if self.structured not in get_args(Structured):
            raise ValueError(f"structured is {', '.join(get_args(Structured))}, not {self.structured!r}")
        if self.reasoning_tokens < 0:
            raise ValueError(f"the room for reasoning is 0 tokens or more, not {self.reasoning_tokens}")
        object.__setattr__(self, "roles", {role: self.roles.get(role, DEFAULT_ROLES[role]) for role in ROLES})
        if self.roles["judge"].model is not None:
            raise ValueError("a judge's model is its name among the judges; the judge role takes none")
        _check("responses", self.responses)
        for role, settings in self.roles.items():
            _check(f"the {role} role", settings.sampling)


def _check(what: str, sampling: Sampling) -> None:
    if not 0 <= sampling.temperature <= 2:
        raise ValueError(f"{what}: the temperature is 0 to 2, not {sampling.temperature}")
    if not 0 < sampling.top_p <= 1:
        raise ValueError(f"{what}: top-p is over 0 and at most 1, not {sampling.top_p}")
    if sampling.max_tokens < 1:
        raise ValueError(f"{what}: at least one token has to be allowed, not {sampling.max_tokens}")
