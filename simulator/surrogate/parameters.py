"""Reads `parameters.toml`, the one file that holds every number of the surrogate."""

import hashlib
import json
import re
import tomllib
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.attributes import ATTRIBUTES, KEYS, N_ATTRIBUTES
from simulator.domains import DOMAINS
from simulator.world import DIMENSIONS

Array = NDArray[np.float64]

PAIRS: tuple[tuple[int, int], ...] = tuple(combinations(range(N_ATTRIBUTES), 2))
"""The 45 pairs of attributes, in the order of every pair array."""


@dataclass(frozen=True, slots=True)
class ModelLevels:
    """What is published of one model (vanilla per domain, both averages, 1-5), and its fitted reach."""

    vanilla: dict[str, float]
    average: float
    full: float
    reach: float


@dataclass(frozen=True, slots=True)
class JudgeParameters:
    """One judge; each field `[3]`, on the 1-5 scale: what it adds, its disagreement per scenario, its noise."""

    leniency: tuple[float, ...]
    case_sd: tuple[float, ...]
    noise: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Spread:
    """Standard deviations of an idiosyncratic part: the scenario's under every model, and under one model."""

    shared: float
    model: float


@dataclass(frozen=True, slots=True)
class Parameters:
    """Everything in `parameters.toml`; the comments there say what each number means.

    Fields:
        base: `[10]` relevances, canonical order as everywhere below.
        affinity: domain -> `[10]`; the unknown domain is absent and counts 1.
        severity: per attribute, (pattern, factor) in the order they are tried.
        focus: `[10, 3]`; offset, slope: `[3]`.
        pairs: `[45]` general pair effects in the order of `PAIRS`.
        digest: changes with any number of the file, not with its comments.
    """

    version: int
    models: dict[str, ModelLevels]
    full_gain: float
    base: Array
    affinity: dict[str, Array]
    severity: tuple[tuple[tuple[re.Pattern[str], float], ...], ...]
    focus: Array
    offset: Array
    slope: Array
    pairs: Array
    level_spread: Spread
    relevance_spread: Spread
    pair_spread: Spread
    instruction_effect: float
    crisis_effect: float
    noise_shared: float
    noise_own: float
    judges: dict[str, JudgeParameters]
    prior_noise: float
    w: float
    completeness_noise: float
    digest: str


def read_toml(name: str) -> dict[str, Any]:
    """Read a TOML file of this package."""
    return tomllib.loads(files("simulator.surrogate").joinpath(name).read_text("utf-8"))


def content_digest(data: dict[str, Any]) -> str:
    """Hash what a file says, not how it is written (8 hexadecimal digits)."""
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()[:8]


@cache
def parameters() -> Parameters:
    """Return the parameters of the embedded file."""
    return parse(read_toml("parameters.toml"))


def parse(data: dict[str, Any]) -> Parameters:
    """Arrange the file's content in canonical attribute, domain and dimension order."""
    relevance, dimensions, scenario = data["relevance"], data["dimensions"], data["scenario"]
    affinity = _by_attribute(relevance["affinity"])
    return Parameters(
        version=data["version"],
        models={name: _levels(entry) for name, entry in data["models"].items()},
        full_gain=data["gain"]["full"],
        base=_by_attribute(relevance["base"]),
        affinity={domain: affinity[:, i] for i, domain in enumerate(DOMAINS)},
        severity=tuple(_patterns(relevance["severity"][key]) for key in KEYS),
        focus=np.array([dimensions[d]["focus"] for d in DIMENSIONS]).T.reshape(N_ATTRIBUTES, len(DIMENSIONS)),
        offset=np.array([dimensions[d]["offset"] for d in DIMENSIONS]),
        slope=np.array([dimensions[d]["slope"] for d in DIMENSIONS]),
        pairs=_pairs(data["pairs"]),
        level_spread=Spread(**scenario["level"]),
        relevance_spread=Spread(**scenario["relevance"]),
        pair_spread=Spread(**scenario["pair"]),
        instruction_effect=data["prompt"]["instruction_effect"],
        crisis_effect=data["prompt"]["crisis_effect"],
        noise_shared=data["noise"]["shared"],
        noise_own=data["noise"]["own"],
        judges={name: JudgeParameters(**{k: tuple(v) for k, v in j.items()}) for name, j in data["judges"].items()},
        prior_noise=data["prior"]["noise"],
        w=data["agent"]["w"],
        completeness_noise=data["agent"]["completeness_noise"],
        digest=content_digest(data),
    )


@lru_cache(maxsize=1 << 16)
def severity(attribute: int, value: str) -> float:
    """Return how much a value makes its attribute matter; 1, the attribute's mean, where no keyword fits."""
    folded = value.casefold()
    for pattern, factor in parameters().severity[attribute]:
        if pattern.search(folded):
            return factor
    return 1.0


def _by_attribute(table: dict[str, Any]) -> Array:
    return np.array([table[key] for key in KEYS], dtype=np.float64)


def _levels(entry: dict[str, Any]) -> ModelLevels:
    return ModelLevels(
        dict(zip(DOMAINS, entry["vanilla"], strict=True)), entry["average"], entry["full"], entry["reach"]
    )


def _patterns(rules: list[tuple[list[str], float]]) -> tuple[tuple[re.Pattern[str], float], ...]:
    return tuple(
        (re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, words))})(?!\w)"), float(factor)) for words, factor in rules
    )


def _pairs(table: dict[str, Any]) -> Array:
    effects = np.zeros(len(PAIRS))
    for i, (a, b) in enumerate(PAIRS):
        if ATTRIBUTES[a].group == ATTRIBUTES[b].group:
            effects[i] = table["redundancy"][ATTRIBUTES[a].group]
    for first, second, effect in table["synergy"]:
        a, b = sorted((KEYS.index(first), KEYS.index(second)))
        effects[PAIRS.index((a, b))] += effect
    return effects
