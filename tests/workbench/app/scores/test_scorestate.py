"""The numbers of the scores screen are those of `workbench show scores` and `workbench compare`."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from storage.compare import Side, pair_rows
from storage.database import open_readonly, open_writable, transaction
from storage.ratings import Rating, save_rating
from storage.readers import find_run, score_rows
from storage.sqlite import Database
from tests.workbench.app.scores.copying import copied
from workbench.app.state.scores.answers import Whose, read_answers, turned
from workbench.app.state.scores.beside import RunArm, nearest, set_beside
from workbench.app.state.scores.canvas import Plot
from workbench.app.state.scores.judges import EFFECTIVE, Panel
from workbench.app.state.scores.matrix import cell_lines, matrix
from workbench.app.state.scores.runpair import pair_cells, read_pair
from workbench.app.state.scores.scores import (
    ALL_JUDGES,
    ORDER,
    Key,
    RunScores,
    default_between,
    default_sides,
    read_scores,
)
from workbench.app.widgets.scores.scorelines import matrix_texts
from workbench.cli.tables import paper_layout
from workbench.report.reading import Group
from workbench.statistics.agreement import pearson
from workbench.statistics.comparison import compare_pairs
from workbench.statistics.scores import AVERAGE, score_table


@pytest.fixture
def db(prepared: Path) -> Iterator[Database]:
    database = open_readonly(prepared)
    yield database
    database.conn.close()


@pytest.fixture
def data(db: Database) -> RunScores:
    found = read_scores(db, find_run(db)["run"])
    for key in found.pending():
        found.ready[key] = found.row(key)
    return found


def test_the_table_is_that_of_show_scores(db: Database, data: RunScores) -> None:
    assert data.pending() == []
    wanted = score_table(score_rows(db, data.id))
    assert list(data.table().records()) == list(wanted.records())
    lines, _ = paper_layout(wanted.rows)
    printed = {(line["arm"], str(line["judge"]).rpartition(" ")[2]): line for line in lines}
    for row in matrix(data):
        if row.key is not None:
            line = printed[row.key.group.arm, row.key.judge]
            assert [cell and cell.text for cell in row.cells] == [line[name] for name in ORDER]


def test_the_papers_rows_stand_beneath_their_arms_and_say_so(data: RunScores) -> None:
    rows = matrix(data, "a")
    assert [row.key.group.arm for row in rows if row.key] == [group.arm for group in data.groups]
    beneath = [above.key.group.arm for above, row in pairwise(rows) if row.key is None and above.key]
    assert beneath == ["vanilla", "agent", "planner", "full"]
    assert {row.note for row in rows if row.key is None} == {"published"}


def test_rows_that_are_not_ready_say_so_and_come_from_the_judge_in_front_first(db: Database) -> None:
    fresh = read_scores(db, find_run(db)["run"])
    assert [key.judge for key in fresh.pending("b")[:8]] == ["b"] * 8
    assert not any(row.ready for row in matrix(fresh) if row.key)
    assert "being computed" in cell_lines(fresh, fresh.pending()[0], AVERAGE)[0][1]


def test_rows_of_the_same_verdicts_are_kept_and_others_stay_until_they_are_computed(
    db: Database, data: RunScores
) -> None:
    again = read_scores(db, data.id)
    changed = again.pending()[0]
    group, judge = again.groups.index(changed.group), again.judges.index(changed.judge)
    again.verdicts.judged[again.verdicts.trial[group, 0], judge] = False
    again.take_over(data)
    assert again.pending() == [changed]
    assert again.shown(changed) == data.ready[changed]
    later = read_scores(db, data.id)
    later.take_over(again)
    assert later.shown(changed) == data.ready[changed]
    assert changed in later.pending()


def test_a_cell_says_all_that_is_known_of_it(data: RunScores) -> None:
    facts = dict(cell_lines(data, Key(data.groups[0], "a"), AVERAGE))
    assert "95 % interval [" in facts["mean"]
    assert "14 scenarios of 14 profiles" in facts["mean"]
    assert facts["published"].startswith("3.15")


@pytest.mark.parametrize("judge", [ALL_JUDGES, "b"])
def test_two_arms_are_beside_each_other_as_compare_sets_them(db: Database, data: RunScores, judge: str) -> None:
    first, second = default_sides(data.groups)
    assert (first.arm, second.arm) == ("vanilla", "planner")
    sides = (Side(data.id, group.arm, group.model) for group in (first, second))
    rows = [row for row in pair_rows(db, *sides) if judge in (ALL_JUDGES, row["judge"])]
    table = compare_pairs(rows, most=100)
    beside = set_beside(RunArm(data, first), RunArm(data, second), judge)
    assert tuple(point for point in beside.points if point.change) == table.changed
    assert beside.above + beside.below + beside.on == len(beside.points) == 14
    assert beside.on == 14 - len(table.changed)
    # a dot stays on its side of the diagonal
    assert all(np.sign(y - x) == np.sign(p.change) for p, (x, y) in zip(beside.points, beside.xy, strict=True))
    assert {point.domain for point in beside.within("Career")} == {"Career"}
    assert [beside.place(point.scenario_id) for point in beside.points] == list(range(14))
    assert beside.alone == (0, 0)
    alone = set_beside(RunArm(data, first), RunArm(data, first), judge)
    assert [point.first for point in alone.points] == sorted(point.first for point in alone.points)


def test_the_cursor_goes_to_the_nearest_point_in_a_direction() -> None:
    points = np.array([[2.0, 2.0], [3.0, 2.1], [2.4, 4.0], [1.0, 2.0]])
    assert nearest(points, 0, 1, 0) == 1
    assert nearest(points, 0, -1, 0) == 3
    assert nearest(points, 0, 0, 1) == 2
    assert nearest(points, 3, 0, -1) == 3


def test_a_plot_holds_a_mark_for_each_point_and_sides_are_told_apart_without_colour() -> None:
    xy = np.array([[1.0, 5.0], [5.0, 1.0], [3.0, 3.0]])
    plot = Plot(xy, 40, 12)
    text = "\n".join(plot.row(y) for y in range(12))
    assert (text.count("▲"), text.count("▼"), text.count("●")) == (1, 1, 1)
    assert plot.row_of(5) < plot.row_of(1)
    assert plot.column_of(1) < plot.column_of(5)
    assert all(plot.filled[y, x] for x, y in plot.cells)
    many = Plot(np.full((500, 2), 3.0), 40, 12)
    assert many.filled.sum() == 1
    assert any("\u2800" < character <= "\u28ff" for y in range(12) for character in many.row(y))


def test_agreement_is_that_of_the_statistics_and_the_widest_spread_comes_first(data: RunScores) -> None:
    panel = Panel(data.verdicts)
    figures = [figure() for figure in panel.figures()]
    profiles = [item.profile_id for item in panel.items]
    assert panel.ratings.shape == (14 * 8, 2)
    assert figures[0].estimate == pearson(panel.ratings[:, 0], panel.ratings[:, 1], profiles)
    (worth,) = [figure for figure in figures if figure.figure == EFFECTIVE]
    assert "surrogate" in worth.who
    assert [figure.figure for figure in figures if figure.who.startswith("b: risk and empathy")] == [
        "Pearson r",
        "r within arms",
    ]
    spreads = [round(item.disagreement.spread, 9) for item in panel.queue()]
    assert spreads == sorted(spreads, reverse=True)
    assert spreads[-1] > 0


def test_what_people_rated_is_a_judge_of_its_own(prepared: Path, tmp_path: Path) -> None:
    path = copied(prepared, tmp_path)
    db = open_writable(path)
    run = find_run(db)["run"]
    units = sorted({row["unit"] for row in score_rows(db, run)})
    with transaction(db):
        for i, unit in enumerate(units[:40]):
            value = float(1 + i % 5)
            save_rating(db, Rating(unit, "R", (value, value, value), value))
    found = read_scores(db, run)
    assert found.judges == ("a", "b", "human:R")
    assert found.verdicts.judged[:, found.judges.index("human:R")].sum() == 40
    row = found.row(found.keys("human:R")[0])
    assert row.questions is None
    # people stand apart: the mean of judges between two arms does not change by them
    first, second = default_sides(found.groups)
    judges = {point.judges for point in set_beside(RunArm(found, first), RunArm(found, second)).points}
    assert judges == {2}
    labels = [figure().who for figure in Panel(found.verdicts).figures()]
    assert {"a and human:R", "b and human:R", "errors against people"} <= set(labels)
    db.conn.close()


def test_the_responses_of_a_scenario_are_read_with_their_verdicts(db: Database, data: RunScores) -> None:
    first, second = default_sides(data.groups)
    scenario = data.verdicts.scenarios[0]
    answers = read_answers(db, scenario, Whose(data.id, first), Whose(data.id, second))
    left, right = answers.sides
    assert (left["arm"], right["arm"]) == ("vanilla", "planner")
    assert not left["dialogue"]
    assert right["dialogue"]
    assert [verdict["judge"] for verdict in left["verdicts"]] == ["a", "b"]
    assert all(verdict["rationale"] for verdict in left["verdicts"])
    for row, pieces in zip(answers.sides, answers.pieces(), strict=True):
        assert "".join(piece.text for piece in pieces) == row["text"]
    answers.turn(0, 1)
    assert answers.whose()[1].group != second
    assert "Age" in answers.profile()


def test_two_places_in_a_ring_never_meet() -> None:
    assert turned((0, 1), (0, 1), 3) == (0, 2)
    assert turned((0, 2), (0, 1), 3) == (0, 1)
    assert turned((0, 1), (1, 0), 3) == (2, 1)
    assert turned((0, 0), (0, 1), 1) == (0, 0)


def test_a_run_beside_itself_is_compared_in_pairs_and_says_so(db: Database, data: RunScores) -> None:
    pair = read_pair(db, data, data.id)
    assert pair.analysis == "paired"
    assert pair.notes() == [("", "14 scenarios in both runs")]
    assert {pair_cells(row)["difference"].text for row in pair.table.rows} == {"+0.00±.00"}
    assert len(pair.table.rows) == len(data.keys())


def test_the_table_is_written_as_its_command_writes_it(data: RunScores) -> None:
    csv = matrix_texts(data.table("a"), "csv", "t").splitlines()
    assert csv[0].startswith("world,model,arm,judge,domain,score")
    assert len(csv) == 1 + 8 * 8
    assert all(line.startswith("surrogate,") for line in csv[1:])
    md = matrix_texts(data.table(), "md", "Run x")
    assert md.startswith("**Run x")
    assert "surrogate a" in md
    assert "paper" in md


def test_arms_without_a_run_of_their_own_are_chosen_from_what_there_is() -> None:
    only = Group("m", "agent")
    assert default_sides([only]) == (only, only)
    with pytest.raises(ValueError, match="no arm"):
        default_sides([])


def test_two_runs_begin_with_an_arm_that_both_have() -> None:
    one, other = [Group("m", "vanilla"), Group("m", "planner"), Group("m", "full")], [Group("n", "vanilla")]
    assert default_between(one, other) == (one[0], other[0])
    assert default_between(one, [Group("n", "planner"), one[1]]) == (one[1], one[1])
    assert default_between(one, [Group("n", "oracle")]) == (one[1], Group("n", "oracle"))
