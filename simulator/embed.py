"""Embedders: texts to unit vectors, so that similar queries find each other's planned paths (raise.md, section 7)."""

import re
import unicodedata
from collections.abc import Sequence
from functools import cached_property, lru_cache
from hashlib import blake2b
from itertools import pairwise
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
"""`[m, d]`, each row of unit length; m texts, d dimensions."""

MAX_CHARACTERS = 20_000
"""What is longer is embedded up to here, so that memory stays bounded on hostile text."""


class EmbedderError(Exception):
    """An embedder can't be used; the message says what to do."""


class Embedder(Protocol):
    """Turns texts into unit vectors, so that a dot product is a cosine.

    Fields:
        name, version: together they change whenever the same text could give another vector.
        dimensions: d, the length of a vector.
    """

    @property
    def name(self) -> str: ...

    @property
    def version(self) -> str: ...

    @property
    def dimensions(self) -> int: ...

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return `[m, d]` float32 rows of unit length; a text depends on nothing but itself.

        Raises:
            EmbedderError: the embedder can't be used.
        """
        ...


class LexicalEmbedder:
    """Hashed character n-grams (3 to 5, within words) and words (one and two), with sublinear term frequency.

    Each feature falls on one of 512 dimensions with a sign, both from its hash, so collisions cancel out on average.
    There is no weighting by document frequency: a vector depends on its text alone, on every machine.
    """

    name = "lexical"
    version = "1"
    dimensions = 512

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return `[m, 512]` float32 rows of unit length; a text without letters and digits gets a fixed unit vector."""
        vectors = np.zeros((len(texts), self.dimensions), np.float32)
        for vector, text in zip(vectors, texts, strict=True):
            telling = telling_words(text) or _words(text)
            hashes = [h for word in telling for h in _features(word)]
            hashes += [_hash(f"{first} {second}") for first, second in pairwise(telling)]
            features, counts = np.unique(np.array(hashes, np.uint32), return_counts=True)
            weights = (1 + np.log(counts)) * np.where(features & 1, 1.0, -1.0)
            summed = np.bincount((features >> 1) % self.dimensions, weights, self.dimensions)
            length = float(np.linalg.norm(summed))
            if length > 0:
                vector[:] = summed / length
            else:
                vector[0] = 1
        return vectors


class MiniLMEmbedder:
    """The paper's embedder: all-MiniLM-L6-v2, 384 dimensions, through sentence-transformers (extra `embed`)."""

    name = "all-MiniLM-L6-v2"
    version = "1"
    dimensions = 384

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return `[m, 384]` float32 rows of unit length.

        Raises:
            EmbedderError: sentence-transformers is not installed, or the model can't be loaded.
        """
        if not texts:
            return np.zeros((0, self.dimensions), np.float32)
        shortened = [text[:MAX_CHARACTERS] for text in texts]
        vectors = self._model.encode(shortened, normalize_embeddings=True, convert_to_numpy=True)
        return np.asarray(vectors, np.float32)

    @cached_property
    def _model(self) -> Any:
        try:
            from sentence_transformers import SentenceTransformer
        except ImportError as error:
            raise EmbedderError(
                f"{self.name} needs sentence-transformers: install the extra `embed` (pip install '.[embed]')"
            ) from error
        try:
            return SentenceTransformer(f"sentence-transformers/{self.name}")
        except (OSError, ValueError) as error:
            reason = str(error).strip().partition("\n")[0]
            raise EmbedderError(f"the model {self.name} can't be loaded: {reason}") from error


EMBEDDERS: dict[str, type[LexicalEmbedder] | type[MiniLMEmbedder]] = {
    embedder.name: embedder for embedder in (LexicalEmbedder, MiniLMEmbedder)
}


def get_embedder(name: str = LexicalEmbedder.name) -> Embedder:
    """Return the embedder of that name.

    Raises:
        EmbedderError: there is none of that name.
    """
    if name not in EMBEDDERS:
        raise EmbedderError(f"no embedder {name!r}; there are {', '.join(EMBEDDERS)}")
    return EMBEDDERS[name]()


_WORD = re.compile(r"[^\W_]+")
_MAX_WORD = 64
_FUNCTION_WORDS = frozenset(
    _WORD.findall(
        "a about am an and any are as at be been but by can could d did do does for from had has have how i if in "
        "into is it its ll m me my of on or out s should so some t than that the their them there these they this "
        "to too up ve was we were what when where which while who why will with would you your"
    )
)
"""Left out: nearly every query holds them, whatever it is about."""


def telling_words(text: str) -> list[str]:
    """Return the words of a text, folded, without those that nearly every text holds."""
    return [word for word in _words(text) if word not in _FUNCTION_WORDS]


def _words(text: str) -> list[str]:
    folded = unicodedata.normalize("NFKC", text[:MAX_CHARACTERS]).casefold()
    return [word[:_MAX_WORD] for word in _WORD.findall(folded)]


@lru_cache(maxsize=1 << 15)
def _features(word: str) -> tuple[int, ...]:
    """Hash a word and its character n-grams; "<" and ">" mark where it begins and ends."""
    marked = f"<{word}>"
    grams = (marked[i : i + n] for n in (3, 4, 5) for i in range(len(marked) - n + 1))
    return (_hash(word), *map(_hash, grams))


def _hash(feature: str) -> int:
    """Return 32 bits that are the same in every process, unlike the built-in hash; lone surrogates are let through."""
    return int.from_bytes(blake2b(feature.encode("utf-8", "surrogatepass"), digest_size=4).digest(), "little")
