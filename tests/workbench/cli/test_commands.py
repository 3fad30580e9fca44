"""The commands from end to end: data in every format, narration apart, and the names that others script against."""

import csv
import inspect
import io
import json
import os
import pty
import re
import select
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
from tests.workbench.cli.program import COMMAND, complaint, environment, start, workbench
from tests.workbench.engine.running import options, work
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


# Plans


REWARDS = [1, 2, 3, 3, 5, 4, 3, 2]
TABLE = {"attributes": ["x", "y", "z"], "reward": REWARDS, "prior": [2, 1, 1]}
PLAN = ("plan", "--world", "table:t.json", "--rule", "raise", "--rollouts", "30", "--depth", "2", "--c", "0.5")


def test_a_plan_of_a_table_has_exactly_the_promised_form(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "t.json").write_text(json.dumps(TABLE))
    ended = cli(*PLAN, "--seed", "0", "--format", "json")
    assert (ended.returncode, ended.stderr) == (0, "")
    found = json.loads(ended.stdout)
    assert list(found) == ["best", "subsets", "rollouts", "evaluations"]
    assert list(found["best"]) == ["mask", "attributes", "q", "visits"]
    assert (found["best"]["mask"], found["best"]["q"]) == (0b101, 4.0)
    assert set(found["best"]["attributes"]) == {"x", "z"}
    assert found["evaluations"] == 3  # cache:1, as there is no noise
    assert len(found["rollouts"]) == 30
    for rollout in found["rollouts"]:
        assert list(rollout) == ["path", "reward", "cached"]
        assert len(set(rollout["path"])) == 2
        assert rollout["reward"] == REWARDS[sum(1 << i for i in rollout["path"])]
    for subset in found["subsets"]:
        assert list(subset) == ["mask", "visits", "q", "prior"]
        mask, prior = subset["mask"], subset["prior"]
        if mask.bit_count() == 2:
            assert prior is None
        else:
            assert [p is None for p in prior] == [bool(mask >> i & 1) for i in range(3)]
            assert sum(p for p in prior if p is not None) == pytest.approx(1)
    for size in range(3):
        assert sum(s["visits"] for s in found["subsets"] if s["mask"].bit_count() == size) == 30
    assert {s["mask"]: s["prior"] for s in found["subsets"]}[0] == pytest.approx([0.5, 0.25, 0.25])
    assert cli(*PLAN, "--seed", "0", "--format", "json").stdout == ended.stdout


def test_a_noisy_table_depends_on_the_seed_alone(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "t.json").write_text(json.dumps({**TABLE, "noise_sd": 0.4}))
    found = [cli(*PLAN, "--seed", seed, "--format", "json").stdout for seed in (1, 1, 2)]
    assert found[0] == found[1] != found[2]
    visited = {tuple(sorted(rollout["path"])) for rollout in json.loads(found[0])["rollouts"]}
    assert len(visited) < json.loads(found[0])["evaluations"] <= 3 * len(visited)  # cache:3


@pytest.mark.parametrize("planner", ["search", "static", "random", "greedy", "exhaustive"])
@pytest.mark.parametrize("rule", ["raise", "raise-literal"])
def test_every_planner_plans_a_scenario_and_rewards_are_on_1_to_5(cli: Cli, planner: str, rule: str) -> None:
    command = ("plan", SCENARIO[:8], "--planner", planner, "--rule", rule, "--rollouts", "25", "--depth", "2")
    found = json.loads(cli(*command, "--format", "json").stdout)
    assert 1 <= found["best"]["q"] <= 5
    assert all(1 <= rollout["reward"] <= 5 for rollout in found["rollouts"])
    assert all(1 <= subset["q"] <= 5 for subset in found["subsets"])
    assert set(found["best"]["attributes"]) <= set(NAMES)
    table = cli(*command).stdout
    assert "world: surrogate" in table
    assert "Q " in table


