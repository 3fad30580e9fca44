"""Dialogues as lines of a given width: what each step shows, and what is known by then."""

from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple

from rich.cells import cell_len

from simulator.attributes import N_ATTRIBUTES
from simulator.world import DIMENSIONS
from workbench.app.state.dialogues.dialogues import Column, Mark, Replay, Turn
from workbench.app.state.marks import mark_lines
from workbench.app.state.spans import ABSENT, Line, Span, cut, line, muted, status_span, text_of, wrapped
from workbench.figures import dots
from workbench.text import plain

Hide = Callable[[str], str]
"""Makes a text of data or models safe to show, and covers it while texts are blurred; line breaks stay."""

_CHOOSERS = {
    "model": "chosen by the model",
    "follow": "followed from a neighbour's path",
    "prior": "next by prior, as the choice could not be read",
    "person": "asked for by a person",
}
_ENDINGS = {
    "sufficient": "what was known was enough",
    "limit": "the most questions were asked",
    "exhausted": "every attribute was asked about",
    "crisis": "immediate danger",
    "person": "a person wanted the answer now",
}
_MARKS: dict[Mark, tuple[str, str, str]] = {
    "": ("", "", "text-muted"),
    "same": ("= same attribute", "= same", "text-muted"),
    "reply": ("≠ same attribute, another reply", "≠ reply", "mark"),
    "differs": ("≠ differs here", "≠ differs", "mark"),
    "only": ("≠ only here", "≠ only here", "mark"),
}
"""What a mark says, what it says where there is little room, and its role."""

_ROOM = 56
"""Cells under which words are short."""

_SHORT = dict(zip(DIMENSIONS, ("risk", "empathy", "fit"), strict=True))
_INDENT = "   "
_COMPLETE = 36
"""Cells that a line on completeness takes."""

_SCORE = "score "
"""Before what answering now would be worth, where there is room for it."""

CRISIS = (
    "This query may come from somebody in immediate danger. No questions were asked; the answer was made to help at "
    "once."
)


class Block(NamedTuple):
    """What one column shows for one step. `step`: 0 = the query, then a step a row of turns, last the answer."""

    step: int
    lines: list[Line]


def blocks(replay: Replay, number: int, width: int, hide: Hide) -> list[Block]:
    """Return what a column shows, a block for each step, in lines of at most `width` cells."""
    column = replay.columns[number]
    found = [Block(0, _opening(column, width, hide))]
    for row in range(replay.rows):
        turn = replay.turn(number, row)
        said = replay.said(number, row + 1)
        lines = _nothing(column, width) if turn is None else _turn(turn, said, replay.mark(row, number), width, hide)
        found.append(Block(row + 1, lines))
    found.append(Block(replay.last, _answer(column, width, hide)))
    return found


def known_lines(replay: Replay, number: int, width: int, key: Callable[[str], str]) -> list[Line]:
    """Return three lines on the step of now: what is known, how complete that is, what answering would be worth."""
    column = replay.columns[number]
    said = column.replied(replay.said(number))
    head = f"known {column.learned(said)}/{N_ATTRIBUTES} "
    spans: list[Span] = [Span(head, bold=True)]
    turns = sorted(column.known(said), key=lambda turn: turn.known is None)  # what is known must not be cut off first
    names = [turn.attribute for turn in turns]
    if cell_len(head) + sum(3 + cell_len(name) for name in names) > width:
        names = [name.removesuffix(" Status").removesuffix(" History").removesuffix(" Level") for name in names]
    room = width - cell_len(head)
    for index, (turn, name) in enumerate(zip(turns, names, strict=True)):
        left = len(turns) - index - 1
        if room < 3 + cell_len(name) + (3 if left else 0):
            spans.append(muted(f" +{left + 1}"))
            break
        glyph = status_span(turn.status or "unknown", word=False)
        spans += [Span(" "), glyph, Span(" "), Span(name) if turn.known is not None else muted(name)]
        room -= 3 + cell_len(name)
    worth = _worth(column, said, key)
    if sum(cell_len(span.text) for span in worth) + len(_SCORE) <= width:
        worth = [muted(_SCORE), *worth]
    return [_fitted(each, width) for each in (spans, _complete(column, said, width), worth)]


