"""Checks that say what is there, tell no secrets and leave nothing behind."""

import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from storage.migrations import SCHEMA_VERSION
from workbench import doctor
from workbench.cli.doctor import doctor as command
from workbench.doctor import ENDPOINT_VARIABLES, Check, checks

APP = typer.Typer(rich_markup_mode=None)
APP.command()(command)


@pytest.fixture(autouse=True)
def _bare_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing on the PATH and nothing configured."""
    monkeypatch.setenv("PATH", "")
    for variable in (*ENDPOINT_VARIABLES, "VLLM_COMMAND", "WORKBENCH_DB"):
        monkeypatch.delenv(variable, raising=False)


def found(database: Path) -> dict[str, Check]:
    return {check.name: check for check in checks(database)}


def make_database(path: Path, version: int) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("CREATE TABLE t (x)")
        db.execute(f"PRAGMA user_version = {version}")
        db.commit()


def executable(path: Path, script: str) -> None:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def test_a_fresh_folder_is_fine_and_stays_empty(tmp_path: Path) -> None:
    checked = found(tmp_path / "workbench.db")
    for name in ("python", "database folder", "database"):
        assert checked[name].state == "ok", checked[name]
    assert "WAL accepted" in checked["database folder"].detail
    assert list(tmp_path.iterdir()) == []


def test_what_is_missing_comes_with_a_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "find_spec", lambda module: None)
    checked = found(tmp_path / "workbench.db")
    missing = {name for name, check in checked.items() if check.state == "missing"}
    assert {"extra vllm", "extra embed", "extra parquet", "GPUs", "vllm command", "endpoints"} <= missing
    assert all(checked[name].remedy for name in missing)
    assert "failed" not in {check.state for check in checked.values()}


def test_every_check_that_is_not_ok_says_what_to_do(tmp_path: Path) -> None:
    for path in (tmp_path / "workbench.db", tmp_path / "no" / "such" / "folder.db"):
        for check in checks(path):
            assert check.detail
            assert bool(check.remedy) == (check.state != "ok"), check


def test_a_database_is_read_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "a #1?.db"
    make_database(path, SCHEMA_VERSION)
    before = path.read_bytes()
    check = found(path)["database"]
    assert check.state == "ok"
    assert f"schema version {SCHEMA_VERSION}" in check.detail
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_database_that_is_being_written_shows_its_latest_version(tmp_path: Path) -> None:
    path = tmp_path / "live.db"
    with closing(sqlite3.connect(path)) as writer:
        writer.execute("PRAGMA journal_mode = WAL")
        writer.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        writer.commit()
        assert f"schema version {SCHEMA_VERSION}" in found(path)["database"].detail


def test_a_newer_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "new.db"
    make_database(path, SCHEMA_VERSION + 1)
    check = found(path)["database"]
    assert check.state == "failed"
    assert "upgrade" in check.remedy


def test_what_is_no_database_is_refused(tmp_path: Path) -> None:
    text = tmp_path / "text.db"
    text.write_text("not a database " * 100)
    assert found(text)["database"].state == "failed"
    assert found(tmp_path)["database"].state == "failed", "a folder"


def test_a_folder_that_is_not_there_fails(tmp_path: Path) -> None:
    checked = found(tmp_path / "nowhere" / "workbench.db")
    assert checked["database folder"].state == "failed"
    assert "No such file" in checked["database folder"].detail
    assert checked["disk space"].state == "failed"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder_fails(tmp_path: Path) -> None:
    make_database(tmp_path / "workbench.db", SCHEMA_VERSION)
    (tmp_path / "workbench.db").chmod(0o400)
    tmp_path.chmod(0o500)
    checked = found(tmp_path / "workbench.db")
    tmp_path.chmod(0o700)
    assert checked["database folder"].state == checked["database"].state == "failed"


@pytest.mark.parametrize(("free", "state"), [(1 << 20, "failed"), (500 << 20, "warning"), (50 << 30, "ok")])
def test_disk_space(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, state: str) -> None:
    class Usage:
        def __init__(self) -> None:
            self.free = free

    monkeypatch.setattr("shutil.disk_usage", lambda folder: Usage())
    assert found(tmp_path / "workbench.db")["disk space"].state == state


class Screen:
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("columns", "lines", "encoding", "state"),
    [
        (120, 40, "utf-8", "ok"),
        (60, 40, "utf-8", "warning"),
        (120, 10, "utf-8", "warning"),
        (120, 40, "ascii", "warning"),
    ],
)
def test_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, columns: int, lines: int, encoding: str, state: str
) -> None:
    screen = Screen()
    screen.encoding = encoding
    monkeypatch.setattr(sys, "stdout", screen)
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("LINES", str(lines))
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.delenv("COLORTERM", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    check = found(tmp_path / "workbench.db")["terminal"]
    assert check.state == state
    assert check.detail == f"{columns} x {lines}, 256 colours, {encoding}"


def test_gpus_are_listed_as_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    executable(tmp_path / "nvidia-smi", r"printf 'A\033[31m GPU, 80 GiB, 1.2\nB GPU, 40 GiB, 1.2\n'")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert found(tmp_path / "workbench.db")["GPUs"] == Check("GPUs", "ok", "2: A GPU, 80 GiB, 1.2; B GPU, 40 GiB, 1.2")


def test_a_broken_driver_is_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    executable(tmp_path / "nvidia-smi", "echo 'could not talk to the driver'; exit 9")
    monkeypatch.setenv("PATH", str(tmp_path))
    check = found(tmp_path / "workbench.db")["GPUs"]
    assert check.state == "warning"
    assert "could not talk to the driver" in check.detail


@pytest.mark.parametrize(
    ("configured", "state"), [("{here}/vllm --flag", "ok"), ("no-such-vllm", "warning"), ("'unclosed", "warning")]
)
def test_vllm_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, configured: str, state: str) -> None:
    executable(tmp_path / "vllm", "true")
    monkeypatch.setenv("VLLM_COMMAND", configured.format(here=tmp_path))
    assert found(tmp_path / "workbench.db")["vllm command"].state == state


def test_endpoints_are_named_and_never_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ENDPOINT_VARIABLES:
        monkeypatch.setenv(variable, "https://user:hunter2@example.org")
    listed = checks(tmp_path / "workbench.db")
    assert "hunter2" not in str(listed)
    assert found(tmp_path / "workbench.db")["endpoints"].detail.count(" set") == len(ENDPOINT_VARIABLES)


def test_looking_for_extras_imports_none_of_them(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from workbench.doctor import checks;"
        f"checks(Path({str(tmp_path / 'workbench.db')!r}));"
        "print({'rich', 'typer', 'vllm', 'sentence_transformers', 'pyarrow'} & set(sys.modules))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "set()"


def run(*arguments: str) -> Any:
    return CliRunner().invoke(APP, list(arguments))


def test_the_command_prints_every_check_and_fails_only_for_a_failure(tmp_path: Path) -> None:
    good = run("--db", str(tmp_path / "workbench.db"), "--format", "json")
    assert good.exit_code == 0, good.output
    assert {row["name"] for row in json.loads(good.stdout)} == set(found(tmp_path / "workbench.db"))
    bad = run("--db", str(tmp_path / "nowhere" / "workbench.db"))
    assert bad.exit_code == 1
    assert "✘ failed" in bad.stdout


def test_the_command_refuses_an_unknown_format() -> None:
    assert run("--format", "xml").exit_code == 2
