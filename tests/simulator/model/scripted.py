"""A chat client without a server: answers what the test told it to, else something valid drawn from the request."""

import json
import random
from collections.abc import Sequence
from typing import Any

from simulator.client.types import ChatRequest, Completion
from simulator.model.asking import Asker
from simulator.model.session import ModelSession
from simulator.model.settings import ModelSettings
from simulator.scenario import Profile, Scenario
from simulator.world import Draw
from tests.fakeserver.values import sentence, value

Script = Sequence[str | Completion | Exception]

PROFILE = Profile(
    ("25-34", "Female", None, "Teacher", "Difficult", "Good", "PhD", "Anxiety", "Yes", "Worn out, and afraid of June.")
)
SCENARIO = Scenario("Should I move house this summer?", PROFILE, "Life")
DRAW = Draw("agent", "final")


class ScriptedChat:
    """Takes the next item of the script for the request's form (`text` where it has none); an exception is raised.

    Where a script is used up or missing, the reply is valid and depends on the request alone, as from a deterministic
    server.
    """

    def __init__(self, **scripts: Script) -> None:
        self.requests: list[ChatRequest] = []
        self.forgotten: list[ChatRequest] = []
        self._scripts: dict[str, list[Any]] = {name: list(script) for name, script in scripts.items()}

    async def complete(self, request: ChatRequest) -> Completion:
        self.requests.append(request)
        script = self._scripts.get(request.schema.name if request.schema else "text")
        if not script:
            return Completion(obedient(request))
        item = script.pop(0)
        if isinstance(item, Exception):
            raise item
        return Completion(item) if isinstance(item, str) else item

    def forget(self, request: ChatRequest) -> None:
        self.forgotten.append(request)

    def names(self) -> list[str]:
        """Name the form of every request, in order."""
        return [request.schema.name if request.schema else "text" for request in self.requests]


def obedient(request: ChatRequest) -> str:
    rng = random.Random(request.key)
    return json.dumps(value(request.schema.json, rng)) if request.schema else sentence(rng, 12)


def session(
    chat: ScriptedChat, scenario: Scenario = SCENARIO, seed: int = 7, settings: ModelSettings | None = None
) -> ModelSession:
    settings = settings or ModelSettings(models=("m",), judges=("j", "j2"))
    asker = Asker(settings)
    asker.chat = chat
    return ModelSession(scenario, "m", seed, settings, asker)
