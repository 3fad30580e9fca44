"""Renders the prompts: the templates of this folder, strict, each with a version.

A template's header comment carries its version; its blocks `system` and `user` are the messages. Templates that begin
with an underscore are parts of others. Whatever a template prints is fenced (`simulator.prompts.fence`), and a missing
value is an error.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from jinja2 import DictLoader, Environment, StrictUndefined, Template
from jinja2.meta import find_referenced_templates

from simulator.attributes import N_ATTRIBUTES
from simulator.client.types import Message
from simulator.prompts import fence

_SUFFIX = ".j2"
_HEADER = re.compile(r"\{#\s*version (\d+):")
_PARTS: tuple[Literal["system", "user"], ...] = ("system", "user")


def render(name: str, **values: Any) -> tuple[Message, ...]:
    """Return the messages of a prompt.

    Raises:
        KeyError: there is no such template.
        jinja2.UndefinedError: a value that the template prints or tests is missing.
        TypeError: the template prints a text without a fence.
    """
    template = _templates()[name]
    context = template.new_context(values)
    blocks = template.blocks
    return tuple(Message(part, "".join(blocks[part](context)).strip()) for part in _PARTS if part in blocks)


@cache
def versions() -> Mapping[str, str]:
    """Return each prompt's version and a hash of its words and those of its parts: name -> `version-hash`."""
    sources = _sources()
    return {
        name: f"{_version(name + _SUFFIX)}-{hashlib.sha256(''.join(_closure(name + _SUFFIX)).encode()).hexdigest()[:8]}"
        for name in sorted(source.removesuffix(_SUFFIX) for source in sources if not source.startswith("_"))
    }


@cache
def _sources() -> dict[str, str]:
    folder = files("simulator.prompts")
    return {file.name: file.read_text("utf-8") for file in folder.iterdir() if file.name.endswith(_SUFFIX)}


def _version(file: str) -> int:
    header = _HEADER.match(_sources()[file])
    if header is None:
        raise ValueError(f"the template {file} does not begin with a comment that gives its version")
    return int(header[1])


def _closure(file: str) -> Iterator[str]:
    """Yield the source of a template and of whatever it includes."""
    source = _sources()[file]
    yield source
    for part in find_referenced_templates(_environment().parse(source)):
        if part is not None:
            yield from _closure(part)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=DictLoader(_sources()),
        undefined=StrictUndefined,
        finalize=fence.only_prose,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=False,
        autoescape=False,  # noqa: S701 - no HTML; what a prompt prints is fenced instead
    )
    environment.filters |= {
        "fence": fence.fence,
        "facts": fence.facts,
        "names": fence.names,
        "score": fence.score,
        "count": fence.count,
        "json": lambda schema: fence.Prose(json.dumps(dict(schema))),
    }
    environment.globals["everything"] = range(N_ATTRIBUTES)
    return environment


@cache
def _templates() -> dict[str, Template]:
    return {name: _environment().get_template(name + _SUFFIX) for name in versions()}
