"""Dialogues taken over and branched, by a person and by processes of their own."""

from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from tests.workbench.app.dialogues.screen import LONG, RUN, drive, front, in_subprocess, press, text
from tests.workbench.app.driving import check_snapshot, settled, until
from workbench.app.screens.takeover import TakeOver
from workbench.app.widgets.dialogues.dialoguepane import Transcript
from workbench.app.widgets.dialogues.replybar import ReplyBar


@pytest.mark.slow
def test_b_and_t_make_branches_beside_their_parent(mine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    in_subprocess(monkeypatch)

    async def steps(pilot: Pilot[None]) -> None:
        screen = front(pilot)
        await press(pilot, "t")
        await until(pilot, lambda: isinstance(pilot.app.screen, TakeOver))
        assert "Take over at question 2 of the planner arm" in text(pilot)
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "write what the user says" in text(pilot))
        await pilot.press(*"I feel fine", "enter")
        await until(pilot, lambda: len(screen.replay.columns) == 3 and not screen.replay.columns[2].running)
        await settled(pilot)
        branch = screen.replay.columns[2]
        assert branch.branch is not None
        assert (branch.branch.parent, branch.branch.step) == (LONG, 1)
        assert branch.turns[1].reply == "I feel fine"
        assert branch.turns[1].said_by == "person"
        assert "⑂ branch" in text(pilot)
        await press(pilot, "home", "right", "b")
        await until(pilot, lambda: len({e.unit for e in screen.replay.columns} - {29, LONG, branch.unit}) == 1)
        assert len(screen.replay.columns) == 3

    drive(mine, steps, f"dialogue/{LONG}?step=2", size=(160, 50))


@pytest.mark.slow
def test_a_person_replies_in_a_running_branch(mine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    in_subprocess(monkeypatch)

    async def steps(pilot: Pilot[None]) -> None:
        screen = front(pilot)
        await press(pilot, "home", "t")
        await until(pilot, lambda: isinstance(pilot.app.screen, TakeOver))
        await pilot.press("shift+tab", "down", "down", "down", "enter", "tab", "space", "ctrl+s")
        await until(pilot, lambda: pilot.app.screen.query(ReplyBar) and isinstance(pilot.app.focused, Input))
        await until(pilot, lambda: "^r refuse" in text(pilot))
        await pilot.press("ctrl+r")
        branch = next(each.unit for each in screen.replay.columns if each.branch)

        def turns() -> list[str | None]:
            return [turn.status for each in screen.replay.columns if each.unit == branch for turn in each.turns]

        await until(pilot, lambda: turns()[:1] == ["refused"] and turns()[-1] is None)
        await until(pilot, lambda: isinstance(pilot.app.focused, Input))
        await press(pilot, "escape")
        assert isinstance(pilot.app.focused, Transcript)
        assert screen.replay.columns[screen.active].unit == branch
        await press(pilot, "i")
        await pilot.press(*"Better now", "enter")
        await until(pilot, lambda: turns()[1:2] == ["answered"])
        await until(pilot, lambda: not pilot.app.screen.query(ReplyBar) or turns()[-1] is None)
        if pilot.app.screen.query(ReplyBar):
            await until(pilot, lambda: isinstance(pilot.app.focused, Input))
            await pilot.press("ctrl+n")
        await until(pilot, lambda: not pilot.app.screen.query(ReplyBar))
        ended = next(each for each in screen.replay.columns if each.unit == branch)
        assert ended.row["response"]
        assert ended.turns[1].reply == "Better now"

    drive(mine, steps, size=(160, 50))


def test_a_branch_comes_to_the_front_where_one_column_is_shown(mine: Path) -> None:
    async def steps(pilot: Pilot[None]) -> None:
        await press(pilot, "left", "b")
        await until(pilot, lambda: "╭─ ⑂ branch" in text(pilot))

    drive(mine, steps, size=(80, 24))


def test_the_dialog_of_taking_over_fits_a_small_terminal(prepared: Path) -> None:
    async def steps(pilot: Pilot[None]) -> None:
        await press(pilot, "t")
        await until(pilot, lambda: isinstance(pilot.app.screen, TakeOver))
        await check_snapshot(pilot, "takeover-80x24", RUN)

    drive(prepared, steps, size=(80, 24))
