"""What is true in the surrogate, and what its planner and agent believe (docs/surrogate.md has the formulas).

    latent[U, d] = level + offset[d] + reach * slope[d] * gain[U, d]
    gain[U, d]   = (1 - exp(-sum of relevance[a, d], a in U) + sum of pair effects within U) / full_gain

Both depend on scenario, model and the surrogate's version only, never on a run's seed. A missing attribute adds
nothing. The belief has the same shape, built from relevances seen through a keyed error; it never reads the table.
"""

import numpy as np

from planner.keyed import generator
from simulator.attributes import N_ATTRIBUTES
from simulator.dialogue import Knowledge
from simulator.scenario import Scenario
from simulator.surrogate.parameters import PAIRS, Array, Parameters, Spread, severity

N_SUBSETS = 1 << N_ATTRIBUTES
N_PAIRS = len(PAIRS)

_FIRST = np.array([a for a, _ in PAIRS])
_SECOND = np.array([b for _, b in PAIRS])
_HOLDS: Array = (np.arange(N_SUBSETS)[:, None] >> np.arange(N_ATTRIBUTES) & 1).astype(np.float64)
_HOLDS_PAIR: Array = _HOLDS[:, _FIRST] * _HOLDS[:, _SECOND]


class Latent:
    """The true worth of every subset for one scenario and model.

    Fields:
        relevance: `[10, 3]`, zero where the profile has no value.
        pairs: `[45]`, zero where either attribute has no value.
        base: `[3]`, the worth of knowing nothing; reach: `[3]`, what a gain of 1 adds to it.
    """

    def __init__(self, scenario: Scenario, model: str, p: Parameters) -> None:
        factors, pair_part, level_part = _idiosyncrasies(scenario, model, p)
        levels = p.models[model]
        has = _HOLDS[scenario.profile.known]
        self.relevance: Array = (_relevance(scenario, p) * factors * has)[:, None] * p.focus
        self.pairs: Array = (p.pairs + pair_part) * has[_FIRST] * has[_SECOND]
        self.base: Array = levels.vanilla.get(scenario.domain, levels.average) + level_part + p.offset
        self.reach: Array = levels.reach / p.full_gain * p.slope

    def table(self) -> Array:
        """Return the worth of all subsets, `[1024, 3]`, each 1-5; row = mask."""
        return self._worth(_HOLDS @ self.relevance, (_HOLDS_PAIR @ self.pairs)[:, None])

    def of(self, knowledge: Knowledge) -> Array:
        """Return the worth of knowing something, `[3]`, each 1-5; what is known only partly counts half."""
        weight = _weight(knowledge)
        return self._worth(weight @ self.relevance, (weight[_FIRST] * weight[_SECOND]) @ self.pairs)

    def _worth(self, known: Array, pairs: Array) -> Array:
        worth: Array = np.clip(self.base + self.reach * (1.0 - np.exp(-known) + pairs), 1.0, 5.0)
        return worth


class Belief:
    """What the planner and the agent think the subsets are worth, in units of the gain, from an imperfect prior.

    It covers all ten attributes: nobody who asks knows which values are missing.

    Fields:
        relevance: `[10]`, each true relevance (the mean one where the value is missing) times a lognormal error.
    """

    def __init__(self, scenario: Scenario, model: str, p: Parameters) -> None:
        factors, _, _ = _idiosyncrasies(scenario, model, p)
        error = generator("surrogate", p.version, "prior", scenario.id, model).standard_normal(N_ATTRIBUTES)
        seen = np.exp(p.prior_noise * error - p.prior_noise**2 / 2)
        self.relevance: Array = _relevance(scenario, p) * factors * seen
        self._alone: Array = 1.0 - np.exp(-self.relevance)
        self._pairs = np.zeros((N_ATTRIBUTES, N_ATTRIBUTES))
        self._pairs[_FIRST, _SECOND] = self._pairs[_SECOND, _FIRST] = p.pairs

    def of(self, knowledge: Knowledge) -> float:
        """Return the estimated gain of knowing something over knowing nothing."""
        weight = _weight(knowledge)
        return float(1.0 - np.exp(-(weight @ self.relevance)) + weight @ self._pairs @ weight / 2)

    def marginal(self, knowledge: Knowledge) -> list[float]:
        """Return what each attribute is estimated to add to what is known, `[10]`; of no use for what is known."""
        weight = _weight(knowledge)
        gains: list[float] = (np.exp(-(weight @ self.relevance)) * self._alone + self._pairs @ weight).tolist()
        return gains


def _relevance(scenario: Scenario, p: Parameters) -> Array:
    """Return base x affinity x severity, `[10]`; a missing value counts like the mean one."""
    severities = [1.0 if value is None else severity(i, value) for i, value in enumerate(scenario.profile)]
    relevance: Array = p.base * p.affinity.get(scenario.domain, 1.0) * severities
    return relevance


def _weight(knowledge: Knowledge) -> Array:
    """Return how far each attribute is known, `[10]`: 1, one half where only coarsely, or 0."""
    weight: Array = _HOLDS[knowledge.full] + 0.5 * _HOLDS[knowledge.partial]
    return weight


def _idiosyncrasies(scenario: Scenario, model: str, p: Parameters) -> tuple[Array, Array, float]:
    """Return relevance factors `[10]` of mean 1, pair effects `[45]` and a level: what makes scenarios differ."""
    size = N_ATTRIBUTES + N_PAIRS + 1
    shared = generator("surrogate", p.version, "scenario", scenario.id).standard_normal(size)
    own = generator("surrogate", p.version, "scenario", scenario.id, model).standard_normal(size)

    def mixed(spread: Spread, part: slice) -> Array:
        mixture: Array = spread.shared * shared[part] + spread.model * own[part]
        return mixture

    spread = p.relevance_spread
    logarithm = mixed(spread, slice(N_ATTRIBUTES)) - (spread.shared**2 + spread.model**2) / 2
    pairs = mixed(p.pair_spread, slice(N_ATTRIBUTES, -1))
    return np.exp(logarithm), pairs, float(mixed(p.level_spread, slice(-1, None))[0])
