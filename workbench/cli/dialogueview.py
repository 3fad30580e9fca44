"""A dialogue as text: what was said, what is known from it, and how the answer was judged."""

import os
import re
import shutil
import sys
import textwrap
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import Any

from rich.cells import cell_len

from simulator.world import DIMENSIONS
from storage.branches import branch_of, branch_rows, probe_rows
from storage.errors import NotFoundError
from storage.readers import dialogue_rows, find_unit_by_id, score_rows
from storage.sqlite import Database
from themes import status
from workbench.cli.output import Format, emit, emit_one
from workbench.text import counted, plain

_LABEL = re.compile(r" *(Query|Agent|User|Person)  +")
"""Who speaks; what they say is wrapped beside it."""

_COLUMN = 50
"""Cells that a dialogue beside another takes at least."""


def emit_dialogues(db: Database, units: Sequence[int], format: Format, step: int | None = None) -> None:
    """Print the dialogues of units with their verdicts, where they branched off, their branches and their probes.

    Several stand beside each other where the terminal is wide enough, each turn level with the others' turn; else one
    stands after the other.

    Args:
        step: after so many questions only, without the response; formats for machines carry everything.

    Raises:
        NotFoundError: a unit has none.
    """
    rows = [_row(db, unit) for unit in units]
    if format != "table":
        emit_one(rows[0], format) if len(rows) == 1 else emit(rows, format)
        return
    encoding = sys.stdout.encoding or "utf-8"
    unicode = encoding.lower().startswith("utf")
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() or "COLUMNS" in os.environ else None
    parts = [dialogue_parts(row, step, unicode=unicode) for row in rows]
    if len(rows) > 1 and width is not None and width >= _COLUMN * len(rows):
        lines = beside_each_other(parts, width)
    else:
        whole = [[line for part in each for line in part] for each in parts]
        lines = whole[0] + [line for each in whole[1:] for line in ("", *each)]
        lines = lines if width is None else [part for line in lines for part in wrapped(line, max(20, width))]
    for line in lines:
        sys.stdout.write(line.encode(encoding, "replace").decode(encoding) + "\n")


def _row(db: Database, unit: int) -> dict[str, Any]:
    found = find_unit_by_id(db, unit)
    run, scenario = found["run"], found["scenario_id"]
    row = next((row for row in dialogue_rows(db, run, scenario) if row["unit"] == unit), None)
    if row is None:
        raise NotFoundError(f"unit {unit} has no dialogue: `workbench show dialogues` lists those of a run")
    row["verdicts"] = [score for score in score_rows(db, run, scenario) if score["unit"] == unit]
    row["branch"], row["branches"], row["probes"] = branch_of(db, unit), branch_rows(db, unit), probe_rows(db, unit)
    return row


def beside_each_other(dialogues: Sequence[Sequence[Sequence[str]]], width: int) -> list[str]:
    """Set dialogues side by side in `width` cells.

    Args:
        dialogues: the parts of each (`dialogue_parts`): what comes before the turns, the turns, what comes after.
    """
    room = (width + 3) // len(dialogues) - 3
    most = max(len(parts) for parts in dialogues)
    # The last part is the end, whatever the number of turns.
    levelled = [[*parts[:-1], *[()] * (most - len(parts)), parts[-1]] for parts in dialogues]
    lines = []
    for level in zip(*levelled, strict=True):
        columns = [[cells for line in part for cells in wrapped(line, room)] for part in level]
        for texts in zip_longest(*columns, fillvalue=""):
            padded = (text + " " * (room - cell_len(text)) for text in texts)
            lines.append(" │ ".join(padded).rstrip(" "))
    return lines


def dialogue_lines(row: Mapping[str, Any], step: int | None = None, *, unicode: bool = True) -> list[str]:
    """Return one dialogue as lines that are safe to show; see `dialogue_parts`."""
    return [line for part in dialogue_parts(row, step, unicode=unicode) for line in part]


def dialogue_parts(row: Mapping[str, Any], step: int | None = None, *, unicode: bool = True) -> list[list[str]]:
    """Return one dialogue as lines that are safe to show: what comes before the turns, each turn, what comes after.

    Args:
        row: of `storage.readers.dialogue_rows` with its `verdicts`; `branch`, `branches` and `probes` may be there.
        step: after so many questions only, without the response.
        unicode: with the vocabulary's glyphs, not their stand-ins in ASCII.
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
    parts = [lines]
    for turn in row["turns"][:step]:
        probes = [_probe(probe, row["world"]) for probe in row.get("probes", ()) if probe["step"] == turn["step"]]
        parts.append(_turn(turn, row["threshold"], unicode) + probes)
    parts.append(_end(row, unicode) if step is None or step > len(row["turns"]) else _halfway(row, step))
    return [[plain(line) if line.strip() else "" for line in part] for part in parts]


def _end(row: Mapping[str, Any], unicode: bool) -> list[str]:
    """Say how the questions ended, what was answered, and how that was judged."""
    rating = "–" if row["completeness"] is None else f"{row['completeness']}/5 (stop at {row['threshold']})"
    given = "not stated" if row["given"] is None else ", ".join(row["given"]) or "nothing"
    lines = [
        "",
        f"{counted(row['questions'], 'question')}, ended: {row['ending'] or 'not stated'}, completeness {rating}",
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
    return ["", f"after {step} of {counted(len(turns), 'question')}: known {names}, completeness {rating}{score}"]


def wrapped(line: str, width: int) -> list[str]:
    """Break a line of safe text between words, so that what somebody says stands beside who says it."""
    label = _LABEL.match(line)
    indent = " " * (len(label[0]) if label else len(line) - len(line.lstrip()))
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
    return f"after {counted(branch['step'], 'turn')}: {'; '.join(what) or 'nothing changed'}"
