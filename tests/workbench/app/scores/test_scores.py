"""The scores screen: every key and flow on a database that a real run wrote."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from textual.pilot import Pilot

from storage.database import open_readonly, open_writable
from storage.readers import find_run
from tests.workbench.app import driving
from tests.workbench.app.driving import check_snapshot, screen_text, settled, until
from tests.workbench.app.scores.copying import copied
from tests.workbench.engine.running import options, work
from workbench.app.app import WorkbenchApp
from workbench.app.screens.scores import ScoresScreen
from workbench.app.widgets.scores.matrix import ScoreMatrix
from workbench.app.widgets.scores.scatter import Scatter
from workbench.app.widgets.scores.scorelist import ScoreList

_PASSING = (r"run [0-9a-f]{8}",)
"""A run's id depends on the program's version."""


def run_of(path: Path) -> str:
    db = open_readonly(path)
    try:
        return str(find_run(db)["run"])
    finally:
        db.conn.close()


def front(pilot: Pilot[None]) -> ScoresScreen:
    assert isinstance(pilot.app, WorkbenchApp)
    screen = pilot.app.screen_in_front
    assert isinstance(screen, ScoresScreen)
    return screen


async def ready(pilot: Pilot[None]) -> ScoresScreen:
    """Wait until every figure of the table and both arms are there."""
    screen = front(pilot)
    await until(pilot, lambda: screen.data is not None and not screen.data.pending() and screen.beside is not None)
    await settled(pilot)
    return screen


def drive(
    path: Path,
    steps: Callable[[Pilot[None], ScoresScreen], Awaitable[None]],
    size: tuple[int, int] = (120, 40),
    detail: str = "",
) -> None:
    async def begin(pilot: Pilot[None]) -> None:
        await steps(pilot, await ready(pilot))

    driving.drive(path, begin, size, f"scores/{run_of(path)}{detail}")


async def press(pilot: Pilot[None], *keys: str) -> str:
    for key in keys:
        await pilot.press(key)
        await settled(pilot)
    screen = pilot.app.screen
    if isinstance(screen, ScoresScreen) and screen.data is not None:
        await ready(pilot)
    return screen_text(pilot.app)


@pytest.mark.parametrize("size", [(120, 40), (80, 24)])
def test_how_each_view_looks(prepared: Path, size: tuple[int, int]) -> None:
    async def steps(pilot: Pilot[None], screen: ScoresScreen) -> None:
        name = f"scores-{{}}-{size[0]}x{size[1]}"
        await check_snapshot(pilot, name.format("table"), *_PASSING)
        for key, view in (("s", "scatter"), ("d", "differences"), ("enter", "scenario")):
            await press(pilot, key)
            await check_snapshot(pilot, name.format(view), *_PASSING)
        await press(pilot, "escape", "J")
        await until(pilot, lambda: screen.agreed)
        await settled(pilot)
        await check_snapshot(pilot, name.format("judges"), *_PASSING)

    drive(prepared, steps, size)


def test_the_next_judge_changes_every_row_and_the_headline(prepared: Path) -> None:
    async def steps(pilot: Pilot[None], screen: ScoresScreen) -> None:
        assert "all judges: a, b" in screen_text(pilot.app)
        text = await press(pilot, "j")
        assert screen.judge == "a"
        assert "Scores · judge a · surrogate" in text
        await press(pilot, "j", "j")
        assert screen.judge == "all judges"

    drive(prepared, steps)


def test_the_cursor_says_what_its_cell_is_made_of_and_enter_opens_the_cell(prepared: Path) -> None:
    async def steps(pilot: Pilot[None], screen: ScoresScreen) -> None:
        text = await press(pilot, "down", "right")
        assert "vanilla, Relationship, judge b" in text
        assert "95 % interval" in text
        await press(pilot, *["down"] * 8)
        text = await press(pilot, "enter")
        assert screen.view == "differences"
        assert screen.judge == "b"
        assert screen.beside is not None
        assert (screen.beside.first.group.arm, screen.beside.second.group.arm) == ("vanilla", "agent")
        assert {point.domain for point in screen.points} == {"Relationship"}
        assert "vanilla and agent · Relationship" in text
        assert "by b" in text
        assert screen.subject() is not None
        await press(pilot, "escape")
        assert screen.view == "matrix"

    drive(prepared, steps)


def test_arms_are_changed_and_the_scatters_cursor_picks_points(prepared: Path) -> None:
    async def steps(pilot: Pilot[None], screen: ScoresScreen) -> None:
        text = await press(pilot, "s")
        assert "▲ planner higher" in text
        assert "12 scenarios: planner" in text
        scatter = screen.query_one(Scatter)
        before = scatter.cursor
        await press(pilot, "right")
        assert scatter.cursor != before
        await press(pilot, "pageup", "pagedown")
        subject = screen.subject()
        assert subject is not None
        assert screen.beside is not None
        assert subject.id == screen.beside.points[scatter.cursor].scenario_id
        text = await press(pilot, "right_square_bracket")
        assert "vanilla and oracle" in text
        text = await press(pilot, "left_square_bracket")
        assert "control and oracle" in text
        await press(pilot, "enter")
        assert screen.view == "scenario"
        assert screen.answers is not None
        assert [row["arm"] for row in screen.answers.sides] == ["control", "oracle"]

    drive(prepared, steps)


def test_one_scenario_shows_both_responses_their_differences_and_every_judge(prepared: Path) -> None:
    async def steps(pilot: Pilot[None], screen: ScoresScreen) -> None:
        text = await press(pilot, "d", "enter")
        assert "1 of 14" in text
        assert "‹" in text
        assert text.count("judge a · surrogate") == 2
        assert "risk sensitivity" in text
        assert "Surrogate verdict" in text
        text = await press(pilot, "down")
        assert "2 of 14" in text
        assert screen.answers is not None
        await press(pilot, "right")
        assert screen.answers.sides[1]["arm"] == "oracle"
        await press(pilot, "down", "left")
        assert screen.answers.sides[1]["arm"] == "planner"
        assert screen.copy_text() == screen.answers.sides[0]["text"]
        await press(pilot, "pagedown", "pageup")
        text = await press(pilot, "o")
        assert "asks nothing" in text
        await press(pilot, "escape", "escape")
        assert screen.view == "matrix"

    drive(prepared, steps)


def test_responses_are_blurred_at_once(prepared: Path) -> None:
    async def steps(pilot: Pilot[None], screen: ScoresScreen) -> None:
        assert "Write down" in await press(pilot, "d", "enter")
        text = await press(pilot, "B")
        assert "Write down" not in text
        assert "▒▒▒" in text
        assert "risk sensitivity" in text

    drive(prepared, steps)


def test_judges_against_each_other_and_the_item_they_disagree_on_most(prepared: Path) -> None:
    async def steps(pilot: Pilot[None], screen: ScoresScreen) -> None:
        await press(pilot, "J")
        await until(pilot, lambda: screen.agreed)
        text = screen_text(pilot.app)
        for figure in ("Pearson r", "Spearman ρ", "κ quadratic", "Krippendorff α", "effective judges"):
            assert figure in text
        item = screen.queue[0].item
        await press(pilot, "enter")
        assert screen.view == "scenario"
        assert screen.answers is not None
        assert screen.answers.scenario.id == item.scenario_id
        assert screen.answers.sides[0]["arm"] == item.arm
        await press(pilot, "q")
        assert screen.view == "judges"

    drive(prepared, steps)


def test_a_link_opens_one_scenario_of_a_run(prepared: Path) -> None:
    db = open_readonly(prepared)
    scenario = db.execute("select scenario from units order by id desc").fetchone()[0]
    db.conn.close()

    async def steps(pilot: Pilot[None], screen: ScoresScreen) -> None:
        await until(pilot, lambda: screen.view == "scenario")
        assert screen.answers is not None
        assert screen.answers.scenario.id == scenario

    drive(prepared, steps, detail=f"?scenario={scenario}")


def test_a_link_to_no_run_leaves_the_latest_in_view(prepared: Path) -> None:
    async def main(pilot: Pilot[None]) -> None:
        await until(pilot, lambda: "there is no run 'zzz'" in screen_text(pilot.app))
        await until(pilot, lambda: "all judges: a, b" in screen_text(pilot.app))

    driving.drive(prepared, main, link="scores/zzz")


def test_two_runs_are_compared_and_what_changed_is_opened(prepared: Path, tmp_path: Path) -> None:
    path = copied(prepared, tmp_path)
    first = run_of(path)
    chosen = {"synthetic": 14, "seed": 4, "build_seed": 3, "arms": ("vanilla", "full"), "judges": ("a",)}
    second = work(path, options(**chosen)).run

    async def followed(pilot: Pilot[None], screen: ScoresScreen) -> None:
        """Verdicts go, as if they were still to come: the comparison follows, and the cursor stays on its scenario."""
        await press(pilot, "down", "down")
        before, changed = screen.pair, screen.query_one("#scores-changed", ScoreList)
        assert before is not None
        top, at = before.table.changed[0], before.table.changed[changed.cursor]
        assert top.scenario_id != at.scenario_id
        with (db := open_writable(path)).conn:
            db.execute(
                "delete from verdicts where unit in (select id from units where run = ? and scenario = ?)",
                [second, top.scenario_id],
            )
        db.conn.close()
        await until(pilot, lambda: screen.pair is not before)
        await settled(pilot)
        assert screen.pair is not None
        assert top.scenario_id not in {item.scenario_id for item in screen.pair.table.changed}
        assert screen.pair.table.changed[changed.cursor] == at
        assert changed.cursor < before.table.changed.index(at)

    async def main(pilot: Pilot[None]) -> None:
        screen = await ready(pilot)
        await pilot.press("c")
        await until(pilot, lambda: "Compare with which run?" in screen_text(pilot.app))
        await press(pilot, "enter")
        await until(pilot, lambda: screen.view == "runs")
        text = screen_text(pilot.app)
        assert f"Run {first} and run {second} · paired" in text
        assert "scores may not mean the same in both runs: judges" in text
        assert "vanilla" in text
        await followed(pilot, screen)
        await press(pilot, "enter")
        assert screen.answers is not None
        assert {row["run"] for row in screen.answers.sides} == {first, second}
        await pilot.press("escape", "r")
        await until(pilot, lambda: "Which run?" in screen_text(pilot.app))
        await press(pilot, "escape")
        await pilot.press("r")
        await until(pilot, lambda: "Which run?" in screen_text(pilot.app))
        await press(pilot, "enter")
        await until(pilot, lambda: screen.data is not None and screen.data.id == second)
        await ready(pilot)
        assert "full" in screen_text(pilot.app)
        text = await press(pilot, "J")
        assert "one judge alone" in text

    driving.drive(path, main, link=f"scores/{first}")


@pytest.mark.parametrize("size", [(120, 40), (80, 24)])
def test_arms_of_two_runs_stand_beside_each_other(prepared: Path, tmp_path: Path, size: tuple[int, int]) -> None:
    path = copied(prepared, tmp_path)
    first = run_of(path)
    chosen = {"synthetic": 10, "seed": 4, "build_seed": 3, "arms": ("vanilla", "full"), "judges": ("a",)}
    second = work(path, options(**chosen)).run
    hidden = *_PASSING, first, second

    async def main(pilot: Pilot[None]) -> None:
        screen = await ready(pilot)
        name = f"scores-between-{{}}-{size[0]}x{size[1]}"
        await pilot.press("c")
        await until(pilot, lambda: "Compare with which run?" in screen_text(pilot.app))
        await press(pilot, "enter")
        await until(pilot, lambda: screen.view == "runs")
        assert screen.pair is not None
        both, *alone = screen.pair.shared
        assert (both + alone[0], both + alone[1]) == (14, 10)
        text = await press(pilot, "s")
        await until(pilot, lambda: screen.view == "scatter")
        await settled(pilot)
        await check_snapshot(pilot, name.format("scatter"), *hidden)
        beside = screen.beside
        assert beside is not None
        assert beside.across
        assert (beside.first.data.id, beside.second.data.id) == (first, second)
        assert beside.first.group == beside.second.group
        assert len(beside.points) == both
        assert beside.alone == tuple(alone)
        await press(pilot, "right_square_bracket")
        assert screen.beside is not None
        assert screen.beside.first.group != screen.beside.second.group
        await press(pilot, "j")
        assert screen.judge == "a"
        await press(pilot, "j")
        assert screen.judge == "all judges"  # b judged the first run alone
        text = await press(pilot, "d")
        await until(pilot, lambda: screen.view == "differences")
        await settled(pilot)
        await check_snapshot(pilot, name.format("differences"), *hidden)
        text = await press(pilot, "enter")
        await until(pilot, lambda: screen.view == "scenario")
        assert screen.answers is not None
        assert [row["run"] for row in screen.answers.sides] == [first, second]
        text = await press(pilot, "escape", "escape", "escape")
        assert screen.view == "runs"
        assert f"Run {first} and run {second}" in text
        screen.query_one("#scores-runs", ScoreList).focus()
        await press(pilot, "down", "enter")
        await until(pilot, lambda: screen.view == "differences")
        assert screen.judge == "a"
        await press(pilot, "escape", "escape")
        assert screen.view == "matrix"
        await press(pilot, "s")
        await until(pilot, lambda: screen.view == "scatter")
        assert screen.beside is not None
        assert not screen.beside.across

    driving.drive(path, main, size, f"scores/{first}")


def test_several_models_have_their_rows_and_are_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "workbench.db"
    models = ("surrogate/LLaMA-3.1-8B", "surrogate/Qwen-2.5-7B")
    arms = ("vanilla", "agent", "planner", "full")
    work(path, options(synthetic=14, seed=3, models=models, arms=arms, judges=("a", "b"), rollouts=40))

    async def steps(pilot: Pilot[None], screen: ScoresScreen) -> None:
        await check_snapshot(pilot, "scores-models-table-120x40", *_PASSING)
        await press(pilot, "s", "right_square_bracket", "right_square_bracket")
        assert screen.beside is not None
        assert screen.beside.names == ("LLaMA-3.1-8B vanilla", "Qwen-2.5-7B vanilla")
        await check_snapshot(pilot, "scores-models-scatter-120x40", *_PASSING)
        text = await press(pilot, "d", "enter")
        assert "LLaMA-3.1-8B vanilla · 0 asked" in text
        assert "Qwen-2.5-7B vanilla · 0 asked" in text
        await press(pilot, "escape", "J")
        await until(pilot, lambda: screen.agreed)
        await settled(pilot)
        await check_snapshot(pilot, "scores-models-judges-120x40", *_PASSING)

    drive(path, steps)


def test_without_verdicts_the_screen_says_what_to_do_and_then_follows(prepared: Path, tmp_path: Path) -> None:
    path = copied(prepared, tmp_path)
    db = open_writable(path)
    verdicts = db.execute("select * from verdicts").fetchall()
    with db.conn:
        db.execute("delete from verdicts")

    async def main(pilot: Pilot[None]) -> None:
        await press(pilot, "4")
        await until(pilot, lambda: "No verdict yet" in screen_text(pilot.app))
        assert "workbench run" in screen_text(pilot.app)
        for key in ("s", "d", "j", "J", "b", "c", "left_square_bracket", "o", "enter"):
            await press(pilot, key)
        assert "No verdict yet" in screen_text(pilot.app)
        assert front(pilot).exports() == []
        assert front(pilot).copy_text() is None
        with db.conn:
            db.conn.executemany(f"insert into verdicts values ({', '.join('?' * len(verdicts[0]))})", verdicts)
        await until(pilot, lambda: "vanilla" in screen_text(pilot.app))

    driving.drive(path, main)
    db.conn.close()


def test_a_run_under_way_is_followed(prepared: Path, tmp_path: Path) -> None:
    path = copied(prepared, tmp_path)

    async def steps(pilot: Pilot[None], screen: ScoresScreen) -> None:
        assert screen.data is not None
        stamp = screen.data.stamp
        db = open_writable(path)
        with db.conn:
            db.execute("delete from verdicts where judge = 'b'")
        await until(pilot, lambda: screen.data is not None and screen.data.stamp != stamp)
        await ready(pilot)
        assert screen.data.judges == ("a",)
        db.conn.close()

    drive(path, steps)


def test_mouse_and_copy_and_narrow_columns(prepared: Path) -> None:
    async def steps(pilot: Pilot[None], screen: ScoresScreen) -> None:
        matrix = screen.query_one(ScoreMatrix)
        await pilot.click(matrix, offset=(25, 4))
        assert matrix.row is not None
        assert matrix.row.key is not None
        assert matrix.row.key.group.arm == "control"
        text = screen.copy_text()
        assert text is not None
        assert text.startswith("surrogate · surrogate/LLaMA-3.1-8B · control · judge a: all 3.")
        await press(pilot, *["right"] * 7)
        assert matrix.column == "Education"
        assert "Educati" in screen_text(pilot.app)
        assert [export.suffix for export in screen.exports()] == [".csv", ".md", ".json"]
        assert "control" in await screen.exports()[0].text()
        await press(pilot, "d")
        text = screen.copy_text()
        assert text is not None
        assert "▲" in text
        await pilot.click(screen.query_one("#scores-differences", ScoreList), offset=(10, 3), times=2)
        await until(pilot, lambda: screen.view == "scenario")
        await press(pilot, "tab")
        assert screen.right_in_front()

    drive(prepared, steps, (80, 24))
