"""A model folder and a database for workers, and a private place for their keys."""

from pathlib import Path

import pytest

from storage.database import open_writable


@pytest.fixture
def anyio_backend() -> str:
    """Run asynchronous tests as the workbench runs."""
    return "asyncio"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """Return a folder that looks like a model's."""
    folder = tmp_path / "models" / "tiny"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    return folder


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """Return a database of this test's own."""
    path = tmp_path / "w.db"
    open_writable(path).conn.close()
    return path


@pytest.fixture(autouse=True)
def _own_runtime_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runtime = tmp_path / "runtime"
    runtime.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    for name in ("CUDA_VISIBLE_DEVICES", "VLLM_COMMAND", "OPENAI_API_KEY", "WORKBENCH_WORKER"):
        monkeypatch.delenv(name, raising=False)
