"""Sheets for people and back: what is chosen, what they hide, and what a file of ratings becomes."""

import csv
import io
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulator.formats import FormatError
from simulator.world import DIMENSIONS
from storage.database import open_writable, transaction
from storage.judgements import Ratable, ratable_units
from storage.ratings import rating_rows
from storage.readers import find_run
from storage.sqlite import Database
from tests.workbench.app.scores.copying import copied
from workbench.engine.labels import LabelReport, choose_units, import_labels, sheet_key, sheet_rows
from workbench.text import as_cell, from_cell


@pytest.fixture
def db(prepared: Path, tmp_path: Path) -> Iterator[Database]:
    database = open_writable(copied(prepared, tmp_path))
    yield database
    database.conn.close()


def write(path: Path, text: str) -> Path:
    path.write_text(text, "utf-8")
    return path


def read(db: Database, path: Path, rater: str | None = None) -> LabelReport:
    with transaction(db):
        return import_labels(db, find_run(db)["run"], path, rater=rater)


def stored(db: Database) -> list[dict[str, Any]]:
    return rating_rows(db, find_run(db)["run"])


def test_a_choice_is_spread_over_arms_and_domains_and_depends_on_its_seed(db: Database) -> None:
    units = ratable_units(db, find_run(db)["run"])
    chosen = choose_units(units, 56, 1)
    assert set(Counter(unit.arm for unit in chosen).values()) == {7}
    assert set(Counter(unit.domain for unit in chosen).values()) == {8}
    assert len({unit.unit for unit in chosen}) == 56
    assert choose_units(units[::-1], 56, 1) == chosen
    assert choose_units(units, 56, 2) != chosen
    assert sorted(choose_units(units, 1000, 1)) == sorted(units)
    order = [unit.unit for unit in chosen]
    assert order != sorted(order)


def test_a_blind_sheet_names_no_arm_model_scenario_or_unit(db: Database) -> None:
    run = find_run(db)
    units = choose_units(ratable_units(db, run["run"]), 24, 0)
    blind, named = (list(sheet_rows(db, run, units, blind=how)) for how in (True, False))
    assert set(named[0]) - set(blind[0]) == {"unit", "scenario", "model", "arm"}
    assert {str(row["world"]) for row in blind} == {"surrogate"}
    for row, unit in zip(blind, units, strict=True):
        assert row["key"] == sheet_key(run["run"], unit.unit)
        assert not {unit.arm, unit.model, unit.scenario_id, str(unit.unit)} & {str(value) for value in row.values()}
    assert len({row["key"] for row in blind}) == 24


def test_rows_may_name_a_response_by_unit_or_by_scenario_arm_and_model(db: Database, tmp_path: Path) -> None:
    one, other = ratable_units(db, find_run(db)["run"])[:2]
    model = other.model.partition("/")[2]
    text = (
        "Unit,Scenario ID,Arm,Model,Annotator,Risk,Emotional-Empathy,User_specific alignment,Score,Notes\n"
        f"{one.unit},,,,Ana,4,5.0,3,4.0,fine\n"
        f",{other.scenario_id},{other.arm},{model},human:Ben,,,,3.5,\n"
        f"{one.unit},,,,Eve,,,,,\n"
    )
    report = read(db, write(tmp_path / "labels.csv", text))
    assert (report.new, report.replaced, report.blank, report.problems) == (2, 0, 1, [])
    first, second = stored(db)
    assert [first[name] for name in ("unit", "rater", *DIMENSIONS, "score", "comment", "source")] == [
        one.unit,
        "Ana",
        *(4.0, 5.0, 3.0),
        4.0,
        "fine",
        "labels.csv",
    ]
    assert (second["unit"], second["rater"], second["score"], second["risk_sensitivity"]) == (
        other.unit,
        "Ben",
        3.5,
        None,
    )
    again = read(db, write(tmp_path / "again.csv", f"unit,rater,score\n{one.unit},Ana,2\n"))
    assert (again.new, again.replaced) == (0, 1)
    assert [row["score"] for row in stored(db)] == [2.0, 3.5]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("{unit},Ana,6,5,4,,", "risk_sensitivity is '6', not a number from 1 to 5"),
        ("{unit},Ana,4.5,5,4,,", "risk_sensitivity is '4.5', not a whole number from 1 to 5"),
        ("{unit},Ana,=1+2,5,4,,", "risk_sensitivity is '=1+2', not a number from 1 to 5"),
        ("{unit},Ana,nan,5,4,,", "risk_sensitivity is 'nan'"),
        ("{unit},Ana,4,,4,,", "has no emotional_empathy: it takes all three"),
        ("{unit},Ana,4,4,4,2,", "score is 2, but its dimensions have the mean 4.00"),
        ("{unit},,4,4,4,,", "says no rater"),
        ("{unit},Ana,,,,,good", "has a comment, but rates nothing"),
        ("999999,Ana,4,4,4,,", "has no response with unit '999999'"),
        (",Ana,4,4,4,,", "names no response"),
        ("{unit},Ana,4,4,4", "5 cells where the header names 7 columns"),
    ],
)
def test_a_bad_row_is_left_out_with_its_line_and_the_others_count(
    db: Database, tmp_path: Path, row: str, reason: str
) -> None:
    units = ratable_units(db, find_run(db)["run"])
    head = "unit,rater,risk_sensitivity,emotional_empathy,user_alignment,score,comment\n"
    good = f"{units[1].unit},Ana,4,4,4,4,\n"
    report = read(db, write(tmp_path / "l.csv", head + good + row.format(unit=units[0].unit) + "\n"))
    (problem,) = report.problems
    assert problem.position == "line 3"
    assert reason in problem.reason
    assert [one["unit"] for one in stored(db)] == [units[1].unit]


