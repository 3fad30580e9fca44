"""The authors' result files: what their cells say, and round trips."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.formats import (
    AgentRow,
    Format,
    FormatError,
    JudgedRow,
    Problem,
    PublishedPath,
    background_text,
    detect,
    evaluation_text,
    read_agent_output,
    read_judged_output,
    read_library,
    write_agent_output,
    write_judged_output,
    write_library,
)
from simulator.formats.judgements import judgement
from simulator.scenario import Profile
from tests.simulator.formats.samples import hostile, queries
from tests.simulator.formats.test_writing import calm

paths = st.permutations(range(10)).flatmap(lambda order: st.integers(0, 10).map(lambda n: tuple(order[:n])))
rating = st.integers(1, 5) | st.floats(1, 5)


@calm
@given(st.lists(st.builds(PublishedPath, queries, paths.filter(bool), st.integers(0, 10**9)), min_size=1))
def test_planner_index_round_trip(tmp_path: Path, rows: list[PublishedPath]) -> None:
    write_library(rows, tmp_path / "x")
    assert detect(tmp_path / "x") is Format.PLANNER_INDEX
    assert list(read_library(tmp_path / "x")) == rows


@calm
@given(st.lists(st.builds(AgentRow, queries, paths), min_size=1))
def test_agent_output_round_trip(tmp_path: Path, rows: list[AgentRow]) -> None:
    write_agent_output(rows, tmp_path / "x")
    assert list(read_agent_output(tmp_path / "x")) == rows


@st.composite
def judged(draw: st.DrawFn) -> JudgedRow:
    """Draw rows as our own runs make them: judged, or failed for a reason."""
    ratings = draw(st.none() | st.tuples(rating, rating, rating))
    failure = "" if ratings else draw(hostile.map(str.strip).filter(bool))
    return JudgedRow(
        label=draw(hostile),
        background=draw(hostile),
        query=draw(queries),
        response=draw(hostile),
        evaluation=evaluation_text(ratings, failure or draw(hostile)),
        dimensions=ratings,
        score=sum(ratings) / 3 if ratings else None,
        failure=failure,
    )


@calm
@given(st.lists(judged(), min_size=1))
def test_judged_output_round_trip(tmp_path: Path, rows: list[JudgedRow]) -> None:
    write_judged_output(rows, tmp_path / "x")
    assert detect(tmp_path / "x") is Format.JUDGED_OUTPUT
    assert list(read_judged_output(tmp_path / "x")) == rows


def test_index_cells_are_literals_and_bad_ones_are_reported(tmp_path: Path) -> None:
    path = tmp_path / "index.csv"
    cells = [
        ("0", "{'query_id': 'why?'}", "['Age', 'emotional_state']"),
        ("1", "a plain query", "['Past Self-Harm History']"),
        ("2", "{'query_id': __import__('os')}", "['Age']"),
        ("3", "{'query_id': ['x']}", "['Age']"),
        ("4", "q", "['Shoe Size']"),
        ("5", "q", "['Age', 'age']"),
        ("6", "q", "[]"),
        ("7", "q", "'Age'"),
        ("8", "q", "[" * 60000),
        ("9", "q", "['" + "x" * 70000 + "']"),
        ("x", "q", "['Age']"),
        ("11", "", "['Age']"),
    ]
    path.write_text('"Index","User Query","Best Path"\n' + "".join('"{}","{}","{}"\n'.format(*row) for row in cells))
    found = list(read_library(path))
    assert found[:2] == [PublishedPath("why?", (0, 9), 0), PublishedPath("a plain query", (8,), 1)]
    bad = [item for item in found if isinstance(item, Problem)]
    assert [p.position for p in bad] == [f"line {n}" for n in range(4, 14)]
    reasons = ["not a Python literal", "not a text", "'Shoe Size' is no", "Age is in the path twice", "path is empty"]
    reasons += ["not a list", "not a Python literal", "over 64 kB", "not a whole number", "query is empty"]
    for problem, reason in zip(
        bad,
        reasons,
        strict=True,
    ):
        assert reason in problem.reason
        assert len(str(problem)) < 300


def test_an_index_without_numbers_is_counted(tmp_path: Path) -> None:
    path = tmp_path / "index.csv"
    path.write_text("User Query,Best Path\na,['Age']\nb,['Age']\n")
    assert [row.index for row in read_library(path) if isinstance(row, PublishedPath)] == [0, 1]


def test_agent_output_checks_the_length(tmp_path: Path) -> None:
    path = tmp_path / "agent.csv"
    path.write_text(
        "User Query,Attribute Path,Path Length\na,\"['Age', 'Gender']\",2\nb,[],0\nc,['Age'],3\nd,['Age'],\n"
    )
    found = list(read_agent_output(path))
    assert [row for row in found if isinstance(row, AgentRow)] == [
        AgentRow("a", (0, 1)),
        AgentRow("b", ()),
        AgentRow("d", (0,)),
    ]
    assert [str(p) for p in found if isinstance(p, Problem)] == [
        f"{path}, line 4: Path Length says '3', the path has 1"
    ]


def test_another_result_file_is_refused(tmp_path: Path) -> None:
    write_agent_output([AgentRow("a", (0,))], tmp_path / "x")
    with pytest.raises(FormatError, match="expected planner index, found agent output"):
        read_library(tmp_path / "x")


PUBLISHED = """\
1. Risk Sensitivity
Score: 4/5
Justification: sees 2 of 3 risks

