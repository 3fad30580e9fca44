"""Normal numbers straight from a key.

A search asks for two draws per evaluation, and building a generator for each would cost as much as all the rest. So
the 128 bits of the key's own hash become four numbers by the Box-Muller transform.
"""

from math import cos, log, pi, sin, sqrt

from planner.keyed import Key, digest

_WORD = (1 << 32) - 1
_SCALE = 1.0 / (1 << 32)


def normals(*parts: Key) -> tuple[float, float, float, float]:
    """Return the four independent standard normal numbers that belong to a key."""
    bits = digest(*parts)
    radius = sqrt(-2.0 * log(((bits & _WORD) + 0.5) * _SCALE))
    angle = 2.0 * pi * _SCALE * (bits >> 32 & _WORD)
    radius_2 = sqrt(-2.0 * log(((bits >> 64 & _WORD) + 0.5) * _SCALE))
    angle_2 = 2.0 * pi * _SCALE * (bits >> 96)
    return radius * cos(angle), radius * sin(angle), radius_2 * cos(angle_2), radius_2 * sin(angle_2)
