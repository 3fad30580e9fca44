"""Dialogues replayed step by step and beside each other: the keys that move, compare and ask."""

import json
from pathlib import Path

import pytest
from textual.pilot import Pilot

from tests.fakeserver import FakeServer
from tests.workbench.app.dialogues.screen import LONG, drive, first_dialogue, front, in_subprocess, press, text
from tests.workbench.app.driving import settled, until
from tests.workbench.engine.running import options, work
from workbench.app.screens.takeover import ChooseColumns, Stopped
from workbench.app.widgets.dialogues.dialoguepane import Transcript


def test_a_link_opens_agent_and_planner_side_by_side_at_its_step(prepared: Path) -> None:
    async def steps(pilot: Pilot[None]) -> None:
        screen = front(pilot)
        assert [each.row["arm"] for each in screen.replay.columns] == ["agent", "planner"]
        assert screen.replay.turn(1, screen.replay.step - 1) == screen.replay.columns[1].turns[1]
        assert screen.active == 1
        assert "step 2 of 2" in text(pilot)
        assert "◇ surrogate" in text(pilot).splitlines()[0]
        subject = screen.subject()
        assert subject is not None
        assert subject.target == f"dialogue/{LONG}"

    drive(prepared, steps, f"dialogue/{LONG}?step=2")


def test_keys_move_by_step_and_the_known_attributes_fill_in(prepared: Path) -> None:
    async def steps(pilot: Pilot[None]) -> None:
        screen = front(pilot)
        seen = []
        for key in ("home", "right", "right", "end", "left", "left", "left", "left"):
            await press(pilot, key)
            seen.append((screen.replay.step, screen.replay.said(1)))
        assert seen == [(0, 0), (1, 1), (2, 2), (3, 2), (2, 2), (1, 1), (0, 0), (0, 0)]
        assert "known 0/10" in text(pilot)
        await press(pilot, "right", "right")
        assert "known 2/10  ● Marital Status ● Mental Health Status" in text(pilot)
        assert "stops at 4 ✔" in text(pilot)
        assert text(pilot).count("if it stopped now") == 2

    drive(prepared, steps)


def test_n_goes_from_difference_to_difference(prepared: Path) -> None:
    async def steps(pilot: Pilot[None]) -> None:
        screen = front(pilot)
        await press(pilot, "home", "n")
        assert screen.replay.step == 1
        assert "≠ only here" in text(pilot)
        await press(pilot, "n")
        assert "no difference after this step" in text(pilot)
        await press(pilot, "end", "N")
        assert screen.replay.step == 1

    drive(prepared, steps)


def test_a_plays_to_the_end_and_any_key_stops_it(prepared: Path) -> None:
    async def steps(pilot: Pilot[None]) -> None:
        screen = front(pilot)
        await press(pilot, "home", "plus", "a")
        assert "playing 0.5 s" in text(pilot)
        await press(pilot, "up")
        assert "playing" not in text(pilot).splitlines()[0]
        await press(pilot, "end", "a")
        assert screen.replay.step == 0
        await until(pilot, lambda: screen.replay.step == screen.replay.last)
        await until(pilot, lambda: "playing" not in text(pilot).splitlines()[0])

    drive(prepared, steps)


def test_c_chooses_the_columns(refusing: Path) -> None:
    async def steps(pilot: Pilot[None]) -> None:
        screen = front(pilot)
        await pilot.press("c")
        await until(pilot, lambda: isinstance(pilot.app.screen, ChooseColumns))
        assert "planner · surrogate/QwQ-32B" in text(pilot)
        await pilot.press("down", "down", "space", "down", "space", "enter")
        await settled(pilot)
        assert "4 are marked" in text(pilot)
        await pilot.press("space", "enter")
        await until(pilot, lambda: len(screen.replay.columns) == 3)
        await settled(pilot)
        assert [pane.id for pane in screen.panes] == ["column-1", "column-2", "column-3"]
        assert {each.row["model"] for each in screen.replay.columns} == {"surrogate/LLaMA-3.1-8B", "surrogate/QwQ-32B"}
        await pilot.press("c")
        await until(pilot, lambda: isinstance(pilot.app.screen, ChooseColumns))
        await pilot.press("space", "down", "space", "escape")
        await settled(pilot)
        assert len(screen.replay.columns) == 3

    drive(refusing, steps, f"dialogue/{first_dialogue(refusing)}")


def test_refusals_carry_their_badge(refusing: Path) -> None:
    async def steps(pilot: Pilot[None]) -> None:
        assert "⊗ refused" in text(pilot)
        assert "simulated user: refusing" in text(pilot)
        assert "⊗" in text(pilot).splitlines()[2]  # asked, and not known

    unit = first_dialogue(refusing, "unit in (select unit from turns where step = 0 and status = 'refused')")
    drive(refusing, steps, f"dialogue/{unit}?step=1")


