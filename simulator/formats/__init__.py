"""Readers and writers of PENGUIN's published formats and of our own scenario lines (raise.md, section 2)."""

from simulator.formats.detection import Format, detect
from simulator.formats.judgements import background_text, evaluation_text
from simulator.formats.problems import FormatError, Problem
from simulator.formats.reading import read_domain_map, read_scenarios
from simulator.formats.results import (
    AgentRow,
    JudgedRow,
    PublishedPath,
    read_agent_output,
    read_judged_output,
    read_library,
    write_agent_output,
    write_judged_output,
    write_library,
)
from simulator.formats.writing import WRITERS, write_grouped, write_profiles_and_queries, write_scenarios

__all__ = [
    "WRITERS",
    "AgentRow",
    "Format",
    "FormatError",
    "JudgedRow",
    "Problem",
    "PublishedPath",
    "background_text",
    "detect",
    "evaluation_text",
    "read_agent_output",
    "read_domain_map",
    "read_judged_output",
    "read_library",
    "read_scenarios",
    "write_agent_output",
    "write_grouped",
    "write_judged_output",
    "write_library",
    "write_profiles_and_queries",
    "write_scenarios",
]
