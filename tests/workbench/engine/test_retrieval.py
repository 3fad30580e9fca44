"""Which planned paths a query may see, and that order, concurrency and choice of scenarios change nothing."""

import csv
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from simulator.build import build
from simulator.formats import FormatError
from simulator.scenario import Profile, Scenario, query_key
from storage.database import open_readonly, open_writable
from storage.readers import dialogue_rows, find_run, score_rows, search_rows
from storage.scenarios import add_scenarios
from storage.sqlite import Database
from tests.workbench.engine.running import options, results, work
from workbench.engine.errors import UsageError
from workbench.engine.library import Libraries, planned_library
from workbench.engine.options import ARMS

MODELS = ("LLaMA-3.1-8B", "GPT-4o")


def profile(number: int) -> Profile:
    return Profile((f"{20 + number}", *next(build(1, number)).profile.values[1:]))


PEOPLE = [profile(number) for number in range(6)]
ASKED = [
    Scenario(query, person, "Health")
    for number, person in enumerate(PEOPLE)
    for query in (
        f"How do I sleep better before exam number {number}?",
        f"How can I sleep when work keeps me up, week {number}?",
        "How do I  SLEEP better?" if number % 2 else "how do i sleep better?",
    )
]
"""Six people with three queries each; the third is the same text for all, but for case and white space."""


def store(path: Path, scenarios: Sequence[Scenario] = ASKED) -> Path:
    db = open_writable(path)
    add_scenarios(db, scenarios)
    db.conn.close()
    return path


def dialogues(path: Path, run: str | None = None) -> list[dict[str, Any]]:
    db = open_readonly(path)
    try:
        return list(dialogue_rows(db, find_run(db, run)["run"]))
    finally:
        db.conn.close()


def scores(path: Path, run: str | None = None) -> list[dict[str, Any]]:
    db = open_readonly(path)
    try:
        return list(score_rows(db, find_run(db, run)["run"]))
    finally:
        db.conn.close()


def allowed(path: Path, rows: Sequence[dict[str, Any]], *, by_id: bool = True) -> None:
    """Assert that nobody saw a path of their own profile, or of the same text, or one made for another model."""
    scenarios = {s.id: s for s in ASKED}
    mine = Counter((s.profile.id, query_key(s.query)) for s in ASKED)
    for row in rows:
        asking = scenarios[row["scenario_id"]]
        for neighbour in row["neighbours"]:
            assert query_key(neighbour["query"]) != query_key(asking.query)
            assert (asking.profile.id, query_key(neighbour["query"])) not in mine
            if by_id:
                planned, _, model = neighbour["entry"].partition(":")
                assert scenarios[planned].profile.id != asking.profile.id
                assert model == row["model"]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = store(tmp_path_factory.mktemp("retrieval") / "x.db")
    assert work(path, options(arms=("agent", "planner"), rollouts=20, models=MODELS)).failed == 0
    return path


def test_neither_the_own_path_nor_a_siblings_nor_one_of_the_same_text_is_retrieved(finished: Path) -> None:
    rows = [row for row in dialogues(finished) if row["arm"] == "planner"]
    assert len(rows) == len(ASKED) * len(MODELS)
    allowed(finished, rows)
    assert {len(row["neighbours"]) for row in rows} == {5}
    for row in rows:
        distances = [neighbour["distance"] for neighbour in row["neighbours"]]
        assert distances == sorted(distances)
        assert all(1 <= neighbour["score"] <= 5 for neighbour in row["neighbours"])


def test_the_library_stands_with_run_and_dialogue_and_in_no_other_arm(finished: Path) -> None:
    db = open_readonly(finished)
    library = find_run(db)["library"]
    db.conn.close()
    assert library
    for row in dialogues(finished):
        assert row["library"] == (library if row["arm"] == "planner" else None)
        assert not row["leaky"]
        if row["arm"] == "agent":
            assert row["neighbours"] == []


def test_a_leaky_index_finds_the_own_path_first_and_marks_every_row(tmp_path: Path) -> None:
    path = store(tmp_path / "x.db")
    work(path, options(arms=("vanilla", "planner"), rollouts=20, leaky_index=True))
    for row in dialogues(path):
        assert row["leaky"]
        nearest = [neighbour for neighbour in row["neighbours"] if neighbour["distance"] < 1e-6]
        assert query_key(row["query"]) in {query_key(neighbour["query"]) for neighbour in nearest}
    assert {(row["arm"], row["leaky"]) for row in scores(path)} == {("vanilla", False), ("planner", True)}


