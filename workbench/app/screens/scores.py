"""Screen 4, scores: arms x domains, two arms against each other, one scenario's responses, judges, and two runs."""

import asyncio
import time
from functools import partial
from typing import ClassVar

from textual import on, work
from textual.binding import Binding, BindingType
from textual.worker import Worker

from workbench.app.failures import tell_failure
from workbench.app.screens.pickrun import PickRun
from workbench.app.screens.rating import RatingDialog
from workbench.app.screens.scoreviews import Opened, ScoreViews
from workbench.app.state.answers import Whose, read_answers, turned
from workbench.app.state.judges import Panel
from workbench.app.state.links import Link
from workbench.app.state.runpair import read_pair
from workbench.app.state.scores import ALL_JUDGES, RunScores, default_sides, read_scores
from workbench.app.widgets.matrix import ScoreMatrix
from workbench.app.widgets.responses import Answer
from workbench.app.widgets.scatter import Scatter
from workbench.app.widgets.scorelist import ScoreList
from workbench.report.reading import Group
from workbench.statistics.scores import AVERAGE
from workbench.text import plain

_SHARE = 4
"""Reading a large run again waits so many times as long as reading it took, so that following it costs little."""

_SOON = 0.5
"""Seconds until it looks again whether what is being computed has come to its end."""


