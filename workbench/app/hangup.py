"""Whether somebody still sits at the terminal."""

import os
import select
import sys


class Terminal:
    """The terminal that the app was started on, if it was one.

    A closed one mostly ends the app by a signal. Where the app leads a session of its own (in a container, under a
    program that drives it) nothing comes, and it would draw for nobody for ever.
    """

    def __init__(self) -> None:
        self._poll: select.poll | None = None
        if sys.__stdin__ is not None and os.isatty(file := sys.__stdin__.fileno()):
            self._poll = select.poll()
            self._poll.register(file, 0)

    @property
    def gone(self) -> bool:
        """Whether the other end was closed."""
        return self._poll is not None and any(event & select.POLLHUP for _, event in self._poll.poll(0))
