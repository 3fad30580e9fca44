"""Wrong usage and wrong input: one line that says what, where and what to do, and the exit code of the design."""

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from storage.database import open_writable
from storage.migrations import SCHEMA_VERSION
from tests.workbench.cli.conftest import Cli
from tests.workbench.cli.program import complaint, workbench

TABLE = {"attributes": ["a", "b"], "reward": [1, 2, 3, 4]}

WRONG: list[tuple[str, str]] = [
    ("frob", "No such command 'frob'"),
    ("--frob", "--frob"),
    ("show", "Missing command"),
    ("scenarios", "Missing command"),
    ("config", "Missing command"),
    ("show frob", "No such command 'frob'"),
    ("show scores --frob", "--frob"),
    ("show scores --format yaml", "'yaml' is not one of"),
    ("show scores", "there is no database"),
    ("show runs --db none.db", "none.db"),
    ("export", "there is no database"),
    ("run --world mars", "no world 'mars'"),
    ("run --world table:t.json", "table:t.json"),
    ("run --arms vanilla,planer", "--arms"),
    ("run --arms=", "--arms"),
    ("run --models gpt-9", "no model 'gpt-9'"),
    ("run --judges z", "no judge 'z'"),
    ("run --search-judge z", "no judge 'z'"),
    ("run --domains Sport", "no domain 'Sport'"),
    ("run --scenarios zzz", "no scenario 'zzz'"),
    ("run --scenarios=", "--scenarios"),
    ("run --source nowhere", "no scenario fits"),
    ("run --synthetic 3 --source real", "--synthetic"),
    ("run --limit many", "--limit"),
    ("run --limit 0", "--limit"),
    ("run --rule ucb", "--rule"),
    ("run --planner best", "--planner"),
    ("run --rollouts 0", "--rollouts"),
    ("run --evaluations cache:0", "--evaluations"),
    ("run --persona nice", "--persona"),
    ("run --seed 99999999999999999999", "--seed"),
    ("run --index nothing", "--index nothing"),
    ("run none.toml", "none.toml"),
    ("run folder", "folder"),
    ("run bad.toml", "bad.toml: not TOML"),
    ("run unknown.toml", "unknown.toml: colour"),
    ("run value.toml", "value.toml: rollouts"),
    ("run --db folder", "folder"),
    ("run --db notes.txt", "notes.txt"),
    ("run --db foreign.db", "foreign.db"),
    ("run --db newer.db", "newer.db"),
    ("show runs --db newer.db", "newer"),
    ("plan", "name a scenario"),
    ("judge RUN --judges=", "--judges: name at least one"),
    ("plan --world table:", ".: can't be read: Is a directory"),
    ("plan --world table:t.json --save folder", "folder: can't be written (Is a directory)"),
    ("config init folder/none/e.toml", "folder/none/e.toml: can't be written (No such file or directory)"),
    ("show unit 9223372036854775808", "less than or equal to 9223372036854775807"),
    ("plan zzz", "no scenario 'zzz'"),
    ("plan SCENARIO zzz", "no scenario 'zzz'"),
    ("plan SCENARIO 13141e --save x", "--save writes one search"),
    ("plan SCENARIO --rate -1", "--rate"),
    ("plan SCENARIO --experiment none.toml", "none.toml"),
    ("control", "RUN"),
    ("control zzz pause", "no database"),
    ("control zzz dance", "'dance'"),
    ("plan SCENARIO --model gpt-9", "no model 'gpt-9'"),
    ("plan SCENARIO --judge z", "no judge 'z'"),
    ("plan SCENARIO --world mars", "no world 'mars'"),
    ("plan SCENARIO --rule ucb", "--rule"),
    ("plan SCENARIO --world table:t.json", "leave out SCENARIO"),
    ("plan --world table:none.json", "none.json"),
    ("plan --world table:", ""),
    ("plan --world table:bad.json", "bad.json: not JSON"),
    ("plan --world table:short.json", "short.json: 3 rewards"),
    ("plan --world table:t.json --depth 0", "--depth"),
    ("plan --world table:t.json --c nan", "--c"),
    ("plan --world table:t.json --rollouts x", "--rollouts"),
    ("show tree", "name a scenario"),
    ("show tree --trace none.json", "none.json"),
    ("show tree --trace t.json", "t.json: not a search"),
    ("show tree SCENARIO --trace t.json", "name a scenario"),
    ("scenarios show zzz", "no scenario 'zzz'"),
    ("scenarios list --domains Sport", "no domain 'Sport'"),
    ("scenarios list --limit -1", "--limit"),
    ("scenarios import none.csv", "none.csv"),
    ("scenarios import notes.txt", "notes.txt"),
    ("scenarios export -o x --to word", "--to"),
    ("scenarios export", "--output"),
    ("scenarios build --synthetic 0", "--synthetic"),
    ("scenarios build", "--synthetic"),
    ("config validate none.toml", "none.toml"),
    ("config validate unknown.toml", "unknown.toml: colour"),
    ("config init bad.toml", "bad.toml exists already"),
]