def neighbour_lines(replay: Replay, number: int, width: int, hide: Hide) -> list[Line]:
    """Return the planned paths of similar queries that a dialogue was shown, nearest first, two lines each.

    In each path `●` stands before what the dialogue asked about, and the attribute of the step is set off.
    """
    column = replay.columns[number]
    at = replay.turn(number, replay.step - 1) if 0 < replay.step <= replay.rows else None
    neighbours = column.row["neighbours"]
    if not neighbours:
        why = "the agent arm asks without them" if column.row["arm"] == "agent" else "none was used"
        return [line(muted(f"no planned paths: {why}")), ()]
    asked = {turn.attribute for turn in column.turns}
    lines: list[Line] = []
    for rank, neighbour in enumerate(neighbours, start=1):
        score = "published, no score" if neighbour["score"] is None else f"{neighbour['score']:.2f}"
        spans = [muted(f"{rank}  "), Span(score, bold=True), muted(f"  distance {neighbour['distance']:.2f}  ")]
        for place, name in enumerate(neighbour["path"]):
            here = at is not None and name == at.attribute
            spans += [muted(" > ")] * bool(place)
            spans.append(Span(f"● {name}" if name in asked else name, "path" if here else "foreground", bold=here))
        lines.append(_fitted(spans, width))
        entry = plain(str(neighbour["entry"]))
        room = max(10, width - 3 - cell_len(entry) - 3)
        query = cut(" ".join(hide(neighbour["query"]).split()), room)
        lines.append(_fitted([muted(f"   {query} · {entry}")], width))
    return lines


def stopped_lines(column: Column, said: int, width: int, hide: Hide) -> list[Line]:
    """Return what answering after `said` turns came to, where that was asked: the response and its verdicts."""
    probes = column.probes[said]
    lines = [*_said("A", probes[0]["response"] or "", width, hide), ()]
    return lines + [line for probe in probes for line in _verdict(probe, column, width, hide)]


def turn_text(replay: Replay, number: int) -> str:
    """Return what a column says at the step, as text: the query, a question and its reply, or the answer."""
    column = replay.columns[number]
    if replay.step == 0:
        return str(column.row["query"])
    if replay.step > replay.rows:
        return str(column.row["response"] or "")
    turn = replay.turn(number, replay.step - 1)
    return "" if turn is None else f"{turn.question or turn.attribute}\n{turn.reply or ''}".strip()


def _opening(column: Column, width: int, hide: Hide) -> list[Line]:
    lines = [_rule("query", [], width), *_said("U", column.row["query"], width, hide)]
    marks = mark_lines(column.annotations, width - len(_INDENT), hide)
    lines += [line(Span(_INDENT), *each) for each in marks]
    if column.branch is not None:
        spans = [status_span("branch"), muted(f" of {column.branch.parent} · question {column.branch.step + 1}: ")]
        what = cut(" ".join(hide(column.branch.change).split()), max(4, width - 30))
        lines.append(_fitted([Span(_INDENT), *spans, Span(what)], width))
    if column.row["crisis"]:
        lines.append(line(Span(_INDENT), status_span("crisis")))
        lines += [line(Span(_INDENT + part)) for part in wrapped(CRISIS, width - len(_INDENT))]
    facts = [f"simulated user: {plain(column.row['persona'])}"] if column.row["persona"] else []
    if neighbours := len(column.row["neighbours"]):
        facts.append(f"{neighbours} planned path{'s' * (neighbours > 1)} of similar queries")
    lines += [line(muted(_INDENT + part)) for part in wrapped(" · ".join(facts), width - len(_INDENT)) if part]
    if column.row["leaky"]:
        lines.append(_fitted([muted(_INDENT), status_span("leaky")], width))
    return [*lines, ()]


