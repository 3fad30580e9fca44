"""Runs in processes of their own: they outlive whoever launched them, and write what they say into a log."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.workers.logs import log_folder, tail

if TYPE_CHECKING:
    from storage.sqlite import Database

LOGS_KEPT = 50
"""Logs of launched processes that stay beside a database, the newest."""

_LOG = "WORKBENCH_LOG"
"""Environment variable in which a launched process finds the name of its log."""

_NAME = "launched-"


@dataclass(frozen=True, slots=True, eq=False)
class Launched:
    """A process that was started and left to itself.

    Fields:
        pid: of the process. log: where its output goes.
    """

    pid: int
    log: Path
    _process: "subprocess.Popen[bytes]"

    @property
    def code(self) -> int | None:
        """Its exit code, or None while it works."""
        return self._process.poll()


def launch(path: Path, arguments: Sequence[str]) -> Launched:
    """Start `workbench ARGUMENTS --db PATH` in a session of its own.

    Args:
        arguments: as on the command line. Everybody on the machine can read them: they never hold a key.

    Raises:
        OSError: the log can't be written, or no process can be started.
    """
    path = path.absolute()
    log = _new_log(log_folder(path))
    process = detach([sys.executable, "-P", "-m", "workbench", *arguments, "--db", str(path)], log, {_LOG: str(log)})
    # Waited for, so that it never stays in the system's list as a zombie.
    threading.Thread(target=process.wait, name=f"wait for {process.pid}", daemon=True).start()
    return Launched(process.pid, log, process)


def detach(command: Sequence[str], log: Path, environment: dict[str, str] | None = None) -> "subprocess.Popen[bytes]":
    """Start a process that no terminal's end reaches: its own session, no input, its output added to a log.

    Raises:
        OSError: the log can't be written, or the process can't be started.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as out:
        return subprocess.Popen(  # noqa: S603 - this very program
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
            env=os.environ | (environment or {}),
        )


def own_log() -> str | None:
    """Return the log of this process if it was launched."""
    return os.environ.get(_LOG)


def find_launched(db: "Database", launched: Launched) -> str | None:
    """Return the run that a launched process claimed (or found finished), or None if there is none (yet)."""
    row = db.conn.execute("select id from runs where log = ?", [str(launched.log)]).fetchone()
    return None if row is None else str(row[0])


def failure(launched: Launched) -> str | None:
    """Return why a launched process failed: what it said last. None while it works, and where it ended well."""
    if not launched.code:
        return None
    said = [line for line in tail(launched.log, 20) if line.strip()]
    return said[-1] if said else f"it ended with code {launched.code} and said nothing; see {launched.log}"


def _new_log(folder: Path) -> Path:
    """Make room for one more log and return a name that no other has: time to the microsecond, and who launches."""
    old = sorted(folder.glob(f"{_NAME}*.log"), key=lambda log: log.name)
    for log in old[: max(0, len(old) + 1 - LOGS_KEPT)]:
        log.unlink(missing_ok=True)
    now = time.time()
    stamp = time.strftime("%Y%m%dT%H%M%S", time.gmtime(now))
    return folder / f"{_NAME}{stamp}.{round(now % 1 * 1e6) % 1_000_000:06}-{os.getpid()}.log"
