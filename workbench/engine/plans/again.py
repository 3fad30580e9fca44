"""Doing a stored run again: its experiment as a file that the command line takes, and the command itself."""

from pathlib import Path

from simulator.build.posts import survey
from simulator.formats import FormatError
from storage.runfigures import RunStory
from storage.studies import Membership
from workbench.engine.errors import UsageError
from workbench.engine.options import RunOptions
from workbench.engine.plans.template import experiment_as_toml
from workbench.workers.logs import log_folder

_SELECTION = ("synthetic", "source", "domains", "limit", "build_seed")
"""Options that choose scenarios. The run's own scenarios stand in the database, and are named instead: what was
imported since would otherwise make another experiment of it."""

_COMMANDS = {"run": ["run"], "plan": ["plan", "--experiment"]}


def command_again(
    path: Path, story: RunStory, study: Membership | None = None, *, retry_failed: bool = False
) -> list[str]:
    """Return the arguments of `workbench` that take up a run where it ended, and write the file that they name.

    Args:
        path: the database; the file stands beside it.
        study: where the run stands in a study; one that is not finished goes on.
        retry_failed: do its failed units or items again, too: of this run alone.

    Raises:
        UsageError: nothing can take up this run (it was imported, say), or the file can't be written.
    """
    if study is not None and not study.finished and not retry_failed:
        return ["study", "--again", study.study]
    own = {"build": _build_again, "judge": _judge_again}.get(story.kind)
    command = own(story) if own is not None else _COMMANDS.get(story.kind)
    if command is None:
        raise UsageError(f"run {story.run} is of kind {story.kind}: there is no experiment to take up")
    folder = log_folder(path.absolute())
    file = folder / f"again-{story.run}.toml"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file.write_text(experiment_toml(story), "utf-8")
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror or error}") from error
    asks = retry_failed and story.kind != "judge"  # which tries what failed again in any case
    return [*command, str(file), *(["--retry-failed"] if asks else [])]


def experiment_toml(story: RunStory) -> str:
    """Return a TOML file of options with which the run's identity comes out again."""
    settings = {name: value for name, value in story.settings.items() if name not in _SELECTION}
    scenarios = story.experiment.get("scenarios", ())
    options = RunOptions.model_validate(settings | {"scenarios": scenarios})
    named = ", with its scenarios by name" if scenarios else ""
    return f"# The experiment of run {story.run}{named}.\n{experiment_as_toml(options)}"


def _build_again(story: RunStory) -> list[str]:
    """Return the command that builds the same again, but for its file of settings.

    Raises:
        UsageError: it read posts, and their file is gone or has changed.
    """
    what = story.experiment
    if "profiles" in what:
        given = {"--synthetic": "profiles", "--queries": "queries", "--missing": "missing", "--seed": "seed"}
        source = [part for flag, name in given.items() for part in (flag, str(what[name]))]
    else:
        source = ["--from", str(_posts_again(story)), "--presence", str(what["presence"]), "--seed", str(what["seed"])]
    return ["scenarios", "build", *source, "--leaks", what["leaks"], "--world", story.world, "--experiment"]


def _posts_again(story: RunStory) -> Path:
    """Return the file of posts that a build reads, as long as it is what it was."""
    what = story.experiment
    if "folder" not in what:
        raise UsageError(
            f"build {story.run} reads {what.get('file', 'a file of posts')}, and where that lies is not stored: "
            "the command in the shell that began it goes on with it"
        )
    file = Path(what["folder"], what["file"])
    try:
        found = survey(file)
    except FormatError as error:
        raise UsageError(
            f"build {story.run} can't go on without its posts: {file} is gone or can't be read. Put it back, or give "
            "the command that began the build in a shell, with --from and the file's new place"
        ) from error
    if found.hash != what["posts"]:
        raise UsageError(
            f"build {story.run} can't go on: {file} has changed since it began. Put back the file as it was; "
            "what stands there now makes a build of its own (workbench scenarios build)"
        )
    return file


def _judge_again(story: RunStory) -> list[str]:
    """Return the command that goes on judging, but for its file of settings."""
    what = story.experiment
    flags = ["--judges", ",".join(what["judges"]), "--repeats", str(what["repeats"])]
    return ["judge", what["run"], *flags, "--world", story.world, "--experiment"]
