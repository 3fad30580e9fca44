"""Screen 4, scores: arms x domains, two arms against each other, one scenario's responses, judges, and two runs."""

from collections.abc import Sequence
from functools import partial
from typing import ClassVar

from textual import on, work
from textual.binding import Binding, BindingType

from workbench.app.screens.pickrun import PickRun
from workbench.app.screens.rating import RatingDialog
from workbench.app.screens.scorereading import ScoreReading
from workbench.app.screens.scoreviews import Opened
from workbench.app.state.links import Link
from workbench.app.state.scores.answers import Whose, read_answers, turned
from workbench.app.state.scores.runpair import read_pair
from workbench.app.state.scores.scores import ALL_JUDGES
from workbench.app.state.scores.verdicts import Made
from workbench.app.widgets.scores.matrix import ScoreMatrix
from workbench.app.widgets.scores.responses import Answer
from workbench.app.widgets.scores.scatter import Scatter
from workbench.app.widgets.scores.scorelist import ScoreList
from workbench.report.reading import Group
from workbench.statistics.scores import AVERAGE
from workbench.text import plain


class ScoresScreen(ScoreReading):
    """What judges and people say of a run's responses."""

    NAME = "scores"
    PANES = ("scores-main", "scores-side")
    WORDS: ClassVar = {
        "score": "mean of three dimensions, 1-5",
        "±": "half of a 95 % interval",
        "clustered": "drawn by profile: people differ",
        "published": "what the paper reports",
        "p": "how often chance does as much",
        "Holm": "p for all lines: .05 or less",
        "d_z": "difference in its deviations",
        "more": "scenarios to tell two apart",
        "r, ρ": "same order of responses: 1",
        "κ": "same scores, not by chance: 1",
        "within": "each arm's mean taken off",
        "α": "all judges at once: 1 = agreed",
        "effective": "so many independent judges",
        "spread": "highest less lowest score",
        "a#2": "judge a, once more",
        "human:": "a person who rated blind",
    }

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

    async def open_link(self, link: Link) -> None:
        """Show a run, and one of its scenarios where the detail says `scenario=ID`."""
        if self.data is None or self.data.id != link.id:
            await self.open_run(link.id)
        else:
            self.enter("matrix")
        scenario = link.value("scenario")
        if scenario and self.data is not None and self.within is not None:
            first, second = (Whose(self.data.id, group) for group in self.within)
            self.opened = (Opened(scenario, first, second),)
            await self._open(0)

    # Moving

    @on(ScoreMatrix.Moved)
    def _cell_moved(self) -> None:
        self.show_matrix()

    @on(ScoreMatrix.Opened)
    def _cell_opened(self) -> None:
        """List the scenarios of a cell: its arm beside the first one chosen."""
        table = self.query_one(ScoreMatrix)
        if self.data is None or self.within is None or table.row is None or table.row.key is None:
            return
        first, key = self.within[0], table.row.key
        if first.model != key.group.model:
            first = next(group for group in self.data.groups if group.model == key.group.model)
        if first == key.group:  # what it is beside can't be itself, where there is another arm
            first = next((g for g in self.data.groups if g.model == first.model and g != first), first)
        self.within, self.domain = (first, key.group), table.column
        self._judge_by(key.judge, then="differences")

    @on(Scatter.Moved)
    @on(ScoreList.Moved, "#scores-differences")
    def _point_moved(self) -> None:
        self.show_point()

    @on(Scatter.Opened)
    @on(ScoreList.Opened, "#scores-differences")
    def _point_opened(self) -> None:
        if self.data is not None and self.beside is not None:
            first, second = self.beside.first.whose, self.beside.second.whose
            listed = self.view == "differences"
            points = self.points if listed else self.beside.points
            place = (
                self.query_one("#scores-differences", ScoreList).cursor if listed else self.query_one(Scatter).cursor
            )
            self._open_list(Made(len(points), lambda i: Opened(points[i].scenario_id, first, second)), place)

    @on(ScoreList.Opened, "#scores-queue")
    def _queue_opened(self, event: ScoreList.Opened) -> None:
        if self.data is not None and self.within is not None:
            run, other = self.data.id, Whose(self.data.id, self.within[0])
            items = tuple(Opened(q.item.scenario_id, Whose(run, q.group), other) for q in self.queue)
            self._open_list(items, event.index)

    @on(ScoreList.Opened, "#scores-changed")
    def _changed_opened(self, event: ScoreList.Opened) -> None:
        if self.pair is not None and self.pair.table.changed:
            one, other = self.pair.first.id, self.pair.second.id
            items = tuple(
                Opened(
                    item.scenario_id,
                    Whose(one, Group(item.first_model, item.first_arm)),
                    Whose(other, Group(item.second_model, item.second_arm)),
                )
                for item in self.pair.table.changed
            )
            self._open_list(items, event.index)

    @work(exclusive=True, group="follow", exit_on_error=False)
    async def _open_list(self, items: Sequence[Opened], place: int) -> None:
        self.opened = items
        await self._open(place)

    async def _open(self, place: int, sides: tuple[Whose, Whose] | None = None) -> None:
        """Show a scenario of the list; `sides` are other responses than those the list names."""
        scenario, *named = self.opened[place]
        first, second = sides or named
        found = await self.workbench.read(partial(read_answers, scenario=scenario, first=first, second=second))
        if not found.rows:
            self.workbench.problem("no response to this scenario is stored in the run")
            return
        self.answers, self.place = found, place
        self.enter("scenario", remember=True)
        for answer in self.query(Answer):
            answer.scroll_home(animate=False)

    @work(exclusive=True, group="follow", exit_on_error=False)
    async def action_step(self, by: int) -> None:
        """Open the next scenario of the list; arms that were chosen stay where the list is about two arms."""
        place = self.place + by
        if self.answers is not None and 0 <= place < len(self.opened):
            same = self.opened[place][1:] == self.opened[self.place][1:]
            await self._open(place, self.answers.whose() if same else None)

    def action_first(self) -> None:
        """Take the next arm as the first."""
        self._turn(1, 0)

    def action_second(self, by: int = 1) -> None:
        """Take the next arm as the second."""
        self._turn(0, by)

    def _turn(self, first: int, second: int) -> None:
        if self.view == "scenario" and self.answers is not None:
            self.answers.turn(first, second)
            self.show_answers()
        elif self.across is not None and self.between is not None:
            runs = self.across.first.groups, self.across.second.groups
            left, right = (
                groups[(groups.index(group) + by) % len(groups)]
                for groups, group, by in zip(runs, self.between, (first, second), strict=True)
            )
            self.between = left, right
            self.set_beside()
        elif self.data is not None and self.within is not None:
            groups = self.data.groups
            places = groups.index(self.within[0]), groups.index(self.within[1])
            one, other = turned(places, (first, second), len(groups))
            self.within = groups[one], groups[other]
            self.set_beside()

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
            self.agree()
            self.enter(view, remember=True)
        else:
            self.choose_between()
            self.show_beside(view)

    def action_differences(self) -> None:
        """List all scenarios by how much two arms differ."""
        if self.data is not None:
            self.domain = AVERAGE
            self.choose_between()
            self.show_beside("differences")

    @on(ScoreList.Opened, "#scores-runs")
    def _line_opened(self, event: ScoreList.Opened) -> None:
        """List the scenarios of a line of the comparison, as its judge sees them."""
        if self.pair is not None and event.index < len(self.pair.table.rows):
            self.domain = AVERAGE
            self.choose_between()
            self._judge_by(self.pair.table.rows[event.index].compared.judge, then="differences")

    def action_judge(self) -> None:
        """Take the next judge, after the last all of them."""
        if self.data is not None:
            judges = (ALL_JUDGES, *self.data.judges)
            if self.across is not None:
                judges = tuple(name for name in judges if name in (ALL_JUDGES, *self.across.second.judges))
            self._judge_by(judges[(judges.index(self.judge) + 1) % len(judges)] if self.judge in judges else ALL_JUDGES)

    def _judge_by(self, judge: str, then: str = "") -> None:
        self.judge = judge
        self.refresh_headline()
        self.render_view()
        self.compute()
        self.set_beside(then)

    @work(group="scores-pick", exit_on_error=False)
    async def action_run(self) -> None:
        """Choose the run."""
        run = await self._pick("Which run?", None)
        if run is not None:
            await self.open_run(run)

    @work(group="scores-pick", exit_on_error=False)
    async def action_compare(self) -> None:
        """Choose a second run and compare."""
        if self.data is None:
            return
        run = await self._pick("Compare with which run?", self.data.id)
        if run is not None:
            self.reading = f"comparing with run {run} …"
            self.render_view()
            try:
                self.pair = await self.workbench.read(partial(read_pair, first=self.data, second=run))
            finally:
                self.reading = ""
            self.between, self.domain = None, AVERAGE
            self.enter("runs", remember=True)

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
            await self.app.push_screen_wait(RatingDialog(self.data.id, plain(self.data.world)))
            self.request_refresh()

    def action_dialogue(self) -> None:
        """Go to the dialogue behind the response in front."""
        if self.answers is None or self.view != "scenario":
            return
        row = self.answers.sides[int(self.right_in_front())]
        if row["dialogue"]:
            self.workbench.follow_link(Link("dialogue", str(row["unit"])))
        else:
            self.refuse(f"the {row['arm']} arm asks nothing: there is no dialogue behind this response")

    def action_back(self) -> None:
        """Return to the view before."""
        self.back()
