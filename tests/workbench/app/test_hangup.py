"""A terminal that is closed without a signal to the app."""

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from workbench.app.hangup import Terminal


def test_the_app_leaves_when_its_terminal_is_gone(tmp_path: Path) -> None:
    mine, theirs = pty.openpty()
    environment = os.environ | {
        "TERM": "xterm-256color",
        "XDG_STATE_HOME": str(tmp_path),
        "XDG_CONFIG_HOME": str(tmp_path),
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "workbench"],
        stdin=theirs, stdout=theirs, stderr=theirs, cwd=tmp_path, env=environment, start_new_session=True,
    )  # fmt: skip
    os.close(theirs)
    seen = b""
    while b"Scenarios" not in seen:
        seen += os.read(mine, 65536)
    assert process.poll() is None
    os.close(mine)
    assert process.wait(60) == 0


def test_what_is_no_terminal_is_never_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    with Path(os.devnull).open() as nothing:
        monkeypatch.setattr(sys, "__stdin__", nothing)
        assert not Terminal().gone
    monkeypatch.setattr(sys, "__stdin__", None)
    assert not Terminal().gone
