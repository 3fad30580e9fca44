"""Which scenarios an experiment is about."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from simulator.build import build
from simulator.bundled import bundled
from simulator.domains import DOMAINS
from simulator.scenario import Profile, Scenario
from storage.database import open_writable
from storage.scenarios import add_scenarios, count_scenarios
from storage.sqlite import Database
from tests.workbench.engine.running import options as flags
from tests.workbench.engine.running import work
from workbench.engine.errors import UsageError
from workbench.engine.prepare import prepare
from workbench.engine.scenarios import selection
from workbench.engine.scenarios.selection import find_scenarios, select_scenarios, spread


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    db = open_writable(tmp_path / "x.db")
    yield db
    db.conn.close()


def test_an_empty_database_means_the_bundled_scenarios(db: Database) -> None:
    assert select_scenarios(db, flags()) == list(bundled())
    chosen = select_scenarios(db, flags(domains=("health",)))
    assert Counter(s.domain for s in chosen) == {"Health": 10}
    assert select_scenarios(db, flags(source="bundled")) == list(bundled())
    assert select_scenarios(db, flags(source="synthetic")) == []


def test_a_database_with_scenarios_means_those(db: Database) -> None:
    stored = list(build(21, 5))
    add_scenarios(db, stored)
    assert select_scenarios(db, flags()) == stored
    assert select_scenarios(db, flags(source="bundled")) == []
    chosen = select_scenarios(db, flags(domains=("Life", "Career")))
    assert chosen == [s for s in stored if s.domain in ("Life", "Career")]


def test_what_a_run_brought_along_does_not_change_what_the_next_one_is_about(tmp_path: Path, db: Database) -> None:
    path = tmp_path / "x.db"
    first = prepare(path, flags(limit=9)).spec.identity
    work(path, flags(synthetic=5, arms=("vanilla",)))
    work(path, flags(limit=3, arms=("vanilla",)))
    assert count_scenarios(db) == 8
    assert select_scenarios(db, flags()) == list(bundled())
    assert prepare(path, flags(limit=9)).spec.identity == first
    built = list(build(5, 0))
    assert find_scenarios(db, [built[0].id]) == [built[0]]  # by name it can be had
    assert add_scenarios(db, built[:2]) == (2, 0)
    assert select_scenarios(db, flags()) == built[:2]
    assert add_scenarios(db, built[:3], collected=False) == (0, 3)
    assert select_scenarios(db, flags()) == built[:2]


def test_built_ones_depend_on_the_build_seed_or_else_the_seed(db: Database) -> None:
    assert select_scenarios(db, flags(synthetic=7, seed=5)) == list(build(7, 5))
    assert select_scenarios(db, flags(synthetic=7, seed=5, build_seed=6)) == list(build(7, 6))
    assert select_scenarios(db, flags(synthetic=14, domains=("Health",))) == [
        s for s in build(14, 0) if s.domain == "Health"
    ]
    for other in ({"scenarios": ("ab",)}, {"source": "real"}):
        with pytest.raises(UsageError, match="--synthetic"):
            select_scenarios(db, flags(synthetic=7, **other))


@pytest.mark.parametrize("limit", [1, 5, 7, 10, 14, 35, 70])
def test_a_limit_is_spread_over_the_domains(limit: int) -> None:
    chosen = spread(bundled(), limit, 1)
    counts = Counter(s.domain for s in chosen)
    assert len(chosen) == limit
    assert max(counts.values()) - min(counts.get(d, 0) for d in DOMAINS) <= 1


def test_a_limit_is_a_seeded_choice_whatever_the_order() -> None:
    everything = list(bundled())
    chosen = spread(everything, 14, 1)
    assert chosen == spread(everything, 14, 1)
    assert chosen != spread(everything, 14, 2)
    assert chosen == [s for s in everything if s in chosen]  # in the order of the input
    assert {s.id for s in chosen} == {s.id for s in spread(sorted(everything, key=lambda s: s.domain), 14, 1)}
    assert {s.id for s in spread(everything, 7, 1)} <= {s.id for s in chosen}  # more only adds
    assert spread(everything, 1000, 1) == everything
    assert spread([], 3, 1) == []


def test_a_limit_where_one_domain_has_too_few() -> None:
    few = [s for s in bundled() if s.domain == "Health"][:2] + [s for s in bundled() if s.domain == "Life"]
    assert Counter(s.domain for s in spread(few, 8, 1)) == {"Health": 2, "Life": 6}


def test_ids_by_their_beginning_stored_first_then_bundled(db: Database) -> None:
    stored, other = list(build(3, 5)), bundled()[4]
    add_scenarios(db, stored)
    assert find_scenarios(db, [stored[1].id[:10], other.id[:10], stored[1].id]) == [stored[1], other]
    assert find_scenarios(None, [other.id]) == [other]
    assert select_scenarios(db, flags(scenarios=(stored[2].id,), domains=("Health",))) == (
        [stored[2]] if stored[2].domain == "Health" else []
    )


@pytest.mark.parametrize("wanted", ["zzz", "", "%", "0 or 1"])
def test_ids_that_fit_nothing(db: Database, wanted: str) -> None:
    for database in (db, None):
        with pytest.raises(UsageError, match="there is no scenario") as error:
            find_scenarios(database, [wanted])
        assert "workbench scenarios list" in str(error.value)


def test_ids_that_fit_several(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    many = [Scenario(f"Question {i}?", Profile((None,) * 10)) for i in range(40)]
    first = Counter(s.id[0] for s in many).most_common(1)[0][0]
    monkeypatch.setattr(selection, "bundled", lambda: tuple(many))
    with pytest.raises(UsageError, match="several"):
        find_scenarios(None, [first])
    add_scenarios(db, many)
    with pytest.raises(UsageError, match="several"):
        find_scenarios(db, [first])
