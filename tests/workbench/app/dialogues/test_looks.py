"""How dialogues look: stored pictures, narrow terminals, blurred and hostile texts, marks."""

from pathlib import Path

import pytest
from textual.pilot import Pilot

from storage.database import open_writable, transaction
from tests.workbench.app.dialogues.rows import HOSTILE
from tests.workbench.app.dialogues.screen import RUN, drive, front, press, text
from tests.workbench.app.driving import check_snapshot, until
from workbench.app.screens.takeover import TakeOver


@pytest.mark.parametrize(("name", "size"), [("dialogues", (120, 40)), ("dialogues-small", (80, 24))])
def test_the_screen_looks_as_it_did(prepared: Path, name: str, size: tuple[int, int]) -> None:
    async def steps(pilot: Pilot[None]) -> None:
        await press(pilot, "o" if size[0] > 100 else "right")
        await check_snapshot(pilot, name, RUN)

    drive(prepared, steps, size=size)


def test_a_narrow_terminal_shows_one_column_and_tab_moves(prepared: Path) -> None:
    async def steps(pilot: Pilot[None]) -> None:
        assert "╭─ planner arm" in text(pilot)
        await press(pilot, "tab")
        assert "╭─ agent arm" in text(pilot)
        assert front(pilot).active == 0
        await press(pilot, "o")
        assert "╭─ Planned paths" in text(pilot)
        await press(pilot, "o")
        assert "╭─ agent arm" in text(pilot)

    drive(prepared, steps, size=(80, 24))


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


def test_hostile_and_endless_texts_stay_texts(mine: Path) -> None:
    db = open_writable(mine)
    with transaction(db):
        texts = [HOSTILE, HOSTILE * 99, HOSTILE]
        db.conn.execute("update turns set question = ?, reply = ?, truth = ? where unit in (29, 30)", texts)
        db.conn.execute("update responses set text = ? where unit in (29, 30)", [HOSTILE * 9_999])
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
