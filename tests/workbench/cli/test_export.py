"""`workbench export`: every row of a run, files whole or not at all, and the published formats back again."""

import csv
import json
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from simulator.formats import (
    AgentRow,
    FormatError,
    JudgedRow,
    PublishedPath,
    read_agent_output,
    read_judged_output,
    read_library,
)
from storage.database import open_readonly, open_writable
from storage.errors import NotFoundError, StorageError
from storage.readers import dialogue_rows, find_run, score_rows, search_rows
from workbench.cli.export import What, export
from workbench.cli.main import app
from workbench.cli.output import Format
from workbench.engine.errors import UsageError
from workbench.engine.scenarios.importing import import_files
from workbench.text import from_cell

DATA: tuple[What, ...] = ("scores", "searches", "dialogues", "responses", "units")
PUBLISHED: tuple[What, ...] = ("penguin-index", "penguin-agent", "penguin-judged")


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with one finished run of the bundled scenarios."""
    path = tmp_path_factory.mktemp("export") / "w.db"
    result = CliRunner().invoke(
        app,
        [
            "run",
            "--limit=7",
            "--arms=vanilla,agent,planner",
            "--rollouts=10",
            "--judges=a,b",
            "--quiet",
            f"--db={path}",
        ],
    )
    assert result.exit_code == 0, result.output
    return path


def read(path: Path) -> list[dict[str, object]]:
    text = path.read_text("utf-8")
    if path.suffix == ".csv":
        return list(csv.DictReader(text.splitlines(keepends=True)))
    return list(json.loads(text)) if path.suffix == ".json" else [json.loads(line) for line in text.splitlines()]


def test_scores_of_the_latest_run_go_to_stdout_as_json_lines(db: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert export(db=db) == 0
    out, err = capsys.readouterr()
    rows = [json.loads(line) for line in out.splitlines()]
    assert len(rows) == 7 * 3 * 2
    database = open_readonly(db)
    assert rows == list(score_rows(database, find_run(database)["run"]))
    database.conn.close()
    assert "42 rows" in err
    assert "world: surrogate" in err


@pytest.mark.parametrize("what", DATA)
@pytest.mark.parametrize("ending", ["json", "jsonl", "csv"])
def test_every_row_says_surrogate_in_every_format(db: Path, tmp_path: Path, what: What, ending: str) -> None:
    path = tmp_path / f"rows.{ending}"
    assert export(what=what, output=path, db=db) == 0
    rows = read(path)
    assert {row["world"] for row in rows} == {"surrogate"}
    assert len(rows) == {"scores": 42, "searches": 7, "dialogues": 14, "responses": 21, "units": 28}[what]


@pytest.mark.parametrize("kind", ["table", "md"])
def test_tables_for_people_can_be_files_too(db: Path, tmp_path: Path, kind: Format) -> None:
    assert export(what="searches", format=kind, output=tmp_path / "x", db=db) == 0
    assert "surrogate" in (tmp_path / "x").read_text("utf-8")


def test_rows_can_be_chosen_and_a_wrong_choice_is_named(db: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert export(arm="agent", judge="b", db=db) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {(row["arm"], row["judge"]) for row in rows} == {("agent", "b")}
    assert len(rows) == 7
    with pytest.raises(UsageError, match="no arm 'plan'; it has vanilla, agent, planner"):
        export(arm="plan", db=db)
    with pytest.raises(UsageError, match="--judge does not apply to searches"):
        export(what="searches", judge="a", db=db)
    with pytest.raises(NotFoundError):
        export("nothing", db=db)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("what", PUBLISHED)
def test_a_published_file_holds_one_arm_and_one_judge(db: Path, tmp_path: Path, what: What) -> None:
    with pytest.raises(UsageError, match="-o FILE"):
        export(what=what, db=db)
    with pytest.raises(UsageError, match="leave out --format"):
        export(what=what, format="json", output=tmp_path / "x", db=db)
    if what != "penguin-index":
        with pytest.raises(UsageError, match="choose with --arm"):
            export(what=what, output=tmp_path / "x", db=db)
    assert list(tmp_path.iterdir()) == []


def test_published_files_say_what_the_run_found(db: Path, tmp_path: Path) -> None:
    index, agent, judged = (tmp_path / name for name in ("index.csv", "agent.csv", "judged.csv"))
    assert export(what="penguin-index", output=index, db=db) == 0
    assert export(what="penguin-agent", arm="planner", output=agent, db=db) == 0
    assert export(what="penguin-judged", arm="planner", judge="b", output=judged, db=db) == 0
    database = open_readonly(db)
    run = find_run(database)["run"]
    paths = [row for row in read_library(index) if isinstance(row, PublishedPath)]
    assert [(p.query, len(p.path)) for p in paths] == [
        (row["query"], len(row["best_path"])) for row in search_rows(database, run)
    ]
    asked = [row for row in read_agent_output(agent) if isinstance(row, AgentRow)]
    dialogues = [row for row in dialogue_rows(database, run) if row["arm"] == "planner"]
    assert [len(row.path) for row in asked] == [row["questions"] for row in dialogues]
    verdicts = [row for row in read_judged_output(judged) if isinstance(row, JudgedRow)]
    scores = [row for row in score_rows(database, run) if (row["arm"], row["judge"]) == ("planner", "b")]
    assert [row.score for row in verdicts] == pytest.approx([row["score"] for row in scores])
    assert [row.response for row in verdicts] == [row["response"] for row in dialogues]
    for row in verdicts:
        assert "surrogate" in row.response
        assert "[surrogate: surrogate/LLaMA-3.1-8B, planner, judge b]" in row.evaluation
    database.conn.close()


def test_what_was_exported_can_be_imported_and_exported_again(db: Path, tmp_path: Path) -> None:
    """The way out and back changes no path, no score and no word."""
    files = [tmp_path / name for name in ("index.csv", "agent.csv", "judged.csv")]
    export(what="penguin-index", output=files[0], db=db)
    export(what="penguin-agent", arm="agent", output=files[1], db=db)
    export(what="penguin-judged", arm="agent", judge="a", output=files[2], db=db)
    database = open_writable(db)
    report = import_files(database, files, report=lambda line: pytest.fail(line))
    database.conn.close()
    assert [(file.new, file.left_out) for file in report.files] == [(7, 0)] * 3
    agent, judged = (file.place.removeprefix("run ") for file in report.files[1:])
    database = open_readonly(db)
    assert find_run(database)["kind"] == "run"  # an import is never the latest run
    assert find_run(database, judged)["world"] == "imported surrogate"
    database.conn.close()
    assert export(agent, what="penguin-agent", output=tmp_path / "agent2.csv", db=db) == 0
    assert export(judged, what="penguin-judged", output=tmp_path / "judged2.csv", db=db) == 0
    assert (tmp_path / "agent2.csv").read_bytes() == files[1].read_bytes()
    assert (tmp_path / "judged2.csv").read_bytes() == files[2].read_bytes()


def test_failed_units_are_in_the_judged_file_and_counted_where_they_cannot_be(
    db: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = tmp_path / "copy.db"
    source = open_readonly(db)
    source.conn.execute("vacuum into ?", [str(copy)])
    source.conn.close()
    database = open_writable(copy)
    run = find_run(database)["run"]
    for kind, arm, tables in (("search", "search", ("searches",)), ("trial", "agent", ("dialogues", "responses"))):
        (unit,) = database.conn.execute(
            "select min(id) from units where run = ? and kind = ? and arm = ?", [run, kind, arm]
        ).fetchone()
        database.conn.execute("update units set state = 'failed' where id = ?", [unit])
        for table in tables:
            database.conn.execute(f"delete from {table} where unit = ?", [unit])
        database.conn.execute("update verdicts set score = null, error = 'no answer' where unit = ?", [unit])
        database.conn.commit()
    database.conn.close()
    assert export(what="penguin-index", output=tmp_path / "index.csv", db=copy) == 3
    assert export(what="penguin-agent", arm="agent", output=tmp_path / "agent.csv", db=copy) == 3
    assert "1 of 7 are not in it" in capsys.readouterr().err
    assert export(what="penguin-judged", arm="agent", judge="a", output=tmp_path / "judged.csv", db=copy) == 0
    first, *others = (row for row in read_judged_output(tmp_path / "judged.csv") if isinstance(row, JudgedRow))
    assert (first.score, first.response) == (None, "")
    assert first.failure.startswith("no answer")
    assert all(row.score for row in others)


def test_a_file_is_replaced_whole_or_stays_as_it_was(db: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "scores.jsonl"
    path.write_text("before\n")

    def broken(*_: object) -> object:
        yield {"run": "x", "world": "surrogate"}
        raise StorageError("the database went away")

    with monkeypatch.context() as patched:
        patched.setattr("storage.readers.score_rows", broken)
        with pytest.raises(StorageError):
            export(output=path, db=db)
    assert path.read_text() == "before\n"
    assert [p.name for p in tmp_path.iterdir()] == ["scores.jsonl"]
    assert export(output=path, db=db) == 0
    assert len(path.read_text().splitlines()) == 42


def test_a_run_without_searches_has_no_index(db: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.db"
    result = CliRunner().invoke(app, ["run", "--limit=1", "--arms=vanilla", "--quiet", f"--db={other}"])
    assert result.exit_code == 0, result.output
    with pytest.raises(UsageError, match="no search yet"):
        export(what="penguin-index", output=tmp_path / "x", db=other)


def test_a_place_that_cannot_be_written_is_one_line(db: Path, tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"can't be written \(No such file or directory\)"):
        export(output=tmp_path / "nowhere" / "x.csv", db=db)
    (tmp_path / "file").write_text("")
    with pytest.raises(FormatError, match="can't be written"):
        export(what="penguin-index", output=tmp_path / "file" / "x.csv", db=db)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_one_line(db: Path) -> None:
    with pytest.raises(FormatError, match="No space left on device"):
        export(output=Path("/dev/full"), db=db)


@pytest.mark.parametrize("what", DATA)
def test_the_formats_for_machines_hold_the_same_values(db: Path, tmp_path: Path, what: What) -> None:
    """CSV has no types: a cell is read as what it is in JSON, texts without the mark that keeps formulas harmless."""
    from pyarrow import parquet

    lines, sheet, table = (tmp_path / f"rows.{ending}" for ending in ("jsonl", "csv", "parquet"))
    for output in (lines, sheet, table):
        assert export(what=what, output=output, db=db) == 0
    rows = read(lines)
    assert parquet.read_table(table).to_pylist() == rows
    cells = read(sheet)
    assert len(cells) == len(rows)
    for row, of_row in zip(rows, cells, strict=True):
        assert list(row) == list(of_row)
        for key, value in row.items():
            cell = str(of_row[key])
            found = cell if value is None else from_cell(cell) if isinstance(value, str) else json.loads(cell)
            assert found == ("" if value is None else value), key


def test_parquet_is_a_file_and_says_surrogate(db: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="-o FILE"):
        export(format="parquet", db=db)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(FormatError, match="`parquet` extra"):
        export(output=tmp_path / "x.parquet", db=db)
    assert list(tmp_path.iterdir()) == []


def test_the_command_stands_on_the_command_line(db: Path, tmp_path: Path) -> None:
    runner = CliRunner()
    assert "penguin-judged" in runner.invoke(app, ["export", "--help"]).output
    result = runner.invoke(app, ["export", "--what", "units", "--db", str(db), "-o", str(tmp_path / "units.csv")])
    assert result.exit_code == 0, result.output
    assert [path.name for path in tmp_path.iterdir()] == ["units.csv"]
