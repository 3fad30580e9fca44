"""The lattice of sets, as columns by size: the same search as the tree of orders, each set once."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from planner.subsets import members
from planner.trace import path_masks
from workbench.app.state.search.search import SearchState
from workbench.app.state.search.treerows import order_of

LatticeSort = Literal["Q", "N"]


@dataclass(frozen=True, slots=True)
class Cell:
    """One set at the position of the search.

    Fields:
        mask: the set.
        visits: N. q: Q on 1-5; None where N = 0.
        chosen: it lies on the way to the set that the search would return. path: on the last rollout's path.
        left_out: selection avoids it. later: the position is before its first rollout.
    """

    mask: int
    visits: int
    q: float | None
    chosen: bool
    path: bool
    left_out: bool
    later: bool


@dataclass(frozen=True)
class Lattice:
    """Columns of sets by size, 0 to depth; the sets in each, and their order, are those at the end of the search."""

    columns: list[list[Cell]]

    def find(self, mask: int) -> tuple[int, int] | None:
        """Return column and row of a set, or None."""
        if mask.bit_count() >= len(self.columns):
            return None
        rows = [row for row, cell in enumerate(self.columns[mask.bit_count()]) if cell.mask == mask]
        return (mask.bit_count(), rows[0]) if rows else None

    def beside(self, mask: int, step: int) -> int | None:
        """Return the topmost set in the next column (`step` 1) or the one before (-1) that differs by one attribute.

        Sets that are chosen come first, so that a move back and forth along the chosen chain stays on it.
        """
        size = mask.bit_count() + step
        if not 0 <= size < len(self.columns):
            return None
        near = [cell for cell in self.columns[size] if cell.mask & mask in (cell.mask, mask)]
        return next((cell.mask for cell in near if cell.chosen), near[0].mask if near else None)


def build_lattice(state: SearchState, sort: LatticeSort = "Q") -> Lattice:
    """Lay out the lattice of a search: every set that it ever passed, with the figures of the position."""
    whole, now = state.whole_tree, state.tree
    visits_then = dict(zip(whole.masks.tolist(), whole.visits.tolist(), strict=True))
    q_then = dict(zip(whole.masks.tolist(), whole.q.tolist(), strict=True))
    chain = {0} if state.best else set()
    for attribute in state.best.path if state.best else ():
        chain.add(max(chain) | 1 << attribute)
    on_path = set(path_masks(state.trace.path[state.t - 1 : state.t])[0].tolist()) if state.t else set()
    passed = set(state.orders.mask.tolist()) if state.t else set()
    columns: list[list[Cell]] = [[] for _ in range(state.trace.depth + 1)]

    def place(mask: int) -> tuple[float, float, int]:
        visits = visits_then.get(mask, 0)
        q = q_then[mask] if visits else -np.inf
        return (-q, -visits, mask) if sort == "Q" else (-visits, -q, mask)

    for mask in sorted(set(whole_masks(state)), key=place):
        node = now.node_of.get(mask)
        visits = int(now.visits[node]) if node is not None else 0
        columns[mask.bit_count()].append(
            Cell(
                mask,
                visits,
                float(now.q[node]) if node is not None and visits else None,
                mask in chain,
                mask in on_path,
                node is not None and bool(now.left_out[node]),
                mask not in passed,
            )
        )
    return Lattice(columns)


def whole_masks(state: SearchState) -> list[int]:
    """List the sets that any rollout passed through."""
    return [int(mask) for mask in np.unique(state.whole.mask)]


def abbreviations(names: tuple[str, ...]) -> tuple[str, ...]:
    """Shorten names to beginnings of at least three letters that tell them apart."""
    length = 3
    while length < max(map(len, names), default=0) and len({name[:length] for name in names}) < len(set(names)):
        length += 1
    return tuple(name[:length].strip() for name in names)


def set_label(mask: int, short: tuple[str, ...]) -> str:
    """Write a set with short names, in canonical order."""
    return " ".join(short[a] for a in members(mask)) or "nothing"


def most_taken_order(state: SearchState, mask: int) -> tuple[int, ...]:
    """Return the order that most rollouts took to a set, or the canonical one if none did."""
    whole = state.whole
    at = [int(node) for node in (whole.mask == mask).nonzero()[0]]
    return order_of(whole, max(at, key=lambda node: int(whole.visits[node]))) if at else members(mask)