class ScoresScreen(ScoreViews):
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
        self._sides: tuple[Group, Group] | None = None
        self._judged: RunScores | None = None
        self._wanted: str | None = None
        self._next_read = 0.0

    async def open_link(self, link: Link) -> None:
        """Show a run, and one of its scenarios where the detail says `scenario=ID`."""
        if self.data is None or self.data.id != link.id:
            await self._open_run(link.id)
        else:
            self.enter("matrix")
        scenario = link.value("scenario")
        if scenario and self.data is not None and self._sides is not None:
            first, second = (Whose(self.data.id, group) for group in self._sides)
            self.opened = (Opened(scenario, first, second),)
            await self._open(0)

    # Reading

    async def refresh_data(self) -> None:
        """Read the run that is open, where its verdicts have changed, or the latest one that was judged."""
        from storage.judgements import judged_runs, score_stamp

        if self.data is None:
            runs = await self.workbench.read(judged_runs)
            if self._wanted or runs:
                await self._take(self._wanted or runs[0]["run"])
            elif self.view != "empty":
                self.enter("empty")
            return
        wait = self._next_read - time.monotonic()
        if wait > 0 or self.data.pending():
            # A run under way would never get its intervals, if each of its verdicts began them anew.
            self.set_timer(max(wait, _SOON), self.request_refresh)
        elif await self.workbench.read(partial(score_stamp, run=self.data.id)) != self.data.stamp:
            await self._take(self.data.id)
        self.render_view()

    async def _open_run(self, run: str) -> None:
        self._wanted = run
        await self._take(run)
        self.enter("matrix")

    async def _take(self, run: str) -> None:
        began = time.monotonic()
        data = await self.workbench.read(partial(read_scores, run=run))
        self._next_read = time.monotonic() + _SHARE * (time.monotonic() - began)
        if self._wanted is not None and not data.id.startswith(self._wanted):
            return  # another run was chosen meanwhile
        if self.data is not None and self.data.id == data.id:
            data.take_over(self.data)
        else:
            self._sides = default_sides(data.groups) if data.groups else None
            self.judge, self.domain, self.beside, self.points = ALL_JUDGES, AVERAGE, None, ()
        self.data = data
        if self.view == "empty":
            self.enter("matrix")
        self.render_view()
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
            self.show_matrix()

    @work(exclusive=True, group="scores-sides", exit_on_error=False)
    async def _set_beside(self) -> None:
        """Set the two chosen arms beside each other."""
        if self.data is not None and self._sides is not None:
            found = await asyncio.to_thread(self.data.beside, *self._sides, self.judge)
            kept = self.point()
            self.beside, self.points = found, found.within(self.domain)
            places = [i for i, point in enumerate(found.points) if kept and point.scenario_id == kept.scenario_id]
            self.query_one(Scatter).show(found, places[0] if places else 0)
            self.show_points()
            self.render_view()

    def _agree(self) -> None:
        """Begin to compute the figures of agreement, unless that has begun."""
        if self.data is not None and self._judged is not self.data:
            self._judged, self.agreed = self.data, False
            self._compute_agreement(self.data)

    @work(exclusive=True, group="scores-judges", exit_on_error=False)
    async def _compute_agreement(self, data: RunScores) -> None:
        """Compute the figures one by one; the queue of disagreements is there first."""
        panel = await asyncio.to_thread(Panel, data)
        queue = await asyncio.to_thread(panel.queue)
        self.panel, self.queue, self.agreement = panel, queue, []
        self.render_view()
        for figure in panel.figures():
            self.agreement.append(await asyncio.to_thread(figure))
            self.render_view()
        self.agreed = True
        self.render_view()

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """Say what went wrong in the background."""
        tell_failure(self.workbench, event)

    # Moving

    @on(ScoreMatrix.Moved)
    def _cell_moved(self) -> None:
        self.show_matrix()

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
        self._sides, self.domain = (first, key.group), table.column
        self._judge_by(key.judge)
        self.enter("differences", remember=True)

    @on(Scatter.Moved)
    @on(ScoreList.Moved, "#scores-differences")
    def _point_moved(self) -> None:
        self.show_point()

    @on(Scatter.Opened)
    @on(ScoreList.Opened, "#scores-differences")
    def _point_opened(self) -> None:
        if self.data is not None and self.beside is not None:
            first, second = (Whose(self.data.id, group) for group in (self.beside.first, self.beside.second))
            listed = self.view == "differences"
            points = self.points if listed else self.beside.points
            place = (
                self.query_one("#scores-differences", ScoreList).cursor if listed else self.query_one(Scatter).cursor
            )
            self._open_list(tuple(Opened(point.scenario_id, first, second) for point in points), place)

    @on(ScoreList.Opened, "#scores-queue")
    def _queue_opened(self, event: ScoreList.Opened) -> None:
        if self.data is not None and self._sides is not None:
            run, other = self.data.id, Whose(self.data.id, self._sides[0])
            items = tuple(Opened(q.score.scenario_id, Whose(run, q.score.group), other) for q in self.queue)
            self._open_list(items, event.index)

    @on(ScoreList.Opened, "#scores-changed")
    def _changed_opened(self, event: ScoreList.Opened) -> None:
        if self.pair is not None:
            one, other = self.pair.first["run"], self.pair.second["run"]
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
    async def _open_list(self, items: tuple[Opened, ...], place: int) -> None:
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
        elif self.data is not None and self._sides is not None:
            groups = self.data.groups
            places = groups.index(self._sides[0]), groups.index(self._sides[1])
            left, right = turned(places, (first, second), len(groups))
            self._sides = groups[left], groups[right]
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
        self.enter(view, remember=True)

    def action_differences(self) -> None:
        """List all scenarios by how much two arms differ."""
        if self.data is not None and self.beside is not None:
            self.domain, self.points = AVERAGE, self.beside.points
            self.enter("differences", remember=True)

    def action_judge(self) -> None:
        """Take the next judge, after the last all of them."""
        if self.data is not None:
            judges = (ALL_JUDGES, *self.data.judges)
            self._judge_by(judges[(judges.index(self.judge) + 1) % len(judges)] if self.judge in judges else ALL_JUDGES)

    def _judge_by(self, judge: str) -> None:
        self.judge = judge
        self.refresh_headline()
        self.render_view()
        self._compute()
        self._set_beside()

    @work(group="scores-pick", exit_on_error=False)
    async def action_run(self) -> None:
        """Choose the run."""
        run = await self._pick("Which run?", None)
        if run is not None:
            await self._open_run(run)

    @work(group="scores-pick", exit_on_error=False)
    async def action_compare(self) -> None:
        """Choose a second run and compare."""
        if self.data is None:
            return
        run = await self._pick("Compare with which run?", self.data.id)
        if run is not None:
            self.pair = await self.workbench.read(partial(read_pair, first=self.data.id, second=run))
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
