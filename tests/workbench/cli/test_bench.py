"""`workbench bench planners` on the command line."""

import csv
import io
import json
import re
from pathlib import Path

import pytest

from tests.workbench.cli.conftest import Cli
from tests.workbench.cli.program import complaint, on_a_terminal

BENCH = ("bench", "planners")
SMALL = (*BENCH, "--synthetic", 3, "--rollouts", "5,20", "--depth", 2)


def test_people_see_a_table_that_says_surrogate_and_nothing_is_stored(cli: Cli, tmp_path: Path) -> None:
    ended = cli(*SMALL)
    assert ended.returncode == 0
    lines = ended.stdout.splitlines()
    assert lines[0] == (
        "Planners · world: surrogate · model: surrogate/LLaMA-3.1-8B · judge: a · 3 scenarios · seeds: 1"
    )
    assert lines[1] == "depth 2, c 0.5, prior decay 0.3, cache:3 · recommended: highest mean reward"
    table = [line.split() for line in lines[lines.index("") + 3 :]]
    assert [row[:2] for row in table[:2]] == [["search", "raise"]] * 2
    assert [row[2] for row in table[:4]] == ["5", "20"] * 2
    assert len(table) == 4 + 3 + 3
    assert "searches: 18 of 18 (100 %)" in ended.stderr
    assert cli(*SMALL, "--quiet").stderr == ""
    assert list(tmp_path.iterdir()) == []


def test_ctrl_c_is_said(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    async def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("workbench.engine.bench.bench", interrupted)
    ended = cli(*SMALL)
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, "", "interrupted\n")


def test_every_format(cli: Cli) -> None:
    records = json.loads(cli(*SMALL, "--format", "json").stdout)
    assert {record["source"] for record in records} == {"surrogate"}
    assert {record["table"] for record in records} == {"planners"}
    numbers = {"regret", "regret_low", "regret_high", "median", "found", "evaluations", "rankings", "per_second"}
    assert numbers <= records[0].keys()
    lines = cli(*SMALL, "--format", "jsonl").stdout.splitlines()
    again = [json.loads(line) for line in lines]
    for record in (*records, *again):
        del record["per_second"]
    assert again == records
    assert len(list(csv.DictReader(io.StringIO(cli(*SMALL, "--format", "csv").stdout)))) == len(records)
    assert cli(*SMALL, "--format", "md").stdout.startswith("**Planners · world: surrogate")


def test_the_heading_says_what_is_not_as_in_a_run(cli: Cli) -> None:
    ended = cli(*SMALL, "--planners", "search", "--prior", "chance", "--first", 1)
    assert ended.stdout.splitlines()[1].endswith(" · prior: by chance · regret of the first 1 of each path")


def test_a_narrow_terminal_shows_what_decides(tmp_path: Path) -> None:
    for columns, headings in ((80, 5), (120, 9)):
        shown = on_a_terminal(*SMALL, cwd=tmp_path, columns=columns, NO_COLOR="1")
        table = re.sub("\x1b.*?m", "", shown).split("\r\n\r\n")[1].splitlines()
        assert len(re.split(r"  +", table[0].strip())) == headings
        assert max(map(len, table)) <= columns
        assert "…" not in shown


def test_a_reward_table(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "t.json").write_text(json.dumps({"attributes": ["x", "y"], "reward": [1, 2, 3, 4], "noise_sd": 0.2}))
    ended = cli(*BENCH, "--world", "table:t.json", "--depth", 1, "--seeds", 5, "--rollouts", 6)
    assert ended.returncode == 0
    assert ended.stdout.startswith("Planners · world: table:t.json · 2 attributes · seeds: 5\n")
    assert "clustered by seed" in ended.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--planners", "tree"), "--planners: there is no 'tree'; there is search, static, random"),
        (("--rules", "x"), "--rules: there is no 'x'"),
        (("--rollouts", "10,x"), "--rollouts 10,x: give whole numbers"),
        (("--world", "model"), "--world model: the best subset is known in the surrogate and in table:FILE only"),
        (("--world", "table:none.json"), "none.json: can't be read"),
        (("--seeds", "0"), "--seeds"),
        (("--evaluations", "cache:0"), "--evaluations"),
        (("--db", "none.db"), "there is no database at none.db"),
    ],
)
def test_wrong_usage_is_one_line(cli: Cli, arguments: tuple[str, ...], message: str) -> None:
    assert message in complaint(cli(*BENCH, *arguments))
