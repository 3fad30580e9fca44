"""What people put on a scenario or dialogue, as lines: bookmark, tags and note."""

from collections.abc import Callable

from storage.notes import Annotations
from workbench.app.state.spans import Line, Span, line, wrapped
from workbench.text import plain


def mark_lines(found: Annotations, width: int, sensitive: Callable[[str], str]) -> list[Line]:
    """Return bookmark, tags and note in lines of at most `width` cells; none where there is nothing.

    Args:
        sensitive: makes the note safe to show, and blurs it.
    """
    lines: list[Line] = []
    if found.bookmarked:
        lines.append(line(Span("★ ", "accent"), "bookmarked"))
    if found.tags:
        lines += [(Span(text, "accent"),) for text in wrapped(" ".join(f"#{plain(tag)}" for tag in found.tags), width)]
    if found.text.strip():
        first, *rest = wrapped(sensitive(found.text), width - 2)
        lines += [line(Span("✎ ", "accent"), first), *(line("  ", text) for text in rest)]
    return lines