@pytest.mark.parametrize("scenarios", [ASKED[:3], [ASKED[2], ASKED[5], ASKED[8]]], ids=["one profile", "one text"])
def test_nothing_to_retrieve_falls_back_to_the_agent_and_says_so(tmp_path: Path, scenarios: list[Scenario]) -> None:
    path = store(tmp_path / "x.db", scenarios)
    assert work(path, options(arms=("agent", "planner"), rollouts=20)).failed == 0
    rows = [row for row in scores(path) if row["arm"] == "planner"]
    assert [row["neighbours"] for row in rows] == [0, 0, 0]
    assert all(row["chosen_by"] == "model" for d in dialogues(path) for row in d["turns"])


def test_another_runs_paths(finished: Path) -> None:
    db = open_readonly(finished)
    first = find_run(db)
    paths = {(row["scenario_id"], row["model"]): row["best_path"] for row in search_rows(db, first["run"])}
    db.conn.close()
    outcome = work(finished, options(arms=("planner",), models=("GPT-4o",), index=first["run"][:6], neighbours=2))
    rows = dialogues(finished, outcome.run)
    assert len(rows) == len(ASKED)
    allowed(finished, rows)
    for row in rows:
        assert row["library"] == first["library"]
        assert len(row["neighbours"]) == 2
        for neighbour in row["neighbours"]:
            scenario, _, model = neighbour["entry"].partition(":")
            assert neighbour["path"] == paths[scenario, model]
    db = open_readonly(finished)
    assert list(search_rows(db, outcome.run)) == []  # nothing was planned again
    db.conn.close()


def published(path: Path, queries: Sequence[str]) -> Path:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["Index", "User Query", "Best Path"])
        for index, query in enumerate(queries):
            writer.writerow([index, str({"query_id": query}), str(["Age", "Emotional State"])])
    return path


def test_a_published_index_with_everybodys_own_queries(tmp_path: Path) -> None:
    path = store(tmp_path / "x.db")
    file = published(tmp_path / "index.csv", [*(s.query for s in ASKED), "How do I sleep on a train?"])
    chosen = options(arms=("planner",), index=str(file), neighbours=100)
    assert work(path, chosen).failed == 0
    rows = dialogues(path)
    allowed(path, rows, by_id=False)
    for row in rows:
        assert "How do I sleep on a train?" in {neighbour["query"] for neighbour in row["neighbours"]}
        assert {neighbour["score"] for neighbour in row["neighbours"]} == {None}
        assert {tuple(neighbour["path"]) for neighbour in row["neighbours"]} == {("Age", "Emotional State")}


def test_the_identity_follows_the_files_content_and_not_its_name(tmp_path: Path) -> None:
    path = store(tmp_path / "x.db")
    one = published(tmp_path / "one.csv", ["How do I sleep on a train?"])
    two = published(tmp_path / "two.csv", ["How do I sleep on a train?"])
    other = published(tmp_path / "other.csv", ["How do I sleep on a boat?"])
    runs = [work(path, options(arms=("planner",), index=str(file))) for file in (one, two, other)]
    assert [run.state for run in runs] == ["done", "finished", "done"]
    assert runs[0].run == runs[1].run != runs[2].run


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "no such file, imported library or run"),
        ("Index,User Query,Best Path\n", "holds no records"),
        ("a,b\n1,2\n", "no keys or columns of a known format"),
        ('[{"query_id": "Why?"}]', "not a planner index"),
    ],
    ids=["absent", "empty", "other", "queries"],
)
def test_an_index_that_is_none(tmp_path: Path, content: str | None, words: str) -> None:
    file = tmp_path / "index.csv"
    if content is not None:
        file.write_text(content)
    with pytest.raises((UsageError, FormatError), match=words) as error:
        work(store(tmp_path / "x.db"), options(arms=("planner",), index=str(file)))
    assert "\n" not in str(error.value)


