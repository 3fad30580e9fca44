"""Runs and their units in the database: claiming a run, and writing what its units found.

Everything here expects to be called inside `storage.database.transaction`, except `claim`, which is one itself.
"""

import json
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, NamedTuple

from planner.trace import pack
from simulator.agent import Asked
from simulator.dialogue import Reply, Turn
from simulator.world import DIMENSIONS
from storage import commands
from storage.clock import now as now
from storage.database import transaction
from storage.errors import StorageError
from storage.records import SearchRecord, TrialRecord
from storage.sqlite import Database

UnitKind = Literal["search", "trial"]

RunKind = Literal["run", "plan", "branch", "build", "judge"]
"""What was done here: an experiment, searches on their own, a dialogue that a person took over, scenarios that models
built, or stored responses judged again. (Files: import.)"""


class UnitKey(NamedTuple):
    """What makes a unit of a run itself: a search (arm = the planner) or a trial (arm = vanilla, agent …)."""

    kind: UnitKind
    scenario: str
    model: str
    arm: str


class Owner(NamedTuple):
    """The process that works on a run. Host, pid and the process's start time together never repeat."""

    host: str
    pid: int
    started: str


@dataclass(frozen=True, slots=True)
class RunSpec:
    """What a run is before it starts.

    Fields:
        identity: SHA-256 of the normalised experiment; the same identity is the same run.
        experiment: JSON of the normalised experiment; settings: JSON of what explains the run but is not in it.
        kind: what is done.
    """

    identity: str
    world: str
    world_version: str
    seed: int
    experiment: str
    settings: str
    code_version: str
    kind: RunKind = "run"


@dataclass(frozen=True, slots=True)
class Claim:
    """A run that this process may work on.

    Fields:
        run: its id.
        state: new, resumed (unfinished before), or finished (nothing is to be done).
        units: unit key -> (id, state), for every unit of the run.
    """

    run: str
    state: Literal["new", "resumed", "finished"]
    units: dict[UnitKey, tuple[int, str]]


class OwnedError(StorageError):
    """A live process works on the run already."""


def claim(
    db: Database,
    spec: RunSpec,
    units: Iterable[UnitKey],
    owner: Owner,
    *,
    is_alive: Callable[[Owner, float], bool],
    new: bool = False,
    retry_failed: bool = False,
    log: str | None = None,
) -> Claim:
    """Start the run of an experiment, or take up the one that was cut off.

    Args:
        is_alive: tells from an owner and its last heartbeat (seconds since the epoch) whether it still works.
        new: start another run though there is one with the same identity.
        retry_failed: make the failed units of a finished run pending again.
        log: where a detached process writes what it says; whoever launched it finds the run by that, finished or not.

    Raises:
        OwnedError: a live process works on it.
    """
    with transaction(db):
        runs = list(db.query("select * from runs where identity = ? order by rowid", [spec.identity]))
        if not runs or new:
            run = spec.identity[:8] + (f"-{len(runs) + 1}" if runs else "")
            insert_run(db, run, spec, owner, units, log)
            return Claim(run, "new", _units(db, run))
        row = runs[-1]
        run = row["id"]
        if row["state"] == "running":
            other = Owner(row["owner_host"], row["owner_pid"], row["owner_started"])
            if is_alive(other, row["heartbeat"]):
                advice = ", stop it, or start another run with --new" if spec.kind == "run" else " or stop it"
                raise OwnedError(
                    f"run {run} is being worked on by process {other.pid} on {other.host}: wait for it{advice}"
                )
        states = ("running", "failed") if retry_failed else ("running", "running")
        again = db.conn.execute("select id from units where run = ? and state in (?, ?)", [run, *states]).fetchall()
        if row["state"] == "done" and not again:
            if log is not None:
                set_log(db, run, log)
            return Claim(run, "finished", _units(db, run))
        for (unit,) in again:  # what was found so far goes, so that no half of it stays
            _forget(db, unit)
            db.conn.execute(
                "update units set state = 'pending', error = null, seconds = null, finished_at = null where id = ?",
                [unit],
            )
        db.conn.execute(
            "update runs set state = 'running', error = null, finished_at = null, owner_host = ?, owner_pid = ?, "
            "owner_started = ?, heartbeat = ?, paused = 0, held = null, breakpoints = null, log = ? where id = ?",
            [*owner, time.time(), log, run],
        )
        commands.refuse_waiting(db, target(run), "the process that was to do it has died")
        return Claim(run, "resumed", _units(db, run))


