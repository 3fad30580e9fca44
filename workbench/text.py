"""Text that comes from data or models, made safe to show: it may hold anything, escape sequences included."""

import re

_SEQUENCES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor movements
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d\x9e\x9f])[^\x07\x1b\x90\x98\x9c-\x9f]*(?:\x07|\x1b\\|\x9c)"  # OSC and its kind
    r"|\x1b[ -/]*[0-~]"  # everything else that starts with ESC
)
_BIDI = "\u202a-\u202e\u2066-\u2069"
_UNSAFE = re.compile(rf"[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff{_BIDI}]")
_BREAKS = re.compile(r"\r\n|[\r\n\x0b\x0c\x85\u2028\u2029]")

_JOINING = re.compile(
    "[\u00ad\u200d\u3164\uffa0"  # soft hyphen, zero width joiner, Hangul fillers
    "\ufe00-\ufe0f\U000e0100-\U000e01ef"  # variation selectors
    "\U0001f3fb-\U0001f3ff\U000e0000-\U000e007f"  # skin tones, tags
    "\U0001f1e6-\U0001f1ff]"  # letters of flags
)
"""Characters that change how wide their neighbours are, or that some terminals give room and others none."""

_FORMULA = re.compile(r"'*(?:\s*[=+\-@]|[\t\r\n])")
"""What a spreadsheet would run as a formula, or as the text that stands for one."""


def plain(text: str, *, lines: bool = False) -> str:
    """Return text that a terminal can only print, in as many cells as are counted for it.

    What `harmless` takes out is gone. Every character stands alone, since terminals disagree on the width of what is
    joined: of a family emoji its people are left, of a flag its letters. Safe text comes back as it is, so `plain` of
    `plain` changes nothing.
    """
    if text.isascii() and text.isprintable():
        return text
    return _JOINING.sub(_alone, harmless(text, lines=lines))


def _alone(found: re.Match[str]) -> str:
    """Return what is left of a character that joins others: the letter of one that makes flags, else nothing."""
    return chr(ord("A") + ord(found[0]) - 0x1F1E6) if "\U0001f1e6" <= found[0] <= "\U0001f1ff" else ""


def harmless(text: str, *, lines: bool = False) -> str:
    """Return text for files and clipboards: joined as its script wants it, but with nothing that acts on a terminal.

    Whole escape sequences vanish; what else would act on a terminal (control characters, bidi overrides), or can't be
    encoded, becomes U+FFFD. Tabs and line breaks become spaces, or stay (as newlines) with `lines`.
    """
    if text.isprintable():
        return text
    text = _UNSAFE.sub("\ufffd", _SEQUENCES.sub("", text))
    return _BREAKS.sub("\n", text) if lines else _BREAKS.sub(" ", text).replace("\t", " ")


def counted(count: int, what: str) -> str:
    """Return a number with its noun (in the singular) as that number wants it: `1 search`, `1,200 searches`."""
    return f"{count:,} {what}{'' if count == 1 else 'es' if what.endswith('ch') else 's'}"


def as_cell(text: str) -> str:
    """Return text for a cell of a CSV file: safe to print, and no formula to a spreadsheet (a `'` before it)."""
    shown = harmless(text, lines=True)
    return f"'{shown}" if _FORMULA.match(text) or _FORMULA.match(shown) else shown


def from_cell(text: str) -> str:
    """Return the text that `as_cell` wrote, or that somebody wrote in its place."""
    return text[1:] if text[:1] == "'" and _FORMULA.match(text) else text
