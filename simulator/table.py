"""The table world: rewards and priors from a JSON file, for debugging planners. It serves `plan` only.

    {"attributes": [n names],
     "reward": [2^n numbers, index = bit mask, bit i = attribute i] or {"mask": number},
     "prior": [n numbers] or {"mask": [n numbers]},     optional; uniform where it says nothing
     "noise_sd": 0}                                      optional

A mapping of rewards may leave masks out; `require_depth` checks that a search will not miss any.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from planner.keyed import generator
from planner.subsets import members

MAX_ATTRIBUTES = 16
MAX_BYTES = 256 * 2**20
"""No table of 2^16 rewards and priors comes near this size; a file beyond it was not meant to be one."""

_KEYS = {"attributes", "reward", "prior", "noise_sd"}


class TableError(ValueError):
    """A reward table can't be used; the message is one line that names the file."""


@dataclass(frozen=True, eq=False)
class TableWorld:
    """Rewards and priors over n attributes.

    Fields:
        name: `table:` and the file's name.
        version: hash of the file's bytes.
        attributes: `[n]` names.
        rewards: `[2^n]`, index = mask, on 1-5 by convention; NaN where the file has none.
        prior_default: `[n]` weights, >= 0.
        priors: mask -> `[n]` weights, where the file gives some by mask.
        noise_sd: standard deviation of the noise added to each reward.
    """

    name: str
    version: str
    attributes: tuple[str, ...]
    rewards: NDArray[np.float64]
    prior_default: tuple[float, ...]
    priors: Mapping[int, tuple[float, ...]]
    noise_sd: float = 0.0

    @property
    def n(self) -> int:
        """The number of attributes."""
        return len(self.attributes)

    @property
    def available(self) -> int:
        """The mask of all attributes."""
        return (1 << self.n) - 1

    @property
    def noisy(self) -> bool:
        """Whether asking twice for the same subset may give two rewards."""
        return self.noise_sd > 0.0

    def prior(self, mask: int) -> tuple[float, ...]:
        """Return the weights of all attributes in a state, `[n]`, >= 0, not normalised."""
        return self.priors.get(mask, self.prior_default)

    def reward(self, mask: int, sample: int = 0, seed: int = 0) -> float:
        """Return the reward of a subset, with noise keyed by seed, mask and sample number.

        Raises:
            TableError: the file has no reward for this mask.
        """
        reward = float(self.rewards[mask])
        if reward != reward:
            raise TableError(f"{self.name}: no reward for mask {mask}")
        if self.noise_sd:
            reward += self.noise_sd * float(generator(seed, "table", mask, sample).standard_normal())
        return reward

    def require_depth(self, depth: int, *, shallower: bool = False) -> None:
        """Check that every subset of `depth` attributes has a reward.

        Args:
            shallower: ask the same of the smaller non-empty subsets (the greedy planner evaluates them).

        Raises:
            TableError: some reward is missing, or the table has fewer attributes than that.
        """
        if not 1 <= depth <= self.n:
            raise TableError(f"{self.name}: depth {depth} does not fit a table of {self.n} attributes (1 to {self.n})")
        sizes = range(1, depth + 1) if shallower else (depth,)
        missing = [int(mask) for mask in np.flatnonzero(np.isnan(self.rewards)) if mask.bit_count() in sizes]
        if missing:
            others = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
            raise TableError(f"{self.name}: no reward for mask {missing[0]} {list(members(missing[0]))}{others}")


def load_table(path: str | Path) -> TableWorld:
    """Read and check a reward table.

    Raises:
        TableError: the file can't be read, is not JSON, or breaks the format; the message says where.
    """
    path = Path(path)
    try:
        if path.stat().st_size > MAX_BYTES:
            raise TableError(f"{path.name}: larger than {MAX_BYTES // 2**20} MB, no reward table is")
        raw = path.read_bytes()
    except OSError as error:
        raise TableError(f"{path}: can't be read: {error.strerror or error}") from error
    try:
        data = json.loads(raw, object_pairs_hook=_unique, parse_constant=_refuse_constant)
        return _build(path.name, hashlib.sha256(raw).hexdigest()[:16], data)
    except TableError as error:
        raise TableError(f"{path.name}: {error}") from error
    except (ValueError, RecursionError) as error:
        raise TableError(f"{path.name}: not JSON: {error}") from error


