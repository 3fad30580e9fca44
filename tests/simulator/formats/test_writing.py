"""Round trips: what a format can carry comes back as it was, however hostile its words."""

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulator.attributes import NAMES
from simulator.formats import WRITERS, Format, FormatError, Problem, detect, read_scenarios, write_scenarios
from simulator.formats.output import write_parquet_rows
from simulator.scenario import Profile, Scenario
from tests.simulator.formats.samples import queries, scenarios

calm = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def back(*paths: Path, source: str | None = None) -> list[Scenario | Problem]:
    return list(read_scenarios(paths, source=source))


@calm
@given(st.lists(scenarios(), min_size=1, max_size=5))
def test_own_form_carries_everything(tmp_path: Path, written: list[Scenario]) -> None:
    write_scenarios(written, tmp_path / "x", "scenarios")
    assert back(tmp_path / "x") == written


@pytest.mark.parametrize("name", [name for name in WRITERS if name.startswith("dataset")])
@calm
@given(written=st.lists(scenarios(self_harm=False), min_size=1, max_size=5))
def test_dataset_rows_carry_all_but_self_harm(tmp_path: Path, name: str, written: list[Scenario]) -> None:
    if name.endswith("parquet"):
        pytest.importorskip("pyarrow")
    write_scenarios(written, tmp_path / "x", name)
    assert detect(tmp_path / "x") is Format.DATASET
    assert back(tmp_path / "x") == written


@st.composite
def blocks(draw: st.DrawFn) -> list[Scenario]:
    """Draw people with three queries each, all from one source, as forms 1 and 2 carry them."""
    people = draw(st.lists(scenarios(), min_size=1, max_size=4, unique_by=lambda s: (s.profile, s.issue or s.domain)))
    return [
        Scenario(query, person.profile, person.domain, person.issue, "one source")
        for person in people
        for query in draw(st.lists(queries, min_size=3, max_size=3))
    ]


@calm
@given(blocks())
def test_forms_1_and_2_carry_all_but_the_source(tmp_path: Path, written: list[Scenario]) -> None:
    write_scenarios(written, tmp_path / "two", "form2")
    assert detect(tmp_path / "two") is Format.GROUPED
    assert back(tmp_path / "two", source="one source") == written
    write_scenarios(written, tmp_path / "one", "form1")
    assert detect(tmp_path / "one" / "queries.json") is Format.QUERIES
    assert back(tmp_path / "one" / "profiles.json", tmp_path / "one" / "queries.json", source="one source") == written


def people(*counts: int) -> list[Scenario]:
    return [
        Scenario(f"query {person} {number}", Profile((str(person), *[None] * 9)), "Career")
        for number in range(max(counts))
        for person, count in enumerate(counts)
        if number < count
    ]


def test_form_1_gathers_the_queries_of_a_profile_and_repeats_it_for_whole_blocks(tmp_path: Path) -> None:
    write_scenarios(people(4, 2, 2), tmp_path, "form1")
    assert [p["Age"] for p in json.loads((tmp_path / "profiles.json").read_text())] == ["0", "0", "1", "2"]
    assert {s.id for s in back(tmp_path / "profiles.json", tmp_path / "queries.json") if isinstance(s, Scenario)} == {
        s.id for s in people(4, 2, 2)
    }


def test_form_1_fills_a_block_with_the_profiles_own_queries(tmp_path: Path) -> None:
    write_scenarios(people(3, 2, 3), tmp_path, "form1")
    texts = [q["query_id"] for q in json.loads((tmp_path / "queries.json").read_text())]
    assert texts[3:6] == ["query 1 0", "query 1 1", "query 1 0"]
    assert {s.id for s in back(tmp_path / "profiles.json", tmp_path / "queries.json") if isinstance(s, Scenario)} == {
        s.id for s in people(3, 2, 3)
    }


def test_form_1_refuses_nothing_to_write(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="no scenarios to write"):
        write_scenarios([], tmp_path, "form1")
    assert not list(tmp_path.iterdir())


