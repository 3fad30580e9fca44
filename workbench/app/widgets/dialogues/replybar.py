"""Where a person who took a dialogue over replies to its question."""

from typing import ClassVar, Literal

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Static

from workbench.app.keynames import key_name

Verb = Literal["say", "refuse", "simulate", "ask", "finish", "cancel"]
"""What a running branch is told: the reply, that the user would rather not say, that the simulated user replies, that
something else is asked, that the answer comes now, or that the branch is given up."""


class ReplyInput(Input):
    """The reply. Keys beside typing tell the branch what else may happen."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+r", "tell('refuse')", "Refuse", id="reply.refuse", priority=True, show=False),
        Binding("ctrl+s", "tell('simulate')", "Simulated user replies", id="reply.simulate", priority=True, show=False),
        Binding("ctrl+t", "tell('ask')", "Ask something else", id="reply.ask", priority=True, show=False),
        Binding("ctrl+n", "tell('finish')", "Answer now", id="reply.finish", priority=True, show=False),
        Binding("ctrl+x", "tell('cancel')", "Give up", id="reply.cancel", priority=True, show=False),
        Binding("escape", "leave", "Leave the line", id="reply.leave", show=False),
    ]

    def action_tell(self, verb: Verb) -> None:
        """Say what happens instead of a reply."""
        self.post_message(ReplyBar.Told(verb, ""))

    async def action_leave(self) -> None:
        """Give the keys back to the dialogue."""
        await self.run_action("screen.pane(0)")


class ReplyBar(Vertical):
    """The question that waits, and a line to reply in."""

    class Told(Message):
        """A person wants something of the running branch."""

        def __init__(self, verb: Verb, text: str) -> None:
            super().__init__()
            self.verb: Verb = verb
            self.text = text

    waiting = False
    """Whether a question was shown last."""

    def compose(self) -> ComposeResult:
        """Yield question, line and keys."""
        yield Static(id="reply-question", markup=False)
        yield ReplyInput(placeholder="reply as the user, enter sends it", id="reply-text", compact=True)
        yield Static(classes="keys")

    def on_mount(self) -> None:
        """Say the line's keys."""
        ways = {
            "refuse": "refuse",
            "simulate": "simulated user replies",
            "ask": "ask something else",
            "finish": "answer now",
            "cancel": "give up",
            "leave": "leave",
        }
        said = (f"{key_name(self, f'reply.{name}')} {words}" for name, words in ways.items())
        self.query_one(".keys", Static).update(Content(" · ".join(said)))

    def show(self, text: str, *, waiting: bool) -> None:
        """Show the question that waits, or what is waited for."""
        self.query_one("#reply-question", Static).update(text)
        self.line.disabled = not waiting
        self.waiting = waiting

    @property
    def line(self) -> ReplyInput:
        """The line to reply in."""
        return self.query_one(ReplyInput)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Send the reply."""
        event.stop()
        if event.value.strip():
            event.input.clear()
            self.post_message(self.Told("say", event.value.strip()))
