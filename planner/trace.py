"""The trace of a search: everything needed to replay it, in a few arrays, and its packed form (design.md, Store)."""

import json
import math
import re
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from planner.rules import MAX_ATTRIBUTES, RULES
from planner.subsets import members

Backup = Literal["path", "leaf"]
"""Which states a reward is counted for: all on the path with the empty set, or the evaluated subset alone."""

Recommend = Literal["q", "visits"]
"""Which subset is returned: the one with the highest Q, or the most visited one (raise.md, section 8)."""

CACHED, FAILED = 1, 2
"""Bits of `Trace.flags`."""

PAD = 255
"""Stands in paths after the end, and in rankings for what is not ranked."""

MAX_ROLLOUTS = 1 << 20
"""A longer search is refused, so the size of a packed trace is bounded."""


class TraceError(ValueError):
    """Bytes are no valid packed trace; the message says in one line what is wrong."""


@dataclass(frozen=True, eq=False)
class Trace:
    """One search, rollout by rollout. T rollouts, S states whose prior was asked, n attributes.

    Only ended rollouts are in it: what the rollout in hand has asked so far joins when it ends.

    Fields:
        planner: name of the planner.
        rule: name of the selection rule, whose scale the values of the replayed tree have.
        recommend, backup: see the types.
        n: number of attributes, 1-16. available: mask of those that could be asked. depth: size of the subsets wanted.
        c: weight of the bonus. decay: of the prior by rank.
        evaluations: evaluations made, failed attempts included; while a search runs, those that gave a reward.
        path: `[T, depth]` uint8, attributes in acquisition order, padded with 255.
        reward: `[T]` float64, 1-5; NaN where the evaluation failed.
        flags: `[T]` uint8, bits `CACHED` and `FAILED`.
        prior: `[S, n]`, a row for each of `states`: uint8 ranks (0 = best, 255 = not ranked) where rankings were
            told, float64 weights as told where those were.
    """

    planner: str
    rule: str
    recommend: Recommend
    backup: Backup
    n: int
    available: int
    depth: int
    c: float
    decay: float
    evaluations: int
    path: NDArray[np.uint8]
    reward: NDArray[np.float64]
    flags: NDArray[np.uint8]
    prior: NDArray[np.uint8] | NDArray[np.float64]

    @property
    def rollouts(self) -> int:
        """Rollouts so far, failed ones included."""
        return len(self.reward)

    def until(self, t: int) -> "Trace":
        """Return the trace of the first `t` rollouts, as it was then (`evaluations`: those that gave a reward).

        Raises:
            ValueError: there are fewer rollouts than `t`.
        """
        if not 0 <= t <= self.rollouts:
            raise ValueError(f"the trace has {self.rollouts} rollouts, not {t}")
        flags = self.flags[:t]
        return replace(
            self,
            evaluations=int(np.count_nonzero(flags == 0)),
            path=self.path[:t],
            reward=self.reward[:t],
            flags=flags,
            prior=self.prior[: np.count_nonzero(self.first < t)],
        )

    @property
    def failed(self) -> int:
        """Rollouts whose evaluation failed."""
        return int(np.count_nonzero(self.flags & FAILED))

    @cached_property
    def states(self) -> NDArray[np.int64]:
        """Masks whose prior was asked, `[S]`, by first visit: with backup `path`, every state that paths leave."""
        return self._first_visits[0]

    @cached_property
    def first(self) -> NDArray[np.int64]:
        """The rollout (from 0) of the first visit to each of `states`, `[S]`."""
        return self._first_visits[1]

    @cached_property
    def _first_visits(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        left = path_masks(self.path)[:, : self.depth if self.backup == "path" else 0]
        return first_visits(left)


def path_masks(path: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return the states of each path, `[T, depth]` -> `[T, depth + 1]`; from its end on a path repeats its subset."""
    bits = np.where(path == PAD, 0, 1 << np.minimum(path, 31).astype(np.int64))
    return np.bitwise_or.accumulate(np.pad(bits, ((0, 0), (1, 0))), axis=1)


def first_visits(states: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the distinct entries of `[T, D]` states by first appearance, and the rollouts of those, `[K]` each."""
    masks, first = np.unique(states, return_index=True)
    order = np.argsort(first)
    return masks[order], first[order] // max(1, states.shape[1])


_MAGIC = b"PSWT\x01"
"""Personal Safety Workbench trace, format version 1."""

_LENGTH = struct.Struct("<H")
_FIELDS = tuple(f.name for f in fields(Trace) if f.name not in {"path", "reward", "flags", "prior"})
_COUNTS = ("rollouts", "rewards", "states")


def pack(trace: Trace) -> bytes:
    """Write a trace as bytes: magic and version, length and JSON of the header, zlib level 1 of the arrays.

    The arrays: paths; distinct rewards, and their numbers per rollout, since few rewards are distinct; flags; priors.
    """
    bits, numbers = np.unique(trace.reward.view(np.uint64), return_inverse=True)  # as bits NaN equals itself
    weighted = trace.prior.dtype == np.float64
    header = {name: getattr(trace, name) for name in _FIELDS}
    header |= dict(zip(_COUNTS, (trace.rollouts, len(bits), len(trace.prior)), strict=True), weighted=weighted)
    text = json.dumps(header, separators=(",", ":")).encode()
    arrays = (
        trace.path.tobytes(),
        bits.astype("<u8").tobytes(),
        numbers.astype(_number_type(len(bits))).tobytes(),
        trace.flags.tobytes(),
        trace.prior.astype("<f8").tobytes() if weighted else _rank_codes(trace),
    )
    return _MAGIC + _LENGTH.pack(len(text)) + text + zlib.compress(b"".join(arrays), 1)


def unpack(data: bytes) -> Trace:
    """Read what `pack` wrote. The bytes may come from anybody: sizes are bounded before anything is unpacked.

    Raises:
        TraceError: they are no valid trace of this version.
    """
    start = len(_MAGIC) + _LENGTH.size
    if data[:4] != _MAGIC[:4] or len(data) < start:
        raise TraceError("not a packed trace")
    if data[4] != _MAGIC[4]:
        raise TraceError(f"trace format {data[4]} is unknown; this version reads format {_MAGIC[4]}")
    end = start + _LENGTH.unpack_from(data, len(_MAGIC))[0]
    header = _header(data[start:end])
    rollouts, rewards, states = (header.pop(name) for name in _COUNTS)
    weighted, n, depth = header.pop("weighted"), header["n"], header["depth"]
    numbering = _number_type(rewards)
    fixed = rollouts * (depth + numbering.itemsize + 1) + 8 * rewards
    body = _Reader(_inflate(data[end:], fixed + states * n * (8 if weighted else 1)))
    path = body.take(np.dtype("u1"), rollouts * depth).reshape(rollouts, depth)
    bits = body.take(np.dtype("<u8"), rewards)
    numbers = body.take(numbering, rollouts)
    flags = body.take(np.dtype("u1"), rollouts)
    _check(rewards == 0 or int(numbers.max(initial=0)) < rewards, "a reward's number is out of range")
    reward = bits[numbers].astype(np.uint64).view(np.float64) if rewards else np.empty(0)
    bare = Trace(**header, path=path, reward=reward, flags=flags, prior=np.empty((0, n), np.uint8))
    _check_rollouts(bare)
    _check(len(bare.states) == states, f"{len(bare.states)} states were visited, but {states} have a prior")
    prior: NDArray[Any]
    if weighted:
        prior = body.take(np.dtype("<f8"), states * n).reshape(states, n).astype(np.float64)
        with np.errstate(over="ignore", invalid="ignore"):
            _check(bool(np.isfinite(prior.sum(axis=1)).all() and (prior >= 0).all()), "a prior has impossible weights")
    else:
        prior = _ranks(bare, body)
    body.end()
    return Trace(**header, path=path, reward=reward, flags=flags, prior=prior)


def _check(condition: bool, otherwise: str) -> None:
    if not condition:
        raise TraceError(f"damaged trace: {otherwise}")


def _number_type(count: int) -> np.dtype[Any]:
    return np.min_scalar_type(max(0, count - 1)).newbyteorder("<")


def _header(data: bytes) -> dict[str, Any]:
    try:
        header = json.loads(data)
    except (ValueError, RecursionError):
        raise TraceError("damaged trace: its header is no JSON") from None
    expected = {*_FIELDS, *_COUNTS, "weighted"}
    _check(isinstance(header, dict) and header.keys() == expected, "its header has other fields")

    def whole(name: str, low: int, high: int) -> None:
        value = header[name]
        _check(type(value) is int and low <= value <= high, f"{name} must be a whole number from {low} to {high}")

    whole("n", 1, MAX_ATTRIBUTES)
    whole("available", 1, (1 << header["n"]) - 1)
    whole("depth", 1, header["available"].bit_count())
    whole("rollouts", 0, MAX_ROLLOUTS)
    whole("rewards", min(1, header["rollouts"]), header["rollouts"])
    whole("states", 0, 1 << header["n"])
    whole("evaluations", 0, 1 << 53)
    for name in ("c", "decay"):
        value = header[name]
        _check(type(value) in (int, float) and 0 <= value < math.inf, f"{name} must be a number >= 0")
        header[name] = float(value)
    _check(type(header["weighted"]) is bool, "weighted must be true or false")
    for name, known in (("rule", tuple(RULES)), ("recommend", get_args(Recommend)), ("backup", get_args(Backup))):
        _check(header[name] in known, f"its {name} is unknown to this version")
    name = header["planner"]
    _check(isinstance(name, str) and re.fullmatch(r"[a-z0-9-]{1,40}", name) is not None, "its planner has no name")
    return dict(header)


def _inflate(data: bytes, most: int) -> bytes:
    engine = zlib.decompressobj()
    try:
        body = engine.decompress(data, most + 1)
    except zlib.error:
        raise TraceError("damaged trace: its arrays can't be unpacked") from None
    _check(len(body) <= most, "its arrays are longer than its header says")
    _check(engine.eof and not engine.unused_data, "it is cut short, or something follows it")
    return body


class _Reader:
    """Takes one array after the other out of bytes."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def take(self, kind: np.dtype[Any], count: int) -> NDArray[Any]:
        _check(self._at + count * kind.itemsize <= len(self._data), "its arrays are shorter than its header says")
        array = np.frombuffer(self._data, kind, count, self._at)
        self._at += count * kind.itemsize
        return array

    def end(self) -> None:
        _check(self._at == len(self._data), "its arrays are longer than its header says")


def _check_rollouts(trace: Trace) -> None:
    path, ended = trace.path, trace.path == PAD
    _check(not ended[:, 0].any() and (trace.backup == "leaf" or not ended.any()), "a path is too short")
    _check(bool((ended[:, 1:] >= ended[:, :-1]).all()), "a path goes on after its end")
    _check(bool(np.isin(path[~ended], members(trace.available)).all()), "a path holds what is not available")
    masks = path_masks(path)
    _check(bool(((masks[:, 1:] != masks[:, :-1]) | ended).all()), "a path holds an attribute twice")
    _check(bool((trace.flags <= FAILED).all()), "a rollout has unknown flags")
    valid = np.where(trace.flags == FAILED, np.isnan(trace.reward), np.isfinite(trace.reward))
    _check(bool(valid.all()), "a reward is no number, or a failed rollout has one")


def _rank_codes(trace: Trace) -> bytes:
    """Write rankings compactly: each choice as its place among what the empty set's ranking still holds.

    States rank much alike, so most bytes are 0; the last choice of a ranking is forced and not written. The first
    state is the empty set, whose own ranking is written against canonical order.
    """
    codes = bytearray()
    order: Sequence[int] = members(trace.available)
    for mask, ranks in zip(trace.states.tolist(), trace.prior.tolist(), strict=True):
        rest = [a for a in order if not mask >> a & 1]
        ranking = sorted(rest, key=ranks.__getitem__)
        for attribute in ranking[:-1]:
            place = rest.index(attribute)
            codes.append(place)
            del rest[place]
        if mask == 0:
            order = ranking
    return bytes(codes)


def _ranks(trace: Trace, body: _Reader) -> NDArray[np.uint8]:
    """Read what `_rank_codes` wrote."""
    ranks = np.full((len(trace.states), trace.n), PAD, np.uint8)
    order: Sequence[int] = members(trace.available)
    for row, mask in enumerate(trace.states.tolist()):
        rest = [a for a in order if not mask >> a & 1]
        codes = body.take(np.dtype("u1"), len(rest) - 1).tolist()
        ranking = []
        for place in codes:
            _check(place < len(rest), "a ranking holds a place that there is not")
            ranking.append(rest.pop(place))
        ranking += rest
        if mask == 0:
            order = ranking
        ranks[row, ranking] = np.arange(len(ranking))
    return ranks
