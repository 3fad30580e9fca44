"""Embedders give unit vectors that are the same everywhere, near for similar texts."""

import subprocess
import sys
from hashlib import sha256

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.embed import EmbedderError, LexicalEmbedder, MiniLMEmbedder, get_embedder

TEXT = "How do I tell my partner that I lost my job?"


@pytest.fixture
def lexical() -> LexicalEmbedder:
    return LexicalEmbedder()


def fingerprint(texts: list[str]) -> str:
    vectors = LexicalEmbedder().embed(texts)
    return sha256(np.round(vectors * 1000).astype("<i4").tobytes()).hexdigest()[:16]


def test_the_vector_is_known_and_the_same_in_every_process() -> None:
    assert fingerprint([TEXT]) == "f85214b7346c3df2"
    code = f"from tests.simulator.test_embed import fingerprint; print(fingerprint([{TEXT!r}]))"
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert other.stdout.strip() == fingerprint([TEXT])


@pytest.mark.parametrize(
    ("text", "near", "far"),
    [
        ("How do I get out of debt?", "What can I do about my debts?", "How do I get over a breakup?"),
        ("Should I quit my job?", "Is quitting my job wise?", "Should I sell my car?"),
        ("How can I sleep better at night?", "Why can I not sleep at night?", "How can I invest better?"),
        (TEXT, "How can I tell my wife I lost my job?", "Which running shoes are good for beginners?"),
    ],
)
def test_similar_queries_are_nearer(lexical: LexicalEmbedder, text: str, near: str, far: str) -> None:
    vectors = lexical.embed([text, near, far])
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2] + 0.05


def test_case_and_white_space_do_not_matter(lexical: LexicalEmbedder) -> None:
    one, other = lexical.embed([TEXT, f"  {TEXT.upper()}\n"])
    assert np.array_equal(one, other)


def test_no_texts_no_rows(lexical: LexicalEmbedder) -> None:
    assert lexical.embed([]).shape == (0, 512)


@pytest.mark.parametrize("text", ["", " ", "?!", "\x1b[31m", "\ud800", "日本語", "the", "x" * 100_000, "\x00", "😀"])
def test_odd_texts_have_unit_length(lexical: LexicalEmbedder, text: str) -> None:
    vector = lexical.embed([text])[0]
    assert np.isfinite(vector).all()
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)


@settings(max_examples=50)
@given(st.lists(st.text(max_size=40), max_size=4))
def test_a_vector_depends_on_its_text_alone(texts: list[str]) -> None:
    together = LexicalEmbedder().embed(texts)
    assert together.dtype == np.float32
    assert np.allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    for text, row in zip(texts, together, strict=True):
        assert np.array_equal(LexicalEmbedder().embed([text])[0], row)


def test_embedders_are_found_by_name() -> None:
    assert get_embedder().name == get_embedder("lexical").name == "lexical"
    assert get_embedder("all-MiniLM-L6-v2").dimensions == 384
    with pytest.raises(EmbedderError, match="there are lexical, all-MiniLM"):
        get_embedder("word2vec")


def test_without_the_extra_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    with pytest.raises(EmbedderError, match="extra `embed`"):
        MiniLMEmbedder().embed([TEXT])
