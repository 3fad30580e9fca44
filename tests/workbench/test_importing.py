"""Files into the database: what is recognised, what is left out and why, and what stays when it is cut off."""

import csv
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from simulator.formats import (
    AgentRow,
    FormatError,
    JudgedRow,
    PublishedPath,
    background_text,
    evaluation_text,
    write_agent_output,
    write_judged_output,
    write_library,
    write_scenarios,
)
from simulator.scenario import Profile, Scenario
from storage.database import open_writable
from storage.readers import find_run, library_rows, list_libraries, list_runs, response_rows, score_rows
from storage.scenarios import add_scenarios, count_scenarios, list_scenarios
from storage.sqlite import Database
from workbench.engine.scenarios.importing import ImportReport, import_files

SAMPLE = os.environ.get("WORKBENCH_PENGUIN_SAMPLE")


def scenario(query: str, issue: str = "Breakup/Divorce", domain: str = "Relationship", age: str = "25-34") -> Scenario:
    return Scenario(query, Profile.from_mapping({"Age": age, "Gender": "Female"}), domain, issue, "file")


class Importer:
    """Imports files into one database and keeps what was reported."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.reported: list[str] = []

    def __call__(self, *files: Path, domain_map: Path | None = None, source: str | None = None) -> ImportReport:
        self.reported.clear()
        return import_files(self.db, files, domain_map=domain_map, source=source, report=self.reported.append)


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Importer]:
    db = open_writable(tmp_path / "w.db")
    yield Importer(db)
    db.conn.close()


def jsonl(path: Path, records: Sequence[object]) -> Path:
    path.write_text("".join(f"{r if isinstance(r, str) else json.dumps(r)}\n" for r in records), encoding="utf-8")
    return path


def judged(
    query: str, response: str = "An answer.", background: str = "", evaluation: str | None = None, score: float = 4.0
) -> JudgedRow:
    evaluation = evaluation_text((4, 4, 4)) if evaluation is None else evaluation
    return JudgedRow("Scenario 1-1", background, query, response, evaluation, None, score)


@pytest.mark.skipif(not SAMPLE, reason="WORKBENCH_PENGUIN_SAMPLE is not set")
def test_the_published_sample(run: Importer) -> None:
    folder = Path(str(SAMPLE))
    report = run(folder / "MCTS_path.csv", folder / "queries.json", folder / "profiles.json")
    assert run.reported == []
    assert report.problems == 0
    people, index = report.files
    assert people.new + people.known == 700  # one person asks the same twice
    assert people.known == 1
    assert people.unknown_domain == 0
    assert index.new == 20
    assert "unknown" not in {s.domain for s in list_scenarios(run.db)}
    (library,) = list_libraries(run.db)
    assert (library["entries"], library["published"]) == (20, 1)
    again = run(folder / "MCTS_path.csv", folder / "queries.json", folder / "profiles.json")
    assert [(file.new, file.known) for file in again.files] == [(0, 700), (0, 20)]


def test_good_records_are_imported_and_bad_ones_reported_with_place_and_reason(run: Importer, tmp_path: Path) -> None:
    path = jsonl(tmp_path / "rows.jsonl", [{"query": "a?", "age": "25-34"}, "{", {"query": None}, {"query": "b?"}])
    report = run(path)
    assert (report.files[0].new, report.problems) == (2, 2)
    assert run.reported[0].startswith(f"{path}, line 2: not valid JSON")
    assert run.reported[1] == f"{path}, line 3: the query is missing"
    (line,) = report.lines()
    assert line.startswith(f"{path} (dataset): 2 new, 0 known already, 2 left out; 2 of unknown domain: ")


def test_many_problems_are_counted_beyond_the_first(run: Importer, tmp_path: Path) -> None:
    path = jsonl(tmp_path / "rows.jsonl", [{"query": "a?"}, *["{"] * 1000])
    assert run(path).problems == 1000
    assert len(run.reported) == 21
    assert run.reported[-1] == f"{path}: 980 more left out"


def test_a_file_that_cannot_be_read_is_refused_before_anything_is_written(run: Importer, tmp_path: Path) -> None:
    good = jsonl(tmp_path / "good.jsonl", [{"query": "a?"}])
    bad = jsonl(tmp_path / "bad.jsonl", [{"colour": "red"}])
    for files in ([good, bad], [good, tmp_path / "nowhere"]):
        with pytest.raises(FormatError):
            run(*files)
    assert count_scenarios(run.db) == 0


def test_queries_that_are_no_multiple_of_the_profiles_are_refused(run: Importer, tmp_path: Path) -> None:
    good = jsonl(tmp_path / "good.jsonl", [{"query": "a?"}])
    people, queries = tmp_path / "people.json", tmp_path / "queries.json"
    people.write_text(json.dumps([{"Scenario": "Breakup/Divorce", "Age": "25-34"}] * 2))
    queries.write_text(json.dumps([{"query_id": f"{i}?"} for i in range(3)]))
    with pytest.raises(FormatError, match="no multiple"):
        run(good, people, queries)
    with pytest.raises(FormatError, match="alone"):
        run(good, queries)
    assert count_scenarios(run.db) == 0


def test_profiles_and_queries_are_joined_in_whichever_order_they_are_named(run: Importer, tmp_path: Path) -> None:
    wanted = [scenario(f"{age} {i}?", age=age) for age in ("18-24", "55+") for i in range(2)]
    write_scenarios(wanted, tmp_path / "form1", "form1")
    report = run(tmp_path / "form1" / "queries.json", tmp_path / "form1" / "profiles.json")
    assert {s.id for s in list_scenarios(run.db)} == {s.id for s in wanted}
    assert "(profiles and queries): 4 new" in report.lines()[0]


def test_a_domain_map_fills_in_what_was_unknown_when_the_import_is_repeated(run: Importer, tmp_path: Path) -> None:
    path = jsonl(tmp_path / "rows.jsonl", [{"query": "a?", "scenario": "Night Gardening"}])
    first = run(path)
    assert first.files[0].unknown_domain == 1
    assert "'Night Gardening'" in first.lines()[0]
    mapping = tmp_path / "domains.json"
    mapping.write_text('{"night gardening": "Life"}')
    second = run(path, domain_map=mapping)
    assert (second.files[0].known, second.files[0].unknown_domain) == (1, 0)
    assert [s.domain for s in list_scenarios(run.db)] == ["Life"]
    run(path)
    assert [s.domain for s in list_scenarios(run.db)] == ["Life"]


def test_a_source_is_set_for_every_scenario_of_the_import(run: Importer, tmp_path: Path) -> None:
    run(jsonl(tmp_path / "rows.jsonl", [{"query": "a?", "source": "real"}]), source="lab")
    assert [s.source for s in list_scenarios(run.db)] == ["lab"]


def test_what_stops_an_import_leaves_whole_batches_and_the_next_one_adds_the_rest(
    run: Importer, tmp_path: Path
) -> None:
    path = jsonl(tmp_path / "rows.jsonl", [*({"query": f"{i}?"} for i in range(1200)), "{"])

    def stop(line: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_files(run.db, [path], report=stop)
    assert count_scenarios(run.db) == 1000
    report = run(path)
    assert (report.files[0].new, report.files[0].known, report.problems) == (200, 1000, 1)


def test_a_planner_index_becomes_a_published_library_without_scores(run: Importer, tmp_path: Path) -> None:
    mine, shared = scenario("Mine?"), [scenario("Ours?"), scenario("ours?", age="55+")]
    add_scenarios(run.db, [mine, *shared])
    path = tmp_path / "index.csv"
    write_library([PublishedPath("mine?", (9, 7), 0), PublishedPath("Ours?", (1,), 1)], path)
    report = run(path)
    library = report.files[0].place.removeprefix("library ")
    rows = library_rows(run.db, library)
    assert [(r["path"], r["score"], r["model"], r["published"]) for r in rows] == [
        ((9, 7), None, None, True),
        ((1,), None, None, True),
    ]
    assert [r["profile_id"] for r in rows] == [mine.profile.id, None]  # of two people who ask the same, it is unknown


def test_results_are_joined_by_query_text_and_the_rest_is_reported(run: Importer, tmp_path: Path) -> None:
    wanted = scenario("Where to rest?")
    path = tmp_path / "agent.csv"
    write_agent_output([AgentRow("where to REST?", (9, 7)), AgentRow("Who?", ())], path)
    report = run(path)
    assert (report.problems, list_runs(run.db)) == (2, [])
    add_scenarios(run.db, [wanted])
    report = run(path)
    assert (report.files[0].new, report.problems) == (1, 1)
    assert run.reported == [f"{path}, line 3: no stored scenario has this query: import its scenarios first"]
    row = find_run(run.db, report.files[0].place.removeprefix("run "))
    assert (row["kind"], row["state"], row["units"]) == ("import", "done", 1)


def test_scenarios_and_results_may_come_together(run: Importer, tmp_path: Path) -> None:
    wanted = scenario("Where to rest?")
    write_scenarios([wanted], tmp_path / "scenarios.jsonl", "scenarios")
    write_agent_output([AgentRow(wanted.query, (9,))], tmp_path / "agent.csv")
    assert run(tmp_path / "agent.csv", tmp_path / "scenarios.jsonl").problems == 0


def test_a_judged_score_below_one_is_a_failed_judgement(run: Importer, tmp_path: Path) -> None:
    add_scenarios(run.db, [scenario("a?"), scenario("b?")])
    path = tmp_path / "judged.csv"
    write_judged_output([judged("a?"), judged("b?", evaluation="1. Risk", score=1 / 3)], path)
    report = run(path)
    assert report.problems == 0
    good, bad = score_rows(run.db, report.files[0].place.removeprefix("run "))
    assert (good["score"], good["failed"]) == (4.0, False)
    assert (bad["score"], bad["failed"]) == (None, True)
    assert "below 1" in bad["error"]


def test_people_who_ask_the_same_are_told_apart_by_their_background(run: Importer, tmp_path: Path) -> None:
    young, old = scenario("a?", age="18-24"), scenario("a?", age="55+")
    add_scenarios(run.db, [young, old])
    path = tmp_path / "judged.csv"
    other = background_text(Profile.from_mapping({"Age": "35-44", "Gender": "Female"}))
    write_judged_output(
        [judged("a?", "For you.", background_text(old.profile)), judged("a?"), judged("a?", background=other)], path
    )
    report = run(path)
    (response,) = response_rows(run.db, report.files[0].place.removeprefix("run "))
    assert (response["scenario_id"], response["text"]) == (old.id, "For you.")
    assert [line.split(": ", 1)[1] for line in run.reported] == [
        "2 stored scenarios have this query, and the row does not say which it is",
        "its background is of nobody who asks this query in a stored scenario",
    ]


def test_a_background_in_words_of_its_own_does_not_hinder_the_join(run: Importer, tmp_path: Path) -> None:
    add_scenarios(run.db, [scenario("a?")])
    write_judged_output([judged("a?", background="Somebody in the late twenties.")], tmp_path / "judged.csv")
    assert run(tmp_path / "judged.csv").problems == 0


def test_a_second_result_for_a_scenario_is_left_out(run: Importer, tmp_path: Path) -> None:
    add_scenarios(run.db, [scenario("a?")])
    path = tmp_path / "judged.csv"
    write_judged_output([judged("a?"), judged("a?"), judged("a?", "Another answer.")], path)
    for new, known in ((1, 1), (0, 2)):
        report = run(path)
        assert (report.files[0].new, report.files[0].known, report.problems) == (new, known, 1)
    assert len(list_runs(run.db)) == 1


def test_hostile_cells_are_parsed_and_never_run(run: Importer, tmp_path: Path) -> None:
    add_scenarios(run.db, [scenario("a?")])
    path, mark = tmp_path / "index.csv", tmp_path / "mark"
    call = f"__import__('pathlib').Path({str(mark)!r}).touch()"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(
            [
                ("Index", "User Query", "Best Path"),
                (0, "a?", call),
                (1, "{'query_id': " + call + "}", "['Age']"),
                (2, "a?", "[" * 5000),
                (3, "a?", "['Age']"),
            ]
        )
    report = run(path)
    assert (report.files[0].new, report.problems) == (1, 3)
    assert not mark.exists()
