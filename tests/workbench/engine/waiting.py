"""Waiting for what other processes and threads do."""

import threading
import time
from collections.abc import Callable

PATIENCE = 60.0
"""Seconds; the machine may be busy."""


def until(condition: Callable[[], bool]) -> None:
    """Wait until a condition holds.

    Raises:
        TimeoutError: it does not for a minute.
    """
    tick = threading.Event()  # never set: a pause between two looks
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError
        tick.wait(0.01)