def test_missing_values_are_absent_keys_and_empty_cells(tmp_path: Path) -> None:
    write_scenarios(people(1), tmp_path / "two", "form2")
    assert json.loads((tmp_path / "two").read_text()) == [
        {"Scenario": "Career", "User_Profile": {"Scenario": "Career", "Age": "0"}, "Queries": ["query 0 0"]}
    ]
    write_scenarios(people(1), tmp_path / "rows", "dataset-csv")
    assert (tmp_path / "rows").read_bytes() == (
        b"query,scenario,source,age,gender,marital_status,profession,economic_status,health_status,education_level,"
        b"mental_health_status,emotional_state\r\nquery 0 0,Career,,0,,,,,,,,\r\n"
    )


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    def broken() -> object:
        yield people(1)[0]
        raise RuntimeError

    path = tmp_path / "x"
    path.write_text("old")
    with pytest.raises(RuntimeError):
        write_scenarios(broken(), path, "scenarios")  # type: ignore[arg-type]
    assert [p.name for p in tmp_path.iterdir()] == ["x"]
    assert path.read_text() == "old"


def test_places_that_cannot_be_written_are_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for name in WRITERS:
        with pytest.raises(FormatError, match="file"):
            write_scenarios(people(1), tmp_path / "file" / "x", name)
    with pytest.raises(FormatError, match="use one of scenarios, form1"):
        write_scenarios(people(1), tmp_path / "x", "xml")


def test_parquet_without_pyarrow_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(FormatError, match="`parquet` extra"):
        write_scenarios(people(1), tmp_path / "x", "dataset-parquet")


def test_canonical_names_are_written(tmp_path: Path) -> None:
    full = Scenario("q", Profile(tuple(map(str, range(10)))), "Career")
    write_scenarios([full], tmp_path, "form1")
    assert list(json.loads((tmp_path / "profiles.json").read_text())[0]) == ["Scenario", *NAMES]


words = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
values = {
    "text": st.none() | words,
    "whole": st.none() | st.integers(-(1 << 63), (1 << 63) - 1),
    "real": st.none() | st.floats(allow_nan=False),
    "either": st.none() | st.integers(-(1 << 53), 1 << 53) | st.floats(allow_nan=False),
    "flag": st.none() | st.booleans(),
    "nothing": st.none(),
    "list": st.none() | st.lists(words, max_size=3),
    "mappings": st.lists(st.fixed_dictionaries({"a": words, "b": st.none() | st.integers(0, 9)}), max_size=3),
}


@calm
@given(st.lists(st.fixed_dictionaries(values), min_size=1, max_size=5))
def test_rows_of_any_types_come_back_from_parquet(tmp_path: Path, rows: list[dict[str, object]]) -> None:
    from pyarrow import parquet

    assert write_parquet_rows(tmp_path / "x", lambda: iter(rows)) == len(rows)
    assert parquet.read_table(tmp_path / "x").to_pylist() == rows


def test_types_that_only_later_rows_show_are_known_from_the_start(tmp_path: Path) -> None:
    from pyarrow import parquet

    first: dict[str, object] = {"a": None, "b": 1}
    rows = [first] * 3000 + [{"a": "x", "b": 1.5}]
    assert write_parquet_rows(tmp_path / "x", lambda: iter(rows)) == 3001
    assert parquet.read_table(tmp_path / "x").to_pylist()[-1] == {"a": "x", "b": 1.5}
    assert parquet.ParquetFile(tmp_path / "x").num_row_groups == 3
    assert write_parquet_rows(tmp_path / "y", lambda: iter(())) == 0


def test_types_that_do_not_go_together_are_one_line(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="can't be written as Parquet"):
        write_parquet_rows(tmp_path / "x", lambda: iter([{"a": 1}] * 1024 + [{"a": "x"}]))
    assert list(tmp_path.iterdir()) == []
