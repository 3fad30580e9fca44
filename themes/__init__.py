"""How things look: one vocabulary of glyph, word and colour per status, free of any terminal library."""

from themes.vocabulary import Status, ansi, status, statuses

__all__ = ["Status", "ansi", "status", "statuses"]
