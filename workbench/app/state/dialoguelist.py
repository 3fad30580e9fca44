"""The dialogues to pick from: the scenarios of a run, described a page at a time."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, overload

from rich.cells import cell_len

from storage.dialogues import Place
from workbench.app.state.spans import Line, Span, cut, muted, status_span
from workbench.app.state.transcript import Hide
from workbench.text import plain

PAGE = 100
"""Scenarios described at once; a window shows fewer."""

_DOMAIN, _CELL = 13, 21


class DialogueLines(Sequence[Line]):
    """A line a scenario, made when it is looked at; what is not described yet is asked for.

    Args:
        places: the scenarios, in order. width: cells of a line. hide: makes queries safe to show.
        want: called with the first place of a page that is missing; more than once until it comes.
    """

    def __init__(self, places: Sequence[Place], width: int, hide: Hide, want: Callable[[int], None]) -> None:
        self._places, self._width, self._hide, self._want = places, width, hide, want
        self._found: dict[str, list[Mapping[str, Any]]] = {}

    def __len__(self) -> int:
        return len(self._places)

    @overload
    def __getitem__(self, index: int) -> Line: ...
    @overload
    def __getitem__(self, index: slice) -> list[Line]: ...
    def __getitem__(self, index: int | slice) -> Line | list[Line]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        dialogues = self._found.get(self._places[index].scenario)
        if dialogues is None:
            self._want(index - index % PAGE)
            return (muted("…"),)
        return scenario_line(dialogues, self._width, self._hide)

    def __eq__(self, other: object) -> bool:
        return self is other

    __hash__ = None  # type: ignore[assignment]  # what it holds changes

    def add(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Take the descriptions of some scenarios (`storage.dialogues.overview`), all dialogues of each."""
        found: dict[str, list[Mapping[str, Any]]] = {}
        for row in rows:
            found.setdefault(row["scenario_id"], []).append(row)
        self._found |= found


def heading(width: int) -> Line:
    """Return what stands above the lines."""
    cells = _cells(width)
    query = max(10, width - _DOMAIN - cells * _CELL)
    return (muted("domain".ljust(_DOMAIN) + "query".ljust(query) + "arm asked · score".rjust(_CELL) * cells),)


def scenario_line(dialogues: Sequence[Mapping[str, Any]], width: int, hide: Hide) -> Line:
    """Describe a scenario: domain, query, and for each dialogue its arm, questions and mean score."""
    first = dialogues[0]
    cells = min(_cells(width), max(1, len(dialogues)))
    room = max(10, width - _DOMAIN - _cells(width) * _CELL)
    query = cut(" ".join(hide(first["query"]).split()), room - 1)
    spans: list[Span] = [
        muted(cut(plain(first["domain"]), _DOMAIN - 1).ljust(_DOMAIN)),
        Span(query + " " * max(0, room - cell_len(query))),
    ]
    shown = dialogues if len(dialogues) <= cells else dialogues[: cells - 1]
    for row in shown:
        spans += _cell(row)
    if len(shown) < len(dialogues):
        spans.append(muted(f"{len(dialogues) - len(shown)} dialogues".rjust(_CELL)))
    return tuple(spans)


def _cell(row: Mapping[str, Any]) -> list[Span]:
    score = "–" if row["score"] is None else f"{row['score']:.2f}"
    if row["crisis"]:
        badge = status_span("crisis")
        text = f" {score}"
        return [Span(" " * max(1, _CELL - len(badge.text) - len(text))), badge, Span(text, bold=True)]
    arm = cut(plain(row["arm"]), 8)
    head = f"{arm} {row['questions'] if row['questions'] is not None else '–'} · "
    return [muted(" " * max(1, _CELL - len(head) - len(score)) + head), Span(score, bold=True)]


def _cells(width: int) -> int:
    return 3 if width >= 130 else 2 if width >= 90 else 1
