"""Two searches side by side: what only one has, what moved, where they part; and the same seen from the other side."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.recommend import best_so_far
from planner.settings import PlannerSettings
from planner.trace import Trace
from planner.tree import replay
from tests.planner.games import Game, run
from workbench.app.state.search.difference import Difference, difference

SEARCH = PlannerSettings(rollouts=40, depth=3)
NAMES = tuple("ABCDEF")


def search(seed: int = 0, broken: frozenset[int] = frozenset(), **changes: Any) -> Trace:
    return run(Game(n=6, seed=seed, broken=broken), replace(SEARCH, **changes))


def test_a_search_does_not_differ_from_itself() -> None:
    found = difference(search(), search())
    assert (found.lost, found.gained, found.reranked, found.parted, found.best_parted) == ((), (), (), None, None)
    assert found.marks("left") == found.marks("right") == {}
    assert found.lines(NAMES)[0] == "the same rollouts"
    assert found.lines(NAMES)[1].startswith("the same best subset: {")


def test_a_longer_search_goes_on_where_the_shorter_one_ends() -> None:
    found = difference(search(), search(rollouts=60))
    assert found.parted == 41
    assert found.lost == ()
    assert found.lines(NAMES)[0] == "the same up to rollout 40; only the right one goes on"
    assert difference(search(), search(rollouts=60), (40, 40)).parted is None


def test_another_weight_of_the_bonus_parts_ways() -> None:
    left, right = search(c=0.2), search(c=2.0)
    found = difference(left, right)
    assert found.parted is not None
    assert left.path[: found.parted - 1].tolist() == right.path[: found.parted - 1].tolist()
    assert left.path[found.parted - 1].tolist() != right.path[found.parted - 1].tolist()
    trees = replay(left), replay(right)
    assert set(found.lost) == set(trees[0].masks.tolist()) - set(trees[1].masks.tolist())
    assert set(found.gained) == set(trees[1].masks.tolist()) - set(trees[0].masks.tolist())
    for one in found.shared:
        assert one.visits == tuple(int(tree.visits[tree.node_of[one.mask]]) for tree in trees)
    marks = found.marks("right")
    assert {mask for mask, mark in marks.items() if mark == "gained"} == set(found.gained)
    assert "lost" not in marks.values()
    assert f"they part at rollout {found.parted}" == found.lines(NAMES)[0]


def test_ranks_are_places_by_q_among_shared_sets_of_a_size() -> None:
    found = difference(search(c=0.2), search(c=2.0))
    for size in range(4):
        layer = [one for one in found.shared if one.mask.bit_count() == size and one.rank is not None]
        for side in (0, 1):
            ordered = sorted(layer, key=lambda one: one.rank[side] if one.rank else 0)
            assert [one.rank[side] for one in ordered if one.rank] == list(range(1, len(layer) + 1))
            values = [one.q[side] for one in ordered]
            assert values == sorted(values, reverse=True)


def test_a_set_that_only_failed_has_no_place() -> None:
    left = search(seed=1)
    leaf = int(replay(left).masks[replay(left).masks != 0][-1])
    broken = search(seed=1, broken=frozenset({leaf}))
    for one in difference(left, broken).shared:
        if 0 in one.visits:
            assert one.rank is None
            assert one.moved == 0


def test_when_the_best_subsets_part() -> None:
    left, right = search(seed=2, c=0.2), search(seed=2, c=2.0)
    found = difference(left, right)
    ours, theirs = best_so_far(left).mask, best_so_far(right).mask
    apart = [t + 1 for t in range(40) if ours[t] != theirs[t]]
    assert found.best_parted == (apart[0] if apart else None)


def test_nothing_yet_and_other_numbers_of_attributes() -> None:
    trace = search()
    found = difference(trace, trace, (0, 5))
    assert (found.lost, found.shared, found.parted, found.best_parted) == ((), (), 1, 1)
    assert found.best[0] is None
    assert found.lines(NAMES)[1] == "one of them has no best subset yet"
    assert difference(trace, trace, (0, 0)).lines(NAMES)[1] == "neither has a best subset yet"
    with pytest.raises(ValueError, match="6 and of 5"):
        difference(trace, run(Game(n=5), SEARCH))
    with pytest.raises(ValueError, match="rollouts"):
        difference(trace, trace, (41, 0))


def swapped(found: Difference) -> Difference:
    """Turn a difference around."""
    shared = tuple(
        one._replace(visits=one.visits[::-1], q=one.q[::-1], rank=one.rank[::-1] if one.rank else None)
        for one in found.shared
    )
    return replace(
        found,
        rollouts=found.rollouts[::-1],
        lost=found.gained,
        gained=found.lost,
        shared=shared,
        best=found.best[::-1],
    )


@settings(max_examples=40)
@given(
    st.sampled_from([0.1, 0.5, 2.0]),
    st.sampled_from([0.1, 0.5, 2.0]),
    st.integers(0, 2),
    st.integers(0, 2),
    st.integers(1, 4),
    st.tuples(st.integers(0, 20), st.integers(0, 20)),
)
def test_a_difference_is_antisymmetric(
    c: float, other: float, seed: int, second: int, depth: int, at: tuple[int, int]
) -> None:
    left, right = search(seed, c=c, rollouts=20), search(second, c=other, depth=depth, rollouts=20)
    forth, back = difference(left, right, at), difference(right, left, at[::-1])
    assert repr(swapped(forth)) == repr(back)  # NaN is not equal to itself, its text is
    assert [one.moved for one in forth.shared] == [-one.moved for one in back.shared]
    assert {m: "gained" if d == "lost" else d for m, d in forth.marks("left").items()} == back.marks("right")
