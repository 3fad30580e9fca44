"""The run form's state: what is filled in, what is wrong with it, and which runs it means."""

import hashlib
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError

from workbench.arms import ARMS, read_arms, spell_arms
from workbench.engine.errors import UsageError
from workbench.engine.estimation.estimate import Estimate, count_units, estimate, in_turn
from workbench.engine.estimation.measures import History
from workbench.engine.models import endpoints
from workbench.engine.options import RunOptions
from workbench.engine.plans.presets import Part, Plan, Recipe, read_recipe
from workbench.engine.plans.template import values_as_toml
from workbench.engine.worlds import names
from workbench.text import plain

TEXTS = ("models", "judges", "base_url", "rollouts", "seed")
CHOICES = ("world", "planner", "persona")
FIELDS = (*TEXTS, *CHOICES)
LISTS = ("models", "judges")

_WHICH = ("synthetic", "source", "domains", "scenarios", "limit")
"""Options that choose scenarios: here the list has chosen them."""

_SHOWN = 6
"""Values, or names of experiments, that are told one by one."""


class Outlook(NamedTuple):
    """What the form amounts to now.

    Fields:
        plan: the runs, None where something is wrong. errors: field -> what is wrong with it.
        estimate: what all of them will take.
    """

    plan: Plan | None
    errors: Mapping[str, str]
    estimate: Estimate | None


class RunFormState:
    """What is filled in.

    Args:
        scenarios: ids of what the run is about.
        masks: known attributes (a bit mask) -> number of scenarios that have exactly these.

    Fields:
        arms: plain ones that are ticked.
        values: field -> text; empty leaves it to the preset or the file, else to the default. `more`: further arms.
        various: field (or `arms`) that has not the same value in all runs of the preset -> its values in words.
        preset, file: what the fields were filled from; empty = none.
        past: what earlier runs measured. served: models of workers in the background.
    """

    def __init__(self, scenarios: Sequence[str], masks: Mapping[int, int]) -> None:
        self.scenarios, self.masks = tuple(scenarios), dict(masks)
        self.past, self.served = History(), tuple[str, ...]()
        self.preset = self.file = ""
        self.various: Mapping[str, str] = {}
        self._recipe = Recipe()
        self._parts: Sequence[Part] = ()
        self._unread: Mapping[str, str] = {}
        self._filled = dict(_DEFAULTS)
        self.arms, self.values = _split(self._filled)

    def fill(self, preset: str, file: str) -> None:
        """Take what a preset and a TOML file over it say; either may be empty.

        What they say fills the form; what neither says stays as it is.
        """
        self.preset, self.file, self._unread = preset, file, {}
        self._recipe, self._parts = Recipe(), ()
        try:
            path = Path(file.strip()).expanduser() if file.strip() else None
            recipe = read_recipe(path, preset or None).without(_WHICH)
            if preset or path is not None:
                self._recipe, self._parts = recipe, recipe.plan({}).parts
        except UsageError as error:
            self._unread = {"file" if file.strip() else "preset": str(error)}
        before, now = self._filled, self._texts()
        self._filled, stated = _DEFAULTS | now, {}
        for name, text in _joined(self.arms, self.values).items():
            untouched = text == before[name]
            stated[name] = now[name] if name in now else _DEFAULTS[name] if untouched else text
        self.arms, self.values = _split(stated)

    def hint(self, name: str) -> str:
        """Return what an empty field comes to, or nothing where only the default does."""
        if name in self.various:
            return self.various[name]
        filled = self._filled.get(name, "")
        return filled if filled != _DEFAULTS.get(name, "") else ""

    @property
    def runs(self) -> int:
        """Runs that preset and file mean, whatever was typed since."""
        return len(self._parts) or 1

    def about(self) -> list[str]:
        """Tell of preset and file, in lines: which runs they mean, and what they set that has no field."""
        told = []
        if len(self._parts) > 1:
            labels = dict.fromkeys(part.name for part in self._parts)
            swept = _settings(part.setting for part in self._parts).items()
            what = "; ".join(f"{_spoken(name)} {_listed(values)}" for name, values in swept)
            told.append(f"{len(self._parts)} runs: {what if len(labels) == 1 else ', '.join(labels)}")
        if self._parts and (kept := ", ".join(_kept(self._parts))):
            told.append(f"sets besides: {kept}")
        return [plain(line) for line in told]

    def outlook(self) -> Outlook:
        """Check what is filled in, and estimate what its runs will take."""
        given, errors = self._given()
        errors |= self._unread
        if errors:
            return Outlook(None, errors, None)
        try:
            plan = self._recipe.plan(given | {"scenarios": self.scenarios})
        except UsageError as error:
            return Outlook(None, {"file" if self.file.strip() else "preset": str(error)}, None)
        known: Counter[int] = Counter()
        for mask, scenarios in self.masks.items():
            known[mask.bit_count()] += scenarios
        estimates = []
        for part in plan.parts:
            if errors := self._check(part.options):
                return Outlook(None, errors, None)
            models, judges = names(part.options)
            units = count_units(part.options, self.masks, models, plans=part.reuses is None)
            estimates.append(estimate(part.options, units, known, self.past, judges=judges))
        return Outlook(plan, {}, in_turn(estimates))

    def written(self) -> tuple[Path, str]:
        """Return a TOML file that means these runs, without anything wrong in the form: its path in a folder, and text.

        In a file, since the ids of many scenarios are more than a command line takes, and to be looked at later.
        """
        given, _ = self._given()
        options = RunOptions.model_validate(given).model_dump(mode="json", include=set(given))
        text = values_as_toml(self._recipe.values(options | {"scenarios": list(self.scenarios)}))
        digest = hashlib.sha256(text.encode()).hexdigest()[:12]
        # Several runs from a file are called by its name.
        own = bool(self._recipe.label) and not self._recipe.preset
        return Path(digest, f"{self._recipe.label}.toml") if own else Path(f"{digest}.toml"), text

    # Inside

    def _given(self) -> tuple[dict[str, Any], dict[str, str]]:
        """Return what was typed over preset, file and defaults; and field -> what is wrong with it."""
        given: dict[str, Any] = {}
        errors: dict[str, str] = {}
        for name in FIELDS:
            text = self.values[name].strip()
            if text and text != self._filled[name]:
                given[name] = _words(text) if name in LISTS else text
        typed = _joined(self.arms, self.values)
        if (typed["arms"], typed["more"]) != (self._filled["arms"], self._filled["more"]):
            try:
                more = read_arms(_words(typed["more"])) if _words(typed["more"]) else ()
                given["arms"] = read_arms((*self.arms, *more)) if self.arms or more else ()
            except ValueError as error:
                errors["more"] = str(error)
        try:
            RunOptions.model_validate(given)
        except ValidationError as error:
            for problem in error.errors():
                message = problem["msg"].removeprefix("Value error, ")
                errors.setdefault(str(problem["loc"][0]), message[:1].lower() + message[1:])
        return given, errors

    def _check(self, options: RunOptions) -> dict[str, str]:
        """Check what only the world knows: its names, and where its models are served."""
        try:
            names(options.model_copy(update={"judges": ()}))
        except UsageError as error:
            return {"models": _said(error)}
        try:
            names(options)
        except UsageError as error:
            return {"judges": _said(error)}
        if options.world == "model" and options.workers is None:
            if self.served and not (options.base_url or options.endpoints):
                return {}
            try:
                endpoints(options, os.environ)
            except UsageError as error:
                return {"base_url": _said(error)}
        return {}

    def _texts(self) -> dict[str, str]:
        """Return what preset and file say, as it stands in the fields; note what each run says for itself."""
        found: dict[str, str] = {}
        various: dict[str, str] = {}
        for name in ("arms", *FIELDS):
            if not any(name in part.options.model_fields_set for part in self._parts):
                continue
            values = list(dict.fromkeys(getattr(part.options, name) for part in self._parts))
            if len(values) > 1:
                various[name] = f"each run's own: {_listed(values)}" if name != "arms" else "each run's own"
                found |= {"arms": "", "more": ""} if name == "arms" else {name: ""}
            elif name == "arms":
                found["arms"] = ", ".join(arm for arm in ARMS if arm in values[0])
                found["more"] = ", ".join(spell_arms([arm for arm in values[0] if arm not in ARMS]))
            else:
                found[name] = _text(values[0])
        self.various = various
        return found


