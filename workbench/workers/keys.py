"""Keys of detached workers, shared with other processes of the same user: files that nobody else may read.

Never in the database, on a command line or in a log.
"""

import os
import stat
import tempfile
from collections.abc import Mapping
from pathlib import Path

from workbench.engine.errors import RunError


def save_key(worker: str, key: str) -> None:
    """Keep a worker's key where other processes of this user find it.

    Raises:
        RunError: the folder can't be made safe.
    """
    path = _folder() / f"{worker}.key"
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(key)


def load_key(worker: str) -> str | None:
    """Return the key of a worker, or None where this user has none."""
    try:
        return (_folder() / f"{worker}.key").read_text()
    except OSError:
        return None


def forget_key(worker: str) -> None:
    """Remove a worker's key."""
    (_folder() / f"{worker}.key").unlink(missing_ok=True)


def _folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Return the folder: in XDG_RUNTIME_DIR, or one of our own among the temporary files."""
    runtime = environ.get("XDG_RUNTIME_DIR")
    folder = Path(runtime, "workbench") if runtime else Path(tempfile.gettempdir(), f"workbench-{os.getuid()}")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Where everybody may write, somebody else may have made it first.
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise RunError(f"{folder} must be a folder of yours that nobody else may open: remove it and try again")
    return folder
