"""What the inspector of the Search screen says about the state under the cursor, as lines."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from rich.cells import cell_len

from planner.inspection import Inspection, inspect, why_not
from planner.tree import ActionScore
from workbench.app.state.search.difference import Side
from workbench.app.state.search.search import SearchState
from workbench.app.state.spans import ABSENT, Line, Span, cut, muted
from workbench.engine.revisit.evidence import Evidence
from workbench.explain import (
    decision_words,
    evidence_words,
    passage_words,
    ranking_words,
    scale_words,
    set_words,
    short_names,
    why_not_words,
)
from workbench.report.treechart import value_band
from workbench.text import plain

Sensitive = Callable[[str], str]
"""Makes a text that speaks of a person safe to show, and blurs it while the user wants that; line breaks stay."""

_Columns = dict[str, int]
"""Titles and cells of columns of figures."""

_N, _Q = 4, 7
"""Cells of the columns that are always there."""

_CHOICES: tuple[_Columns, ...] = ({"prior": 5, "bonus": 6, "score": 6}, {"prior": 5, "score": 6}, {"score": 6}, {})
"""What else is shown, from most to least room."""

_HEADING, _NAMES = "next attribute", 13
"""The title of the names, and cells that they have before a column of figures is left out for them."""

_BETWEEN = "│"
"""Parts the figures of two searches."""


@dataclass(frozen=True)
class Page:
    """The inspector's lines.

    Fields:
        heading: of the table of actions; stays when the rest is scrolled.
        lines: first a line for each action, then sentences.
        reward: the line that opens and closes the response behind the reward; None where there is none.
    """

    heading: Line
    lines: list[Line]
    reward: int | None


@dataclass
class InspectorState:
    """A state of a search under the inspector, its own cursor among the actions, and what is known of the reward.

    Fields:
        names: `[n]`, what the attributes are called.
        inspection: what is looked at; None while nothing is. beside: the same set in the search beside it, if it can
            have it. side: where the search stands whose state is explained.
        attribute: the action under the inspector's cursor; kept while one looks at other states and positions.
        opened: the response behind the reward is shown in full.
        evidence: what stands behind the reward, once it was read.
    """

    names: tuple[str, ...] = ()
    inspection: Inspection | None = None
    beside: Inspection | None = None
    side: Side = "left"
    attribute: int | None = None
    opened: bool = False
    evidence: Evidence | None = None
    _unit: int | None = field(default=None, repr=False)

    def look(self, search: SearchState | None, beside: SearchState | None = None, side: Side = "left") -> None:
        """Look at the state under the cursor of a search, at its position.

        Args:
            beside: the search to compare it with, at its own position. side: where `search` stands of the two.
        """
        if search is None:
            self.inspection = self.beside = self.evidence = None
            return
        self.names, self._unit, self.side = search.names, search.unit, side
        self.inspection = inspect(search.trace, search.cursor_mask, search.t, search.tree)
        self.beside = None
        if beside is not None and not search.cursor_mask & ~beside.trace.available:
            self.beside = inspect(beside.trace, search.cursor_mask, beside.t, beside.tree)
        if self.evidence is not None and not self.takes(self.evidence):
            self.evidence = None

    @property
    def wanted(self) -> int | None:
        """The rollout (from 1) whose evidence belongs here: the last one through this state."""
        passage = self.inspection.passage if self.inspection is not None else None
        return None if passage is None else passage.rollout

    def takes(self, evidence: Evidence) -> bool:
        """Tell whether evidence belongs here."""
        return (evidence.unit, evidence.rollout) == (self._unit, self.wanted)

    @property
    def cursor(self) -> int:
        """The row of the action under the cursor; 0 where it is not among the actions."""
        actions = self.inspection.actions if self.inspection is not None else ()
        return next((row for row, action in enumerate(actions) if action.attribute == self.attribute), 0)

    def point(self, row: int) -> None:
        """Put the cursor on the action of a row."""
        if self.inspection is not None and 0 <= row < len(self.inspection.actions):
            self.attribute = self.inspection.actions[row].attribute

    def title(self, width: int) -> str:
        """Say in `width` cells what is looked at: the set, cut if need be, with its N and Q (1-5)."""
        if self.inspection is None:
            return "inspector"
        both = self._sides
        visits = " | ".join(str(seen.visits) for seen in both)
        q = " | ".join(ABSENT if math.isnan(seen.q) else f"{seen.q:.2f}" for seen in both)
        figures = f" · N {visits} · Q {q}"
        return cut(plain(set_words(self.inspection.mask, short_names(self.names))), width - len(figures)) + figures

    @property
    def _sides(self) -> tuple[Inspection, ...]:
        """What is shown, from left to right."""
        shown = tuple(seen for seen in (self.inspection, self.beside) if seen is not None)
        return shown[::-1] if self.side == "right" else shown

    def page(self, width: int, sensitive: Sensitive) -> Page:
        """Lay everything out for lines of `width` cells."""
        seen = self.inspection
        if seen is None:
            return Page((), [(muted("Move to a node of the tree to see how its actions stand."),)], None)
        names = tuple(map(plain, self.names))
        sides = self._sides
        columns = _columns(width, len(sides))
        room = max(6, width - _cells(columns, len(sides)) - 1)
        shown = names if all(cell_len(name) <= room for name in names) else short_names(names)
        room = min(room, max(map(cell_len, (_HEADING, *shown))) + 2)
        lines = [_row(seen, sides, action, shown[action.attribute], room, columns) for action in seen.actions]
        for label, text, role in self._sentences(seen, shown):
            lines += wrapped((Span(label, "primary", bold=True), Span(text, role)), width)
        reward = None
        if seen.passage is not None:
            reward = len(lines)
            lines += self._reward(width, sensitive)
        lines += wrapped((muted(scale_words(seen.rule)),), width) if seen.scored else []
        return Page(
            _heading(room, columns, len(sides)) if seen.actions else (muted("no action: the subset is complete"),),
            lines,
            reward,
        )

    def _sentences(self, seen: Inspection, names: Sequence[str]) -> list[tuple[str, str, str]]:
        found = []
        if seen.scored:
            action = seen.actions[self.cursor]
            answer = why_not(seen, action.attribute)
            label = "next" if answer.leader is action else "why not"
            text = f" {names[action.attribute]}? " if label == "why not" else f" {names[action.attribute]}: "
            found.append((label, text + why_not_words(answer, seen, names), "foreground"))
        if seen.decision is not None:
            found.append(("last choice", f" {decision_words(seen.decision, names)}", "foreground"))
        if seen.actions:
            found.append(("prior", f" {ranking_words(seen, names)}", "text-muted"))
        return found

    def _reward(self, width: int, sensitive: Sensitive) -> list[Line]:
        assert self.inspection is not None
        words = passage_words(self.inspection).removeprefix("reward ")
        spans = [Span("reward", "primary", bold=True), Span(f" {words}")]
        found = self.evidence
        if found is None:
            return wrapped((*spans, muted(" …")), width)
        spans.append(
            Span(f" = {plain(evidence_words(found))}")
            if found.dimensions
            else muted(f" · {plain(evidence_words(found))}")
        )
        if not found.samples:
            return wrapped(spans, width)
        lines = wrapped((*spans, muted(f" {'▾' if self.opened else '▸'} response")), width)
        for sample in found.samples if self.opened else ():
            score = ABSENT if sample.verdict is None else f"{sample.verdict.score:.2f}"
            lines += [(), (muted(f"sample {sample.number} · {score}"),)]
            for text, role in ((sample.response, "foreground"), (sample.error, "error")):
                for part in sensitive(text).splitlines() if text else ():
                    lines += wrapped((Span(part, role),), width, indent=0)
            if sample.verdict is not None and sample.verdict.rationale:
                lines += wrapped((Span("judge ", "note"), Span(sensitive(sample.verdict.rationale))), width)
        return [*lines, ()] if self.opened else lines


def wrapped(spans: Sequence[Span], width: int, indent: int = 2) -> list[Line]:
    """Break spans into lines of `width` cells at most, between words; later lines are indented, long words cut up."""
    lines: list[list[Span]] = [[]]
    used = 0

    def add(text: str, span: Span) -> None:
        nonlocal used
        last = lines[-1][-1] if lines[-1] else None
        if last is not None and last[1:] == span[1:]:
            lines[-1][-1] = last._replace(text=last.text + text)
        else:
            lines[-1].append(span._replace(text=text))
        used += cell_len(text)

    for span in spans:
        for number, word in enumerate(span.text.split(" ")):
            text = f" {word}" if number else word
            while text:
                if used + cell_len(text) <= width:
                    add(text, span)
                    break
                if used > indent or (used and len(lines) == 1):
                    lines.append([Span(" " * indent)] * (indent > 0))
                    used, text = indent, text.lstrip(" ")
                    continue
                head = cut(text, max(1, width - used)).removesuffix("…") or text[:1]
                add(head, span)
                text = text[len(head) :]
    return [tuple(line) for line in lines]


def _columns(width: int, sides: int) -> _Columns:
    """Return the columns that there is room for beside names, N and Q."""
    return next((found for found in _CHOICES if _cells(found, sides) + _NAMES <= width), _CHOICES[-1])


def _cells(columns: _Columns, sides: int) -> int:
    """Return how many cells the figures take, with what parts the sides."""
    return sides * (_N + _Q + sum(columns.values()) + 1) + sides - 1


def _heading(room: int, columns: _Columns, sides: int) -> Line:
    titles = f"{'N':>{_N}}{'Q ':>{_Q}}" + "".join(f"{title:>{cells}}" for title, cells in columns.items()) + " "
    name = cut(_HEADING if room >= len(_HEADING) else "next", room)
    return (muted(f"{name:<{room}}{_BETWEEN.join([titles] * sides)}"),)


def _row(
    seen: Inspection, sides: Sequence[Inspection], action: ActionScore, name: str, room: int, columns: _Columns
) -> Line:
    name = cut(name, room)
    spans = [Span(name + " " * (room - cell_len(name)), _quiet(action), bold=action is seen.next)]
    for number, side in enumerate(sides):
        spans += [muted(_BETWEEN)] * (number > 0)
        spans += _figures(side, action.attribute, columns)
    return tuple(spans)


def _figures(seen: Inspection, attribute: int, columns: _Columns) -> list[Span]:
    try:
        action = seen.action(attribute)
    except KeyError:
        return [muted(f"{ABSENT:>{_N}}" + " " * (_Q + sum(columns.values()) + 1))]
    q = seen.rule.shown(action.q)
    value = ABSENT + " " if math.isnan(q) else f"({q:.2f})" if action.first_play else f"{q:.2f} "
    spans = [Span(f"{action.visits:>{_N}}", _quiet(action)), Span(value.rjust(_Q), _value_role(q, action))]
    if not seen.scored:
        spans.append(muted(f"{ABSENT if columns else '':>{sum(columns.values())}}"))
    else:
        said = {
            "prior": Span(f"{action.prior:.2f}", "prior"),
            "bonus": muted(f"{action.bonus:.3f}"),
            "score": Span(f"{action.score:.3f}", _quiet(action), bold=action is seen.next),
        }
        spans += [said[title]._replace(text=said[title].text.rjust(cells)) for title, cells in columns.items()]
    spans.append(Span("⊘", "warning") if action.left_out else Span("◀" if seen.taken == attribute else " ", "path"))
    return spans


def _quiet(action: ActionScore) -> str:
    return "text-muted" if action.left_out else "foreground"


def _value_role(q: float, action: ActionScore) -> str:
    if math.isnan(q) or action.first_play or action.left_out:
        return "text-muted"
    return f"value-{value_band(q)}"
