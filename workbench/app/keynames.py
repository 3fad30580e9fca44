"""How texts name keys: by the ids of their bindings, so that they say those that hold, whichever the user has set."""

from importlib import import_module
from typing import TYPE_CHECKING, cast

from textual.binding import Binding
from textual.content import Content
from textual.dom import DOMNode
from textual.screen import Screen
from textual.widget import Widget

from workbench.app.look import clickable

if TYPE_CHECKING:
    from workbench.app.app import WorkbenchApp
    from workbench.app.frame import WorkbenchScreen


def screen_class(name: str) -> "type[WorkbenchScreen]":
    """Import one of the six screens, by its name; not before it is needed, so that the app is there at once.

    Raises:
        ModuleNotFoundError: no screen is called so.
    """
    module = import_module(f"workbench.app.screens.{name}")
    return cast("type[WorkbenchScreen]", getattr(module, f"{name.title()}Screen"))


def key_name(widget: Widget, name: str) -> str:
    """Return the key of a binding: of a widget's screen and all that is on it, of the app, or of another screen.

    Args:
        name: the binding's id.

    Raises:
        KeyError: there is no such binding.
    """
    return _shown(widget, _binding(widget.screen, name)[0])


def hints_of(widget: Widget, *hints: tuple[str, str]) -> Content:
    """Return a line that says what keys do, and does it where it is clicked: words, and the id of a binding, each.

    What a widget does by itself, which must have the focus for it, is only said.
    """
    said = []
    for words, name in hints:
        binding, owner = _binding(widget.screen, name)
        text = Content(f"{words} {_shown(widget, binding)}")
        action = f"screen.{binding.action}" if owner is widget.screen else binding.action
        said.append(clickable(text, action) if action.startswith("screen.") else text)
    return Content(" · ").join(said)


def _shown(widget: Widget, binding: Binding) -> str:
    chosen = cast("WorkbenchApp", widget.app).settings.keys.get(binding.id or "")
    first = (chosen or binding.key).split(",")[0].strip()
    return widget.app.get_key_display(binding.with_key(first, None if chosen else binding.key_display))


def _binding(screen: Screen[object], name: str) -> tuple[Binding, DOMNode | None]:
    """Return a binding, and what has it; None where that is not on the screen."""
    for node in (screen, *screen.query("*"), screen.app):
        if binding := _declared(type(node), name):
            return binding, node
    if binding := _declared(screen_class(name.partition(".")[0]), name):
        return binding, None
    raise KeyError(name)


def _declared(kind: type, name: str) -> Binding | None:
    own = (each for base in kind.__mro__ for each in vars(base).get("BINDINGS", ()))
    return next((each for each in own if isinstance(each, Binding) and each.id == name), None)
