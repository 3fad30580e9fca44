"""The dialogues to pick from: the scenarios of a run, described a page at a time, with a column for every arm."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, overload

from rich.cells import cell_len

from storage.dialogues import Place
from workbench.app.state.dialogues.transcript import Hide
from workbench.app.state.spans import ABSENT, Line, Span, cut, muted, status_span
from workbench.text import plain

PAGE = 100
"""Scenarios described at once; a window shows fewer."""

Kind = tuple[str, str]
"""Arm and model of a dialogue."""

_DOMAIN = 13
_QUERY = 24
"""Cells that a query gets at least, where that leaves room for one dialogue."""
_NARROWEST, _WIDEST = 8, 22
"""Cells of a dialogue's column: `2 · 4.67`, and the most of its name."""
_GAP = 2
_MORE = 5


class Layout(NamedTuple):
    """The columns that have room.

    Fields:
        domain, query: their cells; a domain of 0 is left out.
        shown: the dialogues' columns with their names, cut to the cells that they take.
        more: how many kinds of dialogue have no room.
    """

    domain: int
    query: int
    shown: Mapping[Kind, str]
    more: int


def layout(kinds: Sequence[Kind], width: int) -> Layout:
    """Return which columns fit into `width` cells, with the rest for the query."""
    models = len({model for _, model in kinds}) > 1
    widest = max(_NARROWEST, min(_WIDEST, width // 4))
    names = {
        (arm, model): cut(plain(f"{arm} {model.rpartition('/')[2]}" if models else arm), widest).rjust(_NARROWEST)
        for arm, model in kinds
    }
    shown: dict[Kind, str] = {}
    used = 0
    for place, (kind, name) in enumerate(names.items(), 1):
        taken = used + _GAP + cell_len(name)
        if place > 1 and taken + (_GAP + _MORE) * (place < len(names)) + _QUERY > width:
            break
        shown[kind], used = name, taken
    used += (_GAP + _MORE) * (len(shown) < len(names))
    domain = _DOMAIN if width - used >= _DOMAIN + _QUERY else 0
    return Layout(domain, max(1, width - used - domain), shown, len(names) - len(shown))


class DialogueLines(Sequence[Line]):
    """A line a scenario, made when it is looked at; what is not described yet is asked for.

    Args:
        places: the scenarios, in order. width: cells of a line. hide: makes queries safe to show.
        want: called with the first place of a page that is missing; more than once until it comes.
        before: lines of the same run, whose descriptions stand there until those of now come.
    """

    def __init__(
        self,
        places: Sequence[Place],
        width: int,
        hide: Hide,
        want: Callable[[int], None],
        before: "DialogueLines | None" = None,
    ) -> None:
        self._places, self._width, self._hide, self._want = places, width, hide, want
        self._stale: dict[str, list[Mapping[str, Any]]] = before._stale | before._found if before else {}
        self._found: dict[str, list[Mapping[str, Any]]] = {}
        self._measure()

    def __len__(self) -> int:
        return len(self._places)

    @overload
    def __getitem__(self, index: int) -> Line: ...
    @overload
    def __getitem__(self, index: slice) -> list[Line]: ...
    def __getitem__(self, index: int | slice) -> Line | list[Line]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        scenario = self._places[index].scenario
        if scenario not in self._found:
            self._want(index - index % PAGE)
        dialogues = self._found.get(scenario) or self._stale.get(scenario)
        if dialogues is None:
            return (muted("…"),)
        return _scenario(dialogues, self._layout, self._hide)

    def __eq__(self, other: object) -> bool:
        return self is other

    __hash__ = None  # type: ignore[assignment]  # what it holds changes

    def add(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Take the descriptions of some scenarios (`storage.dialogues.overview`), all dialogues of each."""
        found: dict[str, list[Mapping[str, Any]]] = {}
        for row in rows:
            found.setdefault(row["scenario_id"], []).append(row)
        self._found |= found
        self._measure()

    @property
    def heading(self) -> Line:
        """What stands above the lines; the columns are known when the first page is."""
        columns = self._layout
        names = "".join(" " * _GAP + name for name in columns.shown.values())
        return (muted("domain"[: columns.domain].ljust(columns.domain) + "query".ljust(columns.query) + names),)

    def _measure(self) -> None:
        described = self._stale | self._found
        self._layout = layout(_kinds(row for each in described.values() for row in each), self._width)


def _kinds(rows: Iterable[Mapping[str, Any]]) -> list[Kind]:
    """List the kinds of dialogue in the order of their first units, so that pages read later change little."""
    first: dict[Kind, int] = {}
    for row in rows:
        kind = row["arm"], row["model"]
        first[kind] = min(row["unit"], first.get(kind, row["unit"]))
    return sorted(first, key=lambda kind: first[kind])


def _scenario(dialogues: Sequence[Mapping[str, Any]], columns: Layout, hide: Hide) -> Line:
    """Describe a scenario: domain, query, and for each dialogue its questions and mean score."""
    first = dialogues[0]
    spans = [muted(cut(plain(first["domain"]), columns.domain - 1).ljust(columns.domain))] if columns.domain else []
    room = columns.query
    if any(row["crisis"] for row in dialogues):
        badge = status_span("crisis", word=room >= _DOMAIN)
        spans += [badge, Span(" ")]
        room -= cell_len(badge.text) + 1
    query = cut(" ".join(hide(first["query"]).split()), max(0, room))
    spans.append(Span(query + " " * (room - cell_len(query))))
    said = {(row["arm"], row["model"]): row for row in dialogues}
    for kind, name in columns.shown.items():
        spans += _dialogue(said.get(kind), _GAP + cell_len(name))
    if columns.more:
        hidden = sum(kind not in columns.shown for kind in said)
        spans.append(muted((f"+{hidden}" if hidden else "").rjust(_GAP + _MORE)))
    return tuple(spans)


def _dialogue(row: Mapping[str, Any] | None, width: int) -> list[Span]:
    if row is None:
        return [muted(ABSENT.rjust(width))]
    questions = ABSENT if row["questions"] is None else str(row["questions"])
    score = ABSENT if row["score"] is None else f"{row['score']:.2f}"
    return [muted(f"{questions} · ".rjust(width - len(score))), Span(score, bold=True)]
