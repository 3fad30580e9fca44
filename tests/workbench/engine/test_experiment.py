"""What changes an experiment's identity, and what must not; what its units are (experiments.md, Units and identity)."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from planner.settings import PlannerSettings
from simulator.agent import AgentOptions
from simulator.build import build
from simulator.embed import get_embedder
from simulator.scenario import Profile, Scenario
from simulator.surrogate.world import SurrogateWorld
from storage.database import open_writable
from storage.scenarios import add_scenarios
from tests.workbench.engine.running import options as flags
from workbench.engine.errors import UsageError
from workbench.engine.experiment import Experiment, make_experiment
from workbench.engine.options import ARMS, RunOptions, read_options
from workbench.engine.prepare import prepare

SCENARIOS = list(build(6, 1))

FIXED = Experiment(
    scenarios=(Scenario("Is it late?", Profile((None,) * 10)), Scenario("Is it early?", Profile((None,) * 10))),
    models=("m",),
    arms=("vanilla", "planner"),
    judges=("a", "b"),
    repeats=1,
    k=3,
    planning=PlannerSettings(),
    evaluations="cache:3",
    search_judge="a",
    index=None,
    planned=None,
    leaky=False,
    embedder="lexical@1",
    neighbours=5,
    agent=AgentOptions(),
    seed=0,
    world_seed=0,
    world="surrogate",
    world_version="1",
    prompts={},
)
"""An experiment that depends on nothing that is computed."""
EVERYTHING = flags(arms=ARMS, judges=("a", "b"), models=("GPT-4o", "LLaMA-3.1-8B"))


def experiment(options: RunOptions = EVERYTHING, **other: Any) -> Experiment:
    arguments: dict[str, Any] = {
        "scenarios": SCENARIOS,
        "embedder": get_embedder(options.embedder),
        "index": None,
        "planned": None,
        **other,
    }
    return make_experiment(options, SurrogateWorld(), **arguments)


def changed(**options: Any) -> RunOptions:
    return flags(**{**EVERYTHING.model_dump(exclude_defaults=True), **options})


@pytest.mark.parametrize(
    "options",
    [
        {"models": ("GPT-4o",)},
        {"arms": ("vanilla", "planner")},
        {"judges": ("a", "c")},
        {"search_judge": "b"},
        {"repeats": 2},
        {"k": 4},
        {"planner": "greedy"},
        {"rule": "raise-literal"},
        {"rollouts": 299},
        {"depth": 4},
        {"c": 1.0},
        {"decay": 0.0},
        {"recommend": "visits"},
        {"evaluations": "fresh"},
        {"evaluations": "cache:2"},
        {"leaky_index": True},
        {"neighbours": 3},
        {"retrieval": "follow"},
        {"threshold": 5},
        {"max_questions": 3},
        {"persona": "terse"},
        {"crisis": "off"},
        {"seed": 1},
        {"world_seed": 1},
    ],
    ids=str,
)
def test_what_decides_results_changes_the_identity(options: dict[str, Any]) -> None:
    assert experiment(changed(**options)).identity != experiment().identity


@pytest.mark.parametrize(
    "options",
    [
        {"models": ("LLaMA-3.1-8B", "surrogate/GPT-4o")},
        {"arms": tuple(reversed(ARMS))},
        {"arms": (*ARMS, "vanilla")},
        {"judges": ("b", "a"), "search_judge": "a"},
        {"judges": ("a", "b", "a")},
        {"search_judge": "a"},
        {"evaluations": "cache:3"},
        {"evaluations": "cache:03"},
        {"world_seed": 0},
        {"domains": ("Health",)},  # what was chosen counts, not how
        {"limit": 3},
        {"synthetic": 6},
        {"c": 0.5},
    ],
    ids=str,
)
def test_the_same_experiment_said_otherwise_has_the_same_identity(options: dict[str, Any]) -> None:
    assert experiment(changed(**options)).identity == experiment().identity


def test_the_scenarios_count_and_not_their_order() -> None:
    assert experiment(scenarios=SCENARIOS[::-1]).identity == experiment().identity
    assert experiment(scenarios=SCENARIOS[1:]).identity != experiment().identity


def test_the_library_counts() -> None:
    assert experiment(index="hash").identity != experiment().identity
    assert experiment(index="hash").identity != experiment(index="other").identity
    planned = frozenset({SCENARIOS[0].profile.id})
    assert experiment(planned=planned).identity != experiment().identity


@pytest.mark.parametrize(
    ("arms", "unused"),
    [
        (("vanilla", "full"), {"rollouts": 7, "k": 9, "threshold": 1, "neighbours": 2, "leaky_index": True}),
        (("static", "oracle"), {"rollouts": 7, "threshold": 1, "persona": "terse"}),
        (("agent",), {"rollouts": 7, "k": 9, "planner": "random", "evaluations": "fresh"}),
    ],
)
def test_settings_of_what_does_not_run_do_not_count(arms: tuple[str, ...], unused: dict[str, Any]) -> None:
    assert experiment(changed(arms=arms, **unused)).identity == experiment(changed(arms=arms)).identity


def test_the_worlds_version_counts() -> None:
    class Newer(SurrogateWorld):
        def __init__(self) -> None:
            super().__init__()
            self.version += "x"

    assert make_experiment(EVERYTHING, Newer(), SCENARIOS, get_embedder(), None, None).identity != experiment().identity


def test_neither_database_nor_place_count(tmp_path: Path) -> None:
    options = flags(synthetic=4, arms=("vanilla",))
    (tmp_path / "sub").mkdir()
    paths = (tmp_path / "a.db", tmp_path / "sub" / "b.db")
    assert len({prepare(path, options).spec.identity for path in paths}) == 1


def test_stored_scenarios_are_the_same_as_built_ones(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    db = open_writable(path)
    add_scenarios(db, build(4, 0))
    db.conn.close()
    stored, built = flags(arms=("vanilla",)), flags(synthetic=4, arms=("vanilla",))
    assert prepare(path, stored).spec.identity == prepare(path, built).spec.identity


def test_units_are_searches_first_then_every_trial() -> None:
    units = list(experiment().units())
    searches = [unit for unit in units if unit.kind == "search"]
    trials = units[len(searches) :]
    assert {unit.kind for unit in trials} == {"trial"}
    assert len(searches) == len(SCENARIOS) * 2
    assert len(trials) == len(SCENARIOS) * 2 * len(ARMS)
    assert len(set(units)) == len(units)


@pytest.mark.parametrize(
    ("options", "other"),
    [(changed(arms=("agent", "full")), {}), (EVERYTHING, {"index": "hash"})],
    ids=["arms", "index"],
)
def test_nothing_is_planned_that_nobody_needs(options: RunOptions, other: dict[str, Any]) -> None:
    assert {unit.kind for unit in experiment(options, **other).units()} == {"trial"}


def test_a_limited_index_plans_for_its_profiles_only() -> None:
    planned = frozenset({SCENARIOS[2].profile.id})
    searched = {unit.scenario for unit in experiment(planned=planned).units() if unit.kind == "search"}
    assert searched == {s.id for s in SCENARIOS if s.profile.id in planned}


def test_all_models_are_the_papers_six_and_all_judges_three() -> None:
    made = experiment(changed(models=("all",), judges=("all",)))
    assert made.models == SurrogateWorld().models
    assert len(made.models) == 6
    assert made.judges == ("a", "b", "c")
    assert experiment(flags()).models == ("surrogate/LLaMA-3.1-8B",)
    assert experiment(flags()).judges == ("a",)


@pytest.mark.parametrize("options", [{"models": ("gpt-5",)}, {"judges": ("d",)}, {"search_judge": "d"}], ids=str)
def test_names_that_the_world_does_not_have(options: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=r"the surrogate world has no (model|judge) '.*': it has "):
        experiment(changed(**options))


def test_nothing_to_do() -> None:
    with pytest.raises(UsageError, match="no scenario fits"):
        experiment(scenarios=[])


# Options


def test_defaults_are_the_references() -> None:
    options = flags()
    assert (options.rollouts, options.depth, options.c, options.decay) == (300, 5, 0.5, 0.3)
    assert (options.k, options.neighbours, options.threshold, options.max_questions) == (3, 5, 4, 10)
    assert (options.rule, options.recommend, options.retrieval, options.persona) == (
        "raise",
        "q",
        "few-shot",
        "cooperative",
    )
    assert experiment(flags()).evaluations == "cache:3"  # the surrogate is noisy


def test_a_flag_wins_over_the_file_and_the_file_over_the_default(tmp_path: Path) -> None:
    file = tmp_path / "x.toml"
    file.write_text('rollouts = 20\nk = 2\narms = ["full"]\nindex-size = 3\n')
    options = read_options(file, {"k": 4, "seed": None})
    assert (options.rollouts, options.k, options.arms, options.index_size, options.seed) == (20, 4, ("full",), 3, 0)


@dataclass
class Bad:
    toml: str
    key: str
    flag: object = None


BAD = [
    Bad("rollouts = 0", "rollouts", 0),
    Bad('rollouts = "many"', "rollouts", "many"),
    Bad("rollouts = 10000000", "rollouts", 10_000_000),
    Bad("depth = 17", "depth", 17),
    Bad("c = nan", "c", float("nan")),
    Bad("c = -1", "c", -1),
    Bad("decay = inf", "decay", float("inf")),
    Bad('rule = "ucb"', "rule", "ucb"),
    Bad('planner = "best"', "planner", "best"),
    Bad('recommend = "x"', "recommend", "x"),
    Bad('evaluations = "cache:0"', "evaluations", "cache:0"),
    Bad('evaluations = "twice"', "evaluations", "twice"),
    Bad('arms = ["vanila"]', "arms", ("vanila",)),
    Bad("arms = []", "arms", ()),
    Bad('arms = "full"', "arms"),
    Bad("domains = 3", "domains"),
    Bad('domains = ["Sport"]', "domains", ("Sport",)),
    Bad("k = 11", "k", 11),
    Bad("limit = 0", "limit", 0),
    Bad("synthetic = 0", "synthetic", 0),
    Bad("index_size = 0", "index_size", 0),
    Bad("threshold = 6", "threshold", 6),
    Bad("max_questions = 11", "max_questions", 11),
    Bad("neighbours = 0", "neighbours", 0),
    Bad('persona = "nice"', "persona", "nice"),
    Bad('crisis = "maybe"', "crisis", "maybe"),
    Bad('retrieval = "none"', "retrieval", "none"),
    Bad('embedder = "big"', "embedder", "big"),
    Bad("repeats = 0", "repeats", 0),
    Bad("seed = 9223372036854775808", "seed", 1 << 63),
    Bad("world_seed = 1.5", "world_seed", 1.5),
    Bad("build_seed = -9223372036854775809", "build_seed", -(1 << 63) - 1),
    Bad("[planner]\nname = 1", "planner"),
    Bad("nonsense = 1", "nonsense"),
]


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad.toml.replace("\n", " "))
def test_a_bad_value_is_one_line_that_names_the_flag_or_file_and_key(tmp_path: Path, bad: Bad) -> None:
    file = tmp_path / "bad.toml"
    file.write_text(bad.toml + "\n")
    with pytest.raises(UsageError) as error:
        read_options(file, {})
    assert str(error.value).startswith(f"{file}: {bad.key}: ")
    assert "\n" not in str(error.value)
    if bad.flag is not None:
        good = tmp_path / "good.toml"
        good.write_text("seed = 1\n")
        for path in (None, good):
            with pytest.raises(UsageError) as error:
                read_options(path, {bad.key: bad.flag})
            assert str(error.value).startswith(f"--{bad.key.replace('_', '-')}: ")
            assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: path.write_text("rollouts = = 3"), "not TOML"),
        (lambda path: path.write_text("a = 1\na = 2"), "not TOML"),
        (lambda path: path.write_bytes(b"\xff\xfe\x00"), "not TOML"),
        (lambda path: path.mkdir(), "directory"),
        (lambda path: None, "No such file"),
    ],
    ids=["syntax", "twice", "bytes", "folder", "absent"],
)
def test_a_file_that_cannot_be_read(tmp_path: Path, make: Callable[[Path], object], words: str) -> None:
    file = tmp_path / "x.toml"
    make(file)
    with pytest.raises(UsageError, match=words) as error:
        read_options(file, {})
    assert str(error.value).startswith(str(file))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("changes", "identity"),
    [
        ({}, "7c8a5f33c425425c3b531cc65d85cdb625cb7cb4c4954b96bfd257bdcf9bf220"),
        ({"arms": ("vanilla",)}, "178059c95f11c9a7823aa7620c4e556c2f0be1a26848d82711cdb5a699c23f08"),
        ({"index": "ab" * 32}, "b9a7a4c06ad8ce6635339f9e0709bafbf43444c820cc586871c81e26b9e41d94"),
        ({"arms": ("static", "agent")}, "b51cf83284475e1dcc8b319c2be0f5ea065cf338ad6d8ff8044105d50c25bd06"),
    ],
)
def test_identities_stay_as_they_were(changes: dict[str, Any], identity: str) -> None:
    """A newer version finds the runs that an older one made."""
    assert replace(FIXED, **changes).identity == identity


def test_searches_on_their_own_depend_on_nothing_that_only_trials_need() -> None:
    searches = FIXED.searches_only()
    assert {unit.kind for unit in searches.units()} == {"search"}
    assert searches.identity != FIXED.identity
    for other in (
        replace(FIXED, arms=("agent", "oracle"), k=5),
        replace(FIXED, judges=("b",), repeats=3),
        replace(FIXED, index="ab" * 32, planned=frozenset({"x"}), leaky=True, neighbours=1, embedder="other"),
        replace(FIXED, agent=AgentOptions(threshold=1)),
    ):
        assert other.searches_only().identity == searches.identity
    for other in (
        replace(FIXED, search_judge="b"),
        replace(FIXED, evaluations="fresh"),
        replace(FIXED, planning=PlannerSettings(depth=4)),
        replace(FIXED, world_seed=1),
    ):
        assert other.searches_only().identity != searches.identity
