"""The program as users have it, a process of its own; and, where that makes no difference, within this one."""

import io
import json
import os
import pty
import select
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import chdir, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from workbench.cli.main import main

COMMAND = (sys.executable, "-m", "workbench")
TIMEOUT = 120


def environment(**changes: str) -> dict[str, str]:
    """Return this process's environment without what would change how the program prints or where it writes."""
    ours = {"WORKBENCH_DB", "WORKBENCH_DEBUG", "COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "TERM"}
    return {key: value for key, value in os.environ.items() if key not in ours} | changes


def workbench(
    *arguments: object, cwd: Path, env: Mapping[str, str] | None = None, text_in: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run the program to its end."""
    return subprocess.run(
        [*COMMAND, *map(str, arguments)],
        cwd=cwd,
        env=environment(**(env or {})),
        input=text_in,
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=TIMEOUT,
    )


def here(*arguments: object, cwd: Path, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run the program to its end in this process: one of its own takes half a second to start."""
    words, out, err = ["workbench", *map(str, arguments)], io.StringIO(), io.StringIO()
    handler = signal.getsignal(signal.SIGTERM)
    surroundings = patch.dict(os.environ, environment(**(env or {})), clear=True)
    with chdir(cwd), surroundings, patch.object(sys, "argv", words), redirect_stdout(out), redirect_stderr(err):
        try:
            with pytest.raises(SystemExit) as ended:
                main()
        finally:
            signal.signal(signal.SIGTERM, handler)
    code = ended.value.code
    assert isinstance(code, int)
    return subprocess.CompletedProcess(words, code, out.getvalue(), err.getvalue())


def start(*arguments: object, cwd: Path) -> "subprocess.Popen[str]":
    """Start the program and go on."""
    return subprocess.Popen(
        [*COMMAND, *map(str, arguments)],
        cwd=cwd,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def on_a_terminal(*arguments: object, cwd: Path, columns: int, **env: str) -> str:
    """Run the program on a terminal of so many columns and return what it printed there."""
    mine, theirs = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, *map(str, arguments)],
        cwd=cwd,
        env=environment(COLUMNS=str(columns), LINES="40", TERM="xterm-256color", **env),
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=subprocess.PIPE,
        close_fds=True,
    )
    os.close(theirs)
    found = b""
    while select.select([mine], [], [], 60)[0]:
        try:
            part = os.read(mine, 65536)
        except OSError:  # Linux says so when the other end is closed
            break
        if not part:
            break
        found += part
    os.close(mine)
    process.communicate()
    assert process.returncode == 0
    return found.decode()


def data(*arguments: object, cwd: Path) -> Any:
    """Run a command that prints JSON, and return it."""
    ended = here(*arguments, "--format", "json", cwd=cwd)
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


def complaint(ended: subprocess.CompletedProcess[str], code: int = 2) -> str:
    """Assert that the program ended with a code and one line on stderr, and return the line."""
    assert ended.returncode == code, ended.stderr
    assert ended.stdout == ""
    (line,) = ended.stderr.splitlines()
    assert "Traceback" not in line
    assert "internal error" not in line
    return line
