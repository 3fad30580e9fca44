"""The JSON form of a search."""

import json
import math

import pytest

from planner.export import to_json
from planner.settings import PLANNERS, PlannerSettings
from planner.subsets import mask_of
from planner.trace import pack, unpack
from tests.planner.games import Game, run

NAMES = ("a", "b", "c", "d")


def test_a_search_as_json() -> None:
    trace = run(Game(n=4, seed=3, broken=frozenset({0b110})), PlannerSettings(rollouts=30, depth=2), "fresh", 0b1110)
    data = json.loads(json.dumps(to_json(trace, NAMES), allow_nan=False))
    assert data.keys() == {"best", "subsets", "rollouts", "evaluations"}
    assert data["best"].keys() == {"mask", "attributes", "q", "visits"}
    assert mask_of(NAMES.index(name) for name in data["best"]["attributes"]) == data["best"]["mask"]
    masks = [row["mask"] for row in data["subsets"]]
    assert masks == sorted(masks)
    assert masks[0] == 0
    for row in data["subsets"]:
        assert row.keys() == {"mask", "visits", "q", "prior"}
        assert row["visits"] > 0
        assert 1 <= row["q"] <= 5
        if row["mask"].bit_count() == 2:
            assert row["prior"] is None
        else:
            left = [bool((0b1110 & ~row["mask"]) >> a & 1) for a in range(4)]
            assert [p is not None for p in row["prior"]] == left
            assert math.isclose(sum(p or 0 for p in row["prior"]), 1)
    assert len(data["rollouts"]) == 30
    failed = [row for row in data["rollouts"] if "failed" in row]
    assert [row["reward"] for row in failed] == [None]
    assert all(row.keys() == {"path", "reward", "cached"} for row in data["rollouts"] if row not in failed)
    assert data["evaluations"] == trace.evaluations == 31


@pytest.mark.parametrize("name", PLANNERS)
def test_every_planner_exports_the_same_from_packed_bytes(name: str) -> None:
    trace = run(Game(n=4, seed=3), PlannerSettings(name, rollouts=10, depth=2), "cache:2")
    assert to_json(unpack(pack(trace)), NAMES) == to_json(trace, NAMES)
    assert (to_json(trace, NAMES)["subsets"][0]["mask"] == 0) == (name == "search")


def test_nothing_evaluated_has_no_best() -> None:
    trace = run(Game(n=4, broken=frozenset(range(16))), PlannerSettings(rollouts=10, depth=2))
    assert to_json(trace, NAMES)["best"] is None
    assert to_json(trace, NAMES)["subsets"] == []
    with pytest.raises(ValueError, match="3 names"):
        to_json(trace, NAMES[:3])
