"""How things look: palettes, stylesheets and one vocabulary of statuses, free of any terminal library."""

from themes.palette import ROLES, Palette, palettes, stylesheets
from themes.vocabulary import Status, ansi, status, statuses

__all__ = ["ROLES", "Palette", "Status", "ansi", "palettes", "status", "statuses", "stylesheets"]
