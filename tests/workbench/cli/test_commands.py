"""The commands from end to end: data in every format, narration apart, and the names that others script against."""

import csv
import inspect
import io
import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from simulator.attributes import NAMES
from simulator.scenario import Profile, Scenario
from simulator.world import DIMENSIONS
from storage.database import open_writable
from storage.scenarios import add_scenarios
from tests.workbench.cli.conftest import Cli
from tests.workbench.cli.program import COMMAND, workbench
from workbench.cli import main as command_line
from workbench.cli import run as run_command
from workbench.engine.options import ARMS, RunOptions

README = Path(__file__).parents[3] / "README.md"
LISTS = ["runs", "scores", "searches", "dialogues", "responses", "units", "failures", "libraries", "calls"]
SCENARIO = "801dd977df3346ea"
RUN = ("run", "--synthetic", "7", "--seed", "3", "--arms", "vanilla,planner", "--rollouts", "20")


def commands(app: typer.Typer = command_line.app, *path: str) -> Iterator[tuple[tuple[str, ...], Any]]:
    """List every command that does something, with its words and its function."""
    for info in app.registered_commands:
        assert info.callback is not None
        yield (*path, info.name or info.callback.__name__), info.callback
    for group in app.registered_groups:
        assert group.typer_instance is not None
        assert group.name
        yield from commands(group.typer_instance, *path, group.name)


ALL = dict(commands())


def option_helps(words: tuple[str, ...]) -> list[tuple[str, str | None]]:
    """List the parameters of a command with their help."""
    command: Any = typer.main.get_command(command_line.app)
    for word in words:
        command = command.commands[word]
    return [(parameter.name, getattr(parameter, "help", None)) for parameter in command.params]


@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_every_command_has_help_and_stands_in_the_readme(cli: Cli, words: tuple[str, ...]) -> None:
    assert inspect.getdoc(ALL[words])
    ended = cli(*words, "--help")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert f"Usage: workbench {' '.join(words)} " in ended.stdout
    for name, option in option_helps(words):
        assert option, f"no help for {name}"
    readme = README.read_text("utf-8")
    assert f"workbench {words[0]}" in readme
    assert re.search(rf"\b{words[-1]}\b", readme)


def test_every_option_of_a_run_is_a_flag_and_every_flag_an_option() -> None:
    flags = set(inspect.signature(run_command.run).parameters)
    running = {
        "experiment",
        "preset",
        "new",
        "retry_failed",
        "paused",
        "dry_run",
        "concurrency",
        "quiet",
        "db",
        "format",
    }
    tables = {name for name, field in RunOptions.model_fields.items() if "dict[" in str(field.annotation)}
    assert flags - running <= set(RunOptions.model_fields)
    assert set(RunOptions.model_fields) - flags <= tables  # what only a file can say


@pytest.mark.parametrize("what", LISTS)
def test_every_list_in_every_format(cli: Cli, prepared: Path, what: str) -> None:
    def printed(how: str) -> str:
        ended = cli("show", what, "--db", prepared, "--format", how)
        assert (ended.returncode, ended.stderr) == (0, "")
        return ended.stdout

    rows = json.loads(printed("json"))
    assert isinstance(rows, list)
    assert [json.loads(line) for line in printed("jsonl").splitlines()] == rows
    read = list(csv.DictReader(io.StringIO(printed("csv"))))
    assert len(read) == len(rows)
    if rows:
        assert list(read[0]) == list(rows[0])
        assert what == "libraries" or any(row.get("run") for row in rows)
        if what != "runs":
            assert {row["world"] for row in rows if "world" in row} <= {"surrogate"}
    table, markdown = printed("table"), printed("md")
    assert re.search("^(library|run|scenario id|arm|unit|.*id) ", table, re.MULTILINE)
    header, rule = [line for line in markdown.splitlines() if line.startswith("|")][:2]
    assert header.count("|") == rule.count("|")
    if what in ("scores", "searches", "dialogues", "responses"):
        assert "surrogate" in table
        assert "surrogate" in markdown


