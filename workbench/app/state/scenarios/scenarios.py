"""The scenarios screen's state: what fits the filter, which rows are known, where the cursor is, what is chosen."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from rich.cells import cell_len

from simulator.domains import DOMAINS
from storage.scenariopages import Key, Overview, ScenarioFilter, ScenarioRow
from themes import status
from workbench.app.state.spans import ABSENT, Line, Span, cut, muted
from workbench.arms import ARMS

AROUND = 100
"""Rows that are read above and below the window, so that scrolling a little shows no gap."""

EVERYTHING = ScenarioFilter()

_DOMAIN = max(map(len, DOMAINS))
_WAITING = "…"


class Window(NamedTuple):
    """The part of a list that is on the screen: its first row, and how many rows it has."""

    first: int
    height: int


class ScenarioList:
    """Keys of what fits, the rows that have been read, the cursor, and the chosen ones.

    Fields:
        filter: what is wanted. overview: what there is to filter by. read: both keys and overview have been read.
        keys: everything that fits, in order. cursor: a place in it (0 where it is empty).
        chosen: keys that were marked, shown or not.
    """

    def __init__(self) -> None:
        self.filter = EVERYTHING
        self.overview = Overview(0, (), (), (), (), False)
        self.read = False
        self.keys: list[Key] = []
        self.cursor = 0
        self.chosen: set[Key] = set()
        self._rows: dict[Key, ScenarioRow] = {}

    @property
    def current(self) -> ScenarioRow | None:
        """The row under the cursor, or None where there is none or it has not been read."""
        return self._rows.get(self.keys[self.cursor]) if self.keys else None

    @property
    def title(self) -> str:
        """How many there are, are shown and are chosen."""
        parts = [f"{self.overview.total:,}"]
        if len(self.keys) != self.overview.total:
            parts.append(f"{len(self.keys):,} shown")
        if self.chosen:
            parts.append(f"{len(self.chosen):,} selected")
        return " · ".join(parts)

    @property
    def empty(self) -> bool:
        """Whether there is no scenario at all."""
        return self.read and not self.overview.total

    def row(self, index: int) -> ScenarioRow | None:
        """Return the row at a place, or None where it has not been read."""
        return self._rows.get(self.keys[index])

    def place(self, keys: Sequence[Key], key: Key | None = None) -> int:
        """Return where the cursor belongs in other keys: on `key`, else on what it is on now, else near by."""
        wanted = key if key is not None else self.keys[self.cursor] if self.keys else None
        try:
            return keys.index(wanted) if wanted is not None else 0
        except ValueError:
            return max(0, min(self.cursor, len(keys) - 1))

    def update(self, keys: list[Key], cursor: int, rows: Iterable[ScenarioRow], overview: Overview) -> None:
        """Take what was read; rows read before may be out of date and are read again when they are wanted."""
        self.keys, self.cursor, self.overview, self.read = keys, cursor, overview, True
        self._rows = {row.key: row for row in rows}

    def add(self, rows: Iterable[ScenarioRow]) -> None:
        """Take rows that were read later."""
        self._rows.update((row.key, row) for row in rows)

    def missing(self, window: Window) -> list[Key]:
        """Return the keys to read for a window: none while all that it shows is there, else those around it too."""
        shown = self.keys[window.first : window.first + window.height]
        if all(key in self._rows for key in shown):
            return []
        return [key for key in around(self.keys, window) if key not in self._rows]

    # Choosing

    def toggle(self) -> None:
        """Choose what is under the cursor, or leave it out again."""
        if self.keys:
            self.chosen ^= {self.keys[self.cursor]}

    def toggle_all(self) -> None:
        """Choose everything shown; where all of it is chosen, nothing."""
        shown = set(self.keys)
        self.chosen = set() if shown <= self.chosen else self.chosen | shown

    def wanted(self) -> list[Key]:
        """Return what a plan or a run is about: what is chosen, else what is under the cursor."""
        return sorted(self.chosen) if self.chosen else self.keys[self.cursor : self.cursor + 1]


def around(keys: Sequence[Key], window: Window) -> Sequence[Key]:
    """Return the keys of a window and of what surrounds it."""
    return keys[max(0, window.first - AROUND) : window.first + window.height + AROUND]


class ScenarioLines(Sequence[Line]):
    """The list as lines of a given width, each drawn when it is asked for.

    Args:
        state: what to draw.
        width: cells of a line.
        sensitive: makes a query safe to show, and blurs it.
    """

    def __init__(self, state: ScenarioList, width: int, sensitive: Callable[[str], str]) -> None:
        self._state, self._sensitive = state, sensitive
        self._arms = max(4, len(state.overview.arms) + 2)  # initials, and two glyphs
        self._query = max(8, width - _FIXED - self._arms)

    def __len__(self) -> int:
        return len(self._state.keys)

    def __getitem__(self, index: int) -> Line:  # type: ignore[override]  # no slices: lines are asked for one by one
        state = self._state
        chosen = Span("✓ ", "mark", bold=True) if state.keys[index] in state.chosen else Span("  ")
        row = state.row(index)
        if row is None:
            return (chosen, muted(_WAITING))
        marks = Span("★" if row.bookmarked else " ", "accent"), Span("✎ " if row.noted else "  ", "accent")
        query = fitted(self._sensitive(row.query), self._query)
        known = Span(f" {row.known:>2}/10 ", "foreground" if row.known == 10 else "text-muted")
        domain = muted(fitted(_domain(row), _DOMAIN) + " ")
        return (chosen, *marks, domain, Span(query), known, *_arms(row.arms, self._arms), *_best(row))

    @property
    def heading(self) -> Line:
        """The columns' names."""
        names = f"     {'domain':<{_DOMAIN}} {'query':<{self._query}} known {'arms':<{self._arms}} best  "
        return (muted(names),)


_FIXED = 1 + 2 + 3 + _DOMAIN + 1 + 7 + 7
"""Cells of a line beside query and arms: the cursor's mark, what is chosen, marks, domain, known, best."""


def fitted(text: str, width: int) -> str:
    """Return text of exactly `width` cells; what was cut off ends in …."""
    shown = cut(text, width)
    return shown + " " * (width - cell_len(shown))


def filter_words(wanted: ScenarioFilter) -> list[tuple[str, str]]:
    """List the filters beside the search with what each lets pass, as people read them."""
    return [
        ("domain", wanted.domain or "any"),
        ("source", wanted.source or "any"),
        ("results", wanted.results),
        ("marks", wanted.marks),
    ]


def _domain(row: ScenarioRow) -> str:
    return row.domain if row.domain in DOMAINS else "unknown"


def _arms(arms: Mapping[str, bool], width: int) -> Line:
    """Return the initials of the arms: those done behind one glyph, those that only failed behind another."""
    ordered = sorted(arms, key=lambda arm: (ARMS.index(arm) if arm in ARMS else len(ARMS), arm))
    spans, used = list[Span](), 0
    for name, wanted in (("done", True), ("failed", False)):
        letters = "".join(arm[:1] for arm in ordered if arms[arm] is wanted)
        if letters and used < width:
            text = cut(status(name).glyph + letters, width - used)
            used += cell_len(text)
            spans.append(Span(text, status(name).colour))
    if not spans:
        spans, used = [muted(ABSENT)], 1
    return (*spans, Span(" " * (width - used)))


def _best(row: ScenarioRow) -> Line:
    if row.best is None:
        return (muted(f" {ABSENT:>4}  "),)
    world = status("surrogate")
    return Span(f" {row.best:.2f}", "foreground"), Span(f"{world.glyph if row.surrogate else ' '} ", world.colour)
