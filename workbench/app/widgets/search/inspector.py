"""The inspector: how the actions of the state under the cursor stand, and why."""

from collections.abc import Callable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.events import Click
from textual.message import Message

from workbench.app.state.search.difference import Side
from workbench.app.state.search.inspection import InspectorState, Page
from workbench.app.state.search.search import SearchState
from workbench.app.widgets.linelist import LineList
from workbench.engine.revisit.evidence import Evidence


class Inspector(LineList):
    """Shows an `InspectorState`. Its cursor moves over the actions; what follows is about the one under it.

    Fields:
        state: what is shown. search: the one whose state is explained.
    """

    DEFAULT_CSS = "Inspector { scrollbar-gutter: stable; scrollbar-size-vertical: 1; }"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "Go to this action's node", id="inspector.go", show=False),
        Binding("o", "reward", "Response behind the reward", id="inspector.reward", show=False),
    ]

    class Chosen(Message):
        """The user wants to see where an action leads."""

        def __init__(self, attribute: int) -> None:
            super().__init__()
            self.attribute = attribute

    class EvidenceWanted(Message):
        """What stands behind the reward of a rollout (from 1) is to be read, and handed to `tell`."""

        def __init__(self, rollout: int) -> None:
            super().__init__()
            self.rollout = rollout

    def __init__(self, sensitive: Callable[[str], str], name: str = "inspector") -> None:
        """Make an inspector.

        Args:
            sensitive: makes a text of a person safe to show, line breaks kept, and blurs it if wanted.
            name: its id.
        """
        super().__init__(id=name)
        self.state = InspectorState()
        self.search: SearchState | None = None
        self._sensitive = sensitive
        self._page = Page((), [], None)

    def look(self, search: SearchState | None, beside: SearchState | None = None, side: Side = "left") -> None:
        """Show the state under the cursor of a search at its position; see `InspectorState.look`."""
        before, self.search = self.state.inspection, search
        self.state.look(search, beside, side)
        self.redraw()
        seen = self.state.inspection
        if (before is None) != (seen is None) or (before and seen and before.mask != seen.mask):
            self.scroll_to(y=0, animate=False)
        if self.state.evidence is None and self.state.wanted is not None:
            self.post_message(self.EvidenceWanted(self.state.wanted))

    def tell(self, evidence: Evidence) -> None:
        """Show what stands behind the reward, unless another rollout or search is looked at by now."""
        if self.state.takes(evidence):
            self.state.evidence = evidence
            self.redraw()

    def redraw(self) -> None:
        """Lay the lines out anew: after other texts, another width, or when texts are blurred or no longer."""
        self._page = self.state.page(max(20, self.scrollable_content_region.width - 1), self._sensitive)
        self.cursor = self.state.cursor
        self.show(self._page.lines, heading=self._page.heading or None)

    @property
    def _count(self) -> int:
        return len(self.state.inspection.actions) if self.state.inspection is not None else 0

    def action_move(self, by: int) -> None:
        """Move the cursor over the actions, then scroll on over the sentences."""
        before = self.cursor
        if by < 0 and self.scroll_offset.y > self.cursor:
            self.scroll_relative(y=max(by, -self.scroll_offset.y), animate=False)
            return
        self.state.point(max(0, min(before + by, self._count - 1)))
        if self.state.cursor == before:
            self.scroll_relative(y=by, animate=False)
        else:
            self.redraw()
            self._reveal()

    def action_page(self, by: int) -> None:
        """Scroll by windows."""
        self.scroll_relative(y=by * max(1, self.size.height - 2), animate=False)

    def action_open(self) -> None:
        """Say that the action under the cursor is to be seen."""
        if self._count and self.state.inspection is not None:
            self.post_message(self.Chosen(self.state.inspection.actions[self.cursor].attribute))

    def action_reward(self) -> None:
        """Show the response and the verdict behind the reward, or put them away."""
        self.state.opened = not self.state.opened
        self.redraw()
        if self.state.opened and self._page.reward is not None:
            self.scroll_to(y=self._page.reward, animate=False)

    def on_click(self, event: Click) -> None:
        """Put the cursor on an action, by a second click go there; a click on the reward opens it."""
        event.prevent_default()
        line = event.y - 1 + self.scroll_offset.y
        if line == self._page.reward:
            self.action_reward()
        elif 0 <= line < self._count and event.y > 0:
            self.state.point(line)
            self.redraw()
            if event.chain == 2:
                self.action_open()

    def on_resize(self) -> None:
        """Lay the lines out for the new width."""
        self.redraw()