def test_o_shows_the_planned_paths_and_enter_goes_to_their_scenario(prepared: Path) -> None:
    async def steps(pilot: Pilot[None]) -> None:
        await press(pilot, "o")
        assert "Planned paths of similar queries" in text(pilot)
        assert "● Marital Status" in text(pilot)
        assert "distance 0." in text(pilot)
        await press(pilot, "o")
        assert "Planned paths" not in text(pilot)

    drive(prepared, steps)


@pytest.mark.slow
def test_s_shows_what_the_surrogate_would_answer_now(mine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    in_subprocess(monkeypatch)

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("s")
        await until(pilot, lambda: isinstance(pilot.app.screen, Stopped) and "judge b" in text(pilot))
        assert "If it stopped after 1 question" in text(pilot)
        assert "judge a ◇ surrogate" in text(pilot)
        await press(pilot, "escape")

    drive(mine, steps)


@pytest.mark.slow
def test_on_a_model_the_score_is_asked_after_its_calls_are_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_subprocess(monkeypatch)
    path = tmp_path / "model.db"
    with FakeServer() as server:
        small = {"limit": 2, "rollouts": 6, "depth": 2, "arms": ("agent",), "judges": ("m", "j"), "threshold": 5}
        work(path, options(world="model", base_url=server.url, models=("m",), **small))

        asked = len(server.requests)

        async def steps(pilot: Pilot[None]) -> None:
            await press(pilot, "home")
            assert "not known: s asks" in text(pilot)
            await pilot.press("s")
            await until(pilot, lambda: "This takes 3" in text(pilot))
            await pilot.press("n")
            await settled(pilot)
            assert len(server.requests) == asked
            await pilot.press("s")
            await until(pilot, lambda: "This takes 3" in text(pilot))
            await pilot.press("y")
            await until(pilot, lambda: isinstance(pilot.app.screen, Stopped) and "judge m" in text(pilot))
            await press(pilot, "escape")
            assert "asked of 2 judges" in text(pilot)
            await pilot.press("s")
            await until(pilot, lambda: isinstance(pilot.app.screen, Stopped))
            await press(pilot, "escape")

        drive(path, steps, f"dialogue/{first_dialogue(path, 'questions > 0')}")


def test_j_and_k_go_through_the_scenarios_of_the_run(prepared: Path) -> None:
    async def steps(pilot: Pilot[None]) -> None:
        screen = front(pilot)
        first = screen.replay.columns[0].unit
        await press(pilot, "j")
        await until(pilot, lambda: screen.replay.columns[0].unit > first)
        assert [each.row["arm"] for each in screen.replay.columns] == ["agent", "planner"]
        await press(pilot, "k")
        await until(pilot, lambda: screen.replay.columns[0].unit == first)
        await press(pilot, "k", "k")
        await until(pilot, lambda: "the first scenario of the run" in text(pilot))

    drive(prepared, steps)


def test_the_mouse_chooses_a_step_and_columns_scroll_together(prepared: Path) -> None:
    async def steps(pilot: Pilot[None]) -> None:
        screen = front(pilot)
        line = next(y for y, shown in enumerate(text(pilot).splitlines()) if "2 Mental Health Status" in shown)
        await pilot.click(offset=(70, line))
        await until(pilot, lambda: screen.replay.step == 2)
        await press(pilot, "home")
        one, other = pilot.app.screen.query(Transcript)
        one.scroll_to(y=5, animate=False, immediate=True)
        await until(pilot, lambda: other.scroll_y == one.scroll_y > 0)

    drive(prepared, steps, size=(120, 24))


def test_jump_mode_letters_the_columns_that_are_there(prepared: Path) -> None:
    async def steps(pilot: Pilot[None]) -> None:
        await press(pilot, "ctrl+o")
        await until(pilot, lambda: " a  agent arm" in text(pilot))
        assert "known" in text(pilot)  # what is beneath stays in view
        await press(pilot, "s")
        assert front(pilot).active == 1

    drive(prepared, steps)


def test_copy_and_exports_are_the_dialogue(prepared: Path) -> None:
    async def steps(pilot: Pilot[None]) -> None:
        screen = front(pilot)
        assert screen.copy_text() == "\n".join(
            str(value)
            for value in (screen.replay.columns[1].turns[1].question, screen.replay.columns[1].turns[1].reply)
        )
        exports = {export.name + export.suffix: await export.text() for export in screen.exports()}
        assert set(exports) == {"dialogue-29.txt", "dialogue-29.json", "dialogue-30.txt", "dialogue-30.json"}
        assert json.loads(exports["dialogue-30.json"])["arm"] == "planner"
        assert "arm planner" in exports["dialogue-30.txt"]

    drive(prepared, steps, f"dialogue/{LONG}?step=2")