def _text(value: object) -> str:
    """Return a value as it stands in a field."""
    return "" if value is None else ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _of(options: RunOptions) -> dict[str, str]:
    return {name: _text(getattr(options, name)) for name in FIELDS}


_DEFAULT = RunOptions.model_validate({})
_DEFAULTS = _of(_DEFAULT) | {"arms": ", ".join(arm for arm in ARMS if arm in _DEFAULT.arms), "more": ""}


def _joined(arms: Sequence[str], values: Mapping[str, str]) -> dict[str, str]:
    return {**values, "arms": ", ".join(arm for arm in ARMS if arm in arms)}


def _split(texts: Mapping[str, str]) -> tuple[tuple[str, ...], dict[str, str]]:
    """Return the plain arms, and the texts of all other fields."""
    return _words(texts["arms"]), {name: text for name, text in texts.items() if name != "arms"}


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


def _settings(settings: Iterable[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Return the values that each option of a sweep takes."""
    found: dict[str, list[Any]] = {}
    for setting in settings:
        for name, value in setting.items():
            if value not in (values := found.setdefault(name, [])):
                values.append(value)
    return found


def _kept(parts: Sequence[Part]) -> Iterator[str]:
    """Tell what all runs set that stands in no field."""
    first = parts[0].options
    for name in RunOptions.model_fields:
        value = getattr(first, name)
        if name in (*FIELDS, "arms") or value == getattr(_DEFAULT, name):
            continue
        if all(getattr(part.options, name) == value for part in parts) and not str(value).startswith("@"):
            said = isinstance(value, (str, int, float, tuple)) and value is not True
            yield f"{_spoken(name)} {_text(value)}" if said else _spoken(name)


def _listed(values: Sequence[Any]) -> str:
    told = [_text(value) or "the default" for value in values[:_SHOWN]]
    return ", ".join(told) + (" …" if len(values) > _SHOWN else "")


def _spoken(name: str) -> str:
    return name.replace("_", " ")


def _said(error: UsageError) -> str:
    """Return what is wrong, without the name of the flag that a command line would have."""
    return str(error).removeprefix("--world model: ")