def _turn(turn: Turn, number: int, mark: Mark, width: int, hide: Hide) -> list[Line]:
    long, short, role = _MARKS[mark]
    text = long if width >= _ROOM - 6 else short
    lines = [_rule(f"{number} {turn.attribute}", [Span(text, role, bold=mark not in ("", "same"))] * bool(text), width)]
    if turn.question is None:
        return [*lines, _fitted([muted(f"{_INDENT}imported: only what was asked about is known")], width), ()]
    lines += _said("A", turn.question, width, hide)
    why = _CHOOSERS.get(turn.chosen_by, plain(turn.chosen_by or "")) + (f": {hide(turn.reason)}" if turn.reason else "")
    lines += [_fitted([muted(_INDENT + part)], width) for part in wrapped(why, width - len(_INDENT))]
    if turn.status is None:
        lines.append(line(Span(_INDENT), status_span("waiting"), muted(" for a reply")))
        return [*lines, ()]
    lines += _said("U", turn.reply or "", width, hide)
    if turn.said_by == "person":
        lines.append(_fitted([muted(f"{_INDENT}said by a person, not by the simulated user")], width))
    return [*lines, *_source(turn, width, hide), ()]


def _nothing(column: Column, width: int) -> list[Line]:
    return [_fitted([muted(f"{_INDENT}{'not asked yet' if column.running else 'nothing asked here'}")], width), ()]


def _source(turn: Turn, width: int, hide: Hide) -> list[Line]:
    """Return where a reply came from: attribute, true value, and a badge where it is not simply that."""
    badge = [status_span(turn.status or "unknown")]
    if turn.departs:
        badge = [status_span("departs"), muted(" from the truth")]
    truth = "no value in the profile" if turn.truth is None else hide(turn.truth)
    parts = wrapped(f"⟵ {turn.attribute}: {truth}", width - len(_INDENT))
    lines: list[Line] = [line(muted(_INDENT + part)) for part in parts]
    if turn.known is not None and (turn.departs or turn.status == "partial"):
        lines += [line(muted(_INDENT), Span(part)) for part in wrapped(f"  known as: {hide(turn.known)}", width - 3)]
    if sum(cell_len(span.text) for span in (*lines[-1], *badge)) + 2 <= width:
        lines[-1] = (*lines[-1], Span("  "), *badge)
    else:
        lines.append(line(Span(_INDENT), *badge))
    return lines


def _answer(column: Column, width: int, hide: Hide) -> list[Line]:
    row = column.row
    if column.running:
        return [_rule("going on", [status_span("running")], width), ()]
    if row["response"] is None:
        why = plain(row["error"] or "none is stored")
        lines = [line(Span(_INDENT + part)) for part in wrapped(why, width - len(_INDENT))]
        return [_rule("no answer", [status_span("failed")], width), *lines, ()]
    style = f"{row['style']} prompt" if row["style"] else ""
    lines = [_rule("answer", [muted(style)] * bool(style), width), *_said("A", row["response"], width, hide), ()]
    ending = f"ended: {_ENDINGS.get(row['ending'] or '', plain(row['ending'] or 'not stated'))}"
    given = "not stated" if row["given"] is None else ", ".join(row["given"]) or "nothing"
    unread = [f"could not be read: {plain(each)}" for each in row["invalid"]]
    for text in (ending, f"the answer was given: {given}", *unread):
        lines += [line(muted(_INDENT + part)) for part in wrapped(text, width - len(_INDENT))]
    for verdict in row["verdicts"]:
        lines += _verdict(verdict, column, width, hide)
    return [*lines, ()]


