"""The 70 scenarios that come with the project: written by hand for it, ten a domain (docs/scenarios.md)."""

import json
from functools import cache
from importlib.resources import files

from simulator.scenario import Scenario


@cache
def bundled() -> tuple[Scenario, ...]:
    """Read the 70 bundled scenarios, in the order of `DOMAINS`, ten each (`data/bundled.jsonl`)."""
    text = files("simulator").joinpath("data/bundled.jsonl").read_text("utf-8")
    # Split at line feeds only: splitlines() would also break at separators that JSON allows inside a text.
    return tuple(Scenario.from_dict(json.loads(line)) for line in text.split("\n") if line)
