"""Terminals and pipes: width, colour, encodings, readers that leave."""

import json
import re
from pathlib import Path

import pytest

from tests.workbench.cli.program import on_a_terminal, start, workbench
from tests.workbench.engine.running import options, work
from workbench.engine.options import ARMS


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
