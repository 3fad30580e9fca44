"""What the scores screen reads: stamps, runs with verdicts, one scenario's responses, and what a rater may see."""

from pathlib import Path

import pytest

from storage.database import open_writable, transaction
from storage.errors import NotFoundError
from storage.judgements import (
    blind_response,
    judged_runs,
    judged_trials,
    judged_values,
    ratable_units,
    raters,
    run_scenarios,
    scenario_responses,
    score_stamp,
)
from storage.ratings import Rating, save_rating
from storage.readers import find_run
from tests.workbench.app.scores.copying import copied


def test_what_is_read_of_a_run_and_its_ratings(prepared: Path, tmp_path: Path) -> None:
    db = open_writable(copied(prepared, tmp_path))
    run = find_run(db)["run"]
    (row,) = judged_runs(db)
    assert (row["run"], row["scenarios"], row["arms"], row["world"]) == (run, 14, 8, "surrogate")
    units, stamp = [found.unit for found in ratable_units(db, run)], score_stamp(db, run)
    assert len(units) == 14 * 8
    assert len(run_scenarios(db, run)) == 14
    assert [trial[0] for trial in judged_trials(db, run)] == units
    assert len(judged_values(db, run)) == 14 * 8 * 2
    assert raters(db) == []
    with transaction(db):
        save_rating(db, Rating(units[0], "R", (1, 2, 3), 2.0, "so"))
        save_rating(db, Rating(units[0], "S", None, 4.0, source="labels.csv"))
    assert score_stamp(db, run) != stamp
    assert raters(db) == ["R"]
    blind = blind_response(db, units[0])
    assert set(blind._fields) == {"scenario_id", "query", "profile", "text"}
    given = {value[:2]: value[2:] for value in judged_values(db, run)}
    assert given[units[0], "human:R"] == (2.0, 1, 2, 3)
    assert given[units[0], "human:S"] == (4.0, None, None, None)
    responses = scenario_responses(db, [run], blind.scenario_id)
    assert len(responses) == 8
    mine = next(found for found in responses if found["unit"] == units[0])
    assert [verdict["judge"] for verdict in mine["verdicts"]] == ["a", "b", "human:R", "human:S"]
    assert mine["verdicts"][2]["rationale"] == "so"
    assert mine["text"] == blind.text
    with pytest.raises(NotFoundError, match="no response"):
        blind_response(db, 10**9)
    db.conn.close()
