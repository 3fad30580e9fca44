"""Screen 4, scores: arms x domains, two arms against each other, one scenario's responses, judges, and two runs."""

import asyncio
import time
from functools import partial
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import ContentSwitcher, Static

from workbench.app.frame import Export, Headline, Pane, Subject, WorkbenchScreen
from workbench.app.screens.pickrun import PickRun
from workbench.app.screens.rating import RatingDialog
from workbench.app.state.answers import Answers, Whose, read_answers
from workbench.app.state.judges import Agreement, Panel, Queued
from workbench.app.state.links import Link
from workbench.app.state.matrix import cell_lines, judge_note, matrix, row_text
from workbench.app.state.runpair import RunPair, read_pair
from workbench.app.state.scores import ALL, ALL_JUDGES, Beside, RunScores, default_sides, read_scores
from workbench.app.state.spans import text_of
from workbench.app.widgets.matrix import ScoreMatrix
from workbench.app.widgets.responses import Answer, answer_content
from workbench.app.widgets.scatter import Scatter
from workbench.app.widgets.scorelines import (
    agreement_table,
    matrix_texts,
    pair_table,
    point_pairs,
    points_table,
    queue_table,
)
from workbench.app.widgets.scorelist import MadeLines, ScoreList
from workbench.report.reading import Group
from workbench.statistics.comparison import Changed
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

_SHARE = 4
"""Reading a large run again waits so many times as long as reading it took, so that following it costs little."""