def test_a_plan_is_kept_and_shown_again(cli: Cli) -> None:
    first = cli("plan", SCENARIO[:8], "--rollouts", "25")
    again = cli("plan", SCENARIO, "--rollouts", "25")
    assert (first.returncode, first.stderr) == (0, "")
    assert (again.returncode, again.stdout) == (0, first.stdout)
    assert "finished before" in again.stderr
    assert cli("plan", SCENARIO, "--rollouts", "25", "--new").stdout == first.stdout
    assert cli("plan", SCENARIO, "--rollouts", "26").stdout != first.stdout
    runs = json.loads(cli("show", "runs", "--format", "json").stdout)
    assert [(row["state"], row["kind"], row["units"]) for row in runs] == [("done", "plan", 1)] * 3
    run = runs[-1]["run"]
    (row,) = json.loads(cli("show", "searches", "--run", run, "--format", "json").stdout)
    assert (row["scenario_id"], row["rollouts"]) == (SCENARIO, 25)
    tree = cli("show", "tree", SCENARIO, "--run", run)
    assert tree.stdout.splitlines()[1:] == first.stdout.splitlines()[1:]
    assert "no run yet" in complaint(cli("show", "scores"))  # a plan is never the latest run
    assert cli("run", "--limit", "2", "--arms", "planner", "--index", run).returncode == 0
    assert "is not running: it is done" in complaint(cli("control", run, "pause"))


def test_several_scenarios_are_planned_at_once(cli: Cli) -> None:
    ids = [row["id"] for row in json.loads(cli("scenarios", "list", "--limit", "3", "--format", "json").stdout)]
    table = cli("plan", *ids, "--rollouts", "20")
    assert [line.split()[2] for line in table.stdout.splitlines() if line.startswith("Search of")] == ids
    found = json.loads(cli("plan", *ids, "--rollouts", "20", "--format", "json").stdout)
    assert [row["scenario"] for row in found] == ids
    alone = json.loads(cli("plan", ids[1], "--rollouts", "20", "--format", "json").stdout)
    assert {"scenario": ids[1], "model": found[1]["model"], **alone} == found[1]


def test_a_plan_takes_the_rest_from_an_experiment(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_text('rollouts = 20\narms = ["vanilla", "agent"]\njudges = ["b", "a"]\nseed = 4\n')
    from_file = cli("plan", SCENARIO, "--experiment", "x.toml", "--format", "json")
    by_flags = cli("plan", SCENARIO, "--rollouts", "20", "--judge", "b", "--seed", "4", "--format", "json")
    assert from_file.stdout == by_flags.stdout
    assert "finished before" in by_flags.stderr  # one and the same search
    fewer = cli("plan", SCENARIO, "--experiment", "x.toml", "--rollouts", "9", "--format", "json")
    assert len(json.loads(fewer.stdout)["rollouts"]) == 9  # a flag wins


def test_of_several_searches_what_failed_is_said(cli: Cli, tmp_path: Path) -> None:
    unknown = Scenario("Is it late?", Profile((None,) * len(NAMES)))
    db = open_writable(tmp_path / "workbench.db")
    add_scenarios(db, [unknown])
    db.conn.close()
    line = complaint(cli("plan", unknown.id), 1)
    assert f"search of {unknown.id}: no attribute" in line
    both = cli("plan", SCENARIO, unknown.id, "--rollouts", "20")
    assert both.returncode == 3
    assert both.stdout.count("Search of") == 1
    assert f"search of {unknown.id}: no attribute" in both.stderr
    assert "--retry-failed" in both.stderr


def test_a_search_can_be_passed_on(cli: Cli, tmp_path: Path) -> None:
    planned = cli("plan", SCENARIO, "--rollouts", "60", "--save", "search.json", "--format", "json")
    assert "search.json" in planned.stderr
    shown = cli("show", "tree", "--trace", "search.json", "--format", "json")
    assert shown.stdout == planned.stdout
    assert "Hangs everything" not in (tmp_path / "search.json").read_text()  # nothing of the profile is passed on
    tree = cli("show", "tree", "--trace", "search.json")
    assert "surrogate" in tree.stdout
    assert "60" in tree.stdout
    assert tree.stdout != cli("show", "tree", "--trace", "search.json", "--at", "10").stdout
    assert cli("show", "tree", "--trace", "search.json", "--at", "0").returncode == 0


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


# Terminals and pipes


def on_a_terminal(*arguments: object, cwd: Path, columns: int, **env: str) -> str:
    """Run the program on a terminal of so many columns and return what it printed there."""
    mine, theirs = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, *map(str, arguments)],
        cwd=cwd,
        env=environment(COLUMNS=str(columns), LINES="40", TERM="xterm-256color", **env),
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=subprocess.PIPE,
        close_fds=True,
    )
    os.close(theirs)
    found = b""
    while select.select([mine], [], [], 60)[0]:
        try:
            part = os.read(mine, 65536)
        except OSError:  # Linux says so when the other end is closed
            break
        if not part:
            break
        found += part
    os.close(mine)
    process.communicate()
    assert process.returncode == 0
    return found.decode()