def test_a_run_without_searches_is_no_index(tmp_path: Path) -> None:
    path = store(tmp_path / "x.db")
    run = work(path, options(arms=("vanilla",))).run
    with pytest.raises(UsageError, match="no planned path"):
        work(path, options(arms=("planner",), index=run))


def test_an_index_of_a_few_profiles_is_a_seeded_choice(tmp_path: Path) -> None:
    planned: list[set[str]] = []
    for seed in (1, 1, 2, 3):
        path = store(tmp_path / f"{len(planned)}.db")
        work(path, options(arms=("planner",), index_size=2, seed=seed, rollouts=10))
        db = open_readonly(path)
        planned.append({row["profile_id"] for row in search_rows(db, find_run(db)["run"])})
        assert len(list(search_rows(db, find_run(db)["run"]))) == 2 * 3
        db.conn.close()
        allowed(path, dialogues(path))
    assert {len(profiles) for profiles in planned} == {2}
    assert planned[0] == planned[1]
    assert len({frozenset(profiles) for profiles in planned}) > 1


# Nothing depends on order, concurrency, or what else runs


def test_concurrency_changes_nothing(tmp_path: Path) -> None:
    experiment = {"synthetic": 8, "arms": ARMS, "judges": ("a", "b"), "models": MODELS, "rollouts": 25, "repeats": 2}
    found = []
    for concurrency in (1, 3, 64):
        path = tmp_path / f"{concurrency}.db"
        work(path, options(**experiment, persona="partial", concurrency=concurrency))
        found.append(results(path))
    assert found[0] == found[1] == found[2]
    assert len(found[0]["verdicts"]) == 8 * len(ARMS) * 2 * 2


def test_the_order_of_scenarios_arms_and_judges_changes_nothing(tmp_path: Path) -> None:
    ids = tuple(s.id for s in ASKED)
    one, other = store(tmp_path / "one.db"), store(tmp_path / "other.db", ASKED[::-1])
    work(one, options(scenarios=ids, arms=("planner", "agent"), judges=("a", "b"), rollouts=10))
    work(
        other,
        options(scenarios=ids[::-1], arms=("agent", "planner"), judges=("b", "a"), search_judge="a", rollouts=10),
    )
    assert results(one) == results(other)


def test_a_trial_is_the_same_whatever_else_is_in_the_run(tmp_path: Path) -> None:
    many, few = tmp_path / "many.db", tmp_path / "few.db"
    work(many, options(synthetic=8, arms=("vanilla", "agent", "random", "full"), judges=("a", "b")))
    work(few, options(synthetic=3, arms=("agent",), judges=("b",)))
    everything = results(many)
    for table, rows in results(few).items():
        if table != "runs":
            assert set(map(repr, rows)) <= set(map(repr, everything[table]))


def test_the_seed_moves_the_noise_and_never_the_truth(tmp_path: Path) -> None:
    found = []
    for seed in (1, 2):
        path = tmp_path / f"{seed}.db"
        work(path, options(synthetic=10, build_seed=0, seed=seed, arms=("full",)))
        found.append(scores(path))
    assert [row["true_score"] for row in found[0]] == [row["true_score"] for row in found[1]]
    assert [row["score"] for row in found[0]] != [row["score"] for row in found[1]]


def test_new_gives_the_same_results_again(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    chosen = options(synthetic=5, arms=("vanilla", "planner"), rollouts=10)
    first, second = work(path, chosen), work(path, chosen, new=True)
    assert first.run != second.run
    assert results(path, first.run) == results(path, second.run)


def test_the_run_writes_while_paths_are_gathered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "w.db"

    def gathered(db: Database, run: str) -> Libraries:
        def heartbeat() -> float:
            return float(watching.execute("select heartbeat from runs").fetchone()[0])

        with closing(open_readonly(path).conn) as watching:
            began = heartbeat()
            db.conn.execute("SAVEPOINT reading")  # as every query begins
            for _ in range(1_000):
                if heartbeat() != began:
                    break
                time.sleep(0.005)
            db.conn.execute("RELEASE reading")
            assert heartbeat() != began
        return planned_library(db, run)

    monkeypatch.setattr("workbench.engine.steering.attending.HEARTBEAT_SECONDS", 0.001)
    monkeypatch.setattr("workbench.engine.run.planned_library", gathered)
    assert work(path, options(synthetic=4, arms=["planner"], rollouts=5)).state == "done"