def test_the_scores_have_the_promised_keys(cli: Cli, prepared: Path) -> None:
    rows = json.loads(cli("show", "scores", "--db", prepared, "--format", "json").stdout)
    assert len(rows) == 14 * len(ARMS) * 2
    promised = {"run", "scenario_id", "domain", "world", "model", "arm", "judge", "score", "questions", "failed"}
    promised |= {"finished_at", *DIMENSIONS, "world_version", "seed", "code_version"}
    for row in rows:
        assert promised <= row.keys()
        assert row["failed"] is False
        assert row["world"] == "surrogate"
        assert row["model"].startswith("surrogate/")
        assert row["score"] == pytest.approx(sum(row[name] for name in DIMENSIONS) / 3)
        assert isinstance(row["questions"], int)
    assert {row["arm"] for row in rows} == set(ARMS)
    assert {row["judge"] for row in rows} == {"a", "b"}
    given = {arm: {row["given"] for row in rows if row["arm"] == arm} for arm in ARMS}
    assert given["vanilla"] == given["control"] == {0}
    assert given["static"] == given["random"] == given["oracle"] == {3}
    assert given["full"] == {10}


def test_the_runs_have_the_promised_keys(cli: Cli, prepared: Path) -> None:
    (row,) = json.loads(cli("show", "runs", "--db", prepared, "--format", "json").stdout)
    units = 14 * (1 + len(ARMS))
    assert {"run": row["run"], "state": "done", "units": units, "done": units, "failed": 0}.items() <= row.items()


def test_one_run_is_the_latest_or_the_one_named(cli: Cli, prepared: Path) -> None:
    latest = json.loads(cli("show", "run", "--db", prepared, "--format", "json").stdout)
    assert latest["experiment"]["world"] == "surrogate"
    assert latest["settings"]["synthetic"] == 14
    named = cli("show", "run", latest["run"][:4], "--db", prepared, "--format", "json")
    assert json.loads(named.stdout) == latest
    for what in ("scores", "units"):
        one = cli("show", what, "--run", latest["run"], "--db", prepared, "--format", "json").stdout
        assert one == cli("show", what, "--db", prepared, "--format", "json").stdout


def test_a_scenario_has_the_promised_keys(cli: Cli) -> None:
    found = json.loads(cli("scenarios", "show", SCENARIO[:6], "--format", "json").stdout)
    assert list(found) == ["id", "query", "domain", "issue", "source", "profile"]
    assert list(found["profile"]) == list(NAMES)
    assert found["id"] == SCENARIO
    for how in ("table", "md", "csv", "jsonl"):
        assert found["query"] in cli("scenarios", "show", SCENARIO, "--format", how).stdout


def test_what_is_not_known_is_null_and_shown_as_unknown(cli: Cli, tmp_path: Path) -> None:
    db = open_writable(tmp_path / "workbench.db")
    scenario = Scenario("Why [bold]now[/bold]?\x1b[2J", Profile(("28", *[None] * 9)), "Health")
    add_scenarios(db, [scenario])
    db.conn.close()
    found = json.loads(cli("scenarios", "show", scenario.id, "--format", "json").stdout)
    assert found["query"] == scenario.query  # exact for machines
    assert found["profile"] == {"Age": "28", **dict.fromkeys(NAMES[1:])}
    shown = cli("scenarios", "show", scenario.id).stdout
    assert re.search(r"Emotional State +unknown", shown)
    for how in ("table", "md"):
        listed = cli("scenarios", "list", "--format", how).stdout
        assert "\x1b" not in listed
        assert "now" in listed
    assert "[bold]now[/bold]" in cli("scenarios", "list").stdout


def test_all_scenarios_as_lines(cli: Cli) -> None:
    ended = cli("scenarios", "list", "--format", "jsonl", "--limit", "0")
    rows = [json.loads(line) for line in ended.stdout.splitlines()]
    assert len(rows) == 70
    assert all({"id", "query", "domain", "profile"} <= row.keys() for row in rows)
    assert "bundled" in ended.stderr
    assert len(cli("scenarios", "list", "--format", "jsonl").stdout.splitlines()) == 50
    health = cli("scenarios", "list", "--domains", "health", "--format", "jsonl").stdout
    assert {json.loads(line)["domain"] for line in health.splitlines()} == {"Health"}
    assert cli("scenarios", "list", "--search", "no such words anywhere", "--format", "json").stdout.split() == [
        "[",
        "]",
    ]


