"""Plans of one or several runs: presets of the package, an experiment's TOML file, sweeps, and flags.

What is said later wins: preset, then file, then flags. A file is options, plus

    preset = "NAME"         the options to begin with
    about = "…"             a line for `--preset list`
    tables = ["…"]          which tables are printed (`workbench.statistics.study`)
    [sweep]                 option = list of values: every combination is a run of its own
    [[parts]]               several experiments: `preset`, options that differ, `at_most` scenarios, and
                            `index = "@NAME"` for the planned paths of the earlier part of that preset
    index = "@"             in a sweep that changes nothing about planning: its first run plans for all

A flag for an option that is swept fixes it.
"""

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.resources import files
from itertools import product
from pathlib import Path
from typing import Any

from storage.studies import part_label
from workbench.engine.errors import UsageError
from workbench.engine.experiment import needs_paths
from workbench.engine.options import RunOptions, parse_toml, read_toml, validate_options

_SUFFIX = ".toml"
_OURS = ("preset", "about", "tables", "sweep", "parts", "at_most")
"""Keys of a file that are no options of a run."""

SCORES = "domains"
"""The table that a run prints where nothing else is asked for."""

_SWEPT = ["sweep"]
"""The tables of a sweep where nothing else is asked for."""

MAX_RUNS = 500
"""Most runs of one plan: what is beyond that is more likely a slip than a wish."""


@dataclass(frozen=True, slots=True)
class Part:
    """One run of a plan.

    Fields:
        name: the preset or file that it comes from; several runs of a sweep share it.
        setting: what of the sweep it is, option -> value; empty without a sweep.
        options: of the run. `index` may be `@NAME`: the run of that earlier part.
        tables: those that its scores are for.
    """

    name: str
    setting: Mapping[str, Any]
    options: RunOptions
    tables: tuple[str, ...]

    @property
    def reuses(self) -> str | None:
        """Name of the earlier part whose planned paths it uses, if it does."""
        index = self.options.index or ""
        return index[1:] if index.startswith("@") else None

    @property
    def label(self) -> str:
        """What people call it."""
        return part_label(self.name, self.setting)


