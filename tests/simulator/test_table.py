"""The table world: what it reads, and the one line it says about what it can't."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.subsets import subsets
from simulator.table import TableError, load_table

GOOD: dict[str, Any] = {"attributes": ["x", "y"], "reward": [1, 2.5, 3, 4]}


def write(folder: Path, data: Any) -> Path:
    path = folder / "rewards.json"
    path.write_text(data if isinstance(data, str) else json.dumps(data), "utf-8")
    return path


def test_reads_a_list(tmp_path: Path) -> None:
    table = load_table(write(tmp_path, GOOD))
    assert table.name == "table:rewards.json"
    assert (table.n, table.available, table.noisy) == (2, 3, False)
    assert [table.reward(mask, sample=7, seed=1) for mask in range(4)] == [1, 2.5, 3, 4]
    assert table.prior(0) == table.prior(1) == (1.0, 1.0)


def test_reads_mappings(tmp_path: Path) -> None:
    data = {"attributes": ["x", "y", "z"], "reward": {"3": 4, "5": 2, "6": 1}, "prior": {"0": [3, 0, 1]}}
    table = load_table(write(tmp_path, data))
    assert table.prior(0) == (3.0, 0.0, 1.0)
    assert table.prior(1) == (1.0, 1.0, 1.0)
    table.require_depth(2)
    with pytest.raises(TableError, match=r"no reward for mask 1 \[0\] and 2 more"):
        table.require_depth(1)
    with pytest.raises(TableError, match="mask 1"):
        table.require_depth(2, shallower=True)
    with pytest.raises(TableError, match="depth 4"):
        table.require_depth(4)
    with pytest.raises(TableError, match="no reward for mask 7"):
        table.reward(7)


def test_noise_is_keyed(tmp_path: Path) -> None:
    table = load_table(write(tmp_path, GOOD | {"noise_sd": 0.5}))
    assert table.noisy
    assert table.reward(1, 0, 0) == table.reward(1, 0, 0)
    draws = {table.reward(3, sample, seed) for sample in range(50) for seed in range(4)}
    assert len(draws) == 200
    assert abs(np.mean(list(draws)) - 4) < 0.15
    assert abs(np.std(list(draws)) - 0.5) < 0.1
    assert table.reward(1, 0, 0) - 2.5 != table.reward(2, 0, 0) - 3


def test_the_version_follows_the_content(tmp_path: Path) -> None:
    first = load_table(write(tmp_path, GOOD)).version
    assert load_table(write(tmp_path, GOOD | {"reward": [1, 2.5, 3, 4.1]})).version != first
    assert load_table(write(tmp_path, GOOD)).version == first


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ('{"attributes": ["x"], "reward": [1, NaN]}', "NaN"),
        ('{"attributes": ["x"], "reward": [1, -Infinity]}', "Infinity"),
        ('{"attributes": ["x"], "reward": [1, 1e999]}', "mask 1: not a finite"),
        ('{"attributes": ["x"], "reward": [1, 1' + "0" * 400 + "]}", "mask 1: not a finite"),
        ('{"attributes": ["x"], "reward": [1, 1' + "0" * 5000 + "]}", "not JSON"),
        ('{"attributes": ["x"], "reward": {"0": 1, "0": 2}}', "stands twice"),
        ([1, 2], "JSON object"),
        ({"reward": [1, 2]}, "`attributes` is missing"),
        ({"attributes": ["x"]}, "`reward` is missing"),
        (GOOD | {"rewards": []}, "unknown key 'rewards'"),
        (GOOD | {"attributes": []}, "list of names"),
        (GOOD | {"attributes": "xy"}, "list of names"),
        (GOOD | {"attributes": ["x", 2]}, "attribute 1"),
        (GOOD | {"attributes": ["x", " "]}, "attribute 1"),
        (GOOD | {"attributes": ["x", "X "]}, "stands twice"),
        (GOOD | {"attributes": [str(i) for i in range(17)]}, "at most 16"),
        (GOOD | {"reward": [1, 2, 3]}, r"3 rewards; 2 attributes need 2\^2 = 4"),
        (GOOD | {"reward": [1, 2, True, 4]}, "mask 2: True is not a number"),
        (GOOD | {"reward": [1, 2, None, 4]}, "mask 2"),
        (GOOD | {"reward": "1234"}, "list of numbers or an object"),
        (GOOD | {"reward": {}}, "empty"),
        (GOOD | {"reward": {"4": 1}}, "out of range; 2 attributes have masks 0 to 3"),
        (GOOD | {"reward": {"-1": 1}}, "no mask"),
        (GOOD | {"reward": {"01": 1}}, "no mask"),
        (GOOD | {"reward": {"x": 1}}, "no mask"),
        (GOOD | {"reward": {"²": 1}}, "no mask"),
        (GOOD | {"prior": [1]}, "1 numbers; it must be a list of 2"),
        (GOOD | {"prior": None}, "NoneType"),
        (GOOD | {"prior": [1, -0.5]}, "-0.5 is negative"),
        (GOOD | {"prior": {"0": [1, "2"]}}, "prior of mask 0: '2' is not a number"),
        (GOOD | {"prior": {"9": [1, 2]}}, "prior: mask 9 is out of range"),
        (GOOD | {"noise_sd": -1}, "negative"),
        (GOOD | {"noise_sd": "0"}, "noise_sd: '0' is not a number"),
    ],
)
def test_refuses_in_one_line(tmp_path: Path, data: Any, says: str) -> None:
    with pytest.raises(TableError, match=says) as caught:
        load_table(write(tmp_path, data))
    message = str(caught.value)
    assert message.startswith("rewards.json: ")
    assert "\n" not in message
    assert str(tmp_path) not in message


def test_refuses_what_it_cannot_open(tmp_path: Path) -> None:
    with pytest.raises(TableError, match=r"absent\.json: can't be read"):
        load_table(tmp_path / "absent.json")
    with pytest.raises(TableError, match="can't be read"):
        load_table(tmp_path)
    path = tmp_path / "bytes.json"
    path.write_bytes(b"\xff\xfe\xfa")
    with pytest.raises(TableError, match="not JSON"):
        load_table(path)


def test_reads_the_largest_table(tmp_path: Path) -> None:
    rewards = np.linspace(1, 5, 1 << 16)
    table = load_table(write(tmp_path, {"attributes": [f"a{i}" for i in range(16)], "reward": rewards.tolist()}))
    assert np.array_equal(table.rewards, rewards)
    table.require_depth(16, shallower=True)


@given(n=st.integers(1, 6), data=st.data())
def test_require_depth_finds_every_hole(tmp_path_factory: pytest.TempPathFactory, n: int, data: st.DataObject) -> None:
    depth = data.draw(st.integers(1, n))
    wanted = subsets((1 << n) - 1, depth)
    hole = data.draw(st.sampled_from(wanted))
    rewards = {str(mask): 3 for mask in range(1 << n) if mask != hole}
    names = [f"a{i}" for i in range(n)]
    path = write(tmp_path_factory.mktemp("table"), {"attributes": names, "reward": rewards})
    with pytest.raises(TableError, match=f"mask {hole} "):
        load_table(path).require_depth(depth)
    for other in set(range(1, n + 1)) - {depth}:
        load_table(path).require_depth(other)
