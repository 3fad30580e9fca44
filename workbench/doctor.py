"""Looks at the machine and says what is there, what is missing and how to get it."""

import importlib.metadata
import os
import shlex
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from workbench.text import plain

State = Literal["ok", "warning", "missing", "failed"]
"""ok: as it should be; warning: works, but not well; missing: not there and not needed for the surrogate;
failed: the workbench can't work like this."""

OLDEST_PYTHON = (3, 11)
LITTLE_SPACE = 1 << 30
"""Bytes free below which a big run may not fit."""

NO_SPACE = 50 << 20
"""Bytes free below which even a small one does not."""

SMALLEST_TERMINAL = (80, 24)

EXTRAS = (
    ("vllm", "vllm", "serves local models on a GPU"),
    ("embed", "sentence_transformers", "embeds queries as the paper does"),
    ("parquet", "pyarrow", "reads and writes Parquet files"),
)
"""The extra's name, the module it brings, and what it is good for."""

ENDPOINT_VARIABLES = ("OPENAI_API_KEY", "OPENAI_BASE_URL", "AZURE_OPENAI_API_KEY", "AZURE_OPENAI_ENDPOINT")


@dataclass(frozen=True, slots=True)
class Check:
    """What was found.

    Fields:
        name: what was looked at.
        state: how it is.
        detail: what is there; never a secret.
        remedy: what to do about it, empty where nothing needs doing.
    """

    name: str
    state: State
    detail: str
    remedy: str = ""


def checks(database: Path) -> list[Check]:
    """Look at everything the workbench needs or can use, most needed first.

    An existing database is opened read-only and nothing is left behind in its folder.
    """
    return [
        _python(),
        _folder(database.parent),
        _database(database),
        _space(database.parent),
        _terminal(),
        *_extras(),
        _gpus(),
        _vllm_command(),
        _endpoints(),
    ]


def serving_checks() -> list[Check]:
    """Look at what serving models on this machine takes: a GPU, the vLLM command and its package."""
    return [_gpus(), _vllm_command(), *(check for check in _extras() if check.name == "extra vllm")]


def _python() -> Check:
    version = ".".join(map(str, sys.version_info[:3]))
    detail = f"Python {version}, SQLite {sqlite3.sqlite_version}"
    if sys.version_info[:2] < OLDEST_PYTHON:
        return Check("python", "failed", detail, f"install Python {'.'.join(map(str, OLDEST_PYTHON))} or newer")
    return Check("python", "ok", detail)


def _folder(folder: Path) -> Check:
    """Write a real SQLite file beside the database to be: only that tells whether the file system takes WAL."""
    name, remedy = "database folder", "name a folder on a local disk that you may write to, with --db or WORKBENCH_DB"
    try:
        with (
            tempfile.TemporaryDirectory(prefix=".workbench-doctor-", dir=folder) as scratch,
            closing(sqlite3.connect(Path(scratch, "try.db"))) as db,
        ):
            (mode,) = db.execute("PRAGMA journal_mode = WAL").fetchone()
            db.execute("CREATE TABLE t (x)")
            db.commit()
    except (OSError, sqlite3.Error) as error:
        return Check(name, "failed", f"{folder.resolve()}: {_reason(error)}", remedy)
    if mode != "wal":
        return Check(name, "failed", f"{folder.resolve()}: SQLite's WAL mode is not accepted there", remedy)
    return Check(name, "ok", f"{folder.resolve()}: writable, WAL accepted")


def _database(path: Path) -> Check:
    from storage.migrations import SCHEMA_VERSION

    name = "database"
    if not path.exists():
        return Check(name, "ok", f"{path.name} does not exist yet: the first run creates it")
    # Without a log there is no writer, and `immutable` keeps SQLite from leaving files of its own beside the database.
    quiet = "" if Path(f"{path}-wal").exists() else "&immutable=1"
    try:
        with closing(sqlite3.connect(f"file:{quote(str(path.resolve()))}?mode=ro{quiet}", uri=True)) as db:
            (version,) = db.execute("PRAGMA user_version").fetchone()
    except sqlite3.Error as error:
        return Check(name, "failed", f"{path}: {error}", "name another file with --db or WORKBENCH_DB")
    if version > SCHEMA_VERSION:
        detail = f"{path}: schema version {version}, this workbench knows {SCHEMA_VERSION}"
        return Check(name, "failed", detail, "upgrade the workbench, or name another file with --db or WORKBENCH_DB")
    if not os.access(path, os.W_OK):
        return Check(name, "failed", f"{path}: read-only", "make the file writable, or copy it and name the copy")
    return Check(name, "ok", f"{path}: schema version {version}, {path.stat().st_size / 1e6:,.1f} MB")


