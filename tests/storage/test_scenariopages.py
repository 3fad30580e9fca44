"""Windows onto many scenarios: filters, pages, and what runs found."""

import shutil
from pathlib import Path

import pytest

from simulator.bundled import bundled
from simulator.scenario import Profile, Scenario
from storage.database import open_readonly, open_writable, transaction
from storage.errors import NotFoundError
from storage.notes import set_bookmark, set_note, set_tags
from storage.scenariopages import (
    ScenarioFilter,
    ids_of,
    key_of,
    matching,
    overview,
    page,
    scenario_results,
)
from storage.scenarios import add_scenarios, count_scenarios
from storage.sqlite import Database


@pytest.fixture
def db(prepared: Path, tmp_path: Path) -> Database:
    """Return a copy of the prepared database, with the bundled scenarios beside those of its run."""
    path = tmp_path / "workbench.db"
    shutil.copy(prepared, path)
    db = open_writable(path)
    add_scenarios(db, bundled())
    return db


def queries(db: Database, wanted: ScenarioFilter) -> list[str]:
    return [row.query for row in page(db, matching(db, wanted))]


def test_without_a_filter_everything_fits_in_the_order_added(db: Database) -> None:
    keys = matching(db, ScenarioFilter())
    assert len(keys) == 84 == count_scenarios(db)
    assert keys == sorted(keys)
    assert [row.id for row in page(db, keys)][-70:] == [s.id for s in bundled()]


def test_every_word_of_a_search_has_to_be_there_in_any_order_and_case(db: Database) -> None:
    scenario = bundled()[3]
    first, second = scenario.query.split()[:2]
    assert scenario.query in queries(db, ScenarioFilter(search=f"{second.upper()}  {first}"))
    assert queries(db, ScenarioFilter(search=f"{first} nowhere-to-be-found")) == []
    assert queries(db, ScenarioFilter(search=scenario.id[:9])) == [scenario.query]


@pytest.mark.parametrize("wild", ["%", "_", "\\", "100%_\\"])
def test_wildcards_of_a_search_stand_for_themselves(tmp_path: Path, wild: str) -> None:
    db = open_writable(tmp_path / "wild.db")
    profile = Profile((None,) * 10)
    add_scenarios(db, [Scenario("plain words", profile), Scenario(f"with {wild} in it", profile)])
    assert queries(db, ScenarioFilter(search=wild)) == [f"with {wild} in it"]


def test_domain_source_and_results_are_filters_that_add_up(db: Database) -> None:
    about = overview(db)
    assert sum(count for _, count in about.domains) == about.total == 84
    assert dict(about.sources) == {"bundled": 70, "synthetic": 14}
    assert about.surrogate
    assert set(about.arms) >= {"vanilla", "planner", "oracle"}
    assert len(matching(db, ScenarioFilter(source="bundled", domain="Health"))) == 10
    assert len(matching(db, ScenarioFilter(results="with results"))) == 14
    assert len(matching(db, ScenarioFilter(results="without results"))) == 70
    assert len(matching(db, ScenarioFilter(results="oracle"))) == 14
    assert matching(db, ScenarioFilter(results="oracle", source="bundled")) == []


def test_notes_tags_and_bookmarks_are_filters(db: Database) -> None:
    marked, noted, tagged = (s.id for s in bundled()[:3])
    with transaction(db):
        set_bookmark(db, f"scenario/{marked}", True)
        set_note(db, f"scenario/{noted}", "look again")
        set_tags(db, f"scenario/{tagged}", ["dark", "odd"])
        set_tags(db, "run/x", ["of-a-run"])
    assert overview(db).tags == ("dark", "odd")
    for marks, scenario in (("bookmarked", marked), ("with note", noted), ("tagged", tagged), ("odd", tagged)):
        (row,) = page(db, matching(db, ScenarioFilter(marks=marks)))
        assert (row.id, row.bookmarked, row.noted) == (scenario, marks == "bookmarked", marks != "bookmarked")


def test_a_row_says_what_is_known_which_arms_are_done_and_the_best_score(db: Database) -> None:
    (key, *_) = matching(db, ScenarioFilter(results="with results"))
    (row,) = page(db, [key])
    assert set(row.arms) == {"vanilla", "control", "full", "static", "random", "oracle", "agent", "planner"}
    assert all(row.arms.values())
    assert row.known == 10
    trials = [r for r in scenario_results(db, row.id) if r.kind == "trial"]
    means = [
        sum(r.score or 0 for r in trials if r.unit == unit) / 2  # two judges
        for unit in {r.unit for r in trials}
    ]
    assert row.best == pytest.approx(max(means))
    assert row.surrogate


def test_a_failed_trial_is_not_done_and_a_pending_one_is_nothing(db: Database) -> None:
    (key, *_) = matching(db, ScenarioFilter(results="with results"))
    ((scenario, mask),) = ids_of(db, [key])
    assert mask == 1023
    with transaction(db):
        db.execute("update units set state = 'failed' where scenario = ? and arm = 'full'", [scenario])
        db.execute("update units set state = 'pending' where scenario = ? and arm = 'static'", [scenario])
    (row,) = page(db, [key])
    assert row.arms["full"] is False
    assert "static" not in row.arms
    assert key not in matching(db, ScenarioFilter(results="full"))


def test_results_come_newest_first_with_a_row_per_verdict(prepared: Path) -> None:
    db = open_readonly(prepared)
    (row, *_) = page(db, matching(db, ScenarioFilter()))
    found = scenario_results(db, row.id)
    assert [r.unit for r in found] == sorted((r.unit for r in found), reverse=True)
    assert len(found) == 8 * 2 + 1
    assert {r.judge for r in found if r.arm == "agent"} == {"a", "b"}
    assert all(r.questions is not None for r in found if r.arm in ("agent", "planner"))
    assert all(r.questions is None for r in found if r.arm == "full")
    assert len(scenario_results(db, row.id, limit=3)) == 3


def test_a_key_is_found_by_id_and_one_that_is_gone_is_left_out(db: Database) -> None:
    assert page(db, [key_of(db, bundled()[0].id), 999_999])[0].id == bundled()[0].id
    assert len(page(db, [999_999])) == 0
    with pytest.raises(NotFoundError, match="no scenario"):
        key_of(db, "nobody")


def test_many_keys_are_read_at_once(db: Database) -> None:
    keys = [*matching(db, ScenarioFilter()), *range(10_000, 12_000)]
    assert len(page(db, keys)) == len(ids_of(db, keys)) == 84
