"""The visible rows of the tree of orders, as flat arrays: which there are, in which order, and what stands in them.

Rows are a function of the search, its position and what is folded: they are laid out anew for every change, level by
level, which takes about a millisecond for ten thousand rows. So nothing can go stale, and scrubbing back and forth
always comes to the same rows.
"""

from dataclasses import dataclass, field
from enum import IntFlag
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from planner.tree import OrderTree, Tree
from workbench.app.state.search.search import SearchState

Sort = Literal["N", "Q", "prior"]
SORTS: tuple[Sort, ...] = get_args(Sort)

THRESHOLDS = (None, 0, 3, 10, 30, 100)
"""Fewest visits of the sets that are shown, as `v` goes through them; None goes with the length of the search."""

TOPS = (None, 3, 5)
"""Most children shown of a node; None = all."""


class Mark(IntFlag):
    """What is special about a row."""

    PATH = 1  # on the last rollout's path
    CHOSEN = 2  # on the path that the search would return
    SEVERAL = 4  # its set was reached by several orders
    FIRST_PLAY = 8  # N = 0: its value is the one that stands for an action never taken
    LEFT_OUT = 16  # selection avoids it, since evaluations failed
    LATER = 32  # the position is before its first rollout
    LEAF = 64  # nothing hangs on it
    OPEN = 128  # its children are shown
    MORE = 256  # stands for the hidden children of its node


@dataclass(frozen=True, eq=False)
class Rows:
    """R visible rows, from the top.

    Fields:
        node: `[R]` int64, nodes of `SearchState.whole`; in a row of `Mark.MORE` the one whose children are hidden.
        depth: `[R]` int64, attributes acquired (of a row of `Mark.MORE`: of what it hides).
        attribute: `[R]` int64, acquired last; -1 where nothing is.
        mask: `[R]` int64, the set.
        visits: `[R]` int64, N of the set. q: `[R]` float64, its Q or first-play value, 1-5; NaN where there is none.
        order: `[R]` int64, rollouts through exactly this order.
        prior: `[R]` float64, of the action that leads here; NaN where none is known.
        mark: `[R]` int64, of `Mark`.
        hidden: `[R]` int64, children that a row of `Mark.MORE` stands for, else 0.
        least: fewest visits of what is shown; hidden rows have fewer, or stand behind the first of their siblings.
    """

    node: NDArray[np.int64]
    depth: NDArray[np.int64]
    attribute: NDArray[np.int64]
    mask: NDArray[np.int64]
    visits: NDArray[np.int64]
    q: NDArray[np.float64]
    order: NDArray[np.int64]
    prior: NDArray[np.float64]
    mark: NDArray[np.int64]
    hidden: NDArray[np.int64]
    least: int

    def __len__(self) -> int:
        return len(self.node)

    def find(self, node: int, *, more: bool = False) -> int | None:
        """Return the row of a node, or that of its hidden children; None if it is not visible."""
        at = np.flatnonzero((self.node == node) & (((self.mark & Mark.MORE) != 0) == more))
        return int(at[0]) if len(at) else None

    def is_more(self, row: int) -> bool:
        """Tell whether a row stands for hidden children."""
        return bool(self.mark[row] & Mark.MORE)


