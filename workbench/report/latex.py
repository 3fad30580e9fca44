r"""A report's tables and settings as LaTeX, to be read into a paper with \input; only booktabs is needed."""

import re
from collections.abc import Iterator

from workbench.report.outline import Heading, Placed, outline
from workbench.report.parts import Cell, Mean, Report, Table, middle, numeric, shown, spread
from workbench.text import plain

_SPECIAL = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "`": r"{\textasciigrave}",
    "*": "{*}",
    "[": "{[}",
    "]": "{]}",
    "–": r"\textendash{}",
    "—": r"\textemdash{}",
    "…": r"\ldots{}",
    "·": r"\textperiodcentered{}",
    "×": r"\texttimes{}",
    "±": r"\textpm{}",
    "‘": r"\textquoteleft{}",
    "’": r"\textquoteright{}",
    "“": r"\textquotedblleft{}",
    "”": r"\textquotedblright{}",
    "\u00a0": "~",
}

_LIGATURE = re.compile(r"([-,'])(?=\1)")
"""Characters that LaTeX makes one of where they stand together."""

_CHUNK = re.compile(r".{1,16}", re.DOTALL)
"""Where very long words, hashes say, may be broken in a cell."""

_LAST_LATIN = 0x17F
"""Letters up to here are known to every LaTeX; what is beyond is written as its code point, so that papers compile."""

_PAGE = 30
"""Rows that fit on a page beside a caption."""

_LONG = 28
"""A column whose texts are longer is broken into lines."""


def to_latex(report: Report) -> str:
    """Return the method in words, and every table; what data says can't become a command."""
    return "\n".join(_lines(report)) + "\n"


def escaped(text: str) -> str:
    """Return a text that LaTeX sets as it is, on one line."""
    known = (_SPECIAL.get(c, c if ord(c) <= _LAST_LATIN else f"{{[}}U+{ord(c):04X}{{]}}") for c in plain(text))
    return _LIGATURE.sub(r"\1{}", "".join(known))


def _lines(report: Report) -> Iterator[str]:
    yield r"% needs \usepackage[T1]{fontenc}, \usepackage{textcomp} and \usepackage{booktabs}"
    yield f"% {plain(report.title)}; workbench {plain(report.code_version)}"
    for part in outline(report):
        if isinstance(part, Placed):
            yield from _table(part.table)
        elif isinstance(part, Heading):
            yield from ("", rf"\{'sub' * (part.level - 1)}section*{{{escaped(part.text)}}}", "")
        else:
            yield from (escaped(part), "")


def _table(table: Table) -> Iterator[str]:
    if not table.rows:
        yield from ("", rf"\paragraph{{{escaped(table.title)}}} {escaped(table.note)}")
        return
    for start in range(0, len(table.rows), _PAGE):
        yield from ("", r"\begin{table}", r"  \centering\footnotesize\setlength{\tabcolsep}{3pt}")
        if start:
            yield rf"  \caption{{{escaped(table.title)} (continued)}}"
        else:
            yield rf"  \caption{{{escaped(f'{table.title}. {table.note}'.strip())}}}"
            yield rf"  \label{{tab:{table.key}}}"
        yield rf"  \begin{{tabular}}{{{''.join(_columns(table))}}}"
        yield r"    \toprule"
        yield f"    {' & '.join(map(escaped, table.columns))} \\\\"
        yield r"    \midrule"
        for i, row in enumerate(table.rows[start : start + _PAGE], start):
            if i > start and i in table.published and i - 1 not in table.published:
                yield r"    \midrule"
            yield f"    {' & '.join(map(_cell, row))} \\\\"
        yield from (r"    \bottomrule", r"  \end{tabular}", r"\end{table}")


def _columns(table: Table) -> Iterator[str]:
    for i, is_number in enumerate(numeric(table)):
        longest = max(len(cell) if isinstance(cell := row[i], str) else 0 for row in table.rows)
        yield "r" if is_number else r"p{0.45\linewidth}" if longest > _LONG else "l"


def _minus(number: str) -> str:
    return re.sub(r"(?<![\d-])-", "$-$", number)


def _cell(cell: Cell) -> str:
    if isinstance(cell, Mean) and cell.low is not None and cell.high is not None:
        bounds = spread(cell).strip(" []").replace(", ", " to " if cell.signed else "--")
        return rf"\shortstack[r]{{{_minus(middle(cell))}\\{{\tiny {_minus(bounds)}}}}}"
    words = (_CHUNK.findall(word) if len(word) > 2 * _LONG else [word] for word in shown(cell).split(" "))
    return " ".join(r"\allowbreak{}".join(map(escaped, chunks)) for chunks in words)
