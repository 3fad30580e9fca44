"""Reading what the scores screen shows, and having it computed in threads, a piece at a time."""

import asyncio
import time
from functools import partial

from textual import work
from textual.worker import Worker

from workbench.app.failures import tell_failure
from workbench.app.screens.scoreviews import ScoreViews
from workbench.app.state.beside import RunArm, set_beside
from workbench.app.state.judges import Panel
from workbench.app.state.scores import ALL_JUDGES, RunScores, default_between, default_sides, read_scores
from workbench.app.widgets.scatter import Scatter
from workbench.report.reading import Group
from workbench.statistics.comparison import Changed
from workbench.statistics.scores import AVERAGE

_SHARE = 4
"""Reading a large run again waits so many times as long as reading it took, so that following it costs little."""

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
        self._next_read = 0.0

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

    async def open_run(self, run: str) -> None:
        self._wanted = run
        await self._take(run)
        self.enter("matrix")

    async def _take(self, run: str) -> None:
        began = time.monotonic()
        self.reading = "" if self.data is not None and self.data.id == run else f"reading run {run} …"
        self.render_view()
        data = await self.workbench.read(partial(read_scores, run=run))
        self._next_read, self.reading = time.monotonic() + _SHARE * (time.monotonic() - began), ""
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
        self.set_beside()
        if self.view == "judges":
            self.agree()
        self.refresh_headline()

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
        kept = self.point()
        self.beside, self.points = found, found.within(self.domain)
        self.query_one(Scatter).show(found, found.place(kept.scenario_id) if kept else 0)
        self.show_points()
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
            self._judged, self.agreement, self.figures = self.data, [], 0
            self._compute_agreement(self.data)

    @work(exclusive=True, group="scores-judges", exit_on_error=False)
    async def _compute_agreement(self, data: RunScores) -> None:
        """Compute the figures one by one; the queue of disagreements is there first."""
        panel = await asyncio.to_thread(Panel, data.verdicts)
        queue = await asyncio.to_thread(panel.queue)
        figures = await asyncio.to_thread(panel.figures)
        self.panel, self.queue, self.agreement, self.figures = panel, queue, [], len(figures)
        self.render_view()
        for figure in figures:
            self.agreement.append(await asyncio.to_thread(figure))
            self.render_view()

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """Say what went wrong in the background."""
        tell_failure(self.workbench, event)

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
