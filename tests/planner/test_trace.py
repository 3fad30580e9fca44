"""Packed traces: exact, small, and safe to read from anybody."""

import contextlib
import json
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.drive import plan
from planner.evaluations import parse_evaluations
from planner.planner import Rank
from planner.settings import PLANNERS, PlannerSettings, make_planner
from planner.trace import Trace, TraceError, pack, unpack
from tests.planner.games import Game, run

HEADER = ("planner", "rule", "recommend", "backup", "n", "available", "depth", "c", "decay", "evaluations")
ARRAYS = ("path", "reward", "flags", "prior", "states", "first")


def same(one: Trace, other: Trace) -> bool:
    """Compare every field, arrays by type and bits."""
    return all(getattr(one, name) == getattr(other, name) for name in HEADER) and all(
        a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
        for a, b in ((getattr(one, name), getattr(other, name)) for name in ARRAYS)
    )


def weighted_trace() -> Trace:
    """Search with weights that differ in every state."""
    game = Game(n=5, seed=8)
    return plan(
        make_planner(PlannerSettings(rollouts=30, depth=3), 0b11101, n=5),
        game.evaluate,
        parse_evaluations("cache:1"),
        prior=lambda mask: [0.1 * mask, 2, 0.5, 1e-9, mask % 3],
    )


def repack(data: bytes, change: dict[str, object] | None = None, body: bytes | None = None) -> bytes:
    """Write a trace again with another header or other arrays."""
    length = struct.unpack_from("<H", data, 5)[0]
    text = json.dumps(json.loads(data[7 : 7 + length]) | (change or {})).encode()
    arrays = data[7 + length :] if body is None else zlib.compress(body)
    return data[:5] + struct.pack("<H", len(text)) + text + arrays


def body_of(data: bytes) -> bytes:
    """Unpack the arrays."""
    return zlib.decompress(data[7 + struct.unpack_from("<H", data, 5)[0] :])


@given(
    game=st.builds(
        Game,
        n=st.integers(1, 7),
        seed=st.integers(0, 999),
        levels=st.sampled_from([0, 4]),
        broken=st.frozensets(st.integers(1, 127), max_size=20),
    ),
    name=st.sampled_from(PLANNERS),
    depth=st.integers(1, 7),
    policy=st.sampled_from(["fresh", "cache:2"]),
)
@settings(max_examples=60, deadline=None)
def test_packing_is_exact(game: Game, name: str, depth: int, policy: str) -> None:
    trace = run(game, PlannerSettings(planner=name, rollouts=40, depth=depth), policy)
    assert same(unpack(pack(trace)), trace)


@given(t=st.integers(1, 40), policy=st.sampled_from(["fresh", "cache:2"]))
@settings(max_examples=20, deadline=None)
def test_a_search_cut_short_is_the_beginning_of_the_longer_one(t: int, policy: str) -> None:
    game = Game(n=6, seed=4, levels=4)
    longer = run(game, PlannerSettings(rollouts=40, depth=4), policy)
    assert same(longer.until(t), run(game, PlannerSettings(rollouts=t, depth=4), policy))


def test_nothing_comes_after_the_end() -> None:
    with pytest.raises(ValueError, match="has 30 rollouts, not 31"):
        weighted_trace().until(31)


def test_weights_and_empty_traces_are_exact_too() -> None:
    trace = weighted_trace()
    assert trace.prior.dtype == np.float64
    assert same(unpack(pack(trace)), trace)
    for name in PLANNERS:
        fresh = make_planner(PlannerSettings(planner=name), 1023).trace
        assert same(unpack(pack(fresh)), fresh)


def test_a_search_packs_into_two_kilobytes() -> None:
    def judged(mask: int, sample: int) -> float:
        return round(3 * Game(seed=1, noise=0.1).evaluate(mask, sample)) / 3  # type: ignore[operator]

    game = Game(seed=1)
    planner = make_planner(PlannerSettings(), 1023)
    trace = plan(planner, judged, parse_evaluations("cache:3"), rank=lambda mask: game.rank(mask, 1023))
    assert trace.rollouts == 300
    assert len(pack(trace)) < 2857  # 40 MB for 14,000 searches, here with a ranking drawn anew in every state


