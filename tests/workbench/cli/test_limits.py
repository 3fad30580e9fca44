"""`workbench run --dry-run`, `--max-calls` and `--max-cost`: what is printed, exit codes, and going on."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.fakeserver import FakeServer
from tests.workbench.cli.program import complaint, data, here

SMALL = ("--limit", 3, "--rollouts", 6, "--depth", 2, "--judges", "m,j", "--quiet")
PRICES = "[prices.m]\nprompt = 2.0\ncompletion = 10.0\n[prices.j]\nprompt = 1.0\ncompletion = 4.0\n"


def on(server: FakeServer) -> tuple[object, ...]:
    return ("run", "--world", "model", "--base-url", server.url, "--model", "m", *SMALL)


def total(rows: list[dict[str, Any]], figure: str) -> dict[str, Any]:
    (row,) = [row for row in rows if row["figure"] == figure and not row["arm"] and not row["role"]]
    return row


READERS: dict[str, Callable[[str], list[dict[str, Any]]]] = {
    "json": json.loads,
    "jsonl": lambda text: [json.loads(line) for line in text.splitlines()],
    "csv": lambda text: list(csv.DictReader(io.StringIO(text))),
}


@pytest.mark.parametrize("form", ["table", "json", "jsonl", "csv", "md"])
def test_a_dry_run_prints_its_figures_in_every_format(tmp_path: Path, form: str) -> None:
    with FakeServer() as server:
        done = here(*on(server), "--dry-run", "--format", form, cwd=tmp_path)
        assert server.requests == []
    assert done.returncode == 0, done.stderr
    assert "rests on prompts of this run, counted for 3 of its scenarios" in done.stderr
    assert "no cost" in done.stderr
    if form in ("table", "md"):
        assert "completion" in done.stdout
        assert "estimate" in done.stdout
        return
    rows = READERS[form](done.stdout)
    assert float(total(rows, "units")["expected"]) == 3 + 3 * 4
    for figure in ("calls", "prompt_tokens", "completion_tokens", "seconds"):
        row = total(rows, figure)
        assert 0 < float(row["low"]) <= float(row["expected"]) <= float(row["high"])
        assert row["basis"]
    assert {row["role"] for row in rows if row["figure"] == "calls"} == {"", "agent", "judge", "planner", "user"}


def test_a_dry_run_leaves_no_run(tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_text(PRICES)
    with FakeServer() as server:
        rows = data("run", "x.toml", *on(server)[1:], "--dry-run", cwd=tmp_path)
    assert total(rows, "cost")["expected"] > 0
    assert data("show", "runs", cwd=tmp_path) == []


def test_a_dry_run_of_a_study_is_a_table_of_its_parts(tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_text("arms = ['vanilla']\n[sweep]\nk = [1, 2]\n")
    rows = data("run", "x.toml", "--limit", 7, "--dry-run", cwd=tmp_path)
    assert len({row["run"] for row in rows}) == 2
    assert {row["world"] for row in rows} == {"surrogate"}


def test_a_cap_ends_with_3_and_a_higher_one_goes_on(tmp_path: Path) -> None:
    with FakeServer() as server:
        done = here(*on(server), "--max-calls", 20, cwd=tmp_path)
        assert (done.returncode, done.stdout) == (3, "")
        assert "stopped at --max-calls 20: 20 calls were made" in done.stderr
        assert "the same command with a higher --max-calls goes on" in done.stderr
        assert len(server.requests) == 20
        (run,) = data("show", "runs", cwd=tmp_path)
        assert run["state"] == "interrupted"
        done = here(*on(server), "--max-calls", 100000, "--format", "json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    (run,) = data("show", "runs", cwd=tmp_path)
    assert run["state"] == "done"


def test_a_cap_on_cost_needs_prices_and_can_stand_in_the_file(tmp_path: Path) -> None:
    with FakeServer() as server:
        assert "no price for j, m" in complaint(here(*on(server), "--max-cost", 1, cwd=tmp_path))
        (tmp_path / "x.toml").write_text("max-cost = 0.05\n" + PRICES)
        done = here("run", "x.toml", *on(server)[1:], cwd=tmp_path)
    assert done.returncode == 3, done.stderr
    assert "stopped at --max-cost 0.05: " in done.stderr
    assert 0 < sum(row["cost"] for row in data("show", "calls", cwd=tmp_path)) <= 0.05


def test_the_runs_of_a_study_share_a_cap(tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_text("arms = ['static']\n[sweep]\nk = [1, 2, 3]\n")
    with FakeServer() as server:
        arguments = ("run", "x.toml", *on(server)[1:], "--format", "json")
        done = here(*arguments, "--max-calls", 12, cwd=tmp_path)
        assert done.returncode == 3, done.stderr
        assert "stopped at --max-calls 12: 12 calls were made" in done.stderr
        assert len(server.requests) == 12  # nine in the first run, three in the second
        assert sorted(row["state"] for row in data("show", "runs", cwd=tmp_path)) == ["done", "interrupted"]
        done = here(*arguments, "--max-calls", 27, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert len(server.requests) == 27


@pytest.mark.parametrize("flag", [("--max-calls", 0), ("--max-cost", 0), ("--max-cost", "nan")])
def test_senseless_caps_are_refused(tmp_path: Path, flag: tuple[object, ...]) -> None:
    assert str(flag[0]) in complaint(here("run", *flag, cwd=tmp_path))