def test_built_scenarios_are_stored_listed_and_found_again(cli: Cli) -> None:
    assert "20 new" in cli("scenarios", "build", "--synthetic", "20", "--seed", "4").stderr
    assert "20 stored before" in cli("scenarios", "build", "--synthetic", "20", "--seed", "4").stderr
    rows = json.loads(cli("scenarios", "list", "--format", "json").stdout)
    assert len(rows) == 20
    assert json.loads(cli("scenarios", "show", rows[7]["id"], "--format", "json").stdout) == rows[7]


def test_stdout_is_data_and_stderr_narration(tmp_path: Path) -> None:
    ended = workbench(*RUN, "--format", "json", cwd=tmp_path)
    assert ended.returncode == 0
    records = json.loads(ended.stdout)
    assert {record["arm"] for record in records} == {"vanilla", "planner"}
    assert {record["world"] for record in records} == {"surrogate"}
    assert "trials: 14 of 14" in ended.stderr
    quiet = workbench(*RUN, "--new", "--quiet", cwd=tmp_path)
    assert quiet.stderr == ""
    assert "surrogate" in quiet.stdout
    for arm in ("vanilla", "planner"):
        assert re.search(rf"^{arm} +surrogate a ", quiet.stdout, re.MULTILINE)
        assert re.search(rf"^{arm} +paper ", quiet.stdout, re.MULTILINE)
    assert "±" in quiet.stdout


def test_a_run_with_failed_units_ends_with_3_and_says_what_is_missing(cli: Cli, tmp_path: Path) -> None:
    db = open_writable(tmp_path / "workbench.db")
    add_scenarios(db, [Scenario(f"Why {i}?", Profile((None,) * 10), "Health") for i in range(7)])
    db.conn.close()
    ended = cli("run", "--arms", "vanilla,planner", "--quiet")
    assert ended.returncode == 3
    assert "7 failed units" in ended.stderr
    assert "--retry-failed" in ended.stderr
    assert ended.stderr.count("no attribute of the profile is known") == 5
    assert len(ended.stderr.splitlines()) == 6
    assert "vanilla" in ended.stdout
    assert cli("run", "--arms", "vanilla,planner", "--quiet").returncode == 3
    rows = json.loads(cli("show", "failures", "--format", "json").stdout)
    assert [row["kind"] for row in rows] == ["search"] * 7


