"""What commands make of a run, without a database: searches that wait, step, keep a rate and stop at breakpoints."""

from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import pytest

from planner.recorder import Recorder
from planner.trace import Trace
from workbench.engine.steering.breakpoints import Breakpoints
from workbench.engine.steering.control import VERBS, CommandError, Control, Pace

PATHS = ((0, 1), (0, 2), (0, 2), (1, 2), (1, 2), (0, 1))


class Paths:
    """Stands for a planner: takes the paths one after the other; each is worth more than the one before."""

    def __init__(self) -> None:
        self._record = Recorder("search", 0b111, n=3, depth=2, rule="raise", backup="path", recommend="q")

    def take(self) -> bool:
        """Take the next path; tell whether there is another one."""
        path = PATHS[len(self._record) % len(PATHS)]
        if len(self._record) in (0, 1, 3):  # first visits: what a path leaves is ranked
            self._record.ranking((0, 1, 2))
        self._record.rollout(path, 3.0 + len(self._record) / 10, False)
        return len(self._record) < len(PATHS)

    @property
    def trace(self) -> Trace:
        return self._record.snapshot()


async def settle() -> None:
    """Let every other task go as far as it can without time passing."""
    await anyio.wait_all_tasks_blocked()


class Search:
    """A search under control, for as long as the test wants."""

    def __init__(self, control: Control) -> None:
        self.control, self.planner, self.ended = control, Paths(), False
        self.shown: list[int] = []

    async def run(self) -> None:
        with self.control.search(self.planner, self._show) as pace:
            more = True
            while more:
                await self._round(pace)
                more = self.planner.take()
        self.ended = True

    async def _round(self, pace: Pace) -> None:
        if not self.control.free:
            await pace.rollout()
            await pace.rollout()  # as in the second round of a rollout

    async def _show(self, trace: Trace) -> None:
        self.shown.append(trace.rollouts)

    @property
    def rollouts(self) -> int:
        return self.planner.trace.rollouts


def controlled(test: Callable[[Control, Search], Awaitable[None]], **how: Any) -> None:
    """Run a test beside a search of six rollouts that is under way."""

    async def main() -> None:
        control = Control(**how)
        search = Search(control)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(search.run)
            await settle()
            await test(control, search)
            tasks.cancel_scope.cancel()

    anyio.run(main)


def test_a_free_search_is_never_held_and_never_shown() -> None:
    async def test(control: Control, search: Search) -> None:
        assert control.free
        assert (search.ended, search.shown) == (True, [])

    controlled(test)


def test_paused_it_waits_before_its_first_rollout_where_it_can_be_seen() -> None:
    async def test(control: Control, search: Search) -> None:
        assert (search.rollouts, search.shown, control.free) == (0, [0], False)
        control.obey("resume")
        await settle()
        assert (search.ended, control.free) == (True, True)

    controlled(test, paused=True)


def test_steps_let_it_take_so_many_rollouts_and_each_halt_is_shown_once() -> None:
    async def test(control: Control, search: Search) -> None:
        for argument, then in (("", 1), ("1", 2), ("3", 5)):
            control.obey("step", argument)
            await settle()
            assert (search.rollouts, control.paused) == (then, True)
        assert search.shown == [0, 1, 2, 5]
        control.obey("step", "1")  # the last one: nothing is left to wait for
        await settle()
        assert search.ended

    controlled(test, paused=True)


def test_steps_add_up_and_a_pause_takes_back_what_was_not_taken() -> None:
    async def test(control: Control, search: Search) -> None:
        control.obey("step")
        control.obey("step", "2")
        await settle()
        assert search.rollouts == 3
        control.obey("step", "2")
        control.obey("pause")
        await settle()
        assert search.rollouts == 3

    controlled(test, paused=True)


def test_a_step_before_any_search_is_under_way_is_for_the_first() -> None:
    async def main() -> None:
        control = Control(paused=True)
        control.obey("step", "2")
        first, second = Search(control), Search(control)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(first.run)
            await settle()
            tasks.start_soon(second.run)
            await settle()
            assert (first.rollouts, second.rollouts) == (2, 0)
            control.obey("step")  # each one that is under way
            await settle()
            assert (first.rollouts, second.rollouts) == (3, 1)
            tasks.cancel_scope.cancel()

    anyio.run(main)


def test_a_step_of_a_run_that_goes_on_pauses_it() -> None:
    async def test(control: Control, search: Search) -> None:
        assert search.rollouts == 1  # the rate is very low
        control.obey("step", "2")
        control.obey("rate", "0")
        await settle()
        assert (search.rollouts, control.paused) == (3, True)

    controlled(test, rate=1e-6)


def test_a_rate_keeps_rollouts_apart_and_ends_when_told() -> None:
    async def test(control: Control, search: Search) -> None:
        assert (search.rollouts, search.shown) == (1, [1])  # shown, since the next one takes a while
        control.obey("rate", "100")
        began = anyio.current_time()
        while search.rollouts < 4:
            await anyio.sleep(0.001)
        assert anyio.current_time() - began > 0.015
        control.obey("rate", "0")
        await settle()
        assert search.ended

    controlled(test, rate=0.001)


def test_it_stops_when_the_best_subset_changes() -> None:
    async def test(control: Control, search: Search) -> None:
        control.obey("break", "best")
        halts = []
        while not search.ended:
            control.obey("resume")
            await settle()
            halts.append(search.rollouts)
        assert halts == [2, 4, 6]  # not at the first best, and not at the last: the search has ended

    controlled(test, paused=True)