def test_a_narrow_terminal_gets_a_table_per_judge_that_fits(prepared: Path, tmp_path: Path) -> None:
    shown = on_a_terminal("show", "scores", "--db", prepared, cwd=tmp_path, columns=80, NO_COLOR="1")
    assert shown.count("judge: surrogate a") == shown.count("judge: surrogate b") == 2  # eight arms, five fit
    assert "paper: published figures" in shown
    assert max(len(re.sub("\x1b.*?m", "", line)) for line in shown.splitlines()) <= 80
    assert "…" not in shown
    for arm in ARMS:
        assert shown.count(arm) >= 2
    wide = on_a_terminal("show", "scores", "--db", prepared, cwd=tmp_path, columns=160)
    assert "surrogate a" in wide


def test_no_color_means_none(prepared: Path, tmp_path: Path) -> None:
    command = ("show", "runs", "--db", prepared)
    assert "\x1b[" in on_a_terminal(*command, cwd=tmp_path, columns=120)
    plain = on_a_terminal(*command, cwd=tmp_path, columns=120, NO_COLOR="1")
    assert not re.search(r"\x1b\[[0-9;]*3[0-9]", plain)
    assert "\x1b" not in workbench(*command, cwd=tmp_path).stdout


def test_columns_limit_what_is_piped_and_nothing_else_does(prepared: Path, tmp_path: Path) -> None:
    command = ("show", "responses", "--db", prepared)
    narrow = workbench(*command, cwd=tmp_path, env={"COLUMNS": "80"}).stdout
    assert max(map(len, narrow.splitlines())) <= 80
    assert "…" in narrow
    assert max(map(len, workbench(*command, cwd=tmp_path).stdout.splitlines())) > 200


def test_an_encoding_without_these_characters_is_no_reason_to_fail(prepared: Path, tmp_path: Path) -> None:
    env = {"PYTHONIOENCODING": "ascii"}
    for command in (("show", "runs"), ("show", "scores"), ("show", "dialogues"), ("scenarios", "list")):
        assert workbench(*command, "--db", prepared, cwd=tmp_path, env=env).returncode == 0


@pytest.mark.parametrize(
    "command", [("show", "responses", "--format", "jsonl"), ("scenarios", "list", "--limit", "0"), ("config", "schema")]
)
def test_a_reader_may_leave_early(prepared: Path, tmp_path: Path, command: tuple[str, ...]) -> None:
    db = () if command[0] == "config" else ("--db", str(prepared))
    process = start(*command, *db, cwd=tmp_path)
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    assert process.stderr.read() == ""
    process.stderr.close()
    assert process.wait() == 0


def test_a_reader_of_a_long_stream_may_leave_in_the_middle(tmp_path: Path) -> None:
    work(tmp_path / "x.db", options(synthetic=600, arms=("vanilla", "full")))
    process = start("show", "scores", "--format", "jsonl", "--db", "x.db", cwd=tmp_path)
    assert process.stdout is not None
    assert json.loads(process.stdout.readline())["run"]
    process.stdout.close()
    assert process.stderr is not None
    assert process.stderr.read() == ""
    process.stderr.close()
    assert process.wait() == 0


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