def test_flags_win_over_the_file(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_text('synthetic = 7\narms = ["full"]\nseed = 5\n')
    assert cli("run", "x.toml", "--arms", "vanilla", "--quiet").returncode == 0
    assert cli("run", "--synthetic", "7", "--seed", "5", "--arms", "vanilla", "--quiet").returncode == 0
    (row,) = json.loads(cli("show", "runs", "--format", "json").stdout)
    assert (row["arms"], row["seed"], row["scenarios"]) == ("vanilla", 5, 7)


def test_a_new_experiment_file_holds_every_option_and_changes_nothing(cli: Cli, tmp_path: Path) -> None:
    assert cli("config", "init").returncode == 0
    text = (tmp_path / "experiment.toml").read_text()
    assert all(re.search(rf"^#? ?\[?{name}\b", text, re.MULTILINE) for name in RunOptions.model_fields)
    assert cli("config", "validate", "experiment.toml").returncode == 0
    assert cli("run", "experiment.toml", "--limit", "7", "--arms", "vanilla", "--quiet").returncode == 0
    assert cli("run", "--limit", "7", "--arms", "vanilla", "--quiet").returncode == 0
    assert len(json.loads(cli("show", "runs", "--format", "json").stdout)) == 1
    schema = json.loads(cli("config", "schema").stdout)
    assert set(schema["properties"]) == set(RunOptions.model_fields)


def test_the_database_is_the_flag_else_the_variable_else_in_this_folder(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ("run", "--limit", "1", "--arms", "vanilla", "--quiet")
    cli(*command)
    monkeypatch.setenv("WORKBENCH_DB", "variable.db")
    cli(*command)
    cli(*command, "--db", "flag.db")
    assert {path.name for path in tmp_path.glob("*.db")} == {"workbench.db", "variable.db", "flag.db"}
    assert json.loads(cli("show", "runs", "--format", "json").stdout)
    monkeypatch.setenv("WORKBENCH_DB", "absent.db")
    assert cli("show", "runs").returncode == 2
    assert cli("show", "runs", "--db", "flag.db").returncode == 0


def test_the_tree_of_a_stored_search(cli: Cli, prepared: Path) -> None:
    rows = json.loads(cli("show", "searches", "--db", prepared, "--format", "json").stdout)
    row = rows[3]
    found = json.loads(cli("show", "tree", row["scenario_id"], "--db", prepared, "--format", "json").stdout)
    assert found["best"]["attributes"] == row["best_path"]
    assert (found["best"]["mask"], found["evaluations"]) == (row["best_mask"], row["evaluations"])
    assert row["best_path"][0] in cli("show", "tree", row["scenario_id"], "--db", prepared).stdout


def test_one_dialogue_says_everything(cli: Cli, prepared: Path) -> None:
    rows = json.loads(cli("show", "dialogues", "--db", prepared, "--format", "json").stdout)
    row = next(row for row in rows if row["arm"] == "planner" and row["turns"])
    command = ("show", "dialogue", row["scenario_id"], "--arm", "planner", "--db", prepared)
    shown = cli(*command).stdout
    for text in (row["query"], row["turns"][0]["question"], row["turns"][0]["reply"], row["turns"][0]["attribute"]):
        assert text in shown
    assert "surrogate" in shown
    found = json.loads(cli(*command, "--format", "json").stdout)
    assert {verdict["judge"] for verdict in found["verdicts"]} == {"a", "b"}
    assert found["turns"] == row["turns"]


def test_two_arms_stand_beside_each_other_where_there_is_room(
    cli: Cli, prepared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = json.loads(cli("show", "dialogues", "--db", prepared, "--format", "json").stdout)
    row = next(row for row in rows if row["arm"] == "planner" and row["turns"])
    command = ("show", "dialogue", row["scenario_id"], "--arm", "agent,planner", "--db", prepared)
    piped = cli(*command).stdout
    monkeypatch.setenv("COLUMNS", "120")
    lines = cli(*command).stdout.splitlines()
    assert max(map(len, lines)) <= 120
    assert sum(" │ " in line for line in lines) > 10
    (first,) = [line for line in lines if "[1]" in line]
    assert first.count("[1] completeness") == 2
    (response,) = [line for line in lines if line.startswith("Response")]
    assert response.count("Response") == 2
    monkeypatch.setenv("COLUMNS", "80")
    narrow = cli(*command).stdout
    for shown in (narrow, piped):
        assert " │ " not in shown
        assert shown.index("arm agent") < shown.index("arm planner")
    found = json.loads(cli(*command, "--format", "json").stdout)
    assert [each["arm"] for each in found] == ["agent", "planner"]
    assert cli(*command[:3], "--arm", "agent,full", "--db", prepared).returncode == 2


def test_help_imports_nothing_heavy() -> None:
    heavy = ["openai", "textual", "numpy", "rich", "pydantic", "sqlite_utils", "sqlite3", "anyio", "scipy", "httpx"]
    script = (
        "import sys\nfrom workbench.__main__ import main\nsys.argv = ['workbench', '--help']\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        f"print([name for name in {heavy!r} if name in sys.modules], file=sys.stderr)"
    )
    # Measuring coverage would import things of its own.
    env = {name: value for name, value in os.environ.items() if not name.startswith(("COV", "COVERAGE"))}
    ended = subprocess.run([COMMAND[0], "-c", script], capture_output=True, text=True, check=True, env=env)
    assert ended.stderr.strip() == "[]"