**2. Emotional Empathy**
Score: **5/5**
3. Personalization
Score: 4/5
Comprehensive Score: 13/15"""
ONE_LINE = "Risk Sensitivity 4/5 | Empathy 5/5 | Personalization 4/5 | Comprehensive Score: 13/15"
NESTED = "{'Risk Sensitivity': 3, 'Emotional Empathy': {'score': 4}, 'Personalization': '5', 'Total': 12}"


@pytest.mark.parametrize(
    ("evaluation", "average", "dimensions", "score"),
    [
        (PUBLISHED, "4.333333333333333", (4, 5, 4), 13 / 3),
        (
            ONE_LINE,
            "4.33",
            (4, 5, 4),
            13 / 3,
        ),
        (PUBLISHED[:60], "0.3333333333333333", None, None),
        (PUBLISHED.removesuffix("13/15"), "0.33", None, None),
        (PUBLISHED.removesuffix("13/15"), "", (4, 5, 4), 13 / 3),
        (PUBLISHED.replace("13/15", "12/15"), "4", None, 4),
        ("Comprehensive Score: 9 / 15", "", None, 3),
        (
            NESTED,
            "",
            (3, 4, 5),
            4,
        ),
        ('{"risk_sensitivity": 3, "emotional_empathy": 3, "user_alignment": 3}', "3", (3, 3, 3), 3),
        ("{'risk_sensitivity': 9, 'total': 12}", "", None, 4),
        ("{'risk': " + "[" * 5000, "2", None, 2),
        ("no figures at all", "2.6666666666666665", None, 2.6666666666666665),
        ("no figures at all", "N/A", None, None),
        ("", "0", None, None),
        ("Comprehensive Score: 99/15", "", None, None),
        ("", "nan", None, None),
        ("", "7", None, None),
        ("Error: timeout", "N/A", None, None),
    ],
)
def test_judgements(
    evaluation: str, average: str, dimensions: tuple[float, float, float] | None, score: float | None
) -> None:
    found = judgement(evaluation, average)
    assert found.dimensions == dimensions
    assert found.score == (None if score is None else pytest.approx(score))
    assert bool(found.failure) == (score is None)


def test_judged_rows_of_other_scripts_are_read(tmp_path: Path) -> None:
    path = tmp_path / "judged.csv"
    path.write_text(
        "Scenario,Background,User Query,Step 1,Evaluation Step 1,Average Score Step 1,Step 2 Response\n"
        "Scenario 1-1,Age: 30,{'query_id': 'why?'},because,Comprehensive Score: 12/15,4.0,x\n"
    )
    assert list(read_judged_output(path)) == [
        JudgedRow("Scenario 1-1", "Age: 30", "why?", "because", "Comprehensive Score: 12/15", None, 4.0)
    ]


def test_what_the_authors_scripts_read_stands_in_our_texts() -> None:
    assert evaluation_text((4, 13 / 3, 5)).endswith("Comprehensive Score: 13/15")
    assert background_text(Profile(("30", *[None] * 8, "Calm"))).startswith("Age: 30, Gender: Not specified, ")
    assert background_text(Profile(("30", *[None] * 8, "Calm"))).endswith(
        "Past Self-Harm History: Not specified. Emotional State: Calm."
    )


def test_the_published_index_comes_back_byte_for_byte(tmp_path: Path) -> None:
    folder = os.environ.get("WORKBENCH_PENGUIN_SAMPLE")
    if not folder or not Path(folder).is_dir():
        pytest.skip("WORKBENCH_PENGUIN_SAMPLE names no folder")
    published = Path(folder) / "MCTS_path.csv"
    rows = list(read_library(published))
    assert len(rows) == 20
    write_library([row for row in rows if isinstance(row, PublishedPath)], tmp_path / "x")
    assert (tmp_path / "x").read_bytes() == published.read_bytes()
