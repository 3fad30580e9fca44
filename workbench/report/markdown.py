"""A report's tables and settings as Markdown."""

import re
from collections.abc import Iterator

from workbench.report.outline import Heading, Placed, outline
from workbench.report.parts import Report, Table, numeric, shown
from workbench.text import harmless

_MARKUP = re.compile(r"[\\`*_\[\]|~$]")
_HTML = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_LINKS = re.compile(r"(?<=:)/(?=/)|(?<=\bwww)\.|(?<=\w)@(?=\w)|(?<=mailto):|(?<=xmpp):", re.IGNORECASE)

_BLOCK = re.compile(r"^[-+=#:]|(?<=^\d)[.)](?= |$)|(?<=^\d\d)[.)](?= |$)")
"""What would begin a heading, a rule or a list at the start of a line."""


def to_markdown(report: Report) -> str:
    """Return the method in words, and every table; what data says can't become markup."""
    return "\n".join(_lines(report)) + "\n"


def escaped(text: str) -> str:
    """Return a text that Markdown shows as it is: on one line, no markup, link, HTML or table border in it."""
    text = " ".join(harmless(text).split())
    text = _MARKUP.sub(r"\\\g<0>", text)
    text = re.sub("[&<>]", lambda found: _HTML[found[0]], text)
    text = _LINKS.sub(lambda found: f"&#{ord(found[0])};", text)
    return _BLOCK.sub(r"\\\g<0>", text)


def _lines(report: Report) -> Iterator[str]:
    yield f"# {escaped(report.title)}"
    yield ""
    yield f"workbench {escaped(report.code_version)}"
    for part in outline(report):
        if isinstance(part, Placed):
            yield from _table(part.table, "#" + "#" * part.level)
        elif isinstance(part, Heading):
            yield from ("", f"#{'#' * part.level} {escaped(part.text)}", "")
        else:
            yield from (escaped(part), "")


def _table(table: Table, level: str) -> Iterator[str]:
    yield from ("", f"{level} {escaped(table.title)}", "")
    if table.rows:
        yield f"| {' | '.join(map(escaped, table.columns))} |"
        yield f"|{'|'.join('---:' if is_number else '---' for is_number in numeric(table))}|"
        for row in table.rows:
            yield f"| {' | '.join(escaped(shown(cell)) for cell in row)} |"
        yield ""
    if table.note:
        yield escaped(table.note)
