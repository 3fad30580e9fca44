"""The list of dialogues, and what is said where there is none."""

import shutil
from pathlib import Path

import pytest
from textual.pilot import Pilot

from storage.database import open_readonly
from tests.workbench.app.dialogues.screen import LONG, RUN, drive, front, press, text
from tests.workbench.app.driving import check_snapshot, until
from tests.workbench.engine.running import options, work
from workbench.app.widgets.dialogues.dialoguepicker import DialoguePicker
from workbench.app.widgets.linelist import LineList


def test_the_list_opens_what_is_picked_and_q_returns_to_it(prepared: Path) -> None:
    async def steps(pilot: Pilot[None]) -> None:
        assert "14 scenarios" in text(pilot)
        assert "agent   planner" in text(pilot)
        assert "1 · 4." in text(pilot)
        await press(pilot, "down", "enter")
        await until(pilot, lambda: len(front(pilot).replay.columns) == 2)
        assert front(pilot).replay.columns[1].unit == LONG
        await press(pilot, "q")
        await until(pilot, lambda: "14 scenarios" in text(pilot))
        assert pilot.app.screen.query_one("#dialogue-list", LineList).cursor == 1
        assert front(pilot).subject() is None
        assert front(pilot).copy_text() is None
        assert front(pilot).exports() == []

    drive(prepared, steps, None)


def test_another_run_can_be_picked(prepared: Path, tmp_path: Path) -> None:
    path = tmp_path / "w.db"
    shutil.copy(prepared, path)
    work(path, options(synthetic=1, seed=9, arms=("agent",)))

    async def steps(pilot: Pilot[None]) -> None:
        assert "1 scenario " in text(pilot)
        await pilot.press("r")
        await until(pilot, lambda: "Dialogues of which run?" in text(pilot))
        assert "1 arm · 1 scenario " in text(pilot)
        await press(pilot, "down", "enter")
        await until(pilot, lambda: "· 14 scenarios" in text(pilot))
        await press(pilot, "enter")
        await until(pilot, lambda: len(front(pilot).replay.columns) == 2)
        await press(pilot, "r")  # a key of the list
        assert len(front(pilot).replay.columns) == 2

    drive(path, steps, None)


def test_an_empty_database_says_what_to_do(tmp_path: Path) -> None:
    async def steps(pilot: Pilot[None]) -> None:
        assert "There is no dialogue yet." in text(pilot)
        assert "key 1" in text(pilot)
        await press(pilot, "right", "t", "c", "enter")
        assert "There is no dialogue yet." in text(pilot)

    drive(tmp_path / "new.db", steps, None)


def test_a_dialogue_that_is_not_there_is_a_message(prepared: Path) -> None:
    async def steps(pilot: Pilot[None]) -> None:
        await until(pilot, lambda: "there is no unit 9999" in text(pilot))

    drive(prepared, steps, "dialogue/9999")


def test_a_unit_without_a_dialogue_is_a_message(prepared: Path) -> None:
    db = open_readonly(prepared)
    (unit,) = db.execute("select min(id) from units where arm = 'vanilla'").fetchone()
    db.close()

    async def steps(pilot: Pilot[None]) -> None:
        await until(pilot, lambda: f"unit {unit} holds no dialogue" in text(pilot))

    drive(prepared, steps, f"dialogue/{unit}")


@pytest.mark.parametrize(("name", "size"), [("dialogues-list", (120, 24)), ("dialogues-list-small", (80, 24))])
def test_the_list_looks_as_it_did(prepared: Path, name: str, size: tuple[int, int]) -> None:
    async def steps(pilot: Pilot[None]) -> None:
        await until(pilot, lambda: "planner" in text(pilot))
        await check_snapshot(pilot, name, RUN)

    drive(prepared, steps, None, size=size)


def test_the_first_dialogues_are_listed_over_the_whole_width(prepared: Path) -> None:
    async def steps(pilot: Pilot[None]) -> None:
        picker = front(pilot).query_one(DialoguePicker)
        run, places = picker._run, picker._places
        await until(pilot, lambda: "domain" in text(pilot))
        picker.show(None, ())
        await until(pilot, lambda: "There is no dialogue yet" in text(pilot))
        picker.show(run, places)
        await until(pilot, lambda: "domain" in text(pilot) and "planner" in text(pilot))

    drive(prepared, steps, None)
