"""Dots and lines on a grid of characters: braille holds two by four dots in each."""

import numpy as np
from numpy.typing import NDArray

_BITS = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]], np.uint8)
"""What each dot of a braille character adds to U+2800: `[4, 2]`, rows from above, columns from the left."""

LOW, HIGH = 0.8, 5.2
"""The scores at the edges of the plot: 1 to 5 with a little room."""


_FEW = 400
"""Up to so many points each has a glyph of a whole character."""


class Plot:
    """A scatter of scores against scores as characters.

    Fields:
        width, height: in characters.
        few: whether each point has a glyph, ▲ above the diagonal, ▼ below, ● on it; else a dot of braille.
        cells: `[m, 2]`, column and row of the character that each point falls into, rows from above.
        sides: `[height, width]` int8, whose points a character holds: 1 above the diagonal, -1 below, 0 both or on it.
        filled: `[height, width]` bool, whether it holds any.
    """

    def __init__(self, xy: NDArray[np.float64], width: int, height: int) -> None:
        self.width, self.height = width, height
        dots = np.zeros((height, width), np.uint8)
        x, y = self._place(xy[:, 0], width * 2), height * 4 - 1 - self._place(xy[:, 1], height * 4)
        self.cells = np.stack((x // 2, y // 4), axis=1)
        np.bitwise_or.at(dots, (y // 4, x // 2), _BITS[y % 4, x % 2])
        self.filled = dots > 0
        above, below = np.zeros(dots.shape, bool), np.zeros(dots.shape, bool)
        for side, chosen in ((above, xy[:, 1] > xy[:, 0]), (below, xy[:, 1] < xy[:, 0])):
            side[y[chosen] // 4, x[chosen] // 2] = True
        self.sides = above.astype(np.int8) - below.astype(np.int8)
        line = np.zeros_like(self.filled)
        steps = np.linspace(LOW, HIGH, max(width, height) * 2)
        line[(height * 4 - 1 - self._place(steps, height * 4)) // 4, self._place(steps, width * 2) // 2] = True
        text = np.where(line, ord("·"), ord(" "))
        # Few points are seen better as glyphs, which also say without colour on which side they are.
        marks = np.select([self.sides > 0, self.sides < 0], [ord("▲"), ord("▼")], ord("●"))
        self.few = len(xy) <= _FEW
        filled = marks if self.few else 0x2800 + dots.astype(np.int32)
        self._text = ["".join(map(chr, row)) for row in np.where(self.filled, filled, text)]

    def row(self, y: int) -> str:
        """Return a row of characters, from above."""
        return self._text[y]

    def column_of(self, score: float) -> int:
        """Return the column of a score."""
        return int(self._place(np.array([score]), self.width * 2)[0]) // 2

    def row_of(self, score: float) -> int:
        """Return the row of a score."""
        return (self.height * 4 - 1 - int(self._place(np.array([score]), self.height * 4)[0])) // 4

    @staticmethod
    def _place(values: NDArray[np.float64], size: int) -> NDArray[np.int64]:
        share = (values - LOW) / (HIGH - LOW)
        return np.clip((share * size).astype(np.int64), 0, size - 1)