def test_it_stops_when_a_path_passes_through_a_subset() -> None:
    async def test(control: Control, search: Search) -> None:
        control.obey("break", str(0b101))
        control.obey("resume")
        await settle()
        assert (search.rollouts, control.paused) == (2, True)
        control.obey("break", str(0b010))
        control.obey("step", "4")
        await settle()
        assert search.rollouts == 4  # a breakpoint takes back what was stepped
        control.obey("break")
        control.obey("resume")
        await settle()
        assert search.ended

    controlled(test, paused=True)


def test_any_of_several_breakpoints_stops_it_and_is_named() -> None:
    async def test(control: Control, search: Search) -> None:
        assert control.held == "from its start"
        control.obey("break", f"best,{0b110},{0b101}")
        halts = []
        while not search.ended:
            control.obey("resume")
            await settle()
            halts.append((search.rollouts, control.held))
        path = "a path passed through"
        assert halts == [
            (2, f"as the best subset changed and {path} {{Age, Marital}} at rollout 2"),
            (3, f"as {path} {{Age, Marital}} at rollout 3"),
            (4, f"as the best subset changed and {path} {{Gender, Marital}} at rollout 4"),
            (5, f"as {path} {{Gender, Marital}} at rollout 5"),
            (6, ""),
        ]

    controlled(test, paused=True)


def test_a_breakpoint_counts_from_when_it_was_set() -> None:
    async def test(control: Control, search: Search) -> None:
        control.obey("step", "2")
        await settle()
        control.obey("break", str(0b011))  # rollout 1 took it, and rollout 6 will
        control.obey("break", str(0b001))  # the very next rollout does
        control.obey("resume")
        await settle()
        assert (search.rollouts, control.paused) == (3, True)
        assert control.held == "as a path passed through {Age} at rollout 3"
        control.obey("step")
        await settle()
        assert control.held == "by a command"
        control.obey("break", "none")
        control.obey("resume")
        await settle()
        assert (search.ended, control.free) == (True, True)

    controlled(test, paused=True)


def test_of_searches_that_meet_breakpoints_at_once_the_first_is_named() -> None:
    async def main() -> None:
        control, planners = Control(paused=True), (Paths(), Paths())
        control.obey("break", "1")
        for number, planner in enumerate(planners, 1):
            planner.take()
            with control.search(planner, name=f"search {number}") as pace, anyio.move_on_after(0):
                await pace.rollout()
        assert control.held == "as a path passed through {Age} at rollout 1 (search 1)"

    anyio.run(main)


@pytest.mark.parametrize(
    ("argument", "breakpoints", "written"),
    [
        ("", Breakpoints(), "none"),
        ("none", Breakpoints(), "none"),
        ("best", Breakpoints(best=True), "best"),
        ("12", Breakpoints(masks=frozenset({12})), "12"),
        (" 12, best ,5,12", Breakpoints(best=True, masks=frozenset({5, 12})), "best,5,12"),
    ],
)
def test_breakpoints_are_read_and_written(argument: str, breakpoints: Breakpoints, written: str) -> None:
    assert Breakpoints.read(argument) == breakpoints
    assert str(breakpoints) == written
    assert Breakpoints.read(written) == breakpoints
    assert len(breakpoints) == (0 if written == "none" else written.count(",") + 1)


def test_a_unit_without_rollouts_waits_as_long_as_the_run_is_paused() -> None:
    async def main() -> None:
        control, begun = Control(paused=True), anyio.Event()

        async def unit() -> None:
            await control.unit()
            begun.set()

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(unit)
            await settle()
            control.obey("rate", "1")
            await settle()
            assert not begun.is_set()
            control.obey("resume")
            await begun.wait()
            await control.unit()

    anyio.run(main)


def test_what_changes_while_a_search_is_being_shown_is_not_missed() -> None:
    async def main() -> None:
        control = Control(paused=True)
        search = Search(control)

        async def resume(trace: Trace) -> None:
            control.obey("resume")

        search._show = resume  # type: ignore[method-assign]
        with anyio.fail_after(5):
            await search.run()

    anyio.run(main)


@pytest.mark.parametrize(
    ("verb", "argument", "why"),
    [
        ("dance", "", "no verb 'dance'"),
        ("pause", "now", "no argument"),
        ("resume", "", "not paused"),
        *(("step", argument, "1 or more") for argument in ("0", "-1", "x", "1.5", "²", "9" * 5000)),
        *(("rate", argument, "0 for no limit") for argument in ("", "-1", "x", "nan", "inf")),
        *(
            ("break", argument, "mask")
            for argument in ("worst", "0", "-5", "65536", "²", "9" * 5000, "best,", ",", "best,none")
        ),
    ],
)
def test_what_makes_no_sense_is_refused_and_changes_nothing(verb: str, argument: str, why: str) -> None:
    async def main() -> None:
        control = Control()
        with pytest.raises(CommandError, match=why):
            control.obey(verb, argument)
        assert control.free

    anyio.run(main)


@pytest.mark.parametrize("verb", ["step", "rate", "break"])
def test_once_all_searches_are_over_there_is_nothing_to_step(verb: str) -> None:
    async def main() -> None:
        control = Control()
        control.searching = False
        with pytest.raises(CommandError, match="no search"):
            control.obey(verb, "1")
        control.obey("pause")
        assert control.paused

    anyio.run(main)


def test_cancel_is_only_noted() -> None:
    async def main() -> None:
        control = Control()
        control.obey("cancel")
        assert (control.cancelled, control.paused) == (True, False)
        assert "cancel" in VERBS

    anyio.run(main)
