"""What matters for a query, by the surrogate or by a planned path; and the rates of an arm, computed by hand."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from planner.subsets import members
from simulator.surrogate.world import SurrogateWorld
from storage.database import open_writable, transaction
from storage.readers import find_run, search_rows
from storage.scenarios import scenarios_by_id
from storage.sqlite import Database
from tests.workbench.app.scores.copying import copied
from workbench.engine.personalisation import NEEDED, read_responses
from workbench.statistics.personalisation import personalisation_rates


@pytest.fixture
def db(prepared: Path, tmp_path: Path) -> Iterator[Database]:
    database = open_writable(copied(prepared, tmp_path))
    yield database
    database.conn.close()


def test_the_surrogate_says_what_matters_by_what_it_is_worth_alone(db: Database) -> None:
    read = list(read_responses(db, find_run(db)))
    first = read[0]
    scenario = scenarios_by_id(db, [first.row.scenario_id])[first.row.scenario_id]
    scores = SurrogateWorld().open(scenario, first.row.model, 0).true_scores()
    assert first.needed is not None
    assert {1 << i for i in members(first.needed)} == {
        1 << i for i in range(10) if scores[1 << i] >= scores[0] + NEEDED
    }
    assert {one.known_by for one in read} == {"surrogate"}


def test_elsewhere_a_planned_path_says_it_and_without_one_nothing_does(db: Database) -> None:
    run = find_run(db) | {"world": "model", "world_version": "x"}
    paths = {row["scenario_id"]: row["best_path"] for row in search_rows(db, run["run"])}
    assert paths
    for one in read_responses(db, run):
        assert one.known_by == "planned path"
        assert one.needed is not None
        assert one.needed.bit_count() == len(paths[one.row.scenario_id])
    with transaction(db):
        db.conn.execute("delete from searches")
    assert {(one.needed, one.known_by, one.unneeded) for one in read_responses(db, run)} == {(None, None, None)}


def test_a_response_whose_knowledge_is_unknown_is_in_no_rate(db: Database) -> None:
    with transaction(db):
        db.conn.execute("update responses set full = null, partial = null")
    read = list(read_responses(db, find_run(db)))
    assert {one.mentions for one in read} == {None}
    rates = personalisation_rates(one.counts() for one in read)
    assert {(one.unknown, one.given, one.unneeded) for one in rates} == {(14, None, None)}


def test_what_a_person_said_in_a_dialogue_is_told(db: Database) -> None:
    unit = db.execute("select unit from turns limit 1").fetchone()[0]
    with transaction(db):
        db.conn.execute("update responses set text = 'Your divorce is fresh.', full = 0, partial = 0")
        db.conn.execute("update turns set reply = 'I am divorced.' where unit = ?", [unit])
    invented = {one.row.unit: one.mentions.invented for one in read_responses(db, find_run(db)) if one.mentions}
    assert invented[unit] == 0
    assert any(invented.values())


def row(profile: str, given: int | None, used: int, invented: int, unneeded: int | None) -> dict[str, Any]:
    counts = {"given": given, "used": used, "invented": invented, "unneeded": unneeded}
    return {"model": "m", "arm": "full", "profile_id": profile, **counts}


def test_rates_are_means_over_the_responses_that_they_are_about() -> None:
    (found,) = personalisation_rates(
        [row("p", 4, 2, 0, 1), row("q", 2, 2, 2, None), row("r", 0, 0, 1, 0), row("s", None, 0, 0, None)]
    )
    means = {name: getattr(found, name).mean for name in ("given", "used", "invented", "inventing", "unneeded")}
    assert means == {"given": 2.0, "used": 0.75, "invented": 1.0, "inventing": pytest.approx(2 / 3), "unneeded": 0.5}
    assert (found.used and found.used.n, found.unneeded and found.unneeded.n, found.unknown) == (2, 2, 1)
