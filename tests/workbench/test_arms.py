import pytest

from simulator.attributes import NAMES
from workbench.arms import ARMS, arm_place, family, follows_path, number, only_attribute, read_arms, sized, spell_arms


def test_plain_arms_are_themselves() -> None:
    assert read_arms(ARMS) == ARMS
    assert [family(arm) for arm in ARMS] == list(ARMS)


def test_families_are_written_out_in_order_each_once() -> None:
    assert read_arms(["path:0..3", "path:2", "random:2"]) == ("path:0", "path:1", "path:2", "path:3", "random:2")
    assert read_arms(["only:*"]) == tuple(f"only:{name}" for name in NAMES)
    assert read_arms([" only:emotional_state ", "only:Emotional State"]) == ("only:Emotional State",)
    assert read_arms(["oracle-judged", "path"]) == ("oracle-judged", "path")


NO_ARMS = [
    *("", "nonsense", "only", "only:", "only:Shoe Size", "random:0", "random:3..2", "random:1..1001", "random:"),
    *("path:11", "path:-1", "path:1.5", "vanilla:1", "planner:2", "oracle-judged:1"),
]


@pytest.mark.parametrize("arm", NO_ARMS)
def test_what_is_no_arm_is_refused_by_name(arm: str) -> None:
    with pytest.raises(ValueError, match=r"there (is|are)|go from"):
        read_arms([arm])


def test_none_at_all_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        read_arms([])


def test_what_arms_say_about_themselves() -> None:
    assert (number("random:3"), number("path:0"), number("path"), number("vanilla")) == (3, 0, None, None)
    assert (only_attribute("only:Age"), only_attribute("agent")) == (0, None)
    assert [arm for arm in ("random:2", "path", "path:2", "oracle-judged", "only:Age", "full") if sized(arm)] == [
        "random:2",
        "path",
        "oracle-judged",
    ]
    assert follows_path("path:2")
    assert not follows_path("planner")


def test_arms_sort_from_knowing_nothing_to_knowing_everything_and_by_number() -> None:
    arms = ["strange", "full", "random:10", "random:2", "only:Emotional State", "only:Age", "vanilla", "planner"]
    assert sorted(arms, key=arm_place) == [
        "vanilla",
        "only:Age",
        "only:Emotional State",
        "random:2",
        "random:10",
        "planner",
        "full",
        "strange",
    ]


@pytest.mark.parametrize(
    "spelt",
    [
        ("vanilla", "random:1..20", "static", "path", "oracle-judged"),
        ("only:*", "full"),
        ("only:Age", "only:Gender"),
        ("path:0", "path:2..4", "random"),
    ],
)
def test_arms_are_spelt_as_briefly_as_they_are_written(spelt: tuple[str, ...]) -> None:
    assert spell_arms(read_arms(spelt)) == spelt
