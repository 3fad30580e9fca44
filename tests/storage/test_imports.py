"""What others produced, as the store keeps it: whole, once, and with nothing invented."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from simulator.formats import AgentRow, Format, JudgedRow
from simulator.scenario import Profile, Scenario
from storage.database import open_writable
from storage.imports import (
    Entry,
    ImportSpec,
    QueryIndex,
    ResultRow,
    add_library,
    finish_import,
    library_id,
    save_imported,
)
from storage.readers import dialogue_rows, find_run, library_rows, list_libraries, response_rows, score_rows
from storage.scenarios import add_scenarios
from storage.sqlite import Database

SPEC = ImportSpec("ab" * 32, "results.csv", Format.JUDGED_OUTPUT, "0")


def scenario(query: str, age: str = "25-34") -> Scenario:
    return Scenario(query, Profile.from_mapping({"Age": age}), "Life")


def judged(query: str, response: str = "An answer.", score: float | None = 4.0, failure: str = "") -> JudgedRow:
    dimensions = (4.0, 4.0, 4.0) if score == 4.0 else None
    return JudgedRow("Scenario 1-1", "", query, response, "the judge's text", dimensions, score, failure)


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    db = open_writable(tmp_path / "w.db")
    yield db
    db.conn.close()


def test_a_query_is_found_whatever_its_case_and_white_space(db: Database) -> None:
    both = [scenario("Where to  rest?"), scenario("where to rest?", "55+")]
    add_scenarios(db, [*both, scenario("Where to go?")])
    index = QueryIndex(db)
    assert {s.id for s in index.find(" WHERE to rest? ")} == {s.id for s in both}
    assert index.find("where") == []


def test_a_query_index_can_be_made_again_after_scenarios_came(db: Database) -> None:
    QueryIndex(db)
    add_scenarios(db, [scenario("Where to rest?")])
    assert len(QueryIndex(db).find("where to rest?")) == 1


def test_the_same_content_is_the_same_library_and_order_counts() -> None:
    one, two = Entry("a?", (1, 2)), Entry("b?", (3,))
    whose = Entry("a?", (1, 2), scenario("a?"))
    assert library_id([one, two]) == library_id([whose, two])
    assert len({library_id([one, two]), library_id([two, one]), library_id([one]), library_id([])}) == 4


def test_a_library_is_stored_once_and_completed_when_its_scenarios_are_known(db: Database) -> None:
    assert add_library(db, "f00", "index.csv", [Entry("a?", (1, 2)), Entry("b?", (3,))])
    whose = scenario("b?")
    assert not add_library(db, "f00", "copy.csv", [Entry("a?", (1, 2)), Entry("b?", (3,), whose)])
    rows = library_rows(db, "f00")
    assert [(r["query"], r["path"], r["score"], r["published"]) for r in rows] == [
        ("a?", (1, 2), None, True),
        ("b?", (3,), None, True),
    ]
    assert [(r["scenario"], r["profile_id"]) for r in rows] == [(None, None), (whose.id, whose.profile.id)]
    assert [(row["name"], row["entries"]) for row in list_libraries(db)] == [("index.csv", 2)]


def test_a_library_that_is_cut_off_leaves_nothing(db: Database) -> None:
    def entries() -> Iterator[Entry]:
        yield Entry("a?", (1,))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        add_library(db, "f00", "index.csv", entries())
    assert list_libraries(db) == []
    assert db.table("library_entries").count == 0


def test_a_judged_row_says_nothing_that_its_file_does_not(db: Database) -> None:
    asked = scenario("a?")
    add_scenarios(db, [asked])
    assert save_imported(db, SPEC, [(asked.id, judged("a?"))]) == ["new"]
    finish_import(db, SPEC)
    (score,) = score_rows(db, SPEC.run)
    assert (score["world"], score["model"], score["arm"], score["judge"]) == (
        "imported",
        "unknown",
        "imported",
        "imported",
    )
    assert (score["score"], score["risk_sensitivity"], score["failed"]) == (4.0, 4.0, False)
    for unknown in ("questions", "given", "true_score", "finished_at", "seed", "world_version", "ending"):
        assert score[unknown] is None, unknown
    (response,) = response_rows(db, SPEC.run)
    assert (response["text"], response["given"], response["style"]) == ("An answer.", None, None)


def test_a_path_becomes_turns_of_which_only_the_attribute_is_known(db: Database) -> None:
    asked = scenario("a?")
    add_scenarios(db, [asked])
    save_imported(db, SPEC, [(asked.id, AgentRow("a?", (9, 0)))])
    (dialogue,) = dialogue_rows(db, SPEC.run)
    assert [turn["attribute"] for turn in dialogue["turns"]] == ["Emotional State", "Age"]
    assert dialogue["questions"] == 2
    assert {dialogue[name] for name in ("ending", "completeness", "persona", "given", "response")} == {None}
    for turn in dialogue["turns"]:
        assert {turn[name] for name in ("question", "reply", "status", "truth", "known", "chosen_by")} == {None}


def test_the_same_row_again_is_recognised_and_another_one_never_replaces_it(db: Database) -> None:
    asked, other = scenario("a?"), scenario("b?")
    add_scenarios(db, [asked, other])
    save_imported(db, SPEC, [(asked.id, judged("a?")), (other.id, AgentRow("b?", (1, 2)))])
    again: list[tuple[str, ResultRow]] = [
        (asked.id, judged("a?")),
        (asked.id, judged("a?", "Another answer.")),
        (other.id, AgentRow("b?", (1, 2))),
        (other.id, AgentRow("b?", (2, 1))),
    ]
    assert save_imported(db, SPEC, again) == ["stored", "other", "stored", "other"]
    assert [row["text"] for row in response_rows(db, SPEC.run)] == ["An answer."]


def test_a_failed_judgement_is_a_failed_unit_with_its_reason(db: Database) -> None:
    asked = scenario("a?")
    add_scenarios(db, [asked])
    save_imported(db, SPEC, [(asked.id, judged("a?", score=None, failure="average score 0.33 is below 1"))])
    (score,) = score_rows(db, SPEC.run)
    assert (score["score"], score["failed"], score["valid"]) == (None, True, 0)
    assert "0.33" in score["error"]
    assert find_run(db, SPEC.run)["failed"] == 1


def test_an_import_is_interrupted_until_it_is_finished(db: Database) -> None:
    asked = scenario("a?")
    add_scenarios(db, [asked])
    save_imported(db, SPEC, [(asked.id, judged("a?"))])
    assert find_run(db, SPEC.run)["state"] == "interrupted"
    finish_import(db, SPEC)
    run = find_run(db, SPEC.run)
    assert (run["state"], run["kind"], run["identity"]) == ("done", "import", SPEC.identity)


def test_rows_of_one_call_are_written_together_or_not_at_all(db: Database) -> None:
    asked = scenario("a?")
    add_scenarios(db, [asked])
    with pytest.raises(Exception, match="FOREIGN KEY"):
        save_imported(db, SPEC, [(asked.id, judged("a?")), ("no such scenario", judged("b?"))])
    assert db.table("runs").count == db.table("units").count == db.table("responses").count == 0


def test_what_a_surrogate_answered_stays_a_surrogates(db: Database) -> None:
    asked = scenario("a?")
    add_scenarios(db, [asked])
    save_imported(db, SPEC, [(asked.id, judged("a?", "[surrogate] An answer."))])
    finish_import(db, SPEC)
    assert find_run(db, SPEC.run)["world"] == "imported surrogate"