def insert_run(
    db: Database, run: str, spec: RunSpec, owner: Owner, units: Iterable[UnitKey], log: str | None = None
) -> None:
    """Write a run that begins now, its units pending."""
    _replace(
        db,
        "runs",
        {
            "id": run,
            "identity": spec.identity,
            "kind": spec.kind,
            "state": "running",
            "world": spec.world,
            "world_version": spec.world_version,
            "seed": spec.seed,
            "experiment": spec.experiment,
            "settings": spec.settings,
            "code_version": spec.code_version,
            "created_at": now(),
            "owner_host": owner.host,
            "owner_pid": owner.pid,
            "owner_started": owner.started,
            "heartbeat": time.time(),
            "paused": 0,
            "log": log,
        },
    )
    db.conn.executemany(
        "insert into units (run, kind, scenario, model, arm, state) values (?, ?, ?, ?, ?, 'pending')",
        ((run, *unit) for unit in units),
    )


def beat(db: Database, run: str) -> None:
    """Say that the owner is alive."""
    db.conn.execute("update runs set heartbeat = ? where id = ?", [time.time(), run])


def end_run(db: Database, run: str, state: Literal["done", "interrupted", "failed"], error: str | None = None) -> None:
    """Set a run's state when its process is through with it; commands that came too late are refused."""
    finished = now() if state != "interrupted" else None
    db.conn.execute(
        "update runs set state = ?, error = ?, finished_at = ?, paused = 0, held = null, breakpoints = null "
        "where id = ?",
        [state, error, finished, run],
    )
    commands.refuse_waiting(db, target(run), f"run {run} has ended")


def set_control(db: Database, run: str, held: str | None, breakpoints: str | None) -> None:
    """Say why a running run is held, in words after `paused`, and where it is to stop; None = it is not, nowhere."""
    db.conn.execute(
        "update runs set paused = ?, held = ?, breakpoints = ? where id = ?",
        [int(held is not None), held, breakpoints, run],
    )


def target(run: str) -> str:
    """Return what commands for a run are addressed to."""
    return f"run:{run}"


def set_log(db: Database, run: str, log: str) -> None:
    """Note where a detached process writes what it says, which found this run finished."""
    db.conn.execute("update runs set log = ? where id = ?", [log, run])


def set_library(db: Database, run: str, library: str) -> None:
    """Record the content hash of the path library that the run's trials use."""
    db.conn.execute("update runs set library = ? where id = ?", [library, run])


def save_running(db: Database, unit: int, trace: bytes) -> None:
    """Show a search that is under way: its trace so far. Readers of results never count it."""
    db.conn.execute("update units set state = 'running' where id = ?", [unit])
    db.conn.execute("insert or replace into searches (unit, trace) values (?, ?)", [unit, trace])


def save_search(db: Database, unit: int, record: SearchRecord, seconds: float) -> None:
    """Write the result of a search and finish its unit."""
    trace, best = record.trace, record.best
    _replace(
        db,
        "searches",
        {
            "unit": unit,
            "planner": record.planner,
            "rule": record.rule,
            "judge": record.judge,
            "available": trace.available,
            "depth": trace.depth,
            "rollouts": trace.rollouts,
            "failed_rollouts": trace.failed,
            "evaluations": trace.evaluations,
            "rankings": len(trace.states),
            "best_mask": best.mask,
            "best_path": json.dumps(best.path),
            "best_q": best.q,
            "best_visits": best.visits,
            "trace": pack(trace),
        },
    )
    _finish(db, unit, None, seconds)