def _space(folder: Path) -> Check:
    name = "disk space"
    try:
        free = shutil.disk_usage(folder).free
    except OSError as error:
        return Check(name, "failed", f"{folder}: {_reason(error)}", "name another folder with --db or WORKBENCH_DB")
    state: State = "failed" if free < NO_SPACE else "warning" if free < LITTLE_SPACE else "ok"
    return Check(name, state, f"{free / 1e9:,.1f} GB free", "" if state == "ok" else "make room, or use another disk")


def _terminal() -> Check:
    name = "terminal"
    if not sys.stdout.isatty():
        return Check(name, "missing", "stdout is no terminal", "run it in a terminal to use the app")
    columns, lines = shutil.get_terminal_size()
    encoding = (sys.stdout.encoding or "unknown").lower()
    detail = f"{columns} x {lines}, {_colours()}, {encoding}"
    if not encoding.startswith("utf"):
        return Check(name, "warning", detail, "set LANG=C.UTF-8 or PYTHONUTF8=1 to see every character")
    if columns < SMALLEST_TERMINAL[0] or lines < SMALLEST_TERMINAL[1]:
        return Check(name, "warning", detail, "make the window at least {} x {}".format(*SMALLEST_TERMINAL))
    return Check(name, "ok", detail)


def _colours() -> str:
    term = os.environ.get("TERM", "dumb")
    if os.environ.get("NO_COLOR"):
        return "no colours (NO_COLOR)"
    if os.environ.get("COLORTERM", "").casefold() in ("truecolor", "24bit"):
        return "16 million colours"
    return "no colours" if term in ("dumb", "") else "256 colours" if "256" in term else "16 colours"


def _extras() -> Iterator[Check]:
    for extra, module, use in EXTRAS:
        package = module.replace("_", "-")
        if find_spec(module) is None:
            remedy = f"pip install '.[{extra}]' in the project's folder, only if you want it"
            yield Check(f"extra {extra}", "missing", f"{package} ({use})", remedy)
        else:
            yield Check(f"extra {extra}", "ok", f"{package} {_version(package)} ({use})")


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "of unknown version"


def _gpus() -> Check:
    name, remedy = "GPUs", "only local models need one: the surrogate and hosted endpoints do not"
    command = shutil.which("nvidia-smi")
    if command is None:
        return Check(name, "missing", "no nvidia-smi on the PATH", remedy)
    ask = [command, "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader"]
    try:
        done = subprocess.run(ask, capture_output=True, text=True, errors="replace", timeout=20, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired) as error:
        return Check(name, "warning", f"nvidia-smi: {_reason(error)}", "check the driver with nvidia-smi")
    said = [plain(line) for line in done.stdout.splitlines() if line.strip()]
    if done.returncode != 0 or not said:
        detail = f"nvidia-smi failed: {said[0] if said else f'exit code {done.returncode}'}"
        return Check(name, "warning", detail, "check the driver with nvidia-smi")
    return Check(name, "ok", f"{len(said)}: {'; '.join(said)}")


def _vllm_command() -> Check:
    name = "vllm command"
    configured = os.environ.get("VLLM_COMMAND", "")
    try:
        words = shlex.split(configured) or ["vllm"]
    except ValueError as error:
        return Check(name, "warning", f"VLLM_COMMAND: {error}", "quote it as a shell would")
    found = shutil.which(words[0])
    if found:
        return Check(name, "ok", f"{found}{' (VLLM_COMMAND)' if configured else ''}")
    if configured:
        return Check(name, "warning", f"VLLM_COMMAND: no command {words[0]}", "correct VLLM_COMMAND or unset it")
    return Check(name, "missing", "no vllm on the PATH", "install it, or set VLLM_COMMAND, only to serve local models")


def _endpoints() -> Check:
    """Say which variables are set, never what they hold: keys are secrets, and addresses may carry one."""
    given = [variable for variable in ENDPOINT_VARIABLES if os.environ.get(variable)]
    detail = ", ".join(f"{variable} {'set' if variable in given else 'not set'}" for variable in ENDPOINT_VARIABLES)
    if given:
        return Check("endpoints", "ok", detail)
    return Check("endpoints", "missing", detail, "set OPENAI_API_KEY, or OPENAI_BASE_URL, only to use hosted models")


def _reason(error: Exception) -> str:
    """Say why in a few words, without the paths of scratch files."""
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
