"""`show run` says why units failed."""

import json
from pathlib import Path

from simulator.world import InvalidReplyError
from tests.workbench.cli.conftest import Cli
from tests.workbench.engine.running import FailingWorld, options, work


def test_failures_stand_grouped_beneath_a_run(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "w.db"
    judged: list[str] = []

    def judging(*_: object) -> Exception:
        judged.append("")
        return InvalidReplyError(f"no JSON in reply {len(judged)}")

    work(path, options(synthetic=3, seed=4, arms=("vanilla",)), FailingWorld(judging=judging))
    table = cli("show", "run", "--db", path).stdout
    assert "Why units failed" in table
    assert "no JSON in reply 1" in table
    (reason,) = json.loads(cli("show", "run", "--db", path, "--format", "json").stdout)["failures"]
    assert (reason["units"], reason["unit"], reason["arm"]) == (3, 1, "vanilla")
