"""What the scores screen shows: two panes whose contents depend on the view."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple, TypeVar

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import ContentSwitcher, Static

from workbench.app.frame import Export, Headline, Pane, Subject, WorkbenchScreen
from workbench.app.state.scores.answers import Answers, Whose
from workbench.app.state.scores.beside import Beside, shared_judges
from workbench.app.state.scores.judges import Agreement, Panel, Queued
from workbench.app.state.scores.matrix import cell_lines, judge_note, matrix, row_text
from workbench.app.state.scores.runpair import RunPair
from workbench.app.state.scores.scores import ALL, ALL_JUDGES, RunScores
from workbench.app.state.scores.verdicts import Made
from workbench.app.state.spans import line, muted, text_of
from workbench.app.widgets.facts import Facts
from workbench.app.widgets.scores.matrix import ScoreMatrix
from workbench.app.widgets.scores.responses import Answer, answer_content
from workbench.app.widgets.scores.scatter import Scatter
from workbench.app.widgets.scores.scorelines import (
    agreement_table,
    matrix_texts,
    pair_table,
    point_pairs,
    points_table,
    queue_table,
)
from workbench.app.widgets.scores.scorelist import ScoreList
from workbench.statistics.comparison import Changed, change_rank
from workbench.statistics.scores import AVERAGE
from workbench.text import plain

_VIEWS: dict[str, tuple[str, str, bool]] = {
    "empty": ("scores-empty", "scores-detail", True),
    "matrix": ("scores-matrix", "scores-detail", True),
    "scatter": ("scores-scatter", "scores-detail", False),
    "differences": ("scores-differences", "scores-detail", False),
    "judges": ("scores-agreement", "scores-queue", True),
    "runs": ("scores-runs", "scores-changed", True),
    "scenario": ("scores-left", "scores-right", False),
}
"""View -> what the two panes hold, and whether they stand below each other."""


T = TypeVar("T")


def _follow(lines: ScoreList, before: Sequence[T], now: Sequence[T], key: Callable[[T], object]) -> int | None:
    """Return where the item under the cursor stands now, None where the cursor stays: at the head, or on no item."""
    if before is now or not 0 < lines.cursor < len(before):
        return None
    wanted = key(before[lines.cursor])
    return next((i for i, item in enumerate(now) if key(item) == wanted), None)


class Opened(NamedTuple):
    """A scenario of a list, and the two responses that stand beside each other when it is opened."""

    scenario: str
    first: Whose
    second: Whose


class ScoreViews(WorkbenchScreen):
    """Draws what is known; says nothing of where it comes from or what keys do.

    Fields:
        data: the run. judge: whose verdicts, or `ALL_JUDGES`. view: a name of `_VIEWS`.
        beside: two arms. domain, points: which of their scenarios are listed.
        answers: the scenario that is open. opened, place: the list it was opened from, and where in it.
        pair: two runs. panel, queue: judges, and the items they disagree on.
        agreement, figures: the figures of agreement so far, and how many there will be.
        computed: how many of them are of all verdicts; those after them may be of fewer.
        reading: what is being read or compared, in words; empty while nothing is.
    """

    def __init__(self) -> None:
        super().__init__()
        self.data: RunScores | None = None
        self.judge = ALL_JUDGES
        self.view = "matrix"
        self.beside: Beside | None = None
        self.answers: Answers | None = None
        self.pair: RunPair | None = None
        self.panel: Panel | None = None
        self.agreement: list[Agreement] = []
        self.figures = self.computed = 0
        self.reading = ""
        self.queue: list[Queued] = []
        self.domain = AVERAGE
        self.points: Sequence[Changed] = ()
        self.opened: Sequence[Opened] = ()
        self.place = 0
        self._before: list[str] = []
        self._drawn_queue: Sequence[Queued] = ()
        self._drawn_pair: RunPair | None = None

    @property
    def agreed(self) -> bool:
        """Whether all figures of agreement are there."""
        return self.panel is not None and self.computed == self.figures

    @property
    def across(self) -> RunPair | None:
        """The two runs whose arms stand beside each other, in their comparison and in what was opened from it."""
        return self.pair if "runs" in (self.view, *self._before) else None

    # What it is made of

    def compose_body(self) -> ComposeResult:
        """Yield the question, shown above responses, and two panes of which each holds what the view needs."""
        yield Static(id="scores-question", markup=False)
        with Pane(id="scores-main"), ContentSwitcher(initial="scores-matrix"):
            yield ScoreMatrix(id="scores-matrix")
            yield Scatter(id="scores-scatter")
            yield ScoreList(id="scores-differences")
            yield ScoreList(quiet=True, id="scores-agreement")
            yield ScoreList(quiet=True, id="scores-runs")
            yield Answer(id="scores-left")
            yield Static(id="scores-empty", markup=False)
        with Pane(id="scores-side"), ContentSwitcher(initial="scores-detail"):
            yield Facts(id="scores-detail")
            yield ScoreList(id="scores-queue")
            yield ScoreList(id="scores-changed")
            yield Answer(id="scores-right")

    def on_mount(self) -> None:
        """Show the first view, and follow the blur key at once."""
        self.enter("matrix")
        for reactive in ("blurred", "theme"):
            self.watch(self.workbench, reactive, self.render_view, init=False)

    def headline(self) -> Headline:
        """Say which run is open."""
        if self.data is None:
            return Headline("scores")
        return Headline(judge_note(self.data.judges, self.judge), self.data.id, self.data.world)

    def subject(self) -> Subject | None:
        """Return the scenario that is open or under the cursor, else the run."""
        if self.data is None:
            return None
        scenario = self._scenario_in_front()
        if scenario is None:
            return Subject("run", self.data.id, f"run {self.data.id}")
        return Subject("scenario", scenario, (self.data.query(scenario) or scenario)[:60])

    def copy_text(self) -> str | None:
        """Return the row under the cursor, or the response in front."""
        if self.data is None:
            return None
        matrix_ = self.query_one(ScoreMatrix)
        if self.view == "scenario" and self.answers and self.answers.rows:
            return str(self.answers.sides[int(self.right_in_front())]["text"])
        if self.view == "matrix" and matrix_.row and matrix_.row.key in self.data.ready:
            return row_text(self.data.ready[matrix_.row.key])
        if self.view in ("judges", "runs", "differences"):
            lines = self.list_in_front()
            return text_of(lines.lines[lines.cursor]).strip() if len(lines.lines) else None
        point = self.point()
        if point is None or self.beside is None:
            return None
        return "\n".join(f"{name}: {text}" for name, text in point_pairs(point, self.beside))

    def exports(self) -> list[Export]:
        """Offer the table as its command writes it."""
        if self.data is None:
            return []
        table = self.data.table(self.judge)
        title = f"Run {self.data.id} · world: {self.data.world}"
        return [
            Export(f"scores-{self.data.id}", f".{suffix}", partial(matrix_texts, table, suffix, title))
            for suffix in ("csv", "md", "json")
        ]

    # Showing

    def enter(self, view: str, *, remember: bool = False) -> None:
        """Change the view; `remember` the one before for the way back."""
        if view in ("matrix", "empty"):
            self._before.clear()
        elif remember and view != self.view:
            self._before.append(self.view)
        self.view = view
        main, side, stacked = _VIEWS[view]
        self.query_one("#scores-main ContentSwitcher", ContentSwitcher).current = main
        self.query_one("#scores-side ContentSwitcher", ContentSwitcher).current = side
        for name in _VIEWS:
            self.set_class(name == view, f"-{name}")
        self.set_class(stacked, "-stacked")
        listed = view in ("judges", "runs") and not self.has_class("-narrow")
        self.show_pane("scores-side" if listed else "scores-main")
        self.render_view()

    def render_view(self) -> None:
        """Show what is known for the view of now."""
        if not self.is_attached:
            return
        draw = {
            "empty": self.show_empty,
            "matrix": self.show_matrix,
            "scatter": self.show_point,
            "differences": self.show_points,
            "judges": self.show_judges,
            "runs": self.show_runs,
            "scenario": self.show_answers,
        }
        draw[self.view]()

    def _titles(self, main: str, side: str, hint: str = "") -> None:
        surrogate = self.data is not None and "surrogate" in self.data.world
        pane = self.query_one("#scores-main", Pane)
        pane.border_title = Content(main + (" · surrogate" if surrogate else ""))
        pane.border_subtitle = Content(hint)
        beside = self.query_one("#scores-side", Pane)
        beside.border_title, beside.border_subtitle = Content(side), ""

    def _facts(self, pairs: list[tuple[str, str]]) -> None:
        self.query_one(Facts).tell(pairs)

    def show_empty(self) -> None:
        self._titles("Scores", "What to do next")
        pick, run, watch = map(self.key, ("app.scenarios", "scenarios.run", "app.runs"))
        text = (
            "No verdict yet: scores are here as soon as a run has judged its first response.\n\n"
            f"Press {pick} to choose scenarios, then {run} to run them; {watch} watches what is under way."
        )
        self.query_one("#scores-empty", Static).update(Content(text))
        self._facts(
            [
                (pick, f"choose scenarios on the first screen, then {run} starts a run"),
                ("", "or, in a terminal:  workbench run --synthetic 14"),
                (watch, "watches what runs are under way"),
            ]
        )

    def show_matrix(self) -> None:
        if self.view != "matrix":
            return
        if self.data is None:
            self._titles("Scores", "Cell", "reading verdicts …")
            return
        table = self.query_one(ScoreMatrix)
        table.show(matrix(self.data, self.judge))
        pending = len(self.data.pending(self.judge))
        legend = "± half the 95 % interval, clustered by profile"
        hint = self.reading or (f"{pending} rows being computed …" if pending else legend)
        self._titles(f"Scores · {judge_note(self.data.judges, self.judge)}", "Cell", hint)
        key = table.row.key if table.row else None
        if key is None:
            self._facts([("", "no verdict yet: this run has judged nothing so far")])
            return
        column = ALL if table.column == AVERAGE else table.column
        name = f"{key.group.arm}, {column}, {judge_note((), key.judge)} · {key.group.model}"
        self._facts([("cell", name), *cell_lines(self.data, key, table.column)])

    def show_points(self, cursor: int | None = None) -> None:
        beside, data = self.beside, self.data
        if beside is None or data is None:
            return
        lines = self.query_one("#scores-differences", ScoreList)
        heading, make = points_table(
            self.points, beside, data, self.workbench.sensitive, lambda: lines.scrollable_content_region.width
        )
        lines.show(Made(len(self.points), make), heading=heading, cursor=cursor)
        if self.view == "differences":
            self.show_point()

    def show_point(self) -> None:
        beside = self.beside
        if beside is None:
            return
        first, second = beside.names
        domain = "" if self.domain == AVERAGE or self.view == "scatter" else f" · {self.domain}"
        view = "Scatter" if self.view == "scatter" else "Differ most"
        room = self.query_one("#scores-main", Pane).size.width - 18
        title = f"{view} · {first} and {second}{domain}"
        if cell_len(title) > room:
            title = f"{view} · {' and '.join(beside.short)}{domain}"
        arms = f"{self.key('scores.first')} {self.key('scores.second')}"
        self._titles(title, "Scenario", f"{arms} change the arms · enter opens")
        counts = [
            ("judged", self.judged_by()),
            ("above", f"{beside.above:,} scenarios: {second} scores higher"),
            ("below", f"{beside.below:,} scenarios: {first} scores higher"),
            ("on", f"{beside.on:,} score the same"),
            *(("alone", f"{n:,} only in {name}") for n, name in zip(beside.alone, beside.names, strict=True) if n),
        ]
        point = self.point()
        facts = point_pairs(point, beside) if point else [("", "no scenario has a score from both arms")]
        shown = [(name, self.workbench.sensitive(text) if name == "query" else text) for name, text in facts]
        self._facts([*(counts if self.domain == AVERAGE or self.view == "scatter" else counts[:1]), *shown])

    def show_judges(self) -> None:
        data, panel = self.data, self.panel
        rest = "intervals clustered by profile · help says what the figures mean"
        hint = rest if self.agreed else f"agreement: {self.computed} of {self.figures or '…'} figures"
        self._titles("Judges against each other", "Where they differ most", hint)
        figures, queue = self.query_one("#scores-agreement", ScoreList), self.query_one("#scores-queue", ScoreList)
        if data is None or panel is None:
            figures.show(())
            queue.show(())
            return
        heading, lines = agreement_table(self.agreement, len(panel.judges), self.app.size.width - 3, self.figures)
        figures.show(lines, heading=heading)
        cover = self.workbench.sensitive
        heading, make = queue_table(
            self.queue, panel.judges, data, cover, lambda: queue.scrollable_content_region.width
        )
        place = _follow(queue, self._drawn_queue, self.queue, lambda queued: queued.item.unit)
        queue.show(Made(len(self.queue), make), heading=heading, cursor=place)
        self._drawn_queue = self.queue

    def show_runs(self) -> None:
        if self.pair is None or self.data is None:
            return
        title = f"Run {self.pair.first.id} and run {self.pair.second.id} · {self.pair.analysis}"
        arms = f"{self.key('scores.scatter')} {self.key('scores.differences')}: two arms beside each other"
        self._titles(title, "Changed most", f"difference = second - first · {arms}")
        lines = self.query_one("#scores-runs", ScoreList)
        heading, found = pair_table(self.pair, self.app.size.width - 4)
        drawn = self._drawn_pair or self.pair
        place = _follow(lines, drawn.table.rows, self.pair.table.rows, lambda row: row.compared)
        lines.show(found, heading=heading, cursor=place)
        changed = self.query_one("#scores-changed", ScoreList)
        items, cover = self.pair.table.changed, self.workbench.sensitive
        heading, make = points_table(items, None, self.data, cover, lambda: changed.scrollable_content_region.width)
        none = [line(muted("no scenario that both runs judged has changed"))]
        place = _follow(changed, drawn.table.changed, items, lambda item: change_rank(item)[1:])
        changed.show(Made(len(items), make) if items else none, heading=heading, cursor=place)
        self._drawn_pair = self.pair

    def show_answers(self) -> None:
        answers, cover = self.answers, self.workbench.sensitive
        if answers is None or not answers.rows:
            return
        where = f"{self.place + 1:,} of {len(self.opened):,} · " if len(self.opened) > 1 else ""
        rows = answers.sides
        self._titles(answers.title(answers.left), answers.title(answers.right), f"{where}‹words only one has›")
        keys = "← → arm · ↑ ↓ scenario · enter dialogue"
        self.query_one("#scores-side", Pane).border_subtitle = Content(keys)
        question = Content.styled("query    ", "$text-muted") + Content(cover(answers.scenario.query))
        profile = Content.styled("\nprofile  ", "$text-muted") + Content(cover(answers.profile()))
        self.query_one("#scores-question", Static).update(question + profile)
        for name, row, pieces in zip(("left", "right"), rows, answers.pieces(), strict=True):
            content = answer_content(pieces, row["verdicts"], row["world"], cover, row["crisis"])
            self.query_one(f"#scores-{name}", Answer).show(content)

    def back(self) -> bool:
        """Return to the view before; False in the table, where there is none."""
        if not self._before:
            return False
        self.enter(self._before.pop())
        return True

    # What is in front

    def point(self) -> Changed | None:
        if self.beside is None:
            return None
        scatter = self.view == "scatter"
        points = self.beside.points if scatter else self.points
        place = self.query_one(Scatter).cursor if scatter else self.query_one("#scores-differences", ScoreList).cursor
        return points[place] if place < len(points) else None

    def _scenario_in_front(self) -> str | None:
        if self.view == "scenario" and self.answers is not None:
            return self.answers.scenario.id
        if self.view in ("scatter", "differences") and (point := self.point()) is not None:
            return point.scenario_id
        if self.view == "judges" and self.queue:
            return self.queue[self.query_one("#scores-queue", ScoreList).cursor].item.scenario_id
        return None

    def list_in_front(self) -> ScoreList:
        focused = self.focused
        if isinstance(focused, ScoreList):
            return focused
        return self.query_one(f"#{_VIEWS[self.view][0]}", ScoreList)

    def right_in_front(self) -> bool:
        return self.focused is not None and self.focused.id == "scores-right"

    def judged_by(self) -> str:
        if self.judge != ALL_JUDGES or self.beside is None:
            return plain(f"by {self.judge}")
        judges = shared_judges(self.beside.first.data, self.beside.second.data)
        return plain(f"by {' and '.join(judges) or 'nobody'}{', their mean' if len(judges) > 1 else ''}")
