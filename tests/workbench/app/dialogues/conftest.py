"""Databases with dialogues: a copy to write to, and somebody who would rather not say."""

import shutil
from pathlib import Path

import pytest

from tests.workbench.engine.running import options, work


@pytest.fixture
def mine(prepared: Path, tmp_path: Path) -> Path:
    """Return a copy of the prepared database, to write to."""
    path = tmp_path / "workbench.db"
    shutil.copy(prepared, path)
    return path


@pytest.fixture(scope="session")
def refusing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a database with dialogues of two models with somebody who would rather not say."""
    path = tmp_path_factory.mktemp("refusing") / "workbench.db"
    models = ("surrogate/LLaMA-3.1-8B", "surrogate/QwQ-32B")
    work(path, options(synthetic=4, seed=3, arms=("agent", "planner"), persona="refusing", rollouts=10, models=models))
    return path
