"""The Dialogues screen on real runs: replay, columns, keys, taking over, and what a terminal must never see."""

import json
import os
import shutil
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from storage.database import open_readonly, open_writable, transaction
from tests.fakeserver import FakeServer
from tests.workbench.app import driving
from tests.workbench.app.dialogues.rows import HOSTILE
from tests.workbench.app.driving import check_snapshot, screen_text, settled, until
from tests.workbench.engine.running import options, work
from workbench.app.app import WorkbenchApp
from workbench.app.screens.dialogues import DialoguesScreen
from workbench.app.screens.takeover import ChooseColumns, Stopped, TakeOver
from workbench.app.widgets.dialoguepane import Transcript
from workbench.app.widgets.dialoguepicker import DialoguePicker
from workbench.app.widgets.linelist import LineList
from workbench.app.widgets.replybar import ReplyBar

Steps = Callable[[Pilot[None]], Awaitable[None]]

LONG = 30
"""Unit of the prepared run whose dialogue asks twice: the planner arm of the second scenario; 29 is its agent arm."""

RUN = r"(?<=run )[0-9a-f]{8}"
"""A run's id changes with everything that its experiment may say."""


def drive(path: Path, steps: Steps, link: str | None = f"dialogue/{LONG}", size: tuple[int, int] = (120, 40)) -> None:
    (driving.drive if link else driving.at("3"))(path, steps, size, link)


def front(pilot: Pilot[None]) -> DialoguesScreen:
    assert isinstance(pilot.app, WorkbenchApp)
    found = pilot.app.screen_in_front
    assert isinstance(found, DialoguesScreen)
    return found


def text(pilot: Pilot[None]) -> str:
    return screen_text(pilot.app)


async def press(pilot: Pilot[None], *keys: str) -> None:
    for key in keys:
        await pilot.press(key)
        await settled(pilot)


@pytest.fixture
def mine(prepared: Path, tmp_path: Path) -> Path:
    """Return a copy of the prepared database, to write to."""
    path = tmp_path / "workbench.db"
    shutil.copy(prepared, path)
    return path


