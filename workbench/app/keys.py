"""What is wrong with the keys that a user has set: ids and keys that there are not, and keys that are taken."""

from collections.abc import Mapping
from importlib import import_module

from textual.binding import Binding
from textual.keys import Keys, key_to_character
from textual.screen import ModalScreen

from workbench.app.ahead import modules

_EVERYWHERE = ("app", "frame")
"""Ids that begin so hold on every screen."""
_MODIFIERS = {"ctrl", "shift", "alt", "super", "hyper", "meta"}
_NAMED = {key.value for key in Keys}


def faults(keys: Mapping[str, str]) -> list[str]:
    """Return what is wrong with keys that a user has set, a sentence each.

    Imports every screen, so it is asked after the first frame, and only where keys were set.

    Args:
        keys: id of a binding -> its keys, separated by commas.
    """
    known, dialogs = _bindings()
    found = [f"{name!r} is no key's id" for name in keys if name not in known.keys() | dialogs]
    found += [
        f"{name!r}: there is no key {key!r}" for name, chosen in keys.items() for key in _split(chosen) if not _is(key)
    ]
    taken = {name: {key_to_character(k) or k for k in _split(keys.get(name, key))} for name, key in known.items()}
    for name in keys:
        for other in known:
            first = other not in keys or name < other  # two that were set are told once
            if name in known and other != name and first and _together(name, other):
                found += [f"{name!r} and {other!r} both want {key!r}" for key in taken[name] & taken[other]]
    return found


def _bindings() -> tuple[dict[str, str], set[str]]:
    """Return the keys of every binding by its id; and the ids of dialogs, whose keys hold nowhere else."""
    found: dict[str, str] = {}
    dialogs = set[str]()
    for module in modules():
        for kind in vars(import_module(module)).values():
            if isinstance(kind, type):
                own = [binding for binding in vars(kind).get("BINDINGS", ()) if isinstance(binding, Binding)]
                keys = {binding.id: binding.key for binding in own if binding.id}
                if issubclass(kind, ModalScreen):
                    dialogs |= keys.keys()
                else:
                    found |= keys
    return found, dialogs


def _together(one: str, other: str) -> bool:
    """Return whether two bindings hold at once: of a screen, or one of them on every screen."""
    kinds = {name.partition(".")[0] for name in (one, other)}
    return len(kinds) == 1 or bool(kinds.intersection(_EVERYWHERE))


def _split(keys: str) -> list[str]:
    return [key.strip() for key in keys.split(",")]


def _is(key: str) -> bool:
    """Return whether there is a key that is called so."""
    *modifiers, name = key.split("+") if len(key) > 1 else [key]
    return _MODIFIERS.issuperset(modifiers) and (name in _NAMED or bool(name and key_to_character(name)))
