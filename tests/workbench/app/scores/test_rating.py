"""Blind rating in the app: nothing on the screen names an arm, and whoever leaves goes on where they stopped."""

from collections.abc import Awaitable, Callable
from pathlib import Path

from textual.pilot import Pilot

from simulator.world import DIMENSIONS
from storage.database import open_readonly
from storage.ratings import rating_rows
from tests.workbench.app import driving
from tests.workbench.app.driving import check_snapshot, screen_text, settled, until
from tests.workbench.app.scores.copying import copied
from tests.workbench.app.scores.test_scores import ready, run_of
from workbench.app.screens.rating import RatingDialog
from workbench.app.screens.scores import ScoresScreen
from workbench.engine.options import ARMS


def stored(path: Path) -> list[dict[str, object]]:
    db = open_readonly(path)
    try:
        return rating_rows(db, run_of(path))
    finally:
        db.conn.close()


def drive(
    path: Path, steps: Callable[[Pilot[None], RatingDialog], Awaitable[None]], size: tuple[int, int] = (120, 40)
) -> None:
    async def rate(pilot: Pilot[None]) -> None:
        await ready(pilot)
        await steps(pilot, await begin(pilot))

    driving.drive(path, rate, size, f"scores/{run_of(path)}")


async def begin(pilot: Pilot[None], name: str = "R") -> RatingDialog:
    await pilot.press("b")
    await until(pilot, lambda: isinstance(pilot.app.screen, RatingDialog))
    await pilot.press(*name, "enter")
    return await shown(pilot)


async def shown(pilot: Pilot[None]) -> RatingDialog:
    dialog = pilot.app.screen
    assert isinstance(dialog, RatingDialog)
    await until(pilot, lambda: "risk sensitivity" in screen_text(pilot.app))
    await settled(pilot)
    return dialog


async def rate(pilot: Pilot[None], dialog: RatingDialog, *keys: str) -> None:
    """Rate the response shown and wait for the next."""
    assert dialog.session is not None
    before = len(dialog.session.rated)
    await pilot.press(*keys, "enter")
    await until(pilot, lambda: dialog.session is not None and len(dialog.session.rated) == before + 1)
    await settled(pilot)


def test_nothing_on_the_screen_names_an_arm(prepared: Path, tmp_path: Path) -> None:
    path = copied(prepared, tmp_path)

    async def steps(pilot: Pilot[None], dialog: RatingDialog) -> None:
        assert dialog.session is not None
        seen = set()
        for _ in range(6):
            text = screen_text(pilot.app)
            said = text.replace("Financial Planner", "")
            assert not [arm for arm in ARMS if f" {arm} " in said or f"arm {arm}" in said]
            assert str(dialog.session.unit) not in text.split()
            seen.add(dialog.session.unit)
            await rate(pilot, dialog, "3", "4", "5")
        assert len(seen) == 6

    drive(path, steps)
    rows = stored(path)
    assert len(rows) == 6
    assert {tuple(row[name] for name in DIMENSIONS) for row in rows} == {(3, 4, 5)}
    assert {row["source"] for row in rows} == {"app"}
    # shuffled: what is rated first is not one scenario's arms after each other
    assert len({row["scenario_id"] for row in rows}) > 1


def test_the_rating_is_stored_when_it_is_complete_and_with_its_comment(prepared: Path, tmp_path: Path) -> None:
    path = copied(prepared, tmp_path)

    async def steps(pilot: Pilot[None], dialog: RatingDialog) -> None:
        await pilot.press("4", "enter")
        await until(pilot, lambda: "not rated yet" in screen_text(pilot.app))
        assert stored(path) == []
        await pilot.press("up", "5", "2", "c", "1", "enter")
        await settled(pilot)
        assert dialog.session is not None
        assert dialog.session.comment == "1"
        assert dialog.session.values == [5, 2, None]
        await rate(pilot, dialog, "3")
        await pilot.press("c", "escape", "pagedown", "pageup")
        assert isinstance(pilot.app.screen, RatingDialog)

    drive(path, steps)
    (row,) = stored(path)
    assert [row[name] for name in DIMENSIONS] == [5, 2, 3]
    assert row["comment"] == "1"


def test_skip_back_and_coming_back_later(prepared: Path, tmp_path: Path) -> None:
    path = copied(prepared, tmp_path)
    order: list[int | None] = []

    async def first(pilot: Pilot[None], dialog: RatingDialog) -> None:
        session = dialog.session
        assert session is not None
        order.append(session.unit)
        await pilot.press("s")
        await until(pilot, lambda: session.unit != order[0])
        order.append(session.unit)
        await rate(pilot, dialog, "1", "1", "1")
        assert "1 of 112 rated" in screen_text(pilot.app)
        await pilot.press("left")
        await until(pilot, lambda: session.unit == order[1])
        await until(pilot, lambda: "rated before" in screen_text(pilot.app))
        await pilot.press("5", "enter")
        await until(pilot, lambda: session.unit not in order)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, ScoresScreen))
        # people are a judge of the table and of the agreement
        await until(pilot, lambda: "human:R" in screen_text(pilot.app))
        await ready(pilot)
        assert "5.00" not in screen_text(pilot.app).splitlines()[0]

    async def again(pilot: Pilot[None], dialog: RatingDialog) -> None:
        assert dialog.session is not None
        assert dialog.session.unit == order[0]
        assert "1 of 112 rated" in screen_text(pilot.app)

    drive(path, first)
    (row,) = stored(path)
    assert row["unit"] == order[1]
    assert [row[name] for name in DIMENSIONS] == [5, 1, 1]

    async def later(pilot: Pilot[None]) -> None:
        await ready(pilot)
        await again(pilot, await begin(pilot, ""))  # the name of last time stands there

    driving.drive(path, later, link=f"scores/{run_of(path)}")


def test_how_it_looks(prepared: Path, tmp_path: Path) -> None:
    path = copied(prepared, tmp_path)
    for size in ((120, 40), (80, 24)):

        async def steps(pilot: Pilot[None], dialog: RatingDialog, size: tuple[int, int] = size) -> None:
            # The order depends on the run's id, which depends on the program's version: the same response each time.
            assert dialog.session is not None
            dialog.session.at = dialog.session.order.index(min(dialog.session.order)) + 1
            await pilot.press("left")
            await settled(pilot)
            await until(pilot, lambda: "birthdays" in screen_text(pilot.app))
            await pilot.press("4", "5")
            await settled(pilot)
            await check_snapshot(pilot, f"rating-{size[0]}x{size[1]}", r"run [0-9a-f]{8}")

        drive(path, steps, size)


def test_texts_are_blurred_while_rating(prepared: Path, tmp_path: Path) -> None:
    path = copied(prepared, tmp_path)

    async def steps(pilot: Pilot[None], dialog: RatingDialog) -> None:
        await pilot.press("B")
        await until(pilot, lambda: "▒▒▒" in screen_text(pilot.app))
        assert "[surrogate]" not in screen_text(pilot.app)

    drive(path, steps)
