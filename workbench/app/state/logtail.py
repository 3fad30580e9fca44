"""The end of a log file, made safe to show; read again only where the file has changed."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from rich.cells import chop_cells

from workbench.text import plain
from workbench.workers.logs import tail

LINES = 400
"""Lines kept; the reading itself is bounded too (64 kB)."""

_INDENT = "  "
"""Before the rest of a line that goes on."""


class LogTail:
    """Follows one file at a time; `read` touches the disk, so it belongs into a thread.

    Fields:
        path: the file, or None where there is none to follow.
        lines: its last lines as read last, without escape sequences.
    """

    def __init__(self) -> None:
        self.path: Path | None = None
        self.lines: Sequence[str] = ()
        self._seen: tuple[int, int] | None = None

    def follow(self, path: Path | None) -> None:
        """Turn to another file; the same one again changes nothing."""
        if path != self.path:
            self.path, self.lines, self._seen = path, (), None

    def read(self) -> bool:
        """Read what changed; tell whether anything did."""
        path = self.path
        if path is None:
            return False
        try:
            found = path.stat()
        except OSError:
            changed = bool(self.lines)
            self.lines, self._seen = (), None
            return changed
        seen = found.st_mtime_ns, found.st_size
        if seen == self._seen:
            return False
        lines = [plain(line) for line in tail(path, LINES)]
        if path == self.path:  # the user may have turned to another one meanwhile
            self.lines, self._seen = lines, seen
        return True


@lru_cache(maxsize=2 * LINES)
def folded(text: str, width: int) -> tuple[str, ...]:
    """Break a line of a log into rows of `width` cells, its spaces as they are; the rest of it stands indented."""
    room = width - len(_INDENT)
    if room < 1 or (text.isascii() and len(text) <= width):
        return (text,)
    first, *_ = chop_cells(text, width) or [""]
    return first, *(_INDENT + part for part in chop_cells(text[len(first) :], room))