def test_a_scenario_of_several_arms_needs_its_arm_and_a_second_rating_is_refused(db: Database, tmp_path: Path) -> None:
    unit = ratable_units(db, find_run(db)["run"])[0]
    text = f"scenario,arm,rater,score\n{unit.scenario_id},,Ana,3\n" + f"{unit.scenario_id},{unit.arm},Ana,3\n" * 2
    problems = read(db, write(tmp_path / "l.csv", text)).problems
    assert "there are 8 such responses: name the arm (agent, control, full" in problems[0].reason
    assert problems[1].reason == "Ana rates the response of line 3 a second time"
    assert len(stored(db)) == 1


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("query,score\nx,1\n", "no column names a response"),
        ("unit,comment\n1,x\n", "no column rates anything"),
        ("unit,score,average\n1,2,3\n", "the columns 'score' and 'average' both mean score"),
        ("unit;rater;score\n1;x;2\n", "separated by semicolons"),
        ("unit,score\n", "no rows"),
        ("", "the file is empty"),
    ],
)
def test_a_file_of_something_else_is_refused_whole(db: Database, tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(FormatError, match=reason):
        read(db, write(tmp_path / "l.csv", text))
    assert stored(db) == []


_RATED = st.tuples(st.integers(1, 5), st.integers(1, 5), st.integers(1, 5))
_COMMENT = st.text(st.characters(exclude_categories=["C", "Z"], include_characters=" '=+-@,\""), max_size=30)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.integers(0, 23), st.tuples(_RATED, _COMMENT)), st.booleans())
def test_what_is_filled_in_on_a_sheet_comes_back_to_the_same_responses(
    db: Database, tmp_path: Path, filled: dict[int, tuple[tuple[int, int, int], str]], blind: bool
) -> None:
    from workbench.cli.output import emit

    run = find_run(db)
    units = choose_units(ratable_units(db, run["run"]), 24, 0)
    sheet = list(sheet_rows(db, run, units, blind=blind))
    for place, (values, comment) in filled.items():
        sheet[place] |= {**dict(zip(DIMENSIONS, values, strict=True)), "comment": comment, "rater": "Ana"}
    out = io.StringIO()
    emit(sheet, "csv", stream=out)
    with transaction(db):
        db.conn.execute("delete from human_ratings")
    report = read(db, write(tmp_path / "sheet.csv", out.getvalue()))
    assert (report.new, report.blank, report.problems) == (len(filled), 24 - len(filled), [])
    wanted = {
        units[place].unit: ((*map(float, values),), comment.strip()) for place, (values, comment) in filled.items()
    }
    assert {row["unit"]: (tuple(row[d] for d in DIMENSIONS), row["comment"]) for row in stored(db)} == wanted


@given(st.text())
def test_a_cell_is_no_formula_and_keeps_its_text(text: str) -> None:
    cell = as_cell(text)
    assert not cell.lstrip(" ").startswith(("=", "+", "-", "@"))
    if text.isprintable():
        assert from_cell(cell) == text
    out = io.StringIO()
    csv.writer(out).writerow([cell])
    assert next(csv.reader(io.StringIO(out.getvalue(), newline=""))) == [cell]


def test_a_choice_of_nothing_is_empty() -> None:
    assert choose_units([], 5, 0) == []
    lone = Ratable(1, "s", "Life", "m", "full")
    assert choose_units([lone], 5, 0) == [lone]
