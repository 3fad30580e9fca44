"""What tests share: hypothesis without deadlines (the machine may be busy), and a database with a finished run."""

import gc
import os
from pathlib import Path

import pytest
from hypothesis import settings

from tests.workbench.engine.running import options, work
from workbench.engine.options import ARMS

for name in ("COLUMNS", "LINES"):  # the runner side by side sets them, and every program a test starts would obey
    os.environ.pop(name, None)
settings.register_profile("busy", deadline=None)
settings.load_profile("busy")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the modules that take long, where modules run side by side: the last one would be waited for alone."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        long = {item.path for item in items if item.get_closest_marker("slow")}
        items.sort(key=lambda item: item.path not in long)


def pytest_collection_finish() -> None:
    """Look for garbage as seldom as the app does, and never in what is imported: its tests took a third longer."""
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a database with one finished run, to be read only: 14 synthetic scenarios, every arm, two judges."""
    path = tmp_path_factory.mktemp("prepared") / "workbench.db"
    outcome = work(path, options(synthetic=14, seed=3, arms=ARMS, judges=("a", "b"), rollouts=40))
    assert (outcome.state, outcome.failed) == ("done", 0)
    return path
