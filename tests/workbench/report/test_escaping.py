"""Markdown and LaTeX: what data says stays text."""

import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from workbench.report import latex, markdown
from workbench.report.parts import Account, Examples, Mean, Report, RunReport, Table
from workbench.text import harmless

MARKDOWN = [
    "# heading",
    "- item",
    "1. item",
    "10) item",
    "| a | b |",
    "`code` *bold* _it_ ~~gone~~",
    "[link](javascript:alert(1)) ![img](x)",
    "<script>alert(1)</script><!-- -->",
    "http://example.org www.example.org a@b.org",
    "&lt;b&gt; &#60;",
    "line\n\n# heading\n---",
    "--- \n ===",
    "\\| \\",
    "+ item = x",
    "    code",
]

LATEX = [
    r"\input{/etc/passwd}",
    r"\write18{rm -rf x} \def\x{",
    "100 % & # $ _ ^ ~ {} |",
    "[2pt] * text",
    "a -- b --- c ?` !` ,, '' `` \"x\" << >>",
    "^^5cinput",
    "emoji \U0001f600 中 ‘q’ “q” – — …",
    "a\n\nb \\par \x1b[31m",
]


def _text(rendered: str) -> str:
    return html.unescape(re.sub(r"</?(?:p|td|table|tbody|thead|tr|th)\b[^>]*>", "", rendered)).strip()


def _told(text: str) -> str:
    return " ".join(harmless(text).split())


def _check_markdown(text: str) -> None:
    parser = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    escaped = markdown.escaped(text)
    if not escaped:
        return
    shown = parser.render(f"{escaped}\n")
    assert re.fullmatch(r"<p>[^<]*</p>\n", shown), shown
    assert " ".join(_text(shown).split()) == _told(text)
    cells = re.findall(r"<td[^>]*>([^<]*)</td>", parser.render(f"| h | h |\n|---|---|\n| {escaped} | x |\n"))
    assert [" ".join(html.unescape(cell).split()) for cell in cells] == [_told(text), "x"]


@pytest.mark.parametrize("text", MARKDOWN)
def test_markdown_shows_hostile_texts_as_they_are(text: str) -> None:
    _check_markdown(text)


@given(st.text(st.sampled_from("#-+=*_`[]()<>&|\\~!:/@.1a \n$") | st.characters(codec="utf-8"), max_size=40))
def test_markdown_shows_any_text_as_it_is(text: str) -> None:
    _check_markdown(text)


def test_markdown_leaves_no_address_to_be_made_a_link() -> None:
    escaped = markdown.escaped("see http://a.org/x, www.a.org, HTTPS://a.org, m@a.org, mailto:m@a.org")
    assert not re.search(r"://|www\.|\w@\w|mailto:", escaped)


def _check_latex(text: str) -> None:
    escaped = latex.escaped(text)
    assert "\n" not in escaped
    rest = re.sub(r"\\[{}$&#%_]", "", escaped)
    commands = set(re.findall(r"\\([a-zA-Z]*)", rest))
    assert commands <= {
        *("textbackslash", "textasciicircum", "textasciitilde", "textless", "textgreater", "textbar", "textquotedbl"),
        *("textasciigrave", "ldots", "textperiodcentered", "texttimes", "textpm", "textendash", "textemdash"),
        *("textquoteleft", "textquoteright", "textquotedblleft", "textquotedblright"),
    }
    bare = re.sub(r"\\[a-zA-Z]+", "", rest)
    assert not re.search(r"[\\$&#%_^|\"]|--|''|``|,,|(?<!\{)[\[\]*]", bare)
    assert bare.count("{") == bare.count("}")
    assert all(ord(c) <= 0x17F for c in escaped)


@pytest.mark.parametrize("text", LATEX)
def test_latex_sets_hostile_texts_as_they_are(text: str) -> None:
    _check_latex(text)


@given(st.text(st.sampled_from("\\{}$&#%_^~<>|\"-,'`[]*?!–’ \n") | st.characters(codec="utf-8"), max_size=40))
def test_latex_sets_any_text(text: str) -> None:
    _check_latex(text)


def _report(table: Table) -> Report:
    account = Account(
        run="r1",
        label="run r1, world: surrogate",
        state="done",
        surrogate=True,
        method=("What was done.",),
        settings=Table("Settings · world: surrogate", ("setting", "value"), (("seed", "0"),), key="settings"),
        failures=Table("Failures · world: surrogate", ("what", "reason"), (), "Nothing failed.", key="failures"),
        provenance=Table("Provenance · world: surrogate", ("what", "value"), (("run", "r1"),), key="provenance"),
        ledger=None,
    )
    run = RunReport(account, (table,), (), Examples(account.label, True, "", (), ()))
    return Report("Report of run r1 · world: surrogate", (), (run,), None, "1.0")


SCORES = Table(
    "Scores · world: surrogate",
    ("arm", "judge", "Avg", "failed"),
    (("agent", "a & b", Mean(3.5, 3.25, 3.75), 0), ("agent", "published", 3.55, None), ("full", "a", None, 1234)),
    "A note.",
    frozenset({1}),
    "scores",
)


def test_a_table_in_markdown() -> None:
    written = markdown.to_markdown(_report(SCORES))
    expected = """### Scores · world: surrogate

| arm | judge | Avg | failed |
|---|---|---:|---:|
| agent | a &amp; b | 3.50 \\[3.25, 3.75\\] | 0 |
| agent | published | 3.55 | – |
| full | a | – | 1,234 |

A note.
"""
    assert expected in written
    assert "### Failures · world: surrogate\n\nNothing failed." in written


def test_a_table_in_latex() -> None:
    written = latex.to_latex(_report(SCORES))
    assert (
        r"""  \caption{Scores \textperiodcentered{} world: surrogate. A note.}
  \label{tab:scores}
  \begin{tabular}{llrr}
    \toprule
    arm & judge & Avg & failed \\
    \midrule
    agent & a \& b & \shortstack[r]{3.50\\{\tiny 3.25--3.75}} & 0 \\
    \midrule
    agent & published & 3.55 & \textendash{} \\
    full & a & \textendash{} & 1,234 \\
    \bottomrule
  \end{tabular}
\end{table}"""
        in written
    )
    assert written.count(r"\begin{table}") == written.count(r"\end{table}") == 3
    assert "Nothing failed." in written


def test_long_hashes_may_be_broken_in_latex_and_long_texts_have_lines() -> None:
    table = Table("P · world: surrogate", ("what", "value"), (("identity", "0123456789abcdef" * 4),), key="p")
    written = latex.to_latex(_report(table))
    assert r"0123456789abcdef\allowbreak{}0123456789abcdef" in written
    assert r"{lp{0.45\linewidth}}" in written