@dataclass
class TreeRows:
    """How the tree of orders is looked at. Nodes are those of `SearchState.whole`, whose numbers stay as it grows.

    Fields:
        sort: what siblings are sorted by, highest first.
        least: fewest visits of sets that are shown; None = a thirtieth of the rollouts.
        top: most children shown of a node; None = all.
        later: show rows that the position has not come to yet; places then go by the end of the search and stay as
            they are while the position moves. Else they go by what there is at the position.
        unfolded, folded: nodes opened and closed by hand. Of the others those are open that many rollouts went through,
            and the path that the search would return.
        entire: nodes of which every child is shown. revealed: nodes shown whatever their visits.
    """

    sort: Sort = "N"
    least: int | None = None
    top: int | None = None
    later: bool = True
    unfolded: set[int] = field(default_factory=set)
    folded: set[int] = field(default_factory=set)
    entire: set[int] = field(default_factory=set)
    revealed: set[int] = field(default_factory=set)

    def threshold(self, state: SearchState) -> int:
        """Return the fewest visits of what is shown."""
        rollouts = state.trace.rollouts if self.later else state.t
        return rollouts // 30 if self.least is None else self.least

    def toggle(self, node: int, *, opened: bool) -> None:
        """Open or close a node."""
        self.unfolded.discard(node)
        self.folded.discard(node)
        (self.unfolded if opened else self.folded).add(node)

    def reveal(self, orders: OrderTree, node: int) -> None:
        """Make a node visible: open what it hangs on, and show all of them whatever their visits."""
        while node > 0:
            self.revealed.add(node)
            node = int(orders.parent[node])
            self.toggle(node, opened=True)

    def build(self, state: SearchState) -> Rows:
        """Lay out the rows of a search at its position."""
        orders = state.whole if self.later else state.orders
        seen = _seen_as(state.tree, orders)
        placing = seen if state.at_end or not self.later else _seen_as(state.whole_tree, orders)
        # What only counts rewards for what was evaluated has sets without visits on the way there.
        often = placing.visits if state.trace.backup == "path" else orders.visits
        least = self.threshold(state)
        layout = _Layout(orders, _sort_keys(self.sort, placing, often))
        shown = often >= least
        if self.top is not None:
            shown &= layout.rank() < self.top
        shown |= _among(self.revealed, orders) | _among(self.entire, orders)[orders.parent]
        chosen = np.zeros(len(shown), np.bool_)
        found = state.whole_best if self.later else state.best
        chosen[nodes_along(orders, found.path if found else ())] = True
        shown |= chosen  # wherever it leads, the answer is seen
        open_ = chosen | (orders.visits >= max(2, orders.visits[0] // 8)) | _among(self.unfolded, orders)
        open_ &= ~_among(self.folded, orders)
        open_[0] = 0 not in self.folded
        node, more, hidden = layout.rows(open_, shown)
        mark = _marks(state, orders, seen)
        mark |= np.where(layout.children == 0, Mark.LEAF, np.where(open_, Mark.OPEN, 0))
        visits = np.zeros(len(orders.parent), np.int64)
        visits[: len(state.orders.visits)] = state.orders.visits[: len(visits)]
        return Rows(
            node=node,
            depth=layout.level[node] + more,
            attribute=np.where(more, -1, orders.attribute[node]),
            mask=orders.mask[node],
            visits=np.where(more, 0, seen.visits[node]),
            q=np.where(more, np.nan, seen.q[node]),
            order=np.where(more, 0, visits[node]),
            prior=np.where(more, np.nan, seen.prior[node]),
            mark=np.where(more, Mark.MORE, mark[node]),
            hidden=hidden,
            least=least,
        )


@dataclass(frozen=True)
class _Seen:
    """N and Q (1-5) of every node's set, and the prior of the action that leads to the node, `[M]` each."""

    visits: NDArray[np.int64]
    q: NDArray[np.float64]
    prior: NDArray[np.float64]
    left_out: NDArray[np.bool_]


def _seen_as(tree: Tree, orders: OrderTree) -> _Seen:
    """Look the sets of the nodes up in a tree of sets.

    Unvisited ones have the first-play value as their Q, unless the search evaluates only where paths end.
    """
    place = np.full(1 << tree.n, -1)
    place[tree.masks] = np.arange(len(tree.masks))
    at, above = place[orders.mask], place[orders.mask[orders.parent]]
    # A row for what is not in the tree, which index -1 finds.
    visits, q = np.append(tree.visits, 0), np.append(tree.q, np.nan)
    prior = np.vstack([tree.prior, np.full((1, tree.n), np.nan)])
    left = np.append(tree.left_out, False)
    rule = tree.rule
    inherited = np.where(visits[above] > 0, q[above], rule.shown(rule.start))
    first_play = inherited if rule.first_play is None else rule.shown(rule.first_play)
    leads = prior[above, orders.attribute]
    leads[0] = np.nan
    values = np.where(visits[at] > 0, q[at], first_play if tree.backup == "path" else np.nan)
    values[0] = q[at[0]]
    return _Seen(visits[at], values, leads, left[at])


def _sort_keys(sort: Sort, seen: _Seen, often: NDArray[np.int64]) -> tuple[NDArray[np.float64], ...]:
    """Return keys, the strongest last, that put what counts most first."""
    visits, q = -often.astype(np.float64), -np.where(seen.visits > 0, seen.q, -np.inf)
    if sort == "Q":
        return visits, q
    return (q, visits) if sort == "N" else (q, visits, -np.nan_to_num(seen.prior, nan=-1.0))


def _among(nodes: set[int], orders: OrderTree) -> NDArray[np.bool_]:
    found = np.zeros(len(orders.parent), np.bool_)
    at = np.fromiter(nodes, np.int64, len(nodes))
    found[at[at < len(found)]] = True
    return found


def _marks(state: SearchState, orders: OrderTree, seen: _Seen) -> NDArray[np.int64]:
    count = len(orders.parent)
    mark = np.zeros(count, np.int64)
    there = np.arange(count) < len(state.orders.parent)
    several = np.bincount(orders.mask[there], minlength=1 << state.trace.n)[orders.mask] > 1
    for which, applies in (
        (Mark.SEVERAL, several),
        (Mark.FIRST_PLAY, (seen.visits == 0) & (np.arange(count) > 0) & (state.trace.backup == "path")),
        (Mark.LEFT_OUT, seen.left_out),
        (Mark.LATER, ~there),
    ):
        mark |= np.where(applies, which, 0)
    if state.t:
        on = state.orders.nodes[-1]
        mark[on[on >= 0]] |= Mark.PATH
    if state.best is not None:
        mark[nodes_along(state.orders, state.best.path)] |= Mark.CHOSEN
    return mark


def nodes_along(orders: OrderTree, order: tuple[int, ...]) -> list[int]:
    """List the nodes from the root on along an order, as far as there are any."""
    nodes = [0]
    for attribute in order:
        below = np.flatnonzero((orders.parent == nodes[-1]) & (orders.attribute == attribute))
        if not len(below):
            break
        nodes.append(int(below[0]))
    return nodes


def order_of(orders: OrderTree, node: int) -> tuple[int, ...]:
    """Return the attributes along the way to a node."""
    order: list[int] = []
    while node > 0:
        order.append(int(orders.attribute[node]))
        node = int(orders.parent[node])
    return tuple(reversed(order))


class _Layout:
    """Places rows: siblings beside each other in sorted order, each above what hangs on it.

    Fields:
        level: `[M]` int64, attributes acquired. children: `[M]` int64, how many hang on the node.
    """

    def __init__(self, orders: OrderTree, keys: tuple[NDArray[np.float64], ...]) -> None:
        count = len(orders.parent)
        self._parent = orders.parent
        self.level = np.zeros(count, np.int64)
        self._levels = [np.zeros(1, np.int64)]
        self.children = np.bincount(orders.parent[1:], minlength=count)
        while len(below := self._below(self._levels[-1])):
            self.level[below] = len(self._levels)
            self._levels.append(below)
        self._sorted = np.lexsort((np.arange(count), *keys, orders.parent))  # the root, with parent -1, comes first
        self._begin = np.cumsum(self.children) - self.children + 1  # of a node's children, in sorted order

    def _below(self, nodes: NDArray[np.int64]) -> NDArray[np.int64]:
        on = np.zeros(len(self._parent), np.bool_)
        on[nodes] = True
        below = on[self._parent]
        below[0] = False
        return np.flatnonzero(below)

    def rank(self) -> NDArray[np.int64]:
        """Return the place of each node among its siblings, from 0, `[M]`."""
        rank = np.empty(len(self._parent), np.int64)
        rank[self._sorted] = np.arange(len(rank)) - self._begin[self._parent[self._sorted]]
        rank[0] = 0
        return rank

    def rows(
        self, open_: NDArray[np.bool_], shown: NDArray[np.bool_]
    ) -> tuple[NDArray[np.int64], NDArray[np.bool_], NDArray[np.int64]]:
        """Return the node of each row, whether it stands for that node's hidden children, and how many, `[R]` each."""
        visible = np.zeros(len(self._parent), np.bool_)
        visible[0] = True
        for nodes in self._levels[1:]:
            above = self._parent[nodes]
            visible[nodes] = visible[above] & open_[above] & shown[nodes]
        kept = np.bincount(self._parent[1:], weights=visible[1:], minlength=len(visible)).astype(np.int64)
        hidden = np.where(visible & open_, self.children - kept, 0)
        size = np.where(visible, 1 + (hidden > 0), 0)
        for nodes in reversed(self._levels[1:]):
            np.add.at(size, self._parent[nodes], size[nodes])
        before = np.cumsum(size[self._sorted]) - size[self._sorted]  # rows of those earlier in sorted order
        start = np.append(before, 0)[np.minimum(self._begin, len(before))]
        offset = np.empty_like(size)
        offset[self._sorted] = before
        row = np.zeros_like(size)
        for nodes in self._levels[1:]:
            above = self._parent[nodes]
            row[nodes] = row[above] + 1 + offset[nodes] - start[above]
        ends = np.flatnonzero(hidden)
        node = np.empty(int(size[0]), np.int64)
        more = np.zeros(len(node), np.bool_)
        node[row[visible]] = np.flatnonzero(visible)
        last = row[ends] + size[ends] - 1
        node[last], more[last] = ends, True
        return node, more, np.where(more, hidden[node], 0)
