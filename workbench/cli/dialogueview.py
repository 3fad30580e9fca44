"""A dialogue as text: what was said, what is known from it, and how the answer was judged."""

import os
import re
import shutil
import sys
import textwrap
from collections.abc import Mapping
from typing import Any

from simulator.world import DIMENSIONS
from themes import status
from workbench.text import plain

_LABEL = re.compile(r" *(Query|Agent|User)  +")
"""Who speaks; what they say is wrapped beside it."""


def print_dialogue(row: Mapping[str, Any]) -> None:
    """Print one dialogue (a row of `storage.readers.dialogue_rows` with its verdicts) for people."""
    unicode = (sys.stdout.encoding or "").lower().startswith("utf")
    heading = [
        row["scenario_id"],
        row["domain"],
        f"run {row['run']}",
        f"world: {row['world']}",
        row["model"],
        f"arm {row['arm']}",
        f"user {row['persona'] or 'not stated'}",
    ]
    lines = [" · ".join(heading), "", f"Query  {row['query']}", ""]
    if row["crisis"]:
        lines.append(f"{status('crisis').label(unicode=unicode)}: immediate danger, so no questions were asked")
    for neighbour in row["neighbours"]:
        score = "published" if neighbour["score"] is None else f"{neighbour['score']:.2f}"
        lines.append(f"  planned {' > '.join(neighbour['path'])} ({score}, distance {neighbour['distance']:.2f})")
    for turn in row["turns"]:
        lines += _turn(turn, row["threshold"], unicode)
    rating = "–" if row["completeness"] is None else f"{row['completeness']}/5 (stop at {row['threshold']})"
    given = "not stated" if row["given"] is None else ", ".join(row["given"]) or "nothing"
    lines += [
        "",
        f"{row['questions']} questions, ended: {row['ending'] or 'not stated'}, completeness {rating}",
        f"given: {given}",
    ]
    lines += [f"unreadable: {line}" for line in row["invalid"]]
    lines += ["", "Response", "", *plain(row["response"] or "none", lines=True).splitlines(), ""]
    for verdict in row["verdicts"]:
        if verdict["failed"]:
            lines.append(f"judge {verdict['judge']} ({row['world']}): failed: {verdict['error']}")
        else:
            parts = ", ".join(f"{name.replace('_', ' ')} {verdict[name]:g}" for name in DIMENSIONS)
            lines.append(f"judge {verdict['judge']} ({row['world']}): {verdict['score']:.2f} = {parts}")
    encoding = sys.stdout.encoding or "utf-8"
    for line in lines:
        for part in _wrapped(plain(line, lines=False) if line.strip() else ""):
            sys.stdout.write(part.encode(encoding, "replace").decode(encoding) + "\n")


def _wrapped(line: str) -> list[str]:
    """Break a line between words where it is read at a width; what is piped stays whole."""
    if not (sys.stdout.isatty() or "COLUMNS" in os.environ):
        return [line]
    label = _LABEL.match(line)
    indent = " " * (len(label[0]) if label else len(line) - len(line.lstrip()))
    width = max(20, shutil.get_terminal_size().columns)
    return textwrap.wrap(line, width, subsequent_indent=indent, break_on_hyphens=False) or [""]


def _turn(turn: Mapping[str, Any], threshold: int | None, unicode: bool) -> list[str]:
    if turn["question"] is None:  # an imported path: what was asked about is all that the file says
        return [f"  [{turn['step'] + 1}] {turn['attribute']}"]
    rating = "unreadable" if turn["completeness"] is None else f"{turn['completeness']}/5"
    score = "" if turn["score"] is None else f", score if it stopped here {turn['score']:.2f}"
    source = f"{turn['attribute']}: {turn['truth'] or 'unknown'}"
    return [
        "",
        f"  [{turn['step'] + 1}] completeness {rating} (stop at {threshold}){score}",
        f"  Agent  {turn['question']}",
        f"  User   {turn['reply']}",
        f"         {status(turn['status']).label(unicode=unicode)} · {source}",
    ]
