"""One server process: launched in a session of its own, ended with everything it started.

What is known of vLLM servers (seen on the real one) and dealt with here: one that is stopped while it spawns its
engine hangs, so TERM is followed by KILL; one that is killed leaves its engine alive, so signals go to the whole
process group; one whose engine is killed ends with exit code 0, so no exit is clean unless it was asked for.
"""

import os
import signal
import socket
import subprocess
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import anyio

from workbench.engine.errors import RunError
from workbench.workers.identity import group

_KILLED_SECONDS = 10.0
"""How long the killed may take to vanish: a GPU's driver cleans up first, and what comes next needs that memory."""


class Server:
    """A process of ours that was launched. It stays unreaped until `stop`, so its group's number can't be reused."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self._process = process
        self._ended = False

    @property
    def pid(self) -> int:
        """Process, process group and session all have this number."""
        return self._process.pid

    def exit_code(self) -> int | None:
        """Return the exit code (negative: the signal), or None while the server runs; its engine may outlive it."""
        if self._process.returncode is not None:
            return self._process.returncode
        found = os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        if found is None:
            return None
        return found.si_status if found.si_code == os.CLD_EXITED else -found.si_status

    async def stop(self, grace: float, poll: float = 0.05) -> int:
        """End the whole process group: TERM, then KILL after `grace` seconds or once the server itself is gone.

        Returns:
            The server's exit code.
        """
        if self.exit_code() is None:
            self._signal(signal.SIGTERM)
            with anyio.move_on_after(grace):
                while self.exit_code() is None:
                    await anyio.sleep(poll)
        self._signal(signal.SIGKILL)
        with anyio.move_on_after(_KILLED_SECONDS):
            while self.exit_code() is None or any(left.pid != self.pid for left in group(self.pid)):
                await anyio.sleep(poll)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(0)
        return self._process.returncode if self._process.returncode is not None else -signal.SIGKILL

    def _signal(self, number: signal.Signals) -> None:
        if self._process.returncode is None:
            with suppress(ProcessLookupError, PermissionError):  # macOS: no permission for a group of zombies
                os.killpg(self.pid, number)


def launch(line: Sequence[str], environ: Mapping[str, str], log: Path) -> Server:
    """Start a server in its own session; what it says goes to the end of its log.

    Raises:
        RunError: it can't be started, or its log can't be written.
    """
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as out:
            process = subprocess.Popen(  # noqa: S603 - the user's own vllm command
                line,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                env=environ,
                start_new_session=True,
            )
    except OSError as error:
        raise RunError(f"can't start {error.filename or line[0]}: {error.strerror}") from error
    return Server(process)


def free_port(taken: Collection[int] = ()) -> int:
    """Return a port of 127.0.0.1 where nothing listens at this moment, none of `taken`."""
    while True:
        with socket.socket() as found:
            found.bind(("127.0.0.1", 0))
            port = int(found.getsockname()[1])
        if port not in taken:
            return port
