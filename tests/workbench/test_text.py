"""Hostile text becomes harmless, harmless text stays as it is."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from workbench.text import harmless, plain

JOINING = "\u200d\ufe0e\ufe0f\u20e3\U0001f3fb\U000e0067\U000e007f\u00ad\u0301\u094d"
HOSTILE = st.text(st.sampled_from("ab[]0;mP\\\x07\x1b\x9b\x9c\x9d\x90\r\n\t\x00\x7f\u202e\u2028\ud800é"), max_size=40)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Grüße, “world” 👩👩👧 שלום 漢字", "Grüße, “world” 👩👩👧 שלום 漢字"),
        ("family 👩‍👩‍👧, thumb 👍🏽, heart ❤️, key 1️⃣, flag 🇩🇪", "family 👩👩👧, thumb 👍, heart ❤, key 1⃣, flag DE"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x9b31mred", "red"),
        ("\x1b]0;title\x07after", "after"),
        ("\x1b]8;;https://example.org\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x9dtitle\x9cafter", "after"),
        ("\x1bPq#0\x1b\\after", "after"),
        ("\x1b]never ended", "never ended"),
        ("\x1bcreset", "reset"),
        ("a\x00b\x08c\x7fd", "a\ufffdb\ufffdc\ufffdd"),
        ("user\u202egnp.exe", "user\ufffdgnp.exe"),
        ("lone \ud800", "lone \ufffd"),
        ("two\r\nlines\tand a tab", "two lines and a tab"),
        ("\x1b\x1b[0m[31mjoined", "\ufffd[31mjoined"),
    ],
)
def test_plain(text: str, shown: str) -> None:
    assert plain(text) == shown


def test_files_keep_what_scripts_join() -> None:
    joined = "ශ්\u200dරී, क्\u200dष, می\u200cخواهم, ệ, 한국어, 👩\u200d👧 👍🏽 ❤️ 🇩🇪"
    assert harmless(joined) == joined
    assert harmless(f"\x1b[31m{joined}\x07") == f"{joined}\ufffd"
    assert plain("ệ می\u200cخواهم น้ำ 각") == "ệ می\u200cخواهم น้ำ 각"


def test_lines_stay_where_they_are_wanted() -> None:
    assert plain("a\r\nb\rc\td\u2028e\x1b[0m", lines=True) == "a\nb\nc\td\ne"


@given(st.text(st.sampled_from("a👩👍🏽❤1🇩🏴✋☝漢é") | st.sampled_from(JOINING)) | st.text(), st.booleans())
def test_what_stands_beside_a_character_does_not_change_its_width(text: str, lines: bool) -> None:
    shown = plain(text, lines=lines)
    assert cell_len(shown) == sum(map(cell_len, shown))


@given(HOSTILE | st.text(), st.booleans())
def test_nothing_is_left_that_a_terminal_would_act_on(text: str, lines: bool) -> None:
    shown = plain(text, lines=lines)
    allowed = {"\n", "\t"} if lines else set()
    assert not [c for c in shown if unicodedata.category(c) in {"Cc", "Cs", "Zl", "Zp"} and c not in allowed]
    assert not set(shown) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
    assert plain(shown, lines=lines) == shown
    shown.encode()


def test_a_long_attack_is_read_once() -> None:
    for attack in ("\x1b]", "\x9d", "\x1b[1", "\x9b"):
        plain(attack * 100_000)
