"""The run form's state: what is filled in, what is wrong with it, and what such a run will take."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError

from workbench.app.state.spans import Line, Span, line, muted, number, span_of_time, status_span
from workbench.engine.errors import UsageError
from workbench.engine.estimate import Estimate, estimate
from workbench.engine.measures import History, Range
from workbench.engine.models import endpoints
from workbench.engine.options import RunOptions, read_options
from workbench.engine.worlds import names
from workbench.text import counted

TEXTS = ("models", "judges", "base_url", "rollouts", "seed", "file")
CHOICES = ("world", "planner", "persona")
LISTS = ("models", "judges")

_WHICH = ("synthetic", "source", "domains", "scenarios", "limit")
"""Options that choose scenarios: here the list has chosen them."""

_LABEL = 11


class Outlook(NamedTuple):
    """What the form amounts to now.

    Fields:
        options: of the run, None where something is wrong. errors: field -> what is wrong with it.
        estimate: what the run will take.
    """

    options: RunOptions | None
    errors: Mapping[str, str]
    estimate: Estimate | None


class RunFormState:
    """What is filled in.

    Args:
        scenarios: ids of what the run is about.
        known: number of known attributes (0-10) -> number of scenarios that have so many.

    Fields:
        arms: chosen ones. values: field -> text; empty texts keep the default.
        past: what earlier runs measured. served: models of workers in the background.
    """

    def __init__(self, scenarios: Sequence[str], known: Mapping[int, int]) -> None:
        self.scenarios, self.known = tuple(scenarios), dict(known)
        self.past, self.served = History(), tuple[str, ...]()
        self._base: dict[str, Any] = {}
        self._file_error: str | None = None
        self.arms: tuple[str, ...] = ()
        self.values: dict[str, str] = {}
        self._take(RunOptions.model_validate({}))

    def read_file(self, path: str) -> None:
        """Take the options of an experiment's TOML file; what it says fills the form. An empty path drops them."""
        self.values["file"], self._file_error, self._base = path, None, {}
        if not path.strip():
            return
        try:
            options = read_options(Path(path.strip()).expanduser(), {})
        except UsageError as error:
            self._file_error = str(error)
            return
        given = options.model_dump(exclude_unset=True)
        self._base = {name: value for name, value in given.items() if name not in _WHICH}
        self._take(options)

    def outlook(self) -> Outlook:
        """Check what is filled in, and estimate what such a run will take."""
        errors = {} if self._file_error is None else {"file": self._file_error}
        given: dict[str, Any] = {"arms": self.arms, "scenarios": self.scenarios}
        for name in (*CHOICES, *TEXTS):
            text = self.values[name].strip()
            if name != "file" and text:
                given[name] = tuple(w.strip() for w in text.split(",") if w.strip()) if name in LISTS else text
        try:
            options = RunOptions.model_validate({k: v for k, v in self._base.items() if k not in self.values} | given)
        except ValidationError as error:
            for problem in error.errors():
                name = str(problem["loc"][0]) if problem["loc"] else "file"
                message = problem["msg"].removeprefix("Value error, ")
                errors.setdefault(name if name in self.values or name == "arms" else "file", _lower(message))
            return Outlook(None, errors, None)
        errors |= self._check(options)
        if errors:
            return Outlook(None, errors, None)
        models, judges = names(options)
        return Outlook(options, {}, estimate(options, self.known, self.past, models=models, judges=judges))

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

    def _take(self, options: RunOptions) -> None:
        self.arms = options.arms
        self.values = {
            "world": options.world,
            "models": ", ".join(options.models),
            "judges": ", ".join(options.judges),
            "base_url": options.base_url or "",
            "planner": options.planner,
            "rollouts": str(options.rollouts),
            "persona": options.persona,
            "seed": str(options.seed),
            "file": self.values.get("file", "") if self.values else "",
        }


def estimate_lines(found: Estimate, world: str) -> list[Line]:
    """Return the estimate as a small table."""
    lines = [
        line(status_span("estimate"), muted(f"  {found.basis}")),
        _row("units", f"{found.units:,}", f"{counted(found.searches, 'search')}, {counted(found.trials, 'trial')}"),
    ]
    if found.calls.mid:
        lines += [
            _row("calls", number(found.calls.mid), _between(found.calls)),
            _row("tokens", number(found.prompt_tokens.mid), f"{_between(found.prompt_tokens)} in prompts"),
            _row("", number(found.completion_tokens.mid), f"{_between(found.completion_tokens)} in completions"),
        ]
    else:
        lines.append(_row("calls", "none", f"the {world} world calls no language model"))
    seconds = found.seconds
    lines.append(_row("time", _time(seconds.mid), f"[{_time(seconds.low)}, {_time(seconds.high)}]"))
    if found.cost is not None:
        unpriced = f"; without {', '.join(found.unpriced)}, which have no price" if found.unpriced else ""
        interval = f"[{found.cost.low:,.2f}, {found.cost.high:,.2f}]{unpriced}"
        lines.append(_row("cost", f"{found.cost.mid:,.2f}", interval))
    elif found.calls.mid:
        lines.append(_row("cost", "unknown", "a file with [prices] tells what models cost"))
    return lines


def _row(label: str, value: str, about: str) -> Line:
    return line(muted(f"  {label:<{_LABEL}}"), Span(f"{value:>11}", bold=True), muted(f"  {about}"))


def _between(found: Range) -> str:
    return f"[{number(found.low)}, {number(found.high)}]"


def _time(seconds: float) -> str:
    return span_of_time(seconds) if seconds >= 1 else "under 1 s"


def _said(error: UsageError) -> str:
    """Return what is wrong, without the name of the flag that a command line would have."""
    return str(error).removeprefix("--world model: ")


def _lower(message: str) -> str:
    return message[:1].lower() + message[1:]
