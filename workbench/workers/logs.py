"""What servers write: kept in files, rotated, read for start-up phases and for the reason of a death."""

import os
import re
import shutil
from pathlib import Path

from workbench.text import plain

LOG_BYTES = 10 << 20
LOGS_KEPT = 3
"""A log is rotated at this size; so many older ones are kept, as .1 (the newest), .2 …"""

_TAIL_BYTES = 64 << 10

_PHASES = (
    (
        "compiling",
        re.compile(r"Dynamo bytecode|Compiling |torch\.compile takes|Capturing |Graph capt|Warming up "),
    ),
    ("loading", re.compile(r"Starting to load model|Loading |Downloading |downloading weights")),
)
"""What vLLM is busy with before it answers, told by the latest line that matches."""

_ERROR = re.compile(r"\b(?:\w+Error|\w*Exception|error|out of memory)\b:? ?.*", re.I)
_CHATTER = re.compile(
    r"see (?:the )?(?:root cause|stack trace)|Engine core initialization failed|^\s*raise |^\s*File ", re.I
)
"""Lines that only say that another one says why."""

_PREFIX = re.compile(r"^(?:\(\S+ pid=\d+\) *)*(?:[A-Z]+ \d\d-\d\d [\d:.]+ (?:\[[^\]]*\] *)*)?")

_PORT_TAKEN = re.compile(r"address already in use|\[Errno 98\]|\[Errno 48\]", re.I)


def log_folder(database: Path) -> Path:
    """Return where the logs of a database's workers lie: beside it."""
    return database.with_name(f"{database.name}-workers")


def rotate(path: Path, limit: int = LOG_BYTES, kept: int = LOGS_KEPT) -> bool:
    """Move a log that is too big out of the way while its writer goes on; tell whether it was.

    The server holds the file open, so it is copied and emptied; what it writes in between, a line at most, is lost.
    """
    try:
        if path.stat().st_size < limit:
            return False
    except OSError:
        return False
    for number in range(kept - 1, 0, -1):
        older = Path(f"{path}.{number}")
        if older.exists():
            older.replace(f"{path}.{number + 1}")
    shutil.copyfile(path, f"{path}.1")
    os.truncate(path, 0)
    return True


def tail(path: Path, lines: int) -> list[str]:
    """Return the last lines of a log, as they stand; none where there is no log."""
    return _end(path).splitlines()[-lines:] if lines > 0 else []


class LogReader:
    """Reads what is added to a log from now on, whether or not it is rotated meanwhile."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._at = path.stat().st_size if path.exists() else 0

    def read(self) -> str:
        """Return what is new."""
        try:
            with self._path.open("rb") as log:
                size = log.seek(0, os.SEEK_END)
                if size < self._at:
                    self._at = 0
                log.seek(self._at)
                text = log.read()
        except OSError:
            return ""
        self._at += len(text)
        return text.decode("utf-8", "replace")


def phase(text: str) -> str | None:
    """Return what a server is busy with by its latest lines: loading, compiling, or None where they don't say."""
    for line in reversed(text.splitlines()):
        for name, pattern in _PHASES:
            if pattern.search(line):
                return name
    return None


def port_taken(text: str) -> bool:
    """Tell whether a server ended because something else had its port."""
    return bool(_PORT_TAKEN.search(text))


def cause(text: str) -> str:
    """Return the line of a dead server's log that says most about why, at most 300 characters; empty if none does."""
    found = [
        line
        for line in (_PREFIX.sub("", plain(line)).strip() for line in text.splitlines())
        if _ERROR.match(line) or line.startswith("vllm: error") or ("Error: " in line and not line.startswith("raise "))
    ]
    telling = [line for line in found if not _CHATTER.search(line)] or found
    return telling[-1][:300] if telling else ""


def _end(path: Path) -> str:
    try:
        with path.open("rb") as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - _TAIL_BYTES))
            return log.read().decode("utf-8", "replace")
    except OSError:
        return ""
