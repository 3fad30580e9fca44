"""A database of a test's own: the prepared one, copied."""

import shutil
from pathlib import Path


def copied(prepared: Path, folder: Path) -> Path:
    """Return a copy that may be written to."""
    path = folder / "workbench.db"
    shutil.copy(prepared, path)
    return path
