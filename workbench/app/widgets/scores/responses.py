"""One response with its verdicts, what the other one lacks marked in it."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Protocol

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from simulator.world import DIMENSIONS, HUMAN
from workbench.app.look import dots, status_content
from workbench.app.state.scores.textdiff import Piece
from workbench.text import plain

_OPEN, _CLOSE = "‹", "›"
"""Stand around words that only this response has, so that they are seen without colour."""


class Cover(Protocol):
    """Makes a text safe to show, and blurs it where texts are blurred: `WorkbenchApp.sensitive`."""

    def __call__(self, text: str, *, lines: bool = False) -> str:
        """Return the text as it may be shown."""
        ...


class Answer(VerticalScroll, can_focus=True, inherit_bindings=False):
    """A response and, below it, how each judge sees it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "screen.step(-1)", "Scenario before", id="answer.previous", show=False),
        Binding("down", "screen.step(1)", "Next scenario", id="answer.next", show=False),
        Binding("left", "screen.second(-1)", "Arm before, on the right", id="answer.arm_before", show=False),
        Binding("right", "screen.second(1)", "Next arm, on the right", id="answer.next_arm", show=False),
        Binding("pageup", "screen.page(-1)", "Scroll both up", id="answer.page_up", show=False),
        Binding("pagedown", "screen.page(1)", "Scroll both down", id="answer.page_down", show=False),
        Binding("enter", "screen.dialogue", "Its dialogue", id="answer.dialogue", show=False),
    ]

    def compose(self) -> ComposeResult:
        """Yield the text."""
        yield Static(markup=False)

    def show(self, content: Content) -> None:
        """Show a response, as `answer_content` makes it."""
        self.query_one(Static).update(content)


def answer_content(
    pieces: Sequence[Piece], verdicts: Sequence[Mapping[str, Any]], world: str, cover: Cover, crisis: bool
) -> Content:
    """Return a response with the pieces that only it has marked, and its verdicts.

    Args:
        verdicts: of `storage.judgements.scenario_responses`.
        cover: goes over every text.
    """
    parts = [status_content("crisis") + Content("\n")] if crisis else []
    for piece in pieces:
        text = cover(piece.text, lines=True)
        if piece.only and text.strip():
            lead = text[: len(text) - len(text.lstrip())]
            mark = Content.styled(_OPEN, "$mark"), Content.styled(_CLOSE, "$mark")
            parts.append(Content(lead) + mark[0] + Content.styled(text.strip(), "underline $mark") + mark[1])
            parts.append(Content(text[len(text.rstrip()) :]))
        else:
            parts.append(Content(text))
    parts += [Content("\n\n") + verdict_content(verdict, world, cover) for verdict in verdicts]
    return Content("").join(parts)


def verdict_content(verdict: Mapping[str, Any], world: str, cover: Cover) -> Content:
    """Return one judge's view: score, three dimensions as five steps, how many repeats were valid, the rationale."""
    judge = plain(str(verdict["judge"]))
    person = judge.startswith(HUMAN)
    who = judge if person else f"judge {judge}"
    lines = [Content.styled(who, "bold") + Content.styled("" if person else f" · {plain(world)}", "$text-muted")]
    if verdict["score"] is None:
        lines.append(status_content("failed") + Content(f" {plain(verdict['error'] or 'no reason stated')}"))
        return Content("\n").join(lines)
    repeats = verdict["repeats"]
    valid = f"   {verdict['valid']} of {repeats} repeats valid" if repeats and repeats > 1 else ""
    lines[0] += Content.styled(f"   {verdict['score']:.2f}", "bold") + Content.styled(valid, "$text-muted")
    for name in DIMENSIONS:
        value = verdict[name]
        if value is not None:
            colour = "$value-high" if value >= 3.5 else "$value-mid" if value >= 2.5 else "$value-low"
            steps = Content.styled(dots(value), colour)
            lines.append(Content(f"  {name.replace('_', ' '):<18}") + steps + Content(f" {value:g}"))
    if verdict["rationale"]:
        lines.append(Content.styled(cover(verdict["rationale"]), "$text-muted"))
    return Content("\n").join(lines)