def test_strangers_are_refused() -> None:
    for data in (b"", b"PSW", b"{}", b"PSWT\x01", b"SQLite format 3\x00" * 9):
        with pytest.raises(TraceError, match="not a packed trace"):
            unpack(data)
    with pytest.raises(TraceError, match="trace format 2 is unknown"):
        unpack(b"PSWT\x02" + pack(weighted_trace())[5:])


@pytest.mark.parametrize(
    "change",
    [
        {"n": 17},
        {"n": True},
        {"n": "5"},
        {"available": 0},
        {"available": 1 << 20},
        {"depth": 0},
        {"depth": 9},
        {"c": -1},
        {"c": None},
        {"decay": float("nan")},
        {"decay": float("inf")},
        {"evaluations": -1},
        {"rollouts": 1 << 30},
        {"rollouts": 29},
        {"rollouts": 31},
        {"rewards": 0},
        {"rewards": 1000},
        {"states": 3},
        {"states": 1 << 15},
        {"weighted": 1},
        {"weighted": False},
        {"rule": "ucb"},
        {"rule": []},
        {"backup": "root"},
        {"recommend": 3},
        {"planner": "\x1b[2J"},
        {"planner": ["search"]},
        {"more": 1},
    ],
    ids=str,
)
def test_impossible_headers_are_refused(change: dict[str, object]) -> None:
    with pytest.raises(TraceError):
        unpack(repack(pack(weighted_trace()), change))


def test_headers_that_are_no_json_are_refused() -> None:
    for text in (b"", b"\xff\xfe", b"[1]", b"[" * 60000, b"null", b'"n"'):
        with pytest.raises(TraceError):
            unpack(b"PSWT\x01" + struct.pack("<H", len(text)) + text)


def test_a_bomb_is_not_unpacked() -> None:
    data = pack(weighted_trace())
    with pytest.raises(TraceError, match="longer than its header says"):
        unpack(repack(data, body=bytes(200_000_000)))


def test_arrays_must_fit_and_end() -> None:
    data = pack(weighted_trace())
    body = body_of(data)
    for changed in (body[:-1], body + b"\0", b"", b"\0" * len(body), b"\xff" * len(body)):
        with pytest.raises(TraceError):
            unpack(repack(data, body=changed))
    for changed in (data[:-1], data + b"\0", data[:-9] + bytes(9)):
        with pytest.raises(TraceError):
            unpack(changed)


@pytest.mark.parametrize(
    ("row", "message"),
    [([0, 0, 2], "twice"), ([1, 0, 2], "not available"), ([0, 2, 255], "too short"), ([0, 2, 77], "not available")],
)
def test_impossible_paths_are_refused(row: list[int], message: str) -> None:
    data = pack(weighted_trace())
    with pytest.raises(TraceError, match=message):
        unpack(repack(data, body=bytes(row) + body_of(data)[3:]))


@given(at=st.integers(0, 10**6), bit=st.integers(0, 7), inside=st.booleans(), ranked=st.booleans())
@settings(max_examples=400, deadline=None)
def test_any_flipped_bit_gives_a_trace_or_a_trace_error(at: int, bit: int, inside: bool, ranked: bool) -> None:
    data = pack(run(Game(n=4, seed=1), PlannerSettings(rollouts=12, depth=2)) if ranked else weighted_trace())
    target = bytearray(body_of(data) if inside else data)
    target[at % len(target)] ^= 1 << bit
    data = repack(data, body=bytes(target)) if inside else bytes(target)
    with contextlib.suppress(TraceError):
        trace = unpack(data)
        assert same(unpack(pack(trace)), trace)


def test_snapshots_stay_as_they_were_while_the_search_goes_on() -> None:
    game, settings = Game(n=6, seed=4), PlannerSettings(rollouts=200, depth=3)
    planner = make_planner(settings, 63, n=6, key=("snapshots",))
    snapshots = []
    while requests := planner.ask():
        snapshots.append(planner.trace)
        for request in requests:
            if isinstance(request, Rank):
                planner.tell_ranking(request.mask, game.rank(request.mask, 63))
            else:
                planner.tell(request, game.evaluate(request.mask, 0))
    whole = planner.trace
    for trace in snapshots:
        assert pack(trace) == pack(whole.until(trace.rollouts))
    with pytest.raises(ValueError, match="read-only"):
        whole.reward[0] = 1.0
