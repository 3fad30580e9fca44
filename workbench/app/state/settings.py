"""What a user sets about the app (a TOML file of theirs), and what the app remembers for them (a file of its own)."""

import contextlib
import json
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from themes.palette import palettes

_FOLDER = "personal-safety-workbench"
_DEFAULT_THEME = "dark"


class SettingsError(ValueError):
    """The settings file can't be used; the message says where and why, in one line."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How the app looks and listens.

    Fields:
        theme: name of a palette.
        blurred: sensitive texts are blurred from the start.
        keys: id of a binding -> its keys, comma-separated (`"scenarios.plan" -> "ctrl+r"`).
        toured: the first-run notice was read.
        memory: where theme and `toured` are remembered; None = nowhere.
    """

    theme: str = _DEFAULT_THEME
    blurred: bool = False
    keys: Mapping[str, str] = field(default_factory=dict)
    toured: bool = False
    memory: Path | None = None

    def remember(self, **changes: Any) -> "Settings":
        """Return the settings with changes, which are written down if there is a place for them."""
        changed = replace(self, **changes)
        if changed.memory is not None:
            with contextlib.suppress(OSError):  # a read-only home is no reason to fail
                changed.memory.parent.mkdir(parents=True, exist_ok=True)
                changed.memory.write_text(json.dumps({"theme": changed.theme, "toured": changed.toured}), "utf-8")
        return changed


def settings_path() -> Path:
    """Return where the user's file is looked for: WORKBENCH_APP_CONFIG, else app.toml in the configuration folder."""
    named = os.environ.get("WORKBENCH_APP_CONFIG")
    return Path(named) if named else _home("XDG_CONFIG_HOME", ".config") / "app.toml"


def read_settings() -> Settings:
    """Read the user's file (a missing one sets nothing) and what was remembered; the user's file wins.

    Raises:
        SettingsError: the file can't be read, or something in it is not allowed.
    """
    memory = _home("XDG_STATE_HOME", ".local/state") / "app.json"
    remembered: dict[str, Any] = {}
    with contextlib.suppress(OSError, ValueError):
        found = json.loads(memory.read_text("utf-8"))
        if isinstance(found, dict):
            remembered = found
    path = settings_path()
    given = _read(path)
    theme = remembered.get("theme")
    if "theme" in given:
        theme = _theme(path, given["theme"])
    return Settings(
        theme=theme if isinstance(theme, str) and theme in palettes() else _DEFAULT_THEME,
        blurred=_checked(path, given, "blurred", bool, False),
        keys=_keys(path, given),
        toured=remembered.get("toured") is True,
        memory=memory,
    )


def _home(variable: str, otherwise: str) -> Path:
    return Path(os.environ.get(variable) or Path.home() / otherwise) / _FOLDER


def _read(path: Path) -> dict[str, Any]:
    try:
        given = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror or error}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: not TOML: {error}") from error
    for name in given:
        if name not in ("theme", "blurred", "keys"):
            raise SettingsError(f"{path}: there is no setting {name!r}: there are theme, blurred and the table keys")
    return given


def _theme(path: Path, name: object) -> str:
    if not isinstance(name, str) or name not in palettes():
        raise SettingsError(f"{path}: there is no theme {name!r}: there are {', '.join(palettes())}")
    return name


def _checked(path: Path, given: Mapping[str, Any], name: str, kind: type, default: Any) -> Any:
    value = given.get(name, default)
    if not isinstance(value, kind):
        raise SettingsError(f"{path}: {name} must be true or false, not {value!r}")
    return value


def _keys(path: Path, given: Mapping[str, Any]) -> dict[str, str]:
    keys = given.get("keys", {})
    if not isinstance(keys, dict) or not all(isinstance(value, str) and value for value in keys.values()):
        raise SettingsError(f'{path}: keys must be a table of texts, as in "scenarios.plan" = "ctrl+r"')
    return keys