def _verdict(verdict: Mapping[str, Any], column: Column, width: int, hide: Hide) -> list[Line]:
    head = [Span(f"{_INDENT}judge {plain(verdict['judge'])} "), *([status_span("surrogate")] * column.surrogate)]
    if verdict["score"] is None:
        lines = [_fitted([*head, Span(" "), status_span("failed")], width)]
        return lines + [line(muted(f"{_INDENT}  {part}")) for part in wrapped(plain(verdict["error"] or ""), width - 5)]
    lines = [_fitted([*head, Span(f" {verdict['score']:.2f}", bold=True)], width)]
    steps: list[Span] = []
    for name in DIMENSIONS:
        if verdict[name] is not None:
            step = [muted(f"{_SHORT[name]} "), Span(dots(verdict[name])), Span(f" {verdict[name]:g}  ")]
            if steps and cell_len(_INDENT) + cell_len(text_of([*steps, *step]).rstrip()) > width:
                lines.append(_fitted(steps, width))
                steps = []
            steps += [*([] if steps else [Span(_INDENT + "  ")]), *step]
    if steps:
        lines.append(_fitted(steps, width))
    if verdict["rationale"]:
        lines += [line(muted(f"{_INDENT}  {part}")) for part in wrapped(hide(verdict["rationale"]), width - 5)]
    return lines


def _complete(column: Column, said: int, width: int) -> list[Span]:
    """Say how complete what is known was rated, and from where on that is enough."""
    threshold, rating = column.row["threshold"], column.completeness(said)
    spans = [
        muted("completeness " if width >= _COMPLETE else "complete "),
        Span(dots(rating)),
        Span(f" {ABSENT if rating is None else rating}/5", bold=True),
    ]
    if threshold is not None:
        enough = rating is not None and rating >= threshold
        spans.append(Span(f"  stops at {threshold}{' ✔' if enough else ''}", "success" if enough else "text-muted"))
    return spans


def _worth(column: Column, said: int, key: Callable[[str], str]) -> list[Span]:
    """Say what answering after so many turns would be worth: as known, as asked, or as judged in the end."""
    spans = [muted("if it stopped now ")]
    score = column.score(said)
    if score is not None:
        return [*spans, Span(f"{score:.2f} ", bold=True), *([status_span("surrogate")] * column.surrogate)]
    if probes := column.probes.get(said):
        scores = [probe["score"] for probe in probes if probe["score"] is not None]
        judged = "every judgement failed" if not scores else f"{sum(scores) / len(scores):.2f}"
        return [*spans, Span(judged, bold=True), muted(f"  asked of {len(probes)} judge{'s' * (len(probes) > 1)}")]
    verdict = column.mean_score()
    if said == len(column.turns) and verdict is not None:
        return [*spans, Span(f"{verdict:.2f}", bold=True), muted("  as judged")]
    return [*spans, muted("not known yet" if column.running else f"not known: {key('dialogues.probe')} asks")]


def _said(who: Literal["A", "U"], text: str, width: int, hide: Hide) -> list[Line]:
    role = "primary" if who == "A" else "accent"
    parts = wrapped(hide(text), width - len(_INDENT))
    first = line(Span(f"{who}  ", role, bold=True), Span(parts[0]))
    return [first, *(line(Span(_INDENT + part)) for part in parts[1:])]


def _rule(title: str, right: list[Span], width: int) -> Line:
    """Return a heading: a title, a line to the right, and what stands at its end."""
    used = sum(cell_len(span.text) for span in right)
    title = cut(title, max(1, width - used - (1 if used else 0) - 1))
    rule = max(0, width - cell_len(title) - 1 - (used + 1 if used else 0))
    return _fitted(
        [Span(title, bold=True), Span(" "), Span("─" * rule, "border-blurred"), *([Span(" ")] * bool(used)), *right],
        width,
    )


def _fitted(spans: list[Span], width: int) -> Line:
    """Return a line that is cut off where there is no more room."""
    fitted: list[Span] = []
    for span in spans:
        room = width - sum(cell_len(each.text) for each in fitted)
        if room <= 0:
            break
        fitted.append(span._replace(text=cut(span.text, room)))
    return tuple(fitted)
