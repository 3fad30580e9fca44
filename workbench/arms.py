"""Arms by name: the plain ones, and the families that the paper's experiments are made of (docs/experiments.md).

A family's member carries what it stands for after a colon: `only:Emotional State`, `random:3` (the third draw),
`path:2` (two attributes along the planned path). Where arms are named, `only:*` and ranges such as `path:0..3` stand
for all of theirs.
"""

import re
from collections.abc import Iterable, Iterator, Sequence

from planner.subsets import members
from simulator.attributes import N_ATTRIBUTES, NAMES, attribute_index

ARMS: tuple[str, ...] = ("vanilla", "control", "full", "static", "random", "oracle", "agent", "planner")
"""The plain arms."""

FAMILIES: tuple[str, ...] = ("only:ATTRIBUTE", "only:*", "random:1..N", "path:0..N", "path", "oracle-judged")
"""How the others are written."""

MAX_DRAWS = 1000
"""Most draws of the random arm."""

_ORDER = (
    "vanilla",
    "control",
    "only",
    "static",
    "random",
    "path",
    "agent",
    "planner",
    "oracle",
    "oracle-judged",
    "full",
)  # from knowing nothing to knowing everything
_RANGE = re.compile(r"(\d{1,4})(?:\.\.(\d{1,4}))?")


def read_arms(names: Iterable[str]) -> tuple[str, ...]:
    """Return arms by their one spelling, ranges and wildcards written out, each once.

    Raises:
        ValueError: there is no such arm, or none is named.
    """
    found = tuple(dict.fromkeys(arm for name in names for arm in _members(name.strip())))
    if not found:
        raise ValueError("name at least one")
    return found


def spell_arms(arms: Sequence[str]) -> tuple[str, ...]:
    """Return arms as briefly as `read_arms` takes them: draws and lengths as ranges, all attributes as a wildcard."""
    spelt: list[str] = []
    every = [f"only:{name}" for name in NAMES]
    for arm in arms:
        if family(arm) == "only" and set(every) <= set(arms):
            arm = "only:*"
        before = _RANGE.fullmatch(spelt[-1].partition(":")[2]) if spelt and family(spelt[-1]) == family(arm) else None
        here = number(arm)
        if here is not None and before is not None and int(before[2] or before[1]) == here - 1:
            spelt[-1] = f"{family(arm)}:{before[1]}..{here}"
        elif arm not in spelt:
            spelt.append(arm)
    return tuple(spelt)


def family(arm: str) -> str:
    """Return what stands before the colon: `only` of `only:Age`, and a plain arm's own name."""
    return arm.partition(":")[0]


def number(arm: str) -> int | None:
    """Return the draw of `random:N` and the length of `path:N`; None for every other arm."""
    name, _, rest = arm.partition(":")
    return int(rest) if name in ("random", "path") and rest else None


def only_attribute(arm: str) -> int | None:
    """Return the index of the attribute that an `only` arm gives; None for every other arm."""
    name, _, rest = arm.partition(":")
    return attribute_index(rest) if name == "only" else None


def holds_dialogue(arm: str) -> bool:
    """Tell whether the arm asks."""
    return arm in ("agent", "planner")


def sized(arm: str) -> bool:
    """Tell whether the arm gives exactly k attributes (`--k`)."""
    return family(arm) in ("static", "random", "oracle", "oracle-judged") or arm == "path"


def follows_path(arm: str) -> bool:
    """Tell whether the arm is given attributes along the path that was planned for the scenario itself."""
    return family(arm) == "path"


def arm_place(arm: str) -> tuple[int, str]:
    """Return what sorts arms from knowing nothing to knowing everything, unknown ones last."""
    name = family(arm)
    if name not in _ORDER:
        return len(_ORDER), arm
    attribute = only_attribute(arm)
    inner = number(arm) if attribute is None else attribute
    return _ORDER.index(name), "" if inner is None else f"{inner:04}"


def _members(name: str) -> Iterator[str]:
    if name in ARMS or name in ("path", "oracle-judged"):
        yield name
        return
    head, colon, rest = name.partition(":")
    if head == "only" and colon:
        yield from (f"only:{NAMES[i]}" for i in _attributes(name, rest))
        return
    match = _RANGE.fullmatch(rest)
    if head not in ("random", "path") or match is None:
        raise ValueError(f"there is no arm {name!r}: there are {', '.join((*ARMS, *FAMILIES))}")
    first, last = int(match[1]), int(match[2] or match[1])
    lowest, highest = (1, MAX_DRAWS) if head == "random" else (0, N_ATTRIBUTES)
    if not lowest <= first <= last <= highest:
        raise ValueError(f"{name!r}: numbers of {head} go from {lowest} to {highest}")
    yield from (f"{head}:{i}" for i in range(first, last + 1))


def _attributes(arm: str, name: str) -> tuple[int, ...]:
    if name.strip() == "*":
        return members((1 << N_ATTRIBUTES) - 1)
    index = attribute_index(name)
    if index is None:
        raise ValueError(f"{arm!r}: there is no attribute {name!r}: there are {', '.join(NAMES)}")
    return (index,)
