"""Doing a stored run again: its experiment as a file that the command line takes, and the command itself."""

from pathlib import Path

from storage.runfigures import RunStory
from workbench.engine.errors import UsageError
from workbench.engine.options import RunOptions
from workbench.engine.template import experiment_as_toml
from workbench.workers.logs import log_folder

_SELECTION = ("synthetic", "source", "domains", "limit", "build_seed")
"""Options that choose scenarios. The run's own scenarios stand in the database, and are named instead: what was
imported since would otherwise make another experiment of it."""

_COMMANDS = {"run": ["run"], "plan": ["plan", "--experiment"]}


def command_again(path: Path, story: RunStory, *, retry_failed: bool = False) -> list[str]:
    """Return the arguments of `workbench` that take up a run where it ended, and write the file that they name.

    Args:
        path: the database; the file stands beside it.
        retry_failed: do its failed units again, too.

    Raises:
        UsageError: nothing did this run (it was imported), or the file can't be written.
    """
    if story.kind not in _COMMANDS:
        raise UsageError(f"run {story.run} is of kind {story.kind}: there is no experiment to take up")
    folder = log_folder(path.absolute())
    file = folder / f"again-{story.run}.toml"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file.write_text(experiment_toml(story), "utf-8")
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror or error}") from error
    return [*_COMMANDS[story.kind], str(file), *(["--retry-failed"] if retry_failed else [])]


def experiment_toml(story: RunStory) -> str:
    """Return a TOML file of options with which the run's identity comes out again."""
    settings = {name: value for name, value in story.settings.items() if name not in _SELECTION}
    options = RunOptions.model_validate(settings | {"scenarios": story.experiment["scenarios"]})
    return f"# The experiment of run {story.run}, with its scenarios by name.\n{experiment_as_toml(options)}"
