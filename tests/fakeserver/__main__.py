"""The fake server in a process of its own: `python -m tests.fakeserver --latency 0.05`; prints its base URL."""

import argparse
import threading

from tests.fakeserver.server import FakeServer


def main() -> None:
    """Serve until killed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--latency", type=float, default=0.0, help="seconds before every answer")
    parser.add_argument("--key", default="", help="what requests must carry")
    parser.add_argument("--model", action="append", default=[], help="a model it knows; none = any")
    options = parser.parse_args()
    with FakeServer(options.port, latency=options.latency, key=options.key, models=tuple(options.model)) as server:
        print(server.url, flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
