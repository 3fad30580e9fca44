"""What can be wrong with a file: all of it (`FormatError`), or one record of it (`Problem`)."""

from dataclasses import dataclass
from pathlib import Path


class FormatError(Exception):
    """A file that can't be read as what it is meant to be; the message is one line: file, place, what is wrong.

    Fields:
        file, position, reason: the parts of the message; the position is empty where the whole file is meant.
    """

    def __init__(self, file: Path | str, reason: str, position: str = "") -> None:
        self.file, self.reason, self.position = str(file), reason, position
        super().__init__(str(Problem(self.file, position, reason)))


@dataclass(frozen=True, slots=True)
class Problem:
    """One record that was left out, while the others go on.

    Fields:
        file: the file as it was named.
        position: `line N` for line-based files (CSV, JSONL; where the row starts), `record N` for JSON arrays and
            Parquet; counted from 1.
        reason: what is wrong with it, and what else is lost with it.
    """

    file: str
    position: str
    reason: str

    def __str__(self) -> str:
        place = f"{self.file}, {self.position}" if self.position else self.file
        return f"{place}: {self.reason}"


_KINDS = {
    dict: "an object",
    list: "a list",
    bool: "true or false",
    type(None): "null",
    int: "a number",
    float: "a number",
}


def excerpt(value: object, length: int = 60) -> str:
    """Name a hostile value on one short line: a text is quoted, escaped and cut, of others only the kind is said."""
    if not isinstance(value, str):
        return _KINDS.get(type(value)) or f"a {type(value).__name__}"
    quoted = repr(value[:length])
    return quoted if len(value) <= length else f"{quoted}…"
