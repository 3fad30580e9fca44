"""The wheel holds everything that the program needs: it is built, unpacked, and run from there."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

_FROM_THE_WHEEL = """
import sys
from workbench.__main__ import main
code = 0
try:
    main()
except SystemExit as ended:
    code = ended.code
ours = ("workbench", "planner", "simulator", "storage", "themes")
for name, module in sys.modules.items():
    if name.partition(".")[0] in ours and getattr(module, "__file__", None):
        assert module.__file__.startswith(sys.path[1]), module.__file__
sys.exit(code)
"""


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "content")
    return folder / "content"


def run(unpacked: Path, cwd: Path, *arguments: str) -> str:
    env = {**os.environ, "PYTHONPATH": str(unpacked)}
    command = [sys.executable, "-c", _FROM_THE_WHEEL, *arguments]
    ended = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


@pytest.mark.slow
def test_the_wheel_holds_the_five_packages_and_no_test(unpacked: Path) -> None:
    packages = {path.name for path in unpacked.iterdir() if path.is_dir() and not path.name.endswith(".dist-info")}
    assert packages == {"workbench", "planner", "simulator", "storage", "themes"}
    (about,) = unpacked.glob("*.dist-info")
    assert "workbench = workbench.__main__:main" in (about / "entry_points.txt").read_text()
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if tracked.returncode == 0:  # outside a clone there is nothing to compare with
        data = [name for name in tracked.stdout.split() if name.partition("/")[0] in packages]
        assert [name for name in data if (ROOT / name).exists() and not (unpacked / name).exists()] == []


@pytest.mark.slow
def test_the_wheel_runs(unpacked: Path, tmp_path: Path) -> None:
    assert run(unpacked, tmp_path, "--version").startswith("workbench ")
    assert len(run(unpacked, tmp_path, "scenarios", "list", "--limit", "0", "--format", "jsonl").splitlines()) == 70
    (tmp_path / "t.json").write_text(json.dumps({"attributes": ["a", "b"], "reward": [1, 2, 3, 4]}))
    table = ("plan", "--world", "table:t.json", "--depth", "1", "--rollouts", "9", "--format", "json")
    assert json.loads(run(unpacked, tmp_path, *table))["best"]["mask"] == 2
    arguments = ("run", "--synthetic", "7", "--arms", "vanilla,planner", "--rollouts", "20", "--quiet")
    assert "paper" in run(unpacked, tmp_path, *arguments)
    assert "surrogate" in run(unpacked, tmp_path, "show", "runs")
    preset = ("run", "--preset", "sensitivity", "--synthetic", "3", "--quiet")
    assert "paper: gain" in run(unpacked, tmp_path, *preset)
    run(unpacked, tmp_path, "doctor")
