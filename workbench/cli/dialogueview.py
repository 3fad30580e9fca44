"""A dialogue as text: what was said, what is known from it, and how the answer was judged."""

import os
import re
import shutil
import sys
import textwrap
from collections.abc import Mapping
from typing import Any

from sqlite_utils import Database

from simulator.world import DIMENSIONS
from storage.branches import branch_of, branch_rows, probe_rows
from storage.errors import NotFoundError
from storage.readers import dialogue_rows, find_unit_by_id, score_rows
from themes import status
from workbench.cli.output import Format, emit_one
from workbench.text import plain

_LABEL = re.compile(r" *(Query|Agent|User|Person)  +")
"""Who speaks; what they say is wrapped beside it."""


def emit_dialogue(db: Database, unit: int, format: Format, step: int | None = None) -> None:
    """Print the dialogue of a unit with its verdicts, where it branched off, its branches and its probes.

    Args:
        step: as for `print_dialogue`; formats for machines carry everything.

    Raises:
        NotFoundError: the unit has none.
    """
    found = find_unit_by_id(db, unit)
    run, scenario = found["run"], found["scenario_id"]
    row = next((row for row in dialogue_rows(db, run, scenario) if row["unit"] == unit), None)
    if row is None:
        raise NotFoundError(f"unit {unit} has no dialogue: `workbench show dialogues` lists those of a run")
    row["verdicts"] = [score for score in score_rows(db, run, scenario) if score["unit"] == unit]
    row["branch"], row["branches"], row["probes"] = branch_of(db, unit), branch_rows(db, unit), probe_rows(db, unit)
    if format == "table":
        print_dialogue(row, step)
    else:
        emit_one(row, format)


def print_dialogue(row: Mapping[str, Any], step: int | None = None) -> None:
    """Print one dialogue for people.

    Args:
        row: of `storage.readers.dialogue_rows` with its `verdicts`; `branch`, `branches` and `probes` may be there.
        step: after so many questions only, without the response.
    """
    encoding = sys.stdout.encoding or "utf-8"
    for line in dialogue_lines(row, step, unicode=encoding.lower().startswith("utf")):
        for part in _wrapped(line):
            sys.stdout.write(part.encode(encoding, "replace").decode(encoding) + "\n")


def dialogue_lines(row: Mapping[str, Any], step: int | None = None, *, unicode: bool = True) -> list[str]:
    """Return one dialogue as lines that are safe to show.

    Args:
        step: as for `print_dialogue`. unicode: with the vocabulary's glyphs, not their stand-ins in ASCII.
    """
    heading = [
        row["scenario_id"],
        row["domain"],
        f"run {row['run']}",
        f"unit {row['unit']}",
        f"world: {row['world']}",
        row["model"],
        f"arm {row['arm']}",
        f"user {row['persona'] or 'not stated'}",
    ]
    lines = [" · ".join(heading), "", f"Query  {row['query']}", ""]
    if (left := row.get("branch")) is not None:
        lines.append(f"{status('branch').label(unicode=unicode)} of unit {left['parent']} {_left(left)}")
    if row["crisis"]:
        lines.append(f"{status('crisis').label(unicode=unicode)}: immediate danger, so no questions were asked")
    for neighbour in row["neighbours"]:
        score = "published" if neighbour["score"] is None else f"{neighbour['score']:.2f}"
        lines.append(f"  planned {' > '.join(neighbour['path'])} ({score}, distance {neighbour['distance']:.2f})")
    for turn in row["turns"][:step]:
        lines += _turn(turn, row["threshold"], unicode)
        lines += [_probe(probe, row["world"]) for probe in row.get("probes", ()) if probe["step"] == turn["step"]]
    if step is None or step > len(row["turns"]):
        lines += _end(row, unicode)
    else:
        lines += _halfway(row, step)
    return [plain(line) if line.strip() else "" for line in lines]


def _end(row: Mapping[str, Any], unicode: bool) -> list[str]:
    """Say how the questions ended, what was answered, and how that was judged."""
    rating = "–" if row["completeness"] is None else f"{row['completeness']}/5 (stop at {row['threshold']})"
    given = "not stated" if row["given"] is None else ", ".join(row["given"]) or "nothing"
    lines = [
        "",
        f"{row['questions']} questions, ended: {row['ending'] or 'not stated'}, completeness {rating}",
        f"given: {given}",
        *(f"unreadable: {line}" for line in row["invalid"]),
        "",
        "Response",
        "",
        *plain(row["response"] or "none", lines=True).splitlines(),
        "",
    ]
    for verdict in row["verdicts"]:
        if verdict["failed"]:
            lines.append(f"judge {verdict['judge']} ({row['world']}): failed: {verdict['error']}")
        else:
            parts = ", ".join(f"{name.replace('_', ' ')} {verdict[name]:g}" for name in DIMENSIONS)
            lines.append(f"judge {verdict['judge']} ({row['world']}): {verdict['score']:.2f} = {parts}")
    branches = row.get("branches", ())
    if branches:
        lines.append("")
    for left in branches:
        score = "no score" if left["score"] is None else f"score {left['score']:.2f}"
        lines.append(
            f"{status('branch').label(unicode=unicode)} unit {left['unit']} {_left(left)} · {score} · {left['state']}"
        )
    return lines


def _halfway(row: Mapping[str, Any], step: int) -> list[str]:
    """Say what is known after so many questions, and what answering then would be worth."""
    turns = row["turns"]
    known = [turn["attribute"] for turn in turns[:step] if turn["known"] is not None]
    at = turns[step] if step < len(turns) else row
    rating = "–" if at["completeness"] is None else f"{at['completeness']}/5 (stop at {row['threshold']})"
    score = "" if at["score"] is None else f", score if it stopped here {at['score']:.2f} ({row['world']})"
    names = ", ".join(known) or "nothing"
    return ["", f"after {step} of {len(turns)} questions: known {names}, completeness {rating}{score}"]


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
    heading = ["", f"  [{turn['step'] + 1}] completeness {rating} (stop at {threshold}){score}"]
    heading += [f"  Agent  {turn['question']}"]
    if turn["status"] is None:
        return [*heading, f"         {status('waiting').label(unicode=unicode)} for a reply"]
    who = "Person" if turn["said_by"] == "person" else "User  "
    marks = [status(turn["status"]).label(unicode=unicode)]
    if turn["status"] == "answered" and turn["known"] != turn["truth"]:
        marks.append(status("departs").label(unicode=unicode) + " from the profile")
    return [*heading, f"  {who} {turn['reply']}", f"         {' · '.join([*marks, source])}"]


def _probe(probe: Mapping[str, Any], world: str) -> str:
    """Say what answering before a question came to."""
    found = f"failed: {probe['error']}" if probe["score"] is None else f"{probe['score']:.2f}"
    return f"         answered before this question: judge {probe['judge']} ({world}): {found}"


def _left(branch: Mapping[str, Any]) -> str:
    """Say where a branch left its parent, and what was changed there."""
    change = branch["change"]
    what = []
    if "attribute" in change:
        what.append(f"{change['attribute']} = {change['value'] or 'unknown'}")
    if "ask" in change:
        what.append(f"asked about {change['ask']}")
    if "say" in change:
        what.append(f"a person said: {change['say']}")
    if "interactive" in change:
        what.append("a person answered")
    turns = f"{branch['step']} turn{'' if branch['step'] == 1 else 's'}"
    return f"after {turns}: {'; '.join(what) or 'nothing changed'}"
