"""Random numbers that depend on what they are for, never on when they are drawn.

Every draw in the project has a key (seed, scenario, model, arm, purpose, sample number …). Hashing the key gives
a generator of its own, so order, concurrency and resuming change nothing.
"""

import hashlib

import numpy as np

Key = str | int | float | None
"""One part of a key. Floats are written with `repr`, so equal keys are equal bits."""


def digest(*parts: Key) -> int:
    """Hash a key to 128 bits. Parts are separated, so ("ab", "c") and ("a", "bc") differ."""
    text = "\x1f".join(map(repr, parts))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=16).digest(), "little")


def generator(*parts: Key) -> np.random.Generator:
    """Return the generator that belongs to a key: the same key, the same numbers."""
    return np.random.Generator(np.random.SFC64(digest(*parts)))
