"""The real server: a `vllm` command that runs on a CPU, and servers of our own started with it."""

import json
import os
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.workers.process import free_port

KEY = "a-key-for-tests"

_COMMAND = """#!/bin/sh
# vllm as a CPU build wants it: nothing is downloaded or reported, one thread a server (or two starve each other), no
# compiling, a small cache, and no chunked prefill, which kills the CPU engine when it meets a request with a seed.
export HF_HUB_OFFLINE=1 TRANSFORMERS_OFFLINE=1 VLLM_NO_USAGE_STATS=1 DO_NOT_TRACK=1 TOKENIZERS_PARALLELISM=false
export TORCHDYNAMO_DISABLE=1 VLLM_ENABLE_V1_MULTIPROCESSING=0 OMP_NUM_THREADS=1
unset VLLM_CPU_KVCACHE_SPACE
exec "{vllm}" "$@" --enforce-eager --dtype float32 --kv-cache-memory-bytes 67108864 --no-enable-chunked-prefill \\
  --structured-outputs-config '{{"backend":"guidance","disable_any_whitespace":true}}'
"""


def write_command(environment: Path, path: Path) -> Path:
    """Write a script that stands in for `vllm` (`VLLM_COMMAND`)."""
    path.write_text(_COMMAND.format(vllm=environment / "bin" / "vllm"))
    path.chmod(0o755)
    return path


def wait_until(done: Callable[[], object], what: str, seconds: float = 120.0) -> None:
    """Wait for a condition; fail when it does not come in time."""
    deadline = time.monotonic() + seconds
    while not done():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {seconds:g} s: {what}")
        time.sleep(0.05)


@dataclass(frozen=True)
class Server:
    """A server that answers. `base_url` ends in /v1; `process` leads its own group."""

    process: "subprocess.Popen[bytes]"
    port: int
    model: str

    @property
    def base_url(self) -> str:
        """Return the address as clients take it."""
        return f"http://127.0.0.1:{self.port}/v1"

    def post(self, path: str, body: Any, key: str = KEY) -> tuple[int, Any]:
        """Post JSON and return status and answer."""
        return post(self.port, f"/v1{path}", body, key)

    def get(self, path: str) -> tuple[int, str]:
        """Get a page beside `/v1`; status 0 where nobody listens."""
        return get(self.port, path)

    def metric(self, name: str) -> float:
        """Return the sum of a counter over its labels."""
        lines = self.get("/metrics")[1].splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(f"vllm:{name}{{"))


def post(port: int, path: str, body: Any, key: str) -> tuple[int, Any]:
    """Post JSON to a port of this machine and return status and answer."""
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {key}"}
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", json.dumps(body).encode(), headers)
    try:
        with urllib.request.urlopen(request, timeout=120) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def get(port: int, path: str) -> tuple[int, str]:
    """Get a page of a port of this machine; status 0 where nobody listens."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, ""
    except OSError:
        return 0, ""


@contextmanager
def serve(command: Path, model: Path, log: Path, arguments: Sequence[str] = ()) -> Iterator[Server]:
    """Start a server, wait until it answers, and end everything of it."""
    port = free_port()
    line = [command, "serve", model, "--served-model-name", model.name, "--host", "127.0.0.1", "--port", str(port)]
    with log.open("wb") as out:
        process = subprocess.Popen(
            [*map(str, line), "--disable-uvicorn-access-log", *arguments],
            stdout=out,
            stderr=subprocess.STDOUT,
            env=os.environ | {"VLLM_API_KEY": KEY},
            start_new_session=True,
        )
    try:
        wait_until(lambda: process.poll() is not None or get(port, "/health")[0] == 200, f"{log} says ready")
        assert process.poll() is None, log.read_text(errors="replace")[-2000:]
        yield Server(process, port, model.name)
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(20)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
