"""Who works on a run, and whether that process is still there."""

import os
import socket
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from storage.runs import Owner

HEARTBEAT_SECONDS = 1.0
_SILENT_SECONDS = 30.0
"""On another machine (a shared folder) only the heartbeat can be seen; after this silence an owner counts as dead."""


def this_process() -> Owner:
    """Name this process so that no other is ever mistaken for it."""
    return Owner(socket.gethostname(), os.getpid(), started(os.getpid()) or "")


def is_alive(owner: Owner, heartbeat: float) -> bool:
    """Tell whether an owner still works: same pid and start time here, a fresh heartbeat elsewhere."""
    if owner.host != socket.gethostname():
        return time.time() - heartbeat < _SILENT_SECONDS
    return owner != this_process() and started(owner.pid) == owner.started != ""


def actual_state(row: Mapping[str, Any]) -> str:
    """Return the state that a run (a row of `storage.readers.list_runs`) is really in.

    One whose owner has died is interrupted, whatever it last wrote; a running one that is held is paused.
    """
    if row["state"] != "running":
        return str(row["state"])
    owner = Owner(row["owner_host"], row["owner_pid"], row["owner_started"])
    if owner != this_process() and not is_alive(owner, row["heartbeat"]):
        return "interrupted"
    return "paused" if row["paused"] else "running"


def started(pid: int) -> str | None:
    """Return when a process started, in the system's own words, or None where there is no such process."""
    try:
        # The name in parentheses may hold spaces; field 22 of the file is the start time in clock ticks.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        # A killed process that its parent has not waited for stays in the list, but works no more.
        return None if fields[0] in "ZX" else fields[19]
    except OSError:
        if Path("/proc/self/stat").exists():
            return None
    try:
        found = subprocess.run(  # noqa: S603 - fixed words and a number
            ["ps", "-o", "lstart=", "-p", str(pid)],  # noqa: S607 - macOS and BSD, where ps is wherever the PATH says
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError:
        return None
    return found.stdout.strip() or None
