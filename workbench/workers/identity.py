"""Processes that are provably ours: found by a marker in their environment, signalled so that no other is ever hit.

Linux only (`/proc`); elsewhere nothing is found and nothing is reaped.
"""

import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import anyio

MARKER = "WORKBENCH_WORKER"
"""Variable in a server's environment, inherited by its engine; its value, a random UUID, stands in the database."""


@dataclass(frozen=True, slots=True)
class Process:
    """A process that runs (no zombie).

    Fields:
        started: its start in clock ticks since boot; pid and start together never repeat.
        group, session: ids of its process group and session.
    """

    pid: int
    started: str
    group: int
    session: int


def process(pid: int) -> Process | None:
    """Return what runs under a pid, or None."""
    try:
        # The name in parentheses may hold spaces; then come state, parent, group, session, and the start as field 22.
        fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else Process(pid, fields[19], int(fields[2]), int(fields[3]))


def processes() -> Iterator[Process]:
    """Yield every process that runs."""
    try:
        names = [path.name for path in Path("/proc").iterdir()]
    except OSError:
        return
    for name in names:
        if name.isdecimal() and (found := process(int(name))):
            yield found


def group(leader: int) -> list[Process]:
    """Return what runs in a process group."""
    return [found for found in processes() if found.group == leader]


def carries(found: Process, marker: str) -> bool:
    """Tell whether a process has the marker; what we may not read is not ours."""
    try:
        environ = Path(f"/proc/{found.pid}/environ").read_bytes()
    except OSError:
        return False
    return f"{MARKER}={marker}".encode() in environ.split(b"\0")


def ours(marker: str) -> list[Process]:
    """Return every process with the marker, and what shares a session with one that our own server leads or led.

    A session can't be joined from outside, so whoever is in it stems from our server, even without its environment.
    """
    running = list(processes())
    marked = [found for found in running if carries(found, marker)]
    here = os.getsid(0)
    sessions = {found.session for found in marked} - {here}
    return [found for found in running if found.session in sessions or found in marked]


def send(found: Process, number: signal.Signals) -> bool:
    """Signal a process, and only it: the pid is held while its start is read again. False: it is gone."""
    try:
        handle = os.pidfd_open(found.pid)
    except OSError:
        return False
    try:
        if process(found.pid) != found:
            return False
        signal.pidfd_send_signal(handle, number)
    except OSError:
        return False
    finally:
        os.close(handle)
    return True


async def reap(marker: str, grace: float, poll: float = 0.05) -> int:
    """End every process of a worker that nobody watches any more: TERM, then KILL after `grace` seconds.

    Returns:
        How many there were.
    """
    found = ours(marker)
    for left in found:
        send(left, signal.SIGTERM)
    with anyio.move_on_after(grace):
        while ours(marker):
            await anyio.sleep(poll)
    for left in ours(marker):
        send(left, signal.SIGKILL)
    return len(found)
