"""The palette's nodes: where in the open tree an order or a set of attributes stands, by their names."""

from functools import partial
from typing import TYPE_CHECKING, cast

from textual.command import Hit, Hits, Provider

from workbench.app.state.search.search import SearchState
from workbench.app.state.search.treerows import order_of
from workbench.explain import short_names
from workbench.text import plain

if TYPE_CHECKING:
    from workbench.app.screens.search import SearchScreen

_MOST = 12
"""Nodes at most; more letters find the others."""


def matching_orders(state: SearchState, text: str) -> list[tuple[int, ...]]:
    """Return the orders that hold an attribute for each word of a text, in any order; short and often taken first."""
    words = text.casefold().split()
    names = [plain(name).casefold() for name in state.names]
    fitting = [{a for a, name in enumerate(names) if word in name} for word in words]
    if not words or not all(fitting):
        return []
    whole = state.whole
    found = [
        (order, int(whole.visits[node]))
        for node, order in ((node, order_of(whole, node)) for node in range(1, len(whole.parent)))
        if all(set(order) & fits for fits in fitting)
    ]
    return [order for order, _ in sorted(found, key=lambda item: (len(item[0]), -item[1]))[:_MOST]]


class Nodes(Provider):
    """Goes to a node of the search that is open, by words of its attributes' names."""

    async def search(self, query: str) -> Hits:
        """Yield what fits."""
        screen = cast("SearchScreen", self.screen)
        state = screen.desk.state
        if state is None:
            return
        short = short_names(tuple(map(plain, state.names)))
        matcher = self.matcher(query)
        for rank, order in enumerate(matching_orders(state, query)):
            label = "node " + " > ".join(short[a] for a in order)
            score = max(matcher.match(label), 0.6) - rank / 100
            yield Hit(score, matcher.highlight(label), partial(screen.go_to_node, order), help="node of this tree")
