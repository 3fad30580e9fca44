"""The model world: who answers is a language model behind an OpenAI-compatible server (design.md)."""

import hashlib
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict

from simulator.client.types import EndpointSource, Ledger, ResponseCache
from simulator.model.asking import Asker
from simulator.model.session import ModelSession
from simulator.model.settings import ModelSettings
from simulator.prompts import versions
from simulator.replies import FORMS_VERSION
from simulator.scenario import Scenario

_VARIANTS = {"binary": "sufficient", "basic": "answer_or_ask"}
"""Prompts that only one way of abstention needs. The others' words change no run's identity."""


_BUILDING = "build_"
"""Prompts so named build scenarios; nothing that happens in a world depends on them."""


class ModelWorld:
    """The world behind every number that language models produced; its fields are those of `simulator.world.World`.

    The version follows the prompts, the forms of replies, and the settings that an answer depends on; which models and
    judges there are stands beside each answer instead.
    """

    name = "model"
    noisy = True

    def __init__(self, settings: ModelSettings, source: EndpointSource, patience: float = 60.0) -> None:
        """Set up; nothing is asked yet. `patience`: seconds without any live endpoint before the client gives up."""
        self.models = settings.models
        self.judges = settings.judges
        self._settings = settings
        self._source, self._patience = source, patience
        self._asker = Asker(settings)
        # What words a variant of abstention has stands in the prompts.
        parts = {n: value for n, value in asdict(settings).items() if n not in ("models", "judges", "abstention")}
        text = json.dumps((dict(self.prompts), parts), sort_keys=True)
        self.version = f"{FORMS_VERSION}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"

    @property
    def prompts(self) -> Mapping[str, str]:
        """Name -> version and content hash of each prompt; of the prompts of a variant, only the one in use.

        Those that build scenarios are left out.
        """
        unused = set(_VARIANTS.values()) - {_VARIANTS.get(self._settings.abstention)}
        return {
            name: version
            for name, version in versions().items()
            if name not in unused and not name.startswith(_BUILDING)
        }

    @property
    def building(self) -> str:
        """Version of everything that construction asks with: its prompts, and the settings that change a reply."""
        prompts = {name: version for name, version in versions().items() if name.startswith(_BUILDING)}
        settings = self._settings
        how = (settings.structured, settings.reasoning_tokens, settings.system_messages)
        return hashlib.sha256(json.dumps((prompts, how), sort_keys=True).encode()).hexdigest()[:12]

    @property
    def asker(self) -> Asker:
        """Who asks, on behalf of whoever is no session (construction); only while the world is being served."""
        return self._asker

    @asynccontextmanager
    async def serving(self, cache: ResponseCache, ledger: Ledger) -> AsyncIterator[None]:
        """Keep the client's connections while sessions ask; cancelled or left, nothing of it runs on.

        Raises:
            RuntimeError: the world is being served already.
        """
        if self._asker.chat is not None:
            raise RuntimeError("the model world is being served already")
        from simulator.client.client import ChatClient  # slow to import, and only needed now

        client = ChatClient(self._source, cache, ledger, patience=self._patience)
        async with client:
            self._asker.chat = client
            try:
                yield
            finally:
                self._asker.chat = None

    def open(self, scenario: Scenario, model: str, seed: int) -> ModelSession:
        """Return a session; it asks nothing until it is asked.

        Raises:
            KeyError: there is no such model.
        """
        if model not in self.models:
            raise KeyError(f"the model world has no model {model!r}; it has {', '.join(self.models)}")
        return ModelSession(scenario, model, seed, self._settings, self._asker)
