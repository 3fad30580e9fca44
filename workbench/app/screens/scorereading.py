"""Reading what the scores screen shows, and having it computed in threads, a piece at a time."""

import asyncio
from functools import partial

from textual import work

from storage.errors import NotFoundError
from workbench.app.screens.scoreviews import ScoreViews
from workbench.app.state.scores.answers import read_answers
from workbench.app.state.scores.beside import RunArm, set_beside
from workbench.app.state.scores.judges import Panel
from workbench.app.state.scores.runpair import compare_again
from workbench.app.state.scores.scores import ALL_JUDGES, RunScores, default_between, default_sides, read_scores
from workbench.app.widgets.scores.scatter import Scatter
from workbench.app.widgets.scores.scorelist import ScoreList
from workbench.report.reading import Group
from workbench.statistics.comparison import Changed
from workbench.statistics.scores import AVERAGE

_SOON = 0.5
"""Seconds until it looks again whether what is being computed has come to its end."""


class ScoreReading(ScoreViews):
    """Keeps what is shown in step with the database and with what was chosen.

    Fields:
        within: the two arms of the run that is open which were chosen to stand beside each other.
        between: the same of two runs that are compared, an arm of each.
    """

    def __init__(self) -> None:
        super().__init__()
        self.within: tuple[Group, Group] | None = None
        self.between: tuple[Group, Group] | None = None
        self._judged: RunScores | None = None
        self._wanted: str | None = None

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
        if self.data.pending() or (self.view == "judges" and not self.agreed):
            # A run under way would never get its intervals, if each of its verdicts began them anew.
            self.set_timer(_SOON, self.request_refresh)
        else:
            changed = await self.workbench.read(partial(score_stamp, run=self.data.id)) != self.data.stamp
            if changed:
                await self._take(self.data.id)
            if await self._compare_again() or changed:
                await self._answers_again()
        self.render_view()

    async def open_run(self, run: str) -> None:
        self._wanted = run
        self.enter("matrix")  # where it says what is being read; what was open of another run is left
        await self._take(run)

    async def _take(self, run: str) -> None:
        self.reading = "" if self.data is not None and self.data.id == run else f"reading run {run} …"
        self.render_view()
        try:
            data = await self.workbench.read(partial(read_scores, run=run))
        except NotFoundError:
            if self._wanted == run:
                self._wanted = None  # what was open stays, else the latest run comes
                self.request_refresh()
            raise
        finally:
            self.reading = ""
        if self._wanted is not None and not data.id.startswith(self._wanted):
            return  # another run was chosen meanwhile
        if self.data is not None and self.data.id == data.id:
            data.take_over(self.data)
        else:
            self.within = default_sides(data.groups) if data.groups else None
            self.judge, self.domain, self.beside, self.points = ALL_JUDGES, AVERAGE, None, ()
        self.data = data
        if self.view == "empty":
            self.enter("matrix")
        self.render_view()
        self.compute()
        if self.across is None:
            self.set_beside()
        if self.view == "judges":
            self.agree()
        self.refresh_headline()

    async def _compare_again(self) -> bool:
        """Follow two runs that are compared; tell whether either has other verdicts than before."""
        pair = self.across
        if pair is None or self.data is None:
            return False
        found = await self.workbench.read(partial(compare_again, pair=pair, first=self.data))
        if found is None or self.across is not pair:
            return False
        self.pair = found
        if self.between is not None:
            self.set_beside()
        return True

    async def _answers_again(self) -> None:
        """Read the responses that are open again: they may have more verdicts."""
        before = self.answers
        if self.view != "scenario" or before is None or not before.rows:
            return
        first, second = before.whose()
        found = await self.workbench.read(
            partial(read_answers, scenario=before.scenario.id, first=first, second=second)
        )
        if self.answers is before and before.whose() == (first, second):
            self.answers = found

    @work(exclusive=True, group="scores-table", exit_on_error=False)
    async def compute(self) -> None:
        """Ask for the rows of the table one by one, and show each as it comes."""
        data = self.data
        while data is not None and (pending := data.pending(self.judge)):
            data.ready[pending[0]] = await asyncio.to_thread(data.row, pending[0])
            self.show_matrix()

    @work(exclusive=True, group="scores-sides", exit_on_error=False)
    async def set_beside(self, then: str = "") -> None:
        """Set the two chosen arms beside each other, and change to a view of them."""
        sides = self.sides
        if sides is None:
            return
        found = await asyncio.to_thread(set_beside, *sides, self.judge)
        kept, before = self.point(), self.beside
        self.beside, self.points = found, found.within(self.domain)
        self.query_one(Scatter).show(found, found.place(kept.scenario_id) if kept else 0)
        # A cursor at the head of the list stays there; elsewhere it stays on its scenario, unless the arms are others.
        listed = self.query_one("#scores-differences", ScoreList).cursor
        follows = listed and kept and before and found.about == before.about
        self.show_points(found.place(kept.scenario_id, self.domain) if follows and kept else None)
        if then:
            self.enter(then, remember=True)
        else:
            self.render_view()

    @property
    def sides(self) -> tuple[RunArm, RunArm] | None:
        """The two arms chosen: of the run that is open, or one each of the two runs that are compared."""
        if self.across is not None and self.between is not None:
            return RunArm(self.across.first, self.between[0]), RunArm(self.across.second, self.between[1])
        if self.data is None or self.within is None:
            return None
        return RunArm(self.data, self.within[0]), RunArm(self.data, self.within[1])

    def show_beside(self, view: str) -> None:
        """Change to a view of the two chosen arms, as soon as they stand beside each other."""
        sides, known = self.sides, self.beside
        if known is not None and sides == (known.first, known.second) and known.judge == self.judge:
            self.points = known.within(self.domain)
            self.show_points()
            self.enter(view, remember=True)
        else:
            self.set_beside(view)

    def agree(self) -> None:
        """Begin to compute the figures of agreement, unless that has begun."""
        if self.data is not None and self._judged is not self.data:
            if self._judged is None or self._judged.id != self.data.id:
                self.panel, self.queue, self.agreement, self.figures = None, [], [], 0
            self._judged, self.computed = self.data, 0
            self._compute_agreement(self.data)

    @work(exclusive=True, group="scores-judges", exit_on_error=False)
    async def _compute_agreement(self, data: RunScores) -> None:
        """Compute the figures one by one; the queue of disagreements is there first.

        Figures of fewer verdicts stay until they are computed again.
        """
        panel = await asyncio.to_thread(Panel, data.verdicts)
        queue = await asyncio.to_thread(panel.queue)
        figures = await asyncio.to_thread(panel.figures)
        if self.panel is None or self.panel.judges != panel.judges:
            self.agreement = []
        self.panel, self.queue, self.figures = panel, queue, len(figures)
        self.render_view()
        for i, figure in enumerate(figures):
            self.agreement[i : i + 1] = [await asyncio.to_thread(figure)]
            self.computed = i + 1
            self.render_view()

    def choose_between(self) -> None:
        """In the comparison of two runs, choose the arms of the line under the cursor."""
        if self.view != "runs" or self.pair is None:
            return
        lines = self.list_in_front()
        listed = self.pair.table.changed if lines.id == "scores-changed" else self.pair.table.rows
        if lines.cursor < len(listed):
            line = listed[lines.cursor]
            found = line if isinstance(line, Changed) else line.compared
            self.between = Group(found.first_model, found.first_arm), Group(found.second_model, found.second_arm)
        elif self.between is None and self.pair.first.groups and self.pair.second.groups:
            self.between = default_between(self.pair.first.groups, self.pair.second.groups)
