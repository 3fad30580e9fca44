"""Words that only one way of abstention needs change nothing where another is used."""

import pytest

from simulator.agent import Abstention
from simulator.client.client import FixedEndpoints
from simulator.model import ModelSettings, ModelWorld


def world(abstention: Abstention = "scale") -> ModelWorld:
    return ModelWorld(ModelSettings(models=("m",), judges=("j",), abstention=abstention), FixedEndpoints([]))


def test_the_scale_needs_no_other_prompt() -> None:
    assert not {"sufficient", "answer_or_ask"} & set(world().prompts)


@pytest.mark.parametrize(("abstention", "prompt"), [("binary", "sufficient"), ("basic", "answer_or_ask")])
def test_each_other_way_has_one_prompt_more_and_another_version(abstention: Abstention, prompt: str) -> None:
    other = world(abstention)
    assert set(other.prompts) - set(world().prompts) == {prompt}
    assert other.version != world().version
