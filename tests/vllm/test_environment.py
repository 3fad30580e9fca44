"""What decides whether the real server's environment is built; the building itself is `make test-vllm`."""

import subprocess
from pathlib import Path

import pytest

from tests.vllm import environment


def test_the_folder_is_named_by_the_pins_unless_it_is_given(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("WORKBENCH_VLLM_ENV", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    first = environment.location()
    other = tmp_path / "other.lock"
    other.write_text("torch==0\n")
    monkeypatch.setattr(environment, "LOCK", other)
    assert first.parent == environment.location().parent == tmp_path / "personal-safety-workbench"
    assert first.name != environment.location().name
    monkeypatch.setenv("WORKBENCH_VLLM_ENV", str(tmp_path / "mine"))
    assert environment.location() == tmp_path / "mine"


def test_a_build_that_was_cut_off_does_not_stand_and_is_done_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = tmp_path / "env"
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "vllm").touch()
    assert environment.standing(folder), "somebody's own environment is used as it is"
    (folder / environment.MARKER).touch()
    assert not environment.standing(folder)

    def fake(*line: str) -> None:
        (folder / "lib" / "python3.11" / "site-packages").mkdir(parents=True, exist_ok=True)

    monkeypatch.setattr(environment, "_run", fake)
    monkeypatch.setattr(environment, "_install", lambda folder, *what: None)
    environment.build(folder)
    assert environment.standing(folder)
    assert not (folder / "bin").exists(), "nothing of the half is left"


def test_what_is_not_ours_is_left_alone(tmp_path: Path) -> None:
    kept = tmp_path / "letters" / "dear.txt"
    kept.parent.mkdir()
    kept.touch()
    with pytest.raises(FileExistsError, match="not an environment of ours"):
        environment.build(kept.parent)
    assert kept.exists()


def test_a_missing_wheel_is_told_from_a_failure(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def pip(says: str) -> None:
        done = subprocess.CompletedProcess(["pip"], 1, "", says)
        monkeypatch.setattr(subprocess, "run", lambda *_, **__: done)

    pip("ERROR: No matching distribution found for torch==2+cpu\n")
    with pytest.raises(environment.NotHereError, match="index or a wheel folder"):
        environment._install(tmp_path, "torch==2+cpu")
    pip("ERROR: No space left on device\n")
    with pytest.raises(subprocess.CalledProcessError):
        environment._install(tmp_path, "torch==2+cpu")
