"""Dialogues as rows, without a run."""

from typing import Any

from simulator.attributes import NAMES
from workbench.app.state.dialogues.dialogues import Column, column

HOSTILE = "\x1b[31m[bold]no markup[/bold]\x1b]0;title\x07\r\n\u202eabc"


def turn(attribute: str, **values: Any) -> dict[str, Any]:
    """Return a stored turn, answered truthfully unless `values` say otherwise."""
    return {
        "attribute": attribute,
        "completeness": 1,
        "question": f"What about {attribute}?",
        "reason": "it helps",
        "chosen_by": "model",
        "status": "answered",
        "reply": f"My {attribute}.",
        "known": "so",
        "truth": "so",
        "score": 3.0,
        "said_by": "user",
        **values,
    }


def row(*turns: dict[str, Any], unit: int = 1, **values: Any) -> dict[str, Any]:
    """Return a dialogue as `storage.dialogues.replay` gives it."""
    return {
        "unit": unit,
        "run": "r",
        "scenario_id": "s" * 16,
        "model": "m",
        "arm": "agent",
        "state": "done",
        "error": None,
        "world": "surrogate",
        "domain": "Health",
        "query": "What now?",
        "profile": dict.fromkeys(NAMES, "so"),
        "turns": list(turns),
        "branch": None,
        "branches": [],
        "probes": [],
        "crisis": 0,
        "questions": len(turns),
        "ending": "sufficient",
        "completeness": 4,
        "threshold": 4,
        "persona": "cooperative",
        "library": None,
        "leaky": 0,
        "score": 4.0,
        "neighbours": [],
        "invalid": [],
        "response": "Take care.",
        "style": "instruction",
        "given": [],
        "given_partially": [],
        "verdicts": [],
        **values,
    }


def dialogue(*asked: str, unit: int = 1, **values: Any) -> Column:
    """Return a column that asked about these attributes."""
    return column(row(*(turn(name) for name in asked), unit=unit, **values))
