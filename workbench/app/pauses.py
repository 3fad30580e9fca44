"""What keeps a Python process from answering a key at once, and what the app does about it.

Collecting garbage walks through every object there is: with the app's hundreds of thousands that takes as long as a
frame may. What was made while it started stays anyway, so it is left out from then on. And a thread that computes gives
way to the one that answers keys only so often; it does so more often than Python lets it by itself.
"""

import gc
import sys

_SWITCH_SECONDS = 0.001
"""A thread that computes lets others work after this; Python's own value is 0.005."""

_COLLECT_AFTER = 20_000, 5, 200
"""Objects made before the young ones are looked through, and how many such rounds before the older and all are.

The older are those of so many rounds: of 400,000, as the verdicts of large runs make, one look took longer than a key
may."""


def starting() -> None:
    """Put off what would make the start slower."""
    gc.disable()
    sys.setswitchinterval(_SWITCH_SECONDS)


def started() -> None:
    """Leave all that there is now out of every later collection; does nothing unless `starting` was called."""
    if not gc.isenabled():
        gc.freeze()
        gc.set_threshold(*_COLLECT_AFTER)
        gc.enable()
