"""The options of a run as a commented TOML file."""

import json
import textwrap

from workbench.engine.options import RunOptions


def options_as_toml() -> str:
    """Return a TOML text with every option: its meaning, and its default, commented out."""
    lines = [
        "# An experiment: every flag of `workbench run` can stand here; a flag on the command line wins.",
        "# Lines are commented out where they hold the default.",
        "",
    ]
    for name, field in RunOptions.model_fields.items():
        lines += textwrap.wrap(field.description or "", 110, initial_indent="# ", subsequent_indent="# ")
        # JSON's numbers, strings and arrays are TOML's too.
        value = '""' if field.default is None else json.dumps(field.default)
        lines += [f"# {name} = {value}", ""]
    return "\n".join(lines)
