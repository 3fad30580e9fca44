"""The options of a run as a TOML file: all of them explained, or those of one experiment."""

import json
import textwrap
from collections.abc import Mapping

from workbench.engine.options import TABLES, RunOptions

_TABLES = """
# Tables come last. Endpoints beside --base-url, for models that are served in different places:
#
# [endpoints.local]
# base_url = "http://127.0.0.1:8000/v1"
# models = { "Qwen-2.5-7B" = "Qwen/Qwen2.5-7B-Instruct" }    # name used here = name the server uses
#
# [endpoints.hosted]
# base_url = "https://example.openai.azure.com"
# kind = "azure"
# api_version = "2024-10-21"
# key_env = "AZURE_OPENAI_API_KEY"
# models = { "GPT-4o" = "gpt-4o" }
# max_in_flight = 16
#
# How responses are sampled, how each role speaks (agent, judge, planner, user), and for planner and user which model
# speaks; the default is the answering model:
#
# [roles.responses]
# temperature = 0.7
# top_p = 0.95
# max_tokens = 1024
#
# [roles.judge]
# temperature = 0.0
#
# Prices per million tokens, for the ledger:
#
# [prices."GPT-4o"]
# prompt = 2.5
# cached = 1.25
# completion = 10.0
"""


def options_as_toml() -> str:
    """Return a TOML text with every option: its meaning, and its default, commented out."""
    lines = [
        "# An experiment: every flag of `workbench run` can stand here; a flag on the command line wins.",
        "# Lines are commented out where they hold the default.",
        "",
    ]
    for name, field in RunOptions.model_fields.items():
        if name in TABLES:
            continue
        lines += textwrap.wrap(field.description or "", 110, initial_indent="# ", subsequent_indent="# ")
        # JSON's numbers, strings and arrays are TOML's too.
        value = '""' if field.default is None else json.dumps(field.default)
        lines += [f"# {name} = {value}", ""]
    return "\n".join(lines) + _TABLES


def experiment_as_toml(options: RunOptions) -> str:
    """Return a TOML text that `read_options` reads as these options; what has its default is left out."""
    return values_as_toml(options.model_dump(mode="json", exclude_defaults=True))


def values_as_toml(values: Mapping[str, object]) -> str:
    """Return a TOML text of these keys, one a line; what is None is left out."""
    return "".join(f"{name} = {_toml(value)}\n" for name, value in values.items() if value is not None)


def _toml(value: object) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_toml(k)} = {_toml(v)}" for k, v in value.items() if v is not None) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    # JSON's texts are TOML's too, but for DEL, which TOML wants escaped.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