@pytest.fixture(scope="session")
def refusing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a database with dialogues of two models with somebody who would rather not say."""
    path = tmp_path_factory.mktemp("refusing") / "workbench.db"
    models = ("surrogate/LLaMA-3.1-8B", "surrogate/QwQ-32B")
    work(path, options(synthetic=4, seed=3, arms=("agent", "planner"), persona="refusing", rollouts=10, models=models))
    return path


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
        assert "planner arm · surrogate/QwQ-32B" in text(pilot)
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


def first_dialogue(path: Path, where: str = "1") -> int:
    db = open_readonly(path)
    try:
        return int(db.conn.execute(f"select min(unit) from dialogues where {where}").fetchone()[0])
    finally:
        db.conn.close()


def test_refusals_carry_their_badge(refusing: Path) -> None:
    async def steps(pilot: Pilot[None]) -> None:
        assert "⊗ refused" in text(pilot)
        assert "user refusing" in text(pilot)
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


def test_texts_are_blurred_and_shown_again(prepared: Path) -> None:
    async def steps(pilot: Pilot[None]) -> None:
        said = front(pilot).replay.columns[1].turns[0].reply
        assert said is not None
        assert said[:20] in text(pilot)
        await press(pilot, "B", "o")
        await until(pilot, lambda: said[:20] not in text(pilot))
        assert "▒▒▒" in text(pilot)
        assert "My parents have used me" not in text(pilot)
        assert "Marital Status" in text(pilot)
        await press(pilot, "B")
        await until(pilot, lambda: said[:20] in text(pilot))

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


def test_hostile_and_endless_texts_stay_texts(mine: Path) -> None:
    db = open_writable(mine)
    with transaction(db):
        db.conn.execute("update turns set question = ?, reply = ?, truth = ?", [HOSTILE, HOSTILE * 99, HOSTILE])
        db.conn.execute("update responses set text = ?", [HOSTILE * 9_999])
        db.conn.execute("update scenarios set query = ?", [HOSTILE])
    db.conn.close()

    async def steps(pilot: Pilot[None]) -> None:
        assert "[bold]no markup[/bold]" in text(pilot)
        assert "\x1b" not in text(pilot)
        await press(pilot, "end", "t")
        await until(pilot, lambda: isinstance(pilot.app.screen, TakeOver))
        await press(pilot, "escape", "home", "t")
        await until(pilot, lambda: isinstance(pilot.app.screen, TakeOver))
        assert "[bold]no markup[/bold]" in text(pilot)
        await press(pilot, "escape")

    drive(mine, steps)


def test_a_crisis_is_shown_with_its_notice(mine: Path) -> None:
    db = open_writable(mine)
    with transaction(db):
        db.conn.execute("delete from turns where unit in (29, 30)")
        db.conn.execute("update dialogues set crisis = 1, ending = 'crisis', questions = 0 where unit in (29, 30)")
        db.conn.execute("update responses set style = 'crisis' where unit in (29, 30)")
    db.conn.close()

    async def steps(pilot: Pilot[None]) -> None:
        assert "‼ crisis" in text(pilot)
        assert "may come from somebody in immediate" in text(pilot)
        assert "crisis prompt" in text(pilot)
        assert front(pilot).replay.name_of_step() == "query"
        await press(pilot, "q")
        await until(pilot, lambda: "‼ crisis" in text(pilot))

    drive(mine, steps)


def in_subprocess(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let launched processes find this checkout wherever they are started."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, sys.path)))


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


@pytest.mark.parametrize(("name", "size"), [("dialogues", (120, 40)), ("dialogues-small", (80, 24))])
def test_the_screen_looks_as_it_did(prepared: Path, name: str, size: tuple[int, int]) -> None:
    async def steps(pilot: Pilot[None]) -> None:
        await press(pilot, "o" if size[0] > 100 else "right")
        await check_snapshot(pilot, name, RUN)

    drive(prepared, steps, size=size)


@pytest.mark.parametrize(("name", "size"), [("dialogues-list", (120, 24)), ("dialogues-list-small", (80, 24))])
def test_the_list_looks_as_it_did(prepared: Path, name: str, size: tuple[int, int]) -> None:
    async def steps(pilot: Pilot[None]) -> None:
        await until(pilot, lambda: "planner" in text(pilot))
        await check_snapshot(pilot, name, RUN)

    drive(prepared, steps, None, size=size)


def test_the_dialog_of_taking_over_fits_a_small_terminal(prepared: Path) -> None:
    async def steps(pilot: Pilot[None]) -> None:
        await press(pilot, "t")
        await until(pilot, lambda: isinstance(pilot.app.screen, TakeOver))
        await check_snapshot(pilot, "takeover-80x24", RUN)

    drive(prepared, steps, size=(80, 24))


def test_a_branch_comes_to_the_front_where_one_column_is_shown(mine: Path) -> None:
    async def steps(pilot: Pilot[None]) -> None:
        await press(pilot, "left", "b")
        await until(pilot, lambda: "╭─ ⑂ branch" in text(pilot))

    drive(mine, steps, size=(80, 24))


def test_a_note_and_a_bookmark_stand_under_the_query(mine: Path) -> None:
    async def steps(pilot: Pilot[None]) -> None:
        await press(pilot, "home", "asterisk", "m")
        await press(pilot, *"look", "tab", *"odd", "ctrl+s")
        await until(pilot, lambda: "✎ look" in text(pilot))
        assert "★ bookmarked" in text(pilot)
        assert "#odd" in text(pilot)
        await press(pilot, "B")
        assert "look" not in text(pilot)

    drive(mine, steps)


def test_jump_mode_letters_the_columns_that_are_there(prepared: Path) -> None:
    async def steps(pilot: Pilot[None]) -> None:
        await press(pilot, "ctrl+o")
        await until(pilot, lambda: " a  agent arm" in text(pilot))
        assert "known" in text(pilot)  # what is beneath stays in view
        await press(pilot, "s")
        assert front(pilot).active == 1

    drive(prepared, steps)


def test_a_narrow_terminal_shows_one_column_and_tab_moves(prepared: Path) -> None:
    async def steps(pilot: Pilot[None]) -> None:
        assert "╭─ planner arm" in text(pilot)
        await press(pilot, "tab")
        assert "╭─ agent arm" in text(pilot)
        assert front(pilot).active == 0
        await press(pilot, "o", "tab", "tab")
        assert "╭─ Planned paths" in text(pilot)

    drive(prepared, steps, size=(80, 24))
