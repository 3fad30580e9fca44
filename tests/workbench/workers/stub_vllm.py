"""Stands in for `vllm serve`: same arguments, same ways to live and die, nothing behind it. Standard library only.

How a test tells it what to do, by variables: STUB_HANG: never get past spawning the engine. STUB_EXIT: end with this
code while starting. STUB_REPLY: seconds before a reply. STUB_DYING: seconds between its engine's death and its own.
STUB_SILENT: a file; while it exists nothing is answered.
"""

import argparse
import json
import os
import signal
import socket
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

DYING = float(os.environ.get("STUB_DYING", "0.05"))


def say(text: str) -> None:
    print(text, flush=True)


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="vllm")
    parser.add_argument("verb", choices=["serve"])
    parser.add_argument("model")
    parser.add_argument("--served-model-name")
    parser.add_argument("--host")
    parser.add_argument("--port", type=int)
    parser.add_argument("--disable-uvicorn-access-log", action="store_true")
    parser.add_argument("--enable-prompt-tokens-details", action="store_true")
    parser.add_argument("--enforce-eager", action="store_true")
    parser.add_argument("--reasoning-parser", choices=["deepseek_r1"])
    parser.add_argument("--runner", choices=["pooling"])
    for flag in ("seed", "tensor-parallel-size", "max-model-len", "gpu-memory-utilization", "dtype"):
        parser.add_argument(f"--{flag}")
    return parser.parse_args()


class Handler(BaseHTTPRequestHandler):
    """Answers as vLLM does; the counters are the server's."""

    name = ""
    ill = False
    running = prompt = generated = 0
    lock = threading.Lock()

    def do_GET(self) -> None:
        while Path(os.environ.get("STUB_SILENT", "/nonexistent")).exists():
            time.sleep(0.02)
        if self.path == "/health":
            self.answer(503 if Handler.ill else 200, b"")
        elif self.path == "/metrics":
            figures = {
                "num_requests_running": Handler.running,
                "num_requests_waiting": 0,
                "kv_cache_usage_perc": 0.25,
                "prompt_tokens_total": Handler.prompt,
                "generation_tokens_total": Handler.generated,
                "prefix_cache_queries_total": Handler.prompt,
                "prefix_cache_hits_total": Handler.prompt // 2,
                "num_preemptions_total": 0,
            }
            lines = [f'vllm:{name}{{engine="0",model_name="{self.name}"}} {value}' for name, value in figures.items()]
            self.answer(200, "\n".join(["# HELP vllm:x y", *lines, ""]).encode())
        elif self.path == "/v1/models" and self.allowed():
            self.answer(200, json.dumps({"data": [{"id": self.name, "object": "model"}]}).encode())

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        self.rfile.read(length)
        if not self.allowed():
            return
        with Handler.lock:
            Handler.running += 1
            Handler.prompt += 10
        time.sleep(float(os.environ.get("STUB_REPLY", "0")))
        with Handler.lock:
            Handler.running -= 1
            Handler.generated += 5
        message = {"role": "assistant", "content": f"by {os.getpid()}"}
        usage = {"prompt_tokens": 10, "completion_tokens": 5}
        reply: dict[str, Any] = {"choices": [{"message": message, "finish_reason": "stop"}], "usage": usage}
        self.answer(200, json.dumps(reply).encode())

    def allowed(self) -> bool:
        if self.headers.get("Authorization") == f"Bearer {os.environ['VLLM_API_KEY']}":
            return True
        self.answer(401, b"{}")
        return False

    def answer(self, code: int, body: bytes) -> None:
        self.send_response(code)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


def run_engine(news: int) -> None:
    """Be the engine: with a worker of its own, indifferent to the server's death."""
    worker = os.fork()
    if worker == 0:
        os.close(news)
        while True:
            signal.pause()
    say(f"(Worker pid={worker}) up")  # in its name: whoever finds the server up finds it in the log
    say(f"(EngineCore pid={os.getpid()}) Starting to load model")

    def end(*_: object) -> None:
        os.kill(worker, signal.SIGKILL)
        os._exit(0)

    signal.signal(signal.SIGTERM, end)
    say(f"(EngineCore pid={os.getpid()}) INFO 01-01 00:00:00 [backends.py:1] Compiling a graph for general shape")
    os.write(news, b"up")
    os.waitpid(worker, 0)
    say(f"(EngineCore pid={os.getpid()}) ERROR 01-01 00:00:00 [core.py:1] RuntimeError: a worker process died")
    os.write(news, b"ill")
    while True:
        signal.pause()


def watch_engine(engine: int, news: int) -> None:
    Handler.ill = os.read(news, 3) == b"ill"  # nothing: the engine itself is gone
    time.sleep(DYING)
    say("(APIServer pid=1) ERROR 01-01 00:00:00 [async_llm.py:1] EngineDeadError: EngineCore encountered an issue")
    if Handler.ill:
        os.kill(engine, signal.SIGKILL)
    os._exit(0)


def main() -> None:
    arguments = read_arguments()
    say(f"(APIServer pid={os.getpid()}) INFO 01-01 00:00:00 [serve.py:1] vLLM stub, model {arguments.model}")
    if not Path(arguments.model).exists():
        say("Traceback (most recent call last):\n  raise ValueError('x')")
        say("(APIServer pid=1) huggingface_hub.errors.HFValidationError: Repo id must be in the form 'repo_name'")
        sys.exit(1)
    if "STUB_EXIT" in os.environ:
        say("(EngineCore pid=1) torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB")
        say("(APIServer pid=1) RuntimeError: Engine core initialization failed. See root cause above.")
        sys.exit(int(os.environ["STUB_EXIT"]))
    try:
        probe = socket.create_server((arguments.host, arguments.port))
        probe.close()
    except OSError as error:
        say(f"(APIServer pid=1) OSError: {error}")
        sys.exit(1)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # as the real one: what comes while it spawns is lost
    say(f"(APIServer pid={os.getpid()}) spawning")
    if "STUB_HANG" in os.environ:
        while True:
            signal.pause()
    news, told = os.pipe()
    engine = os.fork()
    if engine == 0:
        os.close(news)
        run_engine(told)
    os.close(told)
    assert os.read(news, 2) == b"up"

    def end(*_: object) -> None:
        say("(APIServer pid=1) shutting down")
        os.kill(engine, signal.SIGTERM)
        os._exit(0)

    signal.signal(signal.SIGTERM, end)
    threading.Thread(target=watch_engine, args=(engine, news), daemon=True).start()
    Handler.name = arguments.served_model_name
    server = ThreadingHTTPServer((arguments.host, arguments.port), Handler)
    say("(APIServer pid=1) INFO:     Application startup complete.")
    server.serve_forever(0.02)


if __name__ == "__main__":
    main()
