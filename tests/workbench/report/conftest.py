"""A database with a finished study of every kind of table, and one in which every text is hostile."""

import json
import sqlite3
from functools import partial
from pathlib import Path

import pytest

from tests.workbench.engine.running import work
from tests.workbench.report.hostile import HOSTILE, poison
from workbench.engine.plans.presets import read_plan
from workbench.engine.plans.study import work_study

STUDY = """
[[parts]]
preset = "models"
models = ["GPT-4o", "LLaMA-3.1-8B"]
[[parts]]
preset = "sensitivity"
[[parts]]
preset = "subset-sizes"
index = "@models"
sweep = { k = [2, 3] }
[[parts]]
preset = "gains"
index = "@models"
[[parts]]
preset = "abstention"
index = "@models"
[[parts]]
preset = "thresholds"
index = "@models"
[[parts]]
preset = "retrieval"
index = "@models"
[[parts]]
preset = "personas"
index = "@models"
[[parts]]
preset = "budget"
sweep = { rollouts = [10, 200] }
"""


@pytest.fixture(scope="session")
def studied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a database with one finished study called `mine`, to be read only: 7 scenarios, one per domain."""
    folder = tmp_path_factory.mktemp("studied")
    file = folder / "mine.toml"
    file.write_text(STUDY)
    path = folder / "workbench.db"
    plan = read_plan(file, None, {"synthetic": 7, "seed": 4, "rollouts": None, "judges": ("a",)})
    outcome = work_study(path, plan, partial(work, path))
    assert (outcome.state, outcome.failed) == ("done", 0)
    return path


@pytest.fixture(scope="session")
def hostile_study(studied: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of it in which every text from data, models or files is hostile."""
    path = poison(studied, tmp_path_factory.mktemp("hostile-study"))
    with sqlite3.connect(path) as db:
        hostile = HOSTILE.encode("utf-8", "replace").decode()
        db.execute("update studies set name = ?", [hostile])
        db.execute("update study_parts set part = part || ?", [hostile])
        db.execute("update study_parts set setting = replace(setting, 'few-shot', ?)", [json.dumps(hostile)[1:-1]])
    db.close()
    return path
