"""The vocabulary is complete and fits one column."""

import subprocess
import sys
from typing import get_args

import pytest
from rich.cells import cell_len
from rich.color import Color

from simulator.dialogue import ReplyStatus
from themes import Status, ansi, status, statuses


def test_a_status_has_glyph_word_and_colour() -> None:
    assert status("running") == Status("running", "▶", ">", "running", "active")
    assert status("left-out").label() == "⊘ left out"
    assert status("left-out").label(unicode=False) == "- left out"


def test_every_kind_of_reply_and_every_state_has_one() -> None:
    wanted = {"pending", "running", "interrupted", "done", "failed", "ok", "warning", "missing", "surrogate", "crisis"}
    assert wanted | set(get_args(ReplyStatus)) <= set(statuses())


@pytest.mark.parametrize("known", statuses().values(), ids=statuses())
def test_glyphs_fit_one_column_and_have_a_stand_in(known: Status) -> None:
    assert cell_len(known.glyph) == 1
    assert len(known.ascii) == 1
    assert known.ascii.isascii()
    assert known.word.isprintable()
    assert Color.parse(ansi(known.colour)).number in range(16)


def test_words_tell_statuses_apart() -> None:
    words = [known.word for known in statuses().values()]
    assert len(set(words)) == len(words)


def test_an_unknown_status_or_colour_is_an_error() -> None:
    with pytest.raises(KeyError):
        status("nonsense")
    with pytest.raises(KeyError):
        ansi("nonsense")


def test_loading_needs_no_terminal_library() -> None:
    code = "import sys, themes; themes.statuses(); print({'rich', 'textual', 'typer'} & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "set()"