def _build(file: str, version: str, data: Any) -> TableWorld:
    if not isinstance(data, dict):
        raise TableError("a table is a JSON object with `attributes` and `reward`")
    if unknown := sorted(set(data) - _KEYS):
        raise TableError(f"unknown key {unknown[0]!r}; a table has {', '.join(sorted(_KEYS))}")
    if absent := sorted({"attributes", "reward"} - set(data)):
        raise TableError(f"`{absent[0]}` is missing")
    attributes = _attributes(data["attributes"])
    n = len(attributes)
    default, by_mask = (1.0,) * n, {}
    if isinstance(prior := data.get("prior"), dict):
        by_mask = {_mask(key, n, "prior"): _weights(w, n, f"prior of mask {key}") for key, w in prior.items()}
    elif "prior" in data:
        default = _weights(prior, n, "prior")
    noise_sd = _number(data.get("noise_sd", 0), "noise_sd")
    if noise_sd < 0:
        raise TableError(f"noise_sd is {noise_sd:g}; it can't be negative")
    return TableWorld(f"table:{file}", version, attributes, _rewards(data["reward"], n), default, by_mask, noise_sd)


def _attributes(names: Any) -> tuple[str, ...]:
    if not isinstance(names, list) or not names:
        raise TableError("`attributes` must be a list of names")
    if len(names) > MAX_ATTRIBUTES:
        raise TableError(f"{len(names)} attributes; a table has at most {MAX_ATTRIBUTES}")
    seen: set[str] = set()
    for i, name in enumerate(names):
        if not isinstance(name, str) or not name.strip():
            raise TableError(f"attribute {i} must be a name, not {name!r:.40}")
        if name.strip().casefold() in seen:
            raise TableError(f"attribute {name!r:.40} stands twice")
        seen.add(name.strip().casefold())
    return tuple(name.strip() for name in names)


def _rewards(reward: Any, n: int) -> NDArray[np.float64]:
    if isinstance(reward, list):
        if len(reward) != 1 << n:
            raise TableError(f"{len(reward)} rewards; {n} attributes need 2^{n} = {1 << n}")
        return np.array([_number(value, f"reward of mask {mask}") for mask, value in enumerate(reward)])
    if not isinstance(reward, dict):
        raise TableError("`reward` must be a list of numbers or an object of mask: number")
    if not reward:
        raise TableError("`reward` is empty")
    rewards = np.full(1 << n, np.nan)
    for key, value in reward.items():
        rewards[_mask(key, n, "reward")] = _number(value, f"reward of mask {key}")
    return rewards


def _weights(weights: Any, n: int, what: str) -> tuple[float, ...]:
    if not isinstance(weights, list) or len(weights) != n:
        found = f"{len(weights)} numbers" if isinstance(weights, list) else type(weights).__name__
        raise TableError(f"{what}: {found}; it must be a list of {n} numbers, one per attribute")
    numbers = tuple(_number(weight, what) for weight in weights)
    if min(numbers) < 0:
        raise TableError(f"{what}: {min(numbers):g} is negative")
    return numbers


def _mask(key: str, n: int, what: str) -> int:
    if not (key.isascii() and key.isdigit() and len(key) <= 5 and str(int(key)) == key):
        raise TableError(f"{what}: {key!r:.40} is no mask; masks are whole numbers")
    if (mask := int(key)) >= 1 << n:
        raise TableError(f"{what}: mask {mask} is out of range; {n} attributes have masks 0 to {(1 << n) - 1}")
    return mask


def _number(value: Any, what: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TableError(f"{what}: {value!r:.40} is not a number")
    try:
        number = float(value)
    except OverflowError:
        number = float("inf")
    if not np.isfinite(number):
        raise TableError(f"{what}: not a finite number")
    return number


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    data = dict(pairs)
    if len(data) != len(pairs):
        raise TableError("a key stands twice in one object")
    return data


def _refuse_constant(name: str) -> float:
    raise TableError(f"{name} is not a finite number")
