"""How the engine tells how far it is. Who listens, and how it is shown, is none of its business."""

from typing import Protocol


class Progress(Protocol):
    """Hears how far the work is. Counts are totals so far, not steps, so a call may be left out without harm."""

    def start(self, total: int, done: int = 0, label: str = "") -> None:
        """Begin a phase of `total` units, of which `done` were finished before (resumed work: no part of the rate)."""
        ...

    def advance(self, done: int, failed: int = 0, label: str | None = None) -> None:
        """Tell how many units are finished well and how many failed so far; a label replaces the last one."""
        ...

    def note(self, text: str) -> None:
        """Say something that is no progress, on a line of its own."""
        ...

    def finish(self) -> None:
        """End the phase, whether everything was done or not; may be called again."""
        ...
