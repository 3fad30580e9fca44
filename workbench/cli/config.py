"""`workbench config`: experiments as TOML files."""

from pathlib import Path
from typing import Annotated

import typer

from workbench.cli.common import DONE, FormatOption
from workbench.cli.run import list_presets

app = typer.Typer(help="Write and check an experiment's TOML file.", rich_markup_mode=None)


@app.command()
def init(
    file: Annotated[Path, typer.Argument(help="The file to write; it must not exist.", metavar="FILE")] = Path(
        "experiment.toml"
    ),
) -> int:
    """Write a TOML file with every option, its meaning and its default."""
    from simulator.formats.output import whole
    from workbench.cli.common import narrate
    from workbench.engine.errors import UsageError
    from workbench.engine.plans.template import options_as_toml

    if file.exists():
        raise UsageError(f"{file} exists already: name another file, or remove it first")
    with whole(file) as target:
        target.write_text(options_as_toml(), encoding="utf-8")
    narrate(f"wrote {file}: edit it, then `workbench run {file}`")
    return DONE


@app.command()
def validate(file: Annotated[Path, typer.Argument(help="An experiment's TOML file.", metavar="FILE")]) -> int:
    """Check a TOML file without running it."""
    from workbench.cli.common import narrate
    from workbench.engine.plans.presets import read_plan

    plan = read_plan(file, None, {})
    runs = f" of {len(plan.parts)} runs" if len(plan.parts) > 1 else ""
    narrate(f"{file} is a valid experiment{runs}")
    return DONE


@app.command()
def presets(
    name: Annotated[
        str | None, typer.Argument(help="Print the TOML of this preset, to begin a file with.", metavar="NAME")
    ] = None,
    format: FormatOption = "table",
) -> int:
    """List the experiments of the paper that `workbench run --preset NAME` does."""
    from workbench.engine.plans.presets import find_preset

    if name is None:
        return list_presets(format)
    typer.echo(find_preset(name).text, nl=False)
    return DONE


@app.command()
def schema() -> int:
    """Print the JSON schema of the TOML file."""
    from workbench.cli.output import emit_one
    from workbench.engine.options import RunOptions

    emit_one(RunOptions.model_json_schema(), "json")
    return DONE
