"""How the app draws: statuses, colours of the theme, bars and dots."""

from collections.abc import Sequence
from functools import cache

from rich.style import Style
from textual.app import App
from textual.color import Color
from textual.content import Content
from textual.style import Style as VisualStyle
from textual.theme import Theme
from textual.widget import Widget

from themes import Palette, palettes, status
from workbench.app.state.spans import Span
from workbench.figures import dots as dots

_EIGHTHS = " ▏▎▍▌▋▊▉"
LOWEST, HIGHEST = 1.0, 5.0
"""The scale of values and scores."""


def status_content(name: str, *, word: bool = True) -> Content:
    """Return a status as glyph and word in its colour; `word=False` only where the word stands beside it anyway.

    Raises:
        KeyError: the vocabulary has no such status.
    """
    found = status(name)
    return Content.styled(found.label() if word else found.glyph, f"${found.colour}")


def clickable(content: Content, action: str) -> Content:
    """Return text that does an action, such as `screen.plan`, when it is clicked."""
    return content.stylize(VisualStyle.from_meta({"@click": action}))


def content_of(line: Sequence[Span]) -> Content:
    """Return a line's pieces as styled text."""
    return Content("").join(Content.styled(span.text, f"{'bold ' * span.bold}${span.role}") for span in line)


def themes() -> list[Theme]:
    """Return a theme for every palette."""
    return [_theme(palette) for palette in palettes().values()]


def rich_style(
    widget: Widget | App[None],
    role: str,
    *,
    bold: bool = False,
    dim: bool = False,
    reverse: bool = False,
    background: str | None = None,
) -> Style:
    """Return the style of a colour role in the theme of now, for widgets that draw lines.

    Args:
        role, background: names of theme variables, such as `value-high` or `surface`.
    """
    variables = (widget if isinstance(widget, App) else widget.app).theme_variables
    return _style(variables[role], variables[background] if background else None, bold=bold, dim=dim, reverse=reverse)


def value_style(widget: Widget | App[None], q: float, *, bold: bool = False) -> Style:
    """Return the colour of a value 1-5: from `value-low` over `value-mid` to `value-high`."""
    variables = (widget if isinstance(widget, App) else widget.app).theme_variables
    # A step of 1/40 can't be told apart, and so that many styles are kept.
    share = round(min(1.0, max(0.0, (q - LOWEST) / (HIGHEST - LOWEST))) * 40) / 40
    return _value_style(variables["value-low"], variables["value-mid"], variables["value-high"], share, bold)


def bar(fraction: float, width: int) -> str:
    """Return a bar of exactly `width` cells, filled to `fraction` (0-1) in eighths of a cell."""
    filled = round(min(1.0, max(0.0, fraction)) * width * 8)
    whole, rest = divmod(filled, 8)
    return ("█" * whole + (_EIGHTHS[rest] if rest else "")).ljust(width)


@cache
def _style(colour: str, background: str | None, *, bold: bool, dim: bool, reverse: bool) -> Style:
    ground = Color.parse(background).rich_color if background else None
    return Style(color=Color.parse(colour).rich_color, bgcolor=ground, bold=bold, dim=dim, reverse=reverse)


@cache
def _value_style(low: str, middle: str, high: str, share: float, bold: bool) -> Style:
    if low.startswith("ansi_"):  # sixteen colours have nothing in between
        colour = Color.parse(low if share < 0.4 else middle if share < 0.65 else high)
    elif share < 0.5:
        colour = Color.parse(low).blend(Color.parse(middle), share * 2)
    else:
        colour = Color.parse(middle).blend(Color.parse(high), share * 2 - 1)
    return Style(color=colour.rich_color, bold=bold)


def _theme(palette: Palette) -> Theme:
    colours = palette.colours
    variables = dict(colours) | {
        "text-muted": colours["muted"],
        "footer-key-foreground": colours["accent"],
        "footer-description-foreground": colours["muted"],
    }
    return Theme(
        name=palette.name,
        dark=palette.dark,
        ansi=palette.ansi,
        primary=colours["primary"],
        secondary=colours["secondary"],
        warning=colours["warning"],
        error=colours["error"],
        success=colours["success"],
        accent=colours["accent"],
        foreground=colours["foreground"],
        background=colours["background"],
        surface=colours["surface"],
        panel=colours["panel"],
        boost="ansi_default" if palette.ansi else None,
        variables=variables | (_ansi_variables(palette) if palette.ansi else _variables(palette)),
    )


def _variables(palette: Palette) -> dict[str, str]:
    colours = palette.colours
    return {
        "block-cursor-background": colours["primary"],
        "block-cursor-foreground": colours["background"],
        "block-cursor-text-style": "none",
        "input-selection-background": f"{colours['primary']} 35%",
        "scrollbar": colours["border-blurred"],
        "scrollbar-hover": colours["muted"],
        "scrollbar-active": colours["primary"],
        "scrollbar-background": colours["surface"],
        "scrollbar-background-hover": colours["surface"],
        "scrollbar-background-active": colours["surface"],
        "scrollbar-corner-color": colours["surface"],
    }


def _ansi_variables(palette: Palette) -> dict[str, str]:
    ground, text = ("ansi_black", "ansi_white") if palette.dark else ("ansi_white", "ansi_black")
    marked, mark = ("ansi_black", "ansi_white") if palette.dark else ("ansi_bright_white", "ansi_blue")
    return {
        "ansi-background": ground,
        "ansi-foreground": text,
        "block-cursor-foreground": marked,
        "block-cursor-background": mark,
        "input-cursor-background": text,
        "input-cursor-foreground": ground,
        "input-selection-background": "ansi_cyan",
        "input-selection-foreground": ground,
        "screen-selection-background": "ansi_cyan",
        "screen-selection-foreground": ground,
        "scrollbar": "ansi_bright_black",
        "scrollbar-hover": palette.colours["primary"],
        "scrollbar-active": palette.colours["primary"],
        "scrollbar-background": "ansi_default",
        "scrollbar-background-hover": "ansi_default",
        "scrollbar-background-active": "ansi_default",
        "scrollbar-corner-color": "ansi_default",
    }