def save_trial(db: Database, unit: int, record: TrialRecord, seconds: float) -> None:
    """Write the result of a trial and finish its unit; it is failed where a judge gave no verdict."""
    _forget(db, unit)
    if record.dialogue is not None:
        _save_dialogue(db, unit, record)
    response = record.response
    _replace(
        db,
        "responses",
        {
            "unit": unit,
            "text": response.text,
            "style": response.style,
            "full": response.full,
            "partial": response.partial,
            "owner": response.draw.owner,
            "purpose": response.draw.purpose,
            "sample": response.draw.sample,
            "score": record.response_score,
        },
    )
    if record.choice is not None:
        _replace(db, "choices", {"unit": unit, **asdict(record.choice)})
    for verdict in record.verdicts:
        _replace(
            db,
            "verdicts",
            {
                "unit": unit,
                "judge": verdict.judge,
                **dict(zip(DIMENSIONS, verdict.dimensions, strict=True)),
                "score": verdict.score,
                "repeats": verdict.repeats,
                "valid": verdict.valid,
                "rationale": verdict.rationale,
            },
        )
    for judge, why in record.failures.items():
        _replace(db, "verdicts", {"unit": unit, "judge": judge, "valid": 0, "error": why})
    _finish(db, unit, record.error, seconds)


def save_turn(db: Database, unit: int, step: int, asked: Turn | Asked, reply: Reply | None) -> None:
    """Write a question with its reply, None where it waits for one."""
    _replace(
        db,
        "turns",
        {
            "unit": unit,
            "step": step,
            "completeness": asked.completeness,
            "attribute": asked.question.attribute,
            "question": asked.question.text,
            "reason": asked.question.reason,
            "chosen_by": asked.chosen_by,
            "status": reply.status if reply else None,
            "reply": reply.text if reply else None,
            "known": reply.known if reply else None,
            "truth": reply.truth if reply else None,
            "score": asked.score,
            "said_by": reply.said_by if reply else None,
        },
    )


def fail_unit(db: Database, unit: int, error: str, seconds: float, judges: Sequence[str] = ()) -> None:
    """Record a unit that came to nothing. A trial has a failed verdict of every judge it was meant for."""
    _forget(db, unit)
    for judge in judges:
        _replace(db, "verdicts", {"unit": unit, "judge": judge, "valid": 0, "error": error})
    _finish(db, unit, error, seconds)


def _units(db: Database, run: str) -> dict[UnitKey, tuple[int, str]]:
    rows = db.conn.execute("select id, state, kind, scenario, model, arm from units where run = ? order by id", [run])
    return {UnitKey(*key): (unit, state) for unit, state, *key in rows}


def _save_dialogue(db: Database, unit: int, record: TrialRecord) -> None:
    dialogue = record.dialogue
    assert dialogue is not None
    _replace(
        db,
        "dialogues",
        {
            "unit": unit,
            "crisis": int(dialogue.crisis),
            "questions": len(dialogue.turns),
            "ending": dialogue.ending,
            "completeness": dialogue.completeness,
            "threshold": record.threshold,
            "persona": record.persona,
            "neighbours": json.dumps([n._asdict() for n in dialogue.neighbours], ensure_ascii=False),
            "library": record.library,
            "leaky": int(record.leaky),
            "invalid": json.dumps(dialogue.invalid, ensure_ascii=False),
            "score": dialogue.score,
        },
    )
    for step, turn in enumerate(dialogue.turns):
        save_turn(db, unit, step, turn, turn.reply)


def _finish(db: Database, unit: int, error: str | None, seconds: float) -> None:
    _execute(
        db,
        "update units set state = ?, error = ?, seconds = ?, finished_at = ? where id = ?",
        ["failed" if error else "done", error, seconds, now(), unit],
    )


def _forget(db: Database, unit: int) -> None:
    for table in ("searches", "dialogues", "turns", "responses", "choices", "verdicts", "probes"):
        db.conn.execute(f"delete from {table} where unit = ?", [unit])  # noqa: S608 - names from the line above


def _replace(db: Database, table: str, row: dict[str, Any]) -> None:
    # sqlite-utils' own insert opens a savepoint and inspects the table for each row; this runs 100,000 times a batch.
    names, marks = ", ".join(row), ", ".join("?" * len(row))
    _execute(db, f"insert or replace into {table} ({names}) values ({marks})", list(row.values()))  # noqa: S608


def _execute(db: Database, sql: str, values: list[Any]) -> None:
    try:
        db.conn.execute(sql, values)
    except UnicodeEncodeError:  # half of a surrogate pair, from a model's JSON escapes: no reason to lose the rest
        db.conn.execute(sql, [v.encode(errors="replace").decode() if isinstance(v, str) else v for v in values])
