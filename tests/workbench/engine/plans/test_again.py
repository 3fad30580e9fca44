"""A stored run can be taken up from its row alone: the same identity comes out of the file written for it."""

import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from storage.database import open_readonly
from storage.runfigures import RunStory, run_story
from storage.studies import Membership
from tests.workbench.engine.running import options, work
from workbench.engine.errors import UsageError
from workbench.engine.options import RunOptions, read_options
from workbench.engine.plans.again import command_again, experiment_toml
from workbench.engine.prepare import prepare
from workbench.engine.scenarios.items import Posts


def story_of(path: Path, run: str) -> RunStory:
    db = open_readonly(path)
    try:
        return run_story(db, run)
    finally:
        db.conn.close()


@pytest.mark.parametrize(
    "chosen",
    [
        {"synthetic": 4, "seed": 3, "build_seed": 9, "arms": ("vanilla", "agent")},
        {"domains": ("Health",), "limit": 2, "arms": ("planner",), "rollouts": 10, "evaluations": "cache:1"},
        {"limit": 3, "arms": ("random",), "k": 2, "judges": ("a", "b"), "repeats": 2, "persona": "terse"},
    ],
)
def test_the_same_identity_comes_out(tmp_path: Path, chosen: dict[str, object]) -> None:
    path = tmp_path / "w.db"
    run = work(path, options(**chosen)).run
    verb, file, *flags = command_again(path, story_of(path, run))
    assert (verb, flags) == ("run", [])
    again = prepare(path, read_options(Path(file), {}))
    assert again.spec.identity == story_of(path, run).identity
    assert command_again(path, story_of(path, run), retry_failed=True)[2:] == ["--retry-failed"]


def test_tables_and_odd_texts_survive(tmp_path: Path) -> None:
    settings = {
        "world": "model",
        "models": ['say "x" \\ \n\x7f é'],
        "endpoints": {
            "here": {"base_url": "http://127.0.0.1:1/v1", "models": {"a b": "org/a"}, "timeout": 1.5, "key_env": "K"}
        },
        "system_messages": False,
        "prices": {"GPT-4o": {"prompt": 2.5, "completion": 10, "cached": None}},
    }
    story = RunStory("r", "plan", {"scenarios": ["s1", "s2"]}, settings, "i", "model", "1", "0", 0, None, (), (), {})
    read = tomllib.loads(experiment_toml(story))
    assert RunOptions.model_validate(read) == RunOptions.model_validate(settings | {"scenarios": ["s1", "s2"]})
    assert command_again(tmp_path / "w.db", story)[:2] == ["plan", "--experiment"]


def test_a_study_that_was_cut_off_goes_on_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "w.db"
    run = story_of(path, work(path, options(limit=1, arms=("vanilla",))).run)
    study = Membership("0123", "gains", False, "gains", 1, 1)
    assert command_again(path, run, study) == ["study", "--again", "0123"]
    assert command_again(path, run, study, retry_failed=True)[0] == "run"
    assert command_again(path, run, replace(study, finished=True))[0] == "run"


def build_of(about: dict[str, object], settings: dict[str, object]) -> RunStory:
    return RunStory("r", "build", about, settings, "i", "model", "1", "0", 4, None, (), (), {})


def test_a_build_of_profiles_is_taken_up(tmp_path: Path) -> None:
    settings = {"world": "model", "models": ["m"], "base_url": "http://127.0.0.1:1/v1", "seed": 4}
    about = {"profiles": 40, "queries": 3, "missing": 0.25, "seed": 4, "leaks": "keep", "model": "m"}
    line = command_again(tmp_path / "w.db", build_of(about, settings), retry_failed=True)
    expected = (
        "scenarios build --synthetic 40 --queries 3 --missing 0.25 --seed 4 --leaks keep --world model --experiment"
    )
    assert line[:-2] == expected.split()
    assert line[-1] == "--retry-failed"
    assert read_options(Path(line[-2]), {}) == RunOptions.model_validate(settings)


def test_a_build_from_posts_is_taken_up_while_their_file_is_what_it_was(tmp_path: Path) -> None:
    file = tmp_path / "posts.jsonl"
    file.write_text('{"text": "one"}\n')
    source = Posts(file, 5)
    about = {**source.identity, **source.shown, "seed": 4, "leaks": "keep", "model": "m"}
    story = build_of(about, {"world": "model", "models": ["m"], "seed": 4})
    expected = ["scenarios", "build", "--from", str(file), "--presence", "5", "--seed", "4", "--leaks", "keep"]
    assert command_again(tmp_path / "w.db", story)[:-1] == [*expected, "--world", "model", "--experiment"]
    file.write_text('{"text": "two"}\n')
    with pytest.raises(UsageError, match=r"posts\.jsonl has changed since it began"):
        command_again(tmp_path / "w.db", story)
    file.unlink()
    with pytest.raises(UsageError, match=r"posts\.jsonl is gone or can't be read"):
        command_again(tmp_path / "w.db", story)
    del about["folder"]  # as it was stored before places were
    with pytest.raises(UsageError, match=r"reads posts\.jsonl, and where that lies is not stored"):
        command_again(tmp_path / "w.db", build_of(about, {}))


def test_what_was_imported_has_no_experiment(tmp_path: Path) -> None:
    story = RunStory("r", "import", {}, {}, "i", "", "", "0", None, None, (), (), {})
    with pytest.raises(UsageError, match="of kind import"):
        command_again(tmp_path / "w.db", story)
