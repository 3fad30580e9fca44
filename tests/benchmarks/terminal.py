"""The app in a pseudo terminal, for measurements: keys go in, what is drawn comes out."""

import os
import pty
import resource
import select
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from fcntl import ioctl
from pathlib import Path

TIMEOUT = 60.0


class Terminal:
    """A running `workbench` and the terminal that it draws on.

    Args:
        folder: its current folder; settings and memory lie there too.
        arguments: of the command line.
    """

    def __init__(self, folder: Path, *arguments: str) -> None:
        environment = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "WORKBENCH_DB")}
        environment |= {"TERM": "xterm-256color", "XDG_CONFIG_HOME": str(folder), "XDG_STATE_HOME": str(folder)}
        self._master, slave = pty.openpty()
        ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
        self.process = subprocess.Popen(
            [sys.executable, "-m", "workbench", *arguments],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=environment,
            cwd=folder,
            start_new_session=True,
        )
        os.close(slave)

    def press(self, keys: bytes) -> None:
        """Send keys as a terminal does."""
        os.write(self._master, keys)

    def wait_for(self, *texts: bytes) -> float:
        """Read what is drawn until every text has been in it; return the seconds that took.

        Raises:
            TimeoutError: it did not come within a minute.
        """
        began, seen = time.perf_counter(), b""
        while not all(text in seen for text in texts):
            left = began + TIMEOUT - time.perf_counter()
            if left < 0 or not select.select([self._master], [], [], left)[0]:
                raise TimeoutError(f"the app did not draw {texts!r}, but {seen[-2000:]!r}")
            seen += os.read(self._master, 65536)
        return time.perf_counter() - began

    def drain(self, quiet: float) -> None:
        """Read what is drawn until nothing comes for so many seconds."""
        while select.select([self._master], [], [], quiet)[0]:
            os.read(self._master, 65536)

    @contextmanager
    def drained(self) -> Iterator[None]:
        """Read what is drawn meanwhile, as a terminal would."""
        ended = threading.Event()

        def read() -> None:
            while not ended.is_set():
                self.drain(0.1)

        reader = threading.Thread(target=read)
        reader.start()
        try:
            yield
        finally:
            ended.set()
            reader.join()

    def memory(self) -> int:
        """Return the app's resident memory in bytes."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    def close(self) -> None:
        """End the app."""
        self.process.kill()
        self.process.wait()
        os.close(self._master)


@contextmanager
def terminal(folder: Path, *arguments: str) -> Iterator[Terminal]:
    """Start the app, with the first-run notice behind it, and end it."""
    memory = folder / "personal-safety-workbench" / "app.json"
    memory.parent.mkdir(exist_ok=True)
    memory.write_text('{"toured": true}')
    running = Terminal(folder, *arguments)
    try:
        yield running
    finally:
        running.close()


def run(folder: Path, *arguments: str) -> float:
    """Run a command to its end; return the seconds of CPU time that it took.

    Raises:
        CalledProcessError: it failed.
    """
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-m", "workbench", *arguments], cwd=folder, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
