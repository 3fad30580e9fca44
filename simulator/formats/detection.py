"""Which of the published formats a file has, told from its content (raise.md, section 2)."""

from enum import StrEnum
from itertools import islice
from pathlib import Path

from simulator.attributes import attribute_index
from simulator.formats.problems import FormatError, Problem
from simulator.formats.records import Record, container_of, read_records

_LOOKED_AT = 20
"""Records looked at before a file counts as unknown: the first ones may be damaged."""


class Format(StrEnum):
    """What a file's records are; which container holds them (JSON, JSONL, CSV, Parquet) is another matter.

    Members:
        PROFILES: people (`Scenario` + the ten attributes), to be joined with QUERIES by position.
        QUERIES: queries, form 1: `{"query_id": "<text>"}`.
        GROUPED: queries, form 2: `{"Scenario", "User_Profile", "Queries"}`.
        DATASET: dataset rows: `query, scenario, source` and snake_case attributes.
        SCENARIOS: our own: what `Scenario.to_dict` returns.
        PLANNER_INDEX, AGENT_OUTPUT, JUDGED_OUTPUT: the authors' result files.
    """

    PROFILES = "profiles"
    QUERIES = "queries"
    GROUPED = "grouped"
    DATASET = "dataset"
    SCENARIOS = "scenarios"
    PLANNER_INDEX = "planner-index"
    AGENT_OUTPUT = "agent-output"
    JUDGED_OUTPUT = "judged-output"


_MARKS: tuple[tuple[frozenset[str], Format], ...] = (
    (frozenset({"user query", "best path"}), Format.PLANNER_INDEX),
    (frozenset({"user query", "attribute path"}), Format.AGENT_OUTPUT),
    (frozenset({"user query", "evaluation step 1"}), Format.JUDGED_OUTPUT),
    (frozenset({"user query", "average score step 1"}), Format.JUDGED_OUTPUT),
    (frozenset({"user_profile", "queries"}), Format.GROUPED),
    (frozenset({"query_id"}), Format.QUERIES),
    (frozenset({"query", "profile"}), Format.SCENARIOS),
    (frozenset({"query"}), Format.DATASET),
)
"""Keys that give a format away, the more telling ones first; any attribute without them is a profile."""

_EXPECTED = (
    "expected profiles, queries (query_id, or User_Profile with Queries), dataset rows (query …), scenarios, "
    "a planner index, agent output or judged output"
)


def detect(path: Path) -> Format:
    """Tell a file's format from its first records.

    Raises:
        FormatError: it can't be read, holds no records, or records of no known format.
    """
    container = container_of(path)
    problem: Problem | None = None
    for item in islice(read_records(path), _LOOKED_AT):
        if isinstance(item, Record):
            if (found := _format_of(item)) is not None:
                return found
            problem = problem or Problem(str(path), item.position, "no keys or columns of a known format")
        else:
            problem = problem or item
    if problem is None:
        raise FormatError(path, f"the file holds no records; {_EXPECTED}")
    if container == "jsonl" and problem.position == "line 1" and problem.reason.startswith("not valid JSON"):
        raise FormatError(path, f"neither a JSON array nor one JSON object a line; {_EXPECTED}")
    raise FormatError(path, f"{problem.reason}; {_EXPECTED}", problem.position)


def _format_of(record: Record) -> Format | None:
    keys = record.data.keys()
    for marks, found in _MARKS:
        if marks <= keys:
            return found
    return Format.PROFILES if any(attribute_index(key) is not None for key in keys) else None
