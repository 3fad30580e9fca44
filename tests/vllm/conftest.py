"""Tests on a real vLLM server without a GPU: `make test-vllm` builds its environment and runs them; else they skip."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.vllm.environment import location, standing
from tests.vllm.serving import Server, serve, write_command

HERE = Path(__file__).parent
TEXT = HERE.parents[1] / "simulator" / "data" / "bundled.jsonl"

MARKED = "vllm: runs real vLLM servers on the CPU; only `make test-vllm` runs it"


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line("markers", MARKED)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what needs the real server unless it was asked for."""
    if os.environ.get("WORKBENCH_TEST_VLLM"):
        return
    skip = pytest.mark.skip(reason="needs a real vLLM server: make test-vllm")
    for item in items:
        if item.get_closest_marker("vllm"):
            item.add_marker(skip)


@pytest.fixture(scope="session")
def environment() -> Path:
    """Return the folder of the server's environment."""
    folder = location()
    if not standing(folder):
        pytest.fail(f"no environment in {folder}: make test-vllm builds it", pytrace=False)
    return folder


@pytest.fixture(scope="session")
def models(environment: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the models `tiny` (chat) and `tiny-embed`."""
    folder = tmp_path_factory.mktemp("models")
    line = [environment / "bin" / "python", HERE / "tiny.py", folder, TEXT]
    subprocess.run(line, check=True, capture_output=True, env=os.environ | {"HF_HUB_OFFLINE": "1"})
    return folder


@pytest.fixture(scope="session")
def command(environment: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a `vllm` command that works on a CPU."""
    return write_command(environment, tmp_path_factory.mktemp("bin") / "vllm-on-cpu")


@pytest.fixture(scope="session")
def server(command: Path, models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Return a server of the chat model that tests share and leave alive."""
    log = tmp_path_factory.mktemp("logs") / "tiny.log"
    with serve(command, models / "tiny", log, ["--enable-prompt-tokens-details"]) as started:
        yield started


@pytest.fixture(scope="session")
def embedding_server(command: Path, models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Return a server of the embedding model that tests share and leave alive."""
    log = tmp_path_factory.mktemp("logs") / "tiny-embed.log"
    with serve(command, models / "tiny-embed", log, ["--runner", "pooling"]) as started:
        yield started
