"""Two texts beside each other: which words only one of them has."""

import re
from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import NamedTuple

_TOKEN = re.compile(r"\s*\S+|\s+$")
"""A word with the white space before it, so that the tokens of a text joined are the text."""

_MOST = 3_000
"""Words of a text that are compared; matching takes time with their product. What follows counts as different."""

_ISLAND = 2
"""Words in common that stand alone between differences count as different: "the" here and there is no common text."""


class Piece(NamedTuple):
    """A stretch of text, and whether the other text lacks it."""

    text: str
    only: bool


def compare_words(first: str, second: str) -> tuple[tuple[Piece, ...], tuple[Piece, ...]]:
    """Return both texts cut into pieces that are common and pieces that only one has, in turn.

    The pieces of a text joined are the text. Common pieces have the same words in both, in the same order; white space
    does not count.
    """
    one, other = _TOKEN.findall(first), _TOKEN.findall(second)
    words = [[token.strip() for token in tokens[:_MOST]] for tokens in (one, other)]
    matcher = SequenceMatcher(None, words[0], words[1], autojunk=False)
    blocks = [block for block in matcher.get_matching_blocks() if block.size]
    whole = len(blocks) == 1 and blocks[0].size == len(words[0]) == len(words[1])
    kept = [block for block in blocks if whole or block.size > _ISLAND]
    return (
        _pieces(one, [(block.a, block.size) for block in kept]),
        _pieces(other, [(block.b, block.size) for block in kept]),
    )


def _pieces(tokens: Sequence[str], common: Sequence[tuple[int, int]]) -> tuple[Piece, ...]:
    pieces, here = [], 0
    for start, size in common:
        pieces += [Piece("".join(tokens[here:start]), True), Piece("".join(tokens[start : start + size]), False)]
        here = start + size
    pieces.append(Piece("".join(tokens[here:]), True))
    # Neighbours of a kind are one piece: between two common stretches one text may have nothing of its own.
    joined: list[Piece] = []
    for piece in pieces:
        if not piece.text:
            continue
        if joined and joined[-1].only == piece.only:
            joined[-1] = Piece(joined[-1].text + piece.text, piece.only)
        else:
            joined.append(piece)
    return tuple(joined)
