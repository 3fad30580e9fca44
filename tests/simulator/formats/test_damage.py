"""Damaged bytes: whatever is done to a file, nothing but a FormatError comes out of a reader."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.formats import (
    AgentRow,
    FormatError,
    JudgedRow,
    Problem,
    PublishedPath,
    evaluation_text,
    read_agent_output,
    read_judged_output,
    read_library,
    read_scenarios,
    write_agent_output,
    write_judged_output,
    write_library,
    write_scenarios,
)
from simulator.formats.output import write_json
from simulator.scenario import Profile, Scenario
from tests.simulator.formats.samples import QUERIES
from tests.simulator.formats.test_writing import calm

SCENARIOS = [Scenario(query, Profile(("30", None, "Single", *["x"] * 7)), "Career") for query in QUERIES]


def scenario_file(name: str) -> tuple[Callable[[Path], None], Callable[[Path], Iterator[object]]]:
    return lambda path: write_scenarios(SCENARIOS, path, name), lambda path: read_scenarios([path])


def joined(path: Path) -> Iterator[object]:
    profiles = path.with_name("profiles.json")
    profiles.write_text('[{"Age": "30"}, {"Age": "40"}]')
    return read_scenarios([profiles, path])


FILES: dict[str, tuple[Callable[[Path], None], Callable[[Path], Iterator[object]]]] = {
    **{n: scenario_file(n) for n in ("scenarios", "form2", "dataset-csv", "dataset-json", "dataset-jsonl")},
    "dataset-parquet": scenario_file("dataset-parquet"),
    "form1": (lambda path: write_json((path, [{"query_id": query} for query in QUERIES])), joined),
    "index": (lambda p: write_library([PublishedPath(q, (0, 9), 1) for q in QUERIES], p), read_library),
    "agent": (lambda p: write_agent_output([AgentRow(q, (0, 9)) for q in QUERIES], p), read_agent_output),
    "judged": (
        lambda p: write_judged_output(
            [JudgedRow("l", "b", q, "r", evaluation_text((1, 2, 3)), (1, 2, 3), 2) for q in QUERIES], p
        ),
        read_judged_output,
    ),
}

edits = st.lists(
    st.tuples(
        st.floats(0, 1),
        st.integers(0, 12),
        st.binary(max_size=6) | st.sampled_from([b'"', b"'", b",", b"\n", b"\r", b"[", b"{", b"]", b"}", b"\\", b"\0"]),
    ),
    min_size=1,
    max_size=4,
)
"""Where (as a share of the file), how many bytes go, what comes in their place."""


def outcome(path: Path, read: Callable[[Path], Iterator[object]]) -> list[object]:
    """List all that a reader yields, or the error it refuses the file with."""
    try:
        return list(read(path))
    except FormatError as error:
        return [error]


@pytest.mark.parametrize("name", FILES)
@calm
@given(edits=edits)
def test_damage_never_gets_past_the_readers(tmp_path: Path, name: str, edits: list[tuple[float, int, bytes]]) -> None:
    write, read = FILES[name]
    if name.endswith("parquet"):
        pytest.importorskip("pyarrow")
    path = tmp_path / "file"
    write(path)
    data = path.read_bytes()
    for place, gone, new in edits:
        at = int(place * len(data))
        data = data[:at] + new + data[at + gone :]
    path.write_bytes(data)
    assert all(str(item).isprintable() for item in outcome(path, read) if isinstance(item, (Problem, FormatError)))


@pytest.mark.parametrize("name", FILES)
@calm
@given(data=st.binary(max_size=200))
def test_noise_is_refused_or_reported(tmp_path: Path, name: str, data: bytes) -> None:
    path = tmp_path / "file"
    path.write_bytes(data)
    for item in outcome(path, FILES[name][1]):
        assert isinstance(item, (Problem, FormatError))
        assert str(item).startswith(str(path.parent))