@dataclass(frozen=True, slots=True)
class Plan:
    """Runs to be done in order.

    Fields:
        name: of the preset or file; empty for a single run that was only given by options.
        parts: at least one.
    """

    name: str
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Preset:
    """A preset of the package. `about`: what it is for, in a line; `text`: its TOML."""

    name: str
    about: str
    text: str


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a preset and an experiment's file say together, before there are flags.

    Fields:
        label: name of the plan; empty for a single run that is only given by options.
        source: what errors name as the place.
        preset: the one that it begins with, or empty. own: what the file says over it, option -> value.
    """

    label: str = ""
    source: str = "options"
    preset: str = ""
    own: Mapping[str, Any] = field(default_factory=dict)

    def plan(self, flags: Mapping[str, Any]) -> Plan:
        """Return the runs that it means with these flags; a flag that is None was not given.

        Raises:
            UsageError: something in it or in the flags is not allowed.
        """
        given = {key: value for key, value in flags.items() if value is not None}
        values = _over(_preset_values(self.preset, self.source), self.own) if self.preset else dict(self.own)
        parts = tuple(_parts(values, given, self.label or "run", self.source))
        if len(parts) > MAX_RUNS:
            raise UsageError(f"{self.source}: that makes {len(parts)} runs; at most {MAX_RUNS} go into one plan")
        for i, part in enumerate(parts):
            if part.reuses is not None and part.reuses not in {earlier.name for earlier in parts[:i]}:
                raise UsageError(
                    f"{self.source}: index = {part.options.index!r}: no earlier part is called {part.reuses!r}"
                )
        return Plan(self.label, parts)

    def without(self, names: Container[str]) -> "Recipe":
        """Return it without what its file says of some options."""
        return replace(self, own=_without(self.own, names))

    def values(self, flags: Mapping[str, Any]) -> dict[str, Any]:
        """Return the keys of a file that means, without flags, what this means with these."""
        own = _without(self.own, flags)
        if own.get("sweep", None) == {} and "tables" not in own:
            own["tables"] = _SWEPT  # those of a sweep, though the flags leave nothing of it
        return ({"preset": self.preset} if self.preset else {}) | own | dict(flags)


@cache
def presets() -> tuple[Preset, ...]:
    """Return every preset, in the order of their names."""
    found = [file for file in files("workbench.presets").iterdir() if file.name.endswith(_SUFFIX)]
    texts = sorted((file.name.removesuffix(_SUFFIX), file.read_text("utf-8")) for file in found)
    return tuple(Preset(name, str(parse_toml(text, name)["about"]), text) for name, text in texts)


def find_preset(name: str) -> Preset:
    """Return a preset by its name.

    Raises:
        UsageError: there is none.
    """
    known = {preset.name: preset for preset in presets()}
    if name not in known:
        raise UsageError(f"--preset: there is no preset {name!r}: there are {', '.join(known)}")
    return known[name]


def read_plan(path: Path | None, preset: str | None, flags: Mapping[str, Any]) -> Plan:
    """Merge a preset, an experiment's TOML file and flags into the runs that they mean; see `read_recipe`.

    Args:
        flags: a flag that is None was not given.

    Raises:
        UsageError: the file can't be read, there is no such preset, or something in one of them is not allowed.
    """
    return read_recipe(path, preset).plan(flags)


def read_recipe(path: Path | None, preset: str | None) -> Recipe:
    """Read what a preset and an experiment's TOML file say.

    Args:
        preset: wins over the one that the file names.

    Raises:
        UsageError: the file can't be read, or there is no such preset.
    """
    own = {} if path is None else _named_keys(read_toml(path))
    named = own.pop("preset", None)
    name = str(preset or named or "")
    if name:
        find_preset(name)
    label = name or (path.stem if path is not None and own.keys() & {"sweep", "parts"} else "")
    return Recipe(label, str(path or f"preset {name}"), name, own)


def _parts(values: dict[str, Any], given: Mapping[str, Any], label: str, source: str) -> Iterator[Part]:
    if "parts" not in values:
        yield from _runs(values, given, label, source)
        return
    shared = {key: value for key, value in values.items() if key not in _OURS}
    for entry in values["parts"]:
        if not isinstance(entry, dict) or "preset" not in entry:
            raise UsageError(f"{source}: parts: each names a preset")
        part = _named_keys(entry)
        name = str(part.pop("preset"))
        inner = _over(_over(_preset_values(name, source), shared), part)
        if "parts" in inner:
            raise UsageError(f"{source}: parts: the preset {name!r} is itself made of parts")
        yield from _runs(inner, given, name, source)


def _runs(values: dict[str, Any], given: Mapping[str, Any], label: str, source: str) -> Iterator[Part]:
    sweep = values.get("sweep", {})
    if not isinstance(sweep, dict) or not all(isinstance(v, list) and v for v in sweep.values()):
        raise UsageError(f"{source}: sweep: name options, each with a list of values")
    tables = values.get("tables", _SWEPT if sweep else [SCORES])
    options = {key: value for key, value in values.items() if key not in _OURS}
    at_most = values.get("at_most")
    if at_most is not None:
        if not isinstance(at_most, int) or at_most < 1:
            raise UsageError(f"{source}: at_most: a number of scenarios, 1 or more")
        limit = given.get("limit", options.get("limit"))
        given = {**given, "limit": at_most if limit is None else min(limit, at_most)}
    swept = {key: choices for key, choices in sweep.items() if key not in given}
    for i, combination in enumerate(product(*swept.values())):
        setting = dict(zip(swept, combination, strict=True))
        paths = {"index": f"@{label}" if i else None} if options.get("index") == "@" else {}
        checked = validate_options({**options, **setting, **paths}, given, source)
        if (checked.index or "").startswith("@") and not any(map(needs_paths, checked.arms)):
            checked = checked.model_copy(update={"index": None})  # nor does the part that it names plan, perhaps
        yield Part(label, setting, checked, tuple(tables))


def _preset_values(name: str, source: str) -> dict[str, Any]:
    values = _named_keys(parse_toml(find_preset(name).text, source))
    parent = values.pop("preset", None)
    return _over(_preset_values(parent, source), values) if parent else values


def _over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Lay values over others. An option that is set above is no longer swept, and one that is swept no longer set."""
    sweep = {key: choices for key, choices in below.get("sweep", {}).items() if key not in above}
    sweep |= above.get("sweep", {})
    merged = {key: value for key, value in {**below, **above}.items() if key != "sweep"}
    return merged | ({"sweep": sweep} if sweep else {})


def _without(values: Mapping[str, Any], names: Container[str]) -> dict[str, Any]:
    """Leave options out, of a sweep and of the entries of parts too; a sweep of nothing stays."""
    found = {key: value for key, value in values.items() if key not in names}
    if isinstance(sweep := found.get("sweep"), Mapping):
        found["sweep"] = {key: choices for key, choices in sweep.items() if key not in names}
    if isinstance(parts := found.get("parts"), list):
        found["parts"] = [_without(_named_keys(part), names) if isinstance(part, dict) else part for part in parts]
    return found


def _named_keys(values: Mapping[str, Any]) -> dict[str, Any]:
    """Spell options as they are named here: `index-size` is `index_size`, in a sweep too."""
    found = {key.replace("-", "_"): value for key, value in values.items()}
    if isinstance(found.get("sweep"), dict):
        found["sweep"] = {key.replace("-", "_"): value for key, value in found["sweep"].items()}
    return found
