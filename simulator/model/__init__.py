"""The model world: scenarios lived with language models behind OpenAI-compatible servers."""

from simulator.model.settings import ModelSettings, RoleSettings
from simulator.model.world import ModelWorld

__all__ = ["ModelSettings", "ModelWorld", "RoleSettings"]