def prepare_folder(folder: Path) -> None:
    (folder / "folder").mkdir()
    (folder / "notes.txt").write_text("notes, and nothing else\n" * 50)
    (folder / "bad.toml").write_text("rollouts = = 3\n")
    (folder / "unknown.toml").write_text("colour = 3\n")
    (folder / "value.toml").write_text("rollouts = -3\n")
    (folder / "bad.json").write_text('{"attributes": [')
    (folder / "t.json").write_text(json.dumps(TABLE))
    (folder / "short.json").write_text(json.dumps({**TABLE, "reward": [1, 2, 3]}))
    db = open_writable(folder / "newer.db")
    db.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    db.conn.close()
    foreign = sqlite3.connect(folder / "foreign.db")
    foreign.execute("create table bookmarks (url)")
    foreign.commit()
    foreign.close()


@pytest.mark.parametrize(("command", "words"), WRONG, ids=[command for command, _ in WRONG])
def test_wrong_usage_is_one_line_and_exit_code_2(cli: Cli, tmp_path: Path, command: str, words: str) -> None:
    prepare_folder(tmp_path)
    before = {path.name for path in tmp_path.iterdir()}
    line = complaint(cli(*command.replace("SCENARIO", "801dd977df3346ea").split()))
    assert line.startswith("workbench")
    assert words in line
    new = {path.name for path in tmp_path.iterdir()} - before
    assert new <= {"workbench.db", "workbench.db-wal", "workbench.db-shm", "newer.db-wal", "newer.db-shm"}


@pytest.mark.parametrize(
    "command", ["show dialogue zzz", "show dialogue SCENARIO --arm vanilla", "show tree zzz", "show scores --run zzz",
                "export zzz", "show run zzz", "export --what penguin-judged", "export --format word"],
)  # fmt: skip
def test_what_a_run_does_not_have(cli: Cli, prepared: Path, command: str) -> None:
    scenario = json.loads(cli("scenarios", "list", "--limit", "1", "--db", prepared, "--format", "json").stdout)[0][
        "id"
    ]
    complaint(cli(*command.replace("SCENARIO", scenario).split(), "--db", prepared))


def test_a_folder_that_does_not_exist_is_a_failure_and_one_line(cli: Cli) -> None:
    line = complaint(cli("run", "--limit", "1", "--db", "none/x.db"), 1)
    assert "none/x.db" in line
    line = complaint(cli("plan", "--world", "table:t.json", "--save", "x"), 2)
    assert "t.json" in line


def test_a_file_that_cannot_be_written(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "t.json").write_text(json.dumps(TABLE))
    ended = cli("plan", "--world", "table:t.json", "--save", "none/x.json")
    assert ended.returncode == 2
    assert ended.stderr.splitlines() == ["workbench: none/x.json: can't be written (No such file or directory)"]


def test_only_debug_shows_a_traceback(tmp_path: Path) -> None:
    assert "Traceback" not in workbench("show", "runs", cwd=tmp_path).stderr
    ended = workbench("--debug", "show", "runs", cwd=tmp_path)
    assert "Traceback" in ended.stderr
    assert ended.returncode != 0


def test_help_stands_alone(cli: Cli) -> None:
    ended = cli("--help")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "Usage: workbench" in ended.stdout
    assert cli("--version").stdout.startswith("workbench 0.")


@pytest.mark.parametrize("command", [(), ("open", "run/ab12")])
def test_the_app_wants_a_terminal(cli: Cli, tmp_path: Path, command: tuple[str, ...]) -> None:
    assert "the app needs a terminal" in complaint(cli(*command))
    assert not list(tmp_path.iterdir())


def test_what_is_no_link_is_said_before_anything_is_opened(cli: Cli) -> None:
    assert "is no link" in complaint(cli("open", "nonsense"))


def test_the_database_may_be_named_before_the_command(cli: Cli, tmp_path: Path) -> None:
    assert cli("--db", "elsewhere.db", "scenarios", "build", "--synthetic", "7").returncode == 0
    assert (tmp_path / "elsewhere.db").exists()
    assert not (tmp_path / "workbench.db").exists()


HOSTILE: list[Any] = [
    "",
    "null",
    "[]",
    "{}",
    "[" * 100_000,
    '{"format": "workbench-search-1"}',
    '{"format": "workbench-search-1", "world": "x", "trace": "!!!"}',
    json.dumps({"format": "workbench-search-1", "trace": "UFNXVAE="}),
]


@pytest.mark.parametrize("content", HOSTILE, ids=range(len(HOSTILE)))
def test_a_trace_from_anybody(cli: Cli, tmp_path: Path, content: str) -> None:
    (tmp_path / "trace.json").write_text(content)
    assert "trace.json" in complaint(cli("show", "tree", "--trace", "trace.json"))


def test_a_saved_search_that_was_tampered_with(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "t.json").write_text(json.dumps(TABLE))
    assert cli("plan", "--world", "table:t.json", "--save", "good.json", "--depth", "2").returncode == 0
    good = json.loads((tmp_path / "good.json").read_text())
    for key in good:
        for value in (None, 7, [], {"x": 1}, "\u0000", ["a"], -1):
            (tmp_path / "bad.json").write_text(json.dumps({**good, key: value}))
            ended = cli("show", "tree", "--trace", "bad.json")
            if (key, value) in (("seed", 7), ("seed", -1)) or (
                isinstance(value, str) and key in ("world", "world_version", "model", "judge", "scenario")
            ):
                assert ended.returncode == 0
                assert "\u0000" not in ended.stdout
            else:
                assert "bad.json" in complaint(ended)
        (tmp_path / "bad.json").write_text(json.dumps({k: v for k, v in good.items() if k != key}))
        assert "bad.json" in complaint(cli("show", "tree", "--trace", "bad.json"))
