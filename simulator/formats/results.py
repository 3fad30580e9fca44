"""The authors' result files: planner index, agent output, judged output (experiments.md, "Published result files").

Reading needs `User Query` and the column that names the format; a missing `Index` is counted, other columns are
ignored. Written files look as the authors' scripts write them and read them.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from simulator.formats.detection import Format, detect
from simulator.formats.judgements import judgement
from simulator.formats.literals import parse_path, parse_query, plain_query, write_path, write_query
from simulator.formats.output import write_csv
from simulator.formats.problems import FormatError, Problem, excerpt
from simulator.formats.reading import readable
from simulator.formats.records import text

_Row = TypeVar("_Row")


@dataclass(frozen=True, slots=True)
class PublishedPath:
    """A row of the planner index.

    Fields:
        query: the text of the query.
        path: attribute indices in the order to ask, at least one.
        index: the row's own number.
        position: where it was read, as in `Problem`; not part of what it is.
    """

    query: str
    path: tuple[int, ...]
    index: int
    position: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class AgentRow:
    """A row of the agent output: what an agent asked about for a query, in order; maybe nothing."""

    query: str
    path: tuple[int, ...]
    position: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class JudgedRow:
    """A row of the judged output.

    Fields:
        label: the `Scenario` cell, `Scenario <profile>-<query>` counted from 1 in the authors' files.
        background: the profile in words, as the judge saw it.
        query, response: what was asked and answered.
        evaluation: the judge's text, as it was.
        dimensions: `[3]`, 1-5 each, in the order of `simulator.world.DIMENSIONS`; None where they can't be read.
        score: 1-5, total / 3; None where the judgement failed.
        failure: why there is no score; empty where there is one.
    """

    label: str
    background: str
    query: str
    response: str
    evaluation: str
    dimensions: tuple[float, float, float] | None
    score: float | None
    failure: str = ""
    position: str = field(default="", compare=False)


def read_library(path: Path) -> Iterator[PublishedPath | Problem]:
    """Stream a planner index.

    Raises:
        FormatError: at once, where the file is none.
    """

    def build(data: Mapping[str, Any], position: str, number: int) -> PublishedPath:
        index = text(data.get("index", str(number)), "Index")
        if not (index.isascii() and index.isdecimal()) or len(index) > 18:
            raise ValueError(f"Index {excerpt(index)} is not a whole number")
        attributes = parse_path(text(data["best path"], "Best Path"))
        if not attributes:
            raise ValueError("the path is empty")
        return PublishedPath(parse_query(text(data["user query"], "User Query")), attributes, int(index), position)

    return _read(path, Format.PLANNER_INDEX, build)


def read_agent_output(path: Path) -> Iterator[AgentRow | Problem]:
    """Stream an agent output.

    Raises:
        FormatError: at once, where the file is none.
    """

    def build(data: Mapping[str, Any], position: str, _: int) -> AgentRow:
        attributes = parse_path(text(data["attribute path"], "Attribute Path"))
        length = text(data.get("path length", ""), "Path Length").strip()
        if length not in ("", str(len(attributes))):
            raise ValueError(f"Path Length says {excerpt(length)}, the path has {len(attributes)}")
        return AgentRow(parse_query(text(data["user query"], "User Query")), attributes, position)

    return _read(path, Format.AGENT_OUTPUT, build)


def read_judged_output(path: Path) -> Iterator[JudgedRow | Problem]:
    """Stream a judged output; a judgement that failed is a row without a score, not a problem.

    Raises:
        FormatError: at once, where the file is none.
    """

    def build(data: Mapping[str, Any], position: str, _: int) -> JudgedRow:
        def cell(column: str) -> str:
            return text(data.get(column, ""), column)

        evaluation = cell("evaluation step 1")
        verdict = judgement(evaluation, cell("average score step 1"))
        return JudgedRow(
            label=cell("scenario"),
            background=cell("background"),
            query=parse_query(cell("user query")),
            response=cell("step 1 response" if "step 1 response" in data else "step 1"),
            evaluation=evaluation,
            dimensions=verdict.dimensions,
            score=verdict.score,
            failure=verdict.failure,
            position=position,
        )

    return _read(path, Format.JUDGED_OUTPUT, build)


def _read(
    path: Path, expected: Format, build: Callable[[Mapping[str, Any], str, int], _Row]
) -> Iterator[_Row | Problem]:
    found = detect(path)
    if found is not expected:
        raise FormatError(path, f"expected {expected.replace('-', ' ')}, found {found.replace('-', ' ')}")

    def rows() -> Iterator[_Row | Problem]:
        for number, item in enumerate(readable(path)):
            if isinstance(item, Problem):
                yield item
                continue
            try:
                yield build(item.data, item.position, number)
            except KeyError as error:
                yield Problem(str(path), item.position, f"no {error.args[0]}")
            except ValueError as error:
                yield Problem(str(path), item.position, str(error))

    return rows()


def write_library(rows: Iterable[PublishedPath], path: Path) -> None:
    """Write a planner index. Scores, models and the like have no place in it."""
    cells = ((row.index, write_query(row.query), write_path(row.path)) for row in rows)
    write_csv(path, ("Index", "User Query", "Best Path"), cells)


def write_agent_output(rows: Iterable[AgentRow], path: Path) -> None:
    """Write an agent output. Replies and how a dialogue ended have no place in it."""
    cells = ((plain_query(row.query), write_path(row.path), len(row.path)) for row in rows)
    write_csv(path, ("User Query", "Attribute Path", "Path Length"), cells)


def write_judged_output(rows: Iterable[JudgedRow], path: Path) -> None:
    """Write a judged output; a failed judgement gets the authors' `N/A`. Which judge and model has no place in it."""
    cells = (
        (
            row.label,
            row.background,
            plain_query(row.query),
            row.response,
            row.evaluation,
            "N/A" if row.score is None else row.score,
        )
        for row in rows
    )
    columns = ("Scenario", "Background", "User Query", "Step 1 Response", "Evaluation Step 1", "Average Score Step 1")
    write_csv(path, columns, cells)