class ScoresScreen(WorkbenchScreen):
    """What judges and people say of a run's responses."""

    NAME = "scores"
    PANES = ("scores-main", "scores-side")

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s", "view('scatter')", "Scatter", id="scores.scatter"),
        Binding("d", "differences", "Differences", id="scores.differences"),
        Binding("j", "judge", "Judge", id="scores.judge"),
        Binding("J", "view('judges')", "Agreement", id="scores.judges"),
        Binding("b", "rate", "Rate blind", id="scores.rate"),
        Binding("r", "run", "Run", id="scores.run"),
        Binding("c", "compare", "Compare with a second run", id="scores.compare", show=False),
        Binding("left_square_bracket", "first", "Next first arm", id="scores.first", show=False, key_display="["),
        Binding("right_square_bracket", "second", "Next second arm", id="scores.second", show=False, key_display="]"),
        Binding("o", "dialogue", "Dialogue of the response in front", id="scores.dialogue", show=False),
        Binding("escape", "back", "Back", id="scores.back", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.data: RunScores | None = None
        self.judge = ALL_JUDGES
        self.view = "matrix"
        self.beside: Beside | None = None
        self.answers: Answers | None = None
        self.pair: RunPair | None = None
        self.agreement: list[Agreement] = []
        self.queue: list[Queued] = []
        self._sides: tuple[Group, Group] | None = None
        self._domain = AVERAGE
        self._points: tuple[Changed, ...] = ()
        self._judged: RunScores | None = None
        self._panel: Panel | None = None
        self._wanted: str | None = None
        self._before: list[str] = []
        self._list: tuple[tuple[str, Whose, Whose], ...] = ()
        self._next_read = 0.0

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
            with VerticalScroll(id="scores-detail"):
                yield Static(id="scores-facts", markup=False)
            yield ScoreList(id="scores-queue")
            yield ScoreList(id="scores-changed")
            yield Answer(id="scores-right")

    def on_mount(self) -> None:
        """Show the first view, and follow the blur key at once."""
        self._enter("matrix")
        self.watch(self.workbench, "blurred", self._render_view, init=False)

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
        return Subject("scenario", scenario, self.data.queries.get(scenario, scenario)[:60])

    def copy_text(self) -> str | None:
        """Return the row under the cursor, or the response in front."""
        if self.data is None:
            return None
        matrix_ = self.query_one(ScoreMatrix)
        if self.view == "scenario" and self.answers and self.answers.rows:
            return str(self.answers.sides[int(self._right_in_front())]["text"])
        if self.view == "matrix" and matrix_.row and matrix_.row.key in self.data.ready:
            return row_text(self.data.ready[matrix_.row.key])
        if self.view in ("judges", "runs", "differences"):
            lines = self._list_in_front()
            return text_of(lines.lines[lines.cursor]).strip() if len(lines.lines) else None
        point = self._point()
        return None if point is None else "\n".join(f"{name}: {text}" for name, text in point_pairs(point, self.data))

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

    async def open_link(self, link: Link) -> None:
        """Show a run, and one of its scenarios where the detail says `scenario=ID`."""
        if self.data is None or self.data.id != link.id:
            await self._take(link.id)
        self._enter("matrix")
        self._before.clear()
        scenario = link.value("scenario")
        if scenario and self.data is not None and self._sides is not None:
            first, second = (Whose(self.data.id, group) for group in self._sides)
            await self._open_scenario(scenario, first, second)

    # Reading

    async def refresh_data(self) -> None:
        """Read the run that is open, where its verdicts have changed, or the latest one that was judged."""
        if self.data is None:
            from storage.judgements import judged_runs

            runs = await self.workbench.read(judged_runs)
            if runs:
                await self._take(self._wanted or runs[0]["run"])
            else:
                self._enter("empty")
            return
        from storage.judgements import score_stamp

        wait = self._next_read - time.monotonic()
        if wait > 0:
            self.set_timer(wait, self.request_refresh)
        elif await self.workbench.read(partial(score_stamp, run=self.data.id)) != self.data.stamp:
            await self._take(self.data.id)
        self._render_view()

    async def _take(self, run: str) -> None:
        began = time.monotonic()
        data = await self.workbench.read(partial(read_scores, run=run))
        self._next_read = time.monotonic() + _SHARE * (time.monotonic() - began)
        if self.data is not None and self.data.id == data.id:
            data.take_over(self.data)
        else:
            self._sides = default_sides(data.groups) if data.groups else None
            self.judge, self._domain, self.beside = ALL_JUDGES, AVERAGE, None
        self.data = data
        if self.view == "empty":
            self._enter("matrix")
        self._render_view()
        self._compute()
        self._set_beside()
        if self.view == "judges":
            self._agree()
        self.refresh_headline()

    @work(exclusive=True, group="scores-table", exit_on_error=False)
    async def _compute(self) -> None:
        """Ask for the rows of the table one by one, and show each as it comes."""
        data = self.data
        while data is not None and (pending := data.pending(self.judge)):
            data.ready[pending[0]] = await asyncio.to_thread(data.row, pending[0])
            self._show_matrix()

    @work(exclusive=True, group="scores-sides", exit_on_error=False)
    async def _set_beside(self) -> None:
        """Set the two chosen arms beside each other."""
        if self.data is not None and self._sides is not None:
            found = await asyncio.to_thread(self.data.beside, *self._sides, self.judge)
            kept = self._point()
            self.beside, self._points = found, found.within(self._domain)
            places = [i for i, point in enumerate(found.points) if kept and point.scenario_id == kept.scenario_id]
            self.query_one(Scatter).show(found, places[0] if places else 0)
            self._show_points()
            self._render_view()

    @work(exclusive=True, group="scores-judges", exit_on_error=False)
    async def _agree(self) -> None:
        """Compute the figures of agreement one by one, the queue of disagreements first."""
        data = self.data
        if data is None or self._judged is data:
            return
        self.agreement, self.queue = [], []
        self._panel = panel = await asyncio.to_thread(Panel, data)
        self.queue = await asyncio.to_thread(panel.queue)
        self._render_view()
        for figure in panel.figures():
            self.agreement.append(await asyncio.to_thread(figure))
            self._render_view()
        self._judged = data

    # Showing

    def _enter(self, view: str, *, remember: bool = False) -> None:
        """Change the view; `remember` the one before for the way back."""
        if remember and view != self.view:
            self._before.append(self.view)
        self.view = view
        main, side, stacked = _VIEWS[view]
        self.query_one("#scores-main ContentSwitcher", ContentSwitcher).current = main
        self.query_one("#scores-side ContentSwitcher", ContentSwitcher).current = side
        for name in _VIEWS:
            self.set_class(name == view, f"-{name}")
        self.set_class(stacked, "-stacked")
        self.show_pane("scores-side" if view == "runs" and self.pair and self.pair.table.changed else "scores-main")
        if view == "judges":
            self.show_pane("scores-side")
        self._render_view()

    def _render_view(self) -> None:
        """Show what is known for the view of now."""
        if not self.is_attached:
            return
        draw = {
            "empty": self._show_empty,
            "matrix": self._show_matrix,
            "scatter": self._show_point,
            "differences": self._show_points,
            "judges": self._show_judges,
            "runs": self._show_runs,
            "scenario": self._show_answers,
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
        lines = [Content.styled(f"{name:<10} ", "$text-muted") + Content(text) for name, text in pairs]
        self.query_one("#scores-facts", Static).update(Content("\n").join(lines))

    def _show_empty(self) -> None:
        self._titles("Scores", "What to do next")
        text = "No verdict yet: scores are here as soon as a run has judged its first response."
        self.query_one("#scores-empty", Static).update(Content(text))
        self._facts(
            [
                ("1", "choose scenarios on the first screen, then r starts a run"),
                ("", "or, in a terminal:  workbench run --synthetic 14"),
                ("5", "watches what runs are under way"),
            ]
        )

    def _show_matrix(self) -> None:
        if self.data is None or self.view != "matrix":
            return
        table = self.query_one(ScoreMatrix)
        table.show(matrix(self.data, self.judge))
        pending = len(self.data.pending(self.judge)) if self.data.pending(self.judge) else 0
        legend = "± half the 95 % interval, clustered by profile"
        hint = f"{pending} rows being computed …" if pending else legend
        self._titles(f"Scores · {judge_note(self.data.judges, self.judge)}", "Cell", hint)
        key = table.row.key if table.row else None
        if key is None:
            self._facts([("", "no verdict yet: this run has judged nothing so far")])
            return
        column = ALL if table.column == AVERAGE else table.column
        name = f"{key.group.arm}, {column}, {judge_note((), key.judge)} · {key.group.model}"
        self._facts([("cell", name), *cell_lines(self.data, key, table.column)])

    def _show_points(self) -> None:
        beside, data = self.beside, self.data
        if beside is None or data is None:
            return
        lines = self.query_one("#scores-differences", ScoreList)
        heading, make = points_table(self._points, beside, data, self.workbench.sensitive, lambda: lines.size.width)
        lines.show(MadeLines(len(self._points), make), heading=heading)
        if self.view == "differences":
            self._show_point()

    def _show_point(self) -> None:
        beside, data = self.beside, self.data
        if beside is None or data is None:
            return
        arms = f"{beside.first.arm} and {beside.second.arm}"
        domain = "" if self._domain == AVERAGE or self.view == "scatter" else f" · {self._domain}"
        self._titles(
            f"{'Scatter' if self.view == 'scatter' else 'Differ most'} · {arms}{domain} · {self._judged_by()}",
            "Scenario",
            "[ ] change the arms · enter opens",
        )
        second, first = plain(beside.second.arm), plain(beside.first.arm)
        counts = [
            ("above", f"{beside.above:,} scenarios: {second} scores higher"),
            ("below", f"{beside.below:,} scenarios: {first} scores higher"),
            ("on", f"{beside.on:,} score the same"),
        ]
        point = self._point()
        facts = point_pairs(point, data) if point else [("", "no scenario has a score from both arms")]
        shown = [(name, self.workbench.sensitive(text) if name == "query" else text) for name, text in facts]
        self._facts([*(counts if self._domain == AVERAGE or self.view == "scatter" else []), *shown])

    def _show_judges(self) -> None:
        data, panel = self.data, self._panel
        if data is None or panel is None:
            return
        self._titles("Judges against each other", "Where they differ most", "every response of the run, clustered")
        heading, lines = agreement_table(self.agreement, len(panel.judges))
        self.query_one("#scores-agreement", ScoreList).show(lines, heading=heading)
        queue = self.query_one("#scores-queue", ScoreList)
        cover = self.workbench.sensitive
        heading, make = queue_table(self.queue, panel.judges, data, cover, lambda: queue.size.width)
        queue.show(MadeLines(len(self.queue), make), heading=heading)

    def _show_runs(self) -> None:
        if self.pair is None or self.data is None:
            return
        title = f"Run {self.pair.first['run']} and run {self.pair.second['run']} · {self.pair.analysis}"
        self._titles(title, "Changed most", "difference = second - first, p and interval clustered by profile")
        lines = self.query_one("#scores-runs", ScoreList)
        heading, found = pair_table(self.pair, max(30, lines.size.width - 1))
        lines.show(found, heading=heading)
        changed = self.query_one("#scores-changed", ScoreList)
        items, cover = self.pair.table.changed, self.workbench.sensitive
        heading, make = points_table(items, None, self.data, cover, lambda: changed.size.width)
        changed.show(MadeLines(len(items), make), heading=heading)

    def _show_answers(self) -> None:
        answers, cover = self.answers, self.workbench.sensitive
        if answers is None or not answers.rows:
            return
        place = next((i for i, item in enumerate(self._list) if item[0] == answers.scenario.id), None)
        where = f"{place + 1:,} of {len(self._list):,} · " if place is not None and len(self._list) > 1 else ""
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

    # Moving

    @on(ScoreMatrix.Moved)
    def _cell_moved(self) -> None:
        self._show_matrix()

    @on(ScoreMatrix.Opened)
    def _cell_opened(self) -> None:
        """List the scenarios of a cell: its arm beside the first one chosen."""
        table = self.query_one(ScoreMatrix)
        if self.data is None or self._sides is None or table.row is None or table.row.key is None:
            return
        first, key = self._sides[0], table.row.key
        if first.model != key.group.model:
            first = next(group for group in self.data.groups if group.model == key.group.model)
        if first == key.group:  # what it is beside can't be itself, where there is another arm
            first = next((g for g in self.data.groups if g.model == first.model and g != first), first)
        self._sides, self._domain = (first, key.group), table.column
        self._judge_by(key.judge)
        self._enter("differences", remember=True)

    @on(Scatter.Moved)
    @on(ScoreList.Moved, "#scores-differences")
    def _point_moved(self) -> None:
        self._show_point()

    @on(Scatter.Opened)
    @on(ScoreList.Opened, "#scores-differences")
    @work(exclusive=True, group="follow", exit_on_error=False)
    async def _point_opened(self) -> None:
        point = self._point()
        if point is not None and self.data is not None and self.beside is not None:
            first, second = (Whose(self.data.id, group) for group in (self.beside.first, self.beside.second))
            points = self._points if self.view == "differences" else self.beside.points
            self._list = tuple((one.scenario_id, first, second) for one in points)
            await self._open_scenario(point.scenario_id, first, second)

    @on(ScoreList.Opened, "#scores-queue")
    @work(exclusive=True, group="follow", exit_on_error=False)
    async def _queue_opened(self, event: ScoreList.Opened) -> None:
        if self.data is not None and self._sides is not None:
            other = Whose(self.data.id, self._sides[0])
            self._list = tuple((q.score.scenario_id, Whose(self.data.id, q.score.group), other) for q in self.queue)
            await self._open_scenario(*self._list[event.index])

    @on(ScoreList.Opened, "#scores-changed")
    @work(exclusive=True, group="follow", exit_on_error=False)
    async def _changed_opened(self, event: ScoreList.Opened) -> None:
        if self.pair is not None:
            runs = self.pair.first["run"], self.pair.second["run"]
            self._list = tuple(
                (
                    item.scenario_id,
                    Whose(runs[0], Group(item.first_model, item.first_arm)),
                    Whose(runs[1], Group(item.second_model, item.second_arm)),
                )
                for item in self.pair.table.changed
            )
            await self._open_scenario(*self._list[event.index])

    async def _open_scenario(self, scenario: str, first: Whose, second: Whose) -> None:
        self.answers = await self.workbench.read(partial(read_answers, scenario=scenario, first=first, second=second))
        if not self.answers.rows:
            self.workbench.problem("no response to this scenario is stored in the run")
            return
        self._enter("scenario", remember=True)
        for answer in self.query(Answer):
            answer.scroll_home(animate=False)

    @work(exclusive=True, group="follow", exit_on_error=False)
    async def action_step(self, by: int) -> None:
        """Open the next scenario of the list, with the arms that are shown now where the list has no others."""
        if self.answers is None:
            return
        place = next((i for i, item in enumerate(self._list) if item[0] == self.answers.scenario.id), None)
        if place is not None and 0 <= place + by < len(self._list):
            scenario, *sides = self._list[place + by]
            same = sides == list(self._list[place][1:])
            first, second = self.answers.whose() if same else sides
            await self._open_scenario(scenario, first, second)

    def action_first(self) -> None:
        """Take the next arm as the first."""
        self._turn(1, 0)

    def action_second(self, by: int = 1) -> None:
        """Take the next arm as the second."""
        self._turn(0, by)

    def _turn(self, first: int, second: int) -> None:
        if self.view == "scenario" and self.answers is not None:
            self.answers.turn(first, second)
            self._show_answers()
        elif self.data is not None and self._sides is not None:
            groups = self.data.groups
            places = groups.index(self._sides[0]) + first, groups.index(self._sides[1]) + second
            self._sides = groups[places[0] % len(groups)], groups[places[1] % len(groups)]
            self._set_beside()

    def action_page(self, by: int) -> None:
        """Scroll both responses."""
        for answer in self.query(Answer):
            answer.scroll_relative(y=by * max(1, answer.size.height - 2), animate=False)

    def action_view(self, view: str) -> None:
        """Show two arms as a scatter, or judges against each other."""
        if self.data is None:
            return
        if view == "judges":
            if len(self.data.judges) < 2:
                self.notify("one judge alone: judge the run again with another (workbench judge), or rate it (b)")
                return
            self._agree()
        self._enter(view, remember=True)

    def action_differences(self) -> None:
        """List all scenarios by how much two arms differ."""
        if self.data is not None and self.beside is not None:
            self._domain, self._points = AVERAGE, self.beside.points
            self._enter("differences", remember=True)

    def action_judge(self) -> None:
        """Take the next judge, after the last all of them."""
        if self.data is not None:
            judges = (ALL_JUDGES, *self.data.judges)
            self._judge_by(judges[(judges.index(self.judge) + 1) % len(judges)] if self.judge in judges else ALL_JUDGES)

    def _judge_by(self, judge: str) -> None:
        self.judge = judge
        self.refresh_headline()
        self._render_view()
        self._compute()
        self._set_beside()

    @work(group="scores-pick", exit_on_error=False)
    async def action_run(self) -> None:
        """Choose the run."""
        run = await self._pick("Which run?", None)
        if run is not None:
            await self._take(run)
            self._before.clear()
            self._enter("matrix")

    @work(group="scores-pick", exit_on_error=False)
    async def action_compare(self) -> None:
        """Choose a second run and compare."""
        if self.data is None:
            return
        run = await self._pick("Compare with which run?", self.data.id)
        if run is not None:
            self.pair = await self.workbench.read(partial(read_pair, first=self.data.id, second=run))
            self._enter("runs", remember=True)

    async def _pick(self, question: str, but: str | None) -> str | None:
        from storage.judgements import judged_runs

        runs = [row for row in await self.workbench.read(judged_runs) if row["run"] != but]
        if not runs:
            self.notify("there is no other run with verdicts" if but else "there is no run with verdicts yet")
            return None
        return await self.app.push_screen_wait(PickRun(question, runs))

    @work(group="scores-pick", exit_on_error=False)
    async def action_rate(self) -> None:
        """Rate responses blind."""
        if self.data is not None:
            await self.app.push_screen_wait(RatingDialog(self.data.id))
            self.request_refresh()

    def action_dialogue(self) -> None:
        """Go to the dialogue behind the response in front."""
        if self.answers is None or self.view != "scenario":
            return
        row = self.answers.sides[int(self._right_in_front())]
        if row["dialogue"]:
            self.workbench.follow_link(Link("dialogue", str(row["unit"])))
        else:
            self.notify(f"the {row['arm']} arm asks nothing: there is no dialogue behind this response", timeout=4)

    def action_back(self) -> None:
        """Return to the view before."""
        self.back()

    def back(self) -> bool:
        """Return to the view before; False in the table, where there is none."""
        if not self._before:
            return False
        self._enter(self._before.pop())
        return True

    # What is in front

    def _point(self) -> Changed | None:
        if self.beside is None:
            return None
        scatter = self.view == "scatter"
        points = self.beside.points if scatter else self._points
        place = self.query_one(Scatter).cursor if scatter else self.query_one("#scores-differences", ScoreList).cursor
        return points[place] if place < len(points) else None

    def _scenario_in_front(self) -> str | None:
        if self.view == "scenario" and self.answers is not None:
            return self.answers.scenario.id
        if self.view in ("scatter", "differences") and (point := self._point()) is not None:
            return point.scenario_id
        if self.view == "judges" and self.queue:
            return self.queue[self.query_one("#scores-queue", ScoreList).cursor].score.scenario_id
        return None

    def _list_in_front(self) -> ScoreList:
        focused = self.focused
        if isinstance(focused, ScoreList):
            return focused
        return self.query_one(f"#{_VIEWS[self.view][0]}", ScoreList)

    def _right_in_front(self) -> bool:
        return self.focused is not None and self.focused.id == "scores-right"

    def _judged_by(self) -> str:
        return "mean of judges" if self.judge == ALL_JUDGES else judge_note((), self.judge)
